"""Looks whether a person is there whose face a box may hold."""

from __future__ import annotations

import numpy as np

from redact.core.frames import Rgb
from redact.core.geometry import Box
from redact.core.interfaces import ObjectFinder
from redact.detect.detectors.boxes import cut_square

_SIDE = 416
"""Pixels across and down the excerpt in which the person is looked for."""
_UP, _ASIDE = 125, 208
"""Pixels of it above the middle of the face, and beside it."""
_REACH = _SIDE - _UP
"""Pixels on all sides of the face, of which excerpts are cut, turned each way."""
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
    """Whether a person is seen where its face would be, standing or lying, whichever way.

    Args:
        objects: Finds persons.
        picture: (height, width, 3), 8 bit, upright.
        face: In the picture's pixels.
    """
    scales = (height / face.height for height in _FACES)
    around = [cut_square(picture, face.centre, scale, 2 * _REACH) for scale in scales]
    return any(
        _is_person(objects, np.ascontiguousarray(np.rot90(square, quarters)), height)
        for quarters in range(4)
        for square, height in zip(around, _FACES, strict=True)
    )


def _is_person(objects: ObjectFinder, around: Rgb, height: int) -> bool:
    rows, columns = (slice(_REACH - before, _REACH - before + _SIDE) for before in (_UP, _ASIDE))
    (found,) = objects.detect([around[rows, columns]], _LEAST_SCORE, ("person",))
    return any(_fits(person.box, height) for person in found)


def _fits(person: Box, face: float) -> bool:
    """Whether the middle of the face lies where that person's head is, in an excerpt."""
    x, y = _ASIDE, _UP
    beside, width, height = _BESIDE * person.width, person.width, person.height
    across = person.left - beside <= x <= person.right + beside
    down = person.top - _ABOVE * height <= y <= person.top + _BELOW * height
    return across and down and _WIDTHS[0] * face <= width <= _WIDTHS[1] * face
