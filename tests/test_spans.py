"""Spans of real clips: decoded from a key frame, they give what reading from the start gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from redact import analysis, spans, stages
from redact.core.findings import Detection, Kind
from redact.core.frames import Rgb
from redact.core.geometry import Box, Size
from redact.core.passes import Pass
from redact.core.recipe import Recipe
from redact.detect.cache import SEGMENT, DetectionCache, cache_folder
from redact.detect.detectors.devices import VARIABLE
from redact.detect.draft_spans import SpansOfDraft, find_draft
from redact.detect.spans import decode_span, write_span
from redact.media.formats import open_source
from redact.spans import (
    SpanCount,
    count_spans,
    detect_in_span,
    draft_key,
    examine_span,
    span_key,
)
from redact.verify.result import Checking, Verification
from redact.verify.second_opinion import SETTINGS
from tests import clips

RECIPE = Recipe(passes=(Pass("yunet", 64, 0.3, every=2), Pass("yunet", 48, 0.3, every=9)), slope=0)
SECONDS = 2  # of a span here
LENGTH = 7  # seconds of a clip

H264 = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "10", "-bf", "3")
CLIPS = {
    "a.mp4": H264,
    "open.mkv": (*H264, "-x264-params", "open-gop=1"),
    "late.ts": (*H264, "-vf", "setpts=PTS+3/TB"),
    "turned.mov": (*H264, "-vf", "transpose"),
    "ten.mp4": (
        *("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le", "-g", "12"),
        *("-x265-params", "log-level=0"),
    ),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-g", "15"),
    "uneven.mp4": (*H264, "-vf", "select='not(eq(mod(n,5),3))'", "-fps_mode", "passthrough"),
}


class Peculiar:
    """Finds something else in every picture, so that no other picture can stand for it."""

    def detect(self, pictures: Sequence[Rgb], _: float) -> list[list[Detection]]:
        return [self._detect(crc32(picture.tobytes())) for picture in pictures]

    def _detect(self, seen: int) -> list[Detection]:
        left, top = float(seen % 31), float(seen // 31 % 17)
        found = Detection(Kind.FACE, Box(left, top, left + 9.5, top + 11), 0.3 + seen % 997 / 2000)
        return [found] if seen % 3 else []


@pytest.fixture(autouse=True)
def _peculiar(monkeypatch: pytest.MonkeyPatch) -> None:
    spans._runner.cache_clear()
    spans._second_opinion.cache_clear()
    for module in (analysis, spans):
        monkeypatch.setattr(module, "load", lambda _: Peculiar())


def make(folder: Path, name: str) -> Path:
    picture = f"testsrc2=s=64x48:r=10:d={LENGTH}"
    clips.run("-f", "lavfi", "-i", picture, *CLIPS[name], folder / name)
    return folder / name


def silent(stage: str, done: int, expected: int | None) -> None:
    pass


@pytest.mark.parametrize("name", CLIPS)
def test_the_plan_of_a_divided_clip_is_that_of_the_whole_one(tmp_path: Path, name: str) -> None:
    source, output = make(tmp_path, name), tmp_path / "out.mp4"
    whole = analysis.analyse(open_source(source), RECIPE, None, silent)
    assert len(whole.tracks) > 3
    for number in (3, 1, 2):
        data = detect_in_span(source, RECIPE, number, silent, seconds=SECONDS)
        write_span(cache_folder(output), data, span_key(RECIPE), number)
    with DetectionCache(output, True, segment=SECONDS) as cache:
        divided = analysis.analyse(open_source(source), RECIPE, cache, silent)
        assert cache.elsewhere.used == 3
    assert divided == whole


def test_nearly_all_passes_of_a_span_are_spared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, output = make(tmp_path, "a.mp4"), tmp_path / "out.mp4"
    for number in range(4):
        data = detect_in_span(source, RECIPE, number, silent, seconds=SECONDS)
        write_span(cache_folder(output), data, span_key(RECIPE), number)
    ran = []

    class Counted(Peculiar):
        def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
            ran.append(threshold)
            return super().detect(pictures, threshold)

    monkeypatch.setattr(analysis, "load", lambda _: Counted())
    with DetectionCache(output, True, segment=SECONDS) as cache:
        analysis.analyse(open_source(source), RECIPE, cache, silent)
    assert len(ran) <= 4 * 2 * len(RECIPE.passes)  # those that are compared


def test_what_does_not_come_from_a_key_frame_is_searched_here(tmp_path: Path) -> None:
    """A file that is damaged in the midst: a span may end early, and nothing is lost."""
    source, output = make(tmp_path, "a.mp4"), tmp_path / "out.mp4"
    data = bytearray(source.read_bytes())
    for place in range(len(data) // 2, len(data) // 2 + 60):
        data[place] ^= 0x5A
    source.write_bytes(data)
    whole = analysis.analyse(open_source(source), RECIPE, None, silent)
    for number in range(4):
        found = detect_in_span(source, RECIPE, number, silent, seconds=SECONDS)
        write_span(cache_folder(output), found, span_key(RECIPE), number)
    with DetectionCache(output, True, segment=SECONDS) as cache:
        divided = analysis.analyse(open_source(source), RECIPE, cache, silent)
    assert divided == whole


DRAFTS = ("a.mp4", "ten.mp4", "vp9.webm", "uneven.mp4")


@pytest.mark.parametrize("name", DRAFTS)
def test_the_verdict_on_a_divided_draft_is_that_on_the_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A draft that hides nothing, in which somebody seems to be nearly everywhere."""
    ran: list[str] = []

    class Enlarging(Peculiar):
        def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
            (picture,) = pictures
            if picture.shape[:2] != (256, 256):
                ran.append("a pass")
                return super().detect(pictures, threshold)
            score = 0.5 + crc32(picture.tobytes()) % 499 / 1000
            sides = 45, 75, 110  # the spot is in the middle of a view
            return [[Detection(Kind.FACE, Box.around(128, 128, s, s), score) for s in sides]]

    monkeypatch.setattr(stages, "load", lambda _: Enlarging())
    monkeypatch.setattr("redact.verify.second_opinion.GLANCE", 72)
    for detector, chosen in SETTINGS.items():
        monkeypatch.setitem(SETTINGS, detector, replace(chosen, side=80 + len(detector)))
    source, output = make(tmp_path, name), tmp_path / "out.mp4"
    draft = tmp_path / ".out.mp4.01234567.1.89abcdef.part" / f"draft{source.suffix}"
    draft.parent.mkdir()
    draft.write_bytes(source.read_bytes())
    checking = Checking()

    def check(cache: DetectionCache | None) -> Verification:
        ran.clear()
        opened = open_source(source)
        return stages.check(opened, draft, plan, checking, None, silent, cache)

    with DetectionCache(output, segment=SECONDS) as cache:
        made = analysis.analyse(open_source(source), RECIPE, cache, silent)
        plan = replace(made, tracks=())
        whole = check(None)
        alone = len(ran)
        assert whole.leaks
        share, folder = cache.share_draft, cache_folder(output)

        def share_and_find(*how: Any) -> SpansOfDraft | None:
            shared = share(*how)
            found = find_draft(folder)
            assert found is not None
            path, token = found
            assert path == draft
            for number in (3, 1, 2):
                data = examine_span(path, RECIPE, token, number, silent, seconds=SECONDS)
                write_span(folder, data, draft_key(RECIPE, token), number)
            return shared

        monkeypatch.setattr(cache, "share_draft", share_and_find)
        divided = check(cache)
        assert cache.spans_checked == 3
    assert divided == whole
    assert len(ran) < alone * 0.7


def test_a_video_of_one_segment_has_no_draft_to_share(tmp_path: Path) -> None:
    source, output = make(tmp_path, "a.mp4"), tmp_path / "out.mp4"
    with DetectionCache(output) as cache:
        analysis.analyse(open_source(source), RECIPE, cache, silent)
        assert cache.share_draft(tmp_path / ".a.part" / "draft.mp4", [], Size(64, 48), "") is None
        assert cache.spans_checked == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4"]


def test_only_long_videos_are_divided(tmp_path: Path) -> None:
    assert count_spans(make(tmp_path, "a.mp4"), RECIPE) == SpanCount(0, 70)
    slow = tmp_path / "slow.mp4"
    clips.run("-f", "lavfi", "-i", f"testsrc=s=64x48:r=2:d={2 * SEGMENT + 5}", *H264, slow)
    assert count_spans(slow, RECIPE) == SpanCount(3, 130)
    still = tmp_path / "still.png"
    clips.run("-f", "lavfi", "-i", "testsrc=s=64x48:r=1:d=1", still)
    assert count_spans(still, RECIPE) == SpanCount(0, 0)


def test_spans_of_another_device_are_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make(tmp_path, "a.mp4")
    data = detect_in_span(source, RECIPE, 1, silent, seconds=SECONDS)
    monkeypatch.setenv(VARIABLE, "cuda")
    with pytest.raises(ValueError, match="something else"):
        decode_span(data, span_key(RECIPE), 1)
