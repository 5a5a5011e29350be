"""Polygons on a grid of blocks: which blocks one touches, and how far away the others are.

A polygon that crosses itself holds all that it winds around (the nonzero rule): rather more than
less.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Mask: TypeAlias = NDArray[np.bool_]
Field: TypeAlias = NDArray[np.float32]
Axis: TypeAlias = NDArray[np.floating[Any]]
Corner: TypeAlias = tuple[float, float]
"""A point in pixels, (x, y)."""

_TOLERANCE = 1e-9
"""Pixels by which a side may miss a block for a rounding error and still touch it."""


def touched_by_polygon(
    corners: Sequence[Corner], lows: Sequence[Axis], highs: Sequence[Axis]
) -> Mask:
    """Which blocks any part of a polygon lies in.

    Args:
        corners: In order, at least three.
        lows: Where the blocks begin, in pixels: those of the columns, and those of the rows.
        highs: Where they end.

    Returns:
        (rows, columns).
    """
    across, down = ((low + high) / 2 for low, high in zip(lows, highs, strict=True))
    touched: Mask = winding(corners, across[None, :], down[:, None]) != 0
    for one, other in _sides(corners):
        touched |= _touched_by_side(one, other, lows, highs)
    return touched


def distance_to_polygon(
    corners: Sequence[Corner], lows: Sequence[Axis], highs: Sequence[Axis]
) -> Field:
    """Distance from a polygon to the middle of each block, in pixels; 0 inside.

    Args and shape as of `touched_by_polygon`.
    """
    across, down = ((low + high) / 2 for low, high in zip(lows, highs, strict=True))
    x, y = across[None, :], down[:, None]
    nearest = np.full((len(down), len(across)), np.inf)
    for one, other in _sides(corners):
        np.minimum(nearest, _squared_distance(x, y, one, other), out=nearest)
    distance: Field = np.sqrt(nearest).astype(np.float32)
    distance[winding(corners, x, y) != 0] = 0
    return distance


def winding(corners: Sequence[Corner], x: Axis, y: Axis) -> NDArray[np.int64]:
    """How often a polygon winds around points; 0 outside.

    Args:
        corners: In order, at least three.
        x: Of the points; broadcast against `y`.
        y: Of the points.
    """
    turns = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.int64)
    for one, other in _sides(corners):
        side = (other[0] - one[0]) * (y - one[1]) - (x - one[0]) * (other[1] - one[1])
        turns += (one[1] <= y) & (y < other[1]) & (side > 0)
        turns -= (other[1] <= y) & (y < one[1]) & (side < 0)
    return turns


def _sides(corners: Sequence[Corner]) -> Iterator[tuple[Corner, Corner]]:
    return zip(corners, [*corners[1:], corners[0]], strict=True)


def _touched_by_side(
    one: Corner, other: Corner, lows: Sequence[Axis], highs: Sequence[Axis]
) -> Mask:
    """Which blocks a side of a polygon touches, by their separating axes."""
    (left, right), (top, bottom) = (sorted(pair) for pair in zip(one, other, strict=True))
    columns = (lows[0] <= right + _TOLERANCE) & (highs[0] >= left - _TOLERANCE)
    rows = (lows[1] <= bottom + _TOLERANCE) & (highs[1] >= top - _TOLERANCE)
    normal = other[1] - one[1], one[0] - other[0]  # of the line through the side
    middles = [(low + high) / 2 for low, high in zip(lows, highs, strict=True)]
    halves = [(high - low) / 2 for low, high in zip(lows, highs, strict=True)]
    away = (middles[0] - one[0])[None, :] * normal[0] + (middles[1] - one[1])[:, None] * normal[1]
    reach = halves[0][None, :] * abs(normal[0]) + halves[1][:, None] * abs(normal[1])
    slack = _TOLERANCE * (1 + abs(normal[0]) + abs(normal[1]))
    crossed: Mask = np.abs(away) <= reach + slack
    return crossed & columns[None, :] & rows[:, None]


def _squared_distance(x: Axis, y: Axis, one: Corner, other: Corner) -> Axis:
    """From points to a side of a polygon."""
    across, down = other[0] - one[0], other[1] - one[1]
    length = across * across + down * down
    along = ((x - one[0]) * across + (y - one[1]) * down) / length if length else np.float64(0)
    share = np.clip(along, 0, 1)
    squared: Axis = (x - one[0] - share * across) ** 2 + (y - one[1] - share * down) ** 2
    return squared
