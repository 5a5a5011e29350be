"""SFace: from an aligned face to a vector of length 1 (Zhong et al., arXiv 2205.12010)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from redact.core.frames import Rgb
from redact.detect.detectors.session import Session

SIDE = 112
"""Pixels across and down an aligned face."""

_PLACES = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655],
     [70.7299, 92.2041]], np.float32
)  # fmt: skip
"""Where the network expects eyes, nose and corners of the mouth (as ArcFace: Deng et al., 2019)."""


class SFace:
    """Tells faces apart; the cosine of two vectors is their likeness."""

    def __init__(self) -> None:
        self._session = Session("sface.onnx", ["fc1"], SIDE)

    def vector(self, aligned: Rgb) -> NDArray[np.float32]:
        """(128,), of length 1.

        Args:
            aligned: (112, 112, 3), from `align`.
        """
        (found,) = self._session.run(aligned.transpose(2, 0, 1)[None].astype(np.float32))
        return np.asarray(found[0] / max(float(np.linalg.norm(found[0])), 1e-9), np.float32)


def align(picture: Rgb, points: NDArray[np.float32]) -> Rgb:
    """The face turned and scaled so that its landmarks lie where the network expects them.

    Args:
        picture: That holds the face.
        points: (5, 2), its landmarks in pixels of the picture.
    """
    move, _ = cv2.estimateAffinePartial2D(points, _PLACES, method=cv2.LMEDS)
    if move is None:
        move = np.array([[1, 0, 0], [0, 1, 0]], np.float64)
    return np.asarray(cv2.warpAffine(picture, move, (SIDE, SIDE)), np.uint8)
