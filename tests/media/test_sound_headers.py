"""Words in the headers of sound, and data beside its packets, are in no result."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from redact.errors import VerificationError
from redact.media.video import checking, sound
from redact.media.video.sink import VideoSink
from redact.media.video.sound_headers import plain_header
from redact.media.video.source import VideoSource
from tests import clips

WORDS = clips.CANARY.encode() * 20
H264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p")


def clip(folder: Path, suffix: str, coder: str) -> Path:
    path = folder / f"{coder}{suffix}"
    video = ("-c:v", "mpeg4") if suffix == ".avi" else H264
    inputs = ("-f", "lavfi", "-i", clips.PICTURE, "-f", "lavfi", "-i", clips.SOUND)
    clips.run(*inputs, *video, "-c:a", coder, path)
    return path


def rewritten(
    path: Path, change: Callable[[bytes], bytes], touch: Callable[[Any], None] = lambda _: None
) -> Path:
    """The clip with another header of its sound, and other packets."""
    made = path.with_name(f"said_{path.name}")
    with av.open(str(path)) as read, av.open(str(made), "w") as written:
        streams = [written.add_stream_from_template(s, opaque=True) for s in read.streams]
        context: Any = streams[1].codec_context
        context.extradata = change(context.extradata or b"")
        for packet in read.demux():
            if packet.size:
                if packet.stream.type == "audio":
                    touch(packet)
                packet.stream = streams[packet.stream.index]
                written.mux(packet)
    return made


def vorbis_tags(header: bytes) -> bytes:
    """The three headers with tags in the second one."""
    first, _, third = header.split(b"vorbis", 3)[1:]
    one, three = b"\x01vorbis" + first[:23], b"\x05vorbis" + third
    said = struct.pack("<I3sII", 3, b"me!", 1, len(WORDS)) + WORDS + b"\x01"
    two = b"\x03vorbis" + said
    lacing = b"\xff" * (len(two) // 255) + bytes([len(two) % 255])
    return bytes([2, len(one)]) + lacing + one + two + three


def copy(path: Path, output: Path) -> Path:
    source = VideoSource(path)
    with VideoSink(output, source) as sink:
        for frame in source.frames():
            sink.write(frame)
    return output


def heard(path: Path) -> tuple[object, np.ndarray]:
    with av.open(str(path)) as container:
        frames = list(container.decode(container.streams.audio[0]))
    samples = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
    return frames[0].time, samples


def more(header: bytes) -> bytes:
    return header + bytes(2) + WORDS


@pytest.mark.parametrize(
    ("suffix", "coder", "change", "same"),
    [
        (".mkv", "libvorbis", vorbis_tags, True),
        (".mkv", "libopus", more, True),
        (".mkv", "ac3", more, True),
        (".avi", "pcm_s16le", more, True),
        (".mp4", "aac", more, False),
    ],
)
def test_words_in_a_header_of_sound_are_in_no_result(
    tmp_path: Path, suffix: str, coder: str, change: Callable[[bytes], bytes], same: bool
) -> None:
    path = rewritten(clip(tmp_path, suffix, coder), change)
    assert WORDS in path.read_bytes()
    output = copy(path, tmp_path / f"out{suffix}")
    assert WORDS not in output.read_bytes()
    (start, before), (begins, after) = heard(path), heard(output)
    if same:  # else it is encoded once more
        assert begins == start
        assert np.array_equal(before, after[:, : before.shape[1]])


def test_data_beside_packets_of_sound_is_in_no_result(tmp_path: Path) -> None:
    with av.open(str(clips.make(tmp_path, "alpha"))) as container:
        packet: Any = next(container.demux(container.streams.video[0]))
        data = packet.get_sidedata("matroska_block_additional")
    assert data.data_size

    def beside(path: Path) -> list[str]:
        with av.open(str(path)) as container:
            packets = list(container.demux(container.streams.audio[0]))
        return [d.data_type for packet in packets for d in packet.iter_sidedata()]

    path = rewritten(
        clip(tmp_path, ".mkv", "aac"), lambda header: header, lambda p: p.set_sidedata(data)
    )
    assert "matroska_block_additional" in beside(path)
    output = copy(path, tmp_path / "out.mkv")
    assert "matroska_block_additional" not in beside(output)


def test_a_result_that_holds_words_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = rewritten(clip(tmp_path, ".mkv", "libvorbis"), vorbis_tags)
    assert (
        "more than its decoder needs"
        in checking.find_faults(VideoSource(path), VideoSource(path))[0]
    )
    monkeypatch.setattr(sound, "_plain_track", lambda track, *_: track)
    with pytest.raises(VerificationError, match="more than its decoder needs"):
        copy(path, tmp_path / "out.mkv")


def test_headers_as_they_are_stay() -> None:
    padded = bytes.fromhex("12100000000000000000000000000000")
    assert plain_header("aac", padded) == padded
    assert plain_header("aac", None) == b""
    assert plain_header("aac", b"\x12\x10" + WORDS) is None
    assert plain_header("vorbis", b"\x02") is None
    assert plain_header("mp3", bytes(12)) == bytes(12)
