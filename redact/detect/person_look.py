"""How surely a person is seen whose face a box may hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import mean

import numpy as np

from redact.core.frames import Rgb
from redact.core.geometry import Box
from redact.core.interfaces import ObjectFinder
from redact.detect.detectors.boxes import cut_square
from redact.detect.detectors.objects import CLASSES

_SIDE = 416
"""Pixels across and down the excerpt in which the person is looked for."""
_UP, _ASIDE = 125, 208
"""Pixels of it above the middle of the face, and beside it."""
_FACE = Box.around(_ASIDE, _UP, 1, 1)
"""Where the face is in it, whatever its size."""
_REACH = _SIDE - _UP
"""Pixels on all sides of the face, of which excerpts are cut, turned each way."""
_FACES = (20, 36)
"""Heights of the face in the excerpts, in pixels: the whole person, and half of it. In busts much
looks like somebody: fish and leaves as often as people."""
_LEAST_SCORE = 0.05
"""Scores below count as 0."""
_VEHICLES = ("car", "bus", "truck")
"""Who sits behind a windscreen is no person to the network of objects."""
_ANIMALS = frozenset(CLASSES[CLASSES.index("bird") : CLASSES.index("giraffe") + 1])
_ANIMAL, _BESIDE_ANIMAL = 0.5, 0.4
"""Score of an animal on which the face lies from which a person counts only from the second, and no
vehicle: of 862 labelled faces the highest has 0.49, of false ones on cattle and birds most more."""
_LONGEST = 20.0
"""A vehicle's length in heights of the face: a dashcam's own bonnet is wider."""
_WINDOWS = 0.6
"""Share of a vehicle's height, from above, in which its windows are; wheels and lamps are below."""
_WIDTHS = (0.8, 8.0)
"""A person's width in heights of the face."""
_BESIDE, _ABOVE, _BELOW = 0.1, 0.15, 0.6
"""How far beside a person, above and below the top, a face's middle may lie, in its size."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen where the person of a face would be: scores from 0 to 1, fewer on an animal.

    Args:
        persons: Of the best person that the face fits, a mean over two scales, for each turn.
        vehicle: Of the best vehicle around it at either scale, in the first turn.
        on_animal: Whether an animal is seen there instead, in the first turn.
    """

    persons: tuple[float, ...]
    vehicle: float
    on_animal: bool = False


def look_for_person(objects: ObjectFinder, picture: Rgb, face: Box, turns: Sequence[int]) -> Sight:
    """Look for the person of a face, or a vehicle in which one may sit.

    Args:
        objects: Finds both.
        picture: (height, width, 3), 8 bit, upright.
        face: In the picture's pixels.
        turns: Quarters by which the picture is turned before: persons may lie.
    """
    scales = (height / face.height for height in _FACES)
    around = [cut_square(picture, face.centre, scale, 2 * _REACH) for scale in scales]
    seen = [
        [
            _scores(objects, np.ascontiguousarray(np.rot90(square, quarters)), height)
            for square, height in zip(around, _FACES, strict=True)
        ]
        for quarters in turns
    ]
    persons = tuple(mean(person for person, _, _ in scales) for scales in seen)
    _, vehicles, animals = zip(*seen[0], strict=True)
    if max(animals) < _ANIMAL:
        return Sight(persons, max(vehicles))
    return Sight(tuple(one if one >= _BESIDE_ANIMAL else 0.0 for one in persons), 0.0, True)


def _scores(objects: ObjectFinder, around: Rgb, height: int) -> tuple[float, float, float]:
    """Of the best person, vehicle and animal in an excerpt."""
    rows, columns = (slice(_REACH - before, _REACH - before + _SIDE) for before in (_UP, _ASIDE))
    classes = ("person", *_VEHICLES, *_ANIMALS)
    (found,) = objects.detect([around[rows, columns]], _LEAST_SCORE, classes)
    person = (one.score for one in found if one.name == "person" and _fits(one.box, height))
    vehicle = (one.score for one in found if one.name in _VEHICLES and _is_in(one.box, height))
    animal = (one.score for one in found if one.name in _ANIMALS and one.box.holds_middle(_FACE))
    return max(person, default=0.0), max(vehicle, default=0.0), max(animal, default=0.0)


def _is_in(vehicle: Box, face: float) -> bool:
    """Whether the middle of the face lies where that vehicle has windows, of a plausible size."""
    sill = vehicle.top + _WINDOWS * vehicle.height
    windows = replace(vehicle, bottom=sill)
    return windows.holds_middle(_FACE) and max(vehicle.width, vehicle.height) <= _LONGEST * face


def _fits(person: Box, face: float) -> bool:
    """Whether the middle of the face lies where that person's head is, in an excerpt."""
    x, y = _ASIDE, _UP
    beside, width, height = _BESIDE * person.width, person.width, person.height
    across = person.left - beside <= x <= person.right + beside
    down = person.top - _ABOVE * height <= y <= person.top + _BELOW * height
    return across and down and _WIDTHS[0] * face <= width <= _WIDTHS[1] * face
