"""From a frame to what the recipe's passes find in it: scaled, turned, joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from redact.findings import Detection
from redact.geometry import Box, Size, Turn, hull_of
from redact.interfaces import Detector, View
from redact.media import Frame, Grey, Rgb
from redact.recipe import Pass, surplus

GREY_SIDE = 640
"""Longer side of the grey picture that things are followed on."""

_SLACK = 1.0
"""Pixels of the scaled copy by which a detector's box may be off on each side."""

_SAME = 0.4
"""Intersection over union from which two passes saw one thing."""

_CERTAIN = 0.4
"""Score from which a find tells which way a picture stands."""
_CLEARLY = 1.5
"""How much more of those scores a turned picture must show than the upright one."""

_SHARED = 0.15
"""Share of the smaller of two boxes from which a turned find is of a face seen upright."""

_DARK = 50
"""Mean brightness below which a picture is brightened before it is looked at."""
_BRIGHTEST = 99.5
"""Percentile of brightness that becomes white then."""

_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
"""Red's, green's and blue's share of brightness (ITU-R BT.601)."""


class Look:
    """Looks at frames with every pass that is due.

    Args:
        passes: What is done; each detector is loaded once.
        load: From a detector's name to the detector.
        slope: What a score must be higher by for each doubling of a face's height: see `Recipe`.
    """

    def __init__(
        self, passes: Sequence[Pass], load: Callable[[str], Detector], slope: float = 0.0
    ) -> None:
        self._passes = passes
        self._slope = slope
        self._detectors = {name: load(name) for name in {p.detector for p in passes}}

    def __call__(self, frame: Frame) -> View:
        """Everything that is kept of the frame. May run in several threads at once."""
        picture = frame.picture
        size = picture.turn.upright_size(picture.stored_size)
        due = [p for p in self._passes if frame.index % p.every == 0 and size.longer > p.above]
        grey = _grey(picture.rgb(size.fitted(min(size.longer, GREY_SIDE))))
        gain = _gain(grey)
        copies = {
            side: _lifted(picture.rgb(size.fitted(side)), gain)
            for side in {_side(p, size) for p in due}
        }
        found = [(p, self._detect(p, copies[_side(p, size)], size)) for p in due]
        kept = [d for look, seen in found for d in _believed(look, seen, found)]
        return View(frame.index, frame.time, size, grey, tuple(joined(kept)))

    def _detect(self, look: Pass, copy: Rgb, size: Size) -> list[Detection]:
        turned = np.ascontiguousarray(np.rot90(copy, -look.quarters))
        (found,) = self._detectors[look.detector].detect([turned], look.threshold)
        seen = Size(copy.shape[1], copy.shape[0])
        scale = size.width / seen.width, size.height / seen.height
        turn = Turn(look.quarters)
        area = seen.width * seen.height
        found = [d for d in found if d.box.area <= look.largest * area]
        boxes = [turn.stored_box(d.box, seen).extended(_SLACK, _SLACK) for d in found]
        upright = [
            Detection(d.kind, box.scaled(*scale), d.score)
            for d, box in zip(found, boxes, strict=True)
        ]
        return [d for d in upright if d.score >= look.threshold + surplus(d, size, self._slope)]


Found: TypeAlias = Sequence[tuple[Pass, list[Detection]]]
"""What each pass found."""


def _believed(look: Pass, seen: list[Detection], found: Found) -> list[Detection]:
    """What a pass found that counts: a picture stands one way.

    Turned passes see faces in ears, hands and folds; they are trusted where a turned picture shows
    clearly more than the upright one. Else they must be very sure, and see what nobody saw upright:
    a second opinion on a face only makes its box wider.
    """
    if not look.doubtful:
        return seen
    upright = [(p, finds) for p, finds in found if not p.quarters and p.kind is look.kind]
    twins = [t for t in upright if (t[0].detector, t[0].side) == (look.detector, look.side)]
    shown = max((_weight(finds) for _, finds in twins or upright), default=0.0)
    if _weight(seen) > _CLEARLY * shown:
        return seen
    known = [d.box for _, finds in upright for d in finds]
    return [d for d in seen if d.score >= look.doubtful and not _overlaps(d.box, known)]


def _overlaps(box: Box, others: Sequence[Box]) -> bool:
    return any(box.overlap(other) > _SHARED * min(box.area, other.area) for other in others)


def _weight(detections: Sequence[Detection]) -> float:
    return sum(d.score for d in detections if d.score >= _CERTAIN)


def _gain(grey: Grey) -> float:
    """By what a dark picture is to be brightened; 1 for any other."""
    if grey.mean() >= _DARK:
        return 1.0
    return max(1.0, 255 / max(1.0, float(np.percentile(grey, _BRIGHTEST))))


def _lifted(copy: Rgb, gain: float) -> Rgb:
    """A dark picture's copy brightened, its noise first evened out; others as they are."""
    if gain <= 1.0:
        return copy
    across = np.pad(copy, ((1, 1), (1, 1), (0, 0)), mode="edge").astype(np.uint16)
    rows = across[:-2] + 2 * across[1:-1] + across[2:]
    even = rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]
    return np.asarray(np.minimum(even * np.float32(gain / 16), 255)).astype(np.uint8)


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
