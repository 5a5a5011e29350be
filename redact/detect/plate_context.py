"""What tells a plate from lettering: how it looks when it is seen again, and what is around it.

Both are found in frames in which passes found plates, and in no others: most videos have none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Protocol, runtime_checkable

import numpy as np

from redact.core.findings import Detection, Kind, ObjectDetection
from redact.core.frames import Grey, Rgb
from redact.core.geometry import Box
from redact.core.interfaces import ObjectFinder, PlateContext, View
from redact.detect.copies import ScaledCopies

_SIDE = 1280
"""Longest side, in pixels, of the copy that plates are scored in again."""

_MOST, _MOST_NEW = 8, 256
"""Plates of one frame that are scored again in all, and of those that never were: what is not
scored is believed. Those scored least often come first, then the best."""
_SAME = 0.2
"""Intersection over union with a plate of the last frame from which it is the same."""

_OBJECTS_SIDE = 416
"""Longer side, in pixels, of the copy that objects are looked for in."""
_OBJECTS_EVERY = Fraction(2, 5)
"""Seconds from one frame in which objects are looked for to the next, while there are plates."""
_OBJECTS_THRESHOLD = 0.1
_OBJECTS = ("car", "motorcycle", "bus", "truck", "tv", "laptop", "cell phone")
"""What a plate is on, and what it is not on but in."""

PATCH = 24
"""Samples across and down a patch; the middle third of them lie in the plate's box."""


@runtime_checkable
class PlateScorer(Protocol):
    """The detector of plates, as far as it scores them again."""

    def score_at_scales(self, picture: Rgb, box: Box) -> float:
        """The mean score of what a box holds, at several widths."""


class PlateClassifier(Protocol):
    """The network that says of what was found whether it is a plate."""

    def score(self, picture: Rgb, box: Box) -> float:
        """How surely it is one, 0 to 1."""


class PlateContextFinder:
    """Finds the context of plates in the frames of one video, in order.

    Args:
        plates: Scores them again.
        load_classifier: Loads the network that looks again, when the first plate is there.
        load_objects: Loads the network of objects then.
    """

    def __init__(
        self,
        plates: PlateScorer,
        load_classifier: Callable[[], PlateClassifier],
        load_objects: Callable[[], ObjectFinder],
    ) -> None:
        self._plates = plates
        self._load_classifier = load_classifier
        self._classifier: PlateClassifier | None = None
        self._load_objects = load_objects
        self._objects: ObjectFinder | None = None
        self._searched: Fraction | None = None
        self._last: tuple[Detection, ...] = ()
        self._scores: tuple[dict[Box, float], dict[Box, float]] = {}, {}
        self._known: list[tuple[Box, int]] = []

    def examine(self, view: View, copies: ScaledCopies) -> PlateContext | None:
        """The context of a frame's plates, None if there are none."""
        plates = tuple(d for d in view.detections if d.kind is Kind.PLATE)
        if not plates:
            return None
        if plates != self._last:  # else as in a still picture, in which no pass ran again
            self._last, self._scores = plates, self._score(plates, copies)
        scores, looks = self._scores
        patches = {box: take_patch(view, box) for box in scores}
        objects = self._find_objects(copies) if self._is_due(view.time) else None
        return PlateContext(view.index, view.time, scores, looks, patches, objects)

    def _score(
        self, plates: Sequence[Detection], copies: ScaledCopies
    ) -> tuple[dict[Box, float], dict[Box, float]]:
        """Of those whose turn it is: their scores at several scales, and the classifier's."""
        picture = copies.copy(min(copies.size.longer, _SIDE))
        scale = picture.shape[1] / copies.size.width, picture.shape[0] / copies.size.height
        inside = [one for one in plates if _has_its_middle(picture, one.box.scaled(*scale))]
        due = {box: box.scaled(*scale) for box in self._take_turns(inside)}
        classifier = self._classifier = self._classifier or self._load_classifier()
        scores = {box: self._plates.score_at_scales(picture, here) for box, here in due.items()}
        return scores, {box: classifier.score(picture, here) for box, here in due.items()}

    def _take_turns(self, plates: Sequence[Detection]) -> list[Box]:
        """The plates whose turn it is to be scored."""
        times = {one.box: self._times_scored(one.box) for one in plates}
        turns = sorted(plates, key=lambda one: (times[one.box], -one.score))
        new = sum(not count for count in times.values())
        due = [one.box for one in turns[: max(_MOST, min(new, _MOST_NEW))]]
        self._known = [(box, count + (box in due)) for box, count in times.items()]
        return due

    def _times_scored(self, box: Box) -> int:
        """How often what seems to be the same plate was scored, 0 for a new one."""
        like = max(((box.iou(known), count) for known, count in self._known), default=(0.0, 0))
        return like[1] if like[0] >= _SAME else 0

    def _is_due(self, time: Fraction) -> bool:
        due = self._searched is None or time - self._searched >= _OBJECTS_EVERY
        if due:
            self._searched = time
        return due

    def _find_objects(self, copies: ScaledCopies) -> tuple[ObjectDetection, ...]:
        if self._objects is None:
            self._objects = self._load_objects()
        picture = copies.copy(_OBJECTS_SIDE)
        scale = copies.size.width / picture.shape[1], copies.size.height / picture.shape[0]
        (found,) = self._objects.detect([picture], _OBJECTS_THRESHOLD, _OBJECTS)
        return tuple(ObjectDetection(d.name, d.box.scaled(*scale), d.score) for d in found)


def _has_its_middle(picture: Rgb, box: Box) -> bool:
    x, y = box.centre
    height, width = picture.shape[:2]
    return bool(0 <= x < width and 0 <= y < height)


def take_patch(view: View, box: Box) -> Grey:
    """(PATCH, PATCH) samples of the small grey picture, of a box and once its size on each side."""
    rows, columns = view.grey.shape
    region = box.grown(1).scaled(columns / view.size.width, rows / view.size.height)
    steps = (np.arange(PATCH) + 0.5) / PATCH
    across = np.clip((region.left + steps * region.width).astype(int), 0, columns - 1)
    down = np.clip((region.top + steps * region.height).astype(int), 0, rows - 1)
    return np.asarray(view.grey[down[:, None], across[None, :]])
