"""ICC profiles and pixel modes of still pictures: kept if well known, else converted to sRGB."""

from __future__ import annotations

import io
import re
import struct
from pathlib import Path
from typing import Final

from PIL import Image, ImageCms

from redact.errors import UnsupportedInputError
from redact.media.stills.bilevel import is_bilevel

_KEPT_NAMES: Final = re.compile(
    r"Display P3|Adobe RGB( \(1998\))?|Gray Gamma( \d\.\d)?|Generic Gray( Gamma \d\.\d)?( Profile)?"
    r"|Dot Gain( \d\d%)?"
)
"""Profiles whose description begins so are kept: they identify nobody."""

_MOST_PROFILE_BYTES = 4096
"""A larger profile is not kept, as it may hold more than a profile."""

_KEPT_TAGS: Final = (
    b"wtpt", b"bkpt", b"chad", b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"kTRC",
)  # fmt: skip
"""What a profile needs that is made of a white point, primaries and curves (ISO 15076-1)."""

_TABLES: Final = (b"A2B0", b"A2B1", b"A2B2", b"D2B0", b"D2B1", b"D2B2", b"D2B3")
"""What would count more than these."""

_NUMBERS_OF_CURVES: Final = (1, 3, 4, 5, 7)
"""Parameters of a curve, by the number of its formula."""


def to_drawable_mode(image: Image.Image, path: Path) -> tuple[Image.Image, bytes | None]:
    """The image in a mode that can be drawn on, and the ICC profile to keep.

    Without a profile to keep, the pixels are converted to sRGB.
    """
    plain = _plain_mode(image, path)
    profile = profile_to_keep(image) if plain.mode == image.mode or image.mode == "P" else None
    description = profile_description(image)
    if profile or not description or description.startswith("sRGB") or plain.mode == "LA":
        return plain, profile
    if plain.mode.startswith("I;16"):
        raise UnsupportedInputError(f"16-bit grey with the profile {description!a}", path)
    shown = image if image.mode in {"CMYK", "LAB"} else plain
    mode = "RGBA" if shown.mode == "RGBA" else "RGB"
    return _to_srgb(shown, mode) or plain, None


def _plain_mode(image: Image.Image, path: Path) -> Image.Image:
    if "transparency" in image.info and image.mode in {"P", "RGB", "L", "1"}:
        return image.convert("LA" if image.mode in {"L", "1"} else "RGBA")
    if is_bilevel(image):
        return image.convert("L")
    if image.mode in {"L", "LA", "RGB", "RGBA", "I;16", "I;16B"}:
        return image
    plain = {"P": "RGB", "PA": "RGBA", "RGBX": "RGB", "RGBa": "RGBA", "La": "LA"}
    plain |= {"CMYK": "RGB", "YCbCr": "RGB", "LAB": "RGB"}
    if image.mode not in plain:
        raise UnsupportedInputError(f"pixels of the kind {image.mode} are not supported", path)
    return image.convert(plain[image.mode])


def profile_description(image: Image.Image) -> str:
    """The description of its ICC profile, empty where there is none that can be read."""
    try:
        return ImageCms.getProfileDescription(_profile(image)).strip()
    except (ImageCms.PyCMSError, OSError):
        return ""


def _profile(image: Image.Image) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(image.info.get("icc_profile") or b""))


def profile_to_keep(image: Image.Image) -> bytes | None:
    """Its ICC profile, if it is a well-known one: its numbers and its name, and nothing else."""
    data = bytes(image.info.get("icc_profile") or b"")
    known = _KEPT_NAMES.match(profile_description(image))
    if known is None or len(data) > _MOST_PROFILE_BYTES:
        return None
    try:
        return _without_words(data, known[0])
    except (struct.error, IndexError):
        return None


def _without_words(profile: bytes, name: str) -> bytes | None:
    """The profile made anew; None if it is made of something else than primaries and curves.

    Dates, makers, copyrights, serial numbers of displays and what lies between the tags stay out.
    """
    (count,) = struct.unpack_from(">I", profile, 128)
    found = {}
    for at in range(132, 132 + 12 * count, 12):
        kind, start, size = struct.unpack_from(">4s2I", profile, at)
        found[kind] = profile[start : start + size]
    if set(_TABLES) & set(found) or not {b"rXYZ", b"kTRC"} & set(found):
        return None
    kept = {kind: _numbers(found[kind]) for kind in _KEPT_TAGS if kind in found}
    words = {
        tag: _words(tag, said, profile[8]) for tag, said in ((b"desc", name), (b"cprt", "CC0"))
    }
    return _make_profile(profile, words | kept)


def _numbers(tag: bytes) -> bytes:
    """A tag of numbers, without what follows them; one of another type is an `IndexError`."""
    kind = tag[:4]
    if kind == b"curv":
        length = 12 + 2 * int(struct.unpack_from(">I", tag, 8)[0])
    elif kind == b"para":
        length = 12 + 4 * _NUMBERS_OF_CURVES[struct.unpack_from(">H", tag, 8)[0]]
    else:
        length = {b"XYZ ": 20, b"sf32": 44}.get(kind, len(tag) + 1)
    if length > len(tag):
        raise IndexError("a tag is cut off, or of another type")
    return kind + bytes(4) + tag[8:length]


def _words(tag: bytes, text: str, version: int) -> bytes:
    """What a tag of text holds, in profiles of that version."""
    if version >= 4:
        said = text.encode("utf-16-be")
        return struct.pack(">4s3I4s2I", b"mluc", 0, 1, 12, b"enUS", len(said), 28) + said
    plain = text.encode("ascii") + b"\0"
    if tag == b"desc":
        return struct.pack(">4s2I", b"desc", 0, len(plain)) + plain + bytes(78)
    return b"text" + bytes(4) + plain


def _make_profile(like: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A profile with these tags and what the header of another says of its colours."""
    table, data = b"", b""
    for kind, tag in tags.items():
        table += struct.pack(">4s2I", kind, 132 + 12 * len(tags) + len(data), len(tag))
        data += tag + bytes(-len(tag) % 4)
    header = bytearray(128)
    for kept in (slice(8, 24), slice(36, 40), slice(64, 80)):  # version to space, mark, white
        header[kept] = like[kept]
    struct.pack_into(">I", header, 0, 132 + len(table) + len(data))
    return bytes(header) + struct.pack(">I", len(tags)) + table + data


def _to_srgb(image: Image.Image, mode: str) -> Image.Image | None:
    standard = ImageCms.createProfile("sRGB")
    try:
        return ImageCms.profileToProfile(image, _profile(image), standard, outputMode=mode)
    except ImageCms.PyCMSError:
        return None  # a profile for another kind of pixels says nothing about these
