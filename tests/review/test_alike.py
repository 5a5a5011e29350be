"""Who is suggested as the same person: as they look, as they go on, never who is seen at once."""

from __future__ import annotations

import multiprocessing
import threading
from concurrent.futures import CancelledError
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from redact.core.edits.things import walk
from redact.core.edits.values import Join, Split
from redact.core.findings import Track
from redact.errors import EngineError, RedactError
from redact.people.groups import Suggestion
from redact.people.suggestions import Likeness
from redact.review import comparing
from redact.review.alike import alike
from redact.review.comparing import Comparer, compare
from redact.review.media_worker import MediaWorker
from redact.review.session import Session
from tests.review.acts import at_page
from tests.review.material import RATE, make_plan, track_of

NOBODY = Likeness()


def looking_alike(*groups: tuple[int, ...], compared: frozenset[int] = frozenset()) -> Likeness:
    every = frozenset(n for group in groups for n in group)
    return Likeness(tuple(Suggestion(group, 0.6) for group in groups), every | compared)


@pytest.fixture
def tracks() -> list[Track]:
    """One walks from 0 to 29 and from 36 to 62; somebody else is far away, before and after."""
    return [
        track_of(1, "red", range(0, 30)),
        track_of(2, "red", range(36, 62)),
        track_of(3, "blue", range(0, 20)),
        track_of(4, "blue", range(90, 100)),
    ]


def test_who_goes_on_where_another_ended_may_be_the_same(tracks: list[Track]) -> None:
    assert alike(walk(tracks, ()), NOBODY) == {1: 1, 2: 1}


def test_who_looks_alike_may_be_the_same_however_long_between(tracks: list[Track]) -> None:
    assert alike(walk(tracks, ()), looking_alike((3, 4))) == {1: 1, 2: 1, 3: 3, 4: 3}


def test_who_looks_different_is_not_the_same(tracks: list[Track]) -> None:
    different = Likeness((), frozenset({1, 2}))
    assert alike(walk(tracks, ()), different) == {}
    half = Likeness((), frozenset({1}))  # the other showed too little
    assert alike(walk(tracks, ()), half) == {1: 1, 2: 1}


def test_nobody_who_is_seen_at_one_time_is_joined_through_a_third(tracks: list[Track]) -> None:
    """2 goes on where 1 ended, but looks like 5, and 5 is beside 1."""
    beside = track_of(5, "lime", range(10, 25))
    likeness = looking_alike((5, 2))
    assert alike(walk([*tracks, beside], ()), likeness) == {5: 5, 2: 5}


def test_a_divided_track_is_not_as_it_was_compared(tracks: list[Track]) -> None:
    split = Split(4, Fraction(95, RATE), 9)
    found = alike(walk(tracks, (split,)), looking_alike((3, 4)))
    assert 3 not in found


def test_faces_are_compared_in_a_process_that_is_gone_afterwards(clip: Path) -> None:
    plan = make_plan(clip, [large(1), large(2)])
    before = sorted(path.name for path in clip.parent.iterdir())
    assert compare(clip, plan, lambda *_: None) == NOBODY  # squares show no face
    assert sorted(path.name for path in clip.parent.iterdir()) == before


def large(number: int) -> Track:
    """A track of a square, and enough around it to be taken for a face that may be compared."""
    track = track_of(number, "lime", range(30 * number, 30 * number + 20))
    seen = tuple(replace(s, box=s.box.grown(0.5)) for s in track.sightings)
    return replace(track, sightings=seen)


class Told:
    """What a comparer told."""

    def __init__(self) -> None:
        self.said: list[tuple[int, str]] = []
        self.over = threading.Event()

    def __call__(self, number: int, problem: str) -> None:
        self.said.append((number, problem))
        self.over.set()


def test_what_was_compared_is_told_and_in_memory_only(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_plan(clip, [track_of(1, "red", range(9)), track_of(2, "blue", range(60, 99))])
    session, told = Session(clip, path), Told()
    found = looking_alike((1, 2))
    monkeypatch.setattr(comparing, "compare", lambda *_: found)
    before = path.read_bytes()
    Comparer(told).start(0, session)
    assert told.over.wait(10)
    assert told.said == [(0, "")]
    assert session.memory.likeness is found
    assert path.read_bytes() == before


def test_a_failure_is_said_and_a_stopped_comparison_tells_nothing(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_plan(clip, [track_of(1, "red", range(9)), track_of(2, "blue", range(60, 99))])
    told = Told()

    def fail(*_: object) -> Likeness:
        raise EngineError("the network is not there")

    monkeypatch.setattr(comparing, "compare", fail)
    Comparer(told).start(0, Session(clip, path))
    assert told.over.wait(10)
    assert told.said == [(0, "nobody is suggested by likeness: the network is not there")]
    going, ended = threading.Event(), threading.Event()

    def go_on(*given: Any) -> Likeness:
        going.set()
        try:
            while True:
                given[-1]("people", 0, None)
                threading.Event().wait(0.01)
        finally:
            ended.set()

    monkeypatch.setattr(comparing, "compare", go_on)
    comparer, silent = Comparer(told := Told()), told
    comparer.start(0, Session(clip, path))
    assert going.wait(10)
    comparer.stop()
    assert ended.wait(10)
    assert silent.said == []


def test_faces_are_compared_once_nobody_waits_for_frames_or_after_a_while(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_plan(clip, [track_of(1, "red", range(9)), track_of(2, "blue", range(60, 99))])
    compared = threading.Event()

    def note(*_: object) -> Likeness:
        compared.set()
        return Likeness()

    monkeypatch.setattr(comparing, "compare", note)
    since = [0.0]
    comparer = Comparer(told := Told(), lambda: since[0])
    comparer.start(0, Session(clip, path))
    assert not compared.wait(0.4)
    since[0] = comparing.QUIET
    assert told.over.wait(10)
    assert compared.is_set()
    compared.clear()
    busy = Comparer(quiet=lambda: 0.0)
    busy.start(0, Session(clip, path))
    busy.stop()
    assert not compared.wait(0.4)  # left before it began
    monkeypatch.setattr(comparing, "PATIENCE", 0.2)
    Comparer(told := Told(), lambda: 0.0).start(0, Session(clip, path))
    assert told.over.wait(10)


def running() -> set[int | None]:
    return {process.pid for process in multiprocessing.active_children()}


def test_ending_it_ends_its_process(clip: Path) -> None:
    plan = make_plan(clip, [large(1), large(2)])

    before = running()

    def stop(*_: object) -> None:
        raise CancelledError

    with pytest.raises((RedactError, CancelledError)):
        compare(clip, plan, stop)
    assert running() == before


def test_the_page_suggests_who_looks_alike_and_a_person_confirms(
    clip: Path, media: MediaWorker, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracks = [track_of(1, "red", range(9)), track_of(2, "blue", range(9)),
              track_of(3, "red", range(80, 99))]  # fmt: skip
    plan = make_plan(clip, tracks)
    monkeypatch.setattr(comparing, "compare", lambda *_: looking_alike((1, 3)))
    with at_page(browser, media, [(clip, plan)], likeness=True) as person:
        person.page.wait_for_selector("#card-t3 .what:text('2 alike')")
        assert person.plan.edits == ()
        person.click("#card-t1")
        person.press("g")
        person.press("p")
        (joined,) = person.plan.edits
        assert isinstance(joined, Join)
        assert joined.tracks == (1, 3)
