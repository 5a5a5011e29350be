"""Subtitles kept on request: the text and times of cues, written anew, and nothing else.

A decoded cue is cut down to its text: no styles, fonts, positions, names of speakers, comments or
drawings. This module writes the packets itself, so that no byte of the source's own packets or
headers is copied. Bitmap subtitles are refused. So are those in which a camera wrote where it was.
"""

from __future__ import annotations

import html
import re
import struct
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import av
from av.container import InputContainer
from av.subtitles.stream import SubtitleStream

from redact.errors import EngineError, UnreadableInputError, UnsupportedInputError
from redact.media.video.container import open_media
from redact.media.video.media_info import MediaInfo, SubtitleTrack
from redact.media.video.timing import Timing

TEXT_CODECS: Final = ("ass", "mov_text", "subrip", "text", "webvtt")
"""Codecs of text subtitles, by FFmpeg's canonical names."""

SUBTITLE_CODECS: Final = {
    "matroska": "subrip",
    "mov": "mov_text",
    "mp4": "mov_text",
    "webm": "webvtt",
}
"""The subtitle codec that is written, by container. Others hold none that players show."""

_HEADER = (
    b"[Script Info]\r\nScriptType: v4.00+\r\n\r\n[V4+ Styles]\r\nFormat: Name, Fontname, Fontsize, "
    b"PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, "
    b"StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, "
    b"MarginR, MarginV, Encoding\r\nStyle: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,"
    b"100,0,0,1,1,0,2,10,10,10,0\r\n\r\n[Events]\r\nFormat: Layer, Start, End, Style, Name, "
    b"MarginL, MarginR, MarginV, Effect, Text\r\n"
)
"""An ASS header with a plain style, which FFmpeg's encoders need."""

_EVENT_FIELDS = 8
"""Fields of an ASS event before its text, as FFmpeg's decoders give it."""

_DRAWING = re.compile(r"\{[^{}]*\\p[1-9][^{}]*\}.*?(?=\{[^{}]*\\p0[^{}]*\}|\Z)", re.DOTALL)
_MARKUP = re.compile(r"\\\{(?:\{\})?|\\\u2060|\{[^{}]*\}|\\[Nnh]")
_MARKUP_TEXT = {"\\N": "\n", "\\n": "\n", "\\h": " ", "\\\u2060": "\\", "\\{": "{", "\\{{}": "{"}

_COORDINATES = re.compile(
    r"\b(?:gps|lat|lati?tude|lon|long?titude|longitude)\b\W{0,4}[-+]?\d"
    r"|[-+]?\d{1,3}\.\d{4,}[\s,;/NSEW]{1,4}[-+]?\d{1,3}\.\d{4,}",
    re.IGNORECASE,
)
"""Coordinates as cameras and drones write them: a name and a number, or two long numbers."""

_MOST_DIGITS = 0.2
"""Largest share of digits among letters and digits; a track with more is telemetry."""

_FEW_DIGITS = 20
"""Number of digits that any track may have."""

_MOST_BYTES = 0xFFFF
"""Bytes of a cue's text at most."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Text that is shown from one time to another, in seconds."""

    start: Fraction
    end: Fraction
    words: str


@dataclass(frozen=True, slots=True)
class SubtitleFile:
    """One track's cues in a file of their own.

    Args:
        path: Holds the cues and nothing else, in a container like the result's.
        cues: By time, as in the source.
        language: ISO 639 code of the source's track.
    """

    path: Path
    cues: tuple[Cue, ...]
    language: str | None


def check_keepable(media_info: MediaInfo, path: Path, timing: Timing | None = None) -> None:
    """Refuse subtitles that could not be kept, or should not be.

    Args:
        media_info: Of the source.
        path: The source.
        timing: How times are carried over to a result, None where there is none.

    Raises:
        UnsupportedInputError: They are bitmaps, telemetry of a camera, or do not fit the result.
    """
    for track in media_info.subtitles:
        cues = read_cues(path, track)
        if timing is not None:
            _check_times(cues, timing, path)


def read_cues(path: Path, track: SubtitleTrack) -> tuple[Cue, ...]:
    """Read the text of one track of a source.

    Raises:
        UnsupportedInputError: They are bitmaps, or telemetry of a camera.
        UnreadableInputError: The file is damaged.
    """
    if track.codec not in TEXT_CODECS:
        raise UnsupportedInputError(
            f"its subtitles ({track.codec}) are no text, and nobody looks for faces in them",
            path,
            "leave --keep subtitles out",
        )
    with open_media(path) as container:
        found = list(_decoded(container, track.index, path))
    _check_words(found, path)
    return tuple(sorted(found, key=lambda cue: cue.start))


def _decoded(container: InputContainer, index: int, path: Path) -> Iterator[Cue]:
    stream: Any = container.streams[index]
    for packet in container.demux(stream):
        if not packet.size:
            continue
        words = "\n".join(filter(None, (plain_text(line.ass) for line in packet.decode())))
        if words:
            start, end = _times(packet, path)
            yield Cue(start, end, words)


def _times(packet: Any, path: Path) -> tuple[Fraction, Fraction]:
    if packet.pts is None or not packet.duration:
        raise UnreadableInputError("one of its subtitles has no beginning or no end", path)
    start = packet.pts * packet.time_base
    return start, start + packet.duration * packet.time_base


def plain_text(event: bytes) -> str:
    """The text of an ASS event, without markup, drawings and invisible characters."""
    parts = event.decode("utf-8", "replace").split(",", _EVENT_FIELDS)
    text = _DRAWING.sub("", parts[-1] if len(parts) > _EVENT_FIELDS else "")
    text = _MARKUP.sub(lambda mark: _MARKUP_TEXT.get(mark[0], ""), text)
    shown = "".join(c for c in text if c == "\n" or unicodedata.category(c) not in _INVISIBLE)
    return "\n".join(filter(None, (line.strip() for line in shown.split("\n"))))


_INVISIBLE = {"Cc", "Cn", "Co", "Cs"}
"""Unicode categories of control, unassigned, private-use and surrogate characters."""


def _check_words(cues: Sequence[Cue], path: Path) -> None:
    words = [c for cue in cues for c in cue.words if c.isalnum()]
    digits = sum(c.isdecimal() for c in words)
    if any(_COORDINATES.search(cue.words) for cue in cues) or (
        digits > _FEW_DIGITS and digits > _MOST_DIGITS * len(words)
    ):
        raise UnsupportedInputError(
            "its subtitles look like readings of a camera or drone, which tell where it was",
            path,
            "leave --keep subtitles out",
        )


def check_container(media_info: MediaInfo, container: str, path: Path) -> None:
    """Refuse to write subtitles into a container in which players show none.

    Raises:
        UnsupportedInputError: The container holds no text subtitles.
    """
    if media_info.subtitles and container not in SUBTITLE_CODECS:
        raise UnsupportedInputError(
            f"{container} cannot keep its subtitles",
            path,
            "name the output .mp4 or .mkv, or leave --keep subtitles out",
        )


def _check_times(cues: Sequence[Cue], timing: Timing, path: Path) -> None:
    for cue in cues:
        for time in (cue.start, cue.end):
            timing.check(time, cue.start)
    overlap = any(after.start < before.end for before, after in pairwise(cues))
    if overlap and SUBTITLE_CODECS[timing.container] == "mov_text":
        raise UnsupportedInputError(
            f"{timing.container} cannot keep subtitles that overlap", path, "name the output .mkv"
        )


def write_subtitles(
    source: Path, track: SubtitleTrack, folder: Path, container: str, timing: Timing
) -> SubtitleFile:
    """Write the track's cues to a file of their own.

    Args:
        source: Holds the track.
        track: Which one.
        folder: A private one.
        container: What the result will be.
        timing: How times are carried over.

    Raises:
        UnsupportedInputError: They cannot be kept, or not at their times.
        EngineError: They cannot be written.
    """
    cues = read_cues(source, track)
    _check_times(cues, timing, source)
    path = folder / f"subtitles{track.index}.{_SUFFIXES[container]}"
    try:
        _mux(path, SUBTITLE_CODECS[container], cues, timing.tick or track.time_base)
    except (av.FFmpegError, ValueError) as error:
        raise EngineError(f"its subtitles cannot be written: {error}", source) from error
    return SubtitleFile(path, cues, track.language)


_SUFFIXES = {"matroska": "mkv", "mov": "mp4", "mp4": "mp4", "webm": "webm"}


def _mux(path: Path, codec: str, cues: Sequence[Cue], tick: Fraction) -> None:
    with av.open(str(path.absolute()), "w", container_options={"fflags": "+bitexact"}) as container:
        stream: Any = container.add_stream(codec)
        stream.codec_context.subtitle_header = _HEADER
        stream.time_base = stream.codec_context.time_base = tick
        for cue in cues:
            packet: Any = av.Packet(_ENCODERS[codec](cue.words))
            packet.stream, packet.time_base, packet.is_keyframe = stream, tick, True
            packet.pts = packet.dts = int(cue.start / tick)
            packet.duration = int((cue.end - cue.start) / tick)
            container.mux(packet)


def _with_length(words: str) -> bytes:
    data = words.encode()
    if len(data) > _MOST_BYTES:
        raise ValueError("one of them is too long")
    return struct.pack(">H", len(data)) + data


_ENCODERS: Final[dict[str, Callable[[str], bytes]]] = {
    "mov_text": _with_length,
    "subrip": str.encode,
    "webvtt": lambda words: html.escape(words, quote=False).encode(),
}
"""From a cue's text to the payload of a packet, by codec."""


def read_payloads(path: Path, number: int, codec: str) -> list[tuple[Fraction, Fraction, bytes]]:
    """Read a result's track: start, end and payload of each packet that is not empty.

    Args:
        path: The result.
        number: Which of its subtitle tracks.
        codec: What they are written in.
    """
    found = []
    with open_media(path) as container:
        stream: SubtitleStream = container.streams.subtitles[number]
        for packet in container.demux(stream):
            payload = bytes(packet)
            if payload and payload != _ENCODERS[codec](""):
                found.append((*_times(packet, path), payload))
    return sorted(found)


def expected_payloads(cues: Sequence[Cue], codec: str, offset: Fraction) -> list[tuple[Any, ...]]:
    """What `read_payloads` must give for a result with these cues."""
    return sorted((c.start - offset, c.end - offset, _ENCODERS[codec](c.words)) for c in cues)
