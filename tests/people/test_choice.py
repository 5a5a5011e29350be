"""Who is shown by photographs: adversaries of the rule, on tracks and vectors that are made up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from redact.core.edits.regions import HiddenTracks
from redact.core.edits.values import Show
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box, Size
from redact.core.plan import Plan, SourceId, dumps
from redact.core.recipe import recipe
from redact.people.choice import (
    CLEARLY_OTHER,
    CLEARLY_SAME,
    OTHER_AT_MOST,
    SAME_AT_LEAST,
    Mode,
    Seen,
    choose,
    shown_by_choice,
)

COUNT = 100
RATE = 25


def axis(number: int) -> np.ndarray:
    return np.eye(128, dtype=np.float32)[number]


ANNA, BELA, CARL = axis(0), axis(1), axis(2)


def like(person: np.ndarray, likeness: float, number: int = 9) -> np.ndarray:
    """A vector with that likeness to a person."""
    return np.asarray(likeness * person + np.sqrt(1 - likeness**2) * axis(number), np.float32)


def walk(id_: int, x: float, frames: Sequence[int] = range(COUNT), kind: Kind = Kind.FACE) -> Track:
    box = Box(x, 100, x + 40, 150)
    return Track(id_, kind, tuple(Sighting(f, Fraction(f, RATE), box, 0.9) for f in frames))


def seen(vector: np.ndarray, frames: Sequence[int] = range(0, COUNT, 3)) -> list[Seen]:
    return [Seen(frame, Fraction(frame, RATE), vector) for frame in frames]


def plan_of(*tracks: Track) -> Plan:
    source = SourceId("sha256:x", Size(640, 360), COUNT, Fraction(0), Fraction(COUNT - 1, RATE))
    return Plan(source, recipe("fast", uncertain="hide"), tracks=tracks)


TWO = plan_of(walk(1, 100), walk(2, 400))


def shown(
    plan: Plan, portraits: Mapping[int, list[Seen]], mode: Mode, *photos: np.ndarray
) -> dict[int, set[int]]:
    """The frames in which each track is not hidden, by its id."""
    edited = replace(plan, edits=choose(plan, portraits, photos or (ANNA,), mode))
    hiding = HiddenTracks(edited.things, edited.cuts, edited.recipe)
    open_: dict[int, set[int]] = {}
    for frame in range(COUNT):
        hidden = {thing.id for thing, _ in hiding.regions(frame, Fraction(frame, RATE))}
        for track in plan.tracks:
            here = track.sightings[0].frame <= frame <= track.sightings[-1].frame
            if here and track.id not in hidden:
                open_.setdefault(track.id, set()).add(frame)
    return open_


ALL = set(range(COUNT))


def test_except_shows_who_is_clear_and_only_hides_who_is() -> None:
    portraits = {1: seen(like(ANNA, 0.7)), 2: seen(like(BELA, 0.9))}
    assert shown(TWO, portraits, "except") == {1: ALL}
    assert shown(TWO, portraits, "only") == {2: ALL}


@pytest.mark.parametrize("mode", ["except", "only"])
def test_a_track_without_portraits_is_hidden(mode: Mode) -> None:
    assert shown(TWO, {}, mode) == {}
    assert shown(TWO, {1: []}, mode) == {}


def test_a_photograph_of_somebody_who_is_not_there_shows_nobody() -> None:
    portraits = {1: seen(like(BELA, 0.7)), 2: seen(like(CARL, 0.9))}
    assert shown(TWO, portraits, "except") == {}


@pytest.mark.parametrize(
    ("mode", "vector"),
    [
        ("except", like(ANNA, CLEARLY_SAME - 0.01)),
        ("only", like(ANNA, CLEARLY_OTHER + 0.01)),
        ("except", like(ANNA, 0.3)),
        ("only", like(ANNA, 0.3)),
    ],
)
def test_what_is_neither_clear_nor_clearly_other_is_hidden(mode: Mode, vector: np.ndarray) -> None:
    assert shown(TWO, {1: seen(vector)}, mode) == {}


@pytest.mark.parametrize(
    ("mode", "fits", "odd"),
    [
        ("except", like(ANNA, 0.9), like(ANNA, SAME_AT_LEAST - 0.01)),
        ("only", like(BELA, 0.9), like(ANNA, OTHER_AT_MOST + 0.01)),
    ],
)
@pytest.mark.parametrize("place", [0, 15, 33])
def test_one_portrait_that_says_otherwise_hides_the_whole_track(
    mode: Mode, fits: np.ndarray, odd: np.ndarray, place: int
) -> None:
    portraits = seen(fits)
    assert shown(TWO, {1: portraits}, mode) == {1: ALL}
    portraits[place] = replace(portraits[place], vector=odd)
    assert shown(TWO, {1: portraits}, mode) == {}


def test_a_track_that_jumps_to_somebody_else_is_hidden() -> None:
    portraits = seen(like(ANNA, 0.8), range(0, 50, 3)) + seen(like(BELA, 0.8), range(51, 100, 3))
    assert shown(TWO, {1: portraits}, "except") == {}


def test_stretches_without_portraits_are_hidden() -> None:
    portraits = seen(like(ANNA, 0.7), [*range(10, 31, 5), *range(70, 91, 5)])
    open_ = shown(TWO, {1: portraits}, "except")[1]
    assert open_ == set(range(5, 36)) | set(range(65, 96))


def test_a_person_is_hidden_while_somebody_hidden_comes_near() -> None:
    near = plan_of(walk(1, 100), walk(2, 150, range(40, 51)))
    portraits = {1: seen(like(ANNA, 0.7))}
    open_ = shown(near, portraits, "except")[1]
    assert open_ == ALL - set(range(30, 61))
    far = plan_of(walk(1, 100), walk(2, 200, range(40, 51)))
    assert shown(far, portraits, "except")[1] == ALL


def test_people_who_are_both_shown_may_meet() -> None:
    near = plan_of(walk(1, 100), walk(2, 150))
    portraits = {1: seen(like(ANNA, 0.7)), 2: seen(like(BELA, 0.7))}
    assert shown(near, portraits, "except", ANNA, BELA) == {1: ALL, 2: ALL}
    assert shown(near, portraits, "except", ANNA) == {}


def test_two_at_one_time_who_both_look_like_one_person_are_hidden() -> None:
    twins = {1: seen(like(ANNA, 0.7)), 2: seen(like(ANNA, 0.6, 8))}
    assert shown(TWO, twins, "except") == {}
    apart = plan_of(walk(1, 100, range(40)), walk(2, 400, range(60, 100)))
    one_after_the_other = {
        1: seen(like(ANNA, 0.7), range(0, 40, 3)), 2: seen(like(ANNA, 0.6, 8), range(60, 100, 3))
    }  # fmt: skip
    assert set(shown(apart, one_after_the_other, "except")) == {1, 2}


def test_two_photographs_of_one_person_do_not_make_two_people_of_him() -> None:
    twins = {1: seen(like(ANNA, 0.9)), 2: seen(like(ANNA, 0.6, 8))}
    assert shown(TWO, twins, "except", ANNA, like(ANNA, 0.6, 8)) == {}


def test_several_photographs_help() -> None:
    portraits = {1: seen(like(BELA, 0.8))}
    assert shown(TWO, portraits, "except", ANNA, BELA) == {1: ALL}
    assert shown(TWO, portraits, "only", ANNA, BELA) == {}


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.FACE}))
@pytest.mark.parametrize("mode", ["except", "only"])
def test_whatever_is_no_face_stays_hidden(mode: Mode, kind: Kind) -> None:
    plan = plan_of(walk(1, 100, kind=kind))
    assert shown(plan, {1: seen(like(ANNA, 0.9)), 2: seen(like(BELA, 0.9))}, mode) == {}


def test_a_still_shows_who_is_clear() -> None:
    still = plan_of(walk(1, 100, [0]), walk(2, 400, [0]))
    still = replace(still, source=replace(still.source, frames=1, last=Fraction(0)))
    portraits = {1: seen(like(ANNA, 0.7), [0]), 2: seen(like(BELA, 0.7), [0])}
    assert shown(still, portraits, "except") == {1: {0}}


def test_edits_say_why_and_nothing_that_was_computed() -> None:
    portraits = {1: seen(like(ANNA, 0.7), [*range(0, 20, 3), *range(60, 90, 3)])}
    edits = choose(TWO, portraits, (ANNA,), "except")
    assert all(isinstance(edit, Show) and "--except" in edit.reason for edit in edits)
    assert [edit.continues for edit in edits] == [False, True]  # one act to undo
    edited = replace(TWO, edits=edits)
    assert shown_by_choice(edited) == {1}
    assert shown_by_choice(TWO) == frozenset()
    added = dumps(edited).replace(dumps(TWO).partition('"edits"')[0], "")
    assert "0.7" not in added.partition('"result"')[0]


def test_a_shown_track_never_reveals_what_another_hides() -> None:
    over = plan_of(walk(1, 100), walk(2, 110))
    assert shown(over, {1: seen(like(ANNA, 0.9))}, "except") == {}


@pytest.mark.parametrize(("mode", "person"), [("except", ANNA), ("only", BELA)])
def test_a_profile_says_nothing(mode: Mode, person: np.ndarray) -> None:
    portraits = [replace(one, turned=0.9) for one in seen(like(person, 0.9))]
    assert shown(TWO, {1: portraits}, mode) == {}


def test_only_needs_faces_from_the_front() -> None:
    half = [replace(one, turned=0.5) for one in seen(like(BELA, 0.9))]
    assert shown(TWO, {1: half}, "only") == {}
    assert shown(TWO, {1: half}, "except", BELA) == {1: ALL}


@pytest.mark.parametrize(
    ("mode", "clear", "unclear"),
    [
        ("except", like(ANNA, 0.9), like(ANNA, CLEARLY_SAME - 0.05)),
        ("only", like(BELA, 0.9), like(ANNA, CLEARLY_OTHER + 0.05)),
    ],
)
def test_a_second_that_is_not_clear_hides_the_whole_track(
    mode: Mode, clear: np.ndarray, unclear: np.ndarray
) -> None:
    portraits = seen(clear, range(0, 36, 3)) + seen(unclear, range(36, COUNT, 3))
    assert shown(TWO, {1: portraits}, mode) == {}
