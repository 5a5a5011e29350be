"""Chunks of PNG files that are kept: what its numbers mean as colours, and its resolution."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"

Chunk = tuple[bytes, bytes]
"""Its kind and its content."""

_LENGTHS = {b"cICP": 4, b"mDCV": 24, b"cLLI": 8, b"sRGB": 1, b"gAMA": 4, b"cHRM": 32}
"""Bytes of each chunk about colours. Their order is that of precedence."""


def read_chunks(data: bytes) -> Iterator[Chunk]:
    """All chunks of a file."""
    at = len(SIGNATURE)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + 8 + length]
        at += length + 12


def chunk_bytes(kind: bytes, content: bytes) -> bytes:
    """The bytes of one chunk."""
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def read_colour_chunks(data: bytes, *, has_profile: bool) -> tuple[Chunk, ...]:
    """What a viewer goes by: code points (cICP), else sRGB, else gamma and chromaticities.

    Args:
        data: The whole file.
        has_profile: Whether it has an ICC profile, which only code points override.

    Returns:
        Chunks of numbers, nothing that could hold more than they say.
    """
    found = dict[bytes, bytes]()
    for kind, content in read_chunks(data):
        if kind == b"IDAT":
            break
        if len(content) == _LENGTHS.get(kind):
            found.setdefault(kind, content)
    if found.get(b"cICP", b"..\1")[2]:  # a matrix, which no PNG has
        for kind in (b"cICP", b"mDCV", b"cLLI"):
            found.pop(kind, None)
    if b"cICP" not in found and has_profile:
        return ()
    if b"cICP" in found or b"sRGB" not in found:
        return tuple((kind, found[kind]) for kind in _LENGTHS if kind in found)
    return ((b"sRGB", found[b"sRGB"]),)


def read_density(data: bytes) -> tuple[int, int, int] | None:
    """Pixels along both sides of a unit, and that unit: 1 for a metre, 0 where it is not known."""
    content = next((c for kind, c in read_chunks(data) if kind == b"pHYs" and len(c) == 9), None)
    return None if content is None else struct.unpack(">IIB", content)


def profile_chunk(profile: bytes) -> Chunk:
    """The chunk that holds an ICC profile."""
    return b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile)


def with_chunks(data: bytes, chunks: Iterable[Chunk]) -> bytes:
    """The file with more chunks behind its header; those of its own of the same kinds go."""
    added = dict(chunks)
    own = ((kind, content) for kind, content in read_chunks(data) if kind not in added)
    header, *rest = own
    return SIGNATURE + b"".join(chunk_bytes(*chunk) for chunk in (header, *added.items(), *rest))
