"""Everyday objects, found by NanoDet-g (Lyu, 2021; card: `redact/detect/weights/objects.md`).

All of them tell what is around a plate. `People` and `Screens` are what may be hidden.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from redact.core.findings import Detection, Kind, ObjectDetection
from redact.core.frames import Rgb
from redact.core.geometry import Box
from redact.detect.detectors.boxes import detect_in_batches
from redact.detect.detectors.session import Session, Tensor, make_batch

SIDE = 416
"""Longer side, in pixels, of the pictures that the network was made for; it takes any size."""

CLASSES = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
    "traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog",
    "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella",
    "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite",
    "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange",
    "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant",
    "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone",
    "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors",
    "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip
"""COCO's classes by their names, in the network's order."""

_STRIDES = (8, 16, 32)
_BINS = 11
"""Each side's distance from a point is a distribution over 0 to 10 strides."""
_MAX_IOU = 0.6
_BLUE_FIRST = slice(None, None, -1)


class Objects:
    """Finds objects of COCO's classes, in pictures of any size; larger than `SIDE` costs more."""

    def __init__(self) -> None:
        heads = [f"{head}_{stride}" for stride in _STRIDES for head in ("scores", "sides")]
        self._session = Session("objects.onnx", heads)

    def detect(
        self, pictures: Sequence[Rgb], threshold: float, classes: Collection[str] = CLASSES
    ) -> list[list[ObjectDetection]]:
        """Objects per picture, in its own pixels, the best score first.

        Args:
            pictures: Each (height, width, 3), 8 bit, red first.
            threshold: The least score.
            classes: The names of the classes that are asked for; a name that COCO lacks is none.
        """
        wanted = [i for i, name in enumerate(CLASSES) if name in classes]
        return detect_in_batches(pictures, lambda batch: self._detect(batch, threshold, wanted))

    def _detect(
        self, pictures: Sequence[Rgb], threshold: float, wanted: Sequence[int]
    ) -> list[list[ObjectDetection]]:
        outputs = self._session.run(make_batch(pictures, _BLUE_FIRST))
        return [
            sorted(_suppress(maps, threshold, wanted), key=lambda found: -found.score)
            for maps in zip(*outputs, strict=True)
        ]


class People:
    """Finds whole people, standing, sitting or cut by the picture's rim, from any side."""

    def __init__(self) -> None:
        self._objects = Objects()

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        """People per picture, in its own pixels, each with at least that score."""
        found = self._objects.detect(pictures, threshold, ("person",))
        return [[Detection(Kind.PERSON, it.box, it.score) for it in here] for here in found]


class Screens:
    """Finds televisions, laptops and telephones, switched on or off."""

    def __init__(self) -> None:
        self._objects = Objects()

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        """Screens per picture, in its own pixels, each with at least that score."""
        found = self._objects.detect(pictures, threshold, ("tv", "laptop", "cell phone"))
        return [[Detection(Kind.SCREEN, it.box, it.score) for it in here] for here in found]


def _suppress(
    maps: Sequence[Tensor], threshold: float, wanted: Sequence[int]
) -> Iterator[ObjectDetection]:
    """Non-maximum suppression within each class, of one picture's maps."""
    heads = zip(_STRIDES, maps[::2], maps[1::2], strict=True)
    levels = [_decode_level(*head, threshold, wanted) for head in heads]
    sides, scores, classes = (np.concatenate(parts) for parts in zip(*levels, strict=True))
    if len(scores):
        corners = np.concatenate([sides[:, :2], sides[:, 2:] - sides[:, :2]], axis=1)
        lists = corners.tolist(), scores.tolist(), classes.tolist()
        for i in cv2.dnn.NMSBoxesBatched(*lists, 0.0, _MAX_IOU):
            yield ObjectDetection(CLASSES[classes[i]], Box(*map(float, sides[i])), float(scores[i]))


def _decode_level(
    stride: int, scores: Tensor, sides: Tensor, threshold: float, wanted: Sequence[int]
) -> tuple[Tensor, Tensor, NDArray[np.int32]]:
    """One stride's candidates: sides (k, 4) in pixels, scores (k,), and classes (k,).

    Args:
        stride: Pixels from one point to the next.
        scores: (classes, rows, columns).
        sides: (4 * `_BINS`, rows, columns): left, top, right and bottom, as logarithms.
        threshold: The least score.
        wanted: The classes that are asked for.
    """
    place, rows, columns = np.nonzero(scores[wanted] >= threshold)
    kept = np.array(wanted, np.int32)[place]
    logs = sides[:, rows, columns].reshape(4, _BINS, -1)
    shares = np.exp(logs - logs.max(axis=1, keepdims=True))
    bins = np.arange(_BINS, dtype=np.float32)[:, None]
    left, top, right, bottom = (shares * bins).sum(axis=1) / shares.sum(axis=1) * stride
    across, down = (columns + 0.5) * stride, (rows + 0.5) * stride
    found = [across - left, down - top, across + right, down + bottom]
    return np.stack(found, axis=1).astype(np.float32), scores[kept, rows, columns], kept
