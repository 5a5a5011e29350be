"""Detections that others found: the plan is the one without them, whatever they sent."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from math import nextafter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redact.core.findings import Detection, Kind
from redact.core.frames import Frame
from redact.core.geometry import Box, Size, Turn
from redact.core.passes import REFERENCE_RATE
from redact.core.recipe import PROFILES
from redact.detect.cache import DetectionCache, cache_folder, remove_caches
from redact.detect.schedule import PassRunner
from redact.detect.spans import (
    LARGEST,
    PassOnPicture,
    Plausible,
    Span,
    SpanRecorder,
    SpansFoundElsewhere,
    decode_span,
    digest_picture,
    encode_span,
    span_path,
    write_span,
)
from redact.spans import LEAD_IN, run_passes
from tests.detect.test_cache import (
    NAME,
    PASSES,
    SIZE,
    SPAN_KEY,
    Analysis,
    film,
    films,
    resume,
    run_interrupted,
)
from tests.painted import TURNS, flat, painted
from tests.scripted import PaintedSource, ScriptedDetector, even_times

FOLLOW = 1.5


def search(source: PaintedSource, number: int, seconds: int, lead_in: Fraction) -> Span:
    """What a worker finds in one span."""
    first, *rest = source.frames()
    start = first.time + number * seconds
    frames = [f for f in rest if start - lead_in <= f.time < start + seconds]
    recorder = SpanRecorder(start)
    runner = PassRunner(PASSES, lambda _: ScriptedDetector())
    run_passes([first, *frames], runner, FOLLOW, recorder, lambda *_: None)
    return recorder.span(SPAN_KEY, number)


def put(folder: Path, number: int, data: bytes) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    span_path(folder, number).write_bytes(data)


def analyse_with(
    source: PaintedSource, output: Path, spans: Iterable[tuple[int, bytes]], seconds: int
) -> tuple[Analysis, int]:
    """An analysis that finds these in its folder, and in how many spans they were of use."""
    with DetectionCache(output, segment=seconds) as cache:
        run = Analysis(source)
        begin = cache.begin

        def begin_and_find(*how: object) -> None:
            begin(*how)  # type: ignore[arg-type]
            for number, data in spans:
                put(cache_folder(output), number, data)

        cache.begin = begin_and_find  # type: ignore[method-assign]
        return run.run(cache), cache.elsewhere.used


def change_detections(change: Callable[[Detection], Detection]) -> Callable[[Span], Span]:
    def changed(span: Span) -> Span:
        return replace(span, passes=tuple(
            replace(one, detections=tuple(map(change, one.detections))) for one in span.passes
        ))  # fmt: skip

    return changed


def nudged(found: Detection) -> Detection:
    return replace(found, score=nextafter(found.score, 0))


MISCHIEF: dict[str, Callable[[Span], Span]] = {
    "none": lambda span: span,
    "a part of it": lambda span: replace(span, passes=span.passes[::2]),
    "nothing": lambda span: replace(span, passes=()),
    "in another order": lambda span: replace(span, passes=span.passes[::-1]),
    "a pass twice": lambda span: replace(span, passes=(*span.passes, *span.passes[:1])),
    "of something else": lambda span: replace(span, key="0" * 64),
    "another number": lambda span: replace(span, number=span.number + 1),
    "of other passes": lambda span: replace(span, passes=tuple(
        replace(one, pass_index=1 - one.pass_index) for one in span.passes)),
    "no such pass": lambda span: replace(span, passes=tuple(
        replace(one, pass_index=7) for one in span.passes)),
    "another processor": change_detections(nudged),
    "far away": change_detections(lambda found: replace(found, box=found.box.shifted(1e6, 0))),
    "nobody, in other pictures": lambda span: replace(span, passes=tuple(
        PassOnPicture("0" * 64, one.pass_index, ()) for one in span.passes)),
}  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(
    films(),
    st.integers(1, 4),
    st.fractions(0, 3, max_denominator=30),
    st.dictionaries(st.integers(0, 12), st.sampled_from(sorted(MISCHIEF)), max_size=8),
)
def test_the_plan_is_that_of_one_machine(
    source: PaintedSource, seconds: int, lead_in: Fraction, sent: dict[int, str]
) -> None:
    whole = Analysis(source).run(None)
    spans = []
    for number, what in sent.items():
        made = MISCHIEF[what](search(source, number, seconds, lead_in))
        spans.append((number, encode_span(made)))
    with TemporaryDirectory() as place:
        output = Path(place, NAME)
        divided, _ = analyse_with(source, output, spans, seconds)
        assert not cache_folder(output).exists()
    assert divided.tracks == whole.tracks
    assert divided.views == whole.views


def test_what_others_found_is_not_searched_again(tmp_path: Path) -> None:
    source = film(200)
    whole = Analysis(source).run(None)
    spans = [(n, encode_span(search(source, n, 2, Fraction(3)))) for n in (1, 2, 3)]
    divided, used = analyse_with(source, tmp_path / NAME, spans, 2)
    assert used == 3
    assert divided.tracks == whole.tracks != []
    own = {index for index in whole.detected if index < 50}
    assert own <= divided.detected
    tried = divided.detected - own
    assert 3 <= len(tried) <= 3 * 2 * len(PASSES)  # the first results, which are compared
    assert len(divided.detected) < len(whole.detected) / 2


def test_a_lead_in_gives_the_schedule_of_the_whole(tmp_path: Path) -> None:
    """A picture that fades slowly is new when it differs by some steps from the last new one."""
    pictures = []
    for n in range(100):  # a jump each second, once in the lead-in; no picture comes twice
        level = 90 + (n + 10) % 25 // 7 + 30 * ((n + 10) // 25 % 2)
        pictures.append(flat(SIZE, (level, level, level)))
        pictures[-1].planes()[0].samples[0, :2, 0] += np.array([n % 7, n // 50], np.uint8)
    source = PaintedSource(even_times(100), pictures)
    again = {}
    for lead_in in (Fraction(0), Fraction(LEAD_IN)):
        data = encode_span(search(source, 1, 2, lead_in))
        divided, _ = analyse_with(source, tmp_path / NAME, [(1, data)], 2)
        again[lead_in] = len({index for index in divided.detected if index >= 50})
    assert again[Fraction(LEAD_IN)] <= 2  # the first of each pass
    assert again[Fraction(0)] > 2
    longest = max(one.every for recipe in PROFILES.values() for one in recipe.passes)
    assert max(FOLLOW, longest / REFERENCE_RATE) * 2 <= LEAD_IN


def test_a_span_of_another_processor_is_not_used_at_all(tmp_path: Path) -> None:
    source = film(100)
    span = MISCHIEF["another processor"](search(source, 1, 2, Fraction(3)))
    whole = Analysis(source).run(None)
    divided, used = analyse_with(source, tmp_path / NAME, [(1, encode_span(span))], 2)
    assert (divided.detected, used) == (whole.detected, 0)
    assert divided.tracks == whole.tracks


def test_nobody_found_first_does_not_speak_for_what_is_found_later() -> None:
    """The first pictures of a span may be empty: that both find nothing tells little."""
    spans = SpansFoundElsewhere()
    seen = Detection(Kind.FACE, Box(1, 1, 5, 5), 0.9)
    frames = [Frame(n, Fraction(n), painted(Size(8, 8), seed=n)) for n in range(6)]
    known = [(), (), (nudged(seen),), (nudged(seen),), (), (seen,)]
    span = Span(SPAN_KEY, 0, tuple(
        PassOnPicture(digest_picture(frame.picture), 0, found)
        for frame, found in zip(frames, known, strict=True)
    ))  # fmt: skip
    with TemporaryDirectory() as place:
        put(Path(place), 0, encode_span(span))
        spans.enter(Path(place), SPAN_KEY, 0, Plausible(1, Size(8, 8)))
        taken = []
        for frame, found in zip(frames, [[], [], [seen], [seen], [], [seen]], strict=True):
            result: Future[list[Detection]] = Future()
            taken.append(spans.recall(frame, 0, result))
            if not taken[-1]:
                result.set_result(found)  # computed here
    assert taken == [False, True, False, False, False, False]


def test_a_run_that_was_interrupted_goes_on_with_what_others_found(tmp_path: Path) -> None:
    source, output = film(200), tmp_path / NAME
    whole = Analysis(source).run(None)
    run_interrupted(source, output, 80, span=2)
    for number in (2, 3):
        write_span(cache_folder(output), encode_span(search(source, number, 2, Fraction(3))),
                   SPAN_KEY, number)  # fmt: skip
    again = resume(source, output, 2)
    assert again.tracks == whole.tracks
    assert len({index for index in again.detected if index >= 100}) <= 2 * 2 * len(PASSES)
    assert not list(tmp_path.iterdir())


def test_without_resume_what_others_left_is_removed(tmp_path: Path) -> None:
    source, output = film(100), tmp_path / NAME
    put(cache_folder(output), 1, encode_span(search(source, 1, 2, Fraction(3))))
    with suppress(KeyboardInterrupt), DetectionCache(output, segment=2) as cache:
        Analysis(source).run(cache, KeyboardInterrupt(), 1)
    assert not span_path(cache_folder(output), 1).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_a_folder_that_others_may_write_in_is_left_alone(tmp_path: Path) -> None:
    source, output = film(100), tmp_path / NAME
    data = encode_span(search(source, 1, 2, Fraction(3)))
    folder = cache_folder(output)
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(PermissionError, match="this user's alone"):
        write_span(folder, data, SPAN_KEY, 1)
    span_path(folder, 1).write_bytes(data)
    divided, used = analyse_with(source, output, [], 2)
    assert used == 0
    assert divided.tracks == Analysis(source).run(None).tracks


def test_a_span_behind_a_link_is_not_read(tmp_path: Path) -> None:
    source, output = film(100), tmp_path / NAME
    real = tmp_path / "elsewhere"
    real.write_bytes(encode_span(search(source, 1, 2, Fraction(3))))
    folder = cache_folder(output)
    folder.mkdir(mode=0o700)
    span_path(folder, 1).symlink_to(real)
    with DetectionCache(output, True, segment=2) as cache:
        Analysis(source).run(cache)
        assert cache.elsewhere.used == 0


# what crosses


def test_every_number_is_exact_and_nothing_else_is_a_span() -> None:
    seen = Detection(Kind.PLATE, Box(-1 / 3, 0.1, 1e-7 + 2, 1 / 7 + 3), 1 / 3)
    span = Span(SPAN_KEY, 7, (PassOnPicture("ab", 1, (seen, seen)),))
    data = encode_span(span)
    assert decode_span(data, SPAN_KEY, 7) == span
    for wrong in (b"", data[:-1], data + b" ", data.replace(b"0.1", b"0.2"), b"x" * (LARGEST + 1)):
        with pytest.raises(Exception, match=r".*"):
            decode_span(wrong, SPAN_KEY, 7)
    with pytest.raises(ValueError, match="something else"):
        decode_span(data, SPAN_KEY, 8)
    with pytest.raises(ValueError, match="something else"):
        decode_span(data, "0" * 64, 7)


def test_what_is_too_long_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redact.detect.spans.LARGEST", 200)
    seen = Detection(Kind.FACE, Box(1, 1, 2, 2), 0.5)
    with pytest.raises(ValueError, match="too much"):
        encode_span(Span(SPAN_KEY, 0, (PassOnPicture("ab", 0, (seen,) * 9),)))


def test_only_a_span_is_written(tmp_path: Path) -> None:
    folder = cache_folder(tmp_path / NAME)
    with pytest.raises(ValueError, match="damaged"):
        write_span(folder, b"no span", SPAN_KEY, 1)
    assert not folder.exists()
    write_span(folder, encode_span(Span(SPAN_KEY, 1, ())), SPAN_KEY, 1)
    assert [path.name for path in folder.iterdir()] == ["span-1.json"]
    if os.name == "posix":
        assert folder.stat().st_mode & 0o777 == 0o700
    other = cache_folder(tmp_path / "other.mp4")
    other.mkdir(mode=0o700)
    assert remove_caches(tmp_path, tmp_path / NAME) == [folder]
    assert other.exists()


def test_a_digest_tells_all_apart_that_a_detector_could_see() -> None:
    size = Size(16, 8)
    pictures = [painted(size, layout) for layout in ("yuv420p", "yuv444p", "nv12", "rgb", "gray")]
    pictures += [painted(size, seed=1), painted(size, bits=10), painted(Size(8, 16))]
    pictures += [painted(size, turn=turn) for turn in TURNS if turn != Turn()]
    full = pictures[0].colour
    for colour in (replace(full, full_range=False), replace(full, matrix="bt601")):
        pictures.append(replace(pictures[0], colour=colour))
    assert len({digest_picture(picture) for picture in pictures}) == len(pictures)
    again = pictures[0].copy()
    assert digest_picture(again) == digest_picture(pictures[0])
    np.asarray(again.planes()[-1].samples)[-1, -1] ^= 1
    assert digest_picture(again) != digest_picture(pictures[0])
