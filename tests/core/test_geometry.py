from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from redact.core import frames as media
from redact.core.geometry import Box, Region, Size, Turn, hull_of
from tests.painted import TURNS
from tests.scripted import holds

whole = st.integers(-50, 150)
coordinates = st.floats(-1e4, 1e4, allow_nan=False)
sizes = st.builds(Size, st.integers(1, 90), st.integers(1, 90))


@st.composite
def boxes(draw: st.DrawFn, side: st.SearchStrategy[float] = coordinates) -> Box:
    left, right = sorted([draw(side), draw(side)])
    top, bottom = sorted([draw(side), draw(side)])
    return Box(left, top, right, bottom)


@st.composite
def inner_boxes(draw: st.DrawFn, size: Size) -> Box:
    """A box of whole pixels with an area, inside a picture of that size."""
    left, top = draw(st.integers(0, size.width - 1)), draw(st.integers(0, size.height - 1))
    right = draw(st.integers(left + 1, size.width))
    bottom = draw(st.integers(top + 1, size.height))
    return Box(left, top, right, bottom)


def bounds(mask: np.ndarray) -> Box:
    rows, columns = np.nonzero(mask)
    return Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


@pytest.mark.parametrize(("width", "height"), [(0, 1), (1, 0), (-3, 4)])
def test_a_size_has_pixels(width: int, height: int) -> None:
    with pytest.raises(ValueError, match="no pixels"):
        Size(width, height)


def test_a_fitted_size_keeps_the_shape_and_never_vanishes() -> None:
    assert Size(1920, 1080).fitted(640) == Size(640, 360)
    assert Size(1080, 1920).fitted(640) == Size(360, 640)
    assert Size(4000, 1).fitted(64) == Size(64, 1)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", range(4))
def test_a_box_has_finite_sides(place: int, bad: float) -> None:
    sides = [0.0, 0.0, 1.0, 1.0]
    sides[place] = bad
    with pytest.raises(ValueError, match="finite"):
        Box(*sides)


@pytest.mark.parametrize("sides", [(2, 0, 1, 1), (0, 2, 1, 1)])
def test_a_box_is_not_inside_out(sides: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="inside out"):
        Box(*sides)


def test_what_a_box_measures() -> None:
    box = Box.around(10, 20, 4, 6)
    assert box == Box(8, 17, 12, 23)
    assert (box.width, box.height, box.area, box.centre) == (4, 6, 24, (10, 20))
    assert box.grown(0.5) == Box(6, 14, 14, 26)
    assert box.extended(1, 2) == Box(7, 15, 13, 25)
    assert box.shifted(1, -1) == Box(9, 16, 13, 22)
    assert box.scaled(2, 0.5) == Box(16, 8.5, 24, 11.5)


@pytest.mark.parametrize(
    ("other", "overlap", "iou"),
    [
        (Box(0, 0, 10, 10), 100, 1),
        (Box(5, 0, 15, 10), 50, 1 / 3),
        (Box(10, 0, 20, 10), 0, 0),
        (Box(20, 20, 30, 30), 0, 0),
        (Box(4, 4, 4, 4), 0, 0),
    ],
)
def test_overlap_and_union(other: Box, overlap: float, iou: float) -> None:
    box = Box(0, 0, 10, 10)
    assert box.overlap(other) == other.overlap(box) == overlap
    assert box.iou(other) == pytest.approx(iou)


def test_boxes_without_area_share_nothing() -> None:
    assert Box(1, 1, 1, 1).iou(Box(1, 1, 1, 1)) == 0


@pytest.mark.parametrize(
    ("box", "touches"),
    [
        (Box(-5, -5, 1, 1), True),
        (Box(19, 9, 30, 30), True),
        (Box(-5, 0, 0, 5), False),
        (Box(20, 0, 25, 5), False),
        (Box(0, 10, 5, 15), False),
    ],
)
def test_touching_a_picture(box: Box, touches: bool) -> None:
    assert box.touches(Size(20, 10)) == touches


@settings(deadline=None)
@given(st.lists(boxes(), min_size=1, max_size=5))
def test_a_hull_holds_every_box(found: list[Box]) -> None:
    assert all(hull_of(found).contains(box) for box in found)


@settings(deadline=None)
@given(boxes(), boxes(), st.floats(0, 1))
def test_between_two_boxes_lies_inside_their_hull(one: Box, other: Box, share: float) -> None:
    assert one.hull(other).extended(1e-6, 1e-6).contains(one.towards(other, share))


@settings(deadline=None)
@given(boxes(), boxes())
def test_the_way_between_two_boxes_has_both_ends(one: Box, other: Box) -> None:
    assert one.towards(other, 0) == one
    assert one.towards(other, 1) == other


def test_a_turn_is_a_quarter() -> None:
    with pytest.raises(ValueError, match="quarter"):
        Turn(4)


@settings(deadline=None)
@given(st.sampled_from(TURNS), sizes, boxes(whole))
def test_stored_and_upright_boxes_are_inverse(turn: Turn, size: Size, box: Box) -> None:
    assert turn.upright_box(turn.stored_box(box, size), size) == box
    assert turn.stored_box(turn.upright_box(box, size), size) == box


@settings(deadline=None)
@given(st.sampled_from(TURNS), sizes, st.data())
def test_boxes_turn_as_the_samples_do(turn: Turn, size: Size, data: st.DataObject) -> None:
    box = data.draw(inner_boxes(size))
    samples = np.zeros((size.height, size.width), np.uint8)
    samples[int(box.top) : int(box.bottom), int(box.left) : int(box.right)] = 1
    shown = media.upright(samples, turn)
    assert shown.shape[::-1] == (turn.upright_size(size).width, turn.upright_size(size).height)
    assert bounds(shown) == turn.upright_box(box, size)


@settings(deadline=None)
@given(st.sampled_from(TURNS), sizes, st.sampled_from([(), (3,)]))
def test_stored_and_upright_samples_are_inverse(
    turn: Turn, size: Size, channels: tuple[int, ...]
) -> None:
    shape = (size.height, size.width, *channels)
    samples = np.arange(math.prod(shape)).reshape(shape)
    shown = media.upright(samples, turn)
    assert np.array_equal(media.stored(shown, turn), samples)
    assert np.shares_memory(shown, samples)


def test_the_eight_turns_differ() -> None:
    samples = np.arange(6).reshape(2, 3)
    assert (
        len({(u := media.upright(samples, turn)).shape + tuple(u.ravel()) for turn in TURNS}) == 8
    )


@settings(max_examples=200, deadline=None)
@given(boxes(), st.floats(0, 3))
def test_a_region_holds_its_box(box: Box, pad: float) -> None:
    assume(box.width > 1e-3 and box.height > 1e-3)
    region = Region.holding(box, pad)
    assert region.box.contains(box)
    assert 0 <= region.roundness <= 1
    corners = [(x, y) for x in (box.left, box.right) for y in (box.top, box.bottom)]
    assert all(holds(region, x, y) for x, y in corners)


@settings(deadline=None)
@given(st.floats(0.01, 0.19))
def test_a_region_is_as_round_as_its_box_allows(pad: float) -> None:
    box = Box(0, 0, 30, 40)
    region = Region.holding(box, pad)
    rounder = Region(region.box, region.roundness * 1.02)
    assert not holds(rounder, box.left, box.top)


def test_without_padding_a_region_is_a_box() -> None:
    assert Region.holding(Box(0, 0, 3, 4), 0) == Region(Box(0, 0, 3, 4), 0)


@given(boxes(st.floats(0, 200)), boxes(st.floats(0, 200)), st.floats(0, 1))
def test_what_a_region_surely_holds_it_holds(outer: Box, inner: Box, roundness: float) -> None:
    region = Region(outer, roundness)
    if region.surely_holds(inner):
        corners = ((x, y) for x in (inner.left, inner.right) for y in (inner.top, inner.bottom))
        assert all(holds(region, x, y) for x, y in corners)


def test_a_region_that_is_round_does_not_hold_its_corners() -> None:
    box = Box(0, 0, 100, 60)
    assert Region(box).surely_holds(box)
    assert not Region(box, 0.1).surely_holds(box)
    assert not Region(box, 1.0).surely_holds(Box(10, 10, 20, 20))
    assert Region(box, 1.0).surely_holds(Box(40, 20, 60, 40))
    assert Region(box, 1.0).surely_holds(Box(0, 30, 100, 30))
    assert not Region(box, corners=((0, 0), (1, 0), (1, 1))).surely_holds(Box(40, 20, 41, 21))


@pytest.mark.parametrize(
    ("other", "held"),
    [
        (Box(0, 0, 60, 60), True),  # larger, and its middle inside
        (Box(40, 10, 60, 30), True),  # on the border
        (Box(41, 10, 61, 30), False),
        (Box(20, 41, 30, 61), False),
        (Box(-21, 10, -1, 30), False),
    ],
)
def test_a_box_holds_the_middle_of_another(other: Box, held: bool) -> None:
    assert Box(0, 0, 50, 50).holds_middle(other) is held
