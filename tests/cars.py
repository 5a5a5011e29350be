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


def street(
    height: int = 256, width: int = 416, x: float = 208, y: float = 160, high: float = 12
) -> Rgb:
    """A car's tail on a road, painted so that a network that knows cars takes it for one.

    The plate's middle is at (x, y), and it is `high` pixels high: see `plate_box`.
    """
    paint, dark, wide = (120, 30, 35), (80, 20, 23), 4.7 * high
    unit = 2.3 * high
    top, shoulder, bottom, horizon = y - 3 * unit, y - 1.5 * unit, y + 0.9 * unit, y - 2.2 * unit
    picture = Image.new("RGB", (width, height), (170, 185, 200))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, horizon, width, max(horizon, height)), (95, 95, 98))
    draw.rectangle((0, horizon - 0.1 * unit, width, horizon + 0.1 * unit), (90, 110, 80))
    shadow = (x - 1.3 * wide, bottom - 0.2 * unit, x + 1.3 * wide, bottom + 0.9 * unit)
    draw.ellipse(shadow, (45, 45, 48))
    for side in (-1, 1):
        wheel = x + side * 0.78 * wide
        tyre = (wheel - 0.32 * unit, bottom - 0.5 * unit, wheel + 0.32 * unit, bottom + 0.65 * unit)
        draw.rounded_rectangle(tyre, 0.15 * unit, (18, 18, 20))
    draw.polygon(_trapezium(x, top, 0.72 * wide, shoulder, 0.98 * wide), dark)
    draw.polygon(_trapezium(x, top + 0.2 * unit, 0.64 * wide, shoulder, 0.86 * wide), (40, 50, 60))
    body = (x - 1.05 * wide, shoulder, x + 1.05 * wide, bottom)
    draw.rounded_rectangle(body, 0.35 * unit, paint)
    bumper = (x - 1.07 * wide, y + 0.25 * unit, x + 1.07 * wide, bottom)
    draw.rounded_rectangle(bumper, 0.25 * unit, dark)
    for side in (-1, 1):
        lamp, mirror = x + side * 0.81 * wide, x + side * 1.15 * wide
        box = Box.around(lamp, shoulder + 0.55 * unit, 0.42 * wide, 0.6 * unit)
        draw.rounded_rectangle(
            (box.left, box.top, box.right, box.bottom), 0.12 * unit, (200, 25, 25)
        )
        box = Box.around(mirror, shoulder - 0.18 * unit, 0.4 * unit, 0.36 * unit)
        draw.rounded_rectangle((box.left, box.top, box.right, box.bottom), 0.1 * unit, dark)
    draw.rectangle(_sides(plate_box(x, y, high)), (240, 240, 235), (40, 40, 40))
    draw.text((x, y), "KX 417 RB", (15, 15, 20), ImageFont.load_default(0.9 * high), anchor="mm")
    light = np.linspace(18, -18, height)[:, None, None]
    return np.clip(np.asarray(picture) + light, 0, 255).astype(np.uint8)


def _sides(box: Box) -> tuple[float, float, float, float]:
    return box.left, box.top, box.right, box.bottom


def _trapezium(
    x: float, top: float, narrow: float, bottom: float, broad: float
) -> list[tuple[float, float]]:
    return [(x - narrow, top), (x + narrow, top), (x + broad, bottom), (x - broad, bottom)]
