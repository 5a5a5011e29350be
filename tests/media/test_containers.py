"""Containers that are read and not written: each becomes another that holds all of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from av.container import InputContainer
from numpy.typing import NDArray

from redact.core.names import default_output
from redact.media.files import OTHER_MEDIA_SUFFIXES, STILL_SUFFIXES, VIDEO_SUFFIXES
from redact.media.formats import find_faults, open_source
from redact.media.video import container
from redact.media.video.encoders import CONTAINERS
from redact.media.video.sink import VideoSink
from redact.media.video.source import VideoSource
from tests import clips

PACKET = 1200
"""Samples of a packet of sound; some containers do not tell how much of the last one is padding."""

WRITTEN = {
    "3gp": ".mp4",
    "3g2": ".mp4",
    "mpg": ".mp4",
    "mpeg": ".mp4",
    "mpe": ".mp4",
    "m2p": ".mp4",
    "mod": ".mp4",
    "tod": ".mp4",
    "qt": ".mov",
    "m2t": ".ts",
    "tp": ".ts",
    "trp": ".ts",
    "vob": ".mp4",
    "mxf": ".mov",
    "wmv": ".mkv",
    "asf": ".mkv",
    "flv": ".mp4",
    "f4v": ".mp4",
    "ogv": ".mp4",
    "y4m": ".mp4",
}


def heard(path: Path) -> NDArray[np.int16]:
    """All samples of its sound, as ffmpeg decodes them."""
    command = [clips.program(), "-v", "error", "-i", str(path), "-map", "0:a?"]
    command += ["-f", "s16le", "-"]
    done = subprocess.run(command, capture_output=True, check=False)
    return np.frombuffer(done.stdout, np.int16)


def test_every_suffix_that_is_read_leads_to_one_that_is_written() -> None:
    results = {suffix: default_output(Path(f"a{suffix}")).suffix for suffix in VIDEO_SUFFIXES}
    assert set(results.values()) == set(CONTAINERS)
    assert {suffix for suffix, written in results.items() if suffix != written} == {
        f".{name}" for name in WRITTEN
    }
    assert not OTHER_MEDIA_SUFFIXES & (VIDEO_SUFFIXES | STILL_SUFFIXES)


@pytest.mark.parametrize("name", WRITTEN)
def test_frames_times_and_sound_come_along(tmp_path: Path, name: str) -> None:
    path = clips.make(tmp_path, name)
    output = default_output(path.with_name(path.name.upper()))
    assert output.suffix == WRITTEN[name]
    source = VideoSource(path)
    with VideoSink(output, source) as sink:
        for frame in source.frames():
            sink.write(frame)
    result = VideoSource(output)
    shift = source.media_info.start if source.media_info.container == "mpeg" else 0
    assert [frame.time for frame in result.frames()] == [
        frame.time - shift for frame in source.frames()
    ]
    before, after = heard(path).astype(int), heard(output).astype(int)
    assert bool(before.size) == (name != "y4m")
    assert abs(before.size - after.size) < PACKET
    both = min(before.size, after.size)
    assert np.abs(before[:both] - after[:both]).max(initial=0) <= 1
    assert find_faults(source, result, None) == []


def test_decoders_that_are_left_end_before_they_are_freed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Freed with pictures under way, one waits for threads that wait for the interpreter's lock."""
    ended: list[bool] = []
    plain = container._end_decoding

    def watched(opened: InputContainer) -> None:
        context = opened.streams.video[0].codec_context
        ended.append(context.is_open)
        plain(opened)
        assert not context.decode(None), "nothing is under way any more"

    monkeypatch.setattr(container, "_end_decoding", watched)
    frames = open_source(clips.make(tmp_path, "b_frames")).frames()
    next(frames)
    ended.clear()
    del frames
    assert ended == [True]
