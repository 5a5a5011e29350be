"""Frames by their index are bit for bit those that come when all is read from the start."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from redact.core.frames import Frame
from redact.media.video.packets import PacketReader
from redact.media.video.seeking import FrameSeeker, LostError, index_frames
from redact.media.video.source import VideoSource
from tests import clips

KINDS = ["b_frames", "mkv", "ts", "webm", "avi", "uneven", "ten_bit", "late", "mpg", "alpha"]


def planes(frame: Frame) -> list[np.ndarray]:
    return [np.array(plane.samples) for plane in frame.picture.planes()]


def check_any_order(path: Path) -> int:
    """Compare frames asked for in any order, and tell how many key frames there are."""
    source = VideoSource(path)
    known = [(frame.time, planes(frame)) for frame in source.frames()]
    index = index_frames(source, len(known), known[0][0], known[-1][0])
    assert index is not None
    assert index.times == [time for time, _ in known]
    seeker = FrameSeeker(source, index)
    order = list(range(len(known)))
    random.Random(1).shuffle(order)
    for number in (*order, *range(len(known)), *reversed(range(len(known)))):
        frame = seeker.frame(number)
        assert (frame.index, frame.time) == (number, known[number][0])
        for found, wanted in zip(planes(frame), known[number][1], strict=True):
            assert np.array_equal(found, wanted)
    seeker.close()
    return len(index.keys)


@pytest.mark.parametrize("name", KINDS)
def test_frames_in_any_order(tmp_path: Path, name: str) -> None:
    check_any_order(clips.make(tmp_path, name))


def test_a_clip_whose_first_frames_are_cut_off(tmp_path: Path) -> None:
    check_any_order(clips.make_cut(tmp_path))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize("options", ["open-gop=1:keyint=5:bframes=3:b-pyramid=normal", "keyint=4"])
def test_jumps_to_many_key_frames(tmp_path: Path, suffix: str, options: str) -> None:
    path = tmp_path / f"clip{suffix}"
    scene = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=2")
    encoder = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-x264-params", options)
    clips.run(*scene, *encoder, path)
    assert check_any_order(path) > 5


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_a_jump_begins_at_the_nearest_key_frame(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"clip{suffix}"
    scene = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=4")
    encoder = (
        "-c:v",
        "libx264",
        "-pix_fmt",
        "yuv420p",
        "-x264-params",
        "keyint=25:bframes=2:scenecut=0",
    )
    clips.run(*scene, *encoder, path)
    source = VideoSource(path)
    index = index_frames(source, 100, *[frame.time for frame in source.frames()][::99])
    assert index is not None
    readers: list[PacketReader] = []

    def reading(*opened: Any) -> PacketReader:
        readers.append(PacketReader(*opened))
        return readers[-1]

    monkeypatch.setattr("redact.media.video.seeking.PacketReader", reading)
    monkeypatch.setattr("redact.media.video.seeking._NEAR", 0)
    seeker = FrameSeeker(source, index)
    seeker.frame(76)  # the second of its group
    assert len(readers) == 1
    assert len(readers[0].pictures) < 20  # and none of the group before
    seeker.frame(95)
    assert len(readers) == 1  # on the way, with no key frame between
    seeker.frame(10)
    seeker.frame(90)
    assert len(readers) == 3  # there is a nearer key frame than where it was
    seeker.close()


def test_a_damaged_clip_is_not_sought_in(tmp_path: Path) -> None:
    source = VideoSource(clips.make_long_damaged(tmp_path))
    frames = list(source.frames())
    assert source.is_damaged
    index = index_frames(source, len(frames), frames[0].time, frames[-1].time)
    assert index is not None
    seeker = FrameSeeker(source, index)
    lost = 0
    for number in range(len(frames)):
        try:
            seeker.frame(number)
        except LostError:
            lost += 1
    assert lost > 0
    seeker.close()


def test_a_clip_that_is_not_as_its_plan_says_has_no_index(tmp_path: Path) -> None:
    source = VideoSource(clips.make(tmp_path, "plain"))
    frames = list(source.frames())
    first, last = frames[0].time, frames[-1].time
    assert index_frames(source, len(frames), first, last) is not None
    assert index_frames(source, len(frames) - 1, first, last) is None
    assert index_frames(source, len(frames), first, last + 1) is None
    assert index_frames(source, len(frames), None, last) is None
