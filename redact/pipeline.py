"""How frames flow: analyse, render, stream. Runs on fakes alone; it knows no engine."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from fractions import Fraction
from typing import Any, TypeVar

from redact.coverage import Cover
from redact.errors import EngineError
from redact.geometry import Region
from redact.interfaces import Progress, Sink, Source, Style, Tracker, View
from redact.media import Frame
from redact.recipe import Recipe

Given = TypeVar("Given")
Made = TypeVar("Made")

WORKERS = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
"""Processors that this process may use: in a container often fewer than there are."""
AHEAD = 4
"""Items a worker may be ahead: some frames get a costly look, and the others must not wait."""


def analyse(
    source: Source,
    look: Callable[[Any], View],
    tracker: Tracker,
    progress: Progress,
    asked: Callable[[Iterable[Frame]], Iterable[Any]] = iter,
) -> int:
    """Look at every frame and let the tracker join what was found; returns the frame count.

    Args:
        source: What is looked at.
        look: Makes a view of what is asked, side by side with others.
        tracker: Gets the views in order.
        progress: Called for every frame.
        asked: From the frames, in order, to what the look is given of each.
    """
    done = 0
    with closing(ahead(look, asked(source.frames()))) as views:
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
    """Each item with what the function made of it, in order, made a few items ahead in threads.

    What the function raises is raised here; when the consumer stops, nothing keeps running. Work is
    begun in order, and dropped from the end, so that it may wait for what was given before it.
    """
    with ThreadPoolExecutor(workers) as pool:
        pending: deque[tuple[Given, Future[Made]]] = deque()
        try:
            for item in items:
                pending.append((item, pool.submit(function, item)))
                if len(pending) > AHEAD * workers:
                    yield _first(pending)
            while pending:
                yield _first(pending)
        finally:
            for _, future in reversed(pending):
                future.cancel()


def _first(pending: deque[tuple[Given, Future[Made]]]) -> tuple[Given, Made]:
    item, future = pending.popleft()
    return item, future.result()
