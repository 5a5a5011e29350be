"""Where things of one picture went in the next, judged by the picture alone.

Points inside a box are followed with pyramidal Lucas-Kanade flow, checked by following them back;
the box moves by their median and scales by the median change of their distances (MedianFlow:
Kalal, Mikolajczyk and Matas, "Forward-backward error", ICPR 2010). Where a box has no points that
hold, it moves with the picture as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from redact.geometry import Box
from redact.interfaces import Followed
from redact.media import Grey

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


class Flow:
    """Follows boxes from one small grey picture to the next."""

    def follow(self, before: Grey, after: Grey, boxes: Sequence[Box]) -> list[Followed]:
        """Where each box went; boxes and pictures share one scale.

        Args:
            before: (height, width), 8 bit.
            after: The same size.
            boxes: In pixels of those pictures.
        """
        if not boxes:
            return []
        shift = _camera_shift(before, after)
        points = np.concatenate([_points(box) for box in boxes])
        moved, held = _flow(before, after, points, shift)
        return [
            _followed(box, points[part], moved[part], held[part], shift)
            for box, part in zip(boxes, _parts(len(boxes)), strict=True)
        ]


def _parts(count: int) -> list[slice]:
    size = _GRID * _GRID
    return [slice(i * size, (i + 1) * size) for i in range(count)]


def _points(box: Box) -> NDArray[np.float32]:
    inner = (np.arange(_GRID, dtype=np.float32) + 0.5) / _GRID
    xs, ys = np.meshgrid(box.left + inner * box.width, box.top + inner * box.height)
    return np.stack([xs.ravel(), ys.ravel()], axis=1).astype(np.float32)


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


def _followed(
    box: Box,
    points: NDArray[np.float32],
    moved: NDArray[np.float32],
    held: NDArray[np.bool_],
    shift: NDArray[np.float32],
) -> Followed:
    if held.mean() < _SURVIVORS:
        return Followed(box.shifted(*map(float, shift)), trusted=False)
    across, down = np.median(moved[held] - points[held], axis=0)
    scale = _scale(points[held], moved[held])
    x, y = box.centre
    centre = x + float(across), y + float(down)
    return Followed(Box.around(*centre, box.width * scale, box.height * scale), trusted=True)


def _scale(points: NDArray[np.float32], moved: NDArray[np.float32]) -> float:
    """The median change of the distances between points."""
    first, second = np.triu_indices(len(points), 1)
    before = np.linalg.norm(points[first] - points[second], axis=1)
    after = np.linalg.norm(moved[first] - moved[second], axis=1)
    apart = before > 0.5
    if not apart.any():
        return 1.0
    return float(np.clip(np.median(after[apart] / before[apart]), 1 / _SCALE_STEP, _SCALE_STEP))
