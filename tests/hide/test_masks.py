"""Masks: everything that must be hidden is inside, rounded outwards and clipped."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redact.core.frames import upright
from redact.core.geometry import Box, Region, Size, Turn
from redact.hide.masks import (
    Cluster,
    Grid,
    Shape,
    Window,
    cluster_shapes,
    plane_masks,
    size_mask,
    upright_mask,
)
from tests.painted import LAYOUTS, TURNS, painted

sixteenths = st.integers(-160, 640).map(lambda n: n / 16)  # exact under every turn
sides = st.integers(0, 480).map(lambda n: n / 16)
sizes = st.builds(Size, st.integers(1, 33), st.integers(1, 33))
boxes = st.builds(lambda x, y, w, h: Box(x, y, x + w, y + h), sixteenths, sixteenths, sides, sides)
turns = st.sampled_from(TURNS)
layouts = st.sampled_from(sorted(LAYOUTS))


def touched(box: Box, size: Size) -> np.ndarray:
    """Pixels of which the box covers any part, pixel by pixel."""
    columns, rows = np.arange(size.width), np.arange(size.height)
    across = (columns < box.right) & (columns + 1 > box.left)
    down = (rows < box.bottom) & (rows + 1 > box.top)
    return down[:, None] & across


@given(boxes, st.floats(0, 2), sizes, turns, layouts)
def test_every_pixel_that_the_held_box_touches_is_hidden(box, pad, size, turn, layout):
    picture = painted(size, layout, turn=turn)
    mask = upright_mask(picture, [Region.holding(box, pad)])
    shown = turn.upright_size(size)
    assert mask.shape == (shown.height, shown.width)
    assert mask[touched(box, shown)].all()


@given(boxes, st.floats(0, 1), sizes)
def test_a_mask_agrees_with_points_of_the_shape(box, roundness, size):
    mask = size_mask([Region(box, roundness)], size)
    radii = max(box.width, 1e-9) / 2 * roundness, max(box.height, 1e-9) / 2 * roundness
    for x in np.linspace(box.left, box.right, 7)[1:-1]:
        for y in np.linspace(box.top, box.bottom, 7)[1:-1]:
            dx = max(0, box.left + radii[0] - x, x - box.right + radii[0]) / (radii[0] or 1)
            dy = max(0, box.top + radii[1] - y, y - box.bottom + radii[1]) / (radii[1] or 1)
            inside = 0 <= x < size.width and 0 <= y < size.height and box.area > 0
            if inside and dx * dx + dy * dy < 1 - 1e-6:
                assert mask[int(y), int(x)]


@given(boxes, sizes, turns, layouts)
def test_no_plane_keeps_a_sample_that_mixes_hidden_and_visible(box, size, turn, layout):
    picture = painted(size, layout, turn=turn)
    region = Region.holding(box, 0.25)
    pixels = upright_mask(picture, [region])
    assert pixels[size_mask([region], turn.upright_size(size))].all()
    for plane, mask in zip(picture.planes(), plane_masks(picture, [region]), strict=True):
        assert mask.shape == plane.samples.shape[:2]
        wide = mask.repeat(plane.step[1], axis=0).repeat(plane.step[0], axis=1)
        assert np.array_equal(upright(wide[: size.height, : size.width], turn), pixels)


def test_whole_pixels_are_hidden_exactly():
    mask = size_mask([Region(Box(2, 1, 4, 3))], Size(6, 5))
    assert np.argwhere(mask).tolist() == [[1, 2], [1, 3], [2, 2], [2, 3]]


def test_chroma_rounds_outwards():
    picture = painted(Size(8, 8), "yuv420p")
    luma, chroma, _ = plane_masks(picture, [Region(Box(3, 3, 5, 4))])
    assert np.argwhere(chroma).tolist() == [[1, 1], [1, 2]]
    assert luma[2:4, 2:6].all()
    assert luma.sum() == 8


def test_corners_are_cut():
    mask = size_mask([Region(Box(0, 0, 40, 20), 1.0)], Size(40, 20))
    assert not mask[0, 0]
    assert not mask[-1, -1]
    assert mask[10, 0]
    assert mask[0, 20]
    assert mask.mean() == pytest.approx(np.pi / 4, abs=0.08)


@pytest.mark.parametrize(
    ("box", "count"),
    [
        (Box(-9, -9, -1, -1), 0),
        (Box(10, 0, 20, 8), 0),
        (Box(-5, -5, 1, 1), 1),
        (Box(-1e9, -1e9, 1e9, 1e9), 80),
        (Box(4.5, 4.5, 4.5, 4.5), 1),
        (Box(9.9, 7.9, 99, 99), 1),
    ],
)
def test_clips_to_the_picture(box: Box, count: int):
    assert size_mask([Region(box)], Size(10, 8)).sum() == count


def test_a_turned_region_lies_where_the_viewer_sees_it():
    picture = painted(Size(6, 4), "gray", turn=Turn(1))  # stored lying, seen standing
    (mask,) = plane_masks(picture, [Region(Box(0, 0, 1, 2))])
    assert np.argwhere(mask).tolist() == [[3, 0], [3, 1]]


@given(boxes, st.floats(0, 1), turns)
def test_distance_is_small_inside_and_grows_outside(box, roundness, turn):
    grid = Grid(Size(32, 24), turn)
    for shape in grid.shapes([Region(box, roundness)]):
        distance = grid.distance(shape, grid.whole)
        assert np.isfinite(distance).all()
        assert (distance[grid.mask([shape], grid.whole)] <= 2).all()
        assert not (distance[~grid.mask([shape], grid.grown(shape.window, 99))] < 0).any()


def test_distance_counts_pixels_across_a_straight_side():
    grid = Grid(Size(40, 20))
    (shape,) = grid.shapes([Region(Box(0, 0, 10, 20))])
    distance = grid.distance(shape, grid.whole)[10]
    assert distance[[5, 10, 19]] == pytest.approx([0, 0.5, 9.5], abs=0.01)


@given(st.lists(st.builds(Region, boxes, st.floats(0, 1)), max_size=8), st.floats(0, 1))
def test_clusters_keep_every_shape_and_never_touch(regions, reach):
    grid = Grid(Size(40, 30), step=(2, 2))
    shapes = grid.shapes(regions)
    found = cluster_shapes(grid, shapes, reach)
    assert sorted(map(repr, shapes)) == sorted(repr(s) for c in found for s in c.shapes)
    for index, cluster in enumerate(found):
        assert all(s.window.hull(cluster.window) == cluster.window for s in cluster.shapes)
        assert not any(cluster.window.touches(other.window) for other in found[:index])


def test_work_stays_local():
    grid = Grid(Size(4000, 2000), step=(2, 2))
    regions = [Region(Box.around(x, 1000, 100, 100), 1) for x in (500, 2000, 3500)]
    found = cluster_shapes(grid, grid.shapes(regions), 0.1)
    assert [c.window.shape for c in found] == [(60, 60)] * 3


def test_a_clusters_size_is_its_middle_shapes():
    shapes = tuple(
        Shape(Box(0, 0, side, side), (0, 0), Window(0, 0, 1, 1)) for side in (10, 90, 20)
    )
    assert Cluster(shapes, Window(0, 0, 1, 1)).size == 20
