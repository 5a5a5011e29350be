"""Boxes as they are hidden: steadier than a detector's, never smaller, and without a gait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from math import pi, sin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redact.core.coverage import Cover, Coverage
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box
from redact.core.smoothing import GLIDE, glide, smooth

RATE = 25


def sightings(boxes: Sequence[Box]) -> list[Sighting]:
    return [Sighting(i, Fraction(i, RATE), box, 0.8) for i, box in enumerate(boxes)]


def walking(frames: int, pace: float = 3.0, steps: float = 2.0) -> list[Box]:
    """At each step the limbs reach out, and the body goes up and down."""
    swing = [sin(pi * steps * i / RATE) ** 2 for i in range(frames)]
    return [Box.around(100 + pace * i, 100 - 4 * s, 40 + 30 * s, 100) for i, s in enumerate(swing)]


any_box = st.builds(
    Box.around, st.floats(-50, 900), st.floats(-50, 500), st.floats(1, 200), st.floats(1, 300)
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 40), any_box), min_size=1, max_size=60))
def test_what_glides_still_holds_every_box(steps: list[tuple[int, Box]]) -> None:
    frame, seen = 0, []
    for wait, box in steps:
        frame += wait
        seen.append(Sighting(frame, Fraction(frame, RATE), box, 0.5))
    for before, after in zip(seen, glide(seen), strict=True):
        assert after.box.contains(before.box)
        assert (after.frame, after.time, after.score) == (before.frame, before.time, before.score)


def test_even_movement_stays_as_it_is() -> None:
    boxes = [Box.around(10 + 7 * i, 300 - 2 * i, 30, 80) for i in range(60)]
    for before, after in zip(boxes, glide(sightings(boxes)), strict=True):
        assert after.box.centre == pytest.approx(before.centre)
        assert (after.box.width, after.box.height) == pytest.approx((30, 80))


def steps_left(boxes: Sequence[Box]) -> float:
    """How much widths and heights of a middle second differ, as a share of the height."""
    inner = boxes[2 * RATE : 4 * RATE]
    return max(
        (max(sides) - min(sides)) / 100
        for sides in ([b.width for b in inner], [b.height for b in inner])
    )


def unevenness(boxes: Sequence[Box]) -> float:
    """How much the middle jumps beside an even path, as a share of the height."""
    moves = [b.centre[1] - a.centre[1] for a, b in pairwise(boxes[2 * RATE : 4 * RATE])]
    return max(moves) / 100


@pytest.mark.parametrize("steps", [1.6, 1.8, 2.0, 2.2, 2.4])
def test_a_walk_leaves_next_to_nothing_of_its_limbs_and_its_rhythm(steps: float) -> None:
    boxes = walking(6 * RATE, steps=steps)
    hidden = [s.box for s in glide(sightings(boxes))]
    assert steps_left(boxes) > 0.28
    assert steps_left(hidden) < 0.03
    assert unevenness(hidden) < 0.25 * unevenness(boxes)


def test_a_person_glides_in_what_a_plan_hides_and_a_face_does_not() -> None:
    for kind, least, most in ((Kind.PERSON, 0.0, 0.02), (Kind.FACE, 0.03, 1.0)):
        track = Track(1, kind, tuple(sightings(walking(6 * RATE))))
        assert smooth(track) != list(track.sightings)
        cover = Cover([track], (), Coverage())
        found = [cover.hidden(i, Fraction(i, RATE)) for i in range(6 * RATE)]
        assert least <= steps_left([here[0].region.box for here in found]) <= most


def test_nothing_later_than_its_reach_changes_what_is_hidden() -> None:
    assert Coverage().reach >= GLIDE
    boxes = walking(4 * RATE)
    changed = [*boxes[: 3 * RATE], *(b.grown(0.5) for b in boxes[3 * RATE :])]
    early = int((3 - 2 * GLIDE) * RATE) - 1
    one, other = glide(sightings(boxes)), glide(sightings(changed))
    assert one[:early] == other[:early]
    assert one[-1] != other[-1]


@pytest.mark.parametrize(
    "centre",
    [
        lambda t: 200 + (750 * min(max(t - 1, 0), 0.3)),  # a pan of 30 pixels a frame
        lambda t: 200 + 60 * sin(2 * pi * t),  # a shaking hand
        lambda t: 200 + 400 * max(t - 1, 0) ** 2,  # somebody who begins to run
    ],
    ids=["pan", "shake", "run"],
)
def test_nobody_sticks_out_between_detections(centre: Callable[[float], float]) -> None:
    boxes = [Box.around(centre(i / RATE), 300, 60, 160) for i in range(3 * RATE)]
    seen = [
        Sighting(i, Fraction(i, RATE), box, 0.0 if i % 4 else 0.8) for i, box in enumerate(boxes)
    ]
    kept = [s for s in seen if s.frame not in range(30, 41)]  # a gap that is bridged
    coverage = Coverage().with_rule(replace(Coverage().rule(Kind.PERSON), pad=0.0))
    for given_ in (seen, kept):
        cover = Cover([Track(1, Kind.PERSON, tuple(given_))], (), coverage)
        for sighting in seen:
            (hidden,) = cover.hidden(sighting.frame, sighting.time)
            if sighting in given_:
                assert hidden.region.box.contains(sighting.box), sighting.frame
