"""A painted room with a television, and a painted page, nobody's."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from redact.core.frames import Rgb
from redact.core.geometry import Box

LINES = ("Invoice 4711 for Anna Berg", "Harbour Street 12, second floor", "call 0171 555 0199")


def screen_box(x: float, y: float, wide: float) -> Box:
    """Where the television of `room` is, its frame included."""
    return Box.around(x, y, wide, 0.58 * wide)


def room(
    height: int = 256, width: int = 416, x: float = 208, y: float = 100, wide: float = 150
) -> Rgb:
    """A television on a sideboard that shows somebody; its middle is at (x, y)."""
    picture = Image.new("RGB", (width, height), (196, 186, 170))
    draw = ImageDraw.Draw(picture)
    box, edge, floor = screen_box(x, y, wide), 0.03 * wide, 0.72 * height
    draw.rectangle((0, floor, width, height), (120, 90, 60))
    draw.rectangle((x - 0.9 * wide, 0.64 * height, x + 0.9 * wide, 0.8 * height), (90, 62, 40))
    draw.rectangle((x - 0.12 * wide, box.bottom, x + 0.12 * wide, 0.64 * height), (20, 20, 22))
    draw.rectangle((box.left, box.top, box.right, box.bottom), (16, 16, 18))
    shown = box.extended(-edge, -edge)
    draw.rectangle((shown.left, shown.top, shown.right, shown.bottom), (90, 140, 200))
    draw.rectangle((x - 0.2 * wide, y + 0.06 * wide, x + 0.2 * wide, shown.bottom), (60, 60, 110))
    draw.ellipse(
        (x - 0.1 * wide, y - 0.17 * wide, x + 0.1 * wide, y + 0.06 * wide), (224, 180, 150)
    )
    return np.asarray(picture)


def page(
    height: int = 256, width: int = 416, top: float = 40, size: float = 18, left: float = 40
) -> tuple[Rgb, list[Box]]:
    """Lines of text on a grey wall, and where each of them is."""
    picture = Image.new("RGB", (width, height), (200, 205, 210))
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size)
    places = [(left, top + 2.4 * size * number) for number in range(len(LINES))]
    for place, line in zip(places, LINES, strict=True):
        draw.text(place, line, (30, 30, 40), font)
    return np.asarray(picture), [
        Box(*map(float, draw.textbbox(place, line, font)))
        for place, line in zip(places, LINES, strict=True)
    ]
