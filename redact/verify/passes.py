"""The passes of a check: detectors over whole pictures of a result, as far as nobody ran them yet.

What such a pass finds depends on the picture alone, so it may have run elsewhere. What follows from
it, as enlarged views of what is not hidden, is always computed where the check runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, TypeAlias

from redact.core.findings import Detection
from redact.core.frames import Frame, Picture, Rgb, upright_size
from redact.core.geometry import Size
from redact.core.interfaces import Detector
from redact.core.passes import REFERENCE_RATE
from redact.detect.schedule import PassCache

Depth: TypeAlias = Literal["both", "quick", "glance"]
"""How thoroughly a frame is examined: see `SecondOpinion.examine`."""

DEPTHS: Mapping[int, Depth] = {12: "both", 6: "quick", 3: "glance"}
"""Which depth is due at the first frame in each span of so many frames of the reference rate; the
first that is. So no half second is left out by either detector, whatever the frame rate."""

EXAMINE_EVERY = Fraction(min(DEPTHS), REFERENCE_RATE)
"""Seconds from one examined frame to the next."""


@dataclass(frozen=True, slots=True)
class CheckPass:
    """One detector over one copy of the whole picture.

    Args:
        detector: Its name.
        side: Longer side of the copy, in pixels.
        threshold: Score below which a detection is dropped.
        depths: With which it is due.
        most: How many times its size a picture is scaled up at most; 0 for no such bound.
        least: Longer side, in pixels, to which that bound lets any picture be scaled.
    """

    detector: str
    side: int
    threshold: float
    depths: tuple[Depth, ...]
    most: float = 0.0
    least: int = 0

    def size(self, picture: Size) -> Size:
        """Of the copy of a picture of that size."""
        bound = max(self.least, round(self.most * picture.longer)) if self.most else self.side
        return picture.fitted(min(self.side, bound))

    def copy(self, picture: Picture) -> Rgb:
        """What the detector sees."""
        return picture.rgb(self.size(upright_size(picture)))


def detect_in_copy(detector: Detector, copy: Rgb, size: Size, threshold: float) -> list[Detection]:
    """What a detector finds in a scaled copy, in pixels of the upright picture.

    Args:
        detector: Whichever.
        copy: (height, width, 3), 8 bit, red first.
        size: Of the upright picture.
        threshold: Score below which a detection is dropped.

    Raises:
        EngineError: It failed.
    """
    (found,) = detector.detect([copy], threshold)
    scale = size.width / copy.shape[1], size.height / copy.shape[0]
    return [replace(d, box=d.box.scaled(*scale)) for d in found]


@dataclass(frozen=True, slots=True, eq=False)
class DuePass:
    """A pass that is due on one frame.

    Args:
        index: Its place among the passes.
        result: What it finds, in pixels of the upright picture.
        must_run: Whether it has to run for that; else the result is known.
    """

    index: int
    result: Future[list[Detection]]
    must_run: bool


Found: TypeAlias = Mapping[int, list[Detection]]
"""What passes found in one picture, by their places."""


def plan_passes(
    passes: Sequence[CheckPass], frame: Frame, depth: Depth, cache: PassCache | None
) -> tuple[DuePass, ...]:
    """The passes that are due on a frame; what a cache knows need not run."""
    due = []
    for index, one in enumerate(passes):
        if depth in one.depths:
            result = Future[list[Detection]]()
            known = cache is not None and cache.recall(frame, index, result)
            due.append(DuePass(index, result, not known))
    return tuple(due)


def run_passes(
    due: Sequence[DuePass], picture: Picture, run: Callable[[int, Picture], list[Detection]]
) -> Found:
    """Run what must run; every result is set then, to an error too: a cache may wait for it.

    Raises:
        EngineError: A detector failed.
    """
    for one in due:
        if one.must_run:
            try:
                one.result.set_result(run(one.index, picture))
            except BaseException as error:
                one.result.set_exception(error)
    return {one.index: one.result.result() for one in due}
