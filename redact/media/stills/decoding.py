"""Decodes still files to upright pixels; refuses what redact could not keep whole."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageFile, JpegImagePlugin, UnidentifiedImageError

from redact.core.frames import Samples, upright
from redact.core.geometry import Turn
from redact.core.notes import Note
from redact.errors import (
    RedactError,
    UnreadableInputError,
    UnsupportedInputError,
    UnwritableOutputError,
)
from redact.media.stills import jpeg, photoshop, png
from redact.media.stills.bilevel import bilevel_compression, is_bilevel
from redact.media.stills.colour_profiles import (
    profile_description,
    profile_to_keep,
    to_drawable_mode,
)
from redact.media.stills.heif import (
    decode_avif,
    decode_heif,
    heif_options,
    other_pictures,
    read_coding,
)
from redact.media.stills.resolution import Resolution, read_resolution
from redact.media.stills.unreadable import unreadable

MOST_PIXELS = 200_000_000
"""Larger pictures are refused before they are decoded."""

MOST_SAMPLES = 20_000_000_000
"""Decoded bytes of all pictures of one file; more is taken for a decompression bomb."""

SUFFIXES = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png", ".apng"),
    "GIF": (".gif",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp",),
    "HEIF": (".heic", ".heif", ".hif"),
    "AVIF": (".avif",),
    "PSD": (".psd",),
}
"""Lower-case suffixes by Pillow's name of the format."""

_MAIN_PICTURE_FORMS = {"HEIF", "AVIF", "JPEG", "PSD"}
"""Formats of which the main picture is kept where a file holds several."""

_ORIENTATIONS = {
    2: Turn(0, True), 3: Turn(2), 4: Turn(2, True),
    5: Turn(3, True), 6: Turn(1), 7: Turn(1, True), 8: Turn(3),
}  # fmt: skip
"""Turns by the value of EXIF's Orientation tag."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded still picture, and how it was encoded.

    Args:
        samples: Upright: (height, width) or (height, width, channels), 8 or 16 bit, RGB order.
        form: Pillow's name of the format.
        profile: The ICC profile that is kept, None for sRGB.
        options: Pillow's options for encoding the same way.
        chunks: Of a PNG, those that are kept about its colours.
        resolution: Pixels an inch or the like, None where the file says nothing.
        bilevel: Whether it is written with one bit a pixel.
        notes: What of the file is not kept, although it is not refused.
    """

    samples: Samples
    form: str
    profile: bytes | None
    options: dict[str, Any]
    chunks: tuple[png.Chunk, ...] = ()
    resolution: Resolution | None = None
    bilevel: bool = False
    notes: tuple[Note, ...] = ()


def decode(data: bytes, path: Path, *, strict: bool = False) -> Decoded:
    """Decode a file's bytes to upright pixels.

    Args:
        data: The whole file.
        path: Where it came from.
        strict: Whether a damaged picture is refused that viewers show.

    Raises:
        InputError: See `StillSource`.
    """
    with translate_errors(lambda why: unreadable(data, f"the picture is damaged: {why}", path)):
        image = open_image(data, path)
        form = "JPEG" if image.format == "MPO" else str(image.format)
        _check(image, form, path)
        if form == "PSD":
            return _decode_photoshop(image, path)
        if form in {"HEIF", "AVIF"}:
            return _decode_heif(image, form, data, path)
        resolution, chunks = read_resolution(image, form, data), read_colour_chunks(image, data)
        deep, stored = _loses_depth(image), read_orientation(image)
        lost = _load(image, form, path, strict)
        turned = read_orientation(image)  # a TIFF is turned by Pillow when it is loaded
        if deep:
            decoded = _decode_16_bit(image, form, data, stored if form == "TIFF" else turned, path)
        else:
            decoded = _decode_8_bit(image, form, data, turned, path)
        if resolution is not None:
            resolution = resolution.turned(stored if form == "TIFF" else turned)
        notes = lost + decoded.notes
        return replace(decoded, chunks=chunks, resolution=resolution, notes=notes)


def _load(image: Image.Image, form: str, path: Path, strict: bool) -> tuple[Note, ...]:
    """Decode it; of a JPEG that ends too early as much as there is, as viewers do."""
    try:
        image.load()
    except OSError as error:
        if form != "JPEG" or "truncated" not in str(error):
            raise
        cut_off = "the file ends too early"
        if strict:
            raise UnreadableInputError(cut_off, path, "try another copy of it") from error
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            image.load()
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = False
        return (Note("cut_off", 1, f"{cut_off}: what is missing of the picture is grey"),)
    return ()


def _decode_8_bit(image: Image.Image, form: str, data: bytes, turn: Turn, path: Path) -> Decoded:
    """Decode what Pillow holds whole: 8 bits a channel, 16 bits of grey, or one bit."""
    plain, profile = to_drawable_mode(image, path)
    pixels = np.array(plain)
    pixels = pixels if pixels.dtype == np.uint8 else pixels.astype(np.uint16)
    samples = np.ascontiguousarray(upright(pixels, turn))
    options = _encoder_options(image, form, data, turned=turn != Turn())
    bilevel = plain.mode == "L" and is_bilevel(image)
    notes = other_pictures(getattr(image, "n_frames", 1) - 1) + jpeg.notes_on_gain_map(data)
    return Decoded(samples, form, profile, options, bilevel=bilevel, notes=notes)


def _decode_photoshop(image: Image.Image, path: Path) -> Decoded:
    """Decode the picture that a Photoshop file shows, to be written as PNG."""
    if not photoshop.holds_picture(image):
        remedy = "save it with maximum compatibility, or as PNG"
        raise UnsupportedInputError("it holds layers only, not the picture they make", path, remedy)
    notes = photoshop.notes(image)
    image.load()
    return replace(_decode_8_bit(image, "PNG", b"", Turn(), path), notes=notes)


def _decode_heif(image: Image.Image, form: str, data: bytes, path: Path) -> Decoded:
    """Decode the main picture of a HEIC, HIF or AVIF with all its bits."""
    coding = read_coding(data)
    notes = coding.notes(getattr(image, "n_frames", 1))
    if form == "AVIF":
        special = coding.bits > 8 or not coding.is_plain
        if special and image.info.get("icc_profile"):
            remedy = "export it without a colour profile"
            raise UnsupportedInputError("AVIF with HDR and an ICC profile", path, remedy)
        options = {"bits": coding.bits, "colours": coding.colours} if special else {}
        if special and coding.chroma == 444:
            text = "its colours are kept at half the resolution: its encoder has no more"
            notes += (Note("chroma_halved", 1, text),)
    else:
        options = heif_options(coding)
    if coding.bits <= 8:
        turn = read_orientation(image)
        image.load()
        decoded = _decode_8_bit(image, form, data, turn, path)
        return replace(decoded, options=options, notes=notes)
    if form == "AVIF":
        samples = upright(
            swap_red_and_blue(decode_avif(data, coding.bits, path)), read_orientation(image)
        )
    else:
        samples = decode_heif(data)
    if samples.dtype != np.uint16:
        raise UnsupportedInputError(
            "its bit depth could not be kept", path, "export it with 8 bits"
        )
    return Decoded(
        np.ascontiguousarray(samples), form, profile_to_keep(image), options, notes=notes
    )


def read_colour_chunks(image: Image.Image, data: bytes) -> tuple[png.Chunk, ...]:
    """The chunks that a PNG keeps of its colours; none for other formats.

    The image forgets its ICC profile where they override it.
    """
    if image.format != "PNG":
        return ()
    chunks = png.read_colour_chunks(data, has_profile="icc_profile" in image.info)
    if chunks and profile_to_keep(image) is None:
        image.info.pop("icc_profile", None)
    return chunks


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
        return Image.open(io.BytesIO(data), formats=_formats(data))
    except UnidentifiedImageError as error:
        raise unreadable(data, "this is no picture, or a damaged one", path) from error
    except Image.DecompressionBombError as error:
        raise _too_large(path) from error


def _formats(data: bytes) -> list[str]:
    Image.init()
    if data[4:8] == b"ftyp" and {b"avif", b"avis"} & set(_brands(data)):
        return ["AVIF"]
    return [form for form in SUFFIXES if form in Image.OPEN]


def _brands(data: bytes) -> Iterator[bytes]:
    """What the head of a HEIC or AVIF says that it is."""
    for at in range(8, min(int.from_bytes(data[:4]), 256), 4):
        yield data[at : at + 4]


def _too_large(path: Path) -> UnsupportedInputError:
    return UnsupportedInputError(f"more than {MOST_PIXELS // 10**6} million pixels", path)


def _check(image: Image.Image, form: str, path: Path) -> None:
    """Refuse what could not be kept whole."""
    if image.width * image.height > MOST_PIXELS:
        raise _too_large(path)
    if form not in _MAIN_PICTURE_FORMS and getattr(image, "n_frames", 1) > 1:
        remedy = "export its pictures one by one, or make a video of it"
        raise UnsupportedInputError("more than one picture in the file", path, remedy)
    if form not in SUFFIXES:
        raise UnsupportedInputError(f"{form} pictures are not supported", path, "save it as PNG")


def fits_name(path: Path, form: str) -> bool:
    """Whether the suffix is one of the format."""
    return path.suffix.lower() in SUFFIXES[form]


def check_name(output: Path, source: Path, form: str) -> None:
    """Refuse a result's name that says neither its format nor what the source's name says.

    Raises:
        UnwritableOutputError: It asks for another format.
    """
    if not fits_name(output, form) and output.suffix.lower() != source.suffix.lower():
        remedy = f"name it {output.stem}{SUFFIXES[form][0]}"
        raise UnwritableOutputError(f"a {form} picture stays {form}", output, remedy)


def read_orientation(image: Image.Image) -> Turn:
    """The turn that EXIF's Orientation tag asks for."""
    orientation = image.getexif().get(ExifTags.Base.Orientation)
    return _ORIENTATIONS.get(orientation, Turn()) if isinstance(orientation, int) else Turn()


def _loses_depth(image: Image.Image) -> bool:
    """Whether Pillow would cut 16-bit colours to 8 bits. Called before it decodes."""
    return image.mode not in {"I;16", "I;16B"} and ";16" in str(getattr(image, "tile", ""))


def _decode_16_bit(image: Image.Image, form: str, data: bytes, turn: Turn, path: Path) -> Decoded:
    """Decode colours of more than 8 bits, which Pillow cannot hold."""
    remedy = "export it with 8 bits a channel"
    if form != "PNG" and not (form == "TIFF" and image.mode == "RGB"):
        raise UnsupportedInputError(f"{image.mode} with 16 bits a channel", path, remedy)
    profile = profile_to_keep(image) if form == "PNG" else None
    sounds_like_srgb = profile_description(image).startswith("sRGB")
    if image.info.get("icc_profile") and not profile and not sounds_like_srgb:
        raise UnsupportedInputError("its 16-bit colours are not sRGB", path, remedy)
    samples = _decode_with_opencv(data)
    if samples.dtype != np.uint16 or samples.ndim != 3:
        raise UnsupportedInputError("its bit depth could not be kept", path, remedy)
    return Decoded(np.ascontiguousarray(upright(samples, turn)), form, profile, {})


def _decode_with_opencv(data: bytes) -> Samples:
    import cv2

    as_it_is = cv2.imdecode(np.frombuffer(data, np.uint8), -1)
    return swap_red_and_blue(np.asarray(as_it_is))


def swap_red_and_blue(samples: Samples) -> Samples:
    """The samples with red and blue swapped; alpha and grey stay as they are."""
    return samples if samples.ndim == 2 else samples[..., [2, 1, 0, 3][: samples.shape[2]]]


def _encoder_options(image: Image.Image, form: str, data: bytes, *, turned: bool) -> dict[str, Any]:
    """Options for encoding the same way: quantization tables, chroma subsampling, lossless."""
    if isinstance(image, JpegImagePlugin.JpegImageFile) and image.mode in {"L", "RGB"}:
        return jpeg.encoding_like(image, turned=turned)
    if form == "WEBP" and data.find(b"VP8L", 0, 1 << 16) >= 0:
        return {"lossless": True, "exact": True}
    if form == "TIFF" and image.mode == "1":
        return {"compression": bilevel_compression(image.info.get("compression"))}
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
