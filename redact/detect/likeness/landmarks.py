"""Eyes, nose and corners of the mouth, by YuNet's landmark heads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redact.core.frames import Rgb
from redact.core.geometry import Box
from redact.detect.detectors.boxes import places_kept
from redact.detect.detectors.session import Session, make_batch
from redact.detect.detectors.yunet import decode_level

_STRIDES = (8, 16, 32)
_MAX_IOU = 0.3
_BLUE_FIRST = slice(None, None, -1)


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """A face with its landmarks, in pixels of the picture that it was found in.

    Args:
        box: Of the face.
        score: From 0 to 1.
        points: (5, 2), x and y: the eye on the left of the picture, the one on the right, the
            nose, the corner of the mouth on the left, the one on the right.
    """

    box: Box
    score: float
    points: NDArray[np.float32]


class LandmarkFinder:
    """Finds faces with their landmarks in a small picture."""

    def __init__(self) -> None:
        heads = ("cls", "obj", "bbox", "kps")
        self._session = Session("yunet.onnx", [f"{h}_{s}" for h in heads for s in _STRIDES])

    def find(self, picture: Rgb, threshold: float) -> list[Landmarks]:
        """The faces of at least that score, the best first."""
        batch = make_batch([picture], _BLUE_FIRST)
        outputs = self._session.run(batch)
        sides, scores, points = [], [], []
        for level, stride in enumerate(_STRIDES):
            columns = batch.shape[3] // stride
            found, best, _, cells = decode_level(outputs[level:9:3], stride, columns, threshold)
            corners = np.stack([cells % columns, cells // columns], axis=1)[:, None]
            offsets = outputs[9 + level][0, cells].reshape(-1, 5, 2)
            sides.append(found)
            scores.append(best)
            points.append((corners + offsets) * stride)
        boxes, certain, every = (np.concatenate(parts) for parts in (sides, scores, points))
        return [
            Landmarks(Box(*map(float, boxes[i])), float(certain[i]), every[i])
            for i in places_kept(boxes, certain, _MAX_IOU)
        ]
