"""Still pictures in and out: pixels, what their numbers mean as colours, and a resolution.

EXIF orientation is applied to the pixels. Palettes become RGB or RGBA, CMYK and Lab become RGB;
black and white stay one bit a pixel. Everything else is dropped: tags, thumbnails, depth maps,
gain maps, bytes at the end. Of other pictures in the file the notes tell.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

import numpy as np

from redact.core.frames import Frame, Samples, VideoInfo
from redact.core.notes import Note
from redact.errors import (
    RedactError,
    UnsupportedInputError,
    UnwritableOutputError,
    VerificationError,
)
from redact.media.drafts import draft
from redact.media.files import open_input
from redact.media.stills.animation import AnimationSink, AnimationSource, is_animated
from redact.media.stills.decoding import check_name, decode, fits_name, translate_errors
from redact.media.stills.encoding import LOSSLESS, as_written, encode
from redact.media.stills.pages import PagesSink, PagesSource
from redact.media.stills.picture import StillPicture
from redact.media.stills.tiff import has_pages, split_pages

MOST_BYTES = 1 << 30
"""Larger files are refused before they are read."""


class StillSource:
    """A still picture as a video of one frame; decoded once, when it is opened.

    Args:
        path: The content decides the format.
        strict: Whether a damaged file is refused that viewers show.

    Raises:
        InputError: Missing, broken, too large, animated, or not a picture that redact keeps whole.
    """

    def __init__(self, path: Path, *, strict: bool = False) -> None:
        self.path = path
        data = _read(path)
        self._checksum = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if not has_pages(data, path):  # what hangs beside the one page is left out
            data = next(split_pages(data, path), data)
        self.decoded = decode(data, path, strict=strict)

    @property
    def info(self) -> VideoInfo:
        """One frame, no rate."""
        return VideoInfo(StillPicture(self.decoded.samples).stored_size, frames=1)

    @property
    def fingerprint(self) -> str:
        """`sha256:` and the digest of the bytes that were decoded."""
        return self._checksum

    @property
    def notes(self) -> tuple[Note, ...]:
        """What of the file is left out, as other pictures."""
        return self.decoded.notes

    def frames(self) -> Iterator[Frame]:
        """The one frame, at time 0. It is a copy, so drawing on it leaves the source as it is."""
        yield Frame(0, Fraction(0), StillPicture(self.decoded.samples.copy()))


class StillSink:
    """A still picture being written, in the format of its source.

    Args:
        output: Its suffix must be one of the source's format, or the source's.
        source: Says how to encode: a JPEG's quantization tables, 16 bits, lossless or not.
        force: Whether an existing output is replaced.
        quality: 1 to 100 for lossy formats; None for the source's own or a high one.

    Raises:
        UnwritableOutputError: The suffix asks for another format.
    """

    def __init__(
        self, output: Path, source: StillSource, *, force: bool = False, quality: int | None = None
    ) -> None:
        self._output = output
        self._source = source
        self._written: Samples | None = None
        self._draft: AbstractContextManager[Path] = draft(
            output, source=source.path, force=force, check=self._verify
        )
        self._quality = quality
        check_name(output, source.path, source.decoded.form)

    def __enter__(self) -> Self:
        self._path = self._draft.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Check what was written by decoding it, then publish."""
        self._draft.__exit__(kind, error, trace)

    def write(self, frame: Frame) -> None:
        """Encode the one frame.

        Raises:
            VerificationError: There is a second frame.
            UnwritableOutputError: It cannot be encoded or stored.
        """
        if self._written is not None:
            raise VerificationError("a still picture has one frame", self._output)
        decoded = self._source.decoded
        self._written = as_written(frame.picture.planes()[0].samples, decoded)
        decoded = replace(decoded, samples=self._written)
        with translate_errors(
            lambda why: UnwritableOutputError(f"cannot encode: {why}", self._output)
        ):
            data = encode(decoded, self._quality)
        self._path.write_bytes(data)

    def _verify(self, path: Path) -> None:
        if self._written is None:
            raise VerificationError("no frame was written", self._output)
        try:
            again = decode(path.read_bytes(), path, strict=True)
        except RedactError as error:
            raise VerificationError(f"does not read back: {error.problem}", self._output) from error
        if again.samples.shape[:2] != self._written.shape[:2]:
            raise VerificationError("reads back in another size", self._output)
        if again.form in LOSSLESS and not np.array_equal(again.samples, self._written):
            raise VerificationError("reads back with other pixels", self._output)


PictureSource: TypeAlias = StillSource | AnimationSource | PagesSource
"""Whatever a picture file may hold."""


def open_still(path: Path, *, strict: bool = False) -> PictureSource:
    """The source for a picture file: one picture, an animation, or several pages.

    Args:
        path: The file.
        strict: Whether a damaged file is refused that viewers show.

    Raises:
        InputError: See `StillSource`.
    """
    data = _read(path)
    if is_animated(data, path):
        return AnimationSource(path, data)
    if has_pages(data, path):
        return PagesSource(path, data)
    return StillSource(path, strict=strict)


def notes_on_name(output: Path, source: PictureSource) -> tuple[Note, ...]:
    """Tells of a result whose name says another format than its content, as its source's does.

    The web is full of such pictures, and viewers go by the content.
    """
    form = "TIFF"
    if isinstance(source, StillSource):
        form = source.decoded.form
    elif isinstance(source, AnimationSource):
        form = source.animation.form
    if fits_name(output, form):
        return ()
    return (Note("misnamed", 1, f"its name says {output.suffix}, it is {form}, as its source is"),)


def still_sink(
    output: Path, source: PictureSource, *, force: bool, frames: int
) -> StillSink | AnimationSink | PagesSink:
    """The sink that fits the source.

    Raises:
        UnwritableOutputError: The suffix asks for another format.
    """
    if isinstance(source, AnimationSource):
        return AnimationSink(output, source, force=force, frames=frames)
    if isinstance(source, PagesSource):
        return PagesSink(output, source, force=force, frames=frames)
    return StillSink(output, source, force=force)


def _read(path: Path) -> bytes:
    with open_input(path) as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise UnsupportedInputError("the file is too large for a picture", path)
    return data
