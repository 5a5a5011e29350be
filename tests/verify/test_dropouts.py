"""What is hidden before or after and shows at another moment, told from pictures and plan alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from redact.core.findings import Kind, Sighting, Track
from redact.core.frames import Frame
from redact.core.geometry import Box, Region, Size, Turn
from redact.core.interfaces import Style
from redact.core.plan import Plan, Show, SourceId
from redact.core.recipe import recipe
from redact.hide.styles import STYLES
from redact.hide.styles.cover import Cover
from redact.verify.compare import verify
from redact.verify.dropouts import Dropouts
from redact.verify.gaps import BEYOND_ENDS, DETECTED_WITHIN, LONGEST_GAP
from redact.verify.result import Checking, Spot
from redact.verify.second_opinion import SecondOpinion
from tests.painted import TURNS, PaintedPicture, flat, painted
from tests.scripted import PaintedSource, even_times

SIZE = Size(160, 120)
COUNT = 60
FACE = Box(40, 30, 70, 66)
GREY = (120, 120, 120)
LOOK = np.random.default_rng(5).integers(60, 200, (6, 5)).repeat(6, axis=0).repeat(6, axis=1)
"""A thing of 30x36 pixels with structure."""


def scene(box: Box | None = FACE, look: NDArray[np.int64] = LOOK) -> PaintedPicture:
    """A grey picture with the thing at a place."""
    picture = flat(SIZE, GREY)
    if box is not None:
        rows, columns = slice(int(box.top), int(box.bottom)), slice(int(box.left), int(box.right))
        picture.planes()[0].samples[rows, columns] = look[..., None]
    return picture


def seen(frames: Iterable[int], box: Box = FACE, score: float = 0.9) -> tuple[Sighting, ...]:
    return tuple(Sighting(i, Fraction(i, 25), box, score) for i in frames)


def shown(
    tracks: Sequence[Track],
    bare: Collection[int],
    pictures: Sequence[PaintedPicture],
    *,
    cuts: Sequence[int] = (),
    hidden: Box = FACE,
) -> list[Spot]:
    """What is found when the place is hidden in all frames but the bare ones."""
    watch, found = Dropouts(tracks, cuts), []
    for index, picture in enumerate(pictures):
        time = Fraction(index, 25)
        regions = [] if index in bare else [Region.holding(hidden, 0.3)]
        frame = Frame(index, time, picture)
        found += watch.update(frame, frame, regions)
    return found


def frames_of(spots: Iterable[Spot]) -> set[int]:
    return {spot.frame for spot in spots}


ALWAYS = [scene()] * COUNT


@pytest.mark.parametrize("length", [1, 3, 10, 30])
def test_a_hole_in_a_track_is_found_in_every_frame(length: int) -> None:
    hole = range(20, 20 + length)
    track = Track(1, Kind.FACE, seen(i for i in range(COUNT) if i not in hole))
    found = shown([track], hole, ALWAYS)
    assert frames_of(found) == set(hole)
    assert all(spot.box.iou(FACE) > 0.9 and spot.score > 0.95 for spot in found)


@pytest.mark.parametrize("kind", list(Kind))
def test_plates_drop_out_as_faces_do(kind: Kind) -> None:
    track = Track(1, kind, seen([*range(20), *range(22, COUNT)]))
    assert {spot.kind for spot in shown([track], [20, 21], ALWAYS)} == {kind}


def test_a_thing_that_moves_is_expected_between_its_places() -> None:
    boxes = [Box(20 + i, 30, 50 + i, 66) for i in range(COUNT)]
    moving = [scene(box) for box in boxes]
    hole = range(20, 30)
    sightings = tuple(s for i in range(COUNT) if i not in hole for s in seen([i], boxes[i]))
    found = shown([Track(1, Kind.FACE, sightings)], hole, moving, hidden=Box(0, 0, 160, 120))
    assert frames_of(found) == set(hole)
    assert all(spot.box.iou(boxes[spot.frame]) > 0.9 for spot in found)


def test_a_track_that_goes_on_as_another_is_one_thing() -> None:
    tracks = [Track(1, Kind.FACE, seen(range(20))), Track(2, Kind.FACE, seen(range(26, COUNT)))]
    assert frames_of(shown(tracks, range(20, 26), ALWAYS)) == set(range(20, 26))


def test_it_is_found_where_it_is_not_where_it_was_expected() -> None:
    aside = FACE.shifted(5, -6)
    pictures = [scene(aside if 20 <= i < 24 else FACE) for i in range(COUNT)]
    track = Track(1, Kind.FACE, seen([*range(20), *range(24, COUNT)]))
    found = shown([track], range(20, 24), pictures)
    assert frames_of(found) == set(range(20, 24))
    assert all(spot.box.iou(aside) > 0.95 for spot in found)


@pytest.mark.parametrize("back", [False, True])
def test_beyond_an_end_it_goes_on_at_its_pace(back: bool) -> None:
    boxes = [FACE.shifted(2 * i - 30, 0) for i in range(COUNT)]
    pictures = [scene(box) for box in boxes]
    known, bare = (range(40, COUNT), range(26, 40)) if back else (range(20), range(20, 34))
    sightings = tuple(s for i in known for s in seen([i], boxes[i]))
    found = shown([Track(1, Kind.FACE, sightings)], bare, pictures, hidden=Box(0, 0, 160, 120))
    assert frames_of(found) == set(bare)
    assert all(spot.box.iou(boxes[spot.frame]) > 0.9 for spot in found)


@pytest.mark.parametrize("alike", [True, False])
def test_a_track_that_begins_there_is_the_same_thing_only_if_it_looks_so(alike: bool) -> None:
    """The first was let go knowingly, so that its end alone says nothing."""
    other = np.random.default_rng(6).integers(60, 200, LOOK.shape)
    pictures = [scene(look=LOOK if i < 50 or alike else other) for i in range(COUNT)]
    first = Track(1, Kind.FACE, (*seen(range(5)), *seen(range(5, 40), score=0.0)))
    found = shown([first, Track(2, Kind.FACE, seen(range(50, COUNT)))], range(40, 50), pictures)
    assert frames_of(found) == (set(range(40, 50)) if alike else set())


def test_beyond_the_picture_nothing_is_expected() -> None:
    gone = Box(-69, 30, -39, 66)
    track = Track(1, Kind.FACE, (*seen(range(20)), *seen(range(26, COUNT), gone)))
    pictures = [scene(None) if i >= 20 else scene() for i in range(COUNT)]
    watch = Dropouts([track], ())
    for index in range(24, 26):  # nearer to where it went than to where it was
        frame = Frame(index, Fraction(index, 25), pictures[index])
        watch.update(frame, frame, ())
    assert not any(item.candidates for item in watch._open)


def test_the_same_pattern_much_fainter_is_something_else() -> None:
    faint = 130 + (LOOK - 130) // 4
    pictures = [scene(look=faint if 20 <= i < 30 else LOOK) for i in range(COUNT)]
    track = Track(1, Kind.FACE, seen([*range(20), *range(30, COUNT)]))
    assert not shown([track], range(20, 30), pictures)
    half = 130 + (LOOK - 130) // 2  # as in a fade, or in the shadow
    pictures = [scene(look=half if 20 <= i < 30 else LOOK) for i in range(COUNT)]
    assert frames_of(shown([track], range(20, 30), pictures)) == set(range(20, 30))


@pytest.mark.parametrize(
    ("known", "bare"), [(range(30), range(30, 40)), (range(40, COUNT), range(30, 40))]
)
def test_what_is_still_or_already_there_is_found_at_an_end(known: range, bare: range) -> None:
    assert frames_of(shown([Track(1, Kind.FACE, seen(known))], bare, ALWAYS)) == set(bare)


def test_far_from_its_sightings_nobody_can_say() -> None:
    reach = int(25 * BEYOND_ENDS)
    track = Track(1, Kind.FACE, seen(range(10)))
    bare = range(10, COUNT)
    assert frames_of(shown([track], bare, ALWAYS)) == set(range(10, 10 + reach))
    far = Track(1, Kind.FACE, seen([0, 1 + int(25 * LONGEST_GAP)]))
    found = shown([far], range(1, 1 + int(25 * LONGEST_GAP)), ALWAYS)
    assert 1 + reach not in frames_of(found)


def test_what_was_followed_for_long_without_being_detected_was_let_go_knowingly() -> None:
    """Else what stands still and was once taken for a face could never be let go."""
    followed = (*seen(range(5)), *seen(range(5, 5 + int(25 * DETECTED_WITHIN) + 1), score=0.0))
    bare = range(len(followed), COUNT)
    assert not shown([Track(1, Kind.FACE, followed)], bare, ALWAYS)
    assert shown([Track(1, Kind.FACE, followed[:-2])], bare, ALWAYS)


def test_what_went_behind_something_is_not_found() -> None:
    other = np.random.default_rng(6).integers(60, 200, LOOK.shape)
    hole = range(20, 30)
    pictures = [scene(look=other if i in hole else LOOK) for i in range(COUNT)]
    inside = Track(1, Kind.FACE, seen(i for i in range(COUNT) if i not in hole))
    end = Track(1, Kind.FACE, seen(range(20)))
    for track in (inside, end):
        assert not shown([track], hole, pictures)
        assert not shown([track], hole, [scene(None if i in hole else FACE) for i in range(COUNT)])


def test_what_it_is_compared_with_is_how_it_looked_when_it_was_detected() -> None:
    """A box that was followed behind a post shows the post, and so does the picture afterwards."""
    post = np.random.default_rng(6).integers(60, 200, LOOK.shape)
    pictures = [scene(look=LOOK if i < 20 else post) for i in range(COUNT)]
    track = Track(1, Kind.FACE, (*seen(range(20)), *seen(range(20, 30), score=0.0)))
    assert not shown([track], range(30, COUNT), pictures)


@pytest.mark.parametrize(("side", "between", "at_an_end"), [(6, 0, 0), (12, 10, 0), (18, 10, 10)])
def test_the_smaller_a_thing_the_less_can_be_told(side: int, between: int, at_an_end: int) -> None:
    box = Box(40, 30, 40 + side, 30 + side)
    look = np.random.default_rng(5).integers(60, 200, (side, side))
    pictures = [scene(box, look)] * COUNT
    hole = Track(1, Kind.FACE, seen([*range(20), *range(30, COUNT)], box))
    assert len(shown([hole], range(20, 30), pictures, hidden=box)) == between
    end = Track(1, Kind.FACE, seen(range(20), box))
    assert len(shown([end], range(20, 30), pictures, hidden=box)) == at_an_end


def test_a_place_that_another_region_hides_is_not_bare() -> None:
    track = Track(1, Kind.FACE, seen([*range(20), *range(30, COUNT)]))
    assert not shown([track], (), ALWAYS)


def test_nothing_is_expected_across_a_cut() -> None:
    tracks = [Track(1, Kind.FACE, seen(range(20))), Track(2, Kind.FACE, seen(range(30, COUNT)))]
    assert not shown(tracks, range(20, 30), ALWAYS, cuts=(20, 30))
    assert frames_of(shown(tracks, range(20, 30), ALWAYS, cuts=(25,))) == set(range(20, 30))


def test_what_has_no_structure_looks_like_anything() -> None:
    even = np.full(LOOK.shape, 150)
    pictures = [scene(look=even)] * COUNT
    track = Track(1, Kind.FACE, seen([*range(20), *range(30, COUNT)]))
    assert not shown([track], range(20, 30), pictures)


@pytest.mark.parametrize("turn", TURNS)
def test_places_are_those_of_the_upright_picture(turn: Turn) -> None:
    upright = scene()
    samples = upright.planes()[0].samples
    stored = np.rot90(samples, turn.quarters)
    stored = stored[:, ::-1] if turn.mirrored else stored
    plane = replace(upright.planes()[0], samples=np.ascontiguousarray(stored))
    pictures = [replace(upright, painted=(plane,), turn=turn)] * COUNT
    track = Track(1, Kind.FACE, seen([*range(20), *range(22, COUNT)]))
    assert frames_of(shown([track], [20, 21], pictures)) == {20, 21}


def test_what_waits_for_a_look_is_let_go() -> None:
    track = Track(1, Kind.FACE, seen(range(40, COUNT)))
    watch = Dropouts([track], ())
    for index, picture in enumerate([*[scene(None)] * 40, *ALWAYS[40:]]):
        frame = Frame(index, Fraction(index, 25), picture)
        assert not watch.update(frame, frame, ())
        kept = sum(len(item.candidates) for item in watch._open)
        assert kept <= int(25 * BEYOND_ENDS)
        assert kept == 0 or index < 40


def checked(plan: Plan, output: Sequence[PaintedPicture], style: Style | None = None) -> list[Spot]:
    def load(name: str) -> object:
        raise AssertionError(name)

    found = verify(
        PaintedSource(even_times(COUNT), PICTURES),
        PaintedSource(even_times(COUNT), output),
        plan,
        SecondOpinion({"plates"}, load),  # type: ignore[arg-type]
        Checking(),
        lambda *_: None,
        style,
    )
    assert not found.faults
    return [spot for leak in found.leaks for spot in leak.spots]


PICTURES = [painted(SIZE, "rgb", seed=1)] * COUNT
HOLED = Plan(
    SourceId("sha256:painted", SIZE, COUNT),
    replace(recipe(style="solid"), coverage=replace(recipe().coverage, bridge=0.1)),
    tracks=(Track(1, Kind.FACE, seen([*range(10), *range(50, COUNT)])),),
)


def rendered(plan: Plan, style: Style | None = None) -> list[PaintedPicture]:
    cover, outputs = plan.cover(), []
    for index, picture in enumerate(PICTURES):
        copy = picture.copy()
        (style or STYLES["solid"](plan.recipe)).hide(copy, cover(index, Fraction(index, 25)))
        outputs.append(copy)
    return outputs


def test_the_check_of_an_output_says_so() -> None:
    spots = checked(HOLED, rendered(HOLED))
    assert {spot.why for spot in spots} == {"hidden before or after"}
    assert frames_of(spots) == set(range(20, 40))  # held 0.4 s after the first, before the second


def test_a_style_with_a_picture_of_its_own_does_not_hide_what_shows() -> None:
    """The check must not take what it draws itself for what the source shows."""
    leaves = np.random.default_rng(9).integers(0, 256, (40, 30, 3)).astype(np.uint8)
    style = Cover(leaves)
    spots = checked(HOLED, rendered(HOLED, style), style)
    assert frames_of(spots) == set(range(20, 40))


def test_what_a_person_shows_is_no_dropout() -> None:
    track = replace(HOLED.tracks[0], id=2, sightings=seen(range(COUNT)))
    plan = replace(HOLED, tracks=(*HOLED.tracks, track), edits=(Show(2),))
    assert not checked(plan, rendered(plan))
