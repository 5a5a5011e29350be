"""Portraits: faces that show enough of a person to be compared, each as a vector in memory."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from redact.core.frames import Rgb
from redact.core.geometry import Box, Size
from redact.detect.likeness.landmarks import LandmarkFinder, Landmarks
from redact.detect.likeness.sface import SFace, align

LEAST_SIDE = 32.0
"""Pixels of the source that a face must be wide and high: smaller ones look alike."""
_LEAST_SCORE = 0.75
"""Score of the landmarks' detection: a hand or a profile before the face scores less."""
MOST_TURNED = 0.8
"""Eye distances that the nose may lie beside the middle of the eyes: beyond, it is a profile."""
_LEAST_SHARPNESS = 25.0
"""Variance of the Laplacian of an aligned face's brightness: less is blurred by movement."""
_SEEN_SIDE = 128
"""Pixels to which a face's longer side is scaled before its landmarks are found."""
_AROUND = 0.75
"""How much is seen around a face on each side, in sides."""
_SAME_FACE = 0.3
"""Intersection over union of a track's box and the face whose landmarks were found."""


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """A face that shows enough to be compared.

    Args:
        vector: (128,), of length 1; the cosine of two is their likeness.
        box: The face, in pixels of the upright picture.
        turned: How far it is turned to the side: see `MOST_TURNED`.
    """

    vector: NDArray[np.float32]
    box: Box
    turned: float


class Portraitist:
    """Takes portraits of faces whose place is known, or finds them in a photograph."""

    def __init__(self) -> None:
        self._finder = LandmarkFinder()
        self._network = SFace()

    def take(self, upright: Rgb, box: Box) -> Portrait | None:
        """A portrait of the face in a box; None if it shows too little, or is not one face.

        Args:
            upright: The clear picture, upright and of full size.
            box: Of a detected face, in its pixels.
        """
        if min(box.width, box.height) < LEAST_SIDE:
            return None
        view, left, top, scale = _cut(upright, box)
        faces = self._finder.find(view, 0.5)
        place = box.shifted(-left, -top).scaled(scale, scale)
        mine = [face for face in faces if face.box.iou(place) >= _SAME_FACE]
        if len(mine) != 1:
            return None  # none, or two that may be taken for one another
        return self._portrait(view, mine[0], left, top, scale)

    def find(self, upright: Rgb) -> list[Portrait | None]:
        """Every face of a photograph, the largest first; None for one that shows too little."""
        height, width = upright.shape[:2]
        faces: list[Box] = []
        for side in (320, 1280):  # a face may fill the photograph
            seen = Size(width, height).fitted(min(side, max(width, height)))
            small = cv2.resize(upright, (seen.width, seen.height), interpolation=cv2.INTER_AREA)
            scale = width / seen.width, height / seen.height
            found = [f.box.scaled(*scale) for f in self._finder.find(np.asarray(small), 0.6)]
            faces += [box for box in found if not any(_is_same(box, other) for other in faces)]
        faces.sort(key=lambda box: -box.area)
        return [self.take(upright, box) for box in faces]

    def _portrait(
        self, view: Rgb, face: Landmarks, left: float, top: float, scale: float
    ) -> Portrait | None:
        box = face.box.scaled(1 / scale, 1 / scale).shifted(left, top)
        if face.score < _LEAST_SCORE or _turned(face.points) > MOST_TURNED:
            return None
        if min(box.width, box.height) < LEAST_SIDE:
            return None
        aligned = align(view, face.points)
        brightness = cv2.cvtColor(aligned, cv2.COLOR_RGB2GRAY)
        if float(cv2.Laplacian(brightness, cv2.CV_32F).var()) < _LEAST_SHARPNESS:
            return None
        return Portrait(self._network.vector(aligned), box, _turned(face.points))


def _is_same(one: Box, other: Box) -> bool:
    return one.overlap(other) >= 0.5 * min(one.area, other.area)


def _cut(upright: Rgb, box: Box) -> tuple[Rgb, float, float, float]:
    """What is seen of a face: the cut, its left and top, and by how much it was scaled."""
    height, width = upright.shape[:2]
    seen = box.grown(_AROUND)
    left, top = max(0, int(seen.left)), max(0, int(seen.top))
    right, bottom = min(width, int(seen.right) + 1), min(height, int(seen.bottom) + 1)
    part = upright[top:bottom, left:right]
    scale = _SEEN_SIDE / max(box.width, box.height)
    size = max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, size, interpolation=way)), float(left), float(top), scale


def _turned(points: NDArray[np.float32]) -> float:
    """How far the nose lies beside the middle of the eyes, in eye distances along their line."""
    eyes = points[1] - points[0]
    distance = max(float(np.linalg.norm(eyes)), 1e-6)
    along = float((points[2] - (points[0] + points[1]) / 2) @ eyes) / distance
    return abs(along) / distance
