"""How surely a person is seen whose face a box may hold: what counts, at which scales."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from redact.core.findings import ObjectDetection
from redact.core.frames import Rgb
from redact.core.geometry import Box
from redact.detect.person_look import Sight, look_for_person

PICTURE = np.full((240, 320, 3), 90, np.uint8)
FACE = Box(150, 60, 170, 80)


class Finder:
    """Sees what it is told to in every excerpt, and remembers these."""

    def __init__(self, *boxes: Box, score: float = 0.9, name: str = "person") -> None:
        self.found = [ObjectDetection(name, box, score) for box in boxes]
        self.excerpts: list[Rgb] = []

    def detect(
        self, pictures: Sequence[Rgb], threshold: float, classes: Sequence[str]
    ) -> list[list[ObjectDetection]]:
        self.excerpts += pictures
        return [[f for f in self.found if f.score >= threshold and f.name in classes]]


def look(finder: Finder, picture: Rgb = PICTURE, turns: Sequence[int] = (0,)) -> Sight:
    return look_for_person(finder, picture, FACE, turns)


PERSON = Box(170, 105, 246, 380)
"""In an excerpt of 416 pixels, in which the face's middle is at 208, 125."""


@pytest.mark.parametrize(
    ("person", "is_one"),
    [
        (PERSON, True),
        (Box(60, 110, 150, 380), False),  # beside
        (Box(170, 200, 246, 410), False),  # below
        (Box(170, 2, 246, 130), False),  # its feet are where the face is
        (Box(203, 115, 213, 150), False),  # too narrow for every height of the face
    ],
)
def test_the_face_must_lie_where_the_persons_head_is(person: Box, is_one: bool) -> None:
    assert look(Finder(person)) == Sight((0.9 if is_one else 0.0,), 0.0)


def test_it_is_a_mean_over_the_scales_of_the_best_person_in_each() -> None:
    wide = Box(108, 105, 308, 380)  # ten faces of 20 pixels, less than six of 36
    assert look(Finder(wide, score=0.8)).persons == (pytest.approx(0.4),)
    finder = Finder(PERSON, score=0.3)
    finder.found.append(ObjectDetection("person", PERSON, 0.7))
    assert look(finder).persons == (pytest.approx(0.7),)
    assert look(Finder(PERSON, score=0.04)).persons == (0.0,)
    assert look(Finder(PERSON, name="chair")) == Sight((0.0,), 0.0)


@pytest.mark.parametrize(
    ("vehicle", "score"),
    [
        (Box(60, 45, 356, 185), 0.9),  # fifteen faces of 20 pixels, eight of 36
        (Box(5, 45, 411, 185), 0.9),  # longer than twenty faces of 20 pixels, not of 36
        (Box(-200, 45, 600, 185), 0.0),  # longer than twenty of either, as a bonnet
        (Box(60, 150, 356, 300), 0.0),  # below
        (Box(60, 30, 356, 170), 0.0),  # a lamp
    ],
)
def test_a_vehicle_around_the_face_is_told_apart(vehicle: Box, score: float) -> None:
    assert look(Finder(vehicle, name="truck")) == Sight((0.0,), pytest.approx(score))


BESIDE = Box(240, 60, 400, 300)
ON = Box(120, 60, 300, 300)


@pytest.mark.parametrize(
    ("animal", "name", "score", "person", "seen"),
    [
        (ON, "cow", 0.5, 0.39, Sight((0.0,), 0.0, True)),
        (ON, "bird", 0.9, 0.41, Sight((pytest.approx(0.41),), 0.0, True)),  # a hand with a parrot
        (ON, "cow", 0.49, 0.3, Sight((pytest.approx(0.3),), pytest.approx(0.7))),
        (BESIDE, "cow", 0.9, 0.3, Sight((pytest.approx(0.3),), pytest.approx(0.7))),
        (ON, "teddy bear", 0.9, 0.3, Sight((pytest.approx(0.3),), pytest.approx(0.7))),
    ],
)
def test_on_an_animal_only_a_sure_person_counts_and_no_vehicle(
    animal: Box, name: str, score: float, person: float, seen: Sight
) -> None:
    finder = Finder(PERSON, score=person)
    finder.found += [
        ObjectDetection("car", Box(60, 45, 356, 185), 0.7),
        ObjectDetection(name, animal, score),
    ]
    assert look(finder) == seen


def test_it_looks_at_two_scales_with_the_face_at_one_place_in_each_turn() -> None:
    picture = PICTURE.copy()
    picture[60:80, 150:170] = 255
    finder = Finder()
    look(finder, picture, (0, 1, 2, 3))
    assert [one.shape for one in finder.excerpts] == [(416, 416, 3)] * 8
    for one, height in zip(finder.excerpts, (20, 36) * 4, strict=True):
        rows, columns = np.nonzero(one[:, :, 0] > 200)
        assert abs(rows.mean() - 0.3 * 416) < 2
        assert abs(columns.mean() - 208) < 2
        assert abs(np.ptp(rows) + 1 - height) <= 2


@pytest.mark.parametrize("quarters", range(4))
def test_a_person_may_lie_whichever_way(quarters: int) -> None:
    """What lies below the face in one excerpt is what lay beside or above it in the picture."""
    picture = PICTURE.copy()
    body = {0: (slice(85, 200), slice(140, 180)), 1: (slice(50, 90), slice(20, 145)),
            2: (slice(0, 55), slice(140, 180)), 3: (slice(50, 90), slice(175, 300))}  # fmt: skip
    picture[body[quarters]] = 255

    class Below(Finder):
        def detect(
            self, pictures: Sequence[Rgb], threshold: float, classes: Sequence[str]
        ) -> list[list[ObjectDetection]]:
            below = pictures[0][140:200, 200:216].mean() > 200
            return super().detect(pictures, threshold, classes) if below else [[]]

    seen = look(Below(PERSON), picture, (0, 1, 2, 3)).persons
    assert [score > 0.4 for score in seen] == [turn == quarters for turn in range(4)]


def test_a_large_face_is_made_smaller_without_losing_what_is_thin() -> None:
    picture = np.zeros((900, 900, 3), np.uint8)
    picture[::8] = 240  # one row in eight: point by point it would be all or nothing
    finder = Finder()
    look_for_person(finder, picture, Box(300, 300, 600, 700), (0,))
    inner = finder.excerpts[0][110:140, 195:220]
    assert 20 < inner.mean() < 40
    assert inner.std() < 12
