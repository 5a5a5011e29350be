"""Polygons: every pixel of one is hidden, whatever its turn, and none of it is forgotten."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redact.core.geometry import Box, Region, Size
from redact.hide.masks import Grid, size_mask, upright_mask
from redact.hide.polygons import winding
from redact.verify.hidden import hidden_by_regions
from tests.painted import LAYOUTS, TURNS, painted
from tests.scripted import holds

shares = st.integers(0, 32).map(lambda n: n / 32)
corners = st.lists(st.tuples(shares, shares), min_size=3, max_size=7).map(tuple)
places = st.integers(-160, 480).map(lambda n: n / 16)
sides = st.integers(1, 480).map(lambda n: n / 16)
boxes = st.builds(lambda x, y, w, h: Box(x, y, x + w, y + h), places, places, sides, sides)
TRIANGLE = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))
STAR = ((0.5, 0.0), (0.8, 1.0), (0.0, 0.4), (1.0, 0.4), (0.2, 1.0))
"""Its middle is wound around twice."""


@settings(max_examples=80, deadline=None)
@given(boxes, corners, st.builds(Size, st.integers(1, 33), st.integers(1, 33)),
       st.sampled_from(TURNS), st.sampled_from(sorted(LAYOUTS)))  # fmt: skip
def test_every_pixel_with_a_point_of_a_polygon_is_hidden(box, corners, size, turn, layout):
    region = Region(box, corners=corners)
    picture = painted(size, layout, turn=turn)
    shown = turn.upright_size(size)
    mask = upright_mask(picture, [region])
    for column in range(shown.width):
        for row in range(shown.height):
            inside = any(
                holds(region, column + x, row + y) for x in (0.03, 0.5, 0.97) for y in (0.1, 0.6)
            )
            assert mask[row, column] or not inside, (row, column)


@settings(max_examples=60, deadline=None)
@given(boxes, corners)
def test_what_a_polygon_does_not_touch_stays_visible(box, corners):
    size = Size(33, 29)
    mask = size_mask([Region(box, corners=corners)], size)
    grid = Grid(size)
    (shape, *_) = grid.shapes([Region(box, corners=corners)]) or [None]
    if shape is None:
        assert not mask.any()
        return
    away = grid.distance(shape, grid.whole)
    assert not mask[away > 0.75].any()  # a pixel's corner is less than that from its middle
    assert mask[away < 0.25].all()


@pytest.mark.parametrize("turn", TURNS)
def test_a_polygon_turns_with_its_picture(turn):
    size = turn.upright_size(Size(40, 30))
    region = Region(Box(0, 0, 30, 20), corners=TRIANGLE)
    mask = upright_mask(painted(size, "gray", turn=turn), [region])
    shown = turn.upright_size(size)
    assert mask.shape == (shown.height, shown.width) == (30, 40)
    assert [bool(mask[place]) for place in ((1, 1), (1, 25), (17, 1))] == [True] * 3
    assert [bool(mask[place]) for place in ((18, 28), (12, 15))] == [False] * 2


def test_a_polygon_that_crosses_itself_holds_its_middle():
    mask = size_mask([Region(Box(0, 0, 100, 100), corners=STAR)], Size(100, 100))
    assert [bool(mask[place]) for place in ((50, 50), (10, 50), (42, 5))] == [True] * 3
    assert [bool(mask[place]) for place in ((5, 5), (95, 50))] == [False] * 2


def test_winding_counts_both_ways():
    square = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    x, y = np.array([0.5, 2.0]), np.array([0.5, 0.5])
    assert winding(square, x, y).tolist() == [1, 0]
    assert winding(square[::-1], x, y).tolist() == [-1, 0]


def test_a_face_beside_a_polygon_is_not_taken_for_hidden_since_its_bounds_hold_it():
    hidden = hidden_by_regions([Region(Box(0, 0, 100, 100), corners=TRIANGLE)])
    assert hidden(Box(5, 5, 30, 30))
    assert not hidden(Box(65, 65, 95, 95))
    assert not hidden(Box(200, 200, 220, 220))
