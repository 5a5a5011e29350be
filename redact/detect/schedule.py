"""Which detection passes run on which frame, and what they find there.

A pass scales the picture, turns it, runs one detector and maps the boxes back. A `PassRunner` runs
all passes that are due on one frame. A `VideoSchedule` does so for a video. It skips a pass where
the picture has not changed since that pass ran last, and runs the most frequent passes on a picture
unlike the last one that they ran on, whenever it comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import nullcontext
from dataclasses import dataclass
from fractions import Fraction
from threading import BoundedSemaphore
from typing import Protocol

import numpy as np

from redact.core.findings import Detection
from redact.core.frames import Frame, Grey
from redact.core.geometry import Turn
from redact.core.interfaces import Detector, PlateContext, View
from redact.core.passes import REFERENCE_RATE, Pass
from redact.core.recipe import size_penalty
from redact.detect.copies import Excerpt, ScaledCopies
from redact.detect.merging import make_view
from redact.detect.novelty import NoveltyWatch, find_restless, main_passes
from redact.detect.plate_context import PlateContextFinder
from redact.detect.stillness import StillnessWatch

_BOX_MARGIN = 1.0
"""Pixels of the scaled copy by which a detector's box may be off on each side."""

_TILES_AT_ONCE = 2
"""More would be quicker where there are more processors, but each takes about 200 MB."""


class PassRunner:
    """Runs the passes that are due on a frame.

    Args:
        passes: Each detector that they name is loaded once.
        load: From a detector's name to the detector.
        slope: Rise of the threshold for each doubling of a face's height: see `Recipe`.
    """

    def __init__(
        self, passes: Sequence[Pass], load: Callable[[str], Detector], slope: float = 0.0
    ) -> None:
        self.passes = passes
        self._slope = slope
        self._tiling = BoundedSemaphore(_TILES_AT_ONCE)
        self._detectors = {name: load(name) for name in {p.detector for p in passes}}

    def detector(self, name: str) -> Detector | None:
        """A detector that its passes use."""
        return self._detectors.get(name)

    def __call__(self, frame: Frame) -> View:
        """Run all due passes on the frame. May be called by several threads at once."""
        copies = ScaledCopies(frame.picture)
        results = [(pass_, self.detect(pass_, copies)) for pass_ in self.due(frame)]
        return make_view(frame, copies, results)

    def due(self, frame: Frame, starts_span: Callable[[int], bool] | None = None) -> list[Pass]:
        """The passes that are due on this frame.

        Args:
            frame: Passes for large pictures alone are not due on a small one.
            starts_span: Whether the frame is the first of another span of so many frames; told by
                the frame's index if None.
        """
        longer = frame.picture.stored_size.longer
        starts = starts_span or (lambda every: frame.index % every == 0)
        return [p for p in self.passes if longer > p.above and starts(p.every)]

    def detect(self, pass_: Pass, copies: ScaledCopies) -> list[Detection]:
        """Run one pass; its detections are in pixels of the upright picture."""
        turn = self._tiling if pass_.scale else nullcontext()
        found: list[Detection] = []
        for part in copies.excerpts(pass_):
            with turn:
                found += self._detect_in(part, pass_)
        least = pass_.threshold
        return [d for d in found if d.score >= least + size_penalty(d, copies.size, self._slope)]

    def _detect_in(self, part: Excerpt, pass_: Pass) -> list[Detection]:
        """What a pass finds in an excerpt, in pixels of the upright picture."""
        turned = np.ascontiguousarray(np.rot90(part.pixels, -pass_.quarters))
        (found,) = self._detectors[pass_.detector].detect([turned], pass_.threshold)
        seen, turn = part.size, Turn(pass_.quarters)
        area = seen.width * seen.height
        found = [d for d in found if d.box.area <= pass_.largest * area]
        boxes = [turn.stored_box(d.box, seen).extended(_BOX_MARGIN, _BOX_MARGIN) for d in found]
        return [
            Detection(d.kind, part.in_picture(box), d.score)
            for d, box in zip(found, boxes, strict=True)
        ]


@dataclass(frozen=True, slots=True, eq=False)
class PlannedPass:
    """One pass that is due on one frame.

    Args:
        pass_: The pass.
        result: Its detections in this frame.
        must_run: Whether it has to run for them; else they come from an earlier frame or run.
    """

    pass_: Pass
    result: Future[list[Detection]]
    must_run: bool


@dataclass(frozen=True, slots=True, eq=False)
class PlannedFrame:
    """A frame, its small grey copy, and the passes that are due on it."""

    frame: Frame
    grey: Grey
    passes: tuple[PlannedPass, ...]


class PassClock:
    """Tells by time which frames a pass is due on, so that the frame rate does not matter.

    Passes are made for `REFERENCE_RATE`. At 60 frames a second a face moves as far between two runs
    of a pass as at 25, and in surveillance video of 5 a second nobody may walk past between them.
    """

    def __init__(self) -> None:
        self._first: Fraction | None = None
        self._last = self._now = Fraction(-1)

    def advance(self, time: Fraction) -> None:
        """Go on to the next frame, at that many seconds; times grow."""
        if self._first is None:
            self._first = time
        self._last, self._now = self._now, (time - self._first) * REFERENCE_RATE

    def starts_span(self, every: int) -> bool:
        """Whether this frame is the first in a span of so many frames of the reference rate."""
        return self._last // every < self._now // every


class PassCache(Protocol):
    """What passes found in the same video in an earlier run."""

    def advance(self, frame: Frame) -> None:
        """Go on to the next frame; times grow."""

    def recall(self, frame: Frame, pass_index: int, result: Future[list[Detection]]) -> bool:
        """Set the result from the cache if a pass, by its place, has run on this frame."""


def _mark_last(frames: Iterable[Frame]) -> Iterator[tuple[Frame, bool]]:
    """Each frame, and whether it is the last."""
    before: Frame | None = None
    for frame in frames:
        if before is not None:
            yield before, False
        before = frame
    if before is not None:
        yield before, True


class VideoSchedule:
    """The schedule of one video: a pass does not run where the picture is still.

    Its detections are then those of its last run: nobody appears without a change.

    Args:
        runner: Runs the passes.
        max_age: Seconds after which a pass runs again even if the picture is still.
        cache: Spares the runs that it knows, and records all others.
        tell: Called as each pass of a frame is done, by whoever takes the views.
        context: Finds the context of plates; None to leave it out.
    """

    def __init__(
        self,
        runner: PassRunner,
        max_age: float,
        cache: PassCache | None = None,
        tell: Callable[[], None] = lambda: None,
        context: PlateContextFinder | None = None,
    ) -> None:
        self._tell = tell
        self._context = context
        self.plate_contexts: list[PlateContext] = []  # of the frames so far that have plates
        self._runner = runner
        self._cache = cache
        self._max_age = max_age
        self._watches: dict[Pass, StillnessWatch] = {}
        self._results: dict[Pass, Future[list[Detection]]] = {}
        self._clock = PassClock()
        self._novelty = NoveltyWatch()
        self._main = main_passes(runner.passes)
        self._compared: list[tuple[int, bool]] = []

    @property
    def restless(self) -> frozenset[int]:
        """Indices of frames in the midst of pictures that are nearly all unlike each other."""
        return find_restless(self._compared)

    def plan_frames(self, frames: Iterable[Frame]) -> Iterator[PlannedFrame]:
        """Each frame with its due passes, which depend on all frames before it.

        The last frame gets the most frequent ones: nothing after it would show who came into it,
        and players go on showing it.
        """
        for frame, is_last in _mark_last(frames):
            self._clock.advance(frame.time)
            if self._cache is not None:
                self._cache.advance(frame)
            copies = ScaledCopies(frame.picture)
            yield PlannedFrame(frame, copies.grey, tuple(self._plan_passes(frame, copies, is_last)))

    def _plan_passes(
        self, frame: Frame, copies: ScaledCopies, is_last: bool
    ) -> Iterator[PlannedPass]:
        for pass_ in self._due(frame, copies, is_last):
            watch = self._watches.setdefault(pass_, StillnessWatch(self._max_age))
            must_run = watch.is_new(copies.grey, frame.time, copies.gain)
            if must_run:
                self._results[pass_] = result = Future[list[Detection]]()
                must_run = not self._recall(frame, pass_, result)
            yield PlannedPass(pass_, self._results[pass_], must_run)

    def _due(self, frame: Frame, copies: ScaledCopies, is_last: bool) -> list[Pass]:
        """The passes that are due by the clock, and by what the picture shows."""
        due = self._runner.due(frame, self._clock.starts_span)
        if not self._main:
            return due
        wanted = is_last
        if self._main[0] not in due:
            is_new = self._novelty.is_new(copies.grey, copies.gain)
            self._compared.append((frame.index, is_new))
            wanted = wanted or is_new
        if wanted:
            due += [pass_ for pass_ in self._main if pass_ not in due]
        if self._main[0] in due:
            self._novelty.take(copies.grey)
        return due

    def _recall(self, frame: Frame, pass_: Pass, result: Future[list[Detection]]) -> bool:
        place = self._runner.passes.index(pass_)
        return self._cache is not None and self._cache.recall(frame, place, result)

    def start(self, pool: Executor, planned: PlannedFrame) -> Callable[[], View]:
        """Submit each pass that must run by itself, the costliest first, so that none is last.

        What is returned waits for them, and for results of earlier frames.
        """
        copies = ScaledCopies(planned.frame.picture, planned.grey)
        to_run = [one for one in planned.passes if one.must_run]
        for one in sorted(to_run, key=lambda one: (-one.pass_.scale, -one.pass_.side)):
            pool.submit(self._run_pass, one, copies)

        def view() -> View:
            results = []
            for one in planned.passes:
                results.append((one.pass_, one.result.result()))
                self._tell()
            made = make_view(planned.frame, copies, results)
            context = self._context and self._context.examine(made, copies)
            self.plate_contexts += [context] if context else []
            return made

        return view

    def _run_pass(self, planned: PlannedPass, copies: ScaledCopies) -> None:
        try:
            planned.result.set_result(self._runner.detect(planned.pass_, copies))
        except BaseException as error:  # of whatever kind: somebody waits for it
            planned.result.set_exception(error)
