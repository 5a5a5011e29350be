"""How surely another network sees a face where one was detected, enlarged and turned each way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from redact.core.frames import Rgb
from redact.core.geometry import Box
from redact.core.interfaces import Detector
from redact.detect.detectors.boxes import cut_square

_VIEW = 256
"""Pixels across and down a view, the face's middle in its own."""
_FACES = (88, 60, 128)
"""Pixels of the face's longer side in the views."""
_LEAST_SCORE = 0.1
"""Scores below count as 0."""
_SAME = 0.25
"""Intersection over union from which what is seen is the face that was asked about."""


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
        square = cut_square(picture, face.centre, scale, _VIEW)
        sides = face.width * scale, face.height * scale
        place = Box.around(_VIEW / 2, _VIEW / 2, *(sides if quarters % 2 == 0 else sides[::-1]))
        view = np.ascontiguousarray(np.rot90(square, quarters))
        (found,) = detector.detect([view], _LEAST_SCORE)
        return max((one.score for one in found if one.box.iou(place) >= _SAME), default=0.0)

    scales = [side / max(face.width, face.height) for side in _FACES]
    best = 0.0
    for quarters in turns:
        total = 0.0
        for scale in scales:
            total += seen(scale, quarters)
            if total >= enough * len(scales):
                return total / len(scales)
        best = max(best, total / len(scales))
    return best
