"""Encodes upright pixels to the bytes of a still file."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from redact.core.frames import Samples
from redact.media.stills.decoding import SUFFIXES, Decoded, swap_red_and_blue

LOSSLESS = {"PNG", "TIFF", "BMP"}
"""Lossless formats, by Pillow's name."""


def encode(decoded: Decoded, quality: int | None = None) -> bytes:
    """Encode pixels to the bytes of a file that holds nothing else but the kept ICC profile.

    Args:
        decoded: What to write, in which format.
        quality: 1 to 100 for lossy formats; None for the source's own or a high one.
    """
    samples, form = decoded.samples, decoded.form
    file = io.BytesIO()
    options = _encoding_options(decoded, quality)
    if samples.ndim == 3 and samples.itemsize == 2:
        if form != "HEIF":
            return _encode_16_bit(samples, form)
        _heif_image(samples).save(file, **options)
    else:
        Image.fromarray(samples).save(file, form, **options)
    return file.getvalue()


def _encoding_options(decoded: Decoded, quality: int | None) -> dict[str, Any]:
    defaults: dict[str, dict[str, Any]] = {
        "JPEG": {"optimize": True} | (decoded.options or {"quality": 95, "subsampling": 0}),
        "WEBP": {"quality": 97} | decoded.options,
        "TIFF": {"compression": "tiff_adobe_deflate"},
        "HEIF": {"quality": 85, "chroma": 444} | decoded.options,
        "AVIF": {"quality": 90, "subsampling": "4:4:4"},
    }
    options = defaults.get(decoded.form, {})
    if quality is not None and decoded.form not in LOSSLESS:
        options = {k: v for k, v in options.items() if k != "qtables"} | {"quality": quality}
    return options | ({"icc_profile": decoded.profile} if decoded.profile else {})


def _heif_image(samples: Samples) -> Any:
    import pillow_heif

    mode = "RGB;16" if samples.shape[2] == 3 else "RGBA;16"
    return pillow_heif.from_bytes(mode, samples.shape[1::-1], samples.tobytes())


def _encode_16_bit(samples: Samples, form: str) -> bytes:
    import cv2

    suffix = SUFFIXES[form][0]
    return bytes(cv2.imencode(suffix, np.ascontiguousarray(swap_red_and_blue(samples)))[1])
