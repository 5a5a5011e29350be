"""How surely another network sees a face where one was detected, enlarged and turned each way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from redact.core.frames import Rgb
from redact.core.geometry import Box
from redact.core.interfaces import Detector
from redact.detect.detectors.boxes import cut_square

VIEW = 256
"""Pixels across and down a view, the face's middle in its own."""
FACE_SIDES = (88, 60, 128)
"""Pixels of the face's longer side in the views."""
LEAST_SCORE = 0.1
"""Scores below count as 0."""
SAME = 0.25
"""Intersection over union from which two boxes are one thing."""


def look_for_face(
    detector: Detector, picture: Rgb, face: Box, enough: float, turns: Sequence[int] = (0, 1, 2, 3)
) -> float:
    """The mean score of a face over several sizes, in the turn in which it is highest.

    Once it is sure to be enough no more is asked: what is given then is a lower bound.

    Args:
        detector: One that did not find it.
        picture: (height, width, 3), 8 bit, upright.
        face: In the picture's pixels, its middle inside.
        enough: The mean that is.
        turns: Quarters by which the picture is turned before: people lie and hang.
    """

    def seen(scale: float, quarters: int) -> float:
        square = cut_square(picture, face.centre, scale, VIEW)
        sides = face.width * scale, face.height * scale
        place = Box.around(VIEW / 2, VIEW / 2, *(sides if quarters % 2 == 0 else sides[::-1]))
        return score_in_view(detector, np.ascontiguousarray(np.rot90(square, quarters)), place)

    scales = [side / max(face.width, face.height) for side in FACE_SIDES]
    best = 0.0
    for quarters in turns:
        total = 0.0
        for scale in scales:
            total += seen(scale, quarters)
            if total >= enough * len(scales):
                return total / len(scales)
        best = max(best, total / len(scales))
    return best


def score_in_view(detector: Detector, view: Rgb, place: Box) -> float:
    """The best score of a detector at a place of an enlarged view, 0 for none."""
    (found,) = detector.detect([view], LEAST_SCORE)
    return max((one.score for one in found if one.box.iou(place) >= SAME), default=0.0)
