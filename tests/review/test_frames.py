"""What the worker process gives: exact frames, and previews that are what is published."""

from __future__ import annotations

import io
import os
import signal
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from redact import pipeline
from redact.core.edits.values import ChangeStyle, HideBox, HidePath, Key, Show
from redact.core.frames import Frame
from redact.core.geometry import Box
from redact.core.history import add
from redact.core.interfaces import Progress
from redact.core.plan import Plan, SourceId, load
from redact.core.recipe import recipe
from redact.errors import PlanError, RedactError
from redact.hide.covers import style_of
from redact.media.formats import open_source
from redact.review.frames import FrameRequest, Hiding, Opened, OpenSource
from redact.review.media_worker import MediaWorker, PictureCache
from tests import clips
from tests.review.material import FRAMES, box_of, make_plan, track_of


def silent(*_: object) -> None:
    """Progress that nobody asks for."""


SILENT: Progress = silent


class Keeping:
    """A sink that keeps the planes of each frame."""

    def __init__(self) -> None:
        self.frames: list[list[np.ndarray]] = []

    def write(self, frame: Frame) -> None:
        self.frames.append([np.array(p.samples) for p in frame.picture.planes()])


def edited(path: Path, style: str) -> Plan:
    plan = load(path)
    plan = replace(plan, recipe=replace(plan.recipe, style=style))
    plan = add(plan, Show(1, start=Fraction(1), end=Fraction(2)))
    keys = (Key(Fraction(0), Box(200, 80, 260, 140)), Key(Fraction(3), Box(100, 80, 160, 140)))
    plan = add(plan, HidePath(keys, outline="ellipse"), ChangeStyle("pixelate", track=2))
    return add(plan, HideBox(Box(10, 120, 70, 170), outline=((0, 0), (1, 0), (0.5, 1))))


@pytest.mark.parametrize("style", ["blur", "solid", "pixelate"])
def test_the_preview_is_what_is_rendered_bit_by_bit(clip: Path, style: str) -> None:
    tracks = [track_of(1, "red", range(100)), track_of(2, "lime", range(20, 60))]
    plan = edited(make_plan(clip, tracks), style)
    sink, source = Keeping(), open_source(clip)
    how = style_of(plan, None)
    pipeline.render(source, plan.cover(), how, sink, FRAMES, SILENT)  # type: ignore[arg-type]
    hiding = Hiding(plan)
    reader = OpenSource(clip, plan, SILENT).reader
    for index in (0, 1, 2, 40, 55, 20, 21, 99, 98, 30):
        frame = reader.frame(index)
        hiding.hide(frame)
        for found, wanted in zip(frame.picture.planes(), sink.frames[index], strict=True):
            assert np.array_equal(found.samples, wanted), index
    reader.close()


def test_pictures_come_from_a_process_of_their_own(clip: Path, media: MediaWorker) -> None:
    plan = load(make_plan(clip, [track_of(1, "red", range(100))]))
    opened = media.open(clip, plan).result(60)
    assert isinstance(opened, Opened)
    assert len(opened.times) == FRAMES
    assert media.pid not in (None, os.getpid())
    request = FrameRequest(clip, 7, 2, 160, "published")
    pictures = media.pictures(request).result(60)
    sizes = [Image.open(io.BytesIO(file)).size for file in pictures.files]
    assert sizes == [(160, 90)] * 2
    small = np.asarray(Image.open(io.BytesIO(pictures.files[0])).convert("RGB")).astype(int)
    x, y = box_of("red", 7).centre
    assert abs(small[round(y / 2), round(x / 2)] - (255, 0, 255)).max() < 60
    with pytest.raises(PlanError):
        media.pictures(replace(request, first=FRAMES)).result(60)


def test_the_preview_shows_what_a_check_added_to_the_plan(clip: Path, media: MediaWorker) -> None:
    plan = load(make_plan(clip, [track_of(1, "red", range(100))]))
    media.open(clip, plan).result(60)
    request = FrameRequest(clip, 7, 1, 320, "published")
    x, y = map(round, box_of("lime", 7).centre)

    def colour() -> np.ndarray:
        (file,) = media.pictures(request).result(60).files
        return np.asarray(Image.open(io.BytesIO(file)).convert("RGB")).astype(int)[y, x]

    assert abs(colour() - (255, 0, 255)).max() > 100
    media.plan = replace(plan, tracks=(*plan.tracks, track_of(2, "lime", range(100))))
    assert abs(colour() - (255, 0, 255)).max() < 60
    assert media.pid is not None
    os.kill(media.pid, signal.SIGKILL)  # the next process must be told, too
    assert abs(colour() - (255, 0, 255)).max() < 60


def test_a_process_that_is_killed_is_replaced(clip: Path, media: MediaWorker) -> None:
    plan = load(make_plan(clip, [track_of(1, "red", range(100))]))
    media.open(clip, plan).result(60)
    before = media.pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    time.sleep(0.1)
    assert media.pictures(FrameRequest(clip, 3, 1, 160, "original")).result(60).files
    assert media.pid != before


def test_another_source_than_the_plans_is_refused(
    clip: Path, tmp_path: Path, media: MediaWorker
) -> None:
    plan = load(make_plan(clip, [track_of(1, "red", range(100))]))
    other = clips.make(tmp_path, "plain")
    with pytest.raises(RedactError, match="not the file"):
        media.open(other, plan).result(60)


def test_the_cache_is_bounded_in_bytes() -> None:
    cache = PictureCache(1000)
    for number in range(50):
        cache.put(number, bytes(100))
        cache.put(number, bytes(90))  # in place of the one before
        assert cache.size <= 1000
    assert cache.get(0) is None
    assert cache.get(49) == bytes(90)
    assert len([n for n in range(50) if n in cache]) == 11


def test_damaged_frames_are_grey_as_in_the_result(tmp_path: Path) -> None:
    clip = clips.make_long_damaged(tmp_path)
    source = open_source(clip)
    known = {f.index: [np.array(p.samples) for p in f.picture.planes()] for f in source.frames()}
    times = [frame.time for frame in source.frames()]
    assert source.notes
    identity = SourceId(source.fingerprint, source.info.size, len(known), times[0], times[-1])
    opened = OpenSource(clip, Plan(identity, recipe("fast")), SILENT)
    for index in (*reversed(range(len(known))), *range(len(known))):
        frame = opened.reader.frame(index)
        for found, wanted in zip(frame.picture.planes(), known[index], strict=True):
            assert np.array_equal(found.samples, wanted), index


def test_who_goes_away_while_a_frame_comes_breaks_nothing() -> None:
    from concurrent.futures import Future

    from redact.review.frames import Pictures
    from redact.review.showing import _when_kept

    cache: PictureCache = PictureCache(1000)
    coming: Future[Pictures] = Future()
    waiting = _when_kept(coming, "key", cache)
    assert not waiting.cancel()  # the browser went on to another frame
    cache.put("key", b"picture")
    coming.set_result(Pictures((b"picture",)))
    assert waiting.result(1) == b"picture"
    dropped: Future[Pictures] = Future()
    refused = _when_kept(dropped, "other", cache)
    dropped.cancel()
    dropped.set_running_or_notify_cancel()
    with pytest.raises(PlanError):
        refused.result(1)
