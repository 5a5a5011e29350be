from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redact.core.coverage import Coverage
from redact.core.findings import Detection, Kind, Track
from redact.core.frames import Frame
from redact.core.geometry import Box, Size
from redact.core.interfaces import View
from redact.core.passes import Pass
from redact.core.recipe import Recipe
from redact.core.storage import FolderLock, lock
from redact.detect.cache import (
    CachedPass,
    DetectionCache,
    Segment,
    cache_folder,
    cache_key,
    remove_caches,
)
from redact.detect.schedule import PassRunner, PlannedFrame, VideoSchedule
from redact.detect.sealed import seal, unseal
from redact.errors import EngineError, UnreadableInputError, UnwritableOutputError
from redact.pipeline import analyse
from redact.track.tracker import PictureTracker
from tests.painted import PaintedPicture
from tests.scripted import PaintedSource, ScriptedDetector, StaticFlow, even_times, marked

SIZE = Size(48, 32)
PASSES = (
    Pass("scripted", 48, 0.3, every=2),
    Pass("scripted", 32, 0.3, every=9, turned_threshold=0.5),
)
KEY = "a" * 64
SPAN_KEY = "5" * 64
NAME = "clip.redacted.mp4"

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")


@dataclass
class Analysis:
    """One run over a painted source, which may be interrupted.

    Args:
        detected: Indices of the frames that a pass ran on.
        passes: How often a detector ran.
        stages: What progress called each frame.
    """

    source: PaintedSource
    detected: set[int] = field(default_factory=set)
    passes: int = 0
    stages: list[str] = field(default_factory=list)
    tracks: list[Track] = field(default_factory=list)
    views: list[tuple[int, tuple[Detection, ...]]] = field(default_factory=list)

    def run(
        self,
        cache: DetectionCache | None,
        stop: BaseException | None = None,
        at: int = 0,
        key: str = KEY,
    ) -> Analysis:
        detector = ScriptedDetector()
        schedule = Watched(PassRunner(PASSES, lambda _: detector), 1.5, cache)
        schedule.run = self
        tracker = PictureTracker(Coverage(), 0.5, StaticFlow())

        def progress(_: str, done: int, expected: int | None) -> None:
            self.stages.append(cache.stage(done) if cache else "analyse")
            if stop is not None and done == at:
                raise stop

        if cache is not None:
            cache.begin(key, len(PASSES), SIZE, SPAN_KEY)
        analyse(self.source, schedule, tracker, progress)
        if cache is not None:
            cache.finish()
        self.passes = len(detector.seen)
        self.tracks = tracker.tracks()
        self.views.sort()
        return self


class Watched(VideoSchedule):
    """Tells a run which frames passes run on, and what they find."""

    run: Analysis

    def start(self, pool: Executor, planned: PlannedFrame) -> Callable[[], View]:
        wait = super().start(pool, planned)
        self.run.detected |= {planned.frame.index for one in planned.passes if one.must_run}

        def view() -> View:
            view = wait()
            self.run.views.append((view.index, view.detections))
            return view

        return view


def run_interrupted(
    source: PaintedSource, output: Path, at: int, stop: BaseException | None = None, span: int = 1
) -> Path:
    """A run that ends there; gives its folder."""
    with suppress(KeyboardInterrupt, Exception), DetectionCache(output, segment=span) as cache:
        Analysis(source).run(cache, stop or KeyboardInterrupt(), at)
    return cache_folder(output)


def resume(source: PaintedSource, output: Path, span: int = 1, key: str = KEY) -> Analysis:
    with DetectionCache(output, True, segment=span) as cache:
        return Analysis(source).run(cache, key=key)


def film(count: int = 100, rate: int = 25) -> PaintedSource:
    """Somebody who walks through it."""
    pictures = [marked(SIZE, Box(2, 4, 14, 16).shifted(n % 30, 0)) for n in range(count)]
    return PaintedSource(even_times(count, rate), pictures)


def stored(folder: Path) -> set[int]:
    return {int(path.stem) for path in folder.glob("*.json")}


@st.composite
def films(draw: st.DrawFn) -> PaintedSource:
    """Uneven times, still and moving spans, somebody there or not."""
    step = st.fractions(Fraction(1, 60), Fraction(2, 3), max_denominator=60)
    steps = draw(st.lists(step, min_size=8, max_size=40))
    times = [Fraction(draw(st.fractions(-2, 2, max_denominator=60)))]
    for seconds in steps:
        times.append(times[-1] + seconds)
    places = st.one_of(st.none(), st.integers(0, 30))
    pictures: list[PaintedPicture] = []
    while len(pictures) < len(times):
        place, still = draw(places), draw(st.integers(1, 6))
        box = None if place is None else Box(place, 6, place + 12, 18)
        pictures += [marked(SIZE, box)] * still
    return PaintedSource(times, pictures[: len(times)])


@settings(max_examples=60, deadline=None)
@given(films(), st.integers(1, 4), st.integers(1, 41), st.sets(st.integers(0, 9), max_size=3))
def test_a_resumed_analysis_is_the_one_in_one_piece(
    source: PaintedSource, span: int, at: int, lost: set[int]
) -> None:
    whole = Analysis(source).run(None)
    with TemporaryDirectory() as place:
        output = Path(place, NAME)
        folder = run_interrupted(source, output, min(at, len(source.times)), span=span)
        for number in lost:
            (folder / f"{number}.json").unlink(missing_ok=True)
        kept = stored(folder)
        again = resume(source, output, span)
        assert not folder.exists()
    assert again.tracks == whole.tracks
    assert again.views == whole.views
    segments = [(time - source.times[0]) // span for time in source.times]
    assert again.detected == {index for index in whole.detected if segments[index] not in kept}
    first = min(again.detected, default=len(source.times))
    spared = first if kept and min(kept) == 0 else 0
    assert again.stages == ["resume"] * spared + ["analyse"] * (len(source.times) - spared)


def test_an_interruption_loses_one_segment_at_most(tmp_path: Path) -> None:
    folder = run_interrupted(film(), tmp_path / NAME, 90)
    assert stored(folder) == {0, 1, 2}
    whole, again = Analysis(film()).run(None), resume(film(), tmp_path / NAME)
    assert again.tracks == whole.tracks != []
    assert again.detected == {index for index in whole.detected if index >= 75}
    assert again.passes < whole.passes / 3
    assert not list(tmp_path.iterdir())


def test_what_was_interrupted_twice_goes_on_where_it_was_last(tmp_path: Path) -> None:
    run_interrupted(film(), tmp_path / NAME, 40)
    with suppress(KeyboardInterrupt), DetectionCache(tmp_path / NAME, True, segment=1) as cache:
        Analysis(film()).run(cache, KeyboardInterrupt(), 70)
    kept = stored(cache_folder(tmp_path / NAME))
    assert kept >= {0, 1}
    assert min(resume(film(), tmp_path / NAME).detected) >= 25 * len(kept)


def test_what_failed_later_needs_no_pass_at_all(tmp_path: Path) -> None:
    with suppress(UnwritableOutputError), DetectionCache(tmp_path / NAME, segment=1) as cache:
        Analysis(film()).run(cache)
        raise UnwritableOutputError("the disk is full")
    again = resume(film(), tmp_path / NAME)
    assert (again.passes, set(again.stages)) == (0, {"resume"})


def test_without_resume_all_passes_run_again(tmp_path: Path) -> None:
    run_interrupted(film(), tmp_path / NAME, 90)
    whole = Analysis(film()).run(None)
    with DetectionCache(tmp_path / NAME, segment=1) as cache:
        again = Analysis(film()).run(cache)
    assert again.passes == whole.passes
    assert not list(tmp_path.iterdir())


def test_without_resume_what_was_kept_is_removed_at_once(tmp_path: Path) -> None:
    folder = run_interrupted(film(), tmp_path / NAME, 90)
    assert stored(folder) == {0, 1, 2}
    with suppress(KeyboardInterrupt), DetectionCache(tmp_path / NAME, segment=1) as cache:
        cache.begin(KEY, len(PASSES), SIZE)
        raise KeyboardInterrupt
    assert stored(folder) == set()


def test_segments_begin_with_the_first_frame(tmp_path: Path) -> None:
    late = film()
    late.times = [time + Fraction(1, 2) for time in late.times]
    folder = run_interrupted(late, tmp_path / NAME, 90)
    assert stored(folder) == {0, 1, 2}
    first = unseal((folder / "0.json").read_bytes(), Segment)
    assert {it.frame for it in first.passes} <= set(range(25))
    assert max(it.frame for it in first.passes) > 20


def test_a_short_video_keeps_nothing(tmp_path: Path) -> None:
    with DetectionCache(tmp_path / NAME) as cache:
        Analysis(film()).run(cache)
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "stays"),
    [
        (KeyboardInterrupt(), True),
        (SystemExit(143), True),
        (UnwritableOutputError("full"), True),
        (UnreadableInputError("damaged"), False),
        (EngineError("failed"), False),
        (ZeroDivisionError(), False),
    ],
)
def test_what_stays_after_which_end(tmp_path: Path, error: BaseException, stays: bool) -> None:
    with suppress(BaseException), DetectionCache(tmp_path / NAME, segment=1) as cache:
        Analysis(film()).run(cache, error, 60)
    assert cache_folder(tmp_path / NAME).exists() is stays


@posix_only
def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        folder = run_interrupted(film(), tmp_path / NAME, 90)
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    paths = list(folder.iterdir())
    assert {path.name for path in paths} == {"0.json", "1.json", "2.json", "lock"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}


def test_it_holds_boxes_and_times_and_nothing_else(tmp_path: Path) -> None:
    folder = run_interrupted(film(), tmp_path / NAME, 90)
    segment = unseal((folder / "1.json").read_bytes(), Segment)
    assert (segment.key, segment.number) == (KEY, 1)
    assert all(1 <= it.time < 2 and it.frame == it.time * 25 for it in segment.passes)
    text = (folder / "1.json").read_text().partition("\n")[2]
    (found,) = json.loads(text)["passes"][0]["detections"]
    assert found.keys() == {"kind", "box", "score"}


# what is not trusted


def pass_with(**choices: object) -> Callable[[Segment], Segment]:
    def change(segment: Segment) -> Segment:
        first = replace(segment.passes[0], **choices)  # type: ignore[arg-type]
        return replace(segment, passes=(first, *segment.passes[1:]))

    return change


def found(box: Box, score: float = 0.5) -> Callable[[Segment], Segment]:
    return pass_with(detections=(Detection(Kind.FACE, box, score),))


WRONG: dict[str, Callable[[Segment], Segment]] = {
    "another source or recipe": lambda s: replace(s, key="b" * 64),
    "another segment": lambda s: replace(s, number=2),
    "a score above 1": found(Box(1, 1, 5, 5), 1.5),
    "a score below 0": found(Box(1, 1, 5, 5), -0.5),
    "a box far away": found(Box(1, 1, 5, 1e6)),
    "a box of no size": found(Box(1, 1, 1, 5)),
    "no such pass": pass_with(pass_index=len(PASSES)),
    "no such frame": pass_with(frame=-1),
    "a pass run twice": lambda s: replace(s, passes=(s.passes[0], *s.passes)),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_the_passes_of_an_impossible_segment_run_again(tmp_path: Path, wrong: str) -> None:
    folder = run_interrupted(film(), tmp_path / NAME, 90)
    path = folder / "1.json"
    path.write_bytes(seal(WRONG[wrong](unseal(path.read_bytes(), Segment))))
    check_second_is_not_used(tmp_path)


def signed(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode() + b"\n" + text


def text_of(data: bytes) -> bytes:
    return data.partition(b"\n")[2]


DAMAGED: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut off": lambda data: data[:-200],
    "longer": lambda data: data + b" ",
    "a digit changed": lambda data: data.replace(b"[2.", b"[3.", 1).replace(b"0.9", b"0.8"),
    "no text": lambda _: b"\xff" * 400,
    "another key": lambda data: signed(text_of(data).replace(b'"score"', b'"more"', 1)),
    "no number": lambda data: signed(text_of(data).replace(b"0.9", b"NaN", 1)),
    "a number as text": lambda data: signed(text_of(data).replace(b"0.9", b'"0.9"', 1)),
    "a float for an index": lambda data: signed(
        text_of(data).replace(b'"pass_index":0', b'"pass_index":0.0')
    ),
    "a list": lambda _: signed(b"[]"),
    "nested deeply": lambda _: signed(b"[" * 100_000),
    "key twice": lambda data: signed(text_of(data).replace(b"{", b'{"number":1,', 1)),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_the_passes_of_a_damaged_segment_run_again(tmp_path: Path, damage: str) -> None:
    folder = run_interrupted(film(), tmp_path / NAME, 90)
    path = folder / "1.json"
    before = path.read_bytes()
    path.write_bytes(DAMAGED[damage](before))
    assert path.read_bytes() != before
    check_second_is_not_used(tmp_path)


def check_second_is_not_used(folder: Path) -> None:
    whole, again = Analysis(film()).run(None), resume(film(), folder / NAME)
    assert again.tracks == whole.tracks
    assert again.detected == {n for n in whole.detected if n // 25 in (1, 3)}


def test_another_source_or_recipe_has_nothing_of_it(tmp_path: Path) -> None:
    run_interrupted(film(), tmp_path / NAME, 90)
    whole, again = Analysis(film()).run(None), resume(film(), tmp_path / NAME, key="b" * 64)
    assert again.passes == whole.passes
    assert not list(tmp_path.iterdir())


def test_a_pass_at_another_time_is_not_used(tmp_path: Path) -> None:
    """What the file says of other frames is of no use, and does no harm."""
    run_interrupted(film(), tmp_path / NAME, 90)
    shifted = film()
    shifted.times = [time + Fraction(1, 1000) for time in shifted.times]
    again = resume(shifted, tmp_path / NAME)
    assert again.tracks == Analysis(shifted).run(None).tracks
    assert again.passes == Analysis(shifted).run(None).passes


BASE = Recipe(passes=PASSES)


def test_a_key_tells_what_counts_apart() -> None:
    same = cache_key(
        "sha256:a", replace(BASE, style="solid", track_threshold=0.9, encoder="h264"), "cpu"
    )
    keys = [
        cache_key("sha256:a", BASE, "cpu"),
        cache_key("sha256:b", BASE, "cpu"),
        cache_key("sha256:a", BASE, "cuda"),
        cache_key("sha256:a", replace(BASE, slope=0.1), "cpu"),
        cache_key("sha256:a", replace(BASE, passes=PASSES[::-1]), "cpu"),
        cache_key("sha256:a", replace(BASE, passes=PASSES[:1]), "cpu"),
        cache_key(
            "sha256:a", replace(BASE, passes=(replace(PASSES[0], every=3), PASSES[1])), "cpu"
        ),
    ]
    assert same == keys[0]
    assert len(set(keys)) == len(keys)


def test_a_key_tells_weights_and_versions_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    before = cache_key("sha256:a", BASE, "cpu")
    with monkeypatch.context() as patch:
        patch.setattr("redact.detect.cache.metadata.version", lambda _: "0")
        assert cache_key("sha256:a", BASE, "cpu") != before
    monkeypatch.setattr("redact.detect.cache.catalogue", dict)
    assert cache_key("sha256:a", BASE, "cpu") != before


@pytest.mark.parametrize("score", [0.1, 1 / 3, 0.9])
def test_every_number_is_exact(score: float) -> None:
    seen = Detection(Kind.PLATE, Box(-1 / 3, 0.1, 1e-7 + 2, 1 / 7 + 3), score)
    segment = Segment(KEY, 7, (CachedPass(3, Fraction(1001, 30000), 1, (seen, seen)),))
    assert unseal(seal(segment), Segment) == segment


# whose it is


@posix_only
def test_two_runs_do_not_mix(tmp_path: Path) -> None:
    with suppress(KeyboardInterrupt), DetectionCache(tmp_path / NAME, segment=1) as first:
        Analysis(film()).run(first, None)
        kept = stored(cache_folder(tmp_path / NAME))
        again = resume(film(), tmp_path / NAME)
        assert again.passes == Analysis(film()).run(None).passes
        assert stored(cache_folder(tmp_path / NAME)) == kept == {0, 1, 2, 3}
        assert remove_caches(tmp_path) == []
    assert not list(tmp_path.iterdir())


HOLD = """
import sys, time
from pathlib import Path
from redact.core.geometry import Size
from redact.detect.cache import DetectionCache
cache = DetectionCache(Path(sys.argv[1]))
cache.begin("a" * 64, 2, Size(48, 32))
Path(sys.argv[2]).touch()
time.sleep(60)
"""


@posix_only
def test_a_killed_run_has_it_no_longer(tmp_path: Path) -> None:
    folder = run_interrupted(film(), tmp_path / NAME, 90)
    begun = tmp_path / "begun"
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / NAME), str(begun)])
    try:
        until = time.monotonic() + 60
        while not begun.exists():
            assert time.monotonic() < until
            time.sleep(0.02)
        assert remove_caches(tmp_path) == []
    finally:
        other.kill()
        other.wait()
    assert remove_caches(tmp_path) == [folder]


@posix_only
@pytest.mark.parametrize("way", ["open to others", "link", "file", "another's"])
def test_what_others_could_have_put_there_is_left_alone(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = run_interrupted(film(), tmp_path / NAME, 90)
    if way == "open to others":
        folder.chmod(0o777)
    elif way == "another's":
        monkeypatch.setattr("redact.core.storage.os.geteuid", lambda: os.getuid() + 1)
    else:
        moved = folder.rename(tmp_path / "moved")
        folder.symlink_to(moved) if way == "link" else folder.touch()
    again = resume(film(), tmp_path / NAME)
    assert again.passes == Analysis(film()).run(None).passes
    assert os.path.lexists(folder)
    assert remove_caches(tmp_path) == []


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root can be another user"
)
def test_what_another_puts_in_the_place_of_the_folder_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They say that nobody is there; the folder was this user's when it was looked at."""
    whole = Analysis(film()).run(None)
    folder = run_interrupted(film(), tmp_path / NAME, 90)
    assert stored(folder)

    def raced(place: Path) -> FolderLock | None:
        held = lock(place)
        mine = place.rename(tmp_path / "moved")
        place.mkdir()
        for number in stored(mine):
            known = unseal((mine / f"{number}.json").read_bytes(), Segment)
            passes = tuple(replace(one, detections=()) for one in known.passes)
            forged = place / f"{number}.json"
            forged.write_bytes(seal(replace(known, passes=passes)))
            os.chown(forged, 65534, 65534)
        return held

    monkeypatch.setattr("redact.detect.cache.lock", raced)
    assert resume(film(), tmp_path / NAME).tracks == whole.tracks


def test_a_full_disk_or_lost_folder_does_not_end_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("redact.detect.cache.write_private", full)
    with DetectionCache(tmp_path / NAME, segment=1) as cache:
        again = Analysis(film()).run(cache)
    assert again.tracks == Analysis(film()).run(None).tracks
    with DetectionCache(tmp_path / "missing" / NAME, segment=1) as cache:
        Analysis(film()).run(cache)
    assert not list(tmp_path.iterdir())


def test_the_segment_of_a_failed_pass_is_not_kept(tmp_path: Path) -> None:
    cache = DetectionCache(tmp_path / NAME, segment=1)
    cache.begin(KEY, len(PASSES), SIZE)
    futures: list[Future[list[Detection]]] = [Future(), Future()]
    frames: Sequence[Frame] = [Frame(n, Fraction(n), marked(SIZE, None)) for n in range(3)]
    for frame, future in zip(frames, futures, strict=False):
        cache.advance(frame)
        assert not cache.recall(frame, 0, future)
    assert not list(tmp_path.iterdir())  # the first segment has ended, but its pass has not
    futures[1].set_result([])
    futures[0].set_exception(EngineError("the detector failed"))
    cache.advance(frames[2])
    assert not list(tmp_path.iterdir())
