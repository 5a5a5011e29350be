"""How frames flow: analyse and render. Runs on fakes alone; it knows no engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction

from redact.core.frames import Frame
from redact.core.geometry import Region
from redact.core.interfaces import Progress, Schedule, Sink, Source, Style, Tracker, View
from redact.core.parallel import map_ahead, run_ahead
from redact.errors import EngineError


@dataclass(frozen=True, slots=True)
class EveryFrame:
    """A schedule that treats every frame alike.

    Args:
        make_view: From a frame to its view; called by several threads at once.
    """

    make_view: Callable[[Frame], View]

    def plan_frames(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """The frames as they are."""
        return iter(frames)

    def start(self, pool: Executor, planned: Frame) -> Callable[[], View]:
        """Make the view in the executor; what is returned waits for it."""
        return pool.submit(self.make_view, planned).result


@dataclass(frozen=True, slots=True)
class FramesRead:
    """How many frames came, and the times of the first and the last in seconds."""

    frames: int = 0
    first: Fraction | None = None
    last: Fraction | None = None


def analyse(source: Source, schedule: Schedule, tracker: Tracker, progress: Progress) -> FramesRead:
    """Detect in every frame and track what was detected.

    Args:
        source: Its frames are read once.
        schedule: Runs detection passes, on several frames at once.
        tracker: Gets the views in order.
        progress: Called for every frame.
    """
    read = FramesRead()
    with closing(run_ahead(schedule.start, schedule.plan_frames(source.frames()))) as views:
        for _, view in views:
            tracker.update(view)
            first = view.time if read.first is None else read.first
            read = FramesRead(read.frames + 1, first, view.time)
            progress("analyse", read.frames, source.info.frames)
    return read


def render(
    source: Source,
    regions: Callable[[int, Fraction], list[Region]],
    style: Style,
    sink: Sink,
    expected: int,
    progress: Progress,
    tell: Callable[[Frame, list[Region]], None] | None = None,
) -> int:
    """Hide the regions of every frame and write it.

    Args:
        source: What was analysed.
        regions: From a frame's index and time to its regions, in pixels of the upright picture.
        style: Draws over them, in several threads at once.
        sink: Gets the frames in order.
        expected: How many frames were analysed.
        progress: Called for every frame.
        tell: Called for every frame, in order, with its regions.

    Raises:
        EngineError: Not as many frames came as were analysed.
    """

    def hide(item: tuple[Frame, list[Region]]) -> None:
        style.hide(item[0].picture, item[1])

    done = 0
    frames = ((frame, regions(frame.index, frame.time)) for frame in source.frames())
    with closing(map_ahead(hide, frames)) as hidden:
        for (frame, its_regions), _ in hidden:
            sink.write(frame)
            if tell is not None:
                tell(frame, its_regions)
            done += 1
            progress("render", done, expected)
    if done != expected:
        raise EngineError(f"{expected} frames were analysed, {done} came when rendering")
    return done
