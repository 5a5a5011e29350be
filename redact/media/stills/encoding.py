"""Encodes upright pixels to the bytes of a still file."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from redact.core.frames import Samples
from redact.media.stills import png
from redact.media.stills.bilevel import to_bilevel
from redact.media.stills.decoding import SUFFIXES, Decoded, swap_red_and_blue
from redact.media.stills.heif import encode_avif, encode_heif, speed_options
from redact.media.stills.resolution import add_resolution, opencv_resolution
from redact.media.stills.resolution import encoding_options as resolution_options

LOSSLESS = {"PNG", "TIFF", "BMP"}
"""Lossless formats, by Pillow's name."""


def encode(decoded: Decoded, quality: int | None = None) -> bytes:
    """Encode pixels to the bytes of a file that holds nothing but what is kept beside them.

    That is a well-known ICC profile, numbers that say what colours mean, and a resolution.

    Args:
        decoded: What to write, in which format.
        quality: 1 to 100 for lossy formats; None for the source's own or a high one.
    """
    samples, form = decoded.samples, decoded.form
    options = _encoding_options(decoded, quality)
    if form == "AVIF" and "bits" in decoded.options:
        data = encode_avif(
            swap_red_and_blue(samples), decoded.options["bits"], decoded.options["colours"], quality
        )
    elif samples.itemsize == 2 and form == "HEIF":
        data = encode_heif(samples, options)
    elif samples.itemsize == 2 and samples.ndim == 3:
        data = _encode_16_bit(decoded)
    else:
        file = io.BytesIO()
        image = Image.fromarray(samples)
        (image.convert("1") if decoded.bilevel else image).save(file, form, **options)
        data = file.getvalue()
    if decoded.chunks:
        data = png.with_chunks(data, decoded.chunks)
    return data if decoded.resolution is None else add_resolution(data, form, decoded.resolution)


def as_written(samples: Samples, decoded: Decoded) -> Samples:
    """The samples as a lossless format will hold them: greys become dots in black and white."""
    return to_bilevel(samples) if decoded.bilevel else samples


def _encoding_options(decoded: Decoded, quality: int | None) -> dict[str, Any]:
    defaults: dict[str, dict[str, Any]] = {
        "JPEG": {"optimize": True} | (decoded.options or {"quality": 95, "subsampling": 0}),
        "WEBP": {"quality": 97} | decoded.options,
        "TIFF": {"compression": "tiff_adobe_deflate"} | decoded.options,
        "HEIF": {"quality": 85, "chroma": 444} | decoded.options | speed_options(decoded.samples),
        "AVIF": {"quality": 90, "subsampling": "4:4:4"},
    }
    options = defaults.get(decoded.form, {})
    if quality is not None and decoded.form not in LOSSLESS:
        options = {k: v for k, v in options.items() if k != "qtables"} | {"quality": quality}
    if decoded.resolution is not None:
        options = options | resolution_options(decoded.form, decoded.resolution)
    return options | ({"icc_profile": decoded.profile} if decoded.profile else {})


def _encode_16_bit(decoded: Decoded) -> bytes:
    """PNG or TIFF with 16 bits a channel."""
    import cv2

    form, wanted = decoded.form, list[int]()
    if form == "TIFF" and decoded.resolution is not None:
        wanted = opencv_resolution(decoded.resolution)
    samples = np.ascontiguousarray(swap_red_and_blue(decoded.samples))
    data = bytes(cv2.imencode(SUFFIXES[form][0], samples, wanted)[1])
    if decoded.profile is None or form != "PNG":
        return data
    return png.with_chunks(data, [png.profile_chunk(decoded.profile)])
