"""How frames flow: analyse, render, stream. Runs on fakes alone; it knows no engine."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from typing import TypeAlias, TypeVar

from redact.coverage import Cover
from redact.errors import EngineError
from redact.geometry import Region
from redact.interfaces import Looker, Progress, Sink, Source, Style, Tracker, View
from redact.media import Frame
from redact.recipe import Recipe

Given = TypeVar("Given")
Made = TypeVar("Made")

Begin: TypeAlias = Callable[[Executor, Given], Callable[[], Made]]
"""Gives an executor all that is to be done with an item; what it returns waits for the result."""

WORKERS = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
"""Processors that this process may use: in a container often fewer than there are."""
AHEAD = 8
"""Items begun beyond two for each worker: some frames get a costly look, and others must not wait
for it. Each holds a picture, a check's even two, so that many workers must not be far ahead."""


@dataclass(frozen=True, slots=True)
class Singly:
    """A looker that makes each frame's view in one go."""

    look: Callable[[Frame], View]

    def asked(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """The frames."""
        return iter(frames)

    def begin(self, pool: Executor, asked: Frame) -> Callable[[], View]:
        """Look in the executor; what is returned waits for the view."""
        return pool.submit(self.look, asked).result


def analyse(source: Source, looker: Looker, tracker: Tracker, progress: Progress) -> int:
    """Look at every frame and let the tracker join what was found; returns the frame count.

    Args:
        source: What is looked at.
        looker: Looks, at several frames side by side.
        tracker: Gets the views in order.
        progress: Called for every frame.
    """
    done = 0
    with closing(overlapped(looker.begin, looker.asked(source.frames()))) as views:
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
    with closing(ahead(hide, asked)) as hidden:
        for (frame, _), _ in hidden:
            sink.write(frame)
            done += 1
            progress("render", done, expected)
    if done != expected:
        raise EngineError(f"{expected} frames were analysed, {done} came when rendering")
    return done


def stream(
    source: Source, look: Callable[[Frame], View], tracker: Tracker, recipe: Recipe, style: Style
) -> Iterator[Frame]:
    """One pass, for live or endless input: frames come out hidden, later by the coverage's reach.

    Gives the same frames as analyse and render do with a recipe that hides uncertain tracks, since
    no track can be judged before it has ended. Every frame asks all tracks so far, so that time
    grows with their number.
    """
    waiting: deque[Frame] = deque()
    for frame, view in ahead(look, source.frames()):
        tracker.update(view)
        waiting.append(frame)
        while frame.time - waiting[0].time > recipe.coverage.reach:
            yield _hidden(waiting.popleft(), tracker, recipe, style)
    while waiting:
        yield _hidden(waiting.popleft(), tracker, recipe, style)


def _hidden(frame: Frame, tracker: Tracker, recipe: Recipe, style: Style) -> Frame:
    cover = Cover(tracker.tracks(), tracker.cuts(), recipe.coverage)
    style.hide(frame.picture, [h.region for h in cover.hidden(frame.index, frame.time)])
    return frame


def ahead(
    function: Callable[[Given], Made], items: Iterable[Given], workers: int = WORKERS
) -> Generator[tuple[Given, Made], None, None]:
    """Each item with what the function made of it: see `overlapped`."""
    return overlapped(lambda pool, item: pool.submit(function, item).result, items, workers)


def overlapped(
    begin: Begin[Given, Made], items: Iterable[Given], workers: int = WORKERS
) -> Generator[tuple[Given, Made], None, None]:
    """Each item with what was made of it, in order, made a few items ahead in threads.

    One more thread takes the items and begins the work, so that nobody waits for anybody: not those
    who read, not those who work, not the caller, who uses what came of it. What any of them raises
    is raised here, in its place; when the caller stops, nothing keeps running.
    """
    room, stopped = Semaphore(2 * workers + AHEAD), Event()
    begun: SimpleQueue[tuple[Given, Callable[[], Made]] | BaseException | None] = SimpleQueue()

    def feed() -> None:
        coming = iter(items)
        try:
            with closing(coming) if isinstance(coming, Generator) else nullcontext():
                for item in coming:
                    begun.put((item, begin(pool, item)))
                    del item  # it may be large, and there may be no room for a while
                    room.acquire()
                    if stopped.is_set():
                        break
            begun.put(None)
        except BaseException as error:
            begun.put(error)

    pool = ThreadPoolExecutor(workers)
    feeder = Thread(target=feed)
    try:
        feeder.start()
        while (got := begun.get()) is not None:
            if isinstance(got, BaseException):
                raise got
            yield got[0], got[1]()
            del got
            room.release()
    finally:
        stopped.set()
        room.release()
        if feeder.ident is not None:  # an interruption may come before it began
            feeder.join()
        pool.shutdown(cancel_futures=True)
