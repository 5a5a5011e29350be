"""The contract of a sink: what is written is what comes back, or nothing is there."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from redact.core.frames import Frame
from redact.core.names import WRITTEN_AS
from redact.errors import (
    ChangedInputError,
    EngineError,
    MissingEngineError,
    OutputExistsError,
    RecipeError,
    RedactError,
    UnsupportedInputError,
    UnwritableOutputError,
    VerificationError,
)
from redact.media.video import ffmpeg_program, muxing
from redact.media.video.encoding import Encoding
from redact.media.video.sink import VideoSink
from redact.media.video.source import VideoSource
from tests import clips

FULL = 2
CHANGED = {name for name, (suffix, _) in clips.RECIPES.items() if suffix in WRITTEN_AS}
"""Results of these have another container: see test_containers.py."""
KEPT = sorted(set(clips.RECIPES) - CHANGED - {"rgb"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


def copy(path: Path, output: Path, **choices: object) -> VideoSource:
    """Decode and encode unchanged."""
    source = VideoSource(path)
    with VideoSink(output, source, **choices) as sink:  # type: ignore[arg-type]
        for frame in source.frames():
            sink.write(frame)
    return VideoSource(output)


def times(source: VideoSource) -> list[Fraction]:
    return [frame.time for frame in source.frames()]


def said(source: VideoSource) -> tuple[int, int, int, bool]:
    tags = source.media_info.tags
    return tags.primaries, tags.transfer, tags.matrix, tags.range == FULL


def only(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="other systems schedule otherwise")
def test_no_encoder_takes_more_than_its_share(folder: Path, tmp_path: Path) -> None:
    """As root, AV1's makes this process a real-time one: a machine may stand still for it."""
    source = VideoSource(clips.make(folder, "plain"))
    with VideoSink(tmp_path / "out.mp4", source, encoder="av1", audio="drop") as sink:
        for frame in source.frames():
            sink.write(frame)
            for thread in Path("/proc/self/task").iterdir():
                with suppress(ProcessLookupError):  # another one's, which has ended
                    assert os.sched_getscheduler(int(thread.name)) == os.SCHED_OTHER


@pytest.mark.parametrize("name", KEPT)
def test_everything_that_counts_is_kept(folder: Path, tmp_path: Path, name: str) -> None:
    path = clips.make(folder, name)
    output = tmp_path / f"out{path.suffix}"
    before, after = VideoSource(path), copy(path, output)
    assert times(after) == times(before)
    assert after.info.size == before.info.size
    assert said(after) == said(before)
    assert after.media_info.aspect in {before.media_info.aspect, Fraction(1)} or name == "avi"
    assert after.media_info.colour == before.media_info.colour
    assert after.media_info.interlaced == before.media_info.interlaced
    assert [t.codec for t in after.media_info.audio] == [t.codec for t in before.media_info.audio]
    assert [t.start for t in after.media_info.audio] == [t.start for t in before.media_info.audio]
    assert only(tmp_path) == [output.name]


@pytest.mark.parametrize("name", ["plain", "ten_bit", "webm", "422", "444"])
def test_pictures_show_no_loss(folder: Path, tmp_path: Path, name: str) -> None:
    path = clips.make(folder, name)
    before, after = VideoSource(path), copy(path, tmp_path / f"out{path.suffix}")
    for one, two in zip(before.frames(), after.frames(), strict=True):
        seen = [f.picture.rgb(before.info.size).astype(float) for f in (one, two)]
        noise = np.mean((seen[0] - seen[1]) ** 2)
        assert 10 * np.log10(255**2 / max(noise, 1e-9)) > 34


def test_with_a_quality_the_bytes_are_the_same_each_time(folder: Path, tmp_path: Path) -> None:
    path = clips.make(folder, "plain")
    for name in ("a.mp4", "b.mp4"):
        copy(path, tmp_path / name, quality=23)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


@pytest.mark.parametrize(("quarters", "mirrored"), clips.TURNS)
@pytest.mark.parametrize("suffix", [".mp4", ".ts", ".avi"])
def test_turns_are_kept(
    folder: Path, tmp_path: Path, quarters: int, mirrored: bool, suffix: str
) -> None:
    path = clips.make_turned(folder, quarters, mirrored)
    after = copy(path, tmp_path / f"out{suffix}")
    assert after.media_info.turn == VideoSource(path).media_info.turn
    assert after.media_info.turn.mirrored == mirrored


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_no_tag_chapter_subtitle_or_attachment_comes_along(
    folder: Path, tmp_path: Path, suffix: str
) -> None:
    path = clips.make_tagged(folder, suffix)
    output = tmp_path / f"out{suffix}"
    after = copy(path, output)
    data = output.read_bytes()
    assert clips.CANARY.encode() not in data
    assert data.count(b"Lavc") == 1, "in the first packet of the sound, which is copied"
    assert after.media_info.language in {None, "und"}
    assert [track.language in {None, "und"} for track in after.media_info.audio] == [True]
    with av.open(str(output)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]


def test_sound_can_be_left_out(folder: Path, tmp_path: Path) -> None:
    after = copy(clips.make(folder, "sound"), tmp_path / "out.mp4", audio="drop")
    assert after.media_info.audio == ()


def packets(path: Path) -> list[tuple[Fraction, bytes]]:
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        return [
            (packet.pts * packet.time_base, bytes(packet))  # type: ignore[arg-type, operator]
            for packet in container.demux(stream)
            if packet.size
        ]


@pytest.mark.parametrize("name", ["sound", "late", "mkv", "webm", "m4v"])
def test_sound_is_copied_bit_by_bit_at_its_times(folder: Path, tmp_path: Path, name: str) -> None:
    path = clips.make(folder, name)
    output = tmp_path / f"out{path.suffix}"
    copy(path, output)
    assert packets(output) == packets(path)


def test_a_transport_stream_becomes_a_file_that_starts_at_zero(
    folder: Path, tmp_path: Path
) -> None:
    path = clips.make(folder, "ts")
    after = copy(path, tmp_path / "out.mp4")
    before = VideoSource(path)
    assert before.media_info.start > 1
    assert after.media_info.start == 0
    steps = [{b - a for a, b in pairwise(times(source))} for source in (before, after)]
    assert steps[0] == steps[1]


@pytest.mark.parametrize(
    ("name", "suffix", "choices", "kind", "words"),
    [
        ("plain", ".gif", {}, RecipeError, "no container"),
        ("plain", "", {}, RecipeError, "without suffix"),
        ("plain", ".mp4", {"encoder": "best"}, RecipeError, "choose h264"),
        ("plain", ".avi", {"encoder": "hevc"}, RecipeError, "name the output .m2ts"),
        ("plain", ".mp4", {"quality": 99}, RecipeError, "0 to 51"),
        ("webm", ".ts", {"encoder": "vp9", "audio": "drop"}, RecipeError, "does not fit"),
        ("alpha", ".mp4", {}, UnsupportedInputError, "--encoder vp9 with .mkv"),
        ("ten_bit", ".mp4", {"encoder": "vp9"}, UnsupportedInputError, "yuv420p10le"),
        ("422", ".mp4", {"encoder": "av1", "audio": "drop"}, UnsupportedInputError, "yuv422p"),
        ("interlaced", ".mp4", {"encoder": "hevc"}, UnsupportedInputError, "interlaced"),
        ("plain", ".mp4", {"ffmpeg": Path("nowhere")}, MissingEngineError, "no such ffmpeg"),
    ],
)
def test_what_cannot_be_kept_is_refused_before_work_starts(
    folder: Path,
    tmp_path: Path,
    name: str,
    suffix: str,
    choices: dict[str, object],
    kind: type[RedactError],
    words: str,
) -> None:
    source = VideoSource(clips.make(folder, name))
    with pytest.raises(kind, match=words):
        VideoSink(tmp_path / f"out{suffix}", source, **choices)  # type: ignore[arg-type]
    assert only(tmp_path) == []


def test_times_that_would_be_rounded_are_refused(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "thirds.mp4"
    clips.run("-f", "lavfi", "-i", clips.PICTURE.replace("r=10", "r=30"), path)
    with pytest.raises(UnsupportedInputError, match=r"0\.333 ms off"):
        copy(path, tmp_path / "out.mkv")
    assert only(tmp_path) == ["thirds.mp4"]


def test_an_existing_output_is_kept_unless_forced(folder: Path, tmp_path: Path) -> None:
    path, output = clips.make(folder, "plain"), tmp_path / "out.mp4"
    output.write_text("mine")
    with pytest.raises(OutputExistsError):
        copy(path, output)
    assert output.read_text() == "mine"
    assert len(times(copy(path, output, force=True))) == 10


def test_the_source_is_never_written_over(folder: Path, tmp_path: Path) -> None:
    path = clips.make(folder, "plain")
    link = tmp_path / "link.mp4"
    link.symlink_to(path)
    for output in (path, link):
        with pytest.raises(OutputExistsError, match="source itself"):
            copy(path, output, force=True)


Fault = Callable[[Path, VideoSource, pytest.MonkeyPatch], None]


def _stop_after(error: BaseException) -> Callable[[Encoding, Frame], None]:
    plain = Encoding.encode

    def encode(self: Encoding, frame: Frame) -> None:
        if frame.index == 4:
            raise error
        plain(self, frame)

    return encode


def _full_disk(output: Path, source: VideoSource, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Encoding, "encode", _stop_after(OSError(28, "No space left on device")))


def _encoder_fails(output: Path, source: VideoSource, patch: pytest.MonkeyPatch) -> None:
    error = av.error.ExternalError(-542398533, "Generic error in an external library")
    patch.setattr(Encoding, "encode", _stop_after(error))


def _interrupted(output: Path, source: VideoSource, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Encoding, "encode", _stop_after(KeyboardInterrupt()))


def _lose(encoding: Encoding, frame: Frame) -> None:
    pass


def _frames_lost(output: Path, source: VideoSource, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Encoding, "encode", _lose)


def _one_frame_lost(output: Path, source: VideoSource, patch: pytest.MonkeyPatch) -> None:
    plain = Encoding.encode
    patch.setattr(Encoding, "encode", lambda s, frame: frame.index == 5 or plain(s, frame))


def _program(script: str) -> Fault:
    def install(output: Path, source: VideoSource, patch: pytest.MonkeyPatch) -> None:
        program = source.path.with_name("ffmpeg")
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        patch.setattr("redact.media.video.sink.find_program", lambda _: program)
        patch.setattr(ffmpeg_program, "_HANG_TIMEOUT", 0.3)

    return install


def _output_appears(output: Path, source: VideoSource, patch: pytest.MonkeyPatch) -> None:
    plain = muxing.mux

    def late(job: muxing.MuxJob, program: Path) -> None:
        plain(job, program)
        output.write_text("mine")

    patch.setattr("redact.media.video.sink.mux", late)


def _source_changes(output: Path, source: VideoSource, patch: pytest.MonkeyPatch) -> None:
    plain = muxing.mux

    def late(job: muxing.MuxJob, program: Path) -> None:
        plain(job, program)
        with source.path.open("ab") as file:
            file.write(b"more")

    patch.setattr("redact.media.video.sink.mux", late)


def _extra_stream(output: Path, source: VideoSource, patch: pytest.MonkeyPatch) -> None:
    plain = muxing.mux_command

    def generous(job: muxing.MuxJob, program: Path) -> list[str]:
        words = plain(job, program)
        at = words.index("-map_metadata")
        return [*words[:at], "-map", "1:a", *words[at:]]

    patch.setattr(muxing, "mux_command", generous)


def _tags_let_through(output: Path, source: VideoSource, patch: pytest.MonkeyPatch) -> None:
    plain = muxing.mux_command

    def generous(job: muxing.MuxJob, program: Path) -> list[str]:
        words = plain(job, program)
        at = words.index("-map_metadata")
        return [*words[:at], "-metadata", "title=mine", *words[at:]]

    patch.setattr(muxing, "mux_command", generous)


FAULTS: dict[str, tuple[Fault, type[BaseException], str]] = {
    "full disk": (_full_disk, UnwritableOutputError, "No space left"),
    "encoder fails": (_encoder_fails, EngineError, "libx264 failed"),
    "interrupted": (_interrupted, KeyboardInterrupt, ""),
    "all frames lost": (_frames_lost, RedactError, ""),
    "one frame lost": (_one_frame_lost, VerificationError, "9 frames instead of 10"),
    "program fails": (_program("echo wrong >&2; exit 3"), EngineError, "failed: wrong"),
    "program is killed": (_program("kill -9 $$"), EngineError, "failed"),
    "program hangs": (_program("exec sleep 60"), EngineError, "hangs"),
    "program writes nothing": (_program("exit 0"), EngineError, "wrote nothing"),
    "output appears": (_output_appears, OutputExistsError, "exists already"),
    "source changes": (_source_changes, ChangedInputError, "changed"),
    "one stream too many": (_extra_stream, VerificationError, "other streams"),
    "a tag let through": (_tags_let_through, VerificationError, "tag that was not asked for"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_leaves_nothing_behind(
    case: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault, kind, words = FAULTS[case]
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    path = tmp_path / "in" / "clip.mp4"
    path.write_bytes(clips.make(folder, "sound").read_bytes())
    output = tmp_path / "out" / "clip.mp4"
    fault(output, VideoSource(path), monkeypatch)
    with pytest.raises(kind, match=words or None):
        copy(path, output)
    assert only(output.parent) in ([], ["clip.mp4"])
    assert not output.exists() or output.read_text() == "mine"


def test_too_few_frames_are_no_success(folder: Path, tmp_path: Path) -> None:
    source = VideoSource(clips.make(folder, "plain"))
    with (
        pytest.raises(VerificationError, match="not one frame"),
        VideoSink(tmp_path / "out.mp4", source, frames=10),
    ):
        pass
    assert only(tmp_path) == []


def test_the_draft_is_private_and_gone_after_an_error(folder: Path, tmp_path: Path) -> None:
    source = VideoSource(clips.make(folder, "plain"))
    seen = []

    def look() -> Iterator[Frame]:
        for frame in source.frames():
            seen.extend(tmp_path.iterdir())
            seen.append(stat.S_IMODE(seen[0].stat().st_mode))
            yield frame
            raise ZeroDivisionError

    def work() -> None:
        with VideoSink(tmp_path / "out.mp4", source) as sink:
            for frame in look():
                sink.write(frame)

    with pytest.raises(ZeroDivisionError):
        work()
    assert seen[0].name.startswith(".out.mp4.")
    assert seen[1] == 0o700
    assert only(tmp_path) == []


_LIMITED = """
import resource, sys
from pathlib import Path
from tests.media.test_sink import copy
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
copy(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def test_a_file_system_that_takes_no_more_is_told(folder: Path, tmp_path: Path) -> None:
    path = clips.make(folder, "sound")
    command = [sys.executable, "-c", _LIMITED, str(path), str(tmp_path / "out.mp4")]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=root, env=dict(os.environ)
    )
    assert "UnwritableOutputError" in done.stderr
    assert only(tmp_path) == []
    assert done.returncode != -signal.SIGXFSZ


def test_a_folder_that_is_missing_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UnwritableOutputError, match="no such folder"):
        copy(clips.make(folder, "plain"), tmp_path / "nowhere" / "out.mp4")


@pytest.mark.parametrize("name", ["-y.mp4", "two words.mp4", "a\nb.mp4", "%d.mp4", "'q\".mp4"])
def test_odd_names_of_outputs(folder: Path, tmp_path: Path, name: str) -> None:
    copy(clips.make(folder, "sound"), tmp_path / name)
    assert only(tmp_path) == [name]


@pytest.mark.skipif(sys.platform in {"darwin", "win32"}, reason="names there are Unicode")
@pytest.mark.parametrize("name", ["sound", "mkv", "ts"])
def test_names_need_not_be_utf_8(folder: Path, tmp_path: Path, name: str) -> None:
    odd = tmp_path / os.fsdecode(b"fil\xe9")
    odd.mkdir()
    clip = clips.make(folder, name)
    path = odd / os.fsdecode(b"\xff clip" + os.fsencode(clip.suffix))
    path.write_bytes(clip.read_bytes())
    result = copy(path, path.with_name(os.fsdecode(b"\xe9ter" + os.fsencode(clip.suffix))))
    assert len(times(result)) == len(times(VideoSource(clip)))
    assert sorted(p.suffix for p in odd.iterdir()) == [clip.suffix] * 2


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_advice_never_names_what_the_output_is(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    output = tmp_path / f"out{suffix}"
    path = clips.make(folder, "plain")
    _one_frame_lost(output, VideoSource(path), monkeypatch)
    with pytest.raises(VerificationError, match="9 frames instead of 10") as refused:
        copy(path, output)
    advice = {".mkv": "name the output .mp4 or .mov"}.get(suffix)
    assert refused.value.remedy == advice
