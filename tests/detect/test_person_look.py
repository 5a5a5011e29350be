"""Whether a person is there whose face a box may hold: what counts, at which scales."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from redact.core.findings import ObjectDetection
from redact.core.frames import Rgb
from redact.core.geometry import Box
from redact.detect.person_look import shows_person

PICTURE = np.full((240, 320, 3), 90, np.uint8)
FACE = Box(150, 60, 170, 80)


class Finder:
    """Sees what it is told to in every excerpt, and remembers these."""

    def __init__(self, *boxes: Box, score: float = 0.9) -> None:
        self.boxes = boxes
        self.score = score
        self.excerpts: list[Rgb] = []

    def detect(
        self, pictures: Sequence[Rgb], threshold: float, classes: Sequence[str]
    ) -> list[list[ObjectDetection]]:
        assert tuple(classes) == ("person",)
        self.excerpts += pictures
        found = [ObjectDetection("person", box, self.score) for box in self.boxes]
        return [found if self.score >= threshold else []]


def excerpt_box(left: float, top: float, right: float, bottom: float) -> Box:
    """Of an excerpt of 416 pixels, in which the face's middle is at 208, 125."""
    return Box(left, top, right, bottom)


@pytest.mark.parametrize(
    ("person", "is_one"),
    [
        (excerpt_box(170, 105, 246, 380), True),
        (excerpt_box(60, 110, 150, 380), False),  # beside
        (excerpt_box(170, 200, 246, 410), False),  # below
        (excerpt_box(170, 2, 246, 130), False),  # its feet are where the face is
        (excerpt_box(203, 115, 213, 150), False),  # too narrow for every height of the face
    ],
)
def test_the_face_must_lie_where_the_persons_head_is(person: Box, is_one: bool) -> None:
    assert shows_person(Finder(person), PICTURE, FACE) is is_one


def test_a_person_that_is_hardly_seen_is_none() -> None:
    person = excerpt_box(170, 105, 246, 380)
    assert shows_person(Finder(person, score=0.26), PICTURE, FACE)
    assert not shows_person(Finder(person, score=0.24), PICTURE, FACE)


def test_it_looks_at_three_scales_with_the_face_at_one_place_and_stops_when_it_sees_one() -> None:
    picture = PICTURE.copy()
    picture[60:80, 150:170] = 255
    finder = Finder()
    assert not shows_person(finder, picture, FACE)
    assert [one.shape for one in finder.excerpts] == [(416, 416, 3)] * 12  # turned four ways
    for one, height in zip(finder.excerpts, (20, 36, 64) * 4, strict=True):
        rows, columns = np.nonzero(one[:, :, 0] > 200)
        assert abs(rows.mean() - 0.3 * 416) < 2
        assert abs(columns.mean() - 208) < 2
        assert abs(np.ptp(rows) + 1 - height) <= 2
    finder = Finder(excerpt_box(170, 105, 246, 380))
    assert shows_person(finder, picture, FACE)
    assert len(finder.excerpts) == 1


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
            assert threshold < 0.9
            assert tuple(classes) == ("person",)
            below = pictures[0][140:200, 200:216].mean() > 200
            person = ObjectDetection("person", Box(170, 105, 246, 380), 0.9)
            return [[person] if below else []]

    assert shows_person(Below(), picture, FACE)
    assert not shows_person(Below(), PICTURE, FACE)


def test_a_large_face_is_made_smaller_without_losing_what_is_thin() -> None:
    picture = np.zeros((900, 900, 3), np.uint8)
    picture[::8] = 240  # one row in eight: point by point it would be all or nothing
    finder = Finder()
    assert not shows_person(finder, picture, Box(300, 300, 600, 700))
    inner = finder.excerpts[0][110:140, 195:220]
    assert 20 < inner.mean() < 40
    assert inner.std() < 12
