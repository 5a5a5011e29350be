"""Spans of the sound made silent, or a tone, sample by sample, before anything is encoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redact.core.edits.checks import CORRECT, spoken
from redact.core.edits.values import Mute
from redact.errors import EngineError, PlanError
from redact.media.video.container import open_media
from redact.media.video.presentation_times import timed
from redact.media.video.sound import (
    CopiedTrack,
    DecodedTrack,
    decode_track,
)

TONE = 1000
"""Hertz."""

_LOUDNESS = 0.1
"""Of the tone, as a share of full scale."""

_BIT_RATE = 96_000
"""Bits a second for each channel of sound that is encoded once more."""

_FORMATS = {
    **dict.fromkeys(("pcm_u8", "pcm_s8", "pcm_s16le", "pcm_s16be"), "pcm_s16le"),
    **dict.fromkeys(("pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be"), "pcm_s32le"),
    **dict.fromkeys(("flac", "alac"), "pcm_s32le"),  # or 16 bits, if they hold no more
    **dict.fromkeys(("pcm_f32le", "pcm_f32be"), "pcm_f32le"),
    **dict.fromkeys(("pcm_f64le", "pcm_f64be"), "pcm_f64le"),
}
"""Codecs without loss, and the samples that hold theirs: what is not silenced stays as it is."""

_TYPES: dict[tuple[int, int], np.dtype[Any]] = {
    (1, 16): np.dtype("<i2"),
    (1, 32): np.dtype("<i4"),
    (3, 32): np.dtype("<f4"),
    (3, 64): np.dtype("<f8"),
}
"""By the format's number and its bits a sample."""

_SILENT = 0.001
"""Root mean square, as a share of full scale, of what a lossy encoder makes of silence, at most."""

_BESIDE_TONE = 0.03
"""The same of what is there beside a tone."""

_EDGE = Fraction(6, 100)
"""Seconds at both ends of a span into which a lossy encoder smears what is beside it."""


def is_lossless(codec: str) -> bool:
    """Whether sound of that codec is the same, sample by sample, after it was encoded again."""
    return codec in _FORMATS


def mute_track(
    track: CopiedTrack, codec: str, rate: int, mutes: Sequence[Mute], written: Path, program: Path
) -> DecodedTrack:
    """Decode one track, silence spans of it, and say how it is to be encoded.

    Args:
        track: Where its sound is.
        codec: In which it is coded there.
        rate: Samples per second.
        mutes: In seconds of the source.
        written: The file to write, in a private folder.
        program: The ffmpeg program.

    Raises:
        UnsupportedInputError: There is no sound in the track.
        EngineError: The program failed.
        OSError: There is no space left.
    """
    samples = _FORMATS.get(codec, "pcm_f32le")
    if codec in ("flac", "alac") and _holds_16_bits(track):
        samples = "pcm_s16le"
    made = decode_track(track, rate, written, program, samples)
    channels = silence(made, mutes)
    if codec in _FORMATS:
        return replace(made, codec=codec, bit_rate=None)
    return replace(made, bit_rate=_BIT_RATE * channels)


def _holds_16_bits(track: CopiedTrack) -> bool:
    with open_media(track.path) as container:
        stream: Any = container.streams[track.index]
        return str(stream.codec_context.format.name).startswith("s16")


def silence(track: DecodedTrack, mutes: Sequence[Mute]) -> int:
    """Silence spans of a decoded track in its file; gives the number of its channels."""
    layout = _read_layout(track.path)
    samples = np.memmap(
        track.path, layout.kind, "r+", layout.offset, (layout.frames, layout.channels)
    )
    for mute in mutes:
        first, last = _sample_span(mute, track, layout.frames)
        if first < last:
            tone = (
                _tone(np.arange(first, last), track.rate) if mute.tone else np.zeros(last - first)
            )
            samples[first:last] = _as_samples(tone, layout.kind)[:, None]
    samples.flush()
    return layout.channels


def check_heard(tracks: Sequence[DecodedTrack], mutes: Sequence[Mute], source: Path) -> None:
    """Refuse a span in which no track has a sample.

    Raises:
        PlanError: There is one.
    """
    for mute in mutes:
        spans = (_sample_span(mute, track, track.samples) for track in tracks)
        if not any(first < last for first, last in spans):
            span = f"between {spoken(mute.start)} and {spoken(mute.end)}"
            raise PlanError(f"there is no sound {span} that could be silenced", source, CORRECT)


def _sample_span(mute: Mute, track: DecodedTrack, samples: int) -> tuple[int, int]:
    """The first sample that a span touches, and the one after its last.

    From 0 on means from the beginning, also of sound that begins before it.
    """
    first = max(0, floor((mute.start - track.start) * track.rate)) if mute.start else 0
    return first, min(samples, ceil((mute.end - track.start) * track.rate))


def _tone(places: NDArray[np.int64], rate: int) -> NDArray[np.float64]:
    tone: NDArray[np.float64] = _LOUDNESS * np.sin(2 * np.pi * TONE * places / rate)
    return tone


def _as_samples(values: NDArray[np.float64], kind: np.dtype[Any]) -> NDArray[Any]:
    """Values from -1 to 1 as samples of that kind."""
    if kind.kind == "f":
        return values.astype(kind)
    return np.rint(values * np.iinfo(kind).max).astype(kind)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where a WAV file has its samples: their type, the first one's place, how many, how wide."""

    kind: np.dtype[Any]
    offset: int
    frames: int
    channels: int


def _read_layout(path: Path) -> _Layout:
    """How the samples of a WAV file lie, as ffmpeg writes it.

    Raises:
        EngineError: It is no such file.
    """
    kind: np.dtype[Any] | None = None
    channels = 0
    with path.open("rb") as file:
        head = file.read(12)
        while len(chunk := file.read(8)) == 8 and head[8:] == b"WAVE":
            name, size = chunk[:4], int.from_bytes(chunk[4:], "little")
            if name == b"data" and kind is not None:
                stored = path.stat().st_size - file.tell()
                return _Layout(kind, file.tell(), stored // (kind.itemsize * channels), channels)
            body = file.read(size + size % 2)
            if name == b"fmt ":
                number, channels, bits = (
                    int.from_bytes(body[at : at + 2], "little") for at in (0, 2, 14)
                )
                if number == 0xFFFE:  # extensible: the number follows behind the layout
                    number = int.from_bytes(body[24:26], "little")
                kind = _TYPES.get((number, bits), kind)
    raise EngineError("the decoded sound cannot be read", path, "try --audio drop")


def find_sound_left(
    path: Path, index: int, mutes: Sequence[Mute], shift: Fraction, codec: str
) -> list[str]:
    """What is heard in a result in spans that should be silent, in words.

    Args:
        path: The result.
        index: Of the audio stream.
        mutes: In seconds of the source.
        shift: Seconds by which the result's times are later than the source's.
        codec: Of the stream; one without loss must hold exactly what was written.
    """
    exact = is_lossless(codec)
    begins = next((time for time, *_ in _decoded(path, index)), Fraction(0))
    tick = _tick_of(path, index)  # by which a container may round the time of a packet
    found = []
    for mute in mutes:
        edge = min(tick if exact else _EDGE, (mute.end - mute.start) / 3)
        start, end = mute.start + shift + edge, mute.end + shift - edge
        if not mute.start:  # also what comes before 0; an encoder puts silence before a tone
            start = begins + (edge if mute.tone else 0)
        heard, rate = _samples_between(path, index, start, end)
        if heard.size and not _is_muted(heard, rate, mute.tone, exact):
            span = f"from {spoken(mute.start)} to {spoken(mute.end)}"
            found.append(f"its sound is not {'a tone' if mute.tone else 'silent'} {span}")
    return found


def _tick_of(path: Path, index: int) -> Fraction:
    with open_media(path) as container:
        stream: Any = container.streams[index]
        return Fraction(stream.time_base)


def _is_muted(heard: NDArray[np.float64], rate: int, tone: bool, exact: bool) -> bool:
    """Whether samples, (number, channels), are what they should be."""
    if not tone:
        return not heard.any() if exact else _loudness(heard) <= _SILENT
    turns = 2 * np.pi * TONE * np.arange(len(heard)) / rate
    waves = np.stack([np.sin(turns), np.cos(turns)], axis=1)
    parts, *_ = np.linalg.lstsq(waves, heard, rcond=None)
    return _loudness(heard - waves @ parts) <= _BESIDE_TONE


def _loudness(heard: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.square(heard).mean(axis=0).max()))


def _samples_between(
    path: Path, index: int, start: Fraction, end: Fraction
) -> tuple[NDArray[np.float64], int]:
    """The samples wholly between two times, (number, channels) from -1 to 1, and their rate."""
    found, rate = [], 1
    for time, samples, rate in _decoded(path, index):
        first = max(0, ceil((start - time) * rate))
        last = min(len(samples), floor((end - time) * rate))
        if first < last:
            found.append(samples[first:last])
    return (np.concatenate(found) if found else np.zeros((0, 1))), rate


def _decoded(path: Path, index: int) -> Iterator[tuple[Fraction, NDArray[np.float64], int]]:
    """Each decoded frame of a stream: its time in seconds, its samples, and its rate."""
    with open_media(path) as container:
        stream: Any = container.streams[index]
        for time, frame in timed(container.decode(stream)):
            samples = frame.to_ndarray()
            samples = samples.T if frame.format.is_planar else samples.reshape(frame.samples, -1)
            yield time, _as_shares(samples), frame.sample_rate


def _as_shares(samples: NDArray[Any]) -> NDArray[np.float64]:
    """Samples as shares of full scale."""
    if samples.dtype.kind == "f":
        return samples.astype(np.float64)
    if samples.dtype.kind == "u":
        return (samples.astype(np.float64) - 128) / 128
    return samples.astype(np.float64) / (np.iinfo(samples.dtype).max + 1)
