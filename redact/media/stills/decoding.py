"""Decodes still files to upright pixels; refuses what redact could not keep whole."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, JpegImagePlugin, UnidentifiedImageError

from redact.core.frames import Samples, upright
from redact.core.geometry import Turn
from redact.errors import RedactError, UnreadableInputError, UnsupportedInputError
from redact.media.stills.colour_profiles import (
    profile_description,
    profile_to_keep,
    to_drawable_mode,
)

MOST_PIXELS = 200_000_000
"""Larger pictures are refused before they are decoded."""

MOST_SAMPLES = 20_000_000_000
"""Decoded bytes of all pictures of one file; more is taken for a decompression bomb."""

SUFFIXES = {
    "JPEG": (".jpg", ".jpeg", ".jpe"),
    "PNG": (".png", ".apng"),
    "GIF": (".gif",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp",),
    "HEIF": (".heic", ".heif", ".hif"),
    "AVIF": (".avif",),
}
"""Lower-case suffixes by Pillow's name of the format."""

_ORIENTATIONS = {
    2: Turn(0, True),
    3: Turn(2),
    4: Turn(2, True),
    5: Turn(3, True),
    6: Turn(1),
    7: Turn(1, True),
    8: Turn(3),
}
"""Turns by the value of EXIF's Orientation tag."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded still picture, and how it was encoded.

    Args:
        samples: Upright: (height, width) or (height, width, channels), 8 or 16 bit, RGB order.
        form: Pillow's name of the format.
        profile: The ICC profile that is kept, None for sRGB.
        options: Pillow's options for encoding the same way.
    """

    samples: Samples
    form: str
    profile: bytes | None
    options: dict[str, Any]


def decode(data: bytes, path: Path) -> Decoded:
    """Decode a file's bytes to upright pixels.

    Args:
        data: The whole file.
        path: Where it came from; its suffix must agree with the content.

    Raises:
        InputError: See `StillSource`.
    """
    with translate_errors(lambda why: UnreadableInputError(f"the picture is damaged: {why}", path)):
        image = open_image(data, path)
        form = "JPEG" if image.format == "MPO" else str(image.format)
        _check(image, form, data, path)
        deep, turn = _loses_depth(image, form), read_orientation(image)
        image.load()
        if deep:
            return _decode_16_bit(
                image, form, data, turn if form == "TIFF" else read_orientation(image), path
            )
        plain, profile = to_drawable_mode(image, path)
        pixels = np.array(plain)
        pixels = pixels if pixels.dtype == np.uint8 else pixels.astype(np.uint16)
        samples = upright(
            pixels, read_orientation(image)
        )  # a TIFF has been turned by Pillow: none is left
        return Decoded(
            np.ascontiguousarray(samples), form, profile, _encoder_options(image, form, data)
        )


def open_image(data: bytes, path: Path) -> Image.Image:
    """Open the picture; its pixels are not decoded yet.

    Raises:
        InputError: No picture of a known format, or too large.
    """
    if data[4:8] == b"ftyp":
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS  # Pillow's own limit is below what phones write
    try:
        return Image.open(io.BytesIO(data), formats=_formats())
    except UnidentifiedImageError as error:
        raise UnreadableInputError("this is no picture, or a damaged one", path) from error
    except Image.DecompressionBombError as error:
        raise _too_large(path) from error


def _formats() -> list[str]:
    Image.init()
    return [form for form in SUFFIXES if form in Image.OPEN]


def _too_large(path: Path) -> UnsupportedInputError:
    return UnsupportedInputError(f"more than {MOST_PIXELS // 10**6} million pixels", path)


def _check(image: Image.Image, form: str, data: bytes, path: Path) -> None:
    """Refuse what could not be kept whole."""
    if image.width * image.height > MOST_PIXELS:
        raise _too_large(path)
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        remedy = "export its pictures one by one, or make a video of it"
        raise UnsupportedInputError("more than one picture in the file", path, remedy)
    if form not in SUFFIXES:
        raise UnsupportedInputError(f"{form} pictures are not supported", path, "save it as PNG")
    if path.suffix.lower() not in SUFFIXES[form]:
        remedy = f"rename it to {path.stem}{SUFFIXES[form][0]}"
        raise UnsupportedInputError(f"the name does not fit its content, {form}", path, remedy)
    at = data.find(b"colrnclx")
    if form in {"HEIF", "AVIF"} and at >= 0 and not image.info.get("icc_profile"):
        _check_hdr(data[at + 8 : at + 12], path)
    at = data.find(b"av1C")
    if form == "AVIF" and at >= 0 and data[at + 6] & 0x40:
        raise UnsupportedInputError("AVIF with more than 8 bits would lose them", path)


def _check_hdr(codes: bytes, path: Path) -> None:
    primaries, transfer = struct.unpack(">HH", codes)
    if primaries in {9, 11, 12} or transfer in {16, 18}:  # of ITU-T H.273: wide gamut, PQ, HLG
        remedy = "export it with standard colours"
        raise UnsupportedInputError("its HDR or wide colours could not be kept", path, remedy)


def read_orientation(image: Image.Image) -> Turn:
    """The turn that EXIF's Orientation tag asks for."""
    orientation = image.getexif().get(ExifTags.Base.Orientation)
    return _ORIENTATIONS.get(orientation, Turn()) if isinstance(orientation, int) else Turn()


def _loses_depth(image: Image.Image, form: str) -> bool:
    """Whether Pillow would cut 16-bit colours to 8 bits. Called before it decodes."""
    if form == "HEIF":
        return int(image.info.get("bit_depth", 8)) > 8
    return image.mode not in {"I;16", "I;16B"} and ";16" in str(getattr(image, "tile", ""))


def _decode_16_bit(image: Image.Image, form: str, data: bytes, turn: Turn, path: Path) -> Decoded:
    """Decode colours of more than 8 bits, which Pillow cannot hold."""
    remedy = "export it with 8 bits a channel"
    profile: bytes | None = None
    if form == "HEIF" and image.info.get("bit_depth") == 10:
        samples, profile, laid = _decode_10_bit_heif(data), profile_to_keep(image), Turn()
    elif form == "PNG" or (form == "TIFF" and image.mode == "RGB"):
        samples, laid = _decode_with_opencv(data), turn
        if image.info.get("icc_profile") and not profile_description(image).startswith("sRGB"):
            raise UnsupportedInputError("its 16-bit colours are not sRGB", path, remedy)
    else:
        raise UnsupportedInputError(f"{image.mode} with 16 bits a channel", path, remedy)
    if samples.dtype != np.uint16 or samples.ndim != 3:
        raise UnsupportedInputError("its bit depth could not be kept", path, remedy)
    options = _encoder_options(image, form, data)
    return Decoded(np.ascontiguousarray(upright(samples, laid)), form, profile, options)


def _decode_10_bit_heif(data: bytes) -> Samples:
    import pillow_heif

    return np.array(pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False))


def _decode_with_opencv(data: bytes) -> Samples:
    import cv2

    return swap_red_and_blue(
        np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), -1))
    )  # -1: as it is


def swap_red_and_blue(samples: Samples) -> Samples:
    """The samples with red and blue swapped; alpha stays in place."""
    return samples[..., [2, 1, 0, 3][: samples.shape[2]]]


def _encoder_options(image: Image.Image, form: str, data: bytes) -> dict[str, Any]:
    """Options for encoding the same way: quantization tables, chroma subsampling, lossless."""
    if isinstance(image, JpegImagePlugin.JpegImageFile) and image.mode in {"L", "RGB"}:
        turned = read_orientation(image) != Turn()  # blocks move, so quantize finer
        sampling = JpegImagePlugin.get_sampling(image)
        tables = {
            k: [max(1, min(v, 255) * (3 if turned else 10) // 10) for v in table]
            for k, table in image.quantization.items()
        }
        return {
            "qtables": tables,
            "subsampling": 0 if turned else max(sampling, 0),
        }
    if form == "WEBP" and data.find(b"VP8L", 0, 1 << 16) >= 0:
        return {"lossless": True, "exact": True}
    if form == "HEIF":
        return {"chroma": image.info.get("chroma", 444)}
    return {}


@contextmanager
def translate_errors(error: Callable[[str], RedactError]) -> Iterator[None]:
    """Turn whatever Pillow's plugins raise on damaged files into one error, and hide warnings.

    Args:
        error: Makes it from one line of what the plugin said.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except RedactError:
        raise
    except Exception as problem:
        raise error(" ".join(str(problem).split()) or type(problem).__name__) from problem
