"""Recordings whose pictures change their size are in one size, nothing cut off and nothing bent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from redact.core.geometry import Size
from redact.errors import UnsupportedInputError
from redact.media.video.resizing import largest_size
from redact.media.video.sink import VideoSink
from redact.media.video.smart_rendering import find_copies
from redact.media.video.source import VideoSource
from tests import clips, odd_clips
from tests.media.test_seeking import check_any_order

CODECS = [("libvpx", ".webm"), ("libvpx-vp9", ".webm"), ("libx264", ".ts"), ("libvpx-vp9", ".mkv")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


def luma(path: Path) -> list[np.ndarray]:
    frames = VideoSource(path).frames()
    return [np.array(frame.picture.planes()[0].samples) for frame in frames]


@pytest.mark.parametrize(("codec", "suffix"), CODECS[:2])
def test_what_grows_has_its_largest_size_from_the_start(
    folder: Path, codec: str, suffix: str
) -> None:
    path = odd_clips.make_resized(folder, ["96x64", "192x128", "48x32"], codec, suffix)
    source = VideoSource(path)
    assert source.info.size == Size(192, 128)
    found = luma(path)
    assert [picture.shape for picture in found] == [(128, 192)] * 75
    for part, size in enumerate(("96x64", "192x128", "48x32")):
        alone = luma(folder / f"{codec}_{size}{suffix}")
        for one, other in zip(found[25 * part :][:25], alone, strict=True):
            wanted = cv2.resize(other, (192, 128), interpolation=cv2.INTER_CUBIC).astype(int)
            assert np.abs(one - wanted).mean() < 6
            if size == "192x128":
                assert np.array_equal(one, other)


def test_other_codecs_have_the_first_size(folder: Path) -> None:
    path = odd_clips.make_resized(folder, ["96x64", "192x128"], "libx264", ".ts")
    source = VideoSource(path)
    assert source.info.size == Size(96, 64)
    assert {frame.picture.stored_size for frame in source.frames()} == {Size(96, 64)}
    (note,) = [note for note in source.notes if note.kind == "resized"]
    assert (note.count, note.text) == (25, "25 frames have another size: scaled to 96x64")


def test_what_was_turned_lies_whole_between_bars(folder: Path) -> None:
    path = odd_clips.make_resized(folder, ["192x96", "96x192"])
    found = luma(path)
    assert {picture.shape for picture in found} == {(96, 192)}
    alone = luma(folder / "libvpx_96x192.webm")
    for one, other in zip(found[25:], alone, strict=True):
        bars = np.hstack([one[:, :72], one[:, -72:]])
        assert bars.max() <= 16
        wanted = cv2.resize(other, (48, 96), interpolation=cv2.INTER_AREA).astype(int)
        assert np.abs(one[:, 72:-72] - wanted).mean() < 8


@pytest.mark.parametrize(("codec", "suffix"), CODECS)
def test_a_result_has_one_size_and_nothing_is_copied(
    folder: Path, tmp_path: Path, codec: str, suffix: str
) -> None:
    path = odd_clips.make_resized(folder, ["96x64", "192x128"], codec, suffix)
    output = tmp_path / f"out{suffix}"
    source = VideoSource(path)
    assert find_copies(output, source, lambda *_: [], 50) is None
    with VideoSink(output, source) as sink:
        for frame in source.frames():
            sink.write(frame)
    result = VideoSource(output)
    assert result.media_info.size == source.media_info.size
    assert len(list(result.frames())) == 50
    assert result.notes == ()


@pytest.mark.parametrize(("codec", "suffix"), CODECS)
def test_frames_that_are_sought_are_those_that_are_read(
    folder: Path, codec: str, suffix: str
) -> None:
    check_any_order(odd_clips.make_resized(folder, ["96x64", "192x128"], codec, suffix))


def test_a_header_that_claims_too_much_is_refused(tmp_path: Path) -> None:
    path = clips.make(tmp_path, "webm")
    source = VideoSource(path)
    with pytest.raises(UnsupportedInputError, match="larger than"):
        largest_size(path, source.identity, replace(source.media_info, size=Size(16383, 16383)))


def test_without_a_change_nothing_is_touched(folder: Path) -> None:
    source = VideoSource(odd_clips.make_resized(folder, ["96x64"]))
    shaper = source.make_shaper()
    for frame in source.frames():
        assert shaper.shape(frame.picture.frame) is frame.picture.frame
    assert shaper.resized == 0
    assert source.notes == ()
