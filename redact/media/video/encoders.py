"""Chooses the encoder, pixel format and options of a result; refuses what would be lost."""

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
from redact.media.video.encoder_table import ENCODERS, NAMED_ONLY, Encoder
from redact.media.video.encoder_trial import find_encoder_error
from redact.media.video.media_info import MediaInfo
from redact.media.video.pixel_formats import Layout, drawable_name, layout_of

CONTAINERS: Final = {
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
"""The muxer for an output's suffix, by FFmpeg's name."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a result is encoded with.

    Args:
        encoder: A row of the table.
        container: The container's name.
        pixel_format: The pixel format that is given to the encoder.
        options: The encoder's options.
    """

    encoder: Encoder
    container: str
    pixel_format: str
    options: dict[str, str]


def choose_encoder(
    output: Path,
    media_info: MediaInfo,
    asked: str | None = None,
    quality: int | None = None,
    finer: int = 0,
) -> Choice:
    """Choose the encoder, its pixel format and its options.

    Args:
        output: Its suffix names the container.
        media_info: Of the source.
        asked: An encoder's name, None to choose by container and source.
        quality: The encoder's constant quality, None for its visually lossless one.
        finer: How many steps finer than that it encodes, without a limit of bits.

    Raises:
        RecipeError: No such encoder, container or quality, or they do not fit each other.
        UnsupportedInputError: The source holds something that no fitting encoder keeps.
        MissingEngineError: The asked encoder is not part of this installation, or does not open.
    """
    container = CONTAINERS.get(output.suffix.lower())
    if container is None:
        raise RecipeError(
            f"{output.suffix or 'a name without suffix'} is no container that redact writes",
            output,
            f"name the output {', '.join(sorted(CONTAINERS))}",
        )
    names = [_find_encoder(asked, container)] if asked else _candidates(container, media_info)
    for name in names:
        pixel_format = _pixel_format(ENCODERS[name], media_info, container)
        if pixel_format is not None:
            _check_opens(ENCODERS[name], pixel_format)
            wanted = _finer_quality(ENCODERS[name], quality, finer)
            return _choice(ENCODERS[name], container, pixel_format, media_info, wanted)
    raise _no_encoder(names, container, media_info)


def _finer_quality(encoder: Encoder, quality: int | None, steps: int) -> int | None:
    """The quality so many steps of 6 finer, each about half the error; None is the usual one."""
    if not steps or encoder.quality is None:
        return quality
    return max(0, (encoder.quality if quality is None else quality) - 6 * steps)


def _find_encoder(asked: str, container: str) -> str:
    by_engine = {encoder.name: name for name, encoder in ENCODERS.items()}
    name = by_engine.get(asked, asked)
    if name not in ENCODERS:
        raise RecipeError(f"there is no encoder {asked!r}", remedy=f"choose {', '.join(ENCODERS)}")
    if container not in ENCODERS[name].containers:
        suffixes = [s for s, form in CONTAINERS.items() if form in ENCODERS[name].containers]
        raise RecipeError(
            f"the encoder {asked} does not fit into {container}",
            remedy=f"name the output {', '.join(suffixes)}, or choose another encoder",
        )
    if not _accepted(ENCODERS[name]):
        raise MissingEngineError(
            f"the encoder {asked} is not installed", remedy="run redact doctor"
        )
    return name


def _check_opens(encoder: Encoder, pixel_format: str) -> None:
    """Try a hardware encoder, since a driver or a chip may be missing.

    Raises:
        MissingEngineError: It does not.
    """
    if encoder.hardware and (why := find_encoder_error(encoder, pixel_format)):
        raise MissingEngineError(
            f"{encoder.name}, which needs {encoder.hardware}, does not work here: {why}",
            remedy=f"choose --encoder {encoder.codec}, which needs the processor alone",
        )


def _candidates(container: str, media_info: MediaInfo) -> list[str]:
    """Encoders that may be chosen unasked, the best first."""
    found = [name for name in _preference(media_info) if container in ENCODERS[name].containers]
    return [name for name in found if accepted_layouts(ENCODERS[name].name)]


def _preference(media_info: MediaInfo) -> Iterator[str]:
    layout = layout_of(media_info.pixel_format)
    if media_info.codec in {"av1", "vp9"}:
        yield media_info.codec  # others need more bits for the same picture
    if layout and not ENCODERS["h264"].takes_size(media_info.size, layout.subsampling):
        yield "vp9"  # which has odd sides with 4:2:0
    if media_info.codec == "hevc" or (layout is not None and layout.bits > 8):
        yield "hevc"
    yield from ("h264", "h264-rgb", "vp9", "av1", "hevc", "prores", "ffv1")


def _pixel_format(encoder: Encoder, media_info: MediaInfo, container: str) -> str | None:
    """The encoder's smallest pixel format that loses nothing of the source, None if none does."""
    wanted = layout_of(media_info.pixel_format)
    accepted = {
        name: layout
        for name, layout in _accepted(encoder).items()
        if encoder.takes_size(media_info.size, layout.subsampling)
    }
    if wanted is None or (wanted.alpha and container not in encoder.alpha_containers):
        return None
    if media_info.pixel_format in accepted:
        return media_info.pixel_format
    fitting = {name: layout for name, layout in accepted.items() if layout.can_hold(wanted)}
    return min(fitting, key=lambda name: fitting[name].cost, default=None)


def _accepted(encoder: Encoder) -> dict[str, Layout]:
    """Pixel formats that it accepts; of a hardware encoder those that it keeps as they are."""
    if not encoder.hardware:
        return accepted_layouts(encoder.name)
    equals = {name: layout_of(drawable_name(name) or "") for name in encoder.pixel_formats}
    here = _format_names(encoder.name)
    return {name: layout for name, layout in equals.items() if layout and name in here}


@cache
def accepted_layouts(name: str) -> dict[str, Layout]:
    """Layouts that an encoder accepts, by pixel format; empty where it is not installed."""
    return {form: found for form in _format_names(name) if (found := layout_of(form))}


@cache
def _format_names(name: str) -> tuple[str, ...]:
    try:
        formats = av.codec.Codec(name, "w").video_formats or []
    except (av.FFmpegError, ValueError):  # a name that this FFmpeg does not know
        return ()
    return tuple(form.name for form in formats if form.name not in NAMED_ONLY.get(name, ()))


def _choice(
    encoder: Encoder, container: str, pixel_format: str, media_info: MediaInfo, quality: int | None
) -> Choice:
    options = (
        encoder.options
        | _quality_options(encoder, quality)
        | _source_options(encoder, container, media_info)
    )
    if quality is None:
        options |= _rate_limit(encoder, media_info)
    return Choice(encoder, container, pixel_format, options)


def _rate_limit(encoder: Encoder, media_info: MediaInfo) -> dict[str, str]:
    """A maximum bit rate (VBV), so that results stay near the size of their source.

    Only where the codec needs no more for the same picture than the source's does.
    """
    known = media_info.bit_rate is not None and encoder.rate_cap
    if encoder.codec not in _CAPPED.get(media_info.codec, ()) or not known:
        return {}
    growth = _MOST_GROWTH.get(media_info.codec, _USUAL_GROWTH)
    most = round(growth * max(media_info.bit_rate or 0, _LEAST_RATE))
    return {"maxrate": str(most), "bufsize": str(most // 2)}


_MOST_GROWTH: Final = {"hevc": 1.15, "av1": 1.15}
"""By codec, maximum bit rate relative to the source's; the buffer holds half a second."""

_USUAL_GROWTH = 1.35
"""H.264's where nothing is said: with less, small videos of it lose more than 2 dB."""

_LEAST_RATE = 150_000
"""Bits per second that are assumed at least, as a header may state too little."""

_CAPPED: Final = {
    "h264": ("h264", "hevc"),
    "hevc": ("hevc",),
    "mpeg2video": ("h264", "hevc"),
    "mpeg4": ("h264", "hevc"),
    "vp8": ("h264", "hevc"),
    "av1": ("av1",),
}
"""By the source's codec: codecs that need no more bits for the same picture."""


def _quality_options(encoder: Encoder, asked: int | None) -> dict[str, str]:
    if encoder.quality is None:
        if asked is not None:
            raise RecipeError(f"{encoder.name} has no quality to set", remedy="leave it out")
        return {}
    if asked is not None and not 0 <= asked <= encoder.worst_quality:
        raise RecipeError(f"the quality of {encoder.name} goes from 0 to {encoder.worst_quality}")
    return encoder.quality_options(encoder.quality if asked is None else asked)


def _source_options(encoder: Encoder, container: str, media_info: MediaInfo) -> dict[str, str]:
    _check_turn(encoder, container, media_info)
    if encoder.hardware:
        return _hardware_options(encoder, container, media_info)
    if encoder.codec == "h264":
        return _h264_options(container, media_info)
    if encoder.codec == "prores":
        return {"flags": "+ildct"} if media_info.interlaced else {}
    if media_info.interlaced:
        raise UnsupportedInputError(
            f"its pictures are interlaced, which {encoder.name} cannot keep",
            remedy="choose --encoder h264",
        )
    if encoder.codec == "hevc" and (light := _hdr_params(media_info)):
        return {"x265-params": f"{encoder.options['x265-params']}:{light}"}
    return {}


def _hardware_options(encoder: Encoder, container: str, media_info: MediaInfo) -> dict[str, str]:
    for lost, what in (
        (media_info.interlaced, "fields"),
        (_hdr_params(media_info), "HDR mastering data"),
    ):
        if lost:
            raise UnsupportedInputError(
                f"{encoder.name} would not keep its {what}",
                remedy=f"choose --encoder {encoder.codec}",
            )
    return {"bf": "0"} if container == "avi" else {}


def _check_turn(encoder: Encoder, container: str, media_info: MediaInfo) -> None:
    within = encoder.codec == "h264"  # it can say it inside of its own stream
    if media_info.turn != Turn() and container in {"avi", "mpegts"} and not within:
        raise UnsupportedInputError(
            f"{encoder.codec} in {container} cannot keep its rotation",
            remedy="name the output .mp4, or choose --encoder h264",
        )


def _h264_options(container: str, media_info: MediaInfo) -> dict[str, str]:
    extras = {"bf": "0"} if container == "avi" else {}  # AVI cannot reorder
    if media_info.interlaced:
        extras["x264-params"] = "tff=1" if media_info.top_first else "bff=1"
        extras["flags"] = "+ildct+ilme"
    return extras


def _hdr_params(media_info: MediaInfo) -> str:
    """Mastering display and content light level as x265 parameters."""
    words = ["hdr10=1"] if media_info.mastering or media_info.light else []
    if media_info.mastering is not None:
        words.append(f"master-display={_mastering_display(media_info.mastering)}")
    if media_info.light is not None:
        brightest, average = struct.unpack_from("=2I", media_info.light)
        words.append(f"max-cll={brightest},{average}")
    return ":".join(words)


def _mastering_display(data: bytes) -> str:
    """AVMasteringDisplayMetadata: ten rationals, red, green, blue, white, then luminance."""
    numbers = struct.unpack_from("=20i", data)
    values = [Fraction(a, b or 1) for a, b in zip(numbers[::2], numbers[1::2], strict=True)]
    red, green, blue, white = (
        ",".join(str(round(value * 50_000)) for value in values[at : at + 2]) for at in (0, 2, 4, 6)
    )
    darkest, brightest = (round(value * 10_000) for value in values[8:])
    return f"G({green})B({blue})R({red})WP({white})L({brightest},{darkest})"


def _no_encoder(names: list[str], container: str, media_info: MediaInfo) -> RedactError:
    fitting = [
        f"--encoder {name} with {suffix}"
        for name, encoder in ENCODERS.items()
        for suffix, form in CONTAINERS.items()
        if not encoder.hardware
        and form in encoder.containers
        and _pixel_format(encoder, media_info, form) is not None
    ]
    tried, size = ", ".join(names) or "no encoder", media_info.size
    return UnsupportedInputError(
        f"{tried} in {container} cannot keep pictures of {size.width}x{size.height} in the "
        f"pixel format {media_info.pixel_format}",
        remedy=f"choose {' or '.join(fitting[:3])}" if fitting else "convert it first",
    )


def software_encoders() -> dict[str, bool]:
    """Every encoder that runs on the CPU, and whether this installation has it."""
    return {name: bool(_accepted(e)) for name, e in ENCODERS.items() if not e.hardware}


def hardware_encoders() -> dict[str, str | None]:
    """Every hardware encoder, and why it does not work here, None if it does."""
    found: dict[str, str | None] = {}
    for name, encoder in ENCODERS.items():
        if encoder.hardware:
            pixel_format = next(iter(_accepted(encoder)), None)
            found[name] = (
                find_encoder_error(encoder, pixel_format)
                if pixel_format
                else "not part of this installation"
            )
    return found
