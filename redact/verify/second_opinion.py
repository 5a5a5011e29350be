"""Witnesses: two detectors of families that did not decide what is hidden, asked what they see.

Each looks at the whole picture. What one of them sees outside of what is hidden is shown to both
again, enlarged, in several sizes, and mirrored: a face stays a face, a false alarm rarely does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import cv2
import numpy as np

from redact.core.findings import Detection
from redact.core.frames import Frame, Rgb
from redact.core.geometry import Box, Size
from redact.core.interfaces import Detector
from redact.verify.result import Spot


@dataclass(frozen=True, slots=True)
class Settings:
    """How one family is asked.

    Args:
        side: Longer side, in pixels, to which the whole picture is scaled.
        threshold: What scores less in the whole picture is not followed up.
        alone: Mean score of the enlarged views from which its word is enough.
        suspects: Mean score from which its word makes a spot suspicious.
    """

    side: int
    threshold: float
    alone: float
    suspects: float


SETTINGS = {
    "mediapipe": Settings(960, 0.45, 0.8, 0.65),
    "yunet": Settings(1920, 0.35, 0.8, 0.68),
    "centerface": Settings(1536, 0.25, 0.8, 0.6),
}
"""By detector, the most different from the others first. `bench/verify.py` measures them."""

TOGETHER = 1.2
"""Sum of both means from which a spot counts, also if one of them took part in the analysis."""

HALF = 0.85
"""The same from which it is suspicious."""

_HARDLY = 0.3
"""Score of the quick witness below which the spot is dropped."""

_CLEARLY = 0.75
"""Score in the whole picture from which it is not."""

_SMALL = 20.0
"""Pixels of the longer side below which many things look like a face."""

_STRICTER = 0.06
"""How much more one word must score there to be enough."""

_WEAKEST = 0.1
"""Scores below count as nothing."""

_TILE = 256
"""Pixels of the side of an enlarged view."""

_FACES = (88, 60, 128)
"""Pixels that the spot's longer side takes in it."""

_SAME = 0.25
"""Intersection over union from which two boxes are one thing."""

GLANCE = 960
"""Longer side of the picture for a glance."""

Depth: TypeAlias = Literal["both", "quick", "glance"]

Verdict: TypeAlias = Literal["certain", "suspected", "nothing"]

_Said: TypeAlias = tuple[str, Detection]
"""Whose word it is, and the word."""


class SecondOpinion:
    """Two detectors.

    Args:
        used: Names of the detectors that the analysis used; others are preferred. If none of them
            looks for faces, nobody is asked, since faces were not to be hidden.
        load: From a detector's name to the detector.
    """

    def __init__(self, used: Collection[str], load: Callable[[str], Detector]) -> None:
        faces = not used or any(name in SETTINGS for name in used)
        self.names = tuple(sorted(SETTINGS, key=lambda name: name in used)[:2]) if faces else ()
        self._independent = {name for name in self.names if name not in used}
        self._detectors = {name: load(name) for name in self.names}

    def examine(
        self, frame: Frame, hidden: Callable[[Box], bool], depth: Depth = "both"
    ) -> list[Spot]:
        """What may be a face and is not hidden.

        Args:
            frame: Of the output.
            hidden: Whether a box of the upright picture is.
            depth: Whether both witnesses see the whole picture, or only the `quick` second one, or
                that one at a small size, a `glance`; what it points at is shown to both.
        """
        if not self.names:
            return []
        size = frame.picture.turn.upright_size(frame.picture.stored_size)
        found: list[_Said] = []
        sides = dict.fromkeys(self.names[1:], GLANCE) if depth == "glance" else self._sides(depth)
        copies = {side: frame.picture.rgb(size.fitted(side)) for side in set(sides.values())}
        for name, side in sides.items():
            seen = self._detect(name, copies[side], size, SETTINGS[name].threshold)
            found += [(name, d) for d in seen if not hidden(d.box)]
        if not found:
            return []
        if depth == "glance":  # what it points at deserves a closer look
            copies[0] = frame.picture.rgb(size.fitted(SETTINGS[self.names[1]].side))
        levels = _levels(sorted(copies.values(), key=len, reverse=True))
        spots = (self._spot(frame, levels, size, group[0][1]) for group in _groups(found))
        return [spot for spot in spots if self.verdict(spot) != "nothing"]

    def reexamine(self, frame: Frame, spot: Spot) -> Spot:
        """The same place in another frame."""
        size = frame.picture.turn.upright_size(frame.picture.stored_size)
        side = max(self._sides("both").values())
        levels = _levels([frame.picture.rgb(size.fitted(side))])
        return self._spot(frame, levels, size, Detection(spot.kind, spot.box, spot.score))

    def verdict(self, spot: Spot) -> Verdict:
        """What the scores of a spot mean."""
        total = sum(score for _, score in spot.scores)
        more = _STRICTER if max(spot.box.width, spot.box.height) < _SMALL else 0.0
        alone = any(s >= SETTINGS[n].alone + more for n, s in spot.scores if n in self._independent)
        if total >= TOGETHER or alone:
            return "certain"
        doubt = any(score >= SETTINGS[name].suspects for name, score in spot.scores)
        if total >= HALF or doubt:
            return "suspected"
        return "nothing"

    def _sides(self, depth: Depth) -> dict[str, int]:
        asked = self.names if depth == "both" else self.names[1:]
        return {name: SETTINGS[name].side for name in asked}

    def _detect(self, name: str, copy: Rgb, size: Size, threshold: float) -> list[Detection]:
        (found,) = self._detectors[name].detect([copy], threshold)
        scale = size.width / copy.shape[1], size.height / copy.shape[0]
        return [replace(d, box=d.box.scaled(*scale)) for d in found]

    def _spot(self, frame: Frame, levels: Sequence[Rgb], size: Size, seen: Detection) -> Spot:
        views = list(_views(levels, size, seen.box))
        costly, quick = self.names
        words = [self._asked(quick, *view) for view in views[:1]]
        scores = {costly: 0.0, quick: 0.0}
        if words[0] >= _HARDLY or seen.score >= _CLEARLY:  # most false alarms end here
            words += [self._asked(quick, *view) for view in views[1:]]
            scores[quick] = _mean(words)
        if scores[quick] >= _HARDLY or seen.score >= _CLEARLY:
            scores[costly] = self._costly(views)
        known = tuple((name, scores[name]) for name in self.names)
        return Spot(frame.index, frame.time, seen.box, known, kind=seen.kind)

    def _costly(self, views: Sequence[tuple[Rgb, Box]]) -> float:
        """The first witness's mean, 0 if it sees nothing in the first view."""
        first = self._asked(self.names[0], *views[0])
        if first < _WEAKEST:
            return 0.0
        return _mean([first, *(self._asked(self.names[0], *view) for view in views[1:])])

    def _asked(self, name: str, view: Rgb, place: Box) -> float:
        (found,) = self._detectors[name].detect([view], _WEAKEST)
        return max((d.score for d in found if d.box.iou(place) >= _SAME), default=0.0)


def _mean(words: Sequence[float]) -> float:
    return round(sum(words) / len(words), 3)


def _groups(found: Sequence[_Said]) -> list[list[_Said]]:
    """What is one thing, the strongest word of each heap first."""
    heaps: list[list[_Said]] = []
    for said in sorted(found, key=lambda item: -item[1].score):
        home = next((h for h in heaps if h[0][1].box.iou(said[1].box) >= _SAME), None)
        heaps.append([said]) if home is None else home.append(said)
    return heaps


def _views(levels: Sequence[Rgb], size: Size, box: Box) -> Iterator[tuple[Rgb, Box]]:
    """Square pictures around a box, enlarged, each with its mirror image, and the box in them."""
    for face in _FACES:
        scale = face / max(box.width, box.height, 1.0)
        view, place = _enlarged(levels, size, box, scale)
        yield view, place
        mirrored = Box(_TILE - place.right, place.top, _TILE - place.left, place.bottom)
        yield np.ascontiguousarray(view[:, ::-1]), mirrored


def _enlarged(levels: Sequence[Rgb], size: Size, box: Box, scale: float) -> tuple[Rgb, Box]:
    """From the smallest copy that need not be enlarged, or the largest there is."""
    fit = [level for level in levels if level.shape[1] >= scale * size.width]
    copy = min(fit, key=len) if fit else max(levels, key=len)
    across, down = scale * size.width / copy.shape[1], scale * size.height / copy.shape[0]
    x, y = box.centre
    place = box.shifted(-x, -y).scaled(scale, scale).shifted(_TILE / 2, _TILE / 2)
    move = np.array(
        [[across, 0, _TILE / 2 - scale * x], [0, down, _TILE / 2 - scale * y]], np.float64
    )
    view = cv2.warpAffine(copy, move, (_TILE, _TILE), borderMode=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(view, np.uint8), place


def _levels(copies: Sequence[Rgb]) -> list[Rgb]:
    """The copies, and the smallest of them halved again and again."""
    levels = list(copies)
    while min(levels[-1].shape[:2]) > _TILE:
        height, width = levels[-1].shape[:2]
        half = cv2.resize(levels[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        levels.append(np.asarray(half, np.uint8))
    return levels
