"""Ordinary footage whose times go wrong or that begins with pictures that nobody can show."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from redact.core.notes import Note
from redact.core.recipe import recipe
from redact.errors import UnsupportedInputError, VerificationError
from redact.media.formats import check_choices
from redact.media.video import sink
from redact.media.video.checking import find_faults
from redact.media.video.muxing import MuxJob, mux
from redact.media.video.sink import VideoSink
from redact.media.video.source import VideoSource
from tests import clips, odd_clips
from tests.media.test_source import players_times


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("odd")


def times(source: VideoSource) -> list[Fraction]:
    return [frame.time for frame in source.frames()]


def copy(path: Path, output: Path) -> VideoSource:
    """Decode and encode unchanged."""
    source = VideoSource(path)
    times(source)  # as an analysis does
    with VideoSink(output, source) as sink:
        for frame in source.frames():
            sink.write(frame)
    return VideoSource(output)


def note(source: VideoSource, kind: str) -> Note:
    (found,) = [note for note in source.notes if note.kind == kind]
    return found


@pytest.mark.parametrize("name", odd_clips.ODD)
def test_every_frame_of_a_player_comes_at_its_time(folder: Path, name: str) -> None:
    maker, kinds = odd_clips.ODD[name]
    path = maker(folder)
    source = VideoSource(path)
    found = times(source)
    shown = players_times(path)
    assert len(found) == len(shown)
    assert all(a < b for a, b in pairwise(found))
    constant = found[0] - Fraction(shown[0]) if path.suffix == ".avi" else 0  # a decoder's delay
    moved = sum(abs(float(a - constant) - b) > 1e-4 for a, b in zip(found, shown, strict=True))
    assert {note.kind for note in source.notes} == kinds
    assert moved == (note(source, "times_moved").count if "times_moved" in kinds else 0)
    assert times(source) == found


@pytest.mark.parametrize("name", odd_clips.ODD)
def test_the_result_has_the_same_times_and_no_oddity(
    folder: Path, tmp_path: Path, name: str
) -> None:
    path = odd_clips.ODD[name][0](folder)
    before, after = VideoSource(path), copy(path, tmp_path / f"out{path.suffix}")
    wanted, found = times(before), times(after)
    assert {b - a for a, b in zip(wanted, found, strict=True)} == {found[0] - wanted[0]}
    assert after.notes == ()
    pairs = zip(before.frames(), after.frames(), strict=True)
    pictures = [[f.picture.rgb(before.info.size).astype(float) for f in pair] for pair in pairs]
    assert max(np.abs(one - two).mean() for one, two in pictures) < 5


def test_what_collides_is_moved_by_one_tick(folder: Path) -> None:
    source = VideoSource(odd_clips.ODD["equal times"][0](folder))
    found = times(source)
    assert found[1] - found[0] == Fraction(1, 1000)
    assert note(source, "times_moved").text.startswith("1 frame is moved in time, by 1.000 ms")


def test_an_avi_begins_with_its_first_picture(folder: Path) -> None:
    for name in ("XviD", "MPEG-2 in AVI", "packed bitstream"):
        found = times(VideoSource(odd_clips.ODD[name][0](folder)))
        assert found == [Fraction(n, 25) for n in range(50)], name


def test_an_empty_chunk_is_the_last_picture_again(folder: Path) -> None:
    found = times(VideoSource(odd_clips.ODD["empty chunks"][0](folder)))
    kept = [n for n in range(50) if n % 7 != 3 and not 10 <= n <= 13]
    assert [(time - found[0]) * 25 for time in found] == [n - kept[0] for n in kept]


def test_an_avi_without_sound_that_begins_late_begins_at_once(folder: Path, tmp_path: Path) -> None:
    path = odd_clips.make_late_avi(folder, sound=False)
    assert players_times(path)[0] == pytest.approx(0.48)
    source = VideoSource(path)
    VideoSink(tmp_path / "out.avi", source).check_writable()
    assert times(source) == [Fraction(n, 25) for n in range(50)]
    assert times(copy(path, tmp_path / "out.avi")) == times(source)


def test_an_avi_whose_sound_begins_first_is_refused_before_the_work(
    folder: Path, tmp_path: Path
) -> None:
    path = odd_clips.make_late_avi(folder, sound=True)
    source = VideoSource(path)
    assert times(source)[0] == Fraction(12, 25)
    with pytest.raises(UnsupportedInputError, match=r"they would be 480\.000 ms off"):
        VideoSink(tmp_path / "out.avi", source).check_writable()
    assert times(copy(path, tmp_path / "out.mp4")) == times(source)


def sound_times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        packets = container.demux(container.streams.audio[0])
        return [float(p.pts * p.time_base) for p in packets if p.pts is not None]


def test_where_times_begin_anew_pictures_and_sound_go_on(folder: Path, tmp_path: Path) -> None:
    path = odd_clips.make_restarted(folder)
    source = VideoSource(path)
    found = times(source)
    assert len(found) == 100
    assert {b - a for a, b in pairwise(found)} == {Fraction(1, 25)}
    assert note(source, "times_begun_anew").count == 1
    output = tmp_path / "out.ts"
    assert times(copy(path, output)) == found
    before, after = sound_times(path), sound_times(output)
    assert len(before) - 3 <= len(after) <= len(before)
    assert all(0.01 < b - a < 0.07 for a, b in pairwise(after))
    assert after[-1] - after[0] == pytest.approx(before[-1] - before[0] + 2.0, abs=0.03)


@pytest.mark.parametrize("suffix", [".ts", ".mkv", ".mp4"])
@pytest.mark.parametrize("codec", ["mpeg2", "h264", "hevc"])
def test_leading_pictures_that_nobody_can_show_are_not_missed(
    folder: Path, tmp_path: Path, codec: str, suffix: str
) -> None:
    path = odd_clips.make_open_gop(folder, codec, suffix)
    source = VideoSource(path)
    found = times(source)
    assert [float(time) for time in found] == pytest.approx(players_times(path), abs=1e-3)
    assert len(found) >= 36
    assert "frames_hidden" not in {note.kind for note in source.notes}
    assert note(source, "pictures_lost").count in {1, 2, 3}
    assert len(times(copy(path, tmp_path / f"out{suffix}"))) == len(found)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".ts"])
@pytest.mark.parametrize("name", odd_clips.EARLY)
def test_what_comes_before_time_0_is_kept_in_step_with_its_sound(
    folder: Path, tmp_path: Path, name: str, suffix: str
) -> None:
    path, output = odd_clips.EARLY[name](folder), tmp_path / f"out{suffix}"
    source = VideoSource(path)
    before = times(source)
    assert before[0] < 0
    said = note(source, "times_shifted")
    assert said.count == sum(time < 0 for time in before)
    assert said.text.endswith(f"shown {float(-before[0]):.3f} s later, sound too")
    result = copy(path, output)
    after = times(result)
    assert {b - a for a, b in zip(before, after, strict=True)} == {after[0] - before[0]}
    assert suffix == ".ts" or after[0] == 0
    assert find_faults(source, result) == []
    apart = sound_times(output)[-1] - sound_times(path)[-1]
    assert apart == pytest.approx(float(after[0] - before[0]), abs=0.03)


def test_what_comes_before_time_0_is_refused_in_an_avi_with_sound(
    folder: Path, tmp_path: Path
) -> None:
    """Which cannot keep them in step."""
    source = VideoSource(odd_clips.EARLY["fragments"](folder))
    with pytest.raises(UnsupportedInputError, match=r"300\.000 ms off; name the output \.mp4 or"):
        VideoSink(tmp_path / "out.avi", source).check_writable()
    silent = tmp_path / "silent.mp4"
    clips.run("-copyts", "-i", source.path, "-an", "-c", "copy", *odd_clips.FRAGMENTS, silent)
    assert times(VideoSource(silent))[0] < 0
    assert times(copy(silent, tmp_path / "out.avi"))[0] == 0


LATE_SOUND = {"pcm": (".mov", "pcm_s16le"), "mp3": (".mkv", "libmp3lame"), "aac": (".mp4", "aac")}


def sound_later(folder: Path, name: str, seconds: str = "0.5") -> Path:
    suffix, codec = LATE_SOUND[name]
    path = folder / f"{name}_{seconds}_later{suffix}"
    inputs = ("-f", "lavfi", "-i", clips.PICTURE, "-itsoffset", seconds, "-f", "lavfi", "-i")
    coding = ("-c:v", "libx264", "-bf", "0", "-pix_fmt", "yuv420p", "-c:a", codec)
    clips.run(*inputs, clips.SOUND, *coding, "-output_ts_offset", "0", path)
    return path


@pytest.mark.parametrize("name", LATE_SOUND)
def test_sound_that_begins_late_is_refused_in_an_avi_before_the_work(
    tmp_path: Path, name: str
) -> None:
    """Which begins it at once."""
    source, output = VideoSource(sound_later(tmp_path, name)), tmp_path / "out.avi"
    words = r"its sound would be \d{3}\.\d{3} ms off"
    advice = "name the output .mp4 or .mov"
    for audio in ("keep", "disguise"):
        with pytest.raises(UnsupportedInputError, match="avi cannot keep its times") as refused:
            check_choices(source, recipe("fast", audio=audio), output)
        assert re.search(words, refused.value.problem)
        assert (refused.value.remedy, refused.value.path) == (advice, source.path)
    check_choices(source, recipe("fast", audio="drop"), output)
    with pytest.raises(VerificationError, match=words):
        copy(source.path, output)
    assert not output.exists()
    kept = tmp_path / f"out{source.path.suffix}"
    copy(source.path, kept)
    assert sound_times(kept)[0] == pytest.approx(sound_times(source.path)[0], abs=1e-3)
    check_choices(VideoSource(sound_later(tmp_path, name, "0.03")), recipe("fast"), output)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".ts", ".avi"])
@pytest.mark.parametrize("seconds", [Fraction(-1, 10), Fraction(1, 10)])
def test_the_check_notices_sound_that_is_apart_from_its_pictures(
    tmp_path: Path, suffix: str, seconds: Fraction, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, output = sound_later(tmp_path, "mp3", "0.2"), tmp_path / f"out{suffix}"

    def mux_apart(job: MuxJob, program: Path) -> None:
        sounds = tuple(replace(sound, start=sound.start + seconds) for sound in job.sounds)
        mux(replace(job, sounds=sounds), program)

    monkeypatch.setattr(sink, "mux", mux_apart)
    with pytest.raises(VerificationError, match=r"its sound would be \d+\.\d+ ms off"):
        copy(path, output)
    assert not output.exists()


def test_so_does_the_check_of_a_finished_file(tmp_path: Path) -> None:
    path, apart = sound_later(tmp_path, "pcm", "0.2"), tmp_path / "apart.mov"
    clips.run("-i", path, "-itsoffset", "-0.15", "-i", path, "-map", "0:v", "-map", "1:a",
              "-c", "copy", apart)  # fmt: skip
    source = VideoSource(path)
    assert find_faults(source, source) == []
    assert find_faults(source, VideoSource(apart)) == [
        "its sound is 0.150 s apart from its pictures"
    ]
