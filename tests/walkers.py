"""A painted person who walks, nobody's."""

from __future__ import annotations

from math import pi, sin

import numpy as np
from PIL import Image, ImageDraw

from redact.core.frames import Rgb
from redact.core.geometry import Box

_FINER = 3
"""Times as large as it is asked for it is painted, and then scaled down."""

COAT, SKIN, HAIR = (170, 50, 45), (224, 180, 150), (60, 40, 30)
LEGS, SHOES = (40, 45, 70), (25, 25, 25)


def walker_box(x: float, y: float, high: float, step: float = 0.0) -> Box:
    """What of `walker` is painted: wider in mid-step, as people are.

    Args:
        x: The middle of the body.
        y: The middle between head and feet.
        high: From head to feet, in pixels.
        step: Share of a double step that is done.
    """
    out, half = _spread(step), 0.5 * high
    reach = max(0.21 + out / 2, 0.15 + out) * high
    return Box(x - reach, y - half, x + reach, y + half)


def walker(
    height: int = 256,
    width: int = 416,
    x: float = 200,
    y: float = 128,
    high: float = 160,
    step: float = 0.0,
) -> Rgb:
    """Somebody seen from in front, painted so that a network that knows people knows one."""
    picture = Image.new("RGB", (width * _FINER, height * _FINER), (150, 160, 170))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, height * _FINER // 2, width * _FINER, height * _FINER), (120, 125, 110))

    def part(cx: float, cy: float, a: float, b: float, colour: tuple[int, ...]) -> None:
        middle, down = x + cx * high, y + cy * high
        sides = (middle - a * high, down - b * high, middle + a * high, down + b * high)
        draw.ellipse([side * _FINER for side in sides], colour)

    out = _spread(step)
    for side in (-1, 1):
        part(side * (0.07 + out), 0.27, 0.055, 0.22, LEGS)
        part(side * (0.08 + out), 0.475, 0.07, 0.025, SHOES)
        part(side * (0.16 + out / 2), -0.08, 0.045, 0.17, (150, 40, 40))
        part(side * (0.18 + out / 2), 0.09, 0.03, 0.03, SKIN)
    part(0, -0.08, 0.13, 0.2, COAT)
    part(0, -0.3, 0.035, 0.06, SKIN)
    part(0, -0.39, 0.06, 0.08, SKIN)
    part(0, -0.45, 0.065, 0.05, HAIR)
    return np.asarray(picture.resize((width, height), Image.Resampling.BOX))


def _spread(step: float) -> float:
    """How far arms and legs reach beyond those of somebody who stands, in heights."""
    return 0.08 * abs(sin(2 * pi * step))
