"""Gaps in sound that is copied: what follows is played when it was, in any container."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av import Packet

from redact.core.edits.values import Mute
from redact.core.notes import Note
from redact.errors import VerificationError
from redact.media.video import checking, tracks
from redact.media.video.encoders import CONTAINERS
from redact.media.video.presentation_times import timed
from redact.media.video.sink import VideoSink
from redact.media.video.source import VideoSource
from tests import clips
from tests.media.test_sound import LISTS, cut, make, played

SOUND = "aevalsrc='0.4*sin(2*PI*880*t)*(lt(t,0.9)+gt(t,2))':d=3:s=48000"
"""A tone until 0.9 s and from 2 s on; the gap is before that."""

PICTURE = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=3", "-c:v", "libx264", "-bf", "0")

Move = Callable[[int, Fraction], Fraction | None]
"""When a packet of sound is played, by its number and its time; None for not at all."""


def with_gap(_: int, time: Fraction) -> Fraction | None:
    return None if 1 <= time < Fraction(3, 2) else time


def trembling(number: int, time: Fraction) -> Fraction:
    """As clocks of cameras and programs do."""
    return time + Fraction((0, 4, -3, 7, -6)[number % 5], 1000)


def make_moved(folder: Path, codec: str, suffix: str, move: Move) -> Path:
    whole, path = folder / f"whole_{codec}{suffix}", folder / f"{move.__name__}_{codec}{suffix}"
    clips.run("-f", "lavfi", "-i", SOUND, *PICTURE, "-pix_fmt", "yuv420p", "-c:a", codec, whole)
    with av.open(str(whole)) as container, av.open(str(path), "w") as output:
        streams = {s.index: output.add_stream_from_template(s) for s in container.streams}
        number = 0
        for packet in container.demux():
            if packet.size and place(packet, number, move):
                packet.stream = streams[packet.stream_index]
                output.mux(packet)
            number += packet.stream.type == "audio"
    return path


def place(packet: Packet, number: int, move: Move) -> bool:  # type: ignore[type-arg]
    if packet.stream.type == "audio":
        assert packet.pts is not None
        time = move(number, packet.pts * packet.time_base)
        if time is None:
            return False
        packet.pts = packet.dts = round(time / packet.time_base)
    return True


def copy(path: Path, output: Path, mutes: tuple[Mute, ...] = ()) -> tuple[Note, ...]:
    source = VideoSource(path)
    with VideoSink(output, source, force=True, mutes=mutes) as sink:
        for frame in source.frames():
            sink.write(frame)
    container = CONTAINERS[output.suffix]
    chosen = tracks.choose_sound(source.media_info, container, "keep", path)
    assert checking.find_faults(source, VideoSource(output), (), mutes) == []
    return tracks.sound_notes(chosen, container, mutes)


def frames(path: Path) -> Iterator[tuple[Fraction, np.ndarray, int]]:
    with av.open(str(path)) as container:
        for time, frame in timed(container.decode(audio=0)):
            samples = frame.to_ndarray()
            if samples.dtype.kind != "f":
                samples = samples / -float(np.iinfo(samples.dtype).min)
            yield time, samples[0], frame.sample_rate


def second_tone(path: Path) -> float:
    """When the tone begins again."""
    for time, samples, rate in frames(path):
        loud = np.flatnonzero(np.abs(samples) > 0.1)
        if time > 1 and loud.size:
            return float(time + Fraction(int(loud[0]), rate))
    raise AssertionError("it does not")


def codec_of(path: Path) -> str:
    return VideoSource(path).media_info.audio[0].codec


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


LOST = [
    *[("pcm_s16le", suffix, "pcm_s16le") for suffix in (".mp4", ".mov", ".avi")],
    ("pcm_s24le", ".mp4", "pcm_s32le"),
    ("pcm_s24le", ".mov", "pcm_s24le"),
    *[(codec, ".avi", "pcm_s16le") for codec in ("libmp3lame", "mp2", "aac", "ac3")],
]
"""Codecs, containers that keep no gap of theirs, and what they are encoded to."""


@pytest.mark.parametrize(("codec", "suffix", "coded"), LOST)
def test_what_follows_a_gap_is_played_when_it_was(
    tmp_path: Path, codec: str, suffix: str, coded: str
) -> None:
    path, output = make_moved(tmp_path, codec, ".mkv", with_gap), tmp_path / f"out{suffix}"
    (note,) = copy(path, output)
    assert second_tone(output) == pytest.approx(second_tone(path), abs=0.005)
    assert codec_of(output) == coded
    assert (note.kind, note.count) == ("sound_filled", 1)
    assert "does not keep its gaps, they are filled with silence" in note.text
    same = "the rest is the same, sample by sample"
    assert note.text.endswith(same if codec.startswith("pcm") else "once more, to pcm_s16le")


@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_s24le"])
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".avi"])
def test_uncompressed_sound_stays_as_it_is_around_a_gap(
    tmp_path: Path, codec: str, suffix: str
) -> None:
    path, output = make_moved(tmp_path, codec, ".mkv", with_gap), tmp_path / f"out{suffix}"
    copy(path, output)
    found = np.concatenate([samples for _, samples, _ in frames(output)])
    before = np.concatenate([samples for time, samples, _ in frames(path) if time < 1])
    after = np.concatenate([samples for time, samples, _ in frames(path) if time > 1])
    assert np.array_equal(found[: before.size], before)
    assert np.array_equal(found[-after.size :], after)
    assert not found[before.size : -after.size].any()
    assert (found.size - before.size - after.size) / 48_000 == pytest.approx(0.5, abs=0.03)


KEPT = [
    ("pcm_s16le", ".mkv"),
    ("flac", ".mp4"),
    *[(codec, suffix) for codec in ("libmp3lame", "aac", "ac3") for suffix in (".mp4", ".mov")],
    *[(codec, suffix) for codec in ("libmp3lame", "aac", "libopus") for suffix in (".mkv", ".ts")],
]


@pytest.mark.parametrize(("codec", "suffix"), KEPT)
def test_where_a_gap_is_kept_sound_is_copied(tmp_path: Path, codec: str, suffix: str) -> None:
    path, output = make_moved(tmp_path, codec, ".mkv", with_gap), tmp_path / f"out{suffix}"
    assert copy(path, output) == ()
    assert second_tone(output) == pytest.approx(second_tone(path), abs=0.005)
    assert codec_of(output) == codec_of(path)
    assert len(packets(output)) == len(packets(path))


@pytest.mark.parametrize(
    ("codec", "suffix", "result"),
    [
        *[("pcm_s16le", ".mkv", suffix) for suffix in (".mp4", ".mov", ".avi", ".mkv")],
        *[("libmp3lame", ".mkv", suffix) for suffix in (".avi", ".mp4", ".ts")],
        *[("aac", ".ts", suffix) for suffix in (".ts", ".mp4")],
        *[("mp2", ".ts", suffix) for suffix in (".ts", ".mov")],
        *[("libopus", ".mkv", suffix) for suffix in (".mkv", ".mp4")],
    ],
)
def test_times_that_tremble_are_no_gaps(
    tmp_path: Path, codec: str, suffix: str, result: str
) -> None:
    path, output = make_moved(tmp_path, codec, suffix, trembling), tmp_path / f"out{result}"
    assert copy(path, output) == ()
    assert codec_of(output) == codec_of(path)
    if not (codec.startswith("aac") and result == ".mp4"):  # whose headers are taken off
        assert b"".join(packets(output)) == b"".join(packets(path))


def test_nor_are_packets_that_are_damaged(tmp_path: Path) -> None:
    path, output = make_moved(tmp_path, "aac", ".mkv", trembling), tmp_path / "out.avi"
    data = path.read_bytes()
    for packet in packets(path)[20:120:5]:
        data = data.replace(packet, bytes(byte ^ 0x5A for byte in packet))
    path.write_bytes(data)
    assert copy(path, output) == ()
    assert packets(output) == packets(path)


@pytest.mark.parametrize(("codec", "suffix"), [(codec, suffix) for codec, suffix, _ in LOST])
def test_the_check_of_the_draft_sees_a_gap_that_is_lost(
    tmp_path: Path, codec: str, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, output = make_moved(tmp_path, codec, ".mkv", with_gap), tmp_path / f"out{suffix}"
    monkeypatch.setattr(tracks, "loses_gaps", lambda *_: False, raising=False)
    with pytest.raises(VerificationError, match=r"some of its sound would be \d+\.\d+ ms off"):
        copy(path, output)
    assert not output.exists()


@pytest.mark.parametrize(
    ("suffix", "coding"),
    [
        (".mp4", ("-c", "copy")),
        (".mov", ("-c", "copy")),
        (".avi", ("-c", "copy", "-bsf:v", "h264_mp4toannexb")),
        (".mkv", ("-c:v", "copy", "-c:a", "aac", "-af", "asetpts=N/SR/TB")),
    ],
)
def test_so_does_the_check_of_a_finished_file(
    tmp_path: Path, suffix: str, coding: tuple[str, ...]
) -> None:
    path, faulty = make_moved(tmp_path, "pcm_s16le", ".mkv", with_gap), tmp_path / f"out{suffix}"
    clips.run("-i", path, *coding, faulty)
    found = checking.find_faults(VideoSource(path), VideoSource(faulty))
    (fault,) = (fault for fault in found if "sound" in fault)
    assert re.fullmatch(r"some of its sound is 0\.\d+ s apart from its pictures", fault)


@pytest.mark.parametrize("suffix", [".mov", ".mkv"])
def test_silence_between_the_pieces_of_an_edit_list_stays(tmp_path: Path, suffix: str) -> None:
    pieces = LISTS["with silence between"]
    path, output = (
        cut(make(tmp_path, ".mov"), tmp_path / "cut.mov", pieces),
        tmp_path / f"out{suffix}",
    )
    copy(path, output)
    time, samples = played(output)[-1]
    end = float(time) + samples.size / 48_000
    assert end == pytest.approx(sum(length for length, _ in pieces), abs=0.05)


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [
        *[(codec, ".avi") for codec in ("libvorbis", "flac", "eac3", "dca")],
        *[(codec, ".mov") for codec in ("flac", "libopus", "truehd")],
        ("truehd", ".mp4"),
    ],
)
def test_what_a_container_cannot_hold_in_time_is_encoded(
    tmp_path: Path, codec: str, suffix: str
) -> None:
    path, output = tmp_path / "whole.mkv", tmp_path / f"out{suffix}"
    coding = ("-pix_fmt", "yuv420p", "-c:a", codec, "-ac", "2", "-strict", "-2")
    clips.run("-f", "lavfi", "-i", SOUND, *PICTURE, *coding, path)
    (note,) = copy(path, output)
    assert note.kind == "sound_encoded"
    assert codec_of(output) == tracks.AUDIO_CODECS[CONTAINERS[suffix]]
    assert second_tone(output) == pytest.approx(2, abs=0.02)


def test_24_bits_stay_what_they_are_where_a_span_is_silenced(tmp_path: Path) -> None:
    path, output = make_moved(tmp_path, "pcm_s24le", ".mkv", trembling), tmp_path / "out.mp4"
    copy(path, output, (Mute(start=Fraction(1), end=Fraction(3, 2)),))
    assert second_tone(output) == pytest.approx(2, abs=0.02)
    assert max(np.abs(samples).max() for _, samples, _ in frames(output)) < 0.45
