"""The contract of a source, over every container and every kind of clip."""

from __future__ import annotations

import gc
import hashlib
import os
import re
import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from av import VideoFrame

from redact.core.frames import Rgb, stored, upright
from redact.core.geometry import Size
from redact.errors import ChangedInputError
from redact.media.video.source import VideoSource
from tests import clips

EVERY = sorted(clips.RECIPES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


def times(source: VideoSource) -> list[Fraction]:
    return [frame.time for frame in source.frames()]


def players_times(path: Path) -> list[float]:
    """What ffmpeg itself shows, as an independent witness."""
    command = [clips.program(), "-nostdin", "-copyts", "-i", str(path), "-map", "0:v:0"]
    command += ["-vf", "showinfo", "-fps_mode", "passthrough", "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return [float(time) for time in re.findall(r"pts_time:([-0-9.]+)", said)]


@pytest.mark.parametrize("name", EVERY)
def test_frames_are_those_of_a_player(folder: Path, name: str) -> None:
    path = clips.make(folder, name)
    source = VideoSource(path)
    found = times(source)
    assert found == sorted(set(found))
    assert [float(time) for time in found] == pytest.approx(players_times(path), abs=1e-4)
    assert times(source) == found, "a source is readable as often as asked"


@pytest.mark.parametrize("name", EVERY)
def test_indices_count_and_sizes_agree(folder: Path, name: str) -> None:
    source = VideoSource(clips.make(folder, name))
    frames = list(source.frames())
    assert [frame.index for frame in frames] == list(range(len(frames)))
    assert source.info.frames in {None, len(frames)}
    picture = frames[0].picture
    assert picture.turn.upright_size(picture.stored_size) == source.info.size
    assert picture.rgb(Size(20, 10)).shape == (10, 20, 3)


@pytest.mark.parametrize("name", EVERY)
def test_drawing_on_planes_draws_on_the_picture(folder: Path, name: str) -> None:
    source = VideoSource(clips.make(folder, name))
    for frame in list(source.frames())[:3]:
        picture = frame.picture
        for plane in picture.planes():
            for channel, letter in enumerate(plane.role):
                value = picture.colour.sample(letter, (255, 0, 0))
                samples = plane.samples if plane.samples.ndim == 2 else plane.samples[..., channel]
                samples[...] = value
        seen = picture.rgb(Size(8, 8)).astype(int)
        wanted = [76] * 3 if name == "grey" else [255, 0, 0]  # red's luma
        assert np.abs(seen - wanted).max() <= 6


@pytest.mark.parametrize("name", ["b_frames", "ten_bit", "webm", "avi"])
def test_drawing_on_one_frame_alters_no_other(folder: Path, name: str) -> None:
    source = VideoSource(clips.make(folder, name))
    clean = [frame.picture.rgb(source.info.size) for frame in source.frames()]
    for frame, wanted in zip(source.frames(), clean, strict=True):
        assert np.array_equal(frame.picture.rgb(source.info.size), wanted)
        for plane in frame.picture.planes():
            plane.samples[...] = 77


def quarters_of(picture: Rgb) -> list[tuple[int, ...]]:
    half_height, half_width = picture.shape[0] // 2, picture.shape[1] // 2
    parts = [
        picture[:half_height, :half_width],
        picture[:half_height, half_width:],
        picture[half_height:, :half_width],
        picture[half_height:, half_width:],
    ]
    return [tuple(part.reshape(-1, 3).mean(0).round().astype(int)) for part in parts]


@pytest.mark.parametrize(("quarters", "mirrored"), clips.TURNS)
def test_turned_pictures_are_upright_as_a_player_shows_them(
    folder: Path, quarters: int, mirrored: bool
) -> None:
    path = clips.make_turned(folder, quarters, mirrored)
    source = VideoSource(path)
    shown = folder / f"shown_{quarters}_{mirrored}.png"
    clips.run("-i", path, "-frames:v", "1", "-update", "1", shown)
    wanted = read_still(shown)
    frame = next(iter(source.frames()))
    assert (source.info.size.width, source.info.size.height) == wanted.shape[1::-1]
    found = frame.picture.rgb(source.info.size)
    assert np.abs(np.subtract(quarters_of(found), quarters_of(wanted))).max() <= 4
    assert np.array_equal(upright(stored(found, frame.picture.turn), frame.picture.turn), found)


def read_still(path: Path) -> Rgb:
    import cv2

    picture = cv2.imread(str(path))
    assert picture is not None
    return np.ascontiguousarray(picture[..., ::-1])


def test_edit_list_hides_what_a_player_hides(folder: Path) -> None:
    path = clips.make_cut(folder)
    source = VideoSource(path)
    found = times(source)
    assert [float(time) for time in found] == pytest.approx(players_times(path), abs=1e-4)
    assert len(found) < len(times(VideoSource(clips.make(folder, "b_frames"))))
    assert source.info.frames == len(found)


def test_uneven_times_are_exact(folder: Path) -> None:
    steps = {b - a for a, b in pairwise(times(VideoSource(clips.make(folder, "uneven"))))}
    assert steps == {Fraction(1, 10), Fraction(2, 10)}


def test_details_are_what_the_clip_says(folder: Path) -> None:
    hdr = VideoSource(clips.make(folder, "bt2020")).media_info
    assert (hdr.tags.primaries, hdr.tags.transfer, hdr.tags.matrix) == (9, 16, 9)
    assert hdr.colour.matrix == "bt2020"
    assert VideoSource(clips.make(folder, "full_range")).media_info.colour.full_range
    assert VideoSource(clips.make(folder, "ten_bit")).media_info.colour.bits == 10
    assert VideoSource(clips.make(folder, "anamorphic")).media_info.aspect == Fraction(16, 11)
    assert VideoSource(clips.make(folder, "interlaced")).media_info.interlaced
    assert VideoSource(clips.make(folder, "alpha")).media_info.pixel_format == "yuva420p"
    assert [track.codec for track in VideoSource(clips.make(folder, "mkv")).media_info.audio] == [
        "flac"
    ]


@pytest.mark.parametrize("name", ["-i", "two words.mp4", "a\nb.mp4", "http:x.mp4", "concat:a|b"])
def test_odd_names_are_files(folder: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(clips.make(folder, "plain").read_bytes())
    assert len(times(VideoSource(path))) == 10


def test_names_that_are_no_text_are_files(folder: Path, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.mp4"))
    path.write_bytes(clips.make(folder, "plain").read_bytes())
    assert len(times(VideoSource(path))) == 10


def test_symbolic_links_to_files_are_followed(folder: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.mp4"
    link.symlink_to(clips.make(folder, "plain"))
    assert len(times(VideoSource(link))) == 10


def test_fingerprint_is_of_the_whole_file(folder: Path) -> None:
    path = clips.make(folder, "plain")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert VideoSource(path).fingerprint == f"sha256:{digest}"


def copy(folder: Path, tmp_path: Path) -> Path:
    path = tmp_path / "copy.mp4"
    path.write_bytes(clips.make(folder, "sound").read_bytes())
    return path


def test_a_file_that_grows_while_it_is_read_is_refused(folder: Path, tmp_path: Path) -> None:
    path = copy(folder, tmp_path)
    source = VideoSource(path)
    frames = source.frames()
    next(frames)
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(ChangedInputError):
        list(frames)


def test_a_file_that_was_replaced_is_refused(folder: Path, tmp_path: Path) -> None:
    path = copy(folder, tmp_path)
    source = VideoSource(path)
    other = tmp_path / "other.mp4"
    other.write_bytes(path.read_bytes())
    other.replace(path)
    with pytest.raises(ChangedInputError):
        list(source.frames())
    with pytest.raises(ChangedInputError):
        _ = source.fingerprint


def test_frames_give_their_memory_back_without_the_garbage_collector(folder: Path) -> None:
    source = VideoSource(clips.make(folder, EVERY[0]))
    gc.collect()
    gc.disable()
    before = _living()
    try:
        held = [frame for frame in source.frames() if frame.picture.planes()]
        assert _living() - before >= len(held) > 2
        held.clear()
        assert _living() == before
    finally:
        gc.enable()


def _living() -> int:
    return sum(isinstance(thing, VideoFrame) for thing in gc.get_objects())


def test_stopping_early_is_no_error(folder: Path) -> None:
    frames = VideoSource(clips.make(folder, "sound")).frames()
    next(frames)
    frames.close()
