"""Looks whether a person is there whose face a box may hold."""

from __future__ import annotations

import cv2
import numpy as np

from redact.core.frames import Rgb
from redact.core.geometry import Box
from redact.core.interfaces import ObjectFinder

_SIDE = 416
"""Pixels across and down the excerpt in which the person is looked for."""
_DOWN = 0.3
"""How far down the excerpt the middle of the face lies, as a share of its side."""
_FACES = (20, 36, 64)
"""Heights of the face in the excerpts, in pixels: the whole person, half of it, a bust."""
_LEAST_SCORE = 0.25
"""All 95 faces of 20 pixels and more reach it that a look decides on in ten labelled clips; of the
objects that were taken for faces in ordinary clips without people, most do not."""
_WIDTHS = (0.8, 8.0)
"""A person's width in heights of the face."""
_BESIDE, _ABOVE, _BELOW = 0.1, 0.15, 0.6
"""How far beside a person, above and below the top, a face's middle may lie, in its size."""


def shows_person(objects: ObjectFinder, picture: Rgb, face: Box) -> bool:
    """Whether a person is seen where its face would be.

    Args:
        objects: Finds persons.
        picture: (height, width, 3), 8 bit, upright.
        face: In the picture's pixels.
    """
    return any(_is_person(objects, picture, face, height) for height in _FACES)


def _is_person(objects: ObjectFinder, picture: Rgb, face: Box, height: int) -> bool:
    excerpt = _excerpt(picture, face, height / face.height)
    (found,) = objects.detect([excerpt], _LEAST_SCORE, ("person",))
    return any(_fits(person.box, height) for person in found)


def _excerpt(picture: Rgb, face: Box, scale: float) -> Rgb:
    """(_SIDE, _SIDE, 3): the picture around a face, black where there is none."""
    x, y = face.centre
    turn = np.array([[scale, 0, _SIDE / 2 - scale * x], [0, scale, _SIDE * _DOWN - scale * y]])
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.warpAffine(picture, turn, (_SIDE, _SIDE), flags=kind))


def _fits(person: Box, face: float) -> bool:
    """Whether the middle of the face lies where that person's head is, in an excerpt."""
    x, y = _SIDE / 2, _SIDE * _DOWN
    beside, width, height = _BESIDE * person.width, person.width, person.height
    across = person.left - beside <= x <= person.right + beside
    down = person.top - _ABOVE * height <= y <= person.top + _BELOW * height
    return across and down and _WIDTHS[0] * face <= width <= _WIDTHS[1] * face
