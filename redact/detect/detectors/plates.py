"""Number plates, found by the project's own network (card: `redact/detect/weights/plates.md`)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from redact.core.findings import Detection, Kind
from redact.core.frames import Rgb
from redact.core.geometry import Box
from redact.detect.detectors.boxes import cut_square, detect_in_batches, suppress_non_maxima
from redact.detect.detectors.session import Session, Tensor, make_batch

_MAX_IOU = 0.5
_RED_FIRST = slice(None)

_REDUCED_SCALE = 0.35
"""Scale of a second detection in each picture, which costs an eighth of the first."""
_LARGE_SHARE = 0.02
"""Share of the picture from which a detection's score is the mean at both scales."""
_MATCH_IOU = 0.35
"""Intersection over union from which detections at both scales are of one thing."""
_MAX_SHARE = 0.5
"""A larger share of the picture is no plate."""
_MIN_RAW_SCORE = 0.12
"""Detections below this score of the network are dropped, at either scale."""

_STEEPNESS = 12.0
_MIDDLE = 0.40
"""The network's scores stay between 0.2 and 0.7; this logistic curve spreads them over 0 to 1, so
that one threshold of the tracker fits plates and faces."""
_KNEE = 0.005
_SLOPE = 0.10
_RELIEF = 0.15
"""Detections above the share `_KNEE` of the picture must score higher, by `_SLOPE` for each factor
of ten: large plates are easy, and a large false positive hides much. Below it they may score lower,
by `_RELIEF` for each: plates of a few pixels are hard, and a small false positive hides little."""
_MIN_SHARE = 1e-5
"""Below this share scores may not be lower still."""


_WIDTHS = (40, 64, 100)
"""Pixels to which a plate is enlarged or reduced when it is scored again. The network finds a plate
at all of them, and most of what it takes for one at some."""
_CROP = 160
"""Pixels of the side of the square around it that the network then sees."""


class Plates:
    """Finds number plates of about 8 to 300 pixels' width, in pictures of any size."""

    def __init__(self) -> None:
        self._session = Session("plates.onnx", ("boxes", "scores"))

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        """Plates per picture, in its own pixels, each with at least that score."""
        return detect_in_batches(pictures, lambda batch: self._detect_batch(batch, threshold))

    def score_at_scales(self, picture: Rgb, box: Box) -> float:
        """The network's mean score of what a box holds, at several widths (multi-scale testing).

        Args:
            picture: (height, width, 3), 8 bit, red first.
            box: In its pixels, its middle inside.

        Returns:
            0 to 1; a plate scores about 0.4 to 0.85, most false positives less.
        """
        crops, boxes = zip(*(_crop_at_width(picture, box, w) for w in _WIDTHS), strict=True)
        found = self._run_network(crops, np.ones(4, np.float32))
        best = [matching_scores(b[None], here)[0] for b, here in zip(boxes, found, strict=True)]
        return float(np.mean(best))

    def _detect_batch(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        height, width = pictures[0].shape[:2]
        small = [_reduce(picture) for picture in pictures]
        rows, columns = small[0].shape[:2]
        scale = np.array([width / columns, height / rows] * 2, np.float32)
        full = self._run_network(pictures, np.ones(4, np.float32))
        reduced = self._run_network(small, scale)
        area = width * height
        return [_combine_scales(*both, area, threshold) for both in zip(full, reduced, strict=True)]

    def _run_network(self, pictures: Sequence[Rgb], scale: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Per picture: sides (n, 4) times the scale, and the network's scores (n,)."""
        boxes, scores = self._session.run(make_batch(pictures, _RED_FIRST))
        return [
            (sides[raw >= _MIN_RAW_SCORE] * scale, raw[raw >= _MIN_RAW_SCORE])
            for sides, raw in zip(boxes, scores, strict=True)
        ]


def _reduce(picture: Rgb) -> Rgb:
    """The copy for the second detection; halved on the way, since halving is cheap."""
    height, width = picture.shape[:2]
    size = max(1, round(width * _REDUCED_SCALE)), max(1, round(height * _REDUCED_SCALE))
    half = picture
    if min(height, width) > 1:
        even = picture[: height // 2 * 2, : width // 2 * 2]
        half = cv2.resize(even, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(half, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _crop_at_width(picture: Rgb, box: Box, wanted: int) -> tuple[Rgb, Tensor]:
    """The square around a box, scaled so that the box is so many pixels wide, and the box in it."""
    scale = wanted / max(box.width, 1.0)
    canvas = cut_square(picture, box.centre, scale, _CROP)
    half = np.array([box.width, box.height], np.float32) * scale / 2
    return canvas, np.concatenate([_CROP / 2 - half, _CROP / 2 + half]).astype(np.float32)


def _combine_scales(
    full: tuple[Tensor, Tensor], reduced: tuple[Tensor, Tensor], area: int, threshold: float
) -> list[Detection]:
    """Plates from the sides and raw scores at both scales; large ones must score well at both."""
    sides = np.concatenate([full[0], reduced[0]])
    large = area_shares(sides, area) >= _LARGE_SHARE
    alone = np.concatenate([full[1], np.zeros_like(reduced[1])])
    others = [matching_scores(full[0], reduced), matching_scores(reduced[0], full)]
    mean = np.concatenate([full[1] + others[0], reduced[1] + others[1]]) / 2
    scores = calibrate_scores(np.where(large, mean, alone), sides, area)
    kept = scores >= threshold
    return suppress_non_maxima(sides[kept], scores[kept], Kind.PLATE, _MAX_IOU)


def matching_scores(sides: Tensor, other: tuple[Tensor, Tensor]) -> Tensor:
    """(n,): for each box the best score of the same thing at the other scale, 0 if none."""
    boxes, raw = other
    if not len(boxes):
        return np.zeros(len(sides), np.float32)
    low = np.maximum(sides[:, None, :2], boxes[None, :, :2])
    high = np.minimum(sides[:, None, 2:], boxes[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    areas = [np.prod(one[:, 2:] - one[:, :2], axis=1) for one in (sides, boxes)]
    same = shared >= _MATCH_IOU * (areas[0][:, None] + areas[1][None] - shared)
    best: Tensor = np.where(same, raw, np.float32(0)).max(axis=1)
    return best


def area_shares(sides: Tensor, area: int) -> Tensor:
    """(n,): the share of the picture that each box takes."""
    inner = (sides[:, 2] - sides[:, 0]) * (sides[:, 3] - sides[:, 1])
    return np.asarray(inner / area, np.float32)


def calibrate_scores(raw: Tensor, sides: Tensor, area: int) -> Tensor:
    """(n,): each detection's score from 0 to 1, less for large ones, since those would hide more.

    Args:
        raw: (n,), the network's scores.
        sides: (n, 4), left, top, right, bottom in pixels.
        area: Pixels of the picture.
    """
    share = area_shares(sides, area)
    larger = np.log10(np.maximum(share, _MIN_SHARE) / _KNEE)
    raised = np.where(larger > 0, _SLOPE, _RELIEF) * larger
    distance = _STEEPNESS * (raw - _MIDDLE - raised)
    return np.where(share <= _MAX_SHARE, 1 / (1 + np.exp(-distance)), 0).astype(np.float32)
