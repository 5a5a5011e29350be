"""TIFF files of several pages: every page in, every page out, each a picture of its own.

Pages may differ in size, mode and bit depth.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from redact.core.frames import Frame, Samples, VideoInfo
from redact.core.geometry import Size
from redact.core.notes import Note
from redact.errors import (
    RedactError,
    UnsupportedInputError,
    UnwritableOutputError,
    VerificationError,
)
from redact.media.drafts import draft
from redact.media.stills.decoding import MOST_SAMPLES, Decoded, check_name, decode, translate_errors
from redact.media.stills.encoding import as_written, encode
from redact.media.stills.picture import StillPicture
from redact.media.stills.tiff import PageWriter, split_pages


@dataclass(frozen=True, slots=True)
class Page:
    """One page: the size of its upright picture, and how it is written.

    Args:
        size: Of the upright picture.
        like: The page as it was decoded, without its samples.
    """

    size: Size
    like: Decoded


class PagesSource:
    """A file of several pages, as frames one second apart.

    Args:
        path: Its suffix must agree with the content.
        data: The whole file.

    Raises:
        InputError: One of the pages is broken, too large, or not kept whole.
    """

    notes: tuple[Note, ...] = ()

    def __init__(self, path: Path, data: bytes) -> None:
        self.path = path
        self._data = data
        self._checksum = f"sha256:{hashlib.sha256(data).hexdigest()}"
        pages, samples = list[Page](), 0
        for page in self._decoded():
            samples += page.samples.nbytes
            if samples > MOST_SAMPLES:
                raise UnsupportedInputError("its pages are too many or too large", path)
            size = StillPicture(page.samples).stored_size
            pages.append(Page(size, replace(page, samples=page.samples[:0].copy())))
        self.pages = tuple(pages)

    def _decoded(self) -> Iterator[Decoded]:
        for page in split_pages(self._data, self.path):
            yield decode(page, self.path)

    @property
    def info(self) -> VideoInfo:
        """The size is the first page's."""
        return VideoInfo(self.pages[0].size, len(self.pages), pages=True)

    @property
    def fingerprint(self) -> str:
        """`sha256:` and the digest of the bytes that are decoded."""
        return self._checksum

    def frames(self) -> Iterator[Frame]:
        """Each page once."""
        for index, page in enumerate(self._decoded()):
            yield Frame(index, Fraction(index), StillPicture(page.samples))


class PagesSink:
    """A file of several pages being written.

    Args:
        output: Its suffix must be a TIFF's, or the source's.
        source: Gives the ICC profile that each page keeps.
        force: Whether an existing output is replaced.
        frames: How many must be written.

    Raises:
        UnwritableOutputError: The suffix asks for another format.
    """

    def __init__(
        self, output: Path, source: PagesSource, *, force: bool = False, frames: int
    ) -> None:
        check_name(output, source.path, "TIFF")
        self._output = output
        self._source = source
        self._expected = frames
        self._written: list[int] = []
        self._draft: AbstractContextManager[Path] = draft(
            output, source=source.path, force=force, check=self._finish
        )

    def __enter__(self) -> Self:
        self._pages = PageWriter(self._draft.__enter__().open("wb"), self._output)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Read everything back, then publish; after an error leave nothing.

        Raises:
            VerificationError: The result is not what was written, or pages are missing.
        """
        self._pages.close()  # before its folder may be removed
        self._draft.__exit__(kind, error, trace)

    def write(self, frame: Frame) -> None:
        """Encode one page.

        Raises:
            UnwritableOutputError: It cannot be encoded or stored.
        """
        like = self._source.pages[frame.index].like
        samples = as_written(frame.picture.planes()[0].samples, like)
        page = replace(like, samples=samples)
        with translate_errors(
            lambda why: UnwritableOutputError(f"cannot encode: {why}", self._output)
        ):
            data = encode(page)
        self._pages.add(data)
        self._written.append(_checksum(samples))

    def _finish(self, path: Path) -> None:
        if len(self._written) != self._expected:
            raise VerificationError(
                f"{len(self._written)} pages were written instead of {self._expected}",
                self._output,
            )
        try:
            found = PagesSource(path, path.read_bytes())
            marks = [_checksum(f.picture.planes()[0].samples) for f in found.frames()]
        except RedactError as error:
            raise VerificationError(f"does not read back: {error.problem}", self._output) from error
        if marks != self._written:
            raise VerificationError("reads back with other pixels", self._output)


def _checksum(samples: Samples) -> int:
    """A checksum of shape and samples."""
    shape = zlib.crc32(repr(samples.shape).encode())
    return zlib.crc32(np.ascontiguousarray(samples).tobytes(), shape)
