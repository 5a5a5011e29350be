"""Headers of sound: what a decoder needs, without the words that a writer put there.

A container hands a track's header on as it is. That of Vorbis holds tags (title, artist, place),
and behind what a decoder reads there is room for anything.
"""

from __future__ import annotations

import struct
from typing import Final

_MOST: Final = {"aac": 8, "flac": 34}
"""Bytes that a decoder needs at most. A longer header of AAC may describe its channels in words."""

_USUAL_MOST = 100
"""The same of others: more is more than numbers."""

_WITHOUT = ("ac3", "dts", "eac3", "mp1", "mp2", "mp3", "pcm")
"""Codecs, by the beginnings of their names, whose packets say all that a decoder needs."""

_OF_AVI: Final = {"mp2": 22, "mp3": 12}
"""Bytes of the numbers that AVI has for these all the same."""

_NO_TAGS = b"\x03vorbis" + bytes(8) + b"\x01"
"""A comment header of Vorbis that names neither an encoder nor anything else."""


def plain_header(codec: str, header: bytes | None) -> bytes | None:
    """The header of a track without words; None if it may hold some that cannot be told apart.

    Args:
        codec: The codec's name.
        header: The container's header of the stream.
    """
    if not header or codec.startswith(_WITHOUT):
        return header if header and len(header) == _OF_AVI.get(codec) else b""
    try:
        if codec == "vorbis":
            return _plain_vorbis(header)
        if codec == "opus":
            return header[: 21 + header[9] if header[18] else 19]
    except (IndexError, struct.error):
        return None
    most = _MOST.get(codec, _USUAL_MOST)
    if codec == "flac":
        return header[:most]
    return None if any(header[most:]) else header  # some writers fill it with zeros


def _plain_vorbis(header: bytes) -> bytes | None:
    """Its three headers, the second of which holds tags, without these."""
    parts = _split_vorbis(header)
    marks = (b"\x01vorbis", b"\x03vorbis", b"\x05vorbis")
    if not all(part.startswith(mark) for part, mark in zip(parts, marks, strict=True)):
        return None
    first, last = parts[0][:30], parts[2]
    return bytes((2, len(first), len(_NO_TAGS))) + first + _NO_TAGS + last


def _split_vorbis(header: bytes) -> tuple[bytes, bytes, bytes]:
    """The three headers, behind their lengths in whichever of the two ways these are written."""
    if header[:2] == b"\0\x1e":
        parts, at = [], 0
        for _ in range(3):
            (length,) = struct.unpack_from(">H", header, at)
            parts.append(header[at + 2 : at + 2 + length])
            at += 2 + length
        return parts[0], parts[1], parts[2]
    at, lengths = 1, []
    for _ in range(2):
        length = 0
        while header[at] == 255:
            length, at = length + 255, at + 1
        length, at = length + header[at], at + 1
        lengths.append(length)
    first, second = at + lengths[0], at + sum(lengths)
    return header[at:first], header[first:second], header[second:]
