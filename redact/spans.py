"""A part of an analysis or a check: what passes find in one span, for whoever has the rest."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import chain
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from redact.core.frames import Frame
from redact.core.interfaces import Progress, Source
from redact.core.parallel import map_ahead, run_ahead
from redact.core.passes import Pass
from redact.core.recipe import Recipe
from redact.detect.cache import SEGMENT, cache_key, passes_key
from redact.detect.detectors import load
from redact.detect.detectors.devices import requested_device
from redact.detect.schedule import PassRunner, VideoSchedule
from redact.detect.spans import SpanRecorder, encode_span
from redact.media.formats import open_source

if TYPE_CHECKING:
    from redact.verify.compare import Depths
    from redact.verify.passes import DuePass
    from redact.verify.second_opinion import SecondOpinion

LEAD_IN = 3
"""Seconds before a span from which on pictures are compared, so that the schedule is that of the
whole video when the span begins: no pass is older than `Coverage.follow` then."""


@dataclass(frozen=True, slots=True)
class SpanCount:
    """How a video can be divided.

    Args:
        spans: How many spans it has, by what its file says; 0 if it is not worth it.
        frames: How many frames it has, about.
    """

    spans: int
    frames: int


def span_key(recipe: Recipe) -> str:
    """The key of spans that this machine finds."""
    return cache_key("", recipe, requested_device())


def draft_key(recipe: Recipe, token: str) -> str:
    """The key of spans of a draft that this machine finds for its check.

    Args:
        recipe: What the draft was made with.
        token: Of that check.
    """
    from redact.verify.second_opinion import check_passes

    passes = [asdict(one) for one in check_passes(_detectors(recipe))]
    return passes_key(token, passes, requested_device())


def _detectors(recipe: Recipe) -> frozenset[str]:
    return frozenset(one.detector for one in recipe.passes)


def count_spans(path: Path, recipe: Recipe) -> SpanCount:
    """How many spans a video has.

    Raises:
        InputError: It cannot be used.
    """
    info = open_source(path, strict=recipe.strict_input).info
    if info.is_still or info.duration is None or info.rate is None:
        return SpanCount(0, 0)
    spans = ceil(info.duration / SEGMENT)
    return SpanCount(spans if spans > 1 else 0, round(info.duration * info.rate))


def detect_in_span(
    path: Path, recipe: Recipe, number: int, progress: Progress, *, seconds: int = SEGMENT
) -> bytes:
    """What passes find in one span, encoded.

    Args:
        path: A video.
        recipe: Its passes count.
        number: Of the span, from 0.
        progress: Called for every frame.
        seconds: How long a span is.

    Raises:
        InputError: It cannot be used.
        EngineError: A detector failed.
        ValueError: It holds too much to be sent.
    """
    source = open_source(path, strict=recipe.strict_input)
    runner = _runner(recipe.passes_for(source.info), recipe.slope)
    with closing(_first_and_span(source, number * seconds, (number + 1) * seconds)) as frames:
        first = next(frames)
        recorder = SpanRecorder(first.time + number * seconds)
        run_passes(chain([first], frames), runner, recipe.coverage.follow, recorder, progress)
    return encode_span(recorder.span(span_key(recipe), number))


def run_passes(
    frames: Iterable[Frame],
    runner: PassRunner,
    follow: float,
    recorder: SpanRecorder,
    progress: Progress,
) -> None:
    """Run the passes that an analysis would run on frames, and record what they find.

    Args:
        frames: The first of the video, by which passes are timed, then the span's with its lead-in.
        runner: Runs them.
        follow: As in `Coverage`.
        recorder: Told all results.
        progress: Called for every frame.
    """
    schedule = VideoSchedule(runner, follow, recorder)
    with closing(run_ahead(schedule.start, schedule.plan_frames(frames))) as views:
        for done, _ in enumerate(views, 1):
            progress("analyse", done, None)


def examine_span(
    draft: Path,
    recipe: Recipe,
    token: str,
    number: int,
    progress: Progress,
    *,
    every_frame: bool = False,
    seconds: int = SEGMENT,
) -> bytes:
    """What the passes of a check find in one span of a draft, encoded.

    Which frames are examined is told by the draft itself, while the check goes by the source. Where
    that is not the same, a pass is run once more there, or was in vain.

    Args:
        draft: A complete result, before it gets its name.
        recipe: What it was made with.
        token: Of its check.
        number: Of the span, from 0.
        progress: Called for every frame.
        every_frame: Whether all frames are examined.
        seconds: How long a span is.

    Raises:
        InputError: It cannot be used.
        EngineError: A detector failed.
        ValueError: It holds too much to be sent.
    """
    from redact.verify.compare import Depths

    source = open_source(draft)
    opinion = _second_opinion(_detectors(recipe))
    with closing(_first_and_span(source, number * seconds, (number + 1) * seconds)) as frames:
        first = next(frames)
        recorder = SpanRecorder(first.time + number * seconds)
        depths = Depths(every_frame)
        run_check_passes(chain([first], frames), opinion, depths, recorder, progress)
    return encode_span(recorder.span(draft_key(recipe, token), number))


def run_check_passes(
    frames: Iterable[Frame],
    opinion: SecondOpinion,
    depths: Depths,
    recorder: SpanRecorder,
    progress: Progress,
) -> None:
    """Run the passes that a check would run on frames of a draft, and record what they find.

    Args:
        frames: The first of the draft, by which passes are timed, then the span's with its lead-in.
        opinion: Runs them.
        depths: Says how thoroughly each frame is examined.
        recorder: Told all results.
        progress: Called for every frame.
    """

    def plan() -> Iterator[tuple[Frame, tuple[DuePass, ...]]]:
        for frame in frames:
            recorder.advance(frame)
            depth = depths.due(frame)
            yield frame, opinion.plan(frame, depth, recorder) if depth else ()

    with closing(map_ahead(lambda planned: opinion.run(*planned), plan())) as examined:
        for done, _ in enumerate(examined, 1):
            progress("verify", done, None)


@lru_cache(maxsize=1)
def _second_opinion(detectors: frozenset[str]) -> SecondOpinion:
    """Detectors are loaded once for all spans of a recipe."""
    from redact.verify.second_opinion import SecondOpinion

    return SecondOpinion(detectors, load)


def _first_and_span(source: Source, start: int, end: int) -> Generator[Frame]:
    """The first frame, by which passes are timed, and those of a span with its lead-in."""
    from redact.media.video.seeking import frames_between
    from redact.media.video.source import VideoSource

    assert isinstance(source, VideoSource)
    first = next(iter(source.frames()))
    yield first
    begin = max(first.time + start - LEAD_IN, first.time)
    with closing(frames_between(source, begin, first.time + end)) as frames:
        yield from (frame for frame in frames if frame.time > first.time)


@lru_cache(maxsize=1)
def _runner(passes: tuple[Pass, ...], slope: float) -> PassRunner:
    """Detectors are loaded once for all spans of a recipe."""
    return PassRunner(passes, load, slope)
