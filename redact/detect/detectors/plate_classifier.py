"""Whether it is a plate, asked again (card: `redact/detect/weights/plate_classifier.md`)."""

from __future__ import annotations

import numpy as np

from redact.core.frames import Rgb
from redact.core.geometry import Box
from redact.detect.detectors.boxes import cut_square
from redact.detect.detectors.session import Session

VIEW = 112
"""Pixels of a view's sides."""
PLATE_SIDES = (64, 52, 76)
"""Pixels of the longer side of what was found, in the middle of the views."""


class PlateClassifier:
    """Tells plates from what the detector takes for plates: words, lamps, windows, wheels."""

    def __init__(self) -> None:
        self._session = Session("plate_classifier.onnx", ("scores",), VIEW)

    def score(self, picture: Rgb, box: Box) -> float:
        """How surely a box holds a plate: the mean over some sizes.

        Args:
            picture: (height, width, 3), 8 bit, red first.
            box: In its pixels, its middle inside.

        Returns:
            0 to 1.
        """
        longer = max(box.width, box.height, 1.0)
        views = [cut_square(picture, box.centre, side / longer, VIEW) for side in PLATE_SIDES]
        batch = np.ascontiguousarray(np.stack(views).transpose(0, 3, 1, 2), np.float32)
        (scores,) = self._session.run(batch)
        return float(scores.mean())
