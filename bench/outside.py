"""What exiftool, ffprobe and ffmpeg, which share no code with redact, say of a file."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

_PATIENCE = 240

_TELLING = re.compile(
    r"gps|latitude|longitude|location|serial|\bmake\b|^model$|cameramodel|lens|owner|artist|author|"
    r"creator|copyright|byline|credit|city|country|headline|caption|keywords|comment|^(image|user)?description$"
    r"|thumbnail|preview(image|picture)|software|firmware|uniqueid|documentid|instanceid|uuid|createdate|"
    r"modifydate|datetimeoriginal|mediacreat|mediamodif|trackcreat|trackmodif|timecode(?!scale)|chapter|"
    r"handlerdescription|encoder|title|subtitle|motionphoto|"
    r"embeddedvideo|trailer|depth(map|image|data)|auxiliary|warning",
    re.IGNORECASE,
)
"""Names of tags that could say who, where, when or with what."""

_HARMLESS = {
    "0000:00:00 00:00:00", "(Binary data 0 bytes, use -b option to extract)", "", "None", "FFmpeg",
    "[minor] Unrecognized MakerNotes",
}  # fmt: skip
"""Values that say nothing: empty dates, and the fixed words of muxers."""

_OF_THE_FILE = {"SourceFile", "ExifTool", "System", "File", "ICC_Profile", "ICC-header"}
"""Groups that speak of the copy on this disk, of the coding, or of a well-known profile."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What ffprobe tells of a video.

    Args:
        kinds: Its streams, for example `video h264`.
        chapters: How many.
        tags: Names of all tags of the container and its streams.
        times: Seconds of each frame, ascending, as exact fractions.
        facts: Size, pixel format, colours, rotation and so on, by name.
        seconds: The video stream's or the container's duration.
        video_bits: Bits per second of the video packets.
    """

    kinds: tuple[str, ...]
    chapters: int
    tags: tuple[str, ...]
    times: tuple[Fraction, ...]
    facts: dict[str, str]
    seconds: float
    video_bits: float


def missing_programs() -> list[str]:
    """Which of the two independent programs are not installed."""
    return [name for name in ("exiftool", "ffprobe") if shutil.which(name) is None]


def telling_tags(path: Path) -> list[str]:
    """Tags by which exiftool finds that the file says too much, embedded data included."""
    said = _json(["exiftool", "-j", "-G1", "-a", "-u", "-ee3", str(path)])
    found = []
    for key, value in (said[0] if said else {}).items():
        group, _, name = key.partition(":")
        if group in _OF_THE_FILE or str(value) in _HARMLESS:
            continue
        if _TELLING.search(name):
            found.append(f"{key}={str(value)[:40]}")
    return found


def shown(path: Path) -> Shown:
    """What ffprobe tells of a video."""
    ask = ["ffprobe", "-v", "quiet", "-of", "json", "-show_streams", "-show_format"]
    pictures = ["-show_chapters", "-show_packets", "-show_frames", "-select_streams", "V"]
    said = _json([*ask, *pictures, f"file:{path}"])
    everything = _json([*ask, f"file:{path}"])
    stream = said["streams"][0]
    both = said.get("packets_and_frames", [])
    frames = [item for item in both if item["type"] == "frame"]
    packets = [item for item in both if item["type"] == "packet"]
    base = Fraction(stream["time_base"])
    raw = [frame.get("pts", frame.get("pkt_dts")) for frame in frames]
    seconds = float(stream.get("duration") or said["format"].get("duration") or 0)
    size = sum(int(packet.get("size", 0)) for packet in packets)
    return Shown(
        tuple(f"{s.get('codec_type')} {s.get('codec_name')}" for s in everything["streams"]),
        len(said.get("chapters", [])),
        tuple(_tags([everything["format"], *everything["streams"]])),
        tuple(sorted(base * int(time) for time in raw if time is not None)),
        _facts(stream, frames[0] if frames else {}),
        seconds,
        8 * size / seconds if seconds else 0.0,
    )


def _tags(parts: Sequence[dict[str, Any]]) -> list[str]:
    return sorted(
        {f"{key}={value}" for part in parts for key, value in part.get("tags", {}).items()}
    )


def _facts(stream: dict[str, Any], frame: dict[str, Any]) -> dict[str, str]:
    sides = [*stream.get("side_data_list", []), *frame.get("side_data_list", [])]
    kinds = {side.get("side_data_type", ""): side for side in sides}
    matrix = kinds.get("Display Matrix", {})
    mastering = kinds.get("Mastering display metadata", {})
    light = kinds.get("Content light level metadata", {})
    facts = {
        "size": f"{stream.get('width')}x{stream.get('height')}",
        "pixels": str(stream.get("pix_fmt")),
        "aspect": str(stream.get("sample_aspect_ratio", "1:1")),
        "rotation": str(matrix.get("rotation", 0)),
        "interlaced": str(frame.get("interlaced_frame")),
        "top first": str(frame.get("top_field_first")),
        "mastering": ",".join(str(mastering[k]) for k in sorted(mastering) if k[-1] in "xye"),
        "light": ",".join(str(light[k]) for k in sorted(light) if k.startswith("max")),
    }
    names = ("color_range", "color_primaries", "color_transfer", "color_space")
    facts |= {name.removeprefix("color_"): str(frame.get(name, "unknown")) for name in names}
    return facts


def _json(command: Sequence[str]) -> Any:
    done = subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=False)
    return json.loads(done.stdout.decode("utf-8", "replace") or "{}")
