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
    """A looker that makes each frame's view in one go."""

    look: Callable[[Frame], View]

    def asked(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """The frames."""
        return iter(frames)

    def begin(self, pool: Executor, asked: Frame) -> Callable[[], View]:
        """Look in the executor; what is returned waits for the view."""
        return pool.submit(self.look, asked).result


def analyse(source: Source, looker: Schedule, tracker: Tracker, progress: Progress) -> int:
    """Look at every frame and let the tracker join what was found; returns the frame count.

    Args:
        source: What is looked at.
        looker: Looks, at several frames side by side.
        tracker: Gets the views in order.
        progress: Called for every frame.
    """
    done = 0
    with closing(run_ahead(looker.begin, looker.asked(source.frames()))) as views:
        for _, view in views:
            tracker.update(view)
            done += 1
            progress("analyse", done, source.info.frames)
    return done


def render(
    source: Source,
    regions: Callable[[int, Fraction], list[Region]],
    style: Style,
    sink: Sink,
    expected: int,
    progress: Progress,
) -> int:
    """Hide what the regions say in every frame and write it.

    Raises:
        EngineError: Not as many frames came as were analysed.
    """

    def hide(item: tuple[Frame, list[Region]]) -> None:
        style.hide(item[0].picture, item[1])

    done = 0
    asked = ((frame, regions(frame.index, frame.time)) for frame in source.frames())
    with closing(map_ahead(hide, asked)) as hidden:
        for (frame, _), _ in hidden:
            sink.write(frame)
            done += 1
            progress("render", done, expected)
    if done != expected:
        raise EngineError(f"{expected} frames were analysed, {done} came when rendering")
    return done
