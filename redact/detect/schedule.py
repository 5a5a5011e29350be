"""From a frame to what the recipe's passes find in it: scaled, turned, joined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from threading import Lock
from typing import Protocol, TypeAlias

import numpy as np

from redact.core.findings import Detection
from redact.core.frames import Frame, Grey, Picture, Rgb
from redact.core.geometry import Box, Size, Turn, hull_of
from redact.core.interfaces import Detector, View
from redact.core.recipe import Pass, size_penalty
from redact.detect.stillness import StillnessWatch

GREY_SIDE = 640
"""Longer side of the grey picture that things are followed on."""

USUAL_RATE = 25
"""Frames a second for which passes say how often they look."""

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


class PassRunner:
    """Looks at frames with every pass that is due.

    Args:
        passes: What is done; each detector is loaded once.
        load: From a detector's name to the detector.
        slope: What a score must be higher by for each doubling of a face's height: see `Recipe`.
    """

    def __init__(
        self, passes: Sequence[Pass], load: Callable[[str], Detector], slope: float = 0.0
    ) -> None:
        self.passes = passes
        self._slope = slope
        self._detectors = {name: load(name) for name in {p.detector for p in passes}}

    def __call__(self, frame: Frame) -> View:
        """Everything that is kept of the frame. May run in several threads at once."""
        copies = ScaledCopies(frame.picture)
        return make_view(frame, copies, [(p, self.detect(p, copies)) for p in self.due(frame)])

    def due(self, frame: Frame, begun: Callable[[int], bool] | None = None) -> list[Pass]:
        """The passes that look at this frame.

        Args:
            frame: A small picture is not looked at by passes that are for large ones.
            begun: Whether the frame begins another span of so many; by its index if not said.
        """
        longer = frame.picture.stored_size.longer
        begins = begun or (lambda every: frame.index % every == 0)
        return [p for p in self.passes if longer > p.above and begins(p.every)]

    def detect(self, look: Pass, copies: ScaledCopies) -> list[Detection]:
        """What one pass finds, in pixels of the upright picture."""
        size = copies.size
        copy = copies.copy(_side(look, size))
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
        return [
            d for d in upright if d.score >= look.threshold + size_penalty(d, size, self._slope)
        ]


class ScaledCopies:
    """What detectors and trackers are given of one picture, each made when it is first asked for.

    May be asked by several threads at once.

    Args:
        picture: As decoded.
        grey: Its small grey copy, if that was made before.
    """

    def __init__(self, picture: Picture, grey: Grey | None = None) -> None:
        self._picture = picture
        self.size = picture.turn.upright_size(picture.stored_size)
        self._scaled: dict[int, Rgb] = {}
        self._one_at_a_time = Lock()
        if grey is not None:
            self.grey = grey  # in place of making it

    @cached_property
    def grey(self) -> Grey:
        """The small picture that things are followed on."""
        return _grey(self._picture.rgb(self.size.fitted(min(self.size.longer, GREY_SIDE))))

    @cached_property
    def gain(self) -> float:
        """By what the picture is brightened before it is looked at."""
        return _brightening(self.grey)

    def copy(self, side: int) -> Rgb:
        """The whole picture with that longer side, brightened if it is dark."""
        with self._one_at_a_time:
            if side not in self._scaled:
                self._scaled[side] = brighten(self._picture.rgb(self.size.fitted(side)), self.gain)
            return self._scaled[side]


@dataclass(frozen=True, slots=True, eq=False)
class _PlannedPass:
    """One pass over one frame.

    Args:
        look: The pass.
        found: What it finds there.
        new: Whether it has to look for that, or has found it in an earlier frame.
    """

    look: Pass
    found: Future[list[Detection]]
    new: bool


@dataclass(frozen=True, slots=True, eq=False)
class PlannedFrame:
    """A frame, its small grey copy, and what is to be known about it."""

    frame: Frame
    grey: Grey
    due: tuple[_PlannedPass, ...]


class PassClock:
    """A clock that says which frames a pass is due for: one look in so much time at any rate.

    Passes are made for `USUAL_RATE`: at 60 frames a second a face moves as far between looks as at
    25, and in surveillance video of five a second nobody may pass between two of them.
    """

    def __init__(self) -> None:
        self._first: Fraction | None = None
        self._last = self._now = Fraction(-1)

    def enter(self, time: Fraction) -> None:
        """The next frame comes, at that many seconds; times grow."""
        if self._first is None:
            self._first = time
        self._last, self._now = self._now, (time - self._first) * USUAL_RATE

    def begun(self, every: int) -> bool:
        """Whether this frame is the first in a span of so many frames of the usual rate."""
        return self._last // every < self._now // every


class PassCache(Protocol):
    """What passes found in the same video before."""

    def enter(self, frame: Frame) -> None:
        """The next frame comes; times grow."""

    def recall(self, frame: Frame, look: int, found: Future[list[Detection]]) -> bool:
        """Whether a pass, by its place, has looked at this frame: what it found is set then."""


class VideoSchedule:
    """Looks at one video, and not again at what still is as a pass saw it last.

    What the pass found then is found once more: nobody appears without a change.

    Args:
        look: What is done with a frame that is new.
        unseen: Seconds after which a pass looks again in any case.
        memory: Spares the looks that it knows, and is told of all others.
    """

    def __init__(self, look: PassRunner, longest: float, memory: PassCache | None = None) -> None:
        self._look = look
        self._memory = memory
        self._longest = longest
        self._watches: dict[Pass, StillnessWatch] = {}
        self._found: dict[Pass, Future[list[Detection]]] = {}
        self._spans = PassClock()

    def asked(self, frames: Iterable[Frame]) -> Iterator[PlannedFrame]:
        """What is to be done with each frame, which depends on all before it."""
        for frame in frames:
            self._spans.enter(frame.time)
            if self._memory is not None:
                self._memory.enter(frame)
            copies = ScaledCopies(frame.picture)
            yield PlannedFrame(frame, copies.grey, tuple(self._due(frame, copies)))

    def _due(self, frame: Frame, copies: ScaledCopies) -> Iterator[_PlannedPass]:
        for look in self._look.due(frame, self._spans.begun):
            watch = self._watches.setdefault(look, StillnessWatch(self._longest))
            new = watch.is_new(copies.grey, frame.time, copies.gain)
            if new:
                self._found[look] = found = Future[list[Detection]]()
                new = not self._recall(frame, look, found)
            yield _PlannedPass(look, self._found[look], new)

    def _recall(self, frame: Frame, look: Pass, found: Future[list[Detection]]) -> bool:
        place = self._look.passes.index(look)
        return self._memory is not None and self._memory.recall(frame, place, found)

    def begin(self, pool: Executor, asked: PlannedFrame) -> Callable[[], View]:
        """Give the executor each new look by itself, the costliest first, so that none is last.

        What is returned waits for them, and for what was found in earlier frames.
        """
        copies = ScaledCopies(asked.frame.picture, asked.grey)
        new = [due for due in asked.due if due.new]
        for due in sorted(new, key=lambda due: -due.look.side):
            pool.submit(self._run_once, due, copies)

        def view() -> View:
            return make_view(asked.frame, copies, [(d.look, d.found.result()) for d in asked.due])

        return view

    def _run_once(self, due: _PlannedPass, copies: ScaledCopies) -> None:
        try:
            due.found.set_result(self._look.detect(due.look, copies))
        except BaseException as error:  # of whatever kind: somebody waits for it
            due.found.set_exception(error)


def make_view(frame: Frame, copies: ScaledCopies, found: Found) -> View:
    """What is kept of a frame in which the passes found that."""
    kept = [d for look, seen in found for d in _trusted(look, seen, found)]
    return View(frame.index, frame.time, copies.size, copies.grey, tuple(merge_detections(kept)))


Found: TypeAlias = Sequence[tuple[Pass, list[Detection]]]
"""What each pass found."""


def _trusted(look: Pass, seen: list[Detection], found: Found) -> list[Detection]:
    """What a pass found that counts: a picture stands one way.

    Turned passes see faces in ears, hands and folds; they are trusted where a turned picture shows
    clearly more than the upright one. Else they must be very sure, and see what nobody saw upright:
    a second opinion on a face only makes its box wider.
    """
    if not look.turned_threshold:
        return seen
    upright = [(p, finds) for p, finds in found if not p.quarters and p.kind is look.kind]
    twins = [t for t in upright if (t[0].detector, t[0].side) == (look.detector, look.side)]
    shown = max((_sum_of_sure_scores(finds) for _, finds in twins or upright), default=0.0)
    if _sum_of_sure_scores(seen) > _CLEARLY * shown:
        return seen
    known = [d.box for _, finds in upright for d in finds]
    return [d for d in seen if d.score >= look.turned_threshold and not _overlaps_any(d.box, known)]


def _overlaps_any(box: Box, others: Sequence[Box]) -> bool:
    return any(box.overlap(other) > _SHARED * min(box.area, other.area) for other in others)


def _sum_of_sure_scores(detections: Sequence[Detection]) -> float:
    return sum(d.score for d in detections if d.score >= _CERTAIN)


def _brightening(grey: Grey) -> float:
    """By what a dark picture is to be brightened; 1 for any other."""
    if grey.mean() >= _DARK:
        return 1.0
    return max(1.0, 255 / max(1.0, float(np.percentile(grey, _BRIGHTEST))))


def brighten(copy: Rgb, gain: float) -> Rgb:
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


def merge_detections(detections: Sequence[Detection]) -> list[Detection]:
    """One detection for each heap of overlapping ones, the strongest first.

    Its box holds every box of the heap; its score is the best, since passes of one network err
    together.
    """
    groups: list[list[Detection]] = []
    for found in sorted(detections, key=lambda d: -d.score):
        home = next((h for h in groups if _are_same(h[0], found)), None)
        groups.append([found]) if home is None else home.append(found)
    return [_merge(group) for group in groups]


def _are_same(one: Detection, other: Detection) -> bool:
    return one.kind == other.kind and one.box.iou(other.box) >= _SAME


def _merge(group: list[Detection]) -> Detection:
    return Detection(group[0].kind, hull_of(found.box for found in group), group[0].score)
