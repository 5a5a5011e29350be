"""TIFF files of several pages: every page in, every page out, each a picture of its own.

Pages may differ in size, mode and depth. Each is cut out as a whole TIFF with one directory, so
that it goes the way of every other still; what was written is joined again. Directories that hold
smaller copies or masks of other pages are thumbnails, and are left out, as all directories are that
hang below a page.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np

from redact.core.frames import Frame, Samples, VideoInfo
from redact.core.geometry import Size
from redact.errors import (
    EngineError,
    RedactError,
    UnreadableInputError,
    UnsupportedInputError,
    UnwritableOutputError,
    VerificationError,
)
from redact.media.drafts import draft
from redact.media.stills.picture import StillPicture
from redact.media.stills.reading import MOST_SAMPLES, SUFFIXES, Decoded, decode, engine_errors
from redact.media.stills.writing import encode

MOST_PAGES = 10_000
"""More are taken for a bomb."""

_LARGEST = (1 << 32) - 1
"""Bytes, from which places in a TIFF can no longer be told."""

_KIND, _OLD_KIND, _STRIPS, _TILES = 254, 255, 273, 324
_SMALLER, _MASK, _OLD_SMALLER = 1, 4, 2
_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
"""Bytes of one value, by its type."""
_SHORT, _LONG = 3, 4


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a TIFF spells numbers, after the sign of their order: plain, or the big one."""

    order: str
    big: bool

    @classmethod
    def of(cls, data: bytes) -> _Shape | None:
        order = {b"II": "<", b"MM": ">"}.get(data[:2])
        if order is None or len(data) < 8:
            return None
        (version,) = struct.unpack_from(f"{order}H", data, 2)
        return cls(order, version == 43) if version in {42, 43} else None

    @property
    def head(self) -> int:
        """Where the place of the first directory stands."""
        return 8 if self.big else 4

    @property
    def place(self) -> struct.Struct:
        """The place of a directory."""
        return struct.Struct(f"{self.order}{'Q' if self.big else 'I'}")

    @property
    def count(self) -> struct.Struct:
        """How many entries a directory has."""
        return struct.Struct(f"{self.order}{'Q' if self.big else 'H'}")

    @property
    def entry(self) -> struct.Struct:
        """Tag, type, count and value of an entry, the value as one number."""
        return struct.Struct(f"{self.order}HH{'QQ' if self.big else 'II'}")


@dataclass(frozen=True, slots=True)
class _Directory:
    """Where one directory stands, where the place of the next one does, and if it is a page."""

    at: int
    next_at: int
    page: bool


def has_pages(data: bytes, path: Path) -> bool:
    """Whether it is a TIFF of several pages.

    Raises:
        InputError: Its directories lead nowhere, or are too many.
    """
    shape = _Shape.of(data)
    return shape is not None and sum(item.page for item in _directories(data, shape, path)) > 1


def split(data: bytes, path: Path) -> Iterator[bytes]:
    """Each page as a whole file of its own; what has but one directory, or is no TIFF, as it is.

    Raises:
        InputError: Its directories lead nowhere, or are too many.
    """
    shape = _Shape.of(data)
    found = list(_directories(data, shape, path)) if shape else []
    if shape is None or len(found) < 2:
        yield data
        return
    for item in found:
        if item.page:
            yield _cut_out(data, shape, item)


def _directories(data: bytes, shape: _Shape, path: Path) -> Iterator[_Directory]:
    (at,) = shape.place.unpack_from(data, shape.head) if len(data) >= 16 else (0,)
    seen: set[int] = set()
    while at:
        if at in seen or at + shape.count.size > len(data):
            raise _nowhere(path)
        if len(seen) >= MOST_PAGES:
            raise UnsupportedInputError(f"more than {MOST_PAGES} pages", path)
        seen.add(at)
        (count,) = shape.count.unpack_from(data, at)
        first = at + shape.count.size
        next_at = first + count * shape.entry.size
        if next_at + shape.place.size > len(data):
            raise _nowhere(path)
        entries = (shape.entry.unpack_from(data, first + i * shape.entry.size)
                   for i in range(count))  # fmt: skip
        yield _Directory(at, next_at, not any(_aside(entry, shape) for entry in entries))
        (at,) = shape.place.unpack_from(data, next_at)


def _nowhere(path: Path) -> UnreadableInputError:
    return UnreadableInputError("the picture is damaged: its pages lead nowhere", path)


def _aside(entry: tuple[int, int, int, int], shape: _Shape) -> bool:
    """Whether it says that its directory holds a smaller copy or a mask of another's picture."""
    tag, kind, _, value = entry
    if shape.order == ">" and kind == _SHORT:  # two bytes at the front of the field
        value >>= 48 if shape.big else 16
    if tag == _KIND:
        return bool(value & (_SMALLER | _MASK))
    return tag == _OLD_KIND and value & 0xFFFF == _OLD_SMALLER


def _cut_out(data: bytes, shape: _Shape, item: _Directory) -> bytes:
    page = bytearray(data)
    shape.place.pack_into(page, shape.head, item.at)
    shape.place.pack_into(page, item.next_at, 0)
    return bytes(page)


@dataclass(frozen=True, slots=True)
class Page:
    """One page: the size of its upright picture, and the colour profile that is kept."""

    size: Size
    profile: bytes | None


class PagesSource:
    """A file of several pages, each a second after the one before.

    Args:
        path: Its suffix must agree with the content.
        data: The whole file.

    Raises:
        InputError: One of the pages is broken, too large, or not kept whole.
    """

    def __init__(self, path: Path, data: bytes) -> None:
        self.path = path
        self._data = data
        self._mark = f"sha256:{hashlib.sha256(data).hexdigest()}"
        pages, samples = list[Page](), 0
        for page in self._decoded():
            samples += page.samples.nbytes
            if samples > MOST_SAMPLES:
                raise UnsupportedInputError("its pages are too many or too large", path)
            pages.append(Page(StillPicture(page.samples).stored_size, page.profile))
        self.pages = tuple(pages)

    def _decoded(self) -> Iterator[Decoded]:
        for page in split(self._data, self.path):
            yield decode(page, self.path)

    @property
    def info(self) -> VideoInfo:
        """The size is the first page's."""
        return VideoInfo(self.pages[0].size, len(self.pages), pages=True)

    @property
    def fingerprint(self) -> str:
        """Of the bytes that are decoded."""
        return self._mark

    def frames(self) -> Iterator[Frame]:
        """Each page once."""
        for index, page in enumerate(self._decoded()):
            yield Frame(index, Fraction(index), StillPicture(page.samples))


class PagesSink:
    """A file of several pages being written.

    Args:
        output: Its suffix must be a TIFF's.
        source: Says what profile each page keeps.
        force: Whether an existing output is replaced.
        frames: How many must be written.

    Raises:
        UnwritableOutputError: The suffix asks for another format.
    """

    def __init__(
        self, output: Path, source: PagesSource, *, force: bool = False, frames: int
    ) -> None:
        if output.suffix.lower() not in SUFFIXES["TIFF"]:
            remedy = f"name it {output.stem}{SUFFIXES['TIFF'][0]}"
            raise UnwritableOutputError("a TIFF picture stays TIFF", output, remedy)
        self._output = output
        self._source = source
        self._expected = frames
        self._written: list[int] = []
        self._draft: AbstractContextManager[Path] = draft(
            output, source=source.path, force=force, check=self._finish
        )

    def __enter__(self) -> Self:
        self._joined = Joined(self._draft.__enter__().open("wb"), self._output)
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
        self._joined.close()  # before its folder may be removed
        self._draft.__exit__(kind, error, trace)

    def write(self, frame: Frame) -> None:
        """Encode one page.

        Raises:
            UnwritableOutputError: It cannot be encoded or stored.
        """
        samples = frame.picture.planes()[0].samples
        page = Decoded(samples, "TIFF", self._source.pages[frame.index].profile, {})
        with engine_errors(
            lambda why: UnwritableOutputError(f"cannot encode: {why}", self._output)
        ):
            data = encode(page)
        self._joined.add(data)
        self._written.append(_mark(samples))

    def _finish(self, path: Path) -> None:
        if len(self._written) != self._expected:
            raise VerificationError(
                f"{len(self._written)} pages were written instead of {self._expected}",
                self._output,
            )
        try:
            found = PagesSource(path, path.read_bytes())
            marks = [_mark(f.picture.planes()[0].samples) for f in found.frames()]
        except RedactError as error:
            raise VerificationError(f"does not read back: {error.problem}", self._output) from error
        if marks != self._written:
            raise VerificationError("reads back with other pixels", self._output)


def _mark(samples: Samples) -> int:
    """A checksum of shape and samples."""
    shape = zlib.crc32(repr(samples.shape).encode())
    return zlib.crc32(np.ascontiguousarray(samples).tobytes(), shape)


class Joined:
    """TIFF files of one page each, joined into one of several.

    Args:
        file: Open for writing, and empty.
        output: For messages.
    """

    def __init__(self, file: BinaryIO, output: Path) -> None:
        self._file = file
        self._output = output
        self._link = 0
        self._shape: _Shape | None = None

    def add(self, data: bytes) -> None:
        """Append a page: a plain TIFF with one directory, as redact writes it.

        Raises:
            UnwritableOutputError: The file would become too large.
            EngineError: The page is not of that kind.
        """
        shape = _Shape.of(data)
        if shape is None or shape.big or shape != (self._shape or shape):
            raise EngineError("a page was written in another kind of TIFF", self._output)
        if not self._link:
            self._file.write(data[:4] + shape.place.pack(0))
            self._shape, self._link = shape, shape.head
        end = self._file.seek(0, 2)
        end += self._file.write(bytes(end % 2))
        by = end - shape.head - shape.place.size
        if end + len(data) > _LARGEST:
            raise UnwritableOutputError("its pages make more than a TIFF can hold", self._output)
        (item,) = _directories(data, shape, self._output)
        moved = _moved(data, shape, item, by)
        self._file.write(moved[shape.head + shape.place.size :])
        self._file.seek(self._link)
        self._file.write(shape.place.pack(item.at + by))
        self._link = item.next_at + by

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _moved(data: bytes, shape: _Shape, item: _Directory, by: int) -> bytearray:
    """The page with every place in it moved by that many bytes."""
    page = bytearray(data)
    number = struct.Struct(f"{shape.order}I")
    (count,) = shape.count.unpack_from(data, item.at)
    for i in range(count):
        at = item.at + shape.count.size + i * shape.entry.size
        tag, kind, values, value = shape.entry.unpack_from(data, at)
        if kind not in _WIDTHS or (tag in {_STRIPS, _TILES} and kind != _LONG):
            raise EngineError("a page was written in another kind of TIFF")
        inside = values * _WIDTHS[kind] <= number.size
        if not inside:
            number.pack_into(page, at + 8, value + by)
        if tag in {_STRIPS, _TILES}:
            start = at + 8 if inside else value
            for place in range(start, start + 4 * values, 4):
                number.pack_into(page, place, number.unpack_from(data, place)[0] + by)
    return page
