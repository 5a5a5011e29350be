"""A second opinion: two detectors that did not decide what is hidden examine the output.

What one of them sees outside of what is hidden is shown to both again, enlarged, in several sizes,
and mirrored (test-time augmentation): a face stays a face, a false positive rarely does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np

from redact.core.findings import Detection, Kind
from redact.core.frames import Frame, Picture, Rgb, upright_size
from redact.core.geometry import Box, Size
from redact.core.interfaces import Detector
from redact.core.kinds import KINDS, kind_of_detector
from redact.detect.face_look import FACE_SIDES, LEAST_SCORE, SAME, VIEW, score_in_view
from redact.detect.schedule import PassCache
from redact.verify.other_scale import SCALES, OtherScales
from redact.verify.passes import (
    CheckPass,
    Depth,
    DuePass,
    Found,
    detect_in_copy,
    plan_passes,
    run_passes,
)
from redact.verify.result import Spot


@dataclass(frozen=True, slots=True)
class Settings:
    """How one detector is used.

    Args:
        side: Longer side, in pixels, to which the whole picture is scaled, or less: see `MOST`.
        threshold: Score in the whole picture below which a detection is dropped.
        certain: Mean score of the enlarged views from which this detector alone is enough.
        suspected: Mean score from which this detector alone makes a spot suspected.
    """

    side: int
    threshold: float
    certain: float
    suspected: float


SETTINGS = {
    "mediapipe": Settings(640, 0.45, 0.8, 0.65),
    "yunet": Settings(1920, 0.35, 0.8, 0.68),
    "centerface": Settings(1536, 0.25, 0.8, 0.6),
}
"""By detector, the most different from the others first. `bench/verify.py` measures them."""

CERTAIN_TOGETHER = 1.2
"""Sum of both means from which a spot counts, also if one of them took part in the analysis."""

SUSPECTED_TOGETHER = 0.85
"""Sum of both means from which a spot is suspected."""

_WITH_FACES = (Kind.FACE, Kind.HEAD, Kind.PERSON)
"""What is not hidden as it should be, wherever a face shows."""

_QUICK_MEAN = 0.3
"""Score of the quick detector below which a spot is dropped without asking the costly one."""

_CLEAR = 0.75
"""Score in the whole picture from which it is never dropped so."""

_SMALL = 20.0
"""Pixels of the longer side below which many things look like a face."""

_SMALL_EXTRA = 0.06
"""By how much one detector must score more there to be enough."""

GLANCE = 960
"""Longer side of the whole picture for a glance, in pixels."""

MOST = 1.5
"""How many times its size a picture is scaled up at most, beyond a glance: larger copies show no
more faces, neither in films nor in photographs, and more of what is none."""

Verdict: TypeAlias = Literal["certain", "suspected", "nothing"]


def detectors_of_faces(used: Collection[str]) -> tuple[str, ...]:
    """The two that examine a result, the costly one first; none where no face is looked for.

    Args:
        used: Names of the detectors that the analysis used; others are preferred.
    """
    faces = not used or any(kind_of_detector(name) in _WITH_FACES for name in used)
    return tuple(sorted(SETTINGS, key=lambda name: name in used)[:2]) if faces else ()


def check_passes(used: Collection[str]) -> tuple[CheckPass, ...]:
    """The passes of a check: those of faces, then one for each other kind.

    Args:
        used: Names of the detectors that the analysis used.
    """
    passes: list[CheckPass] = []
    if names := detectors_of_faces(used):
        (costly, first), (quick, second) = ((name, SETTINGS[name]) for name in names)
        passes += [
            CheckPass(costly, first.side, first.threshold, ("both",), MOST, GLANCE),
            CheckPass(quick, second.side, second.threshold, ("both", "quick"), MOST, GLANCE),
            CheckPass(quick, GLANCE, second.threshold, ("glance",)),
        ]
    wanted = {kind_of_detector(name) for name in used}
    return (*passes, *(scale.check_pass for kind, scale in SCALES.items() if kind in wanted))


class SecondOpinion:
    """Two detectors of faces, a costly and a quick one, and one at another scale for other kinds.

    Args:
        used: Names of the detectors that the analysis used; others are preferred. What none of
            them looks for is not looked for here, since it was not to be hidden; a face that shows
            tells of a head and a person that do.
        load: From a detector's name to the detector.

    Attributes:
        names: Of the detectors of faces.
        searched: The kinds that are looked for.
        unsearched: Those that the analysis looked for and that nothing here finds.
    """

    def __init__(self, used: Collection[str], load: Callable[[str], Detector]) -> None:
        self.names = detectors_of_faces(used)
        wanted = {kind_of_detector(name) for name in used}
        self._others = OtherScales(wanted, load)
        self.searched = (*([Kind.FACE] if self.names else []), *self._others.kinds)
        self.unsearched = tuple(k for k in KINDS if k in wanted and k not in self.searched)
        self._independent = {name for name in self.names if name not in used}
        self._detectors = {name: load(name) for name in self.names}
        self._passes = check_passes(used)
        self._of_faces = len(self._passes) - len(self._others.kinds)

    def plan(self, frame: Frame, depth: Depth, cache: PassCache | None) -> tuple[DuePass, ...]:
        """The passes that are due on a frame of the output, in order of frames."""
        return plan_passes(self._passes, frame, depth, cache)

    def run(self, frame: Frame, due: Sequence[DuePass]) -> Found:
        """Run those passes, as far as their results are not known.

        Raises:
            EngineError: A detector failed.
        """
        return run_passes(due, frame.picture, self._run)

    def _run(self, index: int, picture: Picture) -> list[Detection]:
        if index >= self._of_faces:
            return self._others.detect(self._others.kinds[index - self._of_faces], picture)
        one = self._passes[index]
        detector, size = self._detectors[one.detector], upright_size(picture)
        return detect_in_copy(detector, one.copy(picture), size, one.threshold)

    def examine(
        self,
        frame: Frame,
        hidden: Callable[[Box], bool],
        depth: Depth = "both",
        found: Found | None = None,
    ) -> list[Spot]:
        """What may be somebody, or something of theirs, and is not hidden.

        Args:
            frame: Of the output.
            hidden: Whether a box is, in pixels of the upright picture.
            depth: `both` detectors see the whole picture; only the `quick` one does; or that one
                sees a small copy, a `glance`. What is detected is always shown to both. Other kinds
                are looked for with `both` alone.
            found: What the passes of that depth found; None to run them here.

        Raises:
            EngineError: A detector failed.
        """
        found = self.run(frame, self.plan(frame, depth, None)) if found is None else found
        others: list[Spot] = []
        if depth == "both":
            seen = {kind: found[self._of_faces + n] for n, kind in enumerate(self._others.kinds)}
            others = self._others.examine(frame, hidden, seen)
        return others + self._examine_faces(frame, hidden, depth, found)

    def _examine_faces(
        self, frame: Frame, hidden: Callable[[Box], bool], depth: Depth, found: Found
    ) -> list[Spot]:
        due = [n for n, one in enumerate(self._passes[: self._of_faces]) if depth in one.depths]
        exposed = [seen for n in due for seen in found[n] if not hidden(seen.box)]
        if not exposed:
            return []
        size = upright_size(frame.picture)
        sizes = {self._passes[n].size(size) for n in due}
        if depth == "glance":  # what it found deserves a larger copy
            sizes.add(self._largest_copy(size))
        copies = [frame.picture.rgb(of) for of in sizes]
        levels = _pyramid(sorted(copies, key=len, reverse=True))
        spots = (self._spot(frame, levels, size, detection) for detection in _merge(exposed))
        return [spot for spot in spots if self.verdict(spot) != "nothing"]

    def reexamine(self, frame: Frame, spot: Spot) -> Spot:
        """The same place in another frame, with the scores that it has there."""
        size = upright_size(frame.picture)
        levels = _pyramid([frame.picture.rgb(self._largest_copy(size))])
        return self._spot(frame, levels, size, Detection(spot.kind, spot.box, spot.score))

    def _largest_copy(self, size: Size) -> Size:
        copies = (one.size(size) for one in self._passes[: self._of_faces])
        return max(copies, key=lambda copy: copy.longer)

    def verdict(self, spot: Spot) -> Verdict:
        """What the scores of a spot mean; kinds beside faces are only told if certain."""
        if spot.kind is not Kind.FACE:
            return "certain"
        total = sum(score for _, score in spot.scores)
        extra = _SMALL_EXTRA if max(spot.box.width, spot.box.height) < _SMALL else 0.0
        alone = [(SETTINGS[n].certain + extra, s) for n, s in spot.scores if n in self._independent]
        if total >= CERTAIN_TOGETHER or any(score >= needed for needed, score in alone):
            return "certain"
        suspected = any(score >= SETTINGS[name].suspected for name, score in spot.scores)
        if total >= SUSPECTED_TOGETHER or suspected:
            return "suspected"
        return "nothing"

    def _spot(self, frame: Frame, levels: Sequence[Rgb], size: Size, seen: Detection) -> Spot:
        """A detection with both detectors' mean scores over the enlarged views."""
        views = list(_enlarged_views(levels, size, seen.box))
        costly, quick = self.names
        clear = seen.score >= _CLEAR
        means = {costly: 0.0, quick: 0.0}
        first = self._score(quick, *views[0])
        if first >= _QUICK_MEAN or clear:  # most false positives end here
            means[quick] = _mean([first, *(self._score(quick, *view) for view in views[1:])])
        if means[quick] >= _QUICK_MEAN or clear:
            means[costly] = self._costly_mean(costly, views)
        scores = tuple((name, means[name]) for name in self.names)
        return Spot(frame.index, frame.time, seen.box, scores, kind=seen.kind)

    def _costly_mean(self, name: str, views: Sequence[tuple[Rgb, Box]]) -> float:
        """The mean over all views; 0, without more work, if nothing is seen in the first."""
        first = self._score(name, *views[0])
        if first < LEAST_SCORE:
            return 0.0
        return _mean([first, *(self._score(name, *view) for view in views[1:])])

    def _score(self, name: str, view: Rgb, place: Box) -> float:
        return score_in_view(self._detectors[name], view, place)


def _mean(scores: Sequence[float]) -> float:
    return round(sum(scores) / len(scores), 3)


def _merge(detections: Sequence[Detection]) -> list[Detection]:
    """Non-maximum suppression: the highest score of each thing."""
    kept: list[Detection] = []
    for detection in sorted(detections, key=lambda d: -d.score):
        if not any(other.box.iou(detection.box) >= SAME for other in kept):
            kept.append(detection)
    return kept


def _enlarged_views(levels: Sequence[Rgb], size: Size, box: Box) -> Iterator[tuple[Rgb, Box]]:
    """Square pictures around a box, enlarged, each with its mirror image, and the box in them."""
    for side in FACE_SIDES:
        scale = side / max(box.width, box.height, 1.0)
        view, place = _enlarged(levels, size, box, scale)
        yield view, place
        yield np.ascontiguousarray(view[:, ::-1]), place.mirrored(VIEW)


def _enlarged(levels: Sequence[Rgb], size: Size, box: Box, scale: float) -> tuple[Rgb, Box]:
    """One view, from the smallest copy that is large enough, or from the largest there is."""
    large_enough = [level for level in levels if level.shape[1] >= scale * size.width]
    copy = min(large_enough, key=len) if large_enough else max(levels, key=len)
    across, down = scale * size.width / copy.shape[1], scale * size.height / copy.shape[0]
    x, y = box.centre
    place = box.shifted(-x, -y).scaled(scale, scale).shifted(VIEW / 2, VIEW / 2)
    move = np.array(
        [[across, 0, VIEW / 2 - scale * x], [0, down, VIEW / 2 - scale * y]], np.float64
    )
    view = cv2.warpAffine(copy, move, (VIEW, VIEW), borderMode=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(view, np.uint8), place


def _pyramid(copies: Sequence[Rgb]) -> list[Rgb]:
    """An image pyramid: the copies, largest first, and the smallest halved again and again."""
    levels = list(copies)
    while min(levels[-1].shape[:2]) > VIEW:
        height, width = levels[-1].shape[:2]
        half = cv2.resize(levels[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        levels.append(np.asarray(half, np.uint8))
    return levels
