"""The watch for dropouts doubts itself: likeness alone neither is somebody nor hides a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from redact.core.findings import Detection, Kind, Sighting, Track
from redact.core.frames import Frame, Rgb
from redact.core.geometry import Box
from redact.core.interfaces import View
from redact.core.plan import Plan, SourceId
from redact.core.recipe import recipe
from redact.hide.styles import STYLES
from redact.verify.compare import verify
from redact.verify.dropouts import Dropouts
from redact.verify.extend import extend_plan
from redact.verify.hidden import hides_too_much
from redact.verify.result import AT_AN_END, BETWEEN, Checking, Leak, Spot, Verification
from redact.verify.second_opinion import SecondOpinion
from redact_cli.summary import verification_in_words
from tests.scripted import PaintedSource, even_times
from tests.verify.test_dropouts import COUNT, FACE, LOOK, SIZE, frames_of, scene, seen, shown

NOISE = np.random.default_rng(8)


def sheet(seed: int, box: Box) -> NDArray[np.int64]:
    """The dark above, and the upper edge of something white: no more structure than that."""
    rows, columns = round(box.height), round(box.width)
    look = np.full((rows, columns), 30)
    look[rows // 2 :] = 220
    return look + np.random.default_rng(seed).integers(-3, 4, look.shape)


def test_an_edge_of_light_is_not_the_thing_that_was_lost_there() -> None:
    pictures = [scene(look=sheet(i, FACE)) for i in range(COUNT)]
    track = Track(1, Kind.FACE, seen(range(20)))
    assert not shown([track], range(20, 40), pictures)


def test_a_shade_is_not_the_thing_between_two_sightings() -> None:
    rows = np.linspace(60, 200, LOOK.shape[0])[:, None]
    grain = [NOISE.integers(-4, 5, LOOK.shape) for _ in range(COUNT)]
    pictures = [scene(look=np.broadcast_to(rows, LOOK.shape).astype(int) + g) for g in grain]
    track = Track(1, Kind.FACE, seen([*range(20), *range(30, COUNT)]))
    assert not shown([track], range(20, 30), pictures)


def test_a_thing_is_looked_for_in_the_size_in_which_it_was_detected() -> None:
    """Where it was only followed its box has grown from doubt."""
    grown = FACE.grown(0.5)
    track = Track(1, Kind.FACE, (*seen(range(15)), *seen(range(15, 20), grown, 0.0)))
    found = shown([track], range(20, 30), [scene()] * COUNT)
    assert frames_of(found) == set(range(20, 30))
    assert all(spot.box.iou(FACE) > 0.9 for spot in found)


LARGE = Box(30, 20, 90, 92)
LARGE_LOOK = np.random.default_rng(5).integers(60, 200, (6, 5)).repeat(12, 0).repeat(12, 1)
PICTURES = [scene(LARGE, LARGE_LOOK)] * COUNT
PLAN = Plan(
    SourceId("sha256:painted", SIZE, COUNT),
    recipe(style="solid"),
    tracks=(Track(1, Kind.FACE, seen(range(20), LARGE)),),
)


class OneMind:
    """A detector that sees a face in the middle of every enlarged view, or in none."""

    def __init__(self, score: float) -> None:
        self._score = score

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        side = Box.around(128, 128, 80, 96)
        views = [p.shape[:2] == (256, 256) for p in pictures]
        there = [Detection(Kind.FACE, side, self._score)] if self._score >= threshold else []
        return [there if view else [] for view in views]


def check(score: float, *, strict: bool = False, plan: Plan = PLAN) -> Verification:
    cover, outputs = plan.cover(), []
    for index, picture in enumerate(PICTURES):
        copy = picture.copy()
        STYLES["solid"](plan.recipe).hide(copy, cover(index, Fraction(index, 25)))
        outputs.append(copy)
    return verify(
        PaintedSource(even_times(COUNT), PICTURES),
        PaintedSource(even_times(COUNT), outputs),
        plan,
        SecondOpinion({"centerface"}, lambda _: OneMind(score)),
        Checking(strict=strict),
        lambda *_: None,
    )


def test_what_is_large_and_unseen_is_told_and_is_no_leak() -> None:
    found = check(0.0)
    assert not found.leaks
    assert {s.frame for doubt in found.doubts for s in doubt.spots} >= set(range(31, 44))
    told = (found.in_words(), verification_in_words(found))
    assert all("NOT hidden" in words and "s" in words for words in told)
    assert found.as_object()["doubts"][0]["why"] == AT_AN_END


def test_what_is_large_and_seen_by_a_detector_is_a_leak() -> None:
    found = check(0.9)
    assert found.leaks
    assert not found.doubts
    assert "NOT hidden" not in found.in_words()


def test_what_is_large_between_two_sightings_is_a_leak_whoever_sees_it() -> None:
    holed = (*seen(range(10), LARGE), *seen(range(35, COUNT), LARGE))
    coverage = replace(PLAN.recipe.coverage, bridge=0.1)
    recipe_ = replace(PLAN.recipe, coverage=coverage)
    found = check(0.0, plan=replace(PLAN, recipe=recipe_, tracks=(Track(1, Kind.FACE, holed),)))
    assert found.leaks
    assert not found.doubts


def test_a_person_that_is_large_and_seen_by_no_detector_of_faces_is_a_leak() -> None:
    tracks = (Track(1, Kind.PERSON, seen(range(20), LARGE)),)
    rules = PLAN.recipe.coverage.with_holds(after=0.4)
    recipe_ = replace(PLAN.recipe, coverage=rules)
    found = check(0.0, plan=replace(PLAN, recipe=recipe_, tracks=tracks))
    assert found.leaks
    assert not found.doubts


def test_strictly_what_is_large_and_unseen_is_a_leak() -> None:
    found = check(0.0, strict=True)
    assert found.leaks
    assert not found.doubts


def test_what_is_small_and_unseen_is_a_leak_all_the_same() -> None:
    small, look = Box(30, 20, 54, 44), np.random.default_rng(5).integers(60, 200, (24, 24))
    region = PLAN.recipe.coverage.region(Kind.FACE, small)
    assert not hides_too_much(region, tuple, SIZE)
    watch, spots = Dropouts([Track(1, Kind.FACE, seen(range(20), small))], ()), list[Spot]()
    for index in range(COUNT):
        frame = Frame(index, Fraction(index, 25), scene(small, look))
        spots += watch.update(frame, frame, [region] if index < 20 else [])
    assert spots


def test_only_what_is_hidden_in_addition_counts() -> None:
    region = PLAN.recipe.coverage.region(Kind.FACE, LARGE)
    assert hides_too_much(region, tuple, SIZE)
    assert not hides_too_much(region, lambda: [region], SIZE)


class Swelling:
    """A tracker that follows whatever it is given over the whole picture."""

    def __init__(self) -> None:
        self.seen: list[Sighting] = []

    def update(self, view: View) -> None:
        if view.detections:
            (found,) = view.detections
            self.seen.append(Sighting(view.index, view.time, found.box, found.score))

    def tracks(self) -> list[Track]:
        (one,) = self.seen
        later = (
            Sighting(one.frame + i, one.time + Fraction(i, 25), one.box.grown(i / 10), 0.0)
            for i in range(1, 20)
        )
        return [Track(1, Kind.FACE, (one, *later))]

    def cuts(self) -> list[int]:
        return []


@pytest.mark.parametrize("why", [AT_AN_END, BETWEEN, "seen"])
def test_an_extension_hides_no_tenth_of_a_picture_on_a_likeness_alone(why: str) -> None:
    spot = Spot(30, Fraction(30, 25), Box(60, 40, 80, 60), (("resemblance", 0.97),), why)
    source = PaintedSource(even_times(COUNT), PICTURES)

    def see(frame: Frame) -> View:
        return View(frame.index, frame.time, SIZE, np.zeros((1, 1), np.uint8), ())

    plan = extend_plan(PLAN, [Leak((spot,))], source, see, Swelling(), lambda *_: None)
    coverage = PLAN.recipe.coverage
    new = plan.tracks[-1]
    assert new.sightings[0].box == spot.box
    regions = [coverage.region(Kind.FACE, seen.box) for seen in new.sightings]
    assert any(hides_too_much(r, tuple, SIZE) for r in regions) == (why != AT_AN_END)
    assert len(new.sightings) > 1  # it is followed as long as it is small
