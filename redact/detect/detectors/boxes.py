"""What detectors share: suppression of non-maxima, batches of pictures, and squares cut of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from redact.core.findings import Detection, Kind
from redact.core.frames import Rgb
from redact.core.geometry import Box

Found = TypeVar("Found")

LARGEST_BATCH = 8
"""Pictures given to a network at once: more costs memory and gains nothing on a CPU."""


def suppress_non_maxima(
    sides: NDArray[np.float32], scores: NDArray[np.float32], kind: Kind, max_iou: float
) -> list[Detection]:
    """Non-maximum suppression: of boxes that overlap, only the one with the best score is kept.

    Args:
        sides: (n, 4): left, top, right, bottom in pixels.
        scores: (n,), 0 to 1.
        kind: What the network finds.
        max_iou: Of two boxes with a larger intersection over union, the weaker is dropped.
    """
    kept = places_kept(sides, scores, max_iou)
    return [Detection(kind, Box(*map(float, sides[i])), float(scores[i])) for i in kept]


def places_kept(
    sides: NDArray[np.float32], scores: NDArray[np.float32], max_iou: float
) -> Sequence[int]:
    """Which rows non-maximum suppression keeps, the best first; see `suppress_non_maxima`."""
    if not len(scores):
        return []
    corners = np.concatenate([sides[:, :2], sides[:, 2:] - sides[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxes(corners.tolist(), scores.tolist(), 0.0, max_iou)
    return [int(place) for place in kept]


def detect_in_batches(
    pictures: Sequence[Rgb], detect: Callable[[Sequence[Rgb]], list[list[Found]]]
) -> list[list[Found]]:
    """Detections per picture; neighbours of one size go to `detect` together."""
    found: list[list[Found]] = []
    start = 0
    while start < len(pictures):
        end = start + 1
        while (
            end < len(pictures)
            and end - start < LARGEST_BATCH
            and pictures[end].shape == pictures[start].shape
        ):
            end += 1
        found += detect(pictures[start:end])
        start = end
    return found


def cut_square(picture: Rgb, centre: tuple[float, float], scale: float, side: int) -> Rgb:
    """(side, side, 3): a scaled picture around a point, black where nothing is.

    Args:
        picture: (height, width, 3), 8 bit.
        centre: Across and down, in the picture's pixels; it lies in the picture.
        scale: Pixels of the square for each of the picture.
        side: Of the square, in pixels.
    """
    (x, y), reach = centre, side / 2 / scale
    spans = [
        (max(0, int(middle - reach)), min(length, int(np.ceil(middle + reach))))
        for middle, length in ((x, picture.shape[1]), (y, picture.shape[0]))
    ]
    (left, right), (top, bottom) = spans
    size = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    part = cv2.resize(picture[top:bottom, left:right], size, interpolation=how)
    across, down = round((left - x) * scale + side / 2), round((top - y) * scale + side / 2)
    canvas = np.zeros((side, side, 3), np.uint8)
    part = part[max(0, -down) : side - down, max(0, -across) : side - across]
    down, across = max(0, down), max(0, across)
    canvas[down : down + part.shape[0], across : across + part.shape[1]] = part
    return canvas
