"""From a frame to what the recipe's passes find in it: scaled, turned, joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from redact.findings import Detection
from redact.geometry import Size, Turn, hull_of
from redact.interfaces import Detector, View
from redact.media import Frame, Grey, Rgb
from redact.recipe import Pass

GREY_SIDE = 640
"""Longer side of the grey picture that things are followed on."""

_SLACK = 1.0
"""Pixels of the scaled copy by which a detector's box may be off on each side."""

_SAME = 0.4
"""Intersection over union from which two passes saw one thing."""

_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
"""Red's, green's and blue's share of brightness (ITU-R BT.601)."""


class Look:
    """Looks at frames with every pass that is due.

    Args:
        passes: What is done; each detector is loaded once.
        load: From a detector's name to the detector.
    """

    def __init__(self, passes: Sequence[Pass], load: Callable[[str], Detector]) -> None:
        self._passes = passes
        self._detectors = {name: load(name) for name in {p.detector for p in passes}}

    def __call__(self, frame: Frame) -> View:
        """Everything that is kept of the frame. May run in several threads at once."""
        picture = frame.picture
        size = picture.turn.upright_size(picture.stored_size)
        due = [p for p in self._passes if frame.index % p.every == 0 and size.longer > p.above]
        copies = {side: picture.rgb(size.fitted(side)) for side in {_side(p, size) for p in due}}
        found = [d for p in due for d in self._detect(p, copies[_side(p, size)], size)]
        grey = _grey(picture.rgb(size.fitted(min(size.longer, GREY_SIDE))))
        return View(frame.index, frame.time, size, grey, tuple(joined(found)))

    def _detect(self, look: Pass, copy: Rgb, size: Size) -> list[Detection]:
        turned = np.ascontiguousarray(np.rot90(copy, -look.quarters))
        (found,) = self._detectors[look.detector].detect([turned], look.threshold)
        seen = Size(copy.shape[1], copy.shape[0])
        scale = size.width / seen.width, size.height / seen.height
        turn = Turn(look.quarters)
        area = seen.width * seen.height
        found = [d for d in found if d.box.area <= look.largest * area]
        boxes = [turn.stored_box(d.box, seen).extended(_SLACK, _SLACK) for d in found]
        return [
            Detection(d.kind, box.scaled(*scale), d.score)
            for d, box in zip(found, boxes, strict=True)
        ]


def _side(look: Pass, size: Size) -> int:
    return look.side if look.enlarge else min(look.side, size.longer)


def _grey(rgb: Rgb) -> Grey:
    return np.asarray(rgb @ _WEIGHTS).astype(np.uint8)


def joined(detections: Sequence[Detection]) -> list[Detection]:
    """One detection for each heap of overlapping ones, the strongest first.

    Its box holds every box of the heap; its score is the best, since passes of one network err
    together.
    """
    heaps: list[list[Detection]] = []
    for found in sorted(detections, key=lambda d: -d.score):
        home = next((h for h in heaps if _same(h[0], found)), None)
        heaps.append([found]) if home is None else home.append(found)
    return [_one(heap) for heap in heaps]


def _same(one: Detection, other: Detection) -> bool:
    return one.kind == other.kind and one.box.iou(other.box) >= _SAME


def _one(heap: list[Detection]) -> Detection:
    return Detection(heap[0].kind, hull_of(found.box for found in heap), heap[0].score)
