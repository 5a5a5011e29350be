"""What each kind of edit hides and reveals, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from redact.core.coverage import Coverage
from redact.core.edits.things import in_force
from redact.core.edits.values import (
    Accept,
    ChangeStyle,
    Correct,
    Edit,
    Hide,
    HideBox,
    HidePath,
    Join,
    Key,
    Mute,
    Note,
    Revoke,
    Show,
    SignOff,
    Span,
    Split,
    Trim,
)
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box, Region, Size
from redact.core.history import add, free_number, split, trim
from redact.core.passes import Pass
from redact.core.plan import Plan, SourceId
from redact.core.recipe import Recipe
from redact.errors import PlanError
from tests import edit_strategies
from tests.edit_strategies import FRAMES, edited_plans
from tests.scripted import holds

FACE = Box(20.0, 20.0, 30.0, 32.0)


def at(index: int) -> Fraction:
    return Fraction(index, 25)


def track(number: int, first: int, last: int, box: Box = FACE, kind: Kind = Kind.FACE) -> Track:
    seen = (Sighting(f, at(f), box, 0.9) for f in range(first, last + 1))
    return Track(number, kind, tuple(seen))


RECIPE = Recipe(
    passes=(Pass("yunet", 640, 0.3),),
    coverage=Coverage(pad=0.0, plate_pad=0.0, before=0.08, after=0.08, bridge=0.2),
)
AWAY = FACE.shifted(60, 0)
PLATE = Box(5.0, 80.0, 25.0, 90.0)
PLAN = Plan(
    SourceId("sha256:00ff", Size(160, 120), 40, at(0), at(39)),
    RECIPE,
    tracks=(
        track(1, 10, 20),
        track(2, 10, 20, AWAY),
        track(3, 5, 30, PLATE, Kind.PLATE),
        replace(track(4, 25, 30), uncertain=True),
    ),
)


def hidden(plan: Plan, box: Box = FACE) -> set[int]:
    """The frames in which a box is hidden."""
    x, y = box.centre
    frames = range(plan.source.frames)
    return {i for i in frames if any(holds(r, x, y) for r in plan.regions(i, at(i)))}


def frames(first: int, last: int) -> set[int]:
    return set(range(first, last + 1))


ALL = frames(8, 22)
"""Tracks 1 and 2, with their holds."""


@pytest.mark.parametrize(
    ("edits", "face", "away", "plate"),
    [
        ([], ALL, ALL, frames(3, 32)),
        ([Show(1)], set(), ALL, frames(3, 32)),
        ([Show(1), Hide(1)], ALL, ALL, frames(3, 32)),
        ([Show(1, start=at(12), end=at(14))], ALL - frames(12, 14), ALL, frames(3, 32)),
        ([Show(1, start=at(12))], frames(8, 11), ALL, frames(3, 32)),
        ([Show(1), Hide(1, end=at(12))], frames(8, 12), ALL, frames(3, 32)),
        ([Show(kind=Kind.FACE)], set(), set(), frames(3, 32)),
        ([Show(kind=Kind.PLATE)], ALL, ALL, set()),
        ([Show(kind=Kind.FACE), Hide(2)], set(), ALL, frames(3, 32)),
        ([Join((1, 2), "Ana"), Show(person="Ana")], set(), set(), frames(3, 32)),
        ([Join((1,), "Ana"), Show(person="Ana"), Join((2,), "Ana")], set(), ALL, frames(3, 32)),
        ([Join((1, 2), "Ana"), Join((2,), None), Show(person="Ana")], set(), ALL, frames(3, 32)),
        ([Hide(4)], ALL | frames(23, 32), ALL, frames(3, 32)),
        ([Hide(4, end=at(26))], ALL | frames(23, 26), ALL, frames(3, 32)),
    ],
)
def test_what_is_shown_and_hidden_again(
    edits: list[Edit], face: set[int], away: set[int], plate: set[int]
) -> None:
    plan = add(PLAN, *edits) if edits else PLAN
    assert (hidden(plan), hidden(plan, AWAY), hidden(plan, PLATE)) == (face, away, plate)


def test_a_decision_about_a_person_speaks_of_the_tracks_that_were_theirs() -> None:
    plan = add(PLAN, Join((1, 2), "Ana"), Show(person="Ana"), Join((2,), "Bea"))
    assert (hidden(plan), hidden(plan, AWAY)) == (set(), set())


@pytest.mark.parametrize("show", [Show(1), Show(kind=Kind.FACE)])
def test_a_track_that_crosses_a_shown_one_stays_hidden(show: Show) -> None:
    crossing = track(9, 14, 16, kind=Kind.PLATE)
    plan = add(replace(PLAN, tracks=(*PLAN.tracks, crossing)), show)
    assert hidden(plan) == frames(12, 18)


@pytest.mark.parametrize("drawn", [HideBox(FACE), HidePath((Key(at(0), FACE), Key(at(39), FACE)))])
def test_a_drawn_region_is_hidden_whatever_is_shown(drawn: HideBox | HidePath) -> None:
    everything = [Show(kind=Kind.FACE), Show(kind=Kind.PLATE), Show(1)]
    for edits in ((drawn, *everything), (*everything, drawn)):
        assert hidden(add(PLAN, *edits)) == frames(0, 39)


def test_a_drawn_region_is_taken_back_by_its_own_name_alone() -> None:
    zone = HideBox(PLATE.shifted(60, 0), name="sign")
    plan = add(PLAN, zone)
    assert hidden(plan, zone.box) == frames(0, 39)
    plan = add(plan, Show(region="sign", start=at(10)))
    assert hidden(plan, zone.box) == frames(0, 9)
    assert hidden(add(plan, Hide(region="sign", end=at(12))), zone.box) == frames(0, 12)
    unnamed = add(PLAN, Note("x"), replace(zone, name=""), Show(region="2"))
    assert hidden(unnamed, zone.box) == set()


# Zones and paths


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [(None, None, (0, 39)), (12, None, (12, 39)), (None, 12, (0, 12)), (12, 14, (12, 14))],
)
def test_a_zone_is_hidden_over_a_span_or_always(
    start: int | None, end: int | None, shown: tuple[int, int]
) -> None:
    zone = HideBox(
        Box(100.0, 100.0, 110.0, 110.0), *(None if n is None else at(n) for n in (start, end))
    )
    assert hidden(add(PLAN, zone), zone.box) == frames(*shown)


KEYS = (Key(at(10), Box(0.0, 0.0, 10.0, 10.0)), Key(at(20), Box(100.0, 0.0, 120.0, 10.0)))


def boxes(plan: Plan) -> dict[int, Box]:
    found = {i: plan.regions(i, at(i)) for i in range(plan.source.frames)}
    return {i: regions[0].box for i, regions in found.items() if regions}


BARE = replace(PLAN, tracks=())


def test_a_path_goes_in_straight_lines_between_key_frames() -> None:
    found = boxes(add(BARE, HidePath(KEYS)))
    assert sorted(found) == list(range(10, 21))
    assert (found[10], found[20]) == (KEYS[0].box, KEYS[1].box)
    assert found[15] == Box(50.0, 0.0, 65.0, 10.0)
    assert found[12].left == pytest.approx(20)


def test_a_path_follows_its_sightings_and_key_frames_count_more() -> None:
    seen = Key(at(15), Box(0.0, 50.0, 10.0, 60.0))
    wrong = Key(at(20), Box(0.0, 0.0, 1.0, 1.0))
    found = boxes(add(BARE, HidePath(KEYS, followed=(seen, wrong))))
    assert found[15] == seen.box
    assert found[20] == KEYS[1].box
    assert found[18] == seen.box.towards(KEYS[1].box, 0.6)


def test_a_path_stands_still_before_its_first_and_after_its_last_key_frame() -> None:
    found = boxes(add(BARE, HidePath(KEYS[:1], start=at(5), end=at(30))))
    assert found == dict.fromkeys(range(5, 31), KEYS[0].box)


@pytest.mark.parametrize(
    ("outline", "inside", "outside"),
    [
        ("box", [(1, 1), (99, 99)], [(101, 50)]),
        ("ellipse", [(50, 50), (2, 50)], [(5, 5), (95, 95)]),
    ],
)
def test_an_outline_says_what_of_a_box_is_hidden(
    outline: str, inside: list[tuple[int, int]], outside: list[tuple[int, int]]
) -> None:
    plan = add(BARE, HideBox(Box(0.0, 0.0, 100.0, 100.0), outline=outline))  # type: ignore[arg-type]
    (region,) = plan.regions(3, at(3))
    assert all(holds(region, *point) for point in inside)
    assert not any(holds(region, *point) for point in outside)


# Parts of tracks


def test_a_split_gives_the_later_part_a_number_and_hides_the_same() -> None:
    plan = add(PLAN, split(PLAN, 1, at(15)))
    assert free_number(PLAN) == 5
    assert plan.edits == (Split(1, at(15), 5),)
    assert hidden(plan) == ALL
    parts = {t.id: [s.frame for s in t.sightings] for t in plan.hidden_tracks if t.id in (1, 5)}
    assert parts == {1: [*range(10, 15)], 5: [*range(15, 21)]}


def test_half_of_a_split_track_is_shown_and_the_other_keeps_its_holds() -> None:
    plan = add(PLAN, Split(1, at(15), 5))
    assert hidden(add(plan, Show(5))) == frames(8, 16)
    assert hidden(add(plan, Show(1))) == frames(13, 22)
    assert hidden(add(plan, Show(1), Show(5))) == set()


def test_a_part_has_the_decisions_and_the_person_of_its_whole() -> None:
    plan = add(PLAN, Join((1,), "Ana"), Show(1), Split(1, at(15), 5))
    assert hidden(plan) == set()
    assert hidden(add(plan, Hide(person="Ana"))) == ALL
    again = add(add(PLAN, Split(1, at(15), 5)), Split(5, at(18), 6), Show(6))
    assert hidden(again) == frames(8, 19)


def test_what_a_trim_cuts_off_is_hidden_until_it_is_shown() -> None:
    plan = add(PLAN, trim(PLAN, 1, at(13), at(17)))
    assert hidden(plan) == ALL
    assert hidden(add(plan, Show(1))) == frames(8, 14) | frames(16, 22)
    assert hidden(add(plan, Show(5))) == frames(11, 19)
    joined = add(PLAN, Join((1,), "Ana"), Trim(1, 5, start=at(13)))
    assert joined.things.by_id[5].person is None
    assert joined.things.by_id[1].person == "Ana"


# Corrections


def test_a_correction_moves_its_neighbours_and_leaves_what_was_hidden() -> None:
    plan = add(PLAN, Correct(1, at(12), FACE.shifted(0, 50)))
    assert hidden(plan) == ALL
    assert hidden(plan, FACE.shifted(0, 50)) == ALL


def test_a_second_correction_leaves_what_the_track_itself_hides() -> None:
    below, right = FACE.shifted(0, 50), FACE.shifted(40, 0)
    once = add(PLAN, Correct(1, at(12), below))
    twice = add(once, Correct(1, at(18), right))
    assert hidden(twice) == ALL
    assert 12 in hidden(twice, below)
    assert 18 in hidden(twice, right)
    assert 18 not in hidden(twice, below)


def test_no_gap_opens_where_a_corrected_track_is_divided_between_two_sightings() -> None:
    seen = tuple(s for s in PLAN.tracks[0].sightings if s.frame in (10, 11, 18, 19))
    far = replace(PLAN, tracks=(replace(PLAN.tracks[0], sightings=seen),))
    below = FACE.shifted(0, 50)
    corrected = add(far, Correct(1, at(11), below))
    before = hidden(corrected, below)
    assert 14 in before
    assert hidden(add(corrected, Trim(1, 5, start=at(18))), below) == before


def test_a_divided_track_stays_corrected_in_all_its_parts() -> None:
    below = FACE.shifted(0, 50)
    corrected = add(PLAN, Correct(1, at(12), below))
    for divided in (Split(1, at(15), 5), Trim(1, 5, at(13), at(17))):
        assert hidden(add(corrected, divided), below) == ALL
    shown = add(corrected, Split(1, at(15), 5), Show(5))
    assert hidden(shown, below) == frames(8, 16)


def test_between_two_corrections_the_difference_changes_evenly() -> None:
    corrections = (Correct(1, at(10), FACE), Correct(1, at(20), FACE.shifted(0, 50)))
    plan = add(replace(PLAN, tracks=PLAN.tracks[:1]), *corrections)
    moved = {i: plan.regions(i, at(i))[-1].box.top - FACE.top for i in range(10, 21)}
    assert moved == pytest.approx({i: (i - 10) * 5.0 for i in range(10, 21)})


def test_a_show_takes_old_boxes_off_and_a_later_correction_stays() -> None:
    below = FACE.shifted(0, 50)
    plan = add(PLAN, Show(1), Correct(1, at(12), below))
    assert (hidden(plan), hidden(plan, below)) == (set(), ALL)
    assert hidden(add(plan, Show(1)), below) == set()
    assert hidden(add(plan, Show(1), Correct(1, at(14), below)), below) == ALL


def test_a_correction_stays_within_its_shot_and_its_part() -> None:
    below = FACE.shifted(0, 50)
    cut = replace(PLAN, cuts=(21,))
    assert hidden(add(cut, Correct(1, at(12), below)), below) == frames(8, 20)
    parted = add(PLAN, Split(1, at(15), 5), Correct(1, at(12), below))
    assert hidden(parted, below) == frames(8, 16)


# Styles


def test_a_style_is_for_all_or_for_what_it_names() -> None:
    path = HideBox(Box(100.0, 100.0, 110.0, 110.0), style="pixelate", name="sign")
    plan = add(PLAN, ChangeStyle("solid", track=1), ChangeStyle("cover"), path)
    assert plan.style == "cover"
    assert {r.style for r in plan.regions(12, at(12))} == {"solid", None, "pixelate"}
    plan = add(plan, ChangeStyle("solid", region="sign"), ChangeStyle("blur", kind=Kind.FACE))
    assert {r.style for r in plan.regions(12, at(12))} == {"blur", None, "solid"}


# What reveals


def points_hidden(regions: Sequence[Region]) -> set[tuple[int, int]]:
    grid = [(x, y) for x in range(2, 160, 7) for y in range(2, 120, 7)]
    return {(x, y) for x, y in grid if any(holds(region, x, y) for region in regions)}


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(edited_plans(most=4), st.data())
def test_only_show_reveals(plan: Plan, data: st.DataObject) -> None:
    """But for a second correction, which moves what only the first one hid.

    An edit that is taken back is no decision any more, as one that is undone: see below.
    """
    kinds = Show | Revoke
    edit = data.draw(edit_strategies.edits(plan).filter(lambda e: not isinstance(e, kinds)))
    assume(not (isinstance(edit, Correct) and plan.things.by_id[edit.track].corrections))
    after = add(plan, edit)
    for index in range(0, FRAMES, 2):
        before, now = (points_hidden(p.regions(index, at(index))) for p in (plan, after))
        assert before <= now


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(edited_plans(most=4), st.data())
def test_show_reveals_nothing_of_another_thing(plan: Plan, data: st.DataObject) -> None:
    """What is hidden if only the other things exist stays hidden."""
    numbers = sorted(plan.things.by_id)
    shown = data.draw(st.sampled_from(numbers))
    after = add(plan, Show(shown))
    root = plan.things.by_id[shown].track
    assert root is not None
    for index in range(0, FRAMES, 2):
        others = [
            region
            for thing, region in plan.hidden_by(index, at(index))
            if thing.id != shown or thing.drawn is not None
        ]
        assert points_hidden(others) <= points_hidden(after.regions(index, at(index)))


# Edits that are taken back


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(edited_plans(most=5), st.data())
def test_an_edit_that_is_taken_back_is_as_if_it_had_never_been(
    plan: Plan, data: st.DataObject
) -> None:
    numbers = [n for n, e in in_force(plan.edits) if not isinstance(e, SignOff | Revoke)]
    assume(numbers)
    number = data.draw(st.sampled_from(numbers))
    nothing = Note("nothing", continues=plan.edits[number - 1].continues)
    try:
        without = replace(plan, edits=(*plan.edits[: number - 1], nothing, *plan.edits[number:]))
    except PlanError:  # a later edit needs it
        with pytest.raises(PlanError):
            add(plan, Revoke(number))
        return
    after = add(plan, Revoke(number))
    back = add(after, Revoke(len(after.edits)))
    for one, other in ((after, without), (back, plan)):
        assert (one.style, one.mutes) == (other.style, other.mutes)
        for index in range(0, FRAMES, 5):
            assert one.regions(index, at(index)) == other.regions(index, at(index))


def test_what_cannot_be_taken_back_is_refused_in_words() -> None:
    zone, show = HideBox(FACE), Show(region="1")
    sign = SignOff(by="Ana", at="2026-11-28T14:00:00Z")
    for edits, said in (
        ((zone, show, Revoke(1)), "edit 2: it shows region 1, which does not exist"),
        ((zone, Revoke(2)), "edit 2: it takes back edit 2, and there is none"),
        ((zone, Revoke(0)), "edit 2: it takes back edit 0, and there is none"),
        ((zone, Revoke(1), Revoke(1)), "edit 3: it takes back edit 1, which is taken back already"),
        ((zone, sign, Revoke(2)), "edit 3: it takes back a signature"),
    ):
        with pytest.raises(PlanError) as caught:
            replace(PLAN, edits=edits)
        assert caught.value.problem.startswith(said)
    assert hidden(add(PLAN, zone, show, Revoke(2), Revoke(1))) == ALL


# Edits that can do nothing

REFUSED: list[tuple[Edit, str]] = [
    (Show(), "it shows nothing"),
    (Show(1, kind=Kind.FACE), "it shows several things"),
    (Show(person="Ana"), "it shows person Ana, which does not exist"),
    (Show(region="1"), "it shows region 1, which does not exist"),
    (Hide(9), "it hides track 9, which does not exist"),
    (Hide(1, start=at(9), end=at(8)), "it ends at 0.32 s before it starts at 0.36 s"),
    (Show(1, start=Fraction(3)), "it starts at 3 s, after the last frame"),
    (Accept(9), "it accepts track 9"),
    (ChangeStyle("solid", person="x"), "it draws person x"),
    (Note("  "), "it says nothing"),
    (Note("x", track=9), "it is about track 9"),
    (SignOff(by="Ana"), "nobody signs"),
    (SignOff(by=" ", at="2026-11-28T14:00:00Z"), "nobody signs"),
    (Note("x", at="2026-11-28"), "'2026-11-28' is no moment with a time zone"),
    (Note("x", at="yesterday"), "'yesterday' is no moment"),
    (Note("x", continues=True), "it continues an edit, but none is before it"),
    (Split(9, at(12), 5), "it splits track 9, which does not exist"),
    (Split(1, at(12), 2), "its new part is called 2"),
    (Split(1, at(12), 0), "a track has a number from 1"),
    (Split(1, at(10), 5), "it splits off all: track 1 is seen from 0.4 s to 0.8 s"),
    (Split(1, at(21), 5), "it splits off nothing"),
    (Trim(1, 5), "it trims off nothing"),
    (Trim(1, 5, start=at(30)), "it trims off all"),
    (Join((), "Ana"), "it joins no tracks"),
    (Join((9,), "Ana"), "it joins track 9, which does not exist"),
    (Join((1,), " "), "the person has no name"),
    (Join((1,), None), "its tracks are joined so already"),
    (Correct(9, at(12), FACE), "it corrects track 9, which does not exist"),
    (Correct(1, at(25), FACE), "track 1 is seen from 0.4 s to 0.8 s, and not at 1 s"),
    (Correct(1, at(12), Box(1, 1, 1, 5)), "its box has no width"),
    (Mute(at(2), at(1)), "it ends at 0.04 s before"),
    (Mute(at(2), at(2)), "it ends when it starts"),
    (HidePath(()), "it has no key frame"),
    (HidePath(KEYS[::-1]), "its key frames are not in order of time"),
    (HidePath(KEYS, followed=KEYS[::-1]), "its sightings are not in order of time"),
    (HidePath(KEYS, start=Fraction(9), end=Fraction(10)), "it starts at 9 s, after the last"),
    (HidePath((Key(at(3), Box(1, 1, 1, 5)),)), "its box has no width"),
    (HideBox(FACE, name="7"), "its name '7' is a number"),
    (HideBox(FACE, outline=((0, 0), (1, 1))), "a polygon has 3 to 200 corners, not 2"),
    (HideBox(FACE, outline=((0, 0), (1, 1), (0.5, 0.5))), "the corners of its polygon lie on"),
    (HideBox(FACE, outline=((0, 0), (1, 1), (0, 2))), "the corners of its polygon lie outside"),
]


@pytest.mark.parametrize(("edit", "said"), REFUSED, ids=lambda item: str(item)[:40])
def test_what_can_do_nothing_is_refused_in_words(edit: Edit, said: str) -> None:
    with pytest.raises(PlanError) as caught:
        replace(PLAN, edits=(edit,))
    assert caught.value.problem.startswith(f"edit 1: {said}")
    assert caught.value.remedy == "correct it in the plan, or take it out"


def test_two_regions_have_two_names() -> None:
    with pytest.raises(PlanError, match="edit 2: another region is called 'sign'"):
        add(PLAN, HideBox(FACE, name="sign"), HideBox(AWAY, name="sign"))


def test_a_sign_off_says_who_when_and_what_was_watched() -> None:
    watched = (Span(at(0), at(39)),)
    sign = SignOff(by="Ana", at="2026-11-28T14:00:00Z", result="sha256:1", watched=watched)
    assert add(PLAN, sign).edits == (sign,)
