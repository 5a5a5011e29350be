"""Number plates, found by the project's own network (its card: `redact/weights/plates.md`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from redact.detectors.boxes import batched, detections
from redact.detectors.session import Session, Tensor, batch_of
from redact.findings import Detection, Kind
from redact.media import Rgb

_OVERLAP = 0.5
_RED_FIRST = slice(None)

_STEEPNESS = 12.0
_MIDDLE = 0.40
"""The network's scores stay between 0.2 and 0.7; this curve spreads them over 0 to 1, so that one
bar of the tracker fits plates and faces."""
_SLOPE = 0.15
_KNEE = 0.005
"""Finds above this share of the picture must score higher, by `_SLOPE` for each factor of ten:
large plates are easy, and a large false alarm hides much."""


class Plates:
    """Finds number plates of about 8 to 300 pixels' width, in pictures of any size."""

    def __init__(self) -> None:
        self._session = Session("plates.onnx", ("boxes", "scores"))

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        """Plates per picture, in its own pixels, each with at least that score."""
        return batched(pictures, lambda group: self._look(group, threshold))

    def _look(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        boxes, scores = self._session.run(batch_of(pictures, _RED_FIRST))
        area = pictures[0].shape[0] * pictures[0].shape[1]
        return [_plates(*found, area, threshold) for found in zip(boxes, scores, strict=True)]


def _plates(sides: Tensor, raw: Tensor, area: int, threshold: float) -> list[Detection]:
    scores = weighed(raw, sides, area)
    kept = scores >= threshold
    return detections(sides[kept], scores[kept], Kind.PLATE, _OVERLAP)


def weighed(raw: Tensor, sides: Tensor, area: int) -> Tensor:
    """Each find's score from 0 to 1, weighed with what it would hide.

    Args:
        raw: (n,), the network's scores.
        sides: (n, 4), left, top, right, bottom in pixels.
        area: Pixels of the picture.
    """
    share = (sides[:, 2] - sides[:, 0]) * (sides[:, 3] - sides[:, 1]) / area
    larger = np.log10(np.maximum(share / _KNEE, 1))
    distance = _STEEPNESS * (raw - _MIDDLE - _SLOPE * larger)
    return (1 / (1 + np.exp(-distance))).astype(np.float32)
