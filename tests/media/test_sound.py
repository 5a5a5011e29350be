"""What an edit list cuts off of the sound is not in a result; what is played stays as it is."""

from __future__ import annotations

import subprocess
import zlib
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from redact.errors import VerificationError
from redact.media.video import checking, sound
from redact.media.video import sink as sinks
from redact.media.video.iso_tracks import read_iso_tracks
from redact.media.video.media_info import AudioTrack
from redact.media.video.presentation_times import timed
from redact.media.video.sink import VideoSink
from redact.media.video.sound import CopiedTrack
from redact.media.video.source import VideoSource
from tests import clips

RATE = 48_000
LOUD = 0.3
"""Above it is only the tone that is cut off, below only the quiet one that is played."""

TONES = (
    "aevalsrc='0.05*sin(2*PI*440*t)+0.8*sin(2*PI*880*t)*(lt(t,1)+between(t,2,2.5)+gt(t,3.5))'"
    f":d=4:s={RATE}"
)
"""Loud for a second, then quiet, and loud again from 2 s to 2.5 s and from 3.5 s on."""

FIRST, SECOND = (0.994, 1.003), (0.994, 2.503)
"""Seconds that are quiet, and from when on; the loud ones begin and end in the next packets."""

LISTS: dict[str, list[tuple[float, float]]] = {
    "first piece": [FIRST],
    "second piece": [SECOND],
    "both": [FIRST, SECOND],
    "the first piece last": [SECOND, FIRST],
    "with silence between": [(0.3, -1), FIRST, (0.7, -1), SECOND],
    "the same twice": [FIRST, FIRST],
}


def cut(whole: Path, path: Path, edits: list[tuple[float, float]]) -> Path:
    """The clip with that edit list for its sound, behind what its encoder put before it."""
    delay = 0 if whole.suffix == ".mov" else 1024 / RATE
    moved = [(length, start + delay if start >= 0 else start) for length, start in edits]
    return clips.make_edited(whole, path, {"soun": moved})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


def make(folder: Path, suffix: str, sound: str = TONES, coding: tuple[str, ...] = ()) -> Path:
    coding = coding or (("-c:a", "pcm_s16le") if suffix == ".mov" else ("-c:a", "aac"))
    path = folder / f"whole{suffix}"
    picture = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=4", "-c:v", "libx264")
    clips.run("-f", "lavfi", "-i", sound, *picture, "-pix_fmt", "yuv420p", *coding, path)
    return path


def copy(path: Path, output: Path, audio: str = "keep") -> Path:
    source = VideoSource(path)
    with VideoSink(output, source, audio=audio, force=True) as sink:  # type: ignore[arg-type]
        for frame in source.frames():
            sink.write(frame)
    return output


def stored(path: Path) -> np.ndarray:
    """All samples that a file holds, played or not, of one channel."""
    command = [clips.program(), "-v", "error", "-ignore_editlist", "1", "-i", str(path)]
    if path.suffix not in {".mp4", ".mov", ".m4v"}:
        del command[3:5]
    command += ["-vn", "-f", "f32le", "-ac", "1", "-ar", str(RATE), "-"]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, "<f4")


def played(path: Path) -> list[tuple[Fraction, np.ndarray]]:
    """Frames of the sound, each with the time at which it is played."""
    with av.open(str(path)) as container:
        frames = container.decode(container.streams.audio[0])
        return [(f.pts * f.time_base, f.to_ndarray()) for f in frames]  # type: ignore[operator]


@pytest.mark.parametrize("case", LISTS)
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".m4v"])
def test_what_an_edit_list_cuts_off_is_not_in_the_result(
    tmp_path: Path, suffix: str, case: str
) -> None:
    path = cut(make(tmp_path, suffix), tmp_path / f"cut{suffix}", LISTS[case])
    assert np.abs(stored(path)).max() > LOUD
    found = stored(copy(path, tmp_path / f"out{suffix}"))
    assert np.abs(found).max() < LOUD
    length = sum(length for length, start in LISTS[case] if start >= 0)
    quiet = np.count_nonzero(np.abs(found) > 0.02) / RATE
    assert quiet > 0.6 * (length - 0.06 * len(LISTS[case])), "what is played stays"


@pytest.mark.parametrize("suffix", [".mkv", ".ts"])
def test_nor_where_the_result_has_no_edit_lists(tmp_path: Path, suffix: str) -> None:
    path = cut(make(tmp_path, ".mp4"), tmp_path / "cut.mp4", LISTS["first piece"])
    assert np.abs(stored(copy(path, tmp_path / f"out{suffix}"))).max() < LOUD


def test_nor_of_sound_that_only_nut_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of AMR, which neither mp4 nor mov is written with here."""
    forms, plain = [], sound._write_played

    def only_nut(*given: object) -> object:
        forms.append(given[-1])
        if forms[-1] != "nut":
            raise ValueError("does not support it")
        return plain(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(sound, "_write_played", only_nut)
    path = cut(make(tmp_path, ".mp4"), tmp_path / "cut.mp4", LISTS["first piece"])
    found = stored(copy(path, tmp_path / "out.mp4"))
    assert forms == ["mov", "mp4", "nut"]
    assert np.abs(found).max() < LOUD
    assert np.count_nonzero(np.abs(found) > 0.02) / RATE > 0.55


def test_nor_where_a_voice_is_disguised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = cut(make(tmp_path, ".mp4"), tmp_path / "cut.mp4", LISTS["first piece"])
    given: list[CopiedTrack] = []
    plain = sinks.disguise_voice

    def watching(track: CopiedTrack, written: Path, program: Path) -> object:
        given.append(track)
        assert np.abs(stored(track.path)).max() < LOUD
        return plain(track, written, program)

    monkeypatch.setattr(sinks, "disguise_voice", watching)
    copy(path, tmp_path / "out.mp4", audio="disguise")
    assert len(given) == 1


def test_a_file_in_fragments_begins_where_its_edit_list_says(tmp_path: Path) -> None:
    path = cut(make(tmp_path, ".mp4"), tmp_path / "cut.mp4", [(3.0, 1.003)])
    pieces = tmp_path / "pieces.mp4"
    flags = "+frag_keyframe+delay_moov"
    clips.run("-i", path, "-map", "0", "-c", "copy", "-movflags", flags, pieces)
    assert np.abs(stored(pieces)[: RATE // 2]).max() > LOUD
    assert np.abs(stored(copy(pieces, tmp_path / "out.mp4"))[: RATE // 2]).max() < LOUD


def test_an_index_that_is_compressed_is_read(tmp_path: Path) -> None:
    path = cut(make(tmp_path, ".mov"), tmp_path / "cut.mov", LISTS["first piece"])
    data = path.read_bytes()
    at = data.rindex(b"moov") - 4
    packed = zlib.compress(data[at:])
    index = clips.box(
        b"moov",
        clips.box(
            b"cmov",
            clips.box(b"dcom", b"zlib"),
            clips.box(b"cmvd", (len(data) - at).to_bytes(4, "big"), packed),
        ),
    )
    small = tmp_path / "small.mov"
    small.write_bytes(data[:at] + index)
    assert read_iso_tracks(small) == read_iso_tracks(path) != {}
    assert np.abs(stored(copy(small, tmp_path / "out.mov"))).max() < LOUD


def test_what_is_played_is_played_at_its_time(tmp_path: Path) -> None:
    """Bit by bit where sound is uncompressed, but for the packets that the cut goes through."""
    path = clips.make_edited(
        make(tmp_path, ".mov"), tmp_path / "cut.mov", {"soun": [(0.4, -1), (0.9, 1.05)]}
    )
    frames = played(copy(path, tmp_path / "out.mov"))
    whole = stored(tmp_path / "whole.mov")
    for time, samples in frames:
        at = round((time - Fraction(4, 10) + Fraction(105, 100)) * RATE)
        near = [whole[n : n + samples.size] for n in range(at - 5, at + 6)]  # the movie's clock
        expected = samples.ravel() / np.float32(32768)
        assert any(np.array_equal(expected, one) for one in near), time
    assert frames[0][0] - Fraction(4, 10) < 1024 / RATE
    assert sum(samples.size for _, samples in frames) > (0.9 - 3 * 1024 / RATE) * RATE


@pytest.mark.parametrize("codec", ["aac", "libopus", "ac3", "libmp3lame", "flac"])
@pytest.mark.parametrize("length", [None, 2.0])
def test_what_an_encoder_puts_before_the_first_sample_stays(
    tmp_path: Path, codec: str, length: float | None
) -> None:
    path = make(tmp_path, ".mp4", f"sine=d=4:r={RATE}", ("-c:a", codec))
    if length is not None:
        with av.open(str(path)) as container:
            first = next(container.demux(container.streams.audio[0]))
        delay = -float(first.pts or 0) / RATE
        path = clips.make_edited(path, tmp_path / "cut.mp4", {"soun": [(length, delay)]})
    output = copy(path, tmp_path / "out.mp4")
    one, other = packets(path), packets(output)
    assert other == one if length is None else other == one[: len(other)]
    assert len(other) >= len(one) - 3
    if length is not None:
        assert other[-1][0] < length


def packets(path: Path) -> list[tuple[Fraction, bytes]]:
    with av.open(str(path)) as container:
        every = container.demux(container.streams.audio[0])
        return [(p.pts * p.time_base, bytes(p)) for p in every if p.size]  # type: ignore[operator]


def test_the_check_of_the_draft_sees_what_is_not_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copied(source: Path, track: AudioTrack, folder: Path) -> CopiedTrack:
        return CopiedTrack(source, track.index)

    path = cut(make(tmp_path, ".mp4"), tmp_path / "cut.mp4", LISTS["first piece"])
    monkeypatch.setattr(sinks, "played_track", copied)
    for suffix in (".mp4", ".mov", ".mkv"):
        with pytest.raises(VerificationError, match="sound that is not played"):
            copy(path, tmp_path / f"out{suffix}")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_the_check_of_a_finished_file_sees_what_is_not_played(tmp_path: Path, suffix: str) -> None:
    path = cut(make(tmp_path, ".mp4"), tmp_path / "cut.mp4", LISTS["first piece"])
    faulty, sound = tmp_path / f"faulty{suffix}", tmp_path / f"out{suffix}"
    clips.run("-i", path, "-map", "0", "-c", "copy", faulty)
    copy(path, sound)
    source = VideoSource(path)
    assert "it holds sound that is not played" in checking.find_faults(source, VideoSource(faulty))
    assert checking.find_faults(source, VideoSource(sound)) == []


def test_the_check_sees_what_an_edit_list_hides_in_a_finished_file(tmp_path: Path) -> None:
    whole = make(tmp_path, ".mp4")
    hiding = cut(whole, tmp_path / "hiding.mp4", LISTS["first piece"])
    found = checking.find_faults(VideoSource(whole), VideoSource(hiding))
    assert "it holds sound that is not played" in found


def test_a_track_of_which_nothing_is_played_is_left_out(tmp_path: Path) -> None:
    for name, edits in (("beyond", [(1.0, 9.0)]), ("silent", [(1.0, -1)]), ("brief", [(0.01, 2)])):
        path = clips.make_edited(make(tmp_path, ".mp4"), tmp_path / f"{name}.mp4", {"soun": edits})
        assert VideoSource(copy(path, tmp_path / "out.mp4")).media_info.audio == ()


def test_frames_without_a_time_begin_where_the_one_before_ends() -> None:
    """As of telephones, whose packets hold several frames of AMR."""

    def frame(pts: int | None) -> SimpleNamespace:
        return SimpleNamespace(pts=pts, time_base=Fraction(1, 1000), samples=160, sample_rate=8000)

    times = [time for time, _ in timed([frame(100), frame(None), frame(None), frame(200)])]
    assert times == [Fraction(n, 100) for n in (10, 12, 14, 20)]
    assert [time for time, _ in timed([frame(None)])] == [0]
