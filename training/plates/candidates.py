"""Cuts out what the detector takes for plates in training crops: plates, and what is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from redact.detect.detectors.boxes import cut_square
from redact.detect.detectors.plate_classifier import PLATE_SIDES, VIEW

from . import config, data
from .crops import CropMaker, Rng
from .detector import Detector
from .evaluate import ious
from .loss import LOOSE, PLATE
from .paste import bounds

PLATE_SIDE = PLATE_SIDES[0]  # pixels of the plate's longer side in a view
APART = 0.05  # intersection over union below which a find is not what is labelled


class Noting(CropMaker):
    """Also knows where it laid what is no plate."""

    laid: list[np.ndarray]

    def make(self, rng: Rng) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        self.laid = []
        return super().make(rng)

    def lay_other(self, rng: Rng, crop: np.ndarray, texture: np.ndarray, at: np.ndarray) -> None:
        super().lay_other(rng, crop, texture, at)
        self.laid.append(bounds(at))


def view_of(crop: np.ndarray, box: np.ndarray) -> np.ndarray:
    """[VIEW, VIEW, 3]: the box in the middle, its longer side PLATE_SIDE pixels."""
    longer = max(box[2] - box[0], box[3] - box[1], 1.0)
    middle = np.clip((box[:2] + box[2:]) / 2, 0, crop.shape[0] - 1)
    centre = float(middle[0]), float(middle[1])
    return cut_square(crop, centre, PLATE_SIDE / longer, VIEW)


def shaken(rng: Rng, box: np.ndarray) -> np.ndarray:
    """The box as a detector might place it."""
    sides = np.tile(box[2:] - box[:2], 2)
    return box + rng.normal(0, 0.06, 4) * sides


class Finder:
    """What the detector finds in crops, as views.

    Args:
        settings: The section `classes`.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.detector = Detector(Path(settings["detector"]))

    def views(
        self, rng: Rng, made: tuple[np.ndarray, np.ndarray, np.ndarray], laid: list[np.ndarray]
    ) -> list[tuple[np.ndarray, bool, float]]:
        """Views of a crop, whether each shows a plate, and the detector's score (0 for none).

        Args:
            rng: Chooses among many.
            made: A crop, its boxes and their kinds.
            laid: Boxes of what was laid there and is no plate.
        """
        crop, boxes, kinds = made
        size, most = crop.shape[0], self.settings["most"]
        plates, others = boxes[kinds == PLATE], boxes[(kinds != PLATE) & (kinds != LOOSE)]
        labelled = np.concatenate((plates, others))
        vehicles = len(labelled) > 0 or bool((kinds == LOOSE).any())
        true: list[tuple[np.ndarray, float]] = []
        false: list[tuple[np.ndarray, float]] = []
        met = set()
        for box, score in zip(
            *self.detector(crop, [size], self.settings["floor"], 0.5), strict=True
        ):
            middle = (box[:2] + box[2:]) / 2
            if not (0 <= middle).all() or not (middle < size).all():
                continue
            if len(plates) and ious(box, plates).max() >= self.settings["same"]:
                met.add(int(ious(box, plates).argmax()))
                true.append((box, float(score)))
            elif not len(labelled) or ious(box, labelled).max() < APART:
                false.append((box, float(score)))
        for n in range(len(plates)):
            if n not in met and rng.random() < self.settings["missed"]:
                true.append((shaken(rng, plates[n]), 0.0))
        rng.shuffle(true)
        chosen = [(box, True, score) for box, score in true[:most]]
        for box, score in false[: 2 * most]:
            # vehicles' plates are not all labelled: what scores well there may be one
            known = any(inside(box, one) for one in laid)
            if not vehicles or score < self.settings["like_plates" if known else "unlabelled"]:
                chosen.append((box, False, score))
        return [(view_of(crop, box), kind, score) for box, kind, score in chosen]


def inside(box: np.ndarray, other: np.ndarray) -> bool:
    """Whether most of a box lies in the other."""
    inner = np.maximum(np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2]), 0)
    return bool(inner.prod() >= 0.6 * (box[2:] - box[:2]).prod())


def main() -> None:
    """Writes views, labels and scores of many crops."""
    parser = config.parser(__doc__ or "")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--crops", type=int, default=20000)
    parser.add_argument("--first", type=int, default=0, help="number of the first crop")
    given = parser.parse_args()
    settings = config.load(given)
    cv2.setNumThreads(0)
    finder = Finder(settings["classes"])
    maker = Noting(data.split(settings)[0], settings)
    views, kinds, scores = [], [], []
    for number in range(given.first, given.first + given.crops):
        rng = np.random.default_rng([settings["classes"]["seed"], number])
        made = maker.make(rng)
        for view, is_plate, score in finder.views(rng, made, maker.laid):
            views.append(view)
            kinds.append(is_plate)
            scores.append(score)
        if number % 1000 == 999:
            print(number + 1, len(views), sum(kinds), flush=True)
    kept = {"views": np.stack(views), "plates": np.array(kinds)}
    np.savez(given.out, **kept, scores=np.array(scores, np.float32))


if __name__ == "__main__":
    main()
