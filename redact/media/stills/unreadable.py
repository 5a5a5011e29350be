"""Why a file cannot be read as a picture: what it is instead, if its first bytes tell."""

from __future__ import annotations

from pathlib import Path

from redact.errors import RedactError, UnreadableInputError, UnsupportedInputError
from redact.media.stills import jpeg, photoshop

_EBML = b"\x1a\x45\xdf\xa3"

_VIDEO_BRANDS = (b"3g", b"M4V", b"XAVC", b"avc1", b"dash", b"iso", b"mmp4", b"mp4", b"qt  ")
"""How the main brands of MP4 and QuickTime files begin; those of HEIC and AVIF do not."""


def unreadable(data: bytes, why: str, path: Path) -> RedactError:
    """The error for a file that nobody here decodes; a kind that is not supported is named."""
    if reason := jpeg.why_unreadable(data) or photoshop.why_unreadable(data):
        return UnsupportedInputError(reason, path, "save it as PNG")
    if suffix := _suffix_of_video(data):
        problem = f"this is no picture: what is in it is a video of the kind {suffix}"
        return UnreadableInputError(problem, path, f"end its name with .{suffix}")
    return UnreadableInputError(why, path)


def _suffix_of_video(data: bytes) -> str | None:
    """What a video with these first bytes should be called; None if it is none."""
    if data[4:8] == b"ftyp" and data[8:12].startswith(_VIDEO_BRANDS):
        return "mov" if data[8:12] == b"qt  " else "mp4"
    if data.startswith(_EBML):
        return "webm" if b"webm" in data[:64] else "mkv"
    return "avi" if data[:4] == b"RIFF" and data[8:12] == b"AVI " else None
