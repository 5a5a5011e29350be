from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from redact.core.coverage import Coverage
from redact.core.findings import Detection, Track
from redact.core.frames import Frame, Grey, Rgb
from redact.core.geometry import Box, Region, Size
from redact.core.interfaces import Detector, OpticalFlow, View
from redact.core.parallel import AHEAD, map_ahead, run_ahead
from redact.core.passes import Pass
from redact.core.plan import Plan, SourceId
from redact.core.recipe import Recipe
from redact.detect.schedule import PassRunner, VideoSchedule
from redact.errors import EngineError, RedactError, UnreadableInputError, UnwritableOutputError
from redact.pipeline import EveryFrame, FramesRead, analyse, render
from redact.track.optical_flow import LucasKanadeFlow
from redact.track.tracker import PictureTracker
from tests.painted import PaintedPicture, flat, same
from tests.scripted import (
    TRAP,
    Blacken,
    PaintedSource,
    RememberingSink,
    ScriptedDetector,
    ScriptedViews,
    StaticFlow,
    even_times,
    marked,
    redact_while_reading,
)

SIZE = Size(96, 64)
RECIPE = Recipe(passes=(Pass("scripted", 96, 0.3),), uncertain="hide")


def moving(count: int) -> list[PaintedPicture]:
    return [marked(SIZE, Box(5 + 3 * i, 20, 25 + 3 * i, 44)) for i in range(count)]


def silent(stage: str, done: int, expected: int | None) -> None:
    pass


@dataclass
class Job:
    """Everything that one run on fakes is made of."""

    source: PaintedSource
    detector: ScriptedDetector = field(default_factory=ScriptedDetector)
    style: Blacken = field(default_factory=Blacken)
    sink: RememberingSink = field(default_factory=RememberingSink)
    flow: OpticalFlow = field(default_factory=StaticFlow)

    def run(self) -> Plan:
        runner = PassRunner(RECIPE.passes, lambda _: self.detector)
        tracker = PictureTracker(RECIPE.coverage, RECIPE.high_threshold, self.flow)
        frames = analyse(self.source, EveryFrame(runner), tracker, silent).frames
        identity = SourceId(self.source.fingerprint, self.source.info.size, frames)
        plan = Plan(identity, RECIPE, tuple(tracker.cuts()), tuple(tracker.tracks()))
        with self.sink:
            render(self.source, plan.cover(), self.style, self.sink, frames, silent)
        return plan


def job(count: int = 12, **source: int) -> Job:
    return Job(PaintedSource(even_times(count), moving(count), **source))


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    patience = time.monotonic() + 5
    while set(threading.enumerate()) - before and time.monotonic() < patience:
        time.sleep(0.01)
    assert not set(threading.enumerate()) - before


# Analyse, then render


def test_what_is_found_is_hidden_in_every_frame() -> None:
    done = job()
    plan = done.run()
    assert len(plan.tracks) == 1
    assert done.sink.published is not None
    for frame, picture in zip(done.sink.published, done.source.pictures, strict=True):
        mark = (picture.planes()[0].samples == (255, 0, 255)).all(axis=2)
        assert mark.any()
        assert not frame.picture.planes()[0].samples[mark].any()


def test_frames_in_are_frames_out_with_equal_times() -> None:
    times = [Fraction(i * i, 90) for i in range(9)]
    done = Job(PaintedSource(times, moving(9)))
    done.run()
    assert [(f.index, f.time) for f in done.sink.published or ()] == list(enumerate(times))
    assert done.source.open == 0


def test_where_nothing_is_found_nothing_changes() -> None:
    pictures = [marked(SIZE, None)] * 5
    done = Job(PaintedSource(even_times(5), pictures))
    plan = done.run()
    assert plan.tracks == ()
    published = done.sink.published or []
    assert all(same(f.picture, p) for f, p in zip(published, pictures, strict=True))  # type: ignore[arg-type]


def test_progress_counts_every_frame() -> None:
    told: list[tuple[str, int, int | None]] = []
    source = PaintedSource(even_times(3), moving(3))
    runner = PassRunner(RECIPE.passes, lambda _: ScriptedDetector())
    tracker = PictureTracker(RECIPE.coverage, RECIPE.high_threshold, StaticFlow())
    analyse(source, EveryFrame(runner), tracker, lambda *word: told.append(word))
    with RememberingSink() as sink:
        render(source, lambda *_: [], Blacken(), sink, 3, lambda *word: told.append(word))
    assert told == [("analyse", n, 3) for n in (1, 2, 3)] + [("render", n, 3) for n in (1, 2, 3)]


def with_trap(at: int) -> Job:
    done = job()
    done.source.pictures[at].planes()[0].samples[:4, :4] = TRAP
    return done


def style_fails(at: int) -> Job:
    return replace(job(), style=Blacken(fails_at=at))


def sink_fails(at: int) -> Job:
    return replace(job(), sink=RememberingSink(fails_at=at))


def source_fails(at: int) -> Job:
    return job(fails_at=at)


@pytest.mark.parametrize("at", [0, 1, 5, 11])
@pytest.mark.parametrize(
    ("broken", "kind", "problem"),
    [
        (with_trap, EngineError, "trap"),
        (style_fails, EngineError, "style failed"),
        (sink_fails, UnwritableOutputError, "full"),
        (source_fails, UnreadableInputError, "damaged"),
    ],
)
def test_a_failing_part_ends_the_job_with_its_error_and_no_output(
    broken: Callable[[int], Job], kind: type[RedactError], problem: str, at: int
) -> None:
    done = broken(at)
    with pytest.raises(kind, match=problem):
        done.run()
    assert done.sink.published is None


def test_an_error_at_the_very_end_is_an_error() -> None:
    done = replace(job(), sink=RememberingSink(fails_at_end=True))
    with pytest.raises(UnwritableOutputError, match="at the end"):
        done.run()
    assert done.sink.published is None


@pytest.mark.parametrize("later", [0, 1, 11])
def test_fewer_frames_when_rendering_are_an_error(later: int) -> None:
    done = job(12, later=later)
    with pytest.raises(EngineError, match=f"12 frames were analysed, {later} came"):
        done.run()
    assert done.sink.published is None


def test_a_tracker_that_fails_ends_the_job() -> None:
    class Broken(PictureTracker):
        def update(self, view: View) -> None:
            raise EngineError(f"the tracker failed at {view.index}")

    source = PaintedSource(even_times(9), moving(9))
    runner = PassRunner(RECIPE.passes, lambda _: ScriptedDetector())
    with pytest.raises(EngineError, match="tracker"):
        analyse(
            source,
            EveryFrame(runner),
            Broken(RECIPE.coverage, RECIPE.high_threshold, StaticFlow()),
            silent,
        )


def test_an_interrupt_ends_the_job() -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    source = PaintedSource(even_times(9), moving(9))
    runner = PassRunner(RECIPE.passes, lambda _: ScriptedDetector())
    tracker = PictureTracker(RECIPE.coverage, RECIPE.high_threshold, StaticFlow())
    with pytest.raises(KeyboardInterrupt):
        analyse(source, EveryFrame(runner), tracker, interrupted)


# ahead


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_ahead_keeps_the_order(workers: int) -> None:
    def slow_start(item: int) -> int:
        time.sleep(0.02 if item % 3 == 0 else 0)
        return item * item

    assert list(map_ahead(slow_start, range(20), workers)) == [(i, i * i) for i in range(20)]


def test_ahead_of_nothing_is_nothing() -> None:
    assert list(map_ahead(str, [])) == []


def test_ahead_raises_what_the_function_raises_after_what_came_before() -> None:
    def picky(item: int) -> int:
        if item == 5:
            raise EngineError("five")
        return item

    pairs = map_ahead(picky, range(100), 3)
    assert [next(pairs)[0] for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(EngineError, match="five"):
        next(pairs)


def test_ahead_raises_what_the_items_raise() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise UnreadableInputError("damaged")

    with pytest.raises(UnreadableInputError):
        list(map_ahead(str, items(), 4))


def test_ahead_takes_only_a_few_items_before_they_are_wanted() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(1000):
            taken.append(item)
            yield item

    pairs = map_ahead(str, items(), 2)
    next(pairs)
    assert len(taken) <= 2 * 2 + AHEAD + 1
    pairs.close()
    assert len(taken) <= 2 * 2 + AHEAD + 1


def test_items_are_taken_while_the_caller_is_busy() -> None:
    taken, enough = [], threading.Event()

    def items() -> Iterator[int]:
        for item in range(1000):
            taken.append(item)
            if item == 2 * 2 + AHEAD:
                enough.set()
            yield item

    with closing(map_ahead(str, items(), 2)) as pairs:
        assert next(pairs) == (0, "0")
        assert enough.wait(10)
        time.sleep(0.05)
        assert len(taken) == 2 * 2 + AHEAD + 1


def test_items_are_closed_when_the_caller_stops() -> None:
    source = PaintedSource(even_times(50), [marked(SIZE, None)] * 50)
    with closing(map_ahead(str, source.frames(), 2)) as pairs:
        next(pairs)
        assert source.open == 1
    assert source.open == 0


def test_items_are_closed_when_work_cannot_start() -> None:
    source = PaintedSource(even_times(50), [marked(SIZE, None)] * 50)

    def refuse(*_: object) -> Callable[[], None]:
        raise EngineError("no")

    with pytest.raises(EngineError) as caught:
        list(run_ahead(refuse, source.frames()))
    assert source.open == 0, caught  # which keeps what was going on when it was raised


def test_an_interruption_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: threading.Thread) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(map_ahead(str, [1]))


def test_work_that_was_not_started_is_dropped_when_the_caller_stops() -> None:
    worked: list[int] = []

    def work(item: int) -> None:
        worked.append(item)
        time.sleep(0.05 if item else 0)

    with closing(map_ahead(work, range(1000), 1)) as pairs:
        next(pairs)
    assert len(worked) <= 3 < AHEAD


def test_the_passes_of_one_frame_run_side_by_side_the_costliest_first() -> None:
    together, started = threading.Barrier(3, timeout=10), list[int]()

    class Waiting(ScriptedDetector):
        def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
            started.append(pictures[0].shape[1])
            together.wait()
            return super().detect(pictures, threshold)

    passes = [Pass("scripted", side, 0.3) for side in (96, 320, 64)]
    schedule = VideoSchedule(PassRunner(passes, lambda _: Waiting()), 1.5)
    frames = PaintedSource(even_times(1), [marked(SIZE, None)]).frames()
    assert len(list(run_ahead(schedule.start, schedule.plan_frames(frames), 3))) == 1
    assert started[0] == 320


@given(
    st.lists(st.none() | st.integers(0, 30), min_size=1, max_size=40),
    st.integers(2, 8),
    st.integers(0, 2**31),
)
@settings(max_examples=25, deadline=None)
def test_a_plan_does_not_depend_on_how_many_work_at_it(
    places: list[int | None], workers: int, seed: int
) -> None:
    pictures = [marked(SIZE, None if x is None else Box(x, 20, x + 24, 44)) for x in places]
    lags = random.Random(seed)

    class Lagging(ScriptedDetector):
        def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
            time.sleep(lags.choice((0, 0, 0.002)))
            return super().detect(pictures, threshold)

    def tracks(detector: Detector, workers: int) -> list[Track]:
        schedule = VideoSchedule(PassRunner(RECIPE.passes, lambda _: detector), 1.5)
        tracker = PictureTracker(RECIPE.coverage, RECIPE.high_threshold, LucasKanadeFlow())
        frames = PaintedSource(even_times(len(pictures)), pictures).frames()
        for _, view in run_ahead(schedule.start, schedule.plan_frames(frames), workers):
            tracker.update(view)
        return tracker.tracks()

    assert tracks(Lagging(), workers) == tracks(ScriptedDetector(), 1)


def test_in_a_still_video_passes_run_once_in_a_while() -> None:
    source = PaintedSource(even_times(60), [marked(SIZE, Box(20, 20, 44, 44))] * 60)
    detector = ScriptedDetector()
    tracker = PictureTracker(RECIPE.coverage, RECIPE.high_threshold, StaticFlow())
    schedule = VideoSchedule(PassRunner(RECIPE.passes, lambda _: detector), 1.5)
    assert analyse(source, schedule, tracker, silent) == FramesRead(
        60, Fraction(0), Fraction(59, 25)
    )
    (track,) = tracker.tracks()
    assert [s.frame for s in track.sightings if s.score > 0] == list(range(60))
    assert len(detector.seen) == 2 * len(RECIPE.passes)
    assert source.open == 0


def test_a_detector_that_fails_ends_a_still_video_too() -> None:
    trapped = [marked(SIZE, Box(20, 20, 44, 44), TRAP)] * 60
    tracker = PictureTracker(RECIPE.coverage, RECIPE.high_threshold, StaticFlow())
    schedule = VideoSchedule(PassRunner(RECIPE.passes, lambda _: ScriptedDetector()), 1.5)
    with pytest.raises(EngineError, match="trap"):
        analyse(PaintedSource(even_times(60), trapped), schedule, tracker, silent)


def test_ahead_stops_when_its_consumer_stops() -> None:
    source = PaintedSource(even_times(50), [marked(SIZE, None)] * 50)
    worked: list[int] = []

    def work(frame: Frame) -> None:
        worked.append(frame.index)
        time.sleep(0.005)

    for frame, _ in map_ahead(work, source.frames(), 2):
        if frame.index == 3:
            break
    assert len(worked) <= 4 + 2 * 2 + AHEAD
    assert source.given <= 4 + 2 * 2 + AHEAD


# Hiding while reading equals analysing and then rendering

SCENES = [
    np.kron(np.random.default_rng(seed).integers(0, 256, (8, 12)), np.ones((6, 6))).astype(np.uint8)
    for seed in range(4)
]
"""Small grey pictures that share nothing."""

PLACES = [Box.around(20, 20, 16, 20), Box.around(26, 22, 16, 20), Box.around(70, 40, 20, 24)]


@dataclass(frozen=True)
class Clip:
    """A made-up video: times, a scene per frame, what is found per frame."""

    times: tuple[Fraction, ...]
    scenes: tuple[int, ...]
    found: tuple[tuple[tuple[int, float], ...], ...]

    @property
    def greys(self) -> list[Grey]:
        return [SCENES[scene] for scene in self.scenes]

    def source(self) -> PaintedSource:
        return PaintedSource(self.times, [flat(SIZE, (200, 200, 200))] * len(self.times))

    def views(self) -> ScriptedViews:
        found = {
            index: [(PLACES[place], score) for place, score in here]
            for index, here in enumerate(self.found)
        }
        return ScriptedViews(found, self.greys)


@st.composite
def clips(draw: st.DrawFn) -> Clip:
    count = draw(st.integers(2, 24))
    gap = st.sampled_from([Fraction(1, 60), Fraction(1, 24), Fraction(1, 10), Fraction(7, 10)])
    gaps = draw(st.lists(gap, min_size=count, max_size=count))
    times = tuple(sum(gaps[:i], Fraction(3, 7)) for i in range(count))
    cuts = draw(st.sets(st.integers(0, count - 1), max_size=2))
    scenes = tuple(sum(cut <= i for cut in cuts) for i in range(count))
    thing = st.tuples(st.integers(0, len(PLACES) - 1), st.sampled_from([0.35, 0.5, 0.9]))
    here = st.lists(thing, max_size=2, unique_by=lambda t: t[0]).map(tuple)
    found = draw(st.lists(st.just(()) | here, min_size=count, max_size=count))
    return Clip(times, scenes, tuple(found))


Shown = tuple[list[Frame], list[tuple[Region, ...]]]


def while_reading(clip: Clip, recipe: Recipe, flow: OpticalFlow) -> Shown:
    style = Blacken()
    tracker = PictureTracker(recipe.coverage, recipe.high_threshold, flow)
    return list(
        redact_while_reading(clip.source(), clip.views(), tracker, recipe, style)
    ), style.told


def in_two_steps(clip: Clip, recipe: Recipe, flow: OpticalFlow) -> Shown:
    style, sink, source = Blacken(), RememberingSink(), clip.source()
    tracker = PictureTracker(recipe.coverage, recipe.high_threshold, flow)
    frames = analyse(source, EveryFrame(clip.views()), tracker, silent).frames
    identity = SourceId(source.fingerprint, source.info.size, frames)
    plan = Plan(identity, recipe, tuple(tracker.cuts()), tuple(tracker.tracks()))
    with sink:
        render(source, plan.cover(), style, sink, frames, silent)
    return sink.frames, style.told


def alike(one: Shown, other: Shown) -> bool:
    (frames, told), (others, told_others) = one, other
    return told == told_others and all(
        (a.index, a.time) == (b.index, b.time) and same(a.picture, b.picture)  # type: ignore[arg-type]
        for a, b in zip(frames, others, strict=True)
    )


@settings(max_examples=60, deadline=None)
@given(clips())
def test_hiding_while_reading_gives_the_same_frames(clip: Clip) -> None:
    assert alike(
        while_reading(clip, RECIPE, StaticFlow()), in_two_steps(clip, RECIPE, StaticFlow())
    )


@settings(max_examples=10, deadline=None)
@given(clips())
def test_hiding_while_reading_gives_the_same_frames_with_real_flow(clip: Clip) -> None:
    from redact.track.optical_flow import LucasKanadeFlow

    assert alike(
        while_reading(clip, RECIPE, LucasKanadeFlow()),
        in_two_steps(clip, RECIPE, LucasKanadeFlow()),
    )


def clip_of(*seen: int, count: int = 40) -> Clip:
    """At ten frames a second, one thing that is found in some frames."""
    found = tuple(((0, 0.9),) if i in seen else () for i in range(count))
    return Clip(tuple(even_times(count, 10)), (0,) * count, found)


spans = st.sampled_from([0.0, 0.2, 0.5, 1.0])


@settings(max_examples=60, deadline=None)
@given(clips(), st.builds(Coverage, before=spans, after=spans, bridge=spans, follow=spans))
@example(clip_of(20), Coverage(before=1, after=0.2, bridge=0.2))
@example(clip_of(5, 14), Coverage(before=0.2, after=1, bridge=0.2))
@example(clip_of(5, 14), Coverage(before=0, after=0, bridge=1))
def test_hiding_while_reading_gives_the_same_frames_with_any_coverage(
    clip: Clip, coverage: Coverage
) -> None:
    recipe = replace(RECIPE, coverage=coverage)
    assert alike(
        while_reading(clip, recipe, StaticFlow()), in_two_steps(clip, recipe, StaticFlow())
    )


@pytest.mark.parametrize(
    ("seen", "coverage"),
    [
        ((20,), Coverage(before=1, after=0, bridge=0)),
        ((10, 20), Coverage(before=0, after=0, bridge=1)),
    ],
    ids=["hold before", "bridge"],
)
def test_a_window_too_short_would_show(
    seen: Sequence[int], coverage: Coverage, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip, recipe = clip_of(*seen), replace(RECIPE, coverage=coverage)
    whole = in_two_steps(clip, recipe, StaticFlow())
    assert alike(while_reading(clip, recipe, StaticFlow()), whole)
    monkeypatch.setattr(Coverage, "reach", Fraction(7, 10))
    assert not alike(while_reading(clip, recipe, StaticFlow()), whole)


def test_hiding_while_reading_waits_no_longer_than_it_must() -> None:
    clip = clip_of(3, count=60)
    source = clip.source()
    tracker = PictureTracker(RECIPE.coverage, RECIPE.high_threshold, StaticFlow())
    frames = redact_while_reading(source, clip.views(), tracker, RECIPE, Blacken())
    first = next(frames)
    assert first.index == 0
    assert source.given < 60
    frames.close()  # type: ignore[attr-defined]
    assert source.open == 0


def test_a_failure_ends_hiding_while_reading_too() -> None:
    pictures = moving(30)
    pictures[20].planes()[0].samples[:4, :4] = TRAP
    source = PaintedSource(even_times(30), pictures)
    runner = PassRunner(RECIPE.passes, lambda _: ScriptedDetector())
    tracker = PictureTracker(RECIPE.coverage, RECIPE.high_threshold, StaticFlow())
    with pytest.raises(EngineError, match="trap"):
        list(redact_while_reading(source, runner, tracker, RECIPE, Blacken()))
