"""The first stage of a job: find and track everything that is to be hidden, as a plan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from redact import pipeline
from redact.core.interfaces import Progress, Source, Tracker
from redact.core.plan import Plan, SourceId
from redact.core.recipe import Recipe
from redact.detect.cache import DetectionCache, cache_key
from redact.detect.detectors import load
from redact.detect.detectors.devices import requested_device
from redact.detect.schedule import PassRunner, VideoSchedule
from redact.errors import UnsupportedInputError
from redact.media.formats import check_choices
from redact.pipeline import EveryFrame
from redact.track import make_tracker
from redact.track.confidence import Briefness, mark_uncertain
from redact.track.pages import for_every_page


def analyse(
    source: Source, recipe: Recipe, cache: DetectionCache | None, progress: Progress
) -> Plan:
    """Find and track everything that is to be hidden.

    Args:
        source: A video, a still, or pages.
        recipe: The choices.
        cache: Where a video's detections are kept meanwhile; not begun yet.
        progress: Called with the stage, frames done and frames expected.

    Raises:
        InputError: The source cannot be used.
        EngineError: A detector failed.
    """
    check_choices(source, recipe)
    mark, info = source.fingerprint, source.info
    tracker = make_tracker(recipe, pages=info.pages)
    read, restless = _detect_and_track(source, mark, recipe, tracker, cache, progress)
    if not read.frames:
        raise UnsupportedInputError("there is not one frame in it", source.path)
    tracks = tuple(tracker.tracks())
    if read.frames > 1 and not info.pages:
        brief = Briefness(tracker.cuts(), read.frames, info.rate, restless)
        tracks = mark_uncertain(tracks, recipe, info.size, brief)
    identity = SourceId(mark, info.size, read.frames, read.first, read.last)
    return Plan(identity, recipe, tuple(tracker.cuts()), tracks)


def _detect_and_track(
    source: Source,
    mark: str,
    recipe: Recipe,
    tracker: Tracker,
    cache: DetectionCache | None,
    progress: Progress,
) -> tuple[pipeline.FramesRead, frozenset[int]]:
    """Run the recipe's passes over all frames, and give what they find to the tracker.

    Returns:
        The frames that were read, and the restless ones of them: see `VideoSchedule`.
    """
    passes, info = recipe.passes_for(source.info), source.info
    if info.pages:
        every_page = PassRunner(for_every_page(passes), load, recipe.slope)
        read = pipeline.analyse(source, EveryFrame(every_page), tracker, progress)
        return read, frozenset()
    runner = PassRunner(passes, load, recipe.slope)

    def still_going() -> None:
        if info.is_still:  # a large one takes minutes, and silence is taken for standing still
            progress("analyse", 0, info.frames)

    schedule = VideoSchedule(runner, recipe.coverage.follow, cache, still_going)
    key = cache_key(mark, recipe, requested_device())
    with _caching(cache, key, source, recipe, progress) as tell:
        read = pipeline.analyse(source, schedule, tracker, tell)
    return read, schedule.restless


@contextmanager
def _caching(
    cache: DetectionCache | None, key: str, source: Source, recipe: Recipe, progress: Progress
) -> Iterator[Progress]:
    """Keep detections meanwhile; gives a progress that tells apart what came from the cache."""
    if cache is None:
        yield progress
        return
    cache.begin(key, len(recipe.passes), source.info.size)
    yield lambda _, done, expected: progress(cache.stage(done), done, expected)
    cache.finish()
