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
    assert [one.shape for one in finder.excerpts] == [(416, 416, 3)] * 3
    for one, height in zip(finder.excerpts, (20, 36, 64), strict=True):
        rows, columns = np.nonzero(one[:, :, 0] > 200)
        assert abs(rows.mean() - 0.3 * 416) < 2
        assert abs(columns.mean() - 208) < 2
        assert abs(np.ptp(rows) + 1 - height) <= 2
    finder = Finder(excerpt_box(170, 105, 246, 380))
    assert shows_person(finder, picture, FACE)
    assert len(finder.excerpts) == 1
