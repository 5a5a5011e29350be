"""Number plates, found by the project's own network (card: `redact/detect/weights/plates.md`)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from redact.core.findings import Detection, Kind
from redact.core.frames import Rgb
from redact.detect.detectors.boxes import batched, detections
from redact.detect.detectors.session import Session, Tensor, batch_of

_OVERLAP = 0.5
_RED_FIRST = slice(None)

_REDUCED = 0.35
"""Scale of a second look at each picture, which costs an eighth of the first."""
_LARGE = 0.02
"""Share of the picture above which a find counts by the mean of both looks."""
_SAME = 0.35
"""Intersection over union from which both looks saw one thing."""
_LARGEST = 0.5
"""What takes more of the picture is a picture of something else."""
_FLOOR = 0.12
"""Below this score a find is nothing, in either look."""

_STEEPNESS = 12.0
_MIDDLE = 0.40
"""The network's scores stay between 0.2 and 0.7; this curve spreads them over 0 to 1, so that one
bar of the tracker fits plates and faces."""
_KNEE = 0.005
_SLOPE = 0.10
_RELIEF = 0.15
"""Finds above the share `_KNEE` of the picture must score higher, by `_SLOPE` for each factor of
ten: large plates are easy, and a large false alarm hides much. Below it they may score lower, by
`_RELIEF` for each: plates of a few pixels are hard, and a small false alarm hides little."""
_SPECK = 1e-5
"""A share below which nothing gets easier."""


class Plates:
    """Finds number plates of about 8 to 300 pixels' width, in pictures of any size."""

    def __init__(self) -> None:
        self._session = Session("plates.onnx", ("boxes", "scores"))

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        """Plates per picture, in its own pixels, each with at least that score."""
        return batched(pictures, lambda group: self._look(group, threshold))

    def _look(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        height, width = pictures[0].shape[:2]
        small = [_reduced(picture) for picture in pictures]
        rows, columns = small[0].shape[:2]
        scale = np.array([width / columns, height / rows] * 2, np.float32)
        near = self._finds(pictures, np.ones(4, np.float32))
        far = self._finds(small, scale)
        return [_plates(*both, width * height, threshold) for both in zip(near, far, strict=True)]

    def _finds(self, pictures: Sequence[Rgb], scale: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Per picture: sides (n, 4) times the scale, and the network's scores (n,)."""
        boxes, scores = self._session.run(batch_of(pictures, _RED_FIRST))
        return [
            (sides[raw >= _FLOOR] * scale, raw[raw >= _FLOOR])
            for sides, raw in zip(boxes, scores, strict=True)
        ]


def _reduced(picture: Rgb) -> Rgb:
    """The copy for the second look; halved on the way, for halving is cheap."""
    height, width = picture.shape[:2]
    size = max(1, round(width * _REDUCED)), max(1, round(height * _REDUCED))
    half = picture
    if min(height, width) > 1:
        even = picture[: height // 2 * 2, : width // 2 * 2]
        half = cv2.resize(even, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(half, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _plates(
    near: tuple[Tensor, Tensor], far: tuple[Tensor, Tensor], area: int, threshold: float
) -> list[Detection]:
    sides = np.concatenate([near[0], far[0]])
    large = share_of(sides, area) >= _LARGE
    alone = np.concatenate([near[1], np.zeros_like(far[1])])
    mean = np.concatenate([near[1] + seconded(near[0], far), far[1] + seconded(far[0], near)]) / 2
    scores = weighed(np.where(large, mean, alone), sides, area)
    kept = scores >= threshold
    return detections(sides[kept], scores[kept], Kind.PLATE, _OVERLAP)


def seconded(sides: Tensor, other: tuple[Tensor, Tensor]) -> Tensor:
    """For each find the best score that the other look gave the same thing, 0 if none."""
    boxes, raw = other
    if not len(boxes):
        return np.zeros(len(sides), np.float32)
    low = np.maximum(sides[:, None, :2], boxes[None, :, :2])
    high = np.minimum(sides[:, None, 2:], boxes[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    areas = [np.prod(one[:, 2:] - one[:, :2], axis=1) for one in (sides, boxes)]
    same = shared >= _SAME * (areas[0][:, None] + areas[1][None] - shared)
    best: Tensor = np.where(same, raw, np.float32(0)).max(axis=1)
    return best


def share_of(sides: Tensor, area: int) -> Tensor:
    """How much of the picture each find takes."""
    inner = (sides[:, 2] - sides[:, 0]) * (sides[:, 3] - sides[:, 1])
    return np.asarray(inner / area, np.float32)


def weighed(raw: Tensor, sides: Tensor, area: int) -> Tensor:
    """Each find's score from 0 to 1, weighed with what it would hide.

    Args:
        raw: (n,), the network's scores.
        sides: (n, 4), left, top, right, bottom in pixels.
        area: Pixels of the picture.
    """
    share = share_of(sides, area)
    larger = np.log10(np.maximum(share, _SPECK) / _KNEE)
    raised = np.where(larger > 0, _SLOPE, _RELIEF) * larger
    distance = _STEEPNESS * (raw - _MIDDLE - raised)
    return np.where(share <= _LARGEST, 1 / (1 + np.exp(-distance)), 0).astype(np.float32)
