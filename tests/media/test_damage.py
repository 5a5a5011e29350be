"""Damaged video: what cannot be trusted is hidden, counted, and refused on demand."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from redact.api import render_file
from redact.core.findings import Kind
from redact.core.plan import Plan, SourceId
from redact.core.recipe import recipe
from redact.errors import UnreadableInputError
from redact.jobs import batch
from redact.media.video.nal_units import header_without_messages, nal_format
from redact.media.video.source import VideoSource
from tests import clips, odd_clips


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged")


def pictures(source: VideoSource) -> dict[Fraction, np.ndarray]:
    return {frame.time: frame.picture.rgb(source.info.size) for frame in source.frames()}


def is_grey(picture: np.ndarray) -> bool:
    return int(np.ptp(picture.astype(int))) <= 4


@pytest.mark.parametrize("name", ["mpeg4", "mpeg2", "h264"])
def test_a_damaged_frame_is_hidden_with_all_that_is_predicted_from_it(
    folder: Path, name: str
) -> None:
    whole, damaged = odd_clips.make_damaged(folder, name)
    source = VideoSource(damaged)
    found, wanted = pictures(source), pictures(VideoSource(whole))
    hidden = [time for time, picture in found.items() if is_grey(picture)]
    lost = sorted(set(wanted) - set(found))
    assert sorted(hidden + lost) == list(wanted)[16:24]  # to the next key frame, and no further
    assert len(lost) == (name == "h264")  # of which the decoder makes nothing at all
    for time in set(found) - set(hidden):
        assert np.array_equal(found[time], wanted[time]), time
    notes = {note.kind: note for note in source.notes}
    assert notes.pop("frames_hidden").count == len(hidden)
    assert sum(note.count for note in notes.values()) == len(lost)
    assert source.notes[0].text.startswith(f"{len(hidden)} frames are hidden all over: damaged")


@pytest.mark.parametrize("name", ["mpeg4", "mpeg2", "h264"])
def test_a_strict_source_refuses_damage(folder: Path, name: str) -> None:
    _, damaged = odd_clips.make_damaged(folder, name)
    with pytest.raises(UnreadableInputError, match="damaged"):
        pictures(VideoSource(damaged, strict=True))


def test_a_second_reading_gives_the_same(folder: Path) -> None:
    source = VideoSource(odd_clips.make_damaged(folder, "mpeg2")[1])
    first, notes = pictures(source), source.notes
    again = pictures(source)
    assert list(again) == list(first)
    assert all(np.array_equal(again[time], first[time]) for time in first)
    assert source.notes == notes


def test_damaged_pictures_are_never_copied(folder: Path, tmp_path: Path) -> None:
    """Nothing is hidden in it, so that all of it would be copied if it were whole."""
    whole, damaged = odd_clips.make_damaged(folder, "h264")
    for path in (whole, damaged):
        source = VideoSource(path)
        frames = len(pictures(source))
        plan = Plan(SourceId(source.fingerprint, source.info.size, frames), recipe("fast"))
        done = render_file(path, tmp_path / path.name, plan)
        assert done.frames == frames
        assert done.verification is not None
        assert done.verification.passed
        assert done.copied == (frames if path is whole else 0)
        assert done.notes == source.notes
        result = VideoSource(done.output)
        shown = pictures(result).values()
        assert not result.is_damaged
        assert [*map(is_grey, shown)] == [*map(is_grey, pictures(source).values())]


def test_a_job_tells_of_damage_or_refuses_it(folder: Path, tmp_path: Path) -> None:
    """In a worker process of its own, as on the command line."""
    _, damaged = odd_clips.make_damaged(folder, "mpeg2")
    for strict in (False, True):
        choices = recipe("fast", strict_input=strict).detecting({Kind.PLATE})
        jobs = batch.find_jobs([damaged], tmp_path / str(strict), choices, checking=None).jobs
        (report,) = batch.run(jobs)
        if strict:
            assert report.failure is not None
            assert "damaged" in report.failure.message
            assert not any((tmp_path / str(strict)).iterdir())
        else:
            assert [(note.kind, note.count) for note in report.notes] == [("frames_hidden", 8)]


def test_nothing_whole_is_refused(tmp_path: Path) -> None:
    path = clips.make_damaged(tmp_path, "plain")
    with pytest.raises(UnreadableInputError, match="without damage"):
        pictures(VideoSource(path))


def test_messages_leave_a_header_and_parameter_sets_stay() -> None:
    message, sps, pps = b"\x06\x05\xc8\x01", b"\x67\x42\x00\x0a\x01", b"\x68\xce\x02"
    start = b"\x01\x42\x00\x0a\xff"
    with_message = start + b"\xe1" + b"\0\5" + sps + b"\2" + b"\0\4" + message + b"\0\3" + pps
    form = nal_format("h264", with_message)
    assert form is not None
    assert form.length_size == 4
    kept = start + b"\xe1" + b"\0\5" + sps + b"\1" + b"\0\3" + pps
    assert header_without_messages(form, with_message) == kept
    assert header_without_messages(form, kept) == kept
    assert header_without_messages(form, with_message[:-1]) == with_message[:-1]


def test_messages_leave_an_hevc_header() -> None:
    start = b"\x01" + bytes(20) + b"\x03"
    sps = b"\x21" + b"\0\1" + b"\0\3" + b"\x42\x01\x01"
    message = b"\x27" + b"\0\1" + b"\0\3" + b"\x4e\x01\x05"
    header = start + b"\2" + sps + message
    form = nal_format("hevc", header)
    assert form is not None
    assert header_without_messages(form, header) == start + b"\1" + sps


def test_units_between_start_codes() -> None:
    form = nal_format("h264", None)
    assert form is not None
    picture, message = b"\x65\x88\x80", b"\x06\x01\x02"
    packet = b"\0\0\0\1" + message + b"\0\0\1" + picture
    assert form.has_picture(packet)
    assert not form.has_picture(b"\0\0\1" + message)
    assert form.without_messages(packet) == b"\0\0\1" + picture
