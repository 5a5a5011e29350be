"""From rows of sides and scores to detections, the best of each heap kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from redact.core.findings import Detection, Kind
from redact.core.frames import Rgb
from redact.core.geometry import Box

LARGEST_BATCH = 8
"""Pictures given to a network at once: more costs memory and gains nothing on a CPU."""


def detections(
    sides: NDArray[np.float32], scores: NDArray[np.float32], kind: Kind, overlap: float
) -> list[Detection]:
    """Non-maximum suppression.

    Args:
        sides: (n, 4): left, top, right, bottom in pixels.
        scores: (n,), 0 to 1.
        kind: What the network finds.
        overlap: Of two boxes with a larger intersection over union, the weaker goes.
    """
    if not len(scores):
        return []
    corners = np.concatenate([sides[:, :2], sides[:, 2:] - sides[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxes(corners.tolist(), scores.tolist(), 0.0, overlap)
    return [Detection(kind, Box(*map(float, sides[i])), float(scores[i])) for i in kept]


def batched(
    pictures: Sequence[Rgb], look: Callable[[Sequence[Rgb]], list[list[Detection]]]
) -> list[list[Detection]]:
    """Detections per picture; neighbours of one size go to `look` together."""
    found: list[list[Detection]] = []
    start = 0
    while start < len(pictures):
        end = start + 1
        while (
            end < len(pictures)
            and end - start < LARGEST_BATCH
            and pictures[end].shape == pictures[start].shape
        ):
            end += 1
        found += look(pictures[start:end])
        start = end
    return found
