"""Finds truncated files: shorter than their outermost box, chunk or segment declares."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from redact.errors import UnreadableInputError
from redact.media.files import open_input

_HEADER_SIZE = 16
_MOST_BOXES = 100_000
_SEGMENT_ID = bytes.fromhex("18538067")
_EBML_ID = bytes.fromhex("1A45DFA3")


def check_not_truncated(path: Path) -> None:
    """Refuse a file that ends before its outermost box, chunk or segment.

    Raises:
        UnreadableInputError: Its end is missing.
    """
    with open_input(path) as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(_HEADER_SIZE)
        end = next((find(file) for fits, find in _DECLARED_ENDS if fits(head)), None)
    if end is not None and end > size:
        raise UnreadableInputError(
            f"the file is cut off: {end - size} bytes are missing at its end",
            path,
            "copy or download it again",
        )


def _iterate_boxes(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Type and end of each top-level box of an ISO base media file.

    A box that ends beyond the file is the last one.
    """
    size = os.fstat(file.fileno()).st_size
    at = 0
    for _ in range(_MOST_BOXES):
        file.seek(at)
        head = file.read(_HEADER_SIZE)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if len(head) < 8 or length < 8:
            return  # nothing left, or a box that goes on to the end of the file
        at += length
        yield head[4:8], at
        if at >= size:
            return


def _end_of_boxes(file: BinaryIO) -> int:
    return max((end for kind, end in _iterate_boxes(file) if kind.isalnum()), default=0)


def _end_of_chunk(file: BinaryIO) -> int:
    file.seek(4)
    length = int.from_bytes(file.read(4), "little")
    return length + 8 if 0 < length < 0xFFFFFFF0 else 0  # recorders that lost power leave these


def _end_of_segment(file: BinaryIO) -> int | None:
    file.seek(4)
    first = _read_ebml_size(file)
    if first is None:
        return None
    file.seek(first, os.SEEK_CUR)
    if file.read(4) != _SEGMENT_ID:
        return None
    length = _read_ebml_size(file)
    return None if length is None else file.tell() + length


def _read_ebml_size(file: BinaryIO) -> int | None:
    """An EBML data size: leading zeros tell its length; None where unknown (all ones)."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    more = 8 - first[0].bit_length()
    value = int.from_bytes(first + file.read(more), "big") & ((1 << (7 * (more + 1))) - 1)
    return None if value == (1 << (7 * (more + 1))) - 1 else value


_DECLARED_ENDS: list[tuple[Callable[[bytes], bool], Callable[[BinaryIO], int | None]]] = [
    (lambda head: head.startswith(_EBML_ID), _end_of_segment),
    (lambda head: head.startswith(b"RIFF") and head[8:12] == b"AVI ", _end_of_chunk),
    (lambda head: head[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free"}, _end_of_boxes),
]
"""How a container is recognised by its first bytes, and what finds its declared end."""
