from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from redact.core.edits.values import Hide, HidePath, Key
from redact.core.findings import Kind, Sighting, Track
from redact.core.frames import Colour, Frame, Plane, VideoInfo
from redact.core.geometry import Box, Size
from redact.core.passes import Pass
from redact.core.plan import Edit, HideBox, Plan, Show, SourceId, dumps, loads
from redact.core.recipe import Recipe
from redact.errors import PlanError
from tests.painted import PaintedPicture

SIZE = Size(64, 48)
INSIDE = Box(5, 5, 20, 20)
SEEN = Track(1, Kind.FACE, (Sighting(0, Fraction(0), INSIDE, 0.9),))
PLAN = Plan(
    SourceId("sha256:00ff", SIZE, 50, Fraction(0), Fraction(49, 25)),
    Recipe(passes=(Pass("yunet", 640, 0.3),)),
    tracks=(SEEN,),
)


def test_a_time_that_a_player_shows_means_the_frame_that_it_shows() -> None:
    """At 29.97 frames a second frame 2 is at 0.066733 s: players say 0.067; frame 3 at 0.100100."""
    frame = Fraction(1001, 30000)
    source = SourceId("sha256:00ff", SIZE, 50, Fraction(0), 49 * frame)
    seen = Track(1, Kind.FACE, tuple(Sighting(n, n * frame, INSIDE, 0.9) for n in range(50)))
    told = Fraction("0.067"), Fraction("0.1")
    assert told[0] > 2 * frame
    assert told[1] < 3 * frame
    edits = {
        "box": (HideBox(INSIDE, *told),),
        "path": (HidePath((Key(told[0], INSIDE), Key(told[1], INSIDE))),),
        "track": (Show(1), Hide(1, start=told[0], end=told[1])),
    }
    for name, made in edits.items():
        tracks = (seen,) if name == "track" else ()
        plan = Plan(source, PLAN.recipe, tracks=tracks, edits=made)
        assert ask_all(plan, frame)[:6] == [0, 0, 1, 1, 0, 0], name
    shown = Plan(source, PLAN.recipe, tracks=(seen,), edits=(Show(1, start=told[0], end=told[1]),))
    assert ask_all(shown, frame)[:6] == [1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("start", "first"),
    [("1", 25), ("1.001", 25), ("1.02", 25), ("1.037", 25), ("1.04", 26), ("0", 0), ("-1", 0)],
)
def test_the_frame_that_is_on_the_screen_at_a_time_is_hidden_from_it_on(
    start: str, first: int
) -> None:
    """And no frame that has ended by then."""
    expected = [int(index >= first) for index in range(50)]
    seen = Track(1, Kind.FACE, tuple(Sighting(n, Fraction(n, 25), INSIDE, 0.9) for n in range(50)))
    path = HidePath((Key(Fraction(start), INSIDE), Key(Fraction(9), INSIDE)))
    for edit in (HideBox(INSIDE, Fraction(start)), path):
        assert ask_all(edited(edit, plan=replace(PLAN, tracks=()))) == expected
    whole = replace(PLAN, tracks=(seen,))
    assert ask_all(edited(Show(1), Hide(1, start=Fraction(start)), plan=whole)) == expected
    shown = ask_all(edited(Show(1, start=Fraction(start)), plan=whole))
    assert shown == [int(Fraction(index, 25) < Fraction(start)) for index in range(50)]


def test_no_frame_too_many_is_hidden_where_times_are_rounded_to_thousandths() -> None:
    times = [round(Fraction(n * 1001, 30000), 3) for n in range(50)]  # as in Matroska
    source = SourceId("sha256:00ff", SIZE, 50, times[0], times[-1])
    for first in range(1, 50):
        cover = Plan(source, PLAN.recipe, edits=(HideBox(INSIDE, times[first]),)).cover()
        hidden = [len(cover(index, time)) for index, time in enumerate(times)]
        assert hidden == [int(index >= first) for index in range(50)]


def test_from_0_on_means_from_the_beginning_also_of_frames_before_0() -> None:
    times = [Fraction(n, 25) for n in (-6, 0, 1, 2, 3)]  # as an edit list may have them
    source = SourceId("sha256:00ff", SIZE, 5, times[0], times[-1])
    zone = HideBox(INSIDE, Fraction(0), times[2])
    path = HidePath((Key(Fraction(0), INSIDE), Key(times[2], INSIDE)))
    for edit in (zone, path):
        cover = Plan(source, PLAN.recipe, edits=(edit,)).cover()
        hidden = [len(cover(index, time)) for index, time in enumerate(times)]
        assert hidden == [1, 1, 1, 0, 0]


def test_a_time_just_after_the_last_frame_means_that_frame() -> None:
    frame = Fraction(1001, 30000)
    last = 2 * frame
    source = SourceId("sha256:00ff", SIZE, 3, Fraction(0), last)
    plan = Plan(source, PLAN.recipe, edits=(HideBox(INSIDE, Fraction("0.067")),))
    assert ask_all(plan, frame)[:3] == [0, 0, 1]


def hide(start: str, end: str, box: Box = INSIDE) -> HideBox:
    return HideBox(box, Fraction(start), Fraction(end))


def edited(*edits: Edit, plan: Plan = PLAN) -> Plan:
    return replace(plan, edits=edits)


@dataclass(frozen=True)
class Painted:
    """A source whose frames come 25 a second, or as pages of these sizes once a second."""

    sizes: tuple[Size, ...] = (SIZE,) * 50
    pages: bool = False
    path: Path = Path("clip.mp4")
    fingerprint: str = "sha256:00ff"

    @property
    def info(self) -> VideoInfo:
        return VideoInfo(self.sizes[0], len(self.sizes), pages=self.pages)

    def frames(self) -> Iterator[Frame]:
        for index, size in enumerate(self.sizes):
            samples = np.zeros((size.height, size.width), np.uint8)
            picture = PaintedPicture((Plane(samples, "y"),), Colour())
            yield Frame(index, Fraction(index, 1 if self.pages else 25), picture)


def ask_all(plan: Plan, step: Fraction = Fraction(1, 25)) -> list[int]:
    cover = plan.cover()
    return [len(cover(index, index * step)) for index in range(plan.source.frames)]


# Edits that can do nothing


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (hide("3", "2"), "edit 2: it ends at 2 s before it starts at 3 s"),
        (hide("1/2", "1/3"), "edit 2: it ends at about 0.333 s before it starts at 0.5 s"),
        (hide("2", "3"), "edit 2: it starts at 2 s, after the last frame, which is at 1.96 s"),
        (hide("-2", "-1/2"), "edit 2: it ends at -0.5 s, before the first frame, which is at 0 s"),
        (hide("0", "1", Box(5, 5, 5, 9)), "edit 2: its box has no width or no height"),
        (hide("0", "1", Box(5, 9, 7, 9)), "edit 2: its box has no width or no height"),
        (Show(7), "edit 2: it shows track 7, which does not exist"),
    ],
)
def test_an_edit_that_can_do_nothing_is_refused_by_its_number(edit: Edit, said: str) -> None:
    with pytest.raises(PlanError) as caught:
        edited(Show(1), edit)
    assert caught.value.problem.startswith(said)
    assert caught.value.remedy == "correct it in the plan, or take it out"


@pytest.mark.parametrize(
    "edit",
    [
        hide("0", "0"),
        hide("49/25", "9999"),
        hide("-5", "0"),
        hide("1", "1"),
        hide("0", "1", Box(-9, -9, 0.1, 0.1)),
        hide("0", "1", Box(63.9, 47.9, 99, 99)),
        hide("0", "1", Box(-99, -99, 999, 999)),
    ],
)
def test_an_edit_that_can_do_something_is_not_refused(edit: HideBox) -> None:
    plan = edited(edit)
    plan.check(Painted())
    assert any(ask_all(replace(plan, tracks=())))


@pytest.mark.parametrize(
    "box", [Box(64, 0, 99, 9), Box(0, 48, 9, 99), Box(-9, 0, 0, 9), Box(0, -9, 9, 0)]
)
def test_a_box_outside_of_the_picture_is_refused(box: Box) -> None:
    plan = edited(Show(1), hide("0", "1", box))
    with pytest.raises(PlanError) as caught:
        plan.check(Painted())
    said = "edit 2: its box lies outside of the picture of 64x48 pixels"
    assert (caught.value.path, caught.value.problem) == (Path("clip.mp4"), said)


def test_another_source_is_refused_before_its_edits_are_looked_at() -> None:
    with pytest.raises(PlanError, match="not the file"):
        edited(hide("0", "1", Box(64, 0, 99, 9))).check(Painted(fingerprint="sha256:11"))


PAGES = Painted((SIZE, Size(200, 20), Size(30, 300)), pages=True, path=Path("a.tif"))


@pytest.mark.parametrize(
    ("edit", "fits"),
    [
        (hide("1", "1", Box(100, 0, 150, 10)), True),
        (hide("0", "2", Box(0, 250, 9, 280)), True),
        (hide("0", "0", Box(100, 0, 150, 10)), False),
        (hide("0", "1", Box(0, 250, 9, 280)), False),
        (hide("5/4", "7/4", Box(0, 0, 9, 9)), False),
    ],
)
def test_a_box_must_lie_on_a_page_of_its_time(edit: HideBox, fits: bool) -> None:
    plan = replace(PLAN, source=SourceId("sha256:00ff", SIZE, 3, Fraction(0), Fraction(2)))
    plan = edited(edit, plan=plan)
    if fits:
        plan.check(PAGES)
        return
    with pytest.raises(PlanError, match=r"^a\.tif: edit 1: its box lies outside of every page"):
        plan.check(PAGES)


def test_an_edit_between_two_frames_is_refused_at_the_last_frame() -> None:
    """Frames come 25 a second, but for one that stays for four seconds."""
    times = [Fraction(n, 25) + (4 if n > 25 else 0) for n in range(50)]
    long = replace(PLAN, source=SourceId("sha256:00ff", SIZE, 50, times[0], times[-1]))
    cover = edited(hide("1", "1"), hide("301/100", "303/100"), plan=long).cover()
    for index, time in enumerate(times[:-1]):
        cover(index, time)
    with pytest.raises(PlanError, match=r"edit 2: there is no frame between 3\.01 s and 3\.03 s"):
        cover(49, times[-1])


def test_an_edit_of_a_plan_that_does_not_say_its_times_is_refused_too() -> None:
    old = replace(PLAN, source=SourceId("sha256:00ff", SIZE, 50))
    for edit in (hide("2", "3"), hide("-3", "-2")):
        with pytest.raises(PlanError, match="edit 1: there is no frame between"):
            ask_all(edited(edit, plan=old))


def test_some_frames_alone_say_nothing_about_an_edit() -> None:
    cover = edited(hide("1", "1")).cover()
    assert len(cover(48, Fraction(48, 25))) == 0
    assert len(cover(49, Fraction(49, 25))) == 0


# Edits as a person writes them


def written(edit: dict[str, Any]) -> Plan:
    data = json.loads(dumps(edited(Show(1))))
    data["edits"].append(edit)
    return loads(json.dumps(data))


HIDE = {"edit": "hide", "box": [5, 5, 20, 20], "start": 0.5, "end": "7/4"}


@pytest.mark.parametrize(
    ("time", "means"),
    [
        (1.5, "3/2"),
        ("1.5", "3/2"),
        ("3/2", "3/2"),
        (1, "1"),
        ("1", "1"),
        (1.1, "11/10"),
        ("1.100", "11/10"),
        (1e-3, "1/1000"),
        ("0.333", "333/1000"),
    ],
)
def test_times_are_what_people_write(time: object, means: str) -> None:
    (_, edit) = written({**HIDE, "start": time}).edits
    assert isinstance(edit, HideBox)
    assert edit.start == Fraction(means)
    assert type(edit.start) is Fraction


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"start": "1/0"}, 'edit 2: start: "1/0" is no time; write seconds, such as 3.5 or "7/2"'),
        ({"end": "0:02"}, 'edit 2: end: "0:02" is no time;'),
        ({"end": "1,5"}, 'edit 2: end: "1,5" is no time;'),
        ({"end": True}, "edit 2: end: true is no time;"),
        ({"end": None}, "edit 2: end: null is no time;"),
        ({"end": 1e300}, "edit 2: end: 1e+300 is no time;"),
        ({"start": 1.9}, "edit 2: it ends at 1.75 s before it starts at 1.9 s"),
        ({"box": [1, 2, 3]}, "edit 2: box: [1, 2, 3] is no box; write [left, top, right, bottom]"),
        ({"box": [9, 2, 3, 4]}, "edit 2: box: [9, 2, 3, 4] is no box; write [left, top,"),
        ({"box": [1, "2", 3, 4]}, 'edit 2: box: "2" is no number'),
        ({"until": 3}, 'edit 2: there is no key "until" here'),
        ({"edit": "blur"}, 'is no edit; "edit" must be show, hide, style'),
    ],
)
def test_an_edit_that_does_not_fit_is_refused_in_words(change: dict[str, Any], said: str) -> None:
    with pytest.raises(PlanError) as caught:
        written({**HIDE, **change})
    assert said in str(caught.value)
    assert str(caught.value).startswith("edit 2: ")
    assert_no_types(str(caught.value))


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"edit": "style", "style": "sticker"}, 'edit 2: style: "sticker" is none of blur, solid,'),
        ({"edit": "show", "track": "1"}, 'edit 2: track: "1" is no whole number'),
        ({"edit": "show", "track": 4}, "edit 2: it shows track 4, which does not exist"),
        ({"edit": "show"}, 'edit 2: "track" is missing'),
    ],
)
def test_other_edits_are_refused_in_words_too(edit: dict[str, Any], said: str) -> None:
    with pytest.raises(PlanError) as caught:
        written(edit)
    assert str(caught.value).startswith(said)
    assert_no_types(str(caught.value))


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (["edits"], {"a": 1}, 'edits: {"a": 1} is no list'),
        (["recipe", "style"], "sticker", 'recipe: style: "sticker" is none of blur,'),
        (["recipe", "quality"], "x", 'recipe: quality: "x" is no whole number'),
        (["recipe", "passes", 0, "threshold"], "a", "recipe: item 1 of passes: threshold:"),
        (["recipe", "colour"], "red", "recipe: a colour is written #rrggbb, not 'red'"),
        (["tracks", 0, "kind"], "shoe", 'item 1 of tracks: kind: "shoe" is none of face, plate'),
        (["tracks", 0, "sightings", 0], [1], "item 1 of tracks: item 1 of sightings: [1] is no"),
        (["source"], [], "source: [] is no object in braces"),
        (["result"], 7, "result: 7 is no object in braces"),
        (["source", "size", "width"], 0, "source: size: a size of 0x48 has no pixels"),
    ],
)
def test_whatever_does_not_fit_is_refused_in_words(
    path: list[Any], value: object, said: str
) -> None:
    data = json.loads(dumps(PLAN))
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(PlanError) as caught:
        loads(json.dumps(data))
    assert str(caught.value).startswith(f"the plan cannot be used: {said}")
    assert_no_types(str(caught.value))


def assert_no_types(text: str) -> None:
    for type_name in ("Fraction", "typing", "expected", "int", "tuple", "Box", "@", "NoneType"):
        assert type_name not in text, text


def test_times_of_the_source_are_kept_and_old_plans_without_them_are_read() -> None:
    data = json.loads(dumps(PLAN))
    assert (data["source"]["first"], data["source"]["last"]) == ("0", "49/25")
    del data["source"]["first"], data["source"]["last"]
    assert loads(json.dumps(data)).source == SourceId("sha256:00ff", SIZE, 50)
