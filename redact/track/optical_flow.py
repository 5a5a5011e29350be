"""MedianFlow: moves boxes from one picture to the next, by the pictures alone.

A grid of points in each box is tracked with the pyramidal Lucas-Kanade method (Lucas and Kanade,
IJCAI 1981; Bouguet, Intel 2000). Points that do not come back when they are tracked backwards are
dropped. The box moves by the median of the others and scales by the median change of their
distances (Kalal, Mikolajczyk and Matas, "Forward-backward error", ICPR 2010). A box without enough
such points moves with the whole picture, whose shift comes from phase correlation (Kuglin and
Hines, ICCS 1975).
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
"""Pixels across and down the window of a point."""
_LEVELS = 4
"""Of the image pyramid, without the picture itself."""
_MAX_ROUND_TRIP_ERROR = 1.0
"""Pixels that a point may be off after it was tracked there and back."""
_MAX_SCALE_STEP = 1.15
"""A box changes its size by no more than this factor from one frame to the next."""
_MIN_VALID_SHARE = 0.35
"""Share of a box's points that must come back for its movement to be reliable."""
_MIN_RESPONSE = 0.05
"""Peak of the phase correlation below which the whole picture has no shift."""


class LucasKanadeFlow:
    """Moves boxes from one small grey picture to the next; keeps no memory."""

    def move_boxes(self, before: Grey, after: Grey, boxes: Sequence[Box]) -> list[MovedBox]:
        """Where each box went.

        Args:
            before: (height, width), 8 bit.
            after: The same size.
            boxes: In pixels of these two pictures.
        """
        if not boxes:
            return []
        shift = _camera_shift(before, after)
        points = _grid_points(boxes)
        moved, valid = _track_points(before, after, points, shift)
        motions = _box_motions(points, moved, valid)
        return [_move_box(box, motion, shift) for box, motion in zip(boxes, motions, strict=True)]


def _grid_points(boxes: Sequence[Box]) -> NDArray[np.float32]:
    """(boxes * _GRID * _GRID, 2), x and y: a grid in each box."""
    inner = (np.arange(_GRID, dtype=np.float32) + 0.5) / _GRID
    corners = [(b.left, b.top, b.width, b.height) for b in boxes]
    left, top, width, height = np.array(corners, np.float32).T[:, :, None]
    shape = len(boxes), _GRID, _GRID
    xs = np.broadcast_to((left + inner * width)[:, None, :], shape)
    ys = np.broadcast_to((top + inner * height)[:, :, None], shape)
    return np.stack([xs, ys], axis=3).reshape(-1, 2)


def _camera_shift(before: Grey, after: Grey) -> NDArray[np.float32]:
    """The whole picture's shift in pixels, (x, y), by phase correlation; 0 where it tells none."""
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
    found = response > _MIN_RESPONSE and np.isfinite(moved).all()
    return moved if found else np.zeros(2, np.float32)


def _track_points(
    before: Grey, after: Grey, points: NDArray[np.float32], shift: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Where the points went, (n, 2), and which came back when tracked backwards, (n,)."""
    options: dict[str, Any] = {
        "winSize": _WINDOW,
        "maxLevel": _LEVELS,
        "flags": cv2.OPTFLOW_USE_INITIAL_FLOW,
        "criteria": (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 0.03),
    }
    there, found, _ = cv2.calcOpticalFlowPyrLK(before, after, points, points + shift, **options)
    back, returned, _ = cv2.calcOpticalFlowPyrLK(after, before, there, there - shift, **options)
    error = np.linalg.norm(back - points, axis=1)
    valid = (found.ravel() == 1) & (returned.ravel() == 1) & (error <= _MAX_ROUND_TRIP_ERROR)
    return there, valid


@dataclass(frozen=True, slots=True)
class _Motion:
    """How one box moves: by so many pixels, and then by a factor around its centre."""

    across: float
    down: float
    scale: float


def _move_box(box: Box, motion: _Motion | None, shift: NDArray[np.float32]) -> MovedBox:
    if motion is None:
        return MovedBox(box.shifted(*map(float, shift)), reliable=False)
    x, y = box.centre
    centre = x + motion.across, y + motion.down
    sides = box.width * motion.scale, box.height * motion.scale
    return MovedBox(Box.around(*centre, *sides), reliable=True)


def _box_motions(
    points: NDArray[np.float32], moved: NDArray[np.float32], valid: NDArray[np.bool_]
) -> list[_Motion | None]:
    """Each box's motion, None where too few of its points are valid.

    All boxes at once, since there are many.
    """
    count = _GRID * _GRID
    first, second = points.reshape(-1, count, 2), moved.reshape(-1, count, 2)
    good = valid.reshape(-1, count)
    across, down = (_medians((second - first)[..., axis], good) for axis in (0, 1))
    scales = _scales(first, second, good)
    enough = good.mean(axis=1) >= _MIN_VALID_SHARE
    return [
        _Motion(float(x), float(y), float(scale)) if reliable else None
        for x, y, scale, reliable in zip(across, down, scales, enough, strict=True)
    ]


def _scales(
    points: NDArray[np.float32], moved: NDArray[np.float32], valid: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """(boxes,): the median change of the distances between each box's valid points, in bounds."""
    first, second = _PAIRS
    before = np.linalg.norm(points[:, first] - points[:, second], axis=2)
    after = np.linalg.norm(moved[:, first] - moved[:, second], axis=2)
    usable = valid[:, first] & valid[:, second] & (before > 0.5)
    changes = _medians(after / np.where(usable, before, 1), usable)
    bounded = np.clip(changes, 1 / _MAX_SCALE_STEP, _MAX_SCALE_STEP)
    return np.asarray(np.where(usable.any(axis=1), bounded, 1), np.float32)


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
