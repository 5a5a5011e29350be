"""HEIC, HIF and AVIF: which picture is the main one, more than 8 bits, and HDR or wide colours.

Pillow holds 8 bits of colour. More go through pillow-heif (HEIC, HIF) or OpenCV (AVIF) as 16 bits.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from redact.core.frames import Samples
from redact.core.notes import Note
from redact.errors import UnsupportedInputError

_CODE_POINTS = (
    "color_primaries",
    "transfer_characteristics",
    "matrix_coefficients",
    "full_range_flag",
)
_LIGHT = (
    "content_light_level",
    "mastering_display_colour_volume",
    "ambient_viewing_environment",
    "nominal_diffuse_white_luminance",
)
"""What pillow-heif calls the numbers that tell a screen how bright an HDR picture is meant."""

_PLAIN_PRIMARIES, _PLAIN_TRANSFERS = {1, 2}, {1, 2, 6, 13, 14, 15}
"""Code points of ITU-T H.273 that are shown as sRGB is."""

_FEW_PIXELS = 8_000_000
"""Up to here x265 runs with its preset `veryfast`, which is as good as its default (63 dB) in half
the time. Above it runs with `ultrafast`: 58 dB in a seventh of the time."""

_TILE, _LARGEST_TILE = 512, 2048
"""Sides of the tiles of a larger picture, in pixels, as phones write them: they are decoded side by
side, and decoders refuse very large pictures of one piece."""

_AVIF_QUALITY = 90

_GROUPS = {"ster": "a stereo pair", "brst": "a burst", "altr": "alternatives", "pano": "a panorama"}
"""What pictures of one file are to each other, by the type of their entity group."""


@dataclass(frozen=True, slots=True)
class Coding:
    """How the main picture of such a file is coded.

    Args:
        bits: A channel.
        chroma: 420, 422 or 444.
        colours: Code points and levels of light, as pillow-heif takes them; empty for sRGB.
        others: How many other pictures the file holds.
        groups: What they are to each other, as far as the file says so.
    """

    bits: int
    chroma: int
    colours: dict[str, Any]
    others: int
    groups: tuple[str, ...]

    @property
    def is_plain(self) -> bool:
        """Whether the samples mean sRGB or nothing better is known."""
        points = self.colours.get("nclx_profile", {})
        return is_plain(
            points.get("color_primaries", 1), points.get("transfer_characteristics", 13)
        )

    def notes(self, frames: int) -> tuple[Note, ...]:
        """What of the file is left out.

        Args:
            frames: How many pictures Pillow sees, of a sequence too.
        """
        return other_pictures(max(self.others, frames - 1), self.groups)


def is_plain(primaries: int, transfer: int) -> bool:
    """Whether these code points are shown as sRGB is."""
    return primaries in _PLAIN_PRIMARIES and transfer in _PLAIN_TRANSFERS


def other_pictures(count: int, groups: tuple[str, ...] = ()) -> tuple[Note, ...]:
    """The note that says how many other pictures are left out; none for none."""
    if count < 1:
        return ()
    what = f"{count} other picture{'s' * (count > 1)}"
    of = f" ({', '.join(groups)})" if groups else ""
    return (Note("pictures_left_out", count, f"{what} of the file left out{of}"),)


def read_coding(data: bytes) -> Coding:
    """How the main picture is coded; nothing is decoded."""
    import pillow_heif

    file = pillow_heif.open_heif(io.BytesIO(data))
    info = file.info
    found = {key: info[key] for key in _LIGHT if info.get(key) is not None}
    if points := info.get("nclx_profile"):
        found["nclx_profile"] = {key: int(points[key]) for key in _CODE_POINTS}
    types = [group.get("type") for group in info.get("entity_groups", [])]
    groups = tuple(dict.fromkeys(_GROUPS[kind] for kind in types if kind in _GROUPS))
    return Coding(int(info["bit_depth"]), info.get("chroma") or 444, found, len(file) - 1, groups)


def decode_heif(data: bytes) -> Samples:
    """The main picture with 16 bits a channel, upright."""
    import pillow_heif

    samples = np.asarray(pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False))
    return samples.view() if samples.flags.writeable else samples.copy()


def decode_avif(data: bytes, bits: int, path: Path) -> Samples:
    """The main picture with 16 bits a channel, stored as in the file.

    Raises:
        UnsupportedInputError: OpenCV does not decode it, but Pillow does, with 8 bits.
    """
    import cv2

    decoded: Samples | None = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None:
        with Image.open(io.BytesIO(data)) as image:
            image.load()  # says what is wrong if it is damaged
        remedy = "export it with 8 bits a channel"
        raise UnsupportedInputError(f"its {bits} bits a channel cannot be decoded", path, remedy)
    samples = np.asarray(decoded)
    if samples.dtype != np.uint16:
        return samples
    full: Samples = samples << (16 - bits) | samples >> (2 * bits - 16)
    return full


def encode_heif(samples: Samples, options: dict[str, Any]) -> bytes:
    """HEIC with more than 8 bits.

    Args:
        samples: 16 bit, (height, width) or (height, width, 3 or 4).
        options: `quality`, `chroma` and what `heif_options` gives.
    """
    import pillow_heif

    mode = "L;16" if samples.ndim == 2 else {3: "RGB;16", 4: "RGBA;16"}[samples.shape[2]]
    file, size = io.BytesIO(), (samples.shape[1], samples.shape[0])
    data = np.ascontiguousarray(samples).reshape(-1).view(np.uint8).data
    pillow_heif.from_bytes(mode, size, data).save(file, **options)
    return file.getvalue()


def heif_options(coding: Coding) -> dict[str, Any]:
    """Options for encoding a HEIC the same way: its chroma, its depth, what it means as colours."""
    depth = {"bit_depth": coding.bits} if coding.bits > 8 else {}
    return {"chroma": coding.chroma} | depth | coding.colours


def speed_options(samples: Samples) -> dict[str, Any]:
    """Options that encode a HEIC of that size quickly, in tiles if it is large."""
    height, width = samples.shape[:2]
    preset = "veryfast" if height * width <= _FEW_PIXELS else "ultrafast"
    tile = _TILE if max(height, width) > _LARGEST_TILE else 0
    return {"enc_params": {"preset": preset}, "tile_size": tile}


def encode_avif(samples: Samples, bits: int, colours: dict[str, Any], quality: int | None) -> bytes:
    """AVIF with more than 8 bits, or with colours that are not sRGB; chroma is halved.

    Args:
        samples: 8 or 16 bit, (height, width) or (height, width, 3 or 4), blue first.
        bits: A channel, in the file.
        colours: See `Coding`.
        quality: 1 to 100, None for a high one.
    """
    import cv2

    stored = samples >> (16 - bits) if samples.itemsize == 2 else samples
    wanted = [cv2.IMWRITE_AVIF_QUALITY, quality or _AVIF_QUALITY, cv2.IMWRITE_AVIF_DEPTH, bits]
    data = bytes(cv2.imencode(".avif", np.ascontiguousarray(stored), wanted)[1])
    points = colours.get("nclx_profile")
    return data if points is None else _with_code_points(data, points)


_OPENCV_POINTS = 1, 13, 6
"""Code points that OpenCV writes: sRGB, its chroma made with the matrix of BT.601."""

_FIRST_UNITS = b"\x12\0\x0a"
"""How coded AV1 pictures begin: a delimiter, and a header whose length follows."""


def _with_code_points(data: bytes, points: dict[str, int]) -> bytes:
    """The AVIF with other primaries and another transfer; the matrix is the one it is coded with.

    They stand in its colour box, which players go by, and in the header of the coded picture.
    """
    wanted = points["color_primaries"], points["transfer_characteristics"], _OPENCV_POINTS[2]
    box, other = (b"colrnclx" + struct.pack(">3H", *p) for p in (_OPENCV_POINTS, wanted))
    if data.count(box) != 1:
        raise ValueError("its colours could not be named")
    done = data.replace(box, other)
    at = done.find(_FIRST_UNITS)
    while at >= 0:  # an alpha channel has a header of its own, which says nothing of colours
        end = at + len(_FIRST_UNITS) + 1 + done[at + len(_FIRST_UNITS)]
        header = _with_bits(done[at:end], bytes(_OPENCV_POINTS), bytes(wanted))
        done = done[:at] + header + done[end:]
        at = done.find(_FIRST_UNITS, end)
    return done


def _with_bits(data: bytes, old: bytes, new: bytes) -> bytes:
    """Those bytes replaced at whatever bit they start, if that is one place only."""
    size, width = 8 * len(data), 8 * len(old)
    number, sought = int.from_bytes(data), int.from_bytes(old)
    mask = (1 << width) - 1
    places = [at for at in range(size - width + 1) if number >> at & mask == sought]
    if len(places) != 1:
        return data
    changed = number ^ (sought ^ int.from_bytes(new)) << places[0]
    return changed.to_bytes(len(data))
