"""Painted people, nobody's, seen from before or from behind; neural networks take them for one."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from redact.core.frames import Rgb
from redact.core.geometry import Box

_HAIR, _SKIN, _SHIRT, _TROUSERS = (60, 40, 30), (215, 165, 135), (60, 70, 120), (40, 40, 50)
GROUND = (120, 140, 110)


def paint_figure(picture: Rgb, x: float, y: float, half: float, *, behind: bool) -> Box:
    """Paint one standing person; gives the box of the head with its hair.

    Args:
        picture: Painted on.
        x: Middle of the head, in pixels from the left.
        y: The same from the top.
        half: Half the head's width in pixels.
        behind: Whether it is seen from behind, with ears and no face.
    """

    def disc(across: float, down: float, wide: float, high: float, colour: Sequence[int]) -> None:
        middle = round(x + across * half), round(y + down * half)
        axes = max(1, round(wide * half)), max(1, round(high * half))
        cv2.ellipse(picture, middle, axes, 0, 0, 360, colour, -1, cv2.LINE_AA)

    def polygon(corners: Sequence[tuple[float, float]], colour: Sequence[int]) -> None:
        both = [*corners, *((-across, down) for across, down in reversed(corners))]
        points = np.array([(x + across * half, y + down * half) for across, down in both])
        cv2.fillPoly(picture, [points.round().astype(np.int32)], colour, cv2.LINE_AA)

    polygon([(0.6, 1.4), (2, 1.9), (2.3, 5), (1.7, 5), (1.5, 7.5)], _SHIRT)
    polygon([(1.5, 7.5), (1.4, 14), (0.3, 14), (0, 9)], _TROUSERS)
    for side in (-1, 1):
        disc(side * 2.05, 6, 0.28, 1.3, _SKIN)
        disc(side * 0.93, 0.15, 0.26, 0.39, _SKIN)
    disc(0, 1, 0.48, 0.8, _SKIN)
    disc(0, 0, 0.88, 1.1, _SKIN)
    if behind:
        disc(0, -0.15, 0.95, 1.05, _HAIR)
        disc(0, 0.3, 0.8, 0.75, _HAIR)
    else:
        disc(0, -0.55, 0.95, 0.7, _HAIR)
        for side in (-1, 1):
            disc(side * 0.35, -0.05, 0.17, 0.09, (250, 250, 250))
            disc(side * 0.35, -0.05, 0.09, 0.09, (30, 30, 30))
        disc(0, 0.25, 0.12, 0.2, (195, 145, 120))
        disc(0, 0.6, 0.3, 0.1, (180, 70, 70))
    return Box.around(x, y - 0.05 * half, 2 * 1.1 * half, 2 * 1.2 * half)


def figures(
    *behind: bool, half: float = 16, blur: float = 1, ground: Sequence[int] = GROUND
) -> tuple[Rgb, list[Box]]:
    """A picture of people side by side, and the boxes of their heads."""
    step = round(9 * half)
    picture = np.full((round(20 * half), step * max(1, len(behind)), 3), ground, np.uint8)
    boxes = [
        paint_figure(picture, (i + 0.5) * step, 4 * half, half, behind=one)
        for i, one in enumerate(behind)
    ]
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), blur), np.uint8), boxes
