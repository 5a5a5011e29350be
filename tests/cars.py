"""A painted car with a number plate, nobody's."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from redact.core.frames import Rgb
from redact.core.geometry import Box


def plate_box(x: float, y: float, high: float = 24) -> Box:
    """Where the plate of `car` is."""
    return Box.around(x, y, 4.6 * high, high)


def car(
    height: int = 280,
    width: int = 330,
    x: float = 165,
    y: float = 180,
    high: float = 24,
    *,
    dark: bool = False,
) -> Rgb:
    """Its tail with the plate's middle at (x, y); the plate is `high` pixels high."""
    picture = Image.new("RGB", (width, height), (140, 150, 160))
    draw = ImageDraw.Draw(picture)
    wide = 4.6 * high
    draw.rectangle((x - 1.1 * wide, y - 5 * high, x + 1.1 * wide, y + 2 * high), (90, 30, 35))
    draw.rectangle((x - 0.9 * wide, y - 4.6 * high, x + 0.9 * wide, y - 2.2 * high), (30, 40, 50))
    for side in (-1, 1):
        lamp, wheel = x + side * 0.9 * wide, x + side * 0.7 * wide
        reach = 0.6 * high
        draw.ellipse((lamp - reach, y - 1.6 * high, lamp + reach, y - 0.4 * high), (220, 40, 30))
        draw.rectangle((wheel - reach, y + 2 * high, wheel + reach, y + 2.9 * high), (20, 20, 20))
    draw.rectangle((0, y + 2.9 * high, width, height), (70, 70, 72))
    ground, text = ((20, 20, 20), (240, 240, 240)) if dark else ((240, 240, 235), (15, 15, 20))
    box = plate_box(x, y, high)
    draw.rectangle((box.left, box.top, box.right, box.bottom), ground, (40, 40, 40))
    font = ImageFont.load_default(0.9 * high)
    draw.text((x, y), "KX 417 RB", text, font, anchor="mm")
    return np.asarray(picture)
