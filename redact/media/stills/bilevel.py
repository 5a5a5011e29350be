"""Pictures of black and white only, as scanners and fax machines make them: one bit a pixel."""

from __future__ import annotations

import numpy as np
from PIL import Image

from redact.core.frames import Samples

_KEPT_COMPRESSIONS = {"group3", "group4", "tiff_ccitt", "tiff_lzw", "packbits"}
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)

_ORDER = np.array([[0, 2], [3, 1]])
for _ in range(2):  # from 2x2 to 8x8
    _ORDER = np.block([[4 * _ORDER + 0, 4 * _ORDER + 2], [4 * _ORDER + 3, 4 * _ORDER + 1]])
_THRESHOLDS = ((_ORDER + 0.5) * 255 / 64).astype(np.uint8)
"""A Bayer matrix: what a grey must be above to be white there. Black and white stay as they are."""


def is_bilevel(image: Image.Image) -> bool:
    """Whether it holds one bit a pixel, or a palette of black and white."""
    if image.mode != "P" or image.palette is None:
        return image.mode == "1"
    mode, data = image.palette.mode, bytes(image.palette.palette)
    colours = {tuple(data[at : at + 3]) for at in range(0, len(data), 3)}
    return mode == "RGB" and len(data) <= 6 and colours <= {_BLACK, _WHITE}


def to_bilevel(samples: Samples) -> Samples:
    """The picture in black and white, greys as patterns of dots.

    Each pixel is decided for itself. An error that spreads to its neighbours, as in other ways of
    dithering, would change what is not hidden.

    Args:
        samples: (height, width), 8 bit.

    Returns:
        0 and 255 only.
    """
    height, width = samples.shape
    repeated = np.tile(_THRESHOLDS, (height // 8 + 1, width // 8 + 1))[:height, :width]
    return np.where(samples > repeated, np.uint8(255), np.uint8(0))


def bilevel_compression(compression: str | None) -> str:
    """How a bilevel TIFF is compressed: as before, because which is smallest depends on it.

    Args:
        compression: Of the source, by Pillow's name.
    """
    return compression if compression in _KEPT_COMPRESSIONS else "tiff_adobe_deflate"
