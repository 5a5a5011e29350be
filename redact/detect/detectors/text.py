"""Lines of text, found by PP-OCRv4's detector (Baidu, 2023): where they are, not what they say.

Differentiable binarisation (Liao et al., AAAI 2020, arXiv 1911.08947): the network gives each pixel
the probability that it lies in the core of a line. Cores are boxes here, grown to whole lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from redact.core.findings import Detection, Kind
from redact.core.frames import Rgb
from redact.core.geometry import Box
from redact.detect.detectors.boxes import detect_in_batches
from redact.detect.detectors.session import Session, Tensor, make_batch

_CORE = 0.3
"""Probability from which a pixel belongs to a core."""
_GROWTH = 1.6
"""A core grows by this times its area over its circumference, as it was shrunk for training."""
_SMALLEST = 3
"""Pixels across and down below which a core is a speck."""
_BLUE_FIRST = slice(None, None, -1)


class Text:
    """Finds lines of about 8 pixels and more, in pictures of any size."""

    def __init__(self) -> None:
        self._session = Session("text.onnx", ("sigmoid_0.tmp_0",))

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        """Lines per picture, in its own pixels, each with at least that score."""
        return detect_in_batches(pictures, lambda batch: self._detect_batch(batch, threshold))

    def _detect_batch(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        batch = make_batch(pictures, _BLUE_FIRST) / np.float32(127.5) - np.float32(1)
        (maps,) = self._session.run(batch)
        return [
            sorted(
                _decode(chances[0, : picture.shape[0], : picture.shape[1]], threshold),
                key=lambda found: -found.score,
            )
            for chances, picture in zip(maps, pictures, strict=True)
        ]


def _decode(chances: Tensor, threshold: float) -> Iterator[Detection]:
    """Lines from the probabilities, (height, width), of one picture's pixels."""
    core = (chances > _CORE).astype(np.uint8)
    outlines, _ = cv2.findContours(core, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    for outline in outlines:
        left, top, width, height = cv2.boundingRect(outline)
        _, (across, down), _ = around = cv2.minAreaRect(outline)
        if min(across, down) + 1 < _SMALLEST:
            continue
        score = _mean_inside(chances, cv2.boxPoints(around), (left, top, width, height))
        if score >= threshold:
            grown = _GROWTH * across * down / max(2 * (across + down), 1.0)
            box = Box(left, top, left + width, top + height).extended(grown, grown)
            yield Detection(Kind.TEXT, box, min(1.0, score))


def _mean_inside(chances: Tensor, corners: np.ndarray, bounds: tuple[int, int, int, int]) -> float:
    """The mean probability in a turned rectangle; its corners are in pixels."""
    left, top, width, height = bounds
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.round(corners - (left, top)).astype(np.int32)], 1)
    return float(cv2.mean(chances[top : top + height, left : left + width], mask)[0])
