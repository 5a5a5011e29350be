"""ICC profiles and pixel modes of still pictures: kept if well known, else converted to sRGB."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageCms

from redact.errors import UnsupportedInputError
from redact.media.stills.bilevel import is_bilevel

_KEPT_PROFILES = ("Display P3", "Adobe RGB", "Gray Gamma", "Generic Gray", "Dot Gain")
"""Profiles whose description begins so are kept: they identify nobody."""

_MOST_PROFILE_BYTES = 4096
"""A larger profile is not kept, as it may hold more than a profile."""


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
    data = image.info.get("icc_profile") or b""
    known = profile_description(image).startswith(_KEPT_PROFILES)
    return bytes(data) if known and len(data) <= _MOST_PROFILE_BYTES else None


def _to_srgb(image: Image.Image, mode: str) -> Image.Image | None:
    standard = ImageCms.createProfile("sRGB")
    try:
        return ImageCms.profileToProfile(image, _profile(image), standard, outputMode=mode)
    except ImageCms.PyCMSError:
        return None  # a profile for another kind of pixels says nothing about these
