"""Faces that were never seen clearly are looked at again; what is not known speaks for the face."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box, Size
from redact.track.face_doubt import NO_PERSON, doubt_faces, doubtful_looks

SIZE = Size(640, 360)
BOX = Box(300, 100, 330, 140)


def track(*scores: float, box: Box = BOX, kind: Kind = Kind.FACE, step: int = 10) -> Track:
    seen = [Sighting(n * step, Fraction(n * step, 25), box, s) for n, s in enumerate(scores)]
    return Track(7, kind, tuple(seen))


def frames_of(*tracks: Track, cuts: tuple[int, ...] = ()) -> list[list[int]]:
    return [[look.frame for look in looks] for looks in doubtful_looks(tracks, SIZE, cuts)]


def test_the_best_detections_come_first_some_frames_apart() -> None:
    assert frames_of(track(0.2, 0.4, 0.0, 0.3, 0.25)) == [[10], [30], [40]]
    assert frames_of(track(0.2, 0.4, 0.3, 0.25, step=3)) == [[3], [9], []]
    (look,) = doubtful_looks([track(0.4)], SIZE, ())[0]
    assert (look.track, look.box) == (7, BOX)


@pytest.mark.parametrize(
    "believed",
    [
        track(0.2, 0.55),
        track(0.3, kind=Kind.PLATE),
        track(0.3, box=Box(300, 100, 315, 119)),
        track(0.3, box=Box(300, 285, 330, 325)),
        track(0.3, box=Box(25, 100, 55, 140)),
        replace(track(0.3), uncertain=True),
    ],
    ids=["clear once", "a plate", "small", "the body is below", "beside", "uncertain anyway"],
)
def test_these_are_not_asked_about(believed: Track) -> None:
    assert frames_of(believed) == [[], [], []]


def test_a_face_that_is_large_once_is_asked_about() -> None:
    near, far = Box(300, 100, 330, 140), Box(310, 100, 320, 112)
    seen = (Sighting(0, Fraction(0), far, 0.4), Sighting(10, Fraction(2, 5), near, 0.3))
    assert frames_of(Track(7, Kind.FACE, seen)) == [[0], [10], []]


def test_where_any_face_is_seen_clearly_all_are_believed() -> None:
    clear = replace(track(0.2, 0.6), id=8)
    assert frames_of(track(0.3), clear) == [[], [], []]
    later = Track(9, Kind.FACE, (Sighting(50, Fraction(2), BOX, 0.3),))
    assert frames_of(later, clear, cuts=(40,)) == [[50], [], []]
    plate = replace(clear, kind=Kind.PLATE)
    assert frames_of(track(0.3), plate) == [[0], [], []]


def test_only_tracks_without_a_person_are_doubted() -> None:
    one, other = track(0.3), replace(track(0.3), id=8)
    doubted, kept = doubt_faces([one, other], {7})
    assert (doubted.uncertain, doubted.doubt) == (True, NO_PERSON)
    assert kept is other


def test_what_is_there_too_briefly_is_believed_and_still_speaks_for_others() -> None:
    brief, other = replace(track(0.9), id=8), track(0.3)
    is_brief = {8}.__contains__
    assert doubtful_looks([brief, other], SIZE, (), lambda t: is_brief(t.id)) == [[], [], []]
    assert doubtful_looks([other], SIZE, (), lambda _: True) == [[], [], []]
    assert doubtful_looks([other], SIZE, (), lambda _: False)[0]
