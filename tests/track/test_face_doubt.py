"""Where nobody is, faces are doubted; what is not known speaks for the face."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import pytest

from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box, Size
from redact.track.face_doubt import NO_PERSON, FaceDoubts, Look, doubt_faces

SIZE = Size(640, 360)
BOX = Box(300, 100, 330, 140)
SMALL = Box(300, 100, 315, 119)
NOTHING = (0.0, 0.0, 0.0, 0.0)


def track(
    *scores: float, box: Box = BOX, kind: Kind = Kind.FACE, step: int = 10, id: int = 7
) -> Track:
    seen = [Sighting(n * step, Fraction(n * step, 25), box, s) for n, s in enumerate(scores)]
    return Track(id, kind, tuple(seen))


def faint(number: int, score: float = 0.3, box: Box = BOX, first: int = 10) -> list[Track]:
    """So many faces that are not clear, from an id on."""
    return [track(score, box=box, id=first + n) for n in range(number)]


def ask(
    tracks: Sequence[Track],
    seen: Callable[[Look], tuple[Sequence[float], float]],
    cuts: Sequence[int] = (),
    brief: Callable[[Track], bool] | None = None,
) -> tuple[list[list[Look]], set[int]]:
    """The looks of each round, and who belongs to nobody after all of them."""
    doubts, rounds = FaceDoubts(tracks, SIZE, cuts, brief), []
    for looks in doubts.rounds():
        rounds.append(looks)
        for look in looks:
            persons, vehicle = seen(look)
            doubts.tell(look, persons[: len(look.turns)], vehicle)
    return rounds, doubts.without_person()


def nobody(_: Look) -> tuple[Sequence[float], float]:
    return NOTHING, 0.0


def persons(scores: Mapping[int, float | Sequence[float]], vehicle: float = 0.0):
    """Who sees so much at each track, upright alone if it is one number."""

    def seen(look: Look) -> tuple[Sequence[float], float]:
        told = scores[look.track]
        return ((told, 0.0, 0.0, 0.0) if isinstance(told, float) else told), vehicle

    return seen


def without(tracks: Sequence[Track], scores: Mapping[int, float | Sequence[float]]) -> set[int]:
    return ask(tracks, persons(scores))[1]


def frames_of(*tracks: Track, cuts: tuple[int, ...] = ()) -> list[list[int]]:
    return [[look.frame for look in looks] for looks in ask(tracks, nobody, cuts)[0]]


def test_the_best_detections_come_first_some_frames_apart() -> None:
    assert frames_of(track(0.2, 0.4, 0.0, 0.3, 0.25)) == [[10], [30], [40]]
    assert frames_of(track(0.2, 0.4, 0.3, 0.25, step=3)) == [[3], [9]]
    ((look,),) = ask([track(0.4)], nobody)[0]
    assert (look.track, look.box, look.turns) == (7, BOX, (0, 1, 2, 3))
    assert [looks[0].turns for looks in ask([track(0.4, 0.3, 0.3)], nobody)[0][1:]] == [(0,)] * 2


@pytest.mark.parametrize(
    "believed",
    [
        track(0.2, 0.8),
        track(0.3, kind=Kind.PLATE),
        track(0.3, box=Box(300, 100, 306, 107)),
        track(0.3, box=Box(100, 5, 400, 355)),
        replace(track(0.3), uncertain=True),
    ],
    ids=["very clear once", "a plate", "tiny", "it fills the picture", "uncertain anyway"],
)
def test_these_are_not_asked_about(believed: Track) -> None:
    assert ask([believed], nobody) == ([], set())


def test_a_face_that_is_large_once_is_asked_about() -> None:
    near, far = Box(300, 100, 330, 140), Box(310, 100, 320, 112)
    seen = (Sighting(0, Fraction(0), far, 0.4), Sighting(10, Fraction(2, 5), near, 0.3))
    assert frames_of(Track(7, Kind.FACE, seen)) == [[0], [10]]


def test_a_face_at_the_rim_is_asked_about() -> None:
    assert ask([track(0.3, box=Box(0, 320, 30, 360))], nobody)[1] == {7}


def test_where_a_face_is_very_clear_all_of_its_shot_are_believed() -> None:
    clear = replace(track(0.2, 0.8), id=8)
    assert frames_of(track(0.3), clear) == []
    later = Track(9, Kind.FACE, (Sighting(50, Fraction(2), BOX, 0.3),))
    assert frames_of(later, clear, cuts=(40,)) == [[50]]
    assert frames_of(track(0.3), replace(clear, kind=Kind.PLATE)) == [[0]]


def test_one_face_alone_is_doubted_only_where_nothing_is_seen() -> None:
    assert without([track(0.3)], {7: 0.05}) == {7}
    assert without([track(0.3)], {7: 0.07}) == set()


def test_many_faces_tell_together_whether_somebody_is_there() -> None:
    many = faint(12)
    assert without(many, dict.fromkeys(range(10, 22), 0.29)) == set(range(10, 22))
    assert without(many, dict.fromkeys(range(10, 22), 0.31)) == set()
    crowd = {**dict.fromkeys(range(10, 20), 0.45), 20: 0.0, 21: 0.0}
    assert without(many, crowd) == set()  # persons hide each other


def test_a_face_with_a_person_is_believed_where_else_nobody_is() -> None:
    scores: dict[int, float | Sequence[float]] = dict.fromkeys(range(10, 22), 0.1)
    scores |= {12: 0.23, 13: (0.0, 0.0, 0.38, 0.0), 14: (0.0, 0.33, 0.0, 0.0), 15: 0.19}
    assert without(faint(12), scores) == set(range(10, 22)) - {12, 13}


@pytest.mark.parametrize(("usual", "needed"), [(0.0, 0.2), (0.15, 0.25), (0.28, 0.35)])
def test_what_a_face_needs_is_more_where_everything_looks_like_people(
    usual: float, needed: float
) -> None:
    others: dict[int, float | Sequence[float]] = dict.fromkeys(range(10, 110), usual)
    assert 10 in without(faint(100), others | {10: needed - 0.01})
    assert 10 not in without(faint(100), others | {10: needed + 0.01})


def test_persons_who_all_lie_one_way_are_people_too() -> None:
    lying = dict.fromkeys(range(10, 22), (0.0, 0.45, 0.0, 0.0))
    assert without(faint(12), lying) == set()


def test_a_face_in_a_vehicle_is_believed() -> None:
    many = dict.fromkeys(range(10, 22), 0.0)
    assert ask(faint(12), persons(many, vehicle=0.5))[1] == set()
    assert ask(faint(12), persons(many, vehicle=0.45))[1] == set(range(10, 22))


def test_what_lies_on_an_animal_is_no_driver_and_does_not_tell_what_is_usual() -> None:
    many = faint(12)
    doubts = FaceDoubts(many, SIZE, ())
    for looks in doubts.rounds():
        for look in looks:
            cow = look.track in (10, 11)
            seen = 0.24 if look.track == 12 else 0.15
            persons = [0.0 if cow else seen] * len(look.turns)
            doubts.tell(look, persons, 0.9 if look.track in (10, 13) else 0.0, on_animal=cow)
    # Did cattle count, 0.13 would be usual here, and 0.24 enough for a person.
    assert doubts.without_person() == set(range(10, 22)) - {13}


def test_a_small_face_in_what_may_be_a_vehicle_is_believed() -> None:
    many = dict.fromkeys(range(10, 22), 0.0)
    assert ask(faint(12, box=SMALL), persons(many, vehicle=0.3))[1] == set()
    assert ask(faint(12, box=SMALL), persons(many, vehicle=0.25))[1] == set(range(10, 22))


def test_one_look_at_a_vehicle_is_enough() -> None:
    doubts = FaceDoubts([track(0.3, 0.3, 0.3)], SIZE, ())
    for looks, vehicle in zip(doubts.rounds(), (0.1, 0.6, 0.1), strict=True):
        doubts.tell(looks[0], NOTHING[: len(looks[0].turns)], vehicle)
    assert doubts.without_person() == set()


def test_a_clear_face_is_doubted_only_where_nothing_is_seen_around_it() -> None:
    tracks = [*faint(12), track(0.6, id=8), track(0.6, id=9)]
    scores = {**dict.fromkeys(range(10, 22), 0.1), 8: 0.15, 9: 0.1}
    assert without(tracks, scores) == set(range(9, 22))


def test_a_clear_face_that_cannot_be_asked_about_speaks_for_the_others() -> None:
    tiny = track(0.6, box=Box(300, 100, 306, 107), id=8)
    assert without([track(0.3), tiny], {7: 0.0}) == set()
    assert without([track(0.3), replace(tiny, sightings=track(0.5).sightings)], {7: 0.0, 8: 0.0})


def test_small_faces_are_doubted_where_next_to_nothing_is_seen_around_them() -> None:
    many = faint(12, box=SMALL)
    assert without(many, dict.fromkeys(range(10, 22), 0.2)) == set(range(10, 22))
    assert without(many, dict.fromkeys(range(10, 22), 0.21)) == set()


def test_small_faces_are_believed_beside_larger_ones_that_show_people() -> None:
    tracks = [*faint(12, box=SMALL), *faint(3, first=30)]
    scores = dict.fromkeys(range(10, 22), 0.0)
    assert without(tracks, scores | dict.fromkeys((30, 31, 32), 0.3)) == set()
    assert without(tracks, scores | dict.fromkeys((30, 31, 32), 0.1)) == {*scores, 30, 31, 32}


def test_small_faces_do_not_tell_that_larger_ones_are_nobodys() -> None:
    tracks = [*faint(12, box=SMALL), *faint(3, first=30)]
    scores = dict.fromkeys(range(10, 22), 0.0) | dict.fromkeys((30, 31, 32), 0.25)
    assert 30 not in without(tracks, scores)


def test_a_small_face_that_is_clear_speaks_for_larger_ones() -> None:
    clear = track(0.6, box=SMALL, id=8)
    assert without([track(0.3), clear], {7: 0.0, 8: 0.0}) == set()


def test_who_is_seen_at_once_is_not_looked_at_again() -> None:
    many = [track(0.3, 0.3, 0.3, id=10 + n) for n in range(12)]
    rounds, _ = ask(many, persons(dict.fromkeys(range(10, 22), 0.5)))
    assert [len(looks) for looks in rounds] == [12]
    rounds, _ = ask(many, nobody)
    assert [len(looks) for looks in rounds] == [12, 12, 12]


def test_some_of_many_are_looked_at_first() -> None:
    many = faint(30)
    rounds, _ = ask(many, persons(dict.fromkeys(range(10, 40), 0.5)))
    assert [sorted(look.track for look in looks) for looks in rounds] == [list(range(10, 40, 2))]
    rounds, doubted = ask(many, nobody)
    assert [len(looks) for looks in rounds] == [15, 15]
    assert doubted == set(range(10, 40))
    rounds, doubted = ask(many, persons(dict.fromkeys(range(10, 40), 0.34)))
    assert [len(looks) for looks in rounds] == [15, 15]  # not surely
    assert doubted == set()


def test_a_look_that_was_not_made_speaks_for_the_face() -> None:
    doubts = FaceDoubts(faint(12), SIZE, ())
    (first, *others) = next(doubts.rounds())
    assert doubts.without_person() == set()
    for look in others:
        doubts.tell(look, NOTHING, 0.0)
    assert doubts.without_person() == {look.track for look in others}
    assert first.track not in doubts.without_person()


def test_only_tracks_without_a_person_are_doubted() -> None:
    one, other = track(0.3), replace(track(0.3), id=8)
    doubted, kept = doubt_faces([one, other], {7})
    assert (doubted.uncertain, doubted.doubt) == (True, NO_PERSON)
    assert kept is other


def test_what_is_there_too_briefly_is_believed_and_still_speaks_for_others() -> None:
    brief, other = replace(track(0.9), id=8), track(0.3)
    is_brief = {8}.__contains__
    assert ask([brief, other], nobody, brief=lambda t: is_brief(t.id))[1] == set()
    assert ask([other], nobody, brief=lambda _: True) == ([], set())
    many = [*faint(3), replace(track(0.3), id=8)]
    scores = dict.fromkeys(range(10, 13), 0.15)
    assert ask(many, persons({**scores, 8: 0.0}), brief=lambda t: is_brief(t.id))[1] == {10, 11, 12}
    assert ask(many, persons({**scores, 8: 0.8}), brief=lambda t: is_brief(t.id))[1] == set()
