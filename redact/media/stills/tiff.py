"""The structure of TIFF files: image file directories (IFDs), split into files and joined again.

Each page is cut out as a whole TIFF with one directory, so that it goes the way of every other
still. A directory that holds a smaller copy or a mask of another page is a thumbnail and is left
out. So are all directories that hang below a page.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from redact.errors import (
    EngineError,
    UnreadableInputError,
    UnsupportedInputError,
    UnwritableOutputError,
)

MOST_PAGES = 10_000
"""A file with more is taken for a decompression bomb."""

_MOST_BYTES = (1 << 32) - 1
"""From this size on, offsets no longer fit into a classic TIFF."""

_NEW_SUBFILE_TYPE, _SUBFILE_TYPE, _STRIP_OFFSETS, _TILE_OFFSETS = 254, 255, 273, 324
_REDUCED, _MASK, _OLD_REDUCED = 1, 4, 2
_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
"""Bytes of one value, by its field type."""
_SHORT, _LONG = 3, 4


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a TIFF stores numbers: its byte order, and whether it is a BigTIFF."""

    order: str
    big: bool

    @classmethod
    def of(cls, data: bytes) -> _Layout | None:
        order = {b"II": "<", b"MM": ">"}.get(data[:2])
        if order is None or len(data) < 8:
            return None
        (version,) = struct.unpack_from(f"{order}H", data, 2)
        return cls(order, version == 43) if version in {42, 43} else None

    @property
    def header(self) -> int:
        """Where the offset of the first directory stands."""
        return 8 if self.big else 4

    @property
    def offset(self) -> struct.Struct:
        """The offset of a directory."""
        return struct.Struct(f"{self.order}{'Q' if self.big else 'I'}")

    @property
    def count(self) -> struct.Struct:
        """How many entries a directory has."""
        return struct.Struct(f"{self.order}{'Q' if self.big else 'H'}")

    @property
    def entry(self) -> struct.Struct:
        """Tag, field type, count and value of an entry, the value as one number."""
        return struct.Struct(f"{self.order}HH{'QQ' if self.big else 'II'}")


@dataclass(frozen=True, slots=True)
class _Directory:
    """One image file directory.

    Args:
        at: Where it stands.
        next_at: Where the offset of the next one stands.
        is_page: Whether it holds a page.
    """

    at: int
    next_at: int
    is_page: bool


def has_pages(data: bytes, path: Path) -> bool:
    """Whether it is a TIFF of several pages.

    Raises:
        InputError: Its directories lead nowhere, or are too many.
    """
    layout = _Layout.of(data)
    if layout is None:
        return False
    return sum(item.is_page for item in _read_directories(data, layout, path)) > 1


def split_pages(data: bytes, path: Path) -> Iterator[bytes]:
    """Each page as a whole file of its own.

    A file with only one directory, or one that is no TIFF, comes back as it is.

    Raises:
        InputError: Its directories lead nowhere, or are too many.
    """
    layout = _Layout.of(data)
    found = list(_read_directories(data, layout, path)) if layout else []
    if layout is None or len(found) < 2:
        yield data
        return
    for item in found:
        if item.is_page:
            yield _cut_out(data, layout, item)


def _read_directories(data: bytes, layout: _Layout, path: Path) -> Iterator[_Directory]:
    (at,) = layout.offset.unpack_from(data, layout.header) if len(data) >= 16 else (0,)
    seen: set[int] = set()
    while at:
        if at in seen or at + layout.count.size > len(data):
            raise _broken_chain(path)
        if len(seen) >= MOST_PAGES:
            raise UnsupportedInputError(f"more than {MOST_PAGES} pages", path)
        seen.add(at)
        (count,) = layout.count.unpack_from(data, at)
        first = at + layout.count.size
        next_at = first + count * layout.entry.size
        if next_at + layout.offset.size > len(data):
            raise _broken_chain(path)
        entries = (layout.entry.unpack_from(data, first + i * layout.entry.size)
                   for i in range(count))  # fmt: skip
        yield _Directory(at, next_at, not any(_is_thumbnail(entry, layout) for entry in entries))
        (at,) = layout.offset.unpack_from(data, next_at)


def _broken_chain(path: Path) -> UnreadableInputError:
    return UnreadableInputError("the picture is damaged: its pages lead nowhere", path)


def _is_thumbnail(entry: tuple[int, int, int, int], layout: _Layout) -> bool:
    """Whether it says that its directory holds a smaller copy or a mask of another's picture."""
    tag, field_type, _, value = entry
    if layout.order == ">" and field_type == _SHORT:  # two bytes at the front of the field
        value >>= 48 if layout.big else 16
    if tag == _NEW_SUBFILE_TYPE:
        return bool(value & (_REDUCED | _MASK))
    return tag == _SUBFILE_TYPE and value & 0xFFFF == _OLD_REDUCED


def _cut_out(data: bytes, layout: _Layout, item: _Directory) -> bytes:
    page = bytearray(data)
    layout.offset.pack_into(page, layout.header, item.at)
    layout.offset.pack_into(page, item.next_at, 0)
    return bytes(page)


class PageWriter:
    """Joins TIFF files of one page each into one file of several pages.

    Args:
        file: Open for writing, and empty.
        output: For messages.
    """

    def __init__(self, file: BinaryIO, output: Path) -> None:
        self._file = file
        self._output = output
        self._link = 0
        self._layout: _Layout | None = None

    def add(self, data: bytes) -> None:
        """Append a page: a classic TIFF with one directory, as redact writes it.

        Raises:
            UnwritableOutputError: The file would become too large.
            EngineError: The page is not of that kind.
        """
        layout = _Layout.of(data)
        if layout is None or layout.big or layout != (self._layout or layout):
            raise EngineError("a page was written in another kind of TIFF", self._output)
        if not self._link:
            self._file.write(data[:4] + layout.offset.pack(0))
            self._layout, self._link = layout, layout.header
        end = self._file.seek(0, 2)
        end += self._file.write(bytes(end % 2))
        by = end - layout.header - layout.offset.size
        if end + len(data) > _MOST_BYTES:
            raise UnwritableOutputError("its pages make more than a TIFF can hold", self._output)
        (item,) = _read_directories(data, layout, self._output)
        page = _move_offsets(data, layout, item, by)
        self._file.write(page[layout.header + layout.offset.size :])
        self._file.seek(self._link)
        self._file.write(layout.offset.pack(item.at + by))
        self._link = item.next_at + by

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _move_offsets(data: bytes, layout: _Layout, item: _Directory, by: int) -> bytearray:
    """The page with every offset in it moved by that many bytes."""
    page = bytearray(data)
    number = struct.Struct(f"{layout.order}I")
    (count,) = layout.count.unpack_from(data, item.at)
    for i in range(count):
        at = item.at + layout.count.size + i * layout.entry.size
        tag, field_type, values, value = layout.entry.unpack_from(data, at)
        is_data = tag in {_STRIP_OFFSETS, _TILE_OFFSETS}
        if field_type not in _TYPE_SIZES or (is_data and field_type != _LONG):
            raise EngineError("a page was written in another kind of TIFF")
        inline = values * _TYPE_SIZES[field_type] <= number.size
        if not inline:
            number.pack_into(page, at + 8, value + by)
        if is_data:
            start = at + 8 if inline else value
            for place in range(start, start + 4 * values, 4):
                number.pack_into(page, place, number.unpack_from(data, place)[0] + by)
    return page
