"""Where things of one picture went in the next, judged by the picture alone.

Points inside a box are followed with pyramidal Lucas-Kanade flow, checked by following them back;
the box moves by their median and scales by the median change of their distances (MedianFlow:
Kalal, Mikolajczyk and Matas, "Forward-backward error", ICPR 2010). Where a box has no points that
hold, it moves with the picture as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redact.core.frames import Grey
from redact.core.geometry import Box
from redact.core.interfaces import MovedBox

_GRID = 4
"""Points across and down each box."""
_WINDOW = (13, 13)
_LEVELS = 4
_ROUND_TRIP = 1.0
"""Pixels that a point may be off after it was followed there and back."""
_SCALE_STEP = 1.15
"""A box changes its size by no more than this factor from one frame to the next."""
_SURVIVORS = 0.35
"""Share of a box's points that must hold."""


class LucasKanadeFlow:
    """Follows boxes from one small grey picture to the next."""

    def follow(self, before: Grey, after: Grey, boxes: Sequence[Box]) -> list[MovedBox]:
        """Where each box went; boxes and pictures share one scale.

        Args:
            before: (height, width), 8 bit.
            after: The same size.
            boxes: In pixels of those pictures.
        """
        if not boxes:
            return []
        shift = _camera_shift(before, after)
        points = _points(boxes)
        moved, held = _flow(before, after, points, shift)
        steps = _steps(points, moved, held)
        return [_followed(box, step, shift) for box, step in zip(boxes, steps, strict=True)]


def _points(boxes: Sequence[Box]) -> NDArray[np.float32]:
    """(n, 2): a grid in each box."""
    inner = (np.arange(_GRID, dtype=np.float32) + 0.5) / _GRID
    corners = [(b.left, b.top, b.width, b.height) for b in boxes]
    left, top, width, height = np.array(corners, np.float32).T[:, :, None]
    shape = len(boxes), _GRID, _GRID
    xs = np.broadcast_to((left + inner * width)[:, None, :], shape)
    ys = np.broadcast_to((top + inner * height)[:, :, None], shape)
    return np.stack([xs, ys], axis=3).reshape(-1, 2)


def _camera_shift(before: Grey, after: Grey) -> NDArray[np.float32]:
    """The whole picture's movement in pixels, (x, y)."""
    scale = 4
    size = max(16, before.shape[1] // scale), max(16, before.shape[0] // scale)
    small = [
        cv2.resize(g, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        for g in (before, after)
    ]
    window = cv2.createHanningWindow(size, cv2.CV_32F)
    (x, y), response = cv2.phaseCorrelate(small[0], small[1], window)
    factor = before.shape[1] / size[0], before.shape[0] / size[1]
    moved = np.array([x * factor[0], y * factor[1]], np.float32)
    return moved if response > 0.05 and np.isfinite(moved).all() else np.zeros(2, np.float32)


def _flow(
    before: Grey, after: Grey, points: NDArray[np.float32], shift: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    options: dict[str, Any] = {
        "winSize": _WINDOW,
        "maxLevel": _LEVELS,
        "flags": cv2.OPTFLOW_USE_INITIAL_FLOW,
        "criteria": (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 0.03),
    }
    there, found, _ = cv2.calcOpticalFlowPyrLK(before, after, points, points + shift, **options)
    back, returned, _ = cv2.calcOpticalFlowPyrLK(after, before, there, there - shift, **options)
    off = np.linalg.norm(back - points, axis=1)
    held = (found.ravel() == 1) & (returned.ravel() == 1) & (off <= _ROUND_TRIP)
    return there, held


@dataclass(frozen=True, slots=True)
class _Step:
    """How one box's points moved; None where too few of them held."""

    across: float
    down: float
    scale: float


def _followed(box: Box, step: _Step | None, shift: NDArray[np.float32]) -> MovedBox:
    if step is None:
        return MovedBox(box.shifted(*map(float, shift)), trusted=False)
    x, y = box.centre
    centre = x + step.across, y + step.down
    sides = box.width * step.scale, box.height * step.scale
    return MovedBox(Box.around(*centre, *sides), trusted=True)


def _steps(
    points: NDArray[np.float32], moved: NDArray[np.float32], held: NDArray[np.bool_]
) -> list[_Step | None]:
    """For each box, from its `_GRID` squared points; all boxes at once, since there are many."""
    count = _GRID * _GRID
    first, second = points.reshape(-1, count, 2), moved.reshape(-1, count, 2)
    good = held.reshape(-1, count)
    across, down = (_medians((second - first)[..., axis], good) for axis in (0, 1))
    scales = _scales(first, second, good)
    return [
        _Step(float(x), float(y), float(scale)) if enough else None
        for x, y, scale, enough in zip(
            across, down, scales, good.mean(axis=1) >= _SURVIVORS, strict=True
        )
    ]


def _scales(
    points: NDArray[np.float32], moved: NDArray[np.float32], held: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """The median change of the distances between each box's points that held, within bounds."""
    first, second = _PAIRS
    before = np.linalg.norm(points[:, first] - points[:, second], axis=2)
    after = np.linalg.norm(moved[:, first] - moved[:, second], axis=2)
    apart = held[:, first] & held[:, second] & (before > 0.5)
    changes = _medians(after / np.where(apart, before, 1), apart)
    bounded = np.clip(changes, 1 / _SCALE_STEP, _SCALE_STEP)
    return np.asarray(np.where(apart.any(axis=1), bounded, 1), np.float32)


_PAIRS = np.triu_indices(_GRID * _GRID, 1)


def _medians(values: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The median of each row's valid values; without meaning where there are none.

    Args:
        values: (rows, n).
        valid: The same shape.
    """
    ordered = np.sort(np.where(valid, values, np.float32(np.inf)), axis=1)
    counts = np.maximum(valid.sum(axis=1), 1)
    rows = np.arange(len(values))
    low, high = ordered[rows, (counts - 1) // 2], ordered[rows, counts // 2]
    return np.asarray((low + high) / 2, np.float32)
