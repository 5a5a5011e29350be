"""Tracks whose scores stay below the threshold are uncertain; a recipe may hide them too."""

from dataclasses import replace
from fractions import Fraction

import pytest

from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box, Size
from redact.core.plan import Plan, Show, SourceId
from redact.core.recipe import recipe
from redact.track.confidence import Briefness, mark_uncertain
from redact_cli.options import Search
from redact_cli.recipes import make_recipe

SOURCE = SourceId("sha256:0", Size(100, 100), 9)
THRESHOLDS = recipe(track_threshold=0.5, plate_track_threshold=0.7, slope=0.0)


def track(number: int, *scores: float) -> Track:
    box = Box(10, 10, 20, 20)
    seen = (Sighting(i, Fraction(i, 25), box, score) for i, score in enumerate(scores))
    return Track(number, Kind.FACE, tuple(seen))


def test_one_high_score_is_enough() -> None:
    weak, clear = mark_uncertain(
        [track(1, 0.1, 0.2, 0.0), track(2, 0.1, 0.9, 0.0)], THRESHOLDS, SOURCE.size
    )
    assert weak.uncertain
    assert not clear.uncertain


def test_plates_have_a_threshold_of_their_own() -> None:
    face = track(1, 0.6)
    plate = replace(face, kind=Kind.PLATE)
    assert [t.uncertain for t in mark_uncertain([face, plate], THRESHOLDS, SOURCE.size)] == [
        False,
        True,
    ]


def test_below_a_threshold_of_zero_nothing_is_uncertain() -> None:
    everything = replace(THRESHOLDS, track_threshold=0.0)
    (only,) = mark_uncertain([track(1, 0.01)], everything, SOURCE.size)
    assert not only.uncertain


@pytest.mark.parametrize(("choice", "regions"), [("list", 1), ("hide", 2)])
def test_the_recipe_says_whether_the_uncertain_is_hidden(choice: str, regions: int) -> None:
    tracks = mark_uncertain([track(1, 0.1), track(2, 0.9)], THRESHOLDS, SOURCE.size)
    plan = Plan(SOURCE, recipe(uncertain=choice), (), tracks)
    assert len(plan.cover()(0, Fraction(0))) == regions
    assert len(plan.hidden_tracks) == regions


def test_showing_a_track_reveals_only_that_one() -> None:
    plan = Plan(SOURCE, recipe(uncertain="hide"), (), (track(1, 0.9), track(2, 0.1)))
    shown = replace(plan, edits=(Show(1),))
    assert [t.id for t in shown.hidden_tracks] == [2]


def test_the_command_line_hands_the_choice_on() -> None:
    assert make_recipe(Search(uncertain="hide")).uncertain == "hide"
    assert make_recipe(Search()).uncertain == "list"


@pytest.mark.parametrize(
    ("cuts", "frames", "brief"),
    [
        ((), 100, False),
        ((), 4, False),  # a short video is no short shot
        ((10,), 100, True),  # in the first of two shots
        ((20,), 100, False),
        ((5, 9), 100, False),  # in the last
    ],
)
def test_what_a_short_shot_shows_is_certain(
    cuts: tuple[int, ...], frames: int, brief: bool
) -> None:
    weak = track(1, 0.1, 0.2)
    first = 9 if cuts == (5, 9) else 0
    seen = tuple(replace(s, frame=s.frame + first) for s in weak.sightings)
    moved = replace(weak, sightings=seen)
    rule = Briefness(cuts, frames, Fraction(25))
    assert rule(moved) == brief
    (judged,) = mark_uncertain([moved], THRESHOLDS, SOURCE.size, rule)
    assert judged.uncertain != brief


def test_what_is_detected_in_restless_frames_alone_is_certain() -> None:
    weak = track(1, 0.1, 0.2, 0.0)
    assert Briefness((), 100, None, {0, 1})(weak)
    assert not Briefness((), 100, None, {0})(weak)
    assert not Briefness((), 100, None, {2})(track(1, 0.0, 0.0, 0.0))
