"""Which encoder writes a result, what it is asked, and what cannot be kept."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Final

import av

from redact.core.geometry import Turn
from redact.errors import (
    MissingEngineError,
    RecipeError,
    RedactError,
    UnsupportedInputError,
)
from redact.media.video.details import Details
from redact.media.video.pixels import Layout, drawable_name, layout_of
from redact.media.video.table import ENCODERS, Encoder
from redact.media.video.trial import trouble

FORMATS: Final = {
    ".avi": "avi",
    ".m2ts": "mpegts",
    ".m4v": "mp4",
    ".mkv": "matroska",
    ".mov": "mov",
    ".mp4": "mp4",
    ".mts": "mpegts",
    ".ts": "mpegts",
    ".webm": "webm",
}
"""The container that is written for an output's suffix."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a result is encoded with.

    Args:
        encoder: The row of the table.
        format: The container's name.
        pixels: The pixel format that is given to the encoder.
        options: What the encoder is asked.
    """

    encoder: Encoder
    format: str
    pixels: str
    options: dict[str, str]


def choose(
    output: Path, details: Details, asked: str | None = None, quality: int | None = None
) -> Choice:
    """Pick the encoder, its pixel format and its options.

    Args:
        output: Its suffix names the container.
        details: Of the source.
        asked: An encoder's name, None to choose by container and source.
        quality: The encoder's constant quality, None for its visually lossless one.

    Raises:
        RecipeError: No such encoder, container or quality, or they do not fit each other.
        UnsupportedInputError: The source holds something that no fitting encoder keeps.
        MissingEngineError: The asked encoder is not part of this installation, or does not open.
    """
    container = FORMATS.get(output.suffix.lower())
    if container is None:
        raise RecipeError(
            f"{output.suffix or 'a name without suffix'} is no container that redact writes",
            output,
            f"name the output {', '.join(sorted(FORMATS))}",
        )
    names = [_named(asked, container)] if asked else _fitting(container, details)
    for name in names:
        pixels = _pixels(ENCODERS[name], details, container)
        if pixels is not None:
            _check_opens(ENCODERS[name], pixels)
            return _choice(ENCODERS[name], container, pixels, details, quality)
    raise _refused(names, container, details)


def _named(asked: str, container: str) -> str:
    by_engine = {encoder.name: name for name, encoder in ENCODERS.items()}
    name = by_engine.get(asked, asked)
    if name not in ENCODERS:
        raise RecipeError(f"there is no encoder {asked!r}", remedy=f"choose {', '.join(ENCODERS)}")
    if container not in ENCODERS[name].formats:
        suffixes = [s for s, form in FORMATS.items() if form in ENCODERS[name].formats]
        raise RecipeError(
            f"the encoder {asked} does not fit into {container}",
            remedy=f"name the output {', '.join(suffixes)}, or choose another encoder",
        )
    if not _taken(ENCODERS[name]):
        raise MissingEngineError(
            f"the encoder {asked} is not installed", remedy="run redact doctor"
        )
    return name


def _check_opens(encoder: Encoder, pixels: str) -> None:
    """Make one in hardware show that it works, since a driver or a chip may be missing.

    Raises:
        MissingEngineError: It does not.
    """
    if encoder.hardware and (why := trouble(encoder, pixels)):
        raise MissingEngineError(
            f"{encoder.name}, which needs {encoder.hardware}, does not work here: {why}",
            remedy=f"choose --encoder {encoder.codec}, which needs the processor alone",
        )


def _fitting(container: str, details: Details) -> list[str]:
    """Encoders that may be chosen unasked, the best first."""
    found = [name for name in _preferred(details) if container in ENCODERS[name].formats]
    return [name for name in found if pixel_formats(ENCODERS[name].name)]


def _preferred(details: Details) -> Iterator[str]:
    layout = layout_of(details.pixels)
    if details.codec == "av1":
        yield "av1"
    if details.codec == "hevc" or (layout is not None and layout.bits > 8):
        yield "hevc"
    yield from ("h264", "h264-rgb", "vp9", "av1", "hevc", "prores")


def _pixels(encoder: Encoder, details: Details, container: str) -> str | None:
    """The encoder's cheapest pixel format that loses nothing of the source."""
    wanted = layout_of(details.pixels)
    taken = _taken(encoder)
    if wanted is None or (wanted.alpha and container not in encoder.with_alpha):
        return None
    if details.pixels in taken:
        return details.pixels
    fitting = {name: layout for name, layout in taken.items() if layout.holds(wanted)}
    return min(fitting, key=lambda name: fitting[name].cost, default=None)


def _taken(encoder: Encoder) -> dict[str, Layout]:
    """What it takes; of an encoder in hardware what it keeps as it is, under its own names."""
    if not encoder.hardware:
        return pixel_formats(encoder.name)
    equals = {name: layout_of(drawable_name(name) or "") for name in encoder.pixels}
    here = _names(encoder.name)
    return {name: layout for name, layout in equals.items() if layout and name in here}


@cache
def pixel_formats(name: str) -> dict[str, Layout]:
    """What an encoder takes, by name; empty where it is not installed."""
    return {form: found for form in _names(name) if (found := layout_of(form))}


@cache
def _names(name: str) -> tuple[str, ...]:
    try:
        formats = av.codec.Codec(name, "w").video_formats or []
    except (av.FFmpegError, ValueError):  # a name that this FFmpeg does not know
        return ()
    return tuple(form.name for form in formats)


def _choice(
    encoder: Encoder, container: str, pixels: str, details: Details, quality: int | None
) -> Choice:
    options = encoder.options | _quality(encoder, quality) | _extras(encoder, container, details)
    if quality is None:
        options |= _ceiling(encoder, details)
    return Choice(encoder, container, pixels, options)


def _ceiling(encoder: Encoder, details: Details) -> dict[str, str]:
    """Bits per second that are not exceeded for long: results stay near their source's size.

    Only where the codec needs no more for the same picture than the source's does.
    """
    known = details.bit_rate is not None and encoder.capped
    if encoder.codec not in _CAPPED.get(details.codec, ()) or not known:
        return {}
    most = round(_GROWTH * max(details.bit_rate or 0, _LEAST_RATE))
    return {"maxrate": str(most), "bufsize": str(most // 2)}


_GROWTH = 1.35
"""What is allowed beyond the source; half a second's worth more at the very beginning."""

_LEAST_RATE = 150_000
"""Bits per second: a lying or tiny header must not ruin a picture."""

_CAPPED: Final = {
    "h264": ("h264", "hevc"),
    "hevc": ("hevc",),
    "mpeg2video": ("h264", "hevc"),
    "mpeg4": ("h264", "hevc"),
    "vp8": ("h264", "hevc"),
}
"""By the source's codec, those that show the same with no more bits."""


def _quality(encoder: Encoder, asked: int | None) -> dict[str, str]:
    if encoder.quality is None:
        if asked is not None:
            raise RecipeError(f"{encoder.name} has no quality to set", remedy="leave it out")
        return {}
    if asked is not None and not 0 <= asked <= encoder.worst:
        raise RecipeError(f"the quality of {encoder.name} goes from 0 to {encoder.worst}")
    return encoder.asks(encoder.quality if asked is None else asked)


def _extras(encoder: Encoder, container: str, details: Details) -> dict[str, str]:
    _check_turn(encoder, container, details)
    if encoder.hardware:
        return _hardware_extras(encoder, container, details)
    if encoder.codec == "h264":
        return _h264_extras(container, details)
    if encoder.codec == "prores":
        return {"flags": "+ildct"} if details.interlaced else {}
    if details.interlaced:
        raise UnsupportedInputError(
            f"its pictures are interlaced, which {encoder.name} cannot keep",
            remedy="choose --encoder h264",
        )
    if encoder.codec == "hevc" and (light := _hdr(details)):
        return {"x265-params": f"{encoder.options['x265-params']}:{light}"}
    return {}


def _hardware_extras(encoder: Encoder, container: str, details: Details) -> dict[str, str]:
    for lost, what in ((details.interlaced, "fields"), (_hdr(details), "HDR mastering data")):
        if lost:
            raise UnsupportedInputError(
                f"{encoder.name} would not keep its {what}",
                remedy=f"choose --encoder {encoder.codec}",
            )
    return {"bf": "0"} if container == "avi" else {}


def _check_turn(encoder: Encoder, container: str, details: Details) -> None:
    within = encoder.codec == "h264"  # it can say it inside of its own stream
    if details.turn != Turn() and container in {"avi", "mpegts"} and not within:
        raise UnsupportedInputError(
            f"{encoder.codec} in {container} cannot keep its rotation",
            remedy="name the output .mp4, or choose --encoder h264",
        )


def _h264_extras(container: str, details: Details) -> dict[str, str]:
    extras = {"bf": "0"} if container == "avi" else {}  # AVI cannot reorder
    if details.interlaced:
        extras["x264-params"] = "tff=1" if details.top_first else "bff=1"
        extras["flags"] = "+ildct+ilme"
    return extras


def _hdr(details: Details) -> str:
    """Mastering display and light level in the words of x265."""
    words = ["hdr10=1"] if details.mastering or details.light else []
    if details.mastering is not None:
        words.append(f"master-display={_mastering(details.mastering)}")
    if details.light is not None:
        brightest, average = struct.unpack_from("=2I", details.light)
        words.append(f"max-cll={brightest},{average}")
    return ":".join(words)


def _mastering(data: bytes) -> str:
    """AVMasteringDisplayMetadata: ten rationals, red, green, blue, white, then luminance."""
    numbers = struct.unpack_from("=20i", data)
    values = [Fraction(a, b or 1) for a, b in zip(numbers[::2], numbers[1::2], strict=True)]
    red, green, blue, white = (
        ",".join(str(round(value * 50_000)) for value in values[at : at + 2]) for at in (0, 2, 4, 6)
    )
    darkest, brightest = (round(value * 10_000) for value in values[8:])
    return f"G({green})B({blue})R({red})WP({white})L({brightest},{darkest})"


def _refused(names: list[str], container: str, details: Details) -> RedactError:
    fitting = [
        f"--encoder {name} with {suffix}"
        for name, encoder in ENCODERS.items()
        for suffix, form in FORMATS.items()
        if not encoder.hardware
        and form in encoder.formats
        and _pixels(encoder, details, form) is not None
    ]
    tried = ", ".join(names) or "no encoder"
    return UnsupportedInputError(
        f"{tried} in {container} cannot keep the pixel format {details.pixels}",
        remedy=f"choose {' or '.join(fitting[:3])}" if fitting else "convert it first",
    )


def available() -> dict[str, bool]:
    """Every encoder that runs on the processor, and whether this installation has it."""
    return {name: bool(_taken(e)) for name, e in ENCODERS.items() if not e.hardware}


def hardware() -> dict[str, str | None]:
    """Every encoder in hardware, and why it does not work here, None if it does."""
    found: dict[str, str | None] = {}
    for name, encoder in ENCODERS.items():
        if encoder.hardware:
            pixels = next(iter(_taken(encoder)), None)
            found[name] = trouble(encoder, pixels) if pixels else "not part of this installation"
    return found
