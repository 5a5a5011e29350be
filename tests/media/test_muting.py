"""Spans of the sound are silent to the sample, the rest is what it was, and nothing slips by."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from redact import api
from redact.core.edits.values import Mute
from redact.core.edits.zones import parse_mute
from redact.core.geometry import Size
from redact.core.plan import Plan, SourceId
from redact.core.recipe import recipe
from redact.errors import PlanError, RecipeError, VerificationError
from redact.media.files import fingerprint
from redact.media.formats import find_faults, open_source
from redact.media.video import sink
from redact.media.video.muting import find_sound_left, is_lossless
from tests import clips

RATE = 48_000
SOUND = (
    f"aevalsrc='0.4*sin(2*PI*440*t)+0.2*sin(2*PI*(300+90*t)*t)|0.3*sin(2*PI*660*t)':d=1:s={RATE}"
)
SPANS = (Mute(Fraction(1, 5), Fraction(2, 5)), Mute(Fraction(13, 20), Fraction(7, 10), tone=True))
LOSSLESS = {
    "pcm.mov": ("-c:a", "pcm_s16le"),
    "deep.mov": ("-c:a", "pcm_s24le"),
    "float.mkv": ("-c:a", "pcm_f32le"),
    "flac.mkv": ("-c:a", "flac"),
    "alac.mp4": ("-c:a", "alac"),
    "avi.avi": ("-c:a", "pcm_s16le"),
}
LOSSY = {
    "aac.mp4": ("-c:a", "aac"),
    "opus.webm": ("-c:a", "libopus"),
    "mp3.mkv": ("-c:a", "libmp3lame"),
}


def clip(folder: Path, name: str, delay: str = "0") -> Path:
    path = folder / name
    coding = (LOSSLESS | LOSSY)[name]
    coder = {".webm": "libvpx-vp9", ".avi": "mjpeg"}.get(path.suffix, "libx264")
    pixels = "yuvj420p" if coder == "mjpeg" else "yuv420p"
    clips.run(
        *("-f", "lavfi", "-i", "testsrc=s=64x48:r=20:d=1", "-itsoffset", delay),
        *("-f", "lavfi", "-i", SOUND, "-c:v", coder, "-pix_fmt", pixels),
        *coding,
        path,
    )  # fmt: skip
    return path


def plan_of(path: Path, *mutes: Mute, audio: str = "keep") -> Plan:
    times = [frame.time for frame in open_source(path).frames()]
    source = SourceId(fingerprint(path), Size(64, 48), len(times), times[0], times[-1])
    return Plan(source, recipe("fast", audio=audio), edits=mutes)


def heard(path: Path) -> tuple[Fraction, np.ndarray, int]:
    """When the first sample is played by the pictures' clock, all samples, and their rate."""
    found, start, rate = [], None, 1
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        for frame in container.decode(stream):
            start = frame.pts * frame.time_base if start is None else start
            rate = frame.sample_rate
            samples = frame.to_ndarray()
            found.append(
                samples.T if frame.format.is_planar else samples.reshape(frame.samples, -1)
            )
    assert start is not None
    return start, np.concatenate(found), rate


def muted(path: Path, *mutes: Mute, audio: str = "keep") -> Path:
    output = path.with_name(f"{path.stem}.out{path.suffix}")
    done = api.render_file(
        path, output, plan_of(path, *mutes, audio=audio), checking=None, force=True
    )
    assert done.plan.result is not None
    return output


@pytest.mark.parametrize("name", LOSSLESS)
def test_of_sound_without_loss_only_the_spans_change_to_the_sample(
    tmp_path: Path, name: str
) -> None:
    path = clip(tmp_path, name)
    output = muted(path, *SPANS)
    (start, before, rate), (begins, after, same_rate) = heard(path), heard(output)
    assert (start, rate, before.shape, before.dtype) == (
        begins,
        same_rate,
        after.shape,
        after.dtype,
    )
    first, last = (round((t - start) * rate) for t in (SPANS[0].start, SPANS[0].end))
    tone = slice(*(round((t - start) * rate) for t in (SPANS[1].start, SPANS[1].end)))
    assert not after[first:last].any()
    assert before[first].any()
    rest = np.ones(len(before), bool)
    rest[first:last] = rest[tone] = False
    assert np.array_equal(before[rest], after[rest])
    assert after[tone].any()
    assert not np.array_equal(before[tone], after[tone])


@pytest.mark.parametrize("name", LOSSY)
def test_other_sound_is_encoded_once_and_silent_there(tmp_path: Path, name: str) -> None:
    path = clip(tmp_path, name)
    output = muted(path, *SPANS)
    (start, before, rate), (begins, after, _) = heard(path), heard(output)
    assert abs(start - begins) < Fraction(1, 40)
    inner = [round((t - begins) * rate) for t in (Fraction(26, 100), Fraction(34, 100))]
    assert np.abs(after[slice(*inner)]).max() < 0.001
    well = [round((Fraction(t) - begins) * rate) for t in ("0.85", "0.95")]
    loud = np.square(after[slice(*well)]).mean(axis=0) / np.square(before[slice(*well)]).mean(
        axis=0
    )
    assert np.all((loud > 0.8) & (loud < 1.25))


def test_sound_that_begins_later_is_silenced_by_the_clock_of_the_pictures(tmp_path: Path) -> None:
    path = clip(tmp_path, "pcm.mov", delay="0.25")
    start, after, rate = heard(muted(path, Mute(Fraction(3, 10), Fraction(4, 10))))
    silent = ~after.any(axis=1)
    first, last = (round((Fraction(t, 10) - start) * rate) for t in (3, 4))
    assert silent[first:last].all()
    assert silent.sum() < last - first + 60


def test_from_0_on_means_from_the_beginning_also_of_sound_before_0(tmp_path: Path) -> None:
    path, output = tmp_path / "early.asf", tmp_path / "out.mkv"
    early = ("-output_ts_offset", "-0.3", "-avoid_negative_ts", "disabled")
    clips.run(
        *("-f", "lavfi", "-i", "testsrc=s=64x48:r=20:d=1", "-f", "lavfi", "-i", SOUND),
        *("-c:v", "mpeg4", "-c:a", "wmav2", *early, path),
    )
    assert heard(path)[0] < -Fraction(1, 4)
    mute = Mute(Fraction(0), Fraction(1, 5))
    api.render_file(path, output, plan_of(path, mute), checking=None)
    start, samples, rate = heard(output)
    until = round((Fraction(1, 2) - start) * rate)
    assert until > rate / 3
    edge = rate // 20  # a lossy encoder smears the end
    assert np.abs(samples[: until - edge]).max() < 0.01
    assert np.abs(samples[until + edge :]).max() > 0.1


@pytest.mark.parametrize("codec", ["pcm_s16le", "wmav2"])
@pytest.mark.parametrize("tone", [False, True])
def test_the_check_looks_for_sound_before_0_too(tmp_path: Path, codec: str, tone: bool) -> None:
    """There alone is something heard."""
    path, output = tmp_path / "early.asf", tmp_path / "out.mkv"
    word = f"aevalsrc='0.5*sin(2*PI*440*t)*between(t,0,0.2)':d=1:s={RATE}"
    early = ("-output_ts_offset", "-0.3", "-avoid_negative_ts", "disabled")
    picture = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=20:d=1", "-f", "lavfi", "-i", word)
    clips.run(*picture, "-c:v", "mpeg4", "-c:a", codec, *early, path)
    assert heard(path)[0] < -Fraction(1, 4)
    mute, shift = Mute(Fraction(0), Fraction(1, 5), tone), Fraction(3, 10)
    assert find_sound_left(path, 1, [mute], Fraction(0), codec)
    api.render_file(path, output, plan_of(path, mute), checking=None)
    assert not find_sound_left(output, 1, [mute], shift, codec if is_lossless(codec) else "aac")


def test_disguised_voices_are_silent_there_too(tmp_path: Path) -> None:
    output = muted(clip(tmp_path, "pcm.mov"), SPANS[0], audio="disguise")
    begins, after, rate = heard(output)
    inner = [round((t - begins) * rate) for t in (Fraction(28, 100), Fraction(34, 100))]
    assert np.abs(after[slice(*inner)]).max() < 0.002


@pytest.mark.parametrize("audio", ["keep", "disguise"])
def test_a_word_behind_gaps_in_the_sound_is_silenced_where_it_is_heard(
    tmp_path: Path, audio: str
) -> None:
    """Four lost packets move what follows by 85 ms against the number of samples."""
    whole, path = tmp_path / "whole.mp4", tmp_path / "gaps.mp4"
    word = f"aevalsrc='0.5*sin(2*PI*880*t)*between(t,1,1.2)':d=1.5:s={RATE}"
    picture = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=20:d=1.5")
    coding = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac")
    clips.run(*picture, "-f", "lavfi", "-i", word, *coding, whole)
    with av.open(str(whole)) as read, av.open(str(path), "w") as written:
        streams = [written.add_stream_from_template(s, opaque=True) for s in read.streams]
        lost = iter(range(1000))
        for packet in read.demux():
            is_lost = packet.stream.type == "audio" and next(lost) in {10, 15, 20, 25}
            if packet.size and not is_lost:
                packet.stream = streams[packet.stream.index]
                written.mux(packet)
    output = muted(path, Mute(Fraction(99, 100), Fraction(121, 100)), audio=audio)
    assert np.abs(heard(output)[1]).max() < 0.01


def test_the_summary_says_what_became_of_the_rest(tmp_path: Path) -> None:
    told = {}
    for name in ("pcm.mov", "aac.mp4"):
        path = clip(tmp_path, name)
        output = tmp_path / f"out{path.suffix}"
        done = api.render_file(path, output, plan_of(path, *SPANS))
        assert done.verification is not None
        assert done.verification.passed
        assert api.verify_file(path, output, done.plan).passed
        (told[name],) = [note.text for note in done.notes if note.kind == "sound_muted"]
    assert told["pcm.mov"].endswith("2 spans silenced; the rest is the same, sample by sample")
    assert told["aac.mp4"].endswith("2 spans silenced; the rest is encoded once more, to aac")


@pytest.mark.parametrize("name", ["pcm.mov", "aac.mp4"])
def test_the_check_notices_a_span_that_is_heard(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = clip(tmp_path, name)
    monkeypatch.setattr(sink, "mute_track", lambda track, *_: sink.decode_track(
        track, RATE, _[3], _[4]))  # fmt: skip
    for span in SPANS:
        with pytest.raises(VerificationError, match=r"its sound is not (silent|a tone) from"):
            muted(path, span)
        assert not path.with_name(f"{path.stem}.out{path.suffix}").exists()
    monkeypatch.undo()
    plain = muted(path)
    plan = plan_of(path, *SPANS)
    faults = api.verify_file(path, plain, plan).faults
    assert len([fault for fault in faults if "its sound is not" in fault]) == 2
    early = (Mute(Fraction(1, 5), Fraction(45, 100)),)
    assert find_sound_left(muted(path, SPANS[0]), 1, early, Fraction(0), "pcm_s16le")


def test_silence_where_nothing_is_heard_is_refused(tmp_path: Path) -> None:
    path = clip(tmp_path, "pcm.mov")
    with pytest.raises(PlanError, match="there is no sound between 5 s and 6 s"):
        muted(path, SPANS[0], Mute(Fraction(5), Fraction(6)))
    silent = clips.make(tmp_path, "plain")
    plan = replace(plan_of(silent, SPANS[0]), recipe=recipe("fast"))
    with pytest.raises(PlanError, match="there is no sound that could be silenced"):
        api.render_file(silent, tmp_path / "out.mp4", plan)
    for choices in ({"audio": "drop"}, {"extras": ("subtitles",)}):
        with pytest.raises(RecipeError, match=r"no sound to silence|subtitles tell"):
            api.redact_file(path, recipe=recipe("fast", **choices), edits=[parse_mute("0-0.5")])
    assert not (tmp_path / "out.mp4").exists()


def test_every_track_is_silenced(tmp_path: Path) -> None:
    path = tmp_path / "two.mkv"
    inputs = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=20:d=1", "-f", "lavfi", "-i", SOUND)
    sounds = ("-map", "0:v", "-map", "1:a", "-map", "1:a", "-c:a:0", "pcm_s16le", "-c:a:1", "aac")
    clips.run(*inputs, *sounds, "-c:v", "libx264", "-pix_fmt", "yuv420p", path)
    output = muted(path, SPANS[0])
    with av.open(str(output)) as container:
        assert len(container.streams.audio) == 2
    for index, codec in ((1, "pcm_s16le"), (2, "aac")):
        assert find_sound_left(path, index, SPANS[:1], Fraction(0), codec)
        assert not find_sound_left(output, index, SPANS[:1], Fraction(0), codec)


def test_packets_without_times_do_not_mislead_the_check(tmp_path: Path) -> None:
    path = tmp_path / "b_frames.avi"
    inputs = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=20:d=1", "-f", "lavfi", "-i", SOUND)
    clips.run(*inputs, "-c:v", "libx264", "-bf", "2", "-c:a", "pcm_s16le", path)
    output = tmp_path / "out.mov"
    plan = plan_of(path, SPANS[0])
    api.render_file(path, output, plan, checking=None)
    original, finished = open_source(path), open_source(output)
    assert find_faults(original, finished, plan) == []
    later = replace(plan, edits=(Mute(Fraction(2, 10), Fraction(8, 10)),))
    assert any("not silent" in fault for fault in find_faults(original, finished, later))
