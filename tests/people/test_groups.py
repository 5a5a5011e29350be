"""Suggestions of who may be one person."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box
from redact.people.choice import Seen
from redact.people.groups import LIKELY_SAME, suggest_groups
from tests.people.test_choice import ANNA, BELA, like, seen, walk


def test_tracks_that_look_alike_are_suggested() -> None:
    tracks = [walk(4, 0, range(10)), walk(2, 0, range(20, 30)), walk(7, 0, range(40, 50))]
    portraits = {4: seen(like(ANNA, 0.8)), 2: seen(like(ANNA, 0.8)), 7: seen(like(BELA, 0.8, 8))}
    (found,) = suggest_groups(tracks, portraits)
    assert found.tracks == (4, 2)
    assert found.likeness > LIKELY_SAME


def test_two_who_are_seen_at_one_time_are_never_joined() -> None:
    tracks = [walk(1, 0, range(20)), walk(2, 300, range(19, 40))]
    portraits = {1: seen(ANNA), 2: seen(ANNA)}
    assert suggest_groups(tracks, portraits) == ()


def test_nor_through_a_third() -> None:
    tracks = [walk(1, 0, range(20)), walk(2, 300, range(20)), walk(3, 0, range(30, 40))]
    portraits = {1: seen(ANNA), 2: seen(like(ANNA, 0.99)), 3: seen(ANNA)}
    (found,) = suggest_groups(tracks, portraits)
    assert found.tracks == (1, 3)


def test_a_tail_that_optical_flow_carries_on_does_not_keep_a_person_apart() -> None:
    tail = tuple(Sighting(f, Fraction(f, 25), Box(0, 0, 40, 50), 0.0) for f in range(20, 40))
    before = walk(1, 0, range(20))
    tracks = [Track(1, Kind.FACE, before.sightings + tail), walk(2, 300, range(30, 60))]
    (found,) = suggest_groups(tracks, {1: seen(ANNA), 2: seen(ANNA)})
    assert found.tracks == (1, 2)


def test_nothing_is_suggested_of_plates_or_without_portraits() -> None:
    tracks = [walk(1, 0, range(9), Kind.PLATE), walk(2, 0, range(20, 29), Kind.PLATE)]
    assert suggest_groups(tracks, {1: seen(ANNA), 2: seen(ANNA)}) == ()
    assert suggest_groups([walk(1, 0), walk(2, 0)], {}) == ()


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20), st.integers(0, 3)), max_size=12))
def test_no_suggestion_holds_two_of_one_frame_and_no_track_comes_twice(
    drawn: list[tuple[int, int, int]],
) -> None:
    tracks = [
        walk(i, 0, range(start, start + length)) for i, (start, length, _) in enumerate(drawn)
    ]
    dice = np.random.default_rng(0)
    portraits = {}
    for id_, (_, _, person) in enumerate(drawn):
        vector = np.eye(128)[person] + dice.normal(0, 0.05, 128)
        vector = np.asarray(vector / np.linalg.norm(vector), np.float32)
        portraits[id_] = [Seen(0, Fraction(0), vector)]
    frames = {t.id: {s.frame for s in t.sightings} for t in tracks}
    named: list[int] = []
    for suggestion in suggest_groups(tracks, portraits):
        assert len(suggestion.tracks) > 1
        for place, one in enumerate(suggestion.tracks):
            assert all(frames[one].isdisjoint(frames[o]) for o in suggestion.tracks[place + 1 :])
        named += suggestion.tracks
    assert len(set(named)) == len(named)
