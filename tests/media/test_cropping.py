"""What a container crops away is in no result."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from redact.core.geometry import Size
from redact.errors import UnsupportedInputError
from redact.media.video.cropping import Crop
from redact.media.video.sink import VideoSink
from redact.media.video.smart_rendering import find_copies
from redact.media.video.source import VideoSource
from tests import clips

CONTAINERS = (".mp4", ".mov", ".mkv")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


def luma(source: VideoSource) -> list[np.ndarray]:
    return [np.array(frame.picture.planes()[0].samples) for frame in source.frames()]


@pytest.mark.parametrize("suffix", CONTAINERS)
@pytest.mark.parametrize("place", [(0, 0), (6, 10), (7, 3)])
def test_frames_are_what_players_leave(folder: Path, suffix: str, place: tuple[int, int]) -> None:
    left, top = place
    source = VideoSource(clips.make_cropped(folder, suffix, left, top, 40, 32))
    assert source.crop == Crop(left, top, 24 - left, 16 - top)
    assert source.info.size == source.media_info.size == Size(40, 32)
    whole = luma(VideoSource(clips.make(folder, "plain")))
    for seen, stored in zip(luma(source), whole, strict=True):
        assert np.array_equal(seen, stored[top : top + 32, left : left + 40])
    (note,) = source.notes
    assert note.kind == "cropped"
    assert "40x32" in note.text


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_a_result_holds_nothing_that_was_cropped_away(folder: Path, suffix: str) -> None:
    source = VideoSource(clips.make_cropped(folder, suffix, 6, 10, 40, 32))
    output = folder / f"result{suffix}"
    with VideoSink(output, source) as sink:
        for frame in source.frames():
            sink.write(frame)
    result = VideoSource(output)
    assert result.crop is None
    assert result.media_info.size == Size(40, 32)
    for seen, wanted in zip(luma(result), luma(source), strict=True):
        assert np.abs(seen.astype(int) - wanted).mean() < 3


def test_coded_pictures_of_a_cropped_video_are_not_copied(folder: Path) -> None:
    plain, cropped = clips.make(folder, "plain"), clips.make_cropped(folder, ".mp4", 6, 10, 40, 32)
    frames = len(luma(VideoSource(plain)))
    assert find_copies(folder / "copy.mp4", VideoSource(plain), lambda *_: [], frames)
    assert not find_copies(folder / "copy.mp4", VideoSource(cropped), lambda *_: [], frames)


def test_a_shape_that_holds_for_the_cropped_picture_is_kept(folder: Path) -> None:
    """Without a pixel shape of its own, a track's size is that of its clean aperture."""
    path = folder / "unshaped.mp4"
    data = bytearray(clips.make_cropped(folder, ".mp4", 6, 10, 40, 32).read_bytes())
    data = data.replace(b"pasp", b"free")
    sizes = (64 << 16).to_bytes(4, "big") + (48 << 16).to_bytes(4, "big")
    assert data.count(sizes) == 1
    path.write_bytes(data.replace(sizes, (80 << 16).to_bytes(4, "big") + (32 << 16).to_bytes(4)))
    assert VideoSource(path).media_info.aspect == 2


def test_what_leaves_nothing_is_ignored_as_players_do(folder: Path) -> None:
    for number, aperture in enumerate(((0, 0, 0, 0), (0, 0, 64, 48), (-4, 0, 40, 32))):
        path = folder / f"odd_{number}.mp4"
        path.write_bytes(clips.make(folder, "plain").read_bytes())
        clips.insert_box(path, clips.clean_aperture((64, 48), *aperture))
        source = VideoSource(path)
        assert source.crop is None
        assert source.media_info.size == Size(64, 48)


def test_fields_are_never_exchanged(folder: Path) -> None:
    path = folder / "fields.mp4"
    path.write_bytes(clips.make(folder, "interlaced").read_bytes())
    clips.insert_box(path, clips.clean_aperture((64, 48), 0, 3, 64, 32))
    with pytest.raises(UnsupportedInputError, match="odd number of lines"):
        VideoSource(path)
