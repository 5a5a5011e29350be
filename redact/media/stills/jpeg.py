"""A JPEG's own structure: how to encode alike, its pixel density, and why Pillow cannot read it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from PIL import JpegImagePlugin

from redact.core.notes import Note

_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""Second bytes of the markers that begin a frame; each says how it is coded."""

_LOSSLESS = {0xC3, 0xC7, 0xCB, 0xCF}
_HIERARCHICAL = {0xC5, 0xC6, 0xCD, 0xCE}
_START_OF_SCAN = 0xDA

_GAIN_MAPS = (b"ns.adobe.com/hdr-gain-map/", b"urn:iso:std:iso:ts:21496", b"HDRGainMap")
"""What names a gain map: of Adobe and Android, of ISO 21496-1, of Apple."""


def encoding_like(image: JpegImagePlugin.JpegImageFile, *, turned: bool) -> dict[str, Any]:
    """Pillow's options for encoding alike: quantization tables and chroma subsampling.

    Red, green and blue that were coded as such become luma and chroma with the same tables.

    Args:
        image: Opened, its mode `L` or `RGB`.
        turned: Whether its pixels are turned, so that blocks move and are quantized finer.
    """
    numbers = [component[3] for component in image.layer]  # a component names any of four tables
    if not set(numbers) <= set(image.quantization):
        return {}
    share = 3 if turned else 10
    tables = [
        [max(1, min(v, 255) * share // 10) for v in image.quantization[number]]
        for number in numbers
    ]
    while len(tables) > 1 and tables[-1] == tables[-2]:
        tables.pop()  # Pillow takes the last one for the components that are left
    sampling = 0 if turned else max(JpegImagePlugin.get_sampling(image), 0)
    return {"qtables": tables, "subsampling": sampling}


def why_unreadable(data: bytes) -> str | None:
    """Why Pillow cannot read a JPEG although it may be whole; None where that is not known."""
    for marker, content in _read_segments(data):
        if marker not in _FRAMES or len(content) < 6:
            continue
        bits, components = content[0], content[5]
        if marker in _LOSSLESS:
            return "lossless JPEG is not supported"
        if marker in _HIERARCHICAL:
            return "hierarchical JPEG is not supported"
        if bits != 8:
            return f"JPEG with {bits} bits a channel is not supported"
        if components not in {1, 3, 4}:
            return f"JPEG with {components} channels is not supported"
    return None


def notes_on_gain_map(data: bytes) -> tuple[Note, ...]:
    """That screens with more range than others will not use it; nothing where none is there.

    Args:
        data: A whole file, of any kind that Pillow reads.
    """
    if data[:2] != b"\xff\xd8" or not any(name in data for name in _GAIN_MAPS):
        return ()
    return (Note("gain_map_left_out", 1, "gain map left out: HDR screens show it less bright"),)


def _read_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and content of each segment before the first scan."""
    at = 2 if data[:2] == b"\xff\xd8" else len(data)
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker == _START_OF_SCAN:
            return
        (length,) = struct.unpack_from(">H", data, at + 2)
        yield marker, data[at + 4 : at + 2 + length]
        at += 2 + length


def with_density(data: bytes, unit: int, x: int, y: int) -> bytes:
    """The same JPEG with another pixel density.

    Args:
        data: As Pillow writes it, with a JFIF header.
        unit: 0 where only the shape of pixels is known, 1 for an inch, 2 for a centimetre.
        x: Pixels a unit from left to right, 1 to 65535.
        y: The same from top to bottom.
    """
    return data[:13] + struct.pack(">BHH", unit, x, y) + data[18:]
