"""Animated GIF, PNG and WebP as videos: every picture in, every picture out, at its time.

Whole pictures are read, as a viewer shows them. The still picture that an animated PNG holds for
viewers that cannot play it is left out. Only pictures, delays, the loop count and a well-known ICC
profile are kept.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from PIL import Image

from redact.core.frames import Frame, Samples, VideoInfo, upright
from redact.core.geometry import Size
from redact.core.notes import Note
from redact.errors import (
    RedactError,
    UnreadableInputError,
    UnsupportedInputError,
    UnwritableOutputError,
    VerificationError,
)
from redact.media.drafts import draft
from redact.media.stills.animation_writers import WRITERS, AnimationInfo
from redact.media.stills.colour_profiles import to_drawable_mode
from redact.media.stills.decoding import (
    MOST_SAMPLES,
    check_name,
    open_image,
    read_colour_chunks,
    read_orientation,
    translate_errors,
)
from redact.media.stills.picture import StillPicture
from redact.media.stills.resolution import read_resolution, resolution_chunk

FORMS = ("GIF", "PNG", "WEBP")
"""Pillow's names of the formats whose animations are kept."""

_DEFAULT_DELAY = Fraction(1, 10)
"""Seconds for which viewers show a picture that has no delay."""


class AnimationSource:
    """An animated picture as a video.

    Args:
        path: Where it came from.
        data: The whole file.

    Raises:
        InputError: Broken, too large, or not kept whole.
    """

    notes: tuple[Note, ...] = ()

    def __init__(self, path: Path, data: bytes) -> None:
        self.path = path
        self._data = data
        self._checksum = f"sha256:{hashlib.sha256(data).hexdigest()}"
        with _damage_errors(path):
            self.animation = _read_animation(_open(data, path), data, path)
        times = [Fraction(0)]
        for delay in self.animation.delays:
            times.append(times[-1] + (delay or _DEFAULT_DELAY))
        self._times = times

    @property
    def info(self) -> VideoInfo:
        """Size, number of frames, duration and mean rate."""
        count, seconds = len(self.animation.delays), self._times[-1]
        return VideoInfo(self.animation.size, count, seconds, count / seconds)

    @property
    def fingerprint(self) -> str:
        """`sha256:` and the digest of the bytes that are decoded."""
        return self._checksum

    def frames(self) -> Iterator[Frame]:
        """Each picture once, at its presentation time.

        Raises:
            UnreadableInputError: One of them is damaged.
        """
        image: Image.Image | None = None
        for index, time in enumerate(self._times[:-1]):
            with _damage_errors(self.path):
                image = image or _open(self._data, self.path)
                image.seek(index + self.animation.first_picture)
                samples = _decode_picture(image, self.animation, self.path)
            yield Frame(index, time, StillPicture(samples))


def _damage_errors(path: Path) -> AbstractContextManager[None]:
    return translate_errors(
        lambda why: UnreadableInputError(f"the picture is damaged: {why}", path)
    )


def _open(data: bytes, path: Path) -> Image.Image:
    """Open it without an ICC profile that code points override."""
    image = open_image(data, path)
    read_colour_chunks(image, data)
    return image


def _decode_picture(image: Image.Image, animation: AnimationInfo, path: Path) -> Samples:
    image.load()
    still = image.copy()  # its conversion must not change what the next picture builds on
    pixels = upright(
        np.array(to_drawable_mode(still, path)[0].convert(animation.mode)), animation.turn
    )
    if pixels.shape[:2] != (animation.size.height, animation.size.width):
        remedy = "write it anew with an editor for pictures"
        raise UnsupportedInputError("its pictures differ in size", path, remedy)
    return np.ascontiguousarray(pixels)


def _read_animation(image: Image.Image, data: bytes, path: Path) -> AnimationInfo:
    form = str(image.format)
    _check(image, form, data, path)
    first_picture = int(bool(image.info.get("default_image")))
    image.seek(getattr(image, "n_frames", 1) - 1)  # the number of rounds may stand at the end
    loop_count = image.info.get("loop")
    delays = tuple(_delays(image) if form != "PNG" else _png_delays(data, path))
    image.seek(first_picture)
    profile = to_drawable_mode(image.copy(), path)[1]
    if form == "GIF" or image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        mode = "RGBA"
    else:
        mode = "RGB"
    lossless = form != "WEBP" or data.find(b"VP8L", 0, 1 << 16) >= 0
    turn = read_orientation(image)
    size = turn.upright_size(Size(*image.size))
    chunks = read_colour_chunks(image, data)
    if form == "PNG" and (resolution := read_resolution(image, form, data)):
        chunks += (resolution_chunk(resolution.turned(turn)),)
    return AnimationInfo(
        form, size, turn, mode, delays, loop_count, first_picture, lossless, profile, chunks
    )


def _check(image: Image.Image, form: str, data: bytes, path: Path) -> None:
    count = getattr(image, "n_frames", 1)
    if image.width * image.height * 4 * count > MOST_SAMPLES:
        raise UnsupportedInputError(f"{count} pictures of that size are too many", path)
    if form == "PNG" and data[24] == 16:  # the byte in its header that tells the depth
        remedy = "export it with 8 bits a channel"
        raise UnsupportedInputError("16 bits a channel in an animation", path, remedy)


def _delays(image: Image.Image) -> Iterator[Fraction]:
    for index in range(getattr(image, "n_frames", 1)):
        image.seek(index)
        image.load()
        yield Fraction(int(image.info.get("duration") or 0), 1000)


def _png_delays(data: bytes, path: Path) -> list[Fraction]:
    """The exact delays of its fcTL chunks, which Pillow would round."""
    at, delays = 8, []
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"fcTL" and length == 26 and at + 34 <= len(data):
            above, below = struct.unpack_from(">HH", data, at + 28)
            delays.append(Fraction(above, below or 100))
        at += length + 12
    if not delays:
        raise UnreadableInputError("the picture is damaged: no delays", path)
    return delays


class AnimationSink:
    """An animated picture being written, in the format of its source.

    Args:
        output: Its suffix must be one of the source's format, or the source's.
        source: Gives delays, loop count and encoding.
        force: Whether an existing output is replaced.
        frames: How many must be written.

    Raises:
        UnwritableOutputError: The suffix asks for another format.
    """

    def __init__(
        self, output: Path, source: AnimationSource, *, force: bool = False, frames: int
    ) -> None:
        check_name(output, source.path, source.animation.form)
        self._output = output
        self._source = source
        self._expected = frames
        self._written: list[tuple[Fraction, int]] = []
        self._draft: AbstractContextManager[Path] = draft(
            output, source=source.path, force=force, check=self._finish
        )

    def __enter__(self) -> Self:
        path = self._draft.__enter__()
        self._writer = WRITERS[self._source.animation.form](path, self._source.animation)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish, read everything back, then publish; after an error leave nothing.

        Raises:
            VerificationError: The result is not what was written, or pictures are missing.
        """
        if error is not None:
            self._writer.close()  # before its folder is removed
        try:
            self._draft.__exit__(kind, error, trace)
        finally:
            self._writer.close()

    def write(self, frame: Frame) -> None:
        """Encode one picture.

        Raises:
            UnwritableOutputError: It cannot be encoded.
        """
        with self._encoding_errors():
            shown = self._writer.add(frame.picture.planes()[0].samples)
        self._written.append((frame.time, _checksum(shown)))

    def _encoding_errors(self) -> AbstractContextManager[None]:
        return translate_errors(
            lambda why: UnwritableOutputError(f"cannot encode: {why}", self._output)
        )

    def _finish(self, path: Path) -> None:
        with self._encoding_errors():
            self._writer.finish()
        self._writer.close()
        self._verify(path)

    def _verify(self, path: Path) -> None:
        if len(self._written) != self._expected:
            raise VerificationError(
                f"{len(self._written)} pictures were written instead of {self._expected}",
                self._output,
            )
        try:
            found = AnimationSource(path, path.read_bytes())
            shown = [(f.time, _checksum(f.picture.planes()[0].samples)) for f in found.frames()]
        except RedactError as error:
            raise VerificationError(f"does not read back: {error.problem}", self._output) from error
        self._compare(found, shown)

    def _compare(self, found: AnimationSource, shown: list[tuple[Fraction, int]]) -> None:
        before, after = self._source.info, found.info
        if (before.size, before.duration) != (after.size, after.duration):
            raise VerificationError("reads back with another size or duration", self._output)
        for time, mark in self._written:  # an encoder may join pictures that are equal
            there = max((s for s in shown if s[0] <= time), key=lambda s: s[0])
            if self._source.animation.lossless and there[1] != mark:
                raise VerificationError("reads back with other pixels", self._output)


def _checksum(samples: Samples) -> int:
    """A checksum of what can be seen."""
    seen = samples
    if samples.ndim == 3 and samples.shape[2] == 4:
        seen = np.where(samples[..., 3:] == 0, np.uint8(0), samples)
    return zlib.crc32(np.ascontiguousarray(seen).tobytes())


def is_animated(data: bytes, path: Path) -> bool:
    """Whether the file holds an animation that is kept. A GIF of one picture counts as one."""
    with _damage_errors(path):
        image = open_image(data, path)
        return image.format == "GIF" or (
            image.format in FORMS and getattr(image, "n_frames", 1) > 1
        )
