"""Frames that are read again are those that were read before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from redact.media.again import frames_again
from redact.media.formats import open_source
from redact.media.video import seeking
from redact.media.video.seeking import FrameSeeker, LostError
from redact.media.video.source import VideoSource
from tests import clips


def every_frame(path: Path) -> list[tuple[int, np.ndarray]]:
    source = open_source(path)
    return [(f.index, f.picture.rgb(source.info.size)) for f in source.frames()]


def again(path: Path, indices: list[int]) -> list[tuple[int, np.ndarray]]:
    source = open_source(path)
    times = [frame.time for frame in source.frames()]
    found = frames_again(source, indices, len(times), times[0], times[-1])
    return [(f.index, f.picture.rgb(source.info.size)) for f in found]


@pytest.mark.parametrize("name", ["plain", "ts", "avi", "webm"])
def test_they_are_the_same(tmp_path: Path, name: str) -> None:
    path = clips.make(tmp_path, name)
    every = every_frame(path)
    indices = [0, 2, len(every) - 1]
    found = again(path, indices)
    assert [index for index, _ in found] == indices
    assert all(np.array_equal(picture, every[index][1]) for index, picture in found)
    assert again(path, []) == []


def test_a_damaged_source_is_read_from_its_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a decoder makes of damage depends on where it began."""
    path = clips.make(tmp_path, "plain")
    every = every_frame(path)
    monkeypatch.setattr(VideoSource, "is_damaged", True)
    monkeypatch.setattr(seeking, "index_frames", lambda *_: pytest.fail("it was sought"))
    found = again(path, [1, 4])
    assert [index for index, _ in found] == [1, 4]
    assert all(np.array_equal(picture, every[index][1]) for index, picture in found)


def test_where_key_frames_do_not_lead_it_reads_from_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = clips.make(tmp_path, "plain")
    every = every_frame(path)
    plain = FrameSeeker.frame

    def lost(self: FrameSeeker, index: int) -> object:
        if index > 2:
            raise LostError("planted")
        return plain(self, index)

    monkeypatch.setattr(seeking.FrameSeeker, "frame", lost)
    found = again(path, [1, 4, 5])
    assert [index for index, _ in found] == [1, 4, 5]
    assert all(np.array_equal(picture, every[index][1]) for index, picture in found)
