"""What is found out about plates beside their boxes, with scripted networks."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Never

import numpy as np
import pytest

from redact.core.findings import Detection, Kind, ObjectDetection
from redact.core.frames import Rgb
from redact.core.geometry import Box, Size
from redact.core.interfaces import PlateContext, View
from redact.detect.copies import ScaledCopies
from redact.detect.detectors import load
from redact.detect.detectors.plates import Plates
from redact.detect.plate_context import PATCH, PlateContextFinder, take_patch
from redact.media.stills.picture import StillPicture
from tests.cars import car, plate_box, street

PICTURE = np.random.default_rng(0).integers(0, 256, (720, 2560, 3), np.uint8)
PLATE = Box(1000, 300, 1200, 360)


class Scorer:
    """Remembers what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[int, ...], Box]] = []

    def score_at_scales(self, picture: Rgb, box: Box) -> float:
        self.asked.append((picture.shape, box))
        return 0.6


class Classifier:
    """Is as sure as a box is wide, in shares of 1000 pixels."""

    def score(self, picture: Rgb, box: Box) -> float:
        assert picture.shape == (360, 1280, 3)
        return box.width / 1000


class Finder:
    """Finds a car in each picture."""

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[int, ...], Sequence[str]]] = []

    def detect(
        self, pictures: Sequence[Rgb], threshold: float, classes: Sequence[str]
    ) -> list[list[ObjectDetection]]:
        assert threshold < 0.15  # motorcycles count from there
        self.asked += [(picture.shape, classes) for picture in pictures]
        return [[ObjectDetection("car", Box(104, 26, 208, 78), 0.5)] for _ in pictures]


def view(frame: int, *found: Detection) -> View:
    grey = np.zeros((180, 640), np.uint8)
    return View(frame, Fraction(frame, 25), Size(2560, 720), grey, found)


def plate(score: float = 0.5, box: Box = PLATE) -> Detection:
    return Detection(Kind.PLATE, box, score)


def copies() -> ScaledCopies:
    return ScaledCopies(StillPicture(PICTURE.copy()))


def test_frames_without_plates_cost_nothing() -> None:
    def fail() -> Never:
        pytest.fail("it loads a network")

    finder = PlateContextFinder(Scorer(), fail, fail)
    assert finder.examine(view(0), copies()) is None
    assert finder.examine(view(1, Detection(Kind.FACE, PLATE, 0.9)), copies()) is None


def test_plates_are_scored_again_in_a_larger_copy_and_objects_found_in_a_small_one() -> None:
    scorer, objects = Scorer(), Finder()
    finder = PlateContextFinder(scorer, Classifier, lambda: objects)
    found = finder.examine(view(3, plate()), copies())
    assert found is not None
    assert (found.frame, found.time, found.scores) == (3, Fraction(3, 25), {PLATE: 0.6})
    assert scorer.asked == [((360, 1280, 3), Box(500, 150, 600, 180))]
    assert found.looks == {PLATE: 0.1}
    assert objects.asked[0][0] == (117, 416, 3)
    assert {"car", "motorcycle", "bus", "truck", "tv"} <= set(objects.asked[0][1])
    (thing,) = found.objects or ()
    assert (thing.box.left, thing.box.top) == pytest.approx((640, 160))
    assert found.patches[PLATE].shape == (PATCH, PATCH)


def test_objects_are_looked_for_now_and_then_and_only_then() -> None:
    objects = Finder()
    finder = PlateContextFinder(Scorer(), Classifier, lambda: objects)
    found = [finder.examine(view(f, plate(f / 100)), copies()) for f in range(0, 28, 4)]
    assert [c is not None and c.objects is not None for c in found] == [1, 0, 0, 1, 0, 0, 1]
    assert len(objects.asked) == 3


def row(count: int, down: float = 0) -> list[Detection]:
    """Plates beside each other, each surer than the one before."""
    return [plate(i / 99, Box(i * 120, 300 + down, i * 120 + 90, 330 + down)) for i in range(count)]


def scored_of(found: PlateContext | None, plates: Sequence[Detection]) -> list[int]:
    assert found is not None
    return [number for number, one in enumerate(plates) if one.box in found.scores]


def test_each_plate_is_scored_and_then_they_take_turns() -> None:
    finder = PlateContextFinder(Scorer(), Classifier, Finder)
    many = row(12)
    assert scored_of(finder.examine(view(0, *many), copies()), many) == [*range(12)]
    moved = row(12, 5)
    assert scored_of(finder.examine(view(4, *moved), copies()), moved) == [*range(4, 12)]
    moved = row(12, 10)
    assert scored_of(finder.examine(view(8, *moved), copies()), moved) == [*range(4), *range(8, 12)]


def test_what_comes_is_scored_beside_what_is_known() -> None:
    finder = PlateContextFinder(Scorer(), Classifier, Finder)
    finder.examine(view(0, *row(12)), copies())
    found = [plate(0.01, Box(60, 600, 150, 630)), *row(12, 5)]
    assert scored_of(finder.examine(view(4, *found), copies()), found) == [0, *range(6, 13)]


def test_so_many_plates_as_no_street_has_are_not_all_scored() -> None:
    finder = PlateContextFinder(Scorer(), Classifier, Finder)
    many = [one for down in range(0, 680, 32) for one in row(20, down - 300)]
    assert len(many) == 440
    assert len(scored_of(finder.examine(view(0, *many), copies()), many)) == 256
    assert len(scored_of(finder.examine(view(4, *many[1:]), copies()), many[1:])) == 183


def test_a_still_picture_is_scored_once() -> None:
    scorer = Scorer()
    finder = PlateContextFinder(scorer, Classifier, Finder)
    many = row(12)
    first = finder.examine(view(0, *many), copies())
    again = finder.examine(view(4, *many), copies())
    assert first is not None
    assert again is not None
    assert again.scores == first.scores
    assert len(scorer.asked) == 12


def test_a_plate_whose_middle_is_outside_is_not_scored() -> None:
    scorer = Scorer()
    found = PlateContextFinder(scorer, Classifier, Finder).examine(
        view(0, plate(0.5, Box(-200, 0, 100, 50))), copies()
    )
    assert found is not None
    assert not found.scores
    assert not scorer.asked


def test_the_middle_of_a_patch_is_the_box() -> None:
    grey = np.zeros((180, 640), np.uint8)
    grey[75:90, 250:300] = 200
    seen = View(0, Fraction(0), Size(2560, 720), grey, ())
    patch = take_patch(seen, PLATE)
    third = PATCH // 3
    assert (patch[third:-third, third:-third] == 200).all()
    assert patch.sum() == 200 * third * third
    assert take_patch(seen, PLATE.shifted(-5000, 5000)).shape == (PATCH, PATCH)


# The network itself


def scorer() -> Plates:
    found = load("plates")
    assert isinstance(found, Plates)
    return found


def test_a_plate_scores_well_at_every_scale_and_letters_and_wheels_do_not() -> None:
    network = scorer()
    assert network.score_at_scales(car(), plate_box(165, 180)) > 0.6
    assert network.score_at_scales(street(), plate_box(208, 160, 12)) > 0.55
    wheel = Box.around(165 - 0.7 * 4.6 * 24, 180 + 2.4 * 24, 40, 30)
    assert network.score_at_scales(car(), wheel) < 0.4
    assert network.score_at_scales(car(), Box.around(165, 100, 60, 20)) < 0.3


@pytest.mark.parametrize("high", [6, 12, 24, 60])
def test_it_is_the_same_plate_near_and_far(high: float) -> None:
    picture = car(int(12 * high), int(14 * high), 7 * high, 7 * high, high)
    assert scorer().score_at_scales(picture, plate_box(7 * high, 7 * high, high)) > 0.5


def test_a_plate_at_the_rim_is_scored_with_black_around() -> None:
    picture = np.ascontiguousarray(car()[170:, 110:])  # the plate's left and top are cut
    box = Box(0, 0, 165 + 55.2 - 110, 192 - 170)
    assert 0 <= scorer().score_at_scales(picture, box) < 1
    assert scorer().score_at_scales(picture[:1, :1], Box(0, 0, 1, 1)) < 0.5
