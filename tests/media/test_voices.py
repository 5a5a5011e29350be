"""Disguised sound: another voice, as long and where the original was, never the same twice."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from random import Random

import av
import numpy as np
import pytest

from redact.errors import EngineError
from redact.media.video import sink as sinks
from redact.media.video import voice_disguise
from redact.media.video.sink import VideoSink
from redact.media.video.sound import DecodedTrack
from redact.media.video.source import VideoSource
from tests import clips

BURSTS = "aevalsrc='0.6*random(0)*lt(mod(t,1),0.1)*gt(t,0.5)':d=6:s=48000"
PACKET = 1100 / voice_disguise.SAMPLE_RATE


def clip(folder: Path, suffix: str, sound: str = BURSTS, *options: str) -> Path:
    path = folder / f"clip{suffix}"
    coding = ["-c:v", "libx264", "-pix_fmt", "yuv420p"]
    if suffix == ".webm":
        coding = ["-c:v", "libvpx-vp9", "-cpu-used", "8", "-c:a", "libopus"]
    picture = "testsrc=s=64x48:r=10:d=6"
    clips.run("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, *coding, *options, path)
    return path


def disguised(path: Path, name: str = "out") -> Path:
    source = VideoSource(path)
    output = path.with_name(f"{name}{path.suffix}")
    with VideoSink(output, source, audio="disguise") as sink:
        for frame in source.frames():
            sink.write(frame)
    return output


def heard(path: Path) -> tuple[float, np.ndarray]:
    """Seconds at which the sound begins, and its samples, one channel, 16 kHz."""
    resampler = av.AudioResampler("flt", "mono", voice_disguise.SAMPLE_RATE)
    parts = []
    with av.open(str(path)) as container:
        (stream,) = container.streams.audio
        frames = list(container.decode(stream))
        start = float(frames[0].pts * frames[0].time_base)
        for frame in [*frames, None]:
            parts += [part.to_ndarray().ravel() for part in resampler.resample(frame)]
    return start, np.concatenate(parts)


def centres(start: float, samples: np.ndarray) -> list[float]:
    """When each second's burst is loudest on average."""
    found = []
    for second in range(1, 6):
        first = int((second - 0.4 - start) * voice_disguise.SAMPLE_RATE)
        loud = np.square(samples[first : first + int(0.9 * voice_disguise.SAMPLE_RATE)])
        found.append(second - 0.4 + float((loud * np.arange(loud.size)).sum() / loud.sum() / 16000))
    return found


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".ts", ".avi"])
def test_the_sound_stays_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(voice_disguise, "SystemRandom", lambda: Random(11))
    path = clip(tmp_path, suffix)
    before, after = heard(path), heard(disguised(path))
    assert after[0] == pytest.approx(before[0], abs=PACKET)
    assert after[1].size == pytest.approx(before[1].size, abs=2 * 1024)
    start = before[0] if suffix == ".ts" else 0.0  # transport streams begin anywhere
    one, other = centres(before[0] - start, before[1]), centres(after[0] - start, after[1])
    assert np.abs(np.subtract(other, one)).max() < 0.06  # what viewers take for in time


def test_late_sound_stays_late(tmp_path: Path) -> None:
    path = clip(tmp_path, ".mp4", BURSTS, "-af", "asetpts=PTS+0.8/TB", "-c:a", "aac")
    assert heard(path)[0] == pytest.approx(0.8, abs=0.03)
    before, after = heard(path), heard(disguised(path))
    assert after[0] == pytest.approx(before[0], abs=PACKET)
    first = [
        start + np.abs(samples).argmax() / voice_disguise.SAMPLE_RATE
        for start, samples in (before, after)
    ]
    assert first[1] % 1 == pytest.approx(first[0] % 1, abs=0.12)


def test_every_track_is_disguised(tmp_path: Path) -> None:
    two = ("-map", "0:v", "-map", "1:a", "-map", "1:a", "-c:a", "aac", "-ac", "2")
    path = clip(tmp_path, ".mp4", BURSTS, *two)
    with av.open(str(disguised(path))) as container:
        assert [stream.channels for stream in container.streams.audio] == [1, 1]


def test_no_disguise_is_like_another(tmp_path: Path) -> None:
    path = clip(tmp_path, ".mp4", "anoisesrc=d=6:a=0.5:seed=1,tremolo=f=3,lowpass=f=2000")
    one, other = (heard(disguised(path, name))[1][:80_000] for name in ("one", "other"))
    assert np.abs(one).max() > 0.02
    assert np.square(one - other).mean() > 0.05 * np.square(one).mean()


def test_amounts_wander_within_their_bounds() -> None:
    said = voice_disguise.filter_commands(Random(3), 60.0).splitlines()
    assert len(said) == 242
    formants = np.array([float(line.split()[3].rstrip(",")) for line in said])
    assert 0.7 < formants.min() < formants.max() < 1.4
    assert formants.max() / formants.min() > 1.1
    assert not 0.95 < formants.mean() < 1.08
    assert np.abs(np.diff(formants)).max() < 0.1
    assert said != voice_disguise.filter_commands(Random(4), 60.0).splitlines()


def test_what_was_drawn_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = clip(tmp_path, ".mp4")
    seen: list[set[str]] = []

    def watching(*arguments: object) -> DecodedTrack:
        sound = voice_disguise.disguise_voice(*arguments)  # type: ignore[arg-type]
        seen.append({item.name for item in sound.path.parent.iterdir()})
        return sound

    monkeypatch.setattr(sinks, "disguise_voice", watching)
    disguised(path)
    assert len(seen) == 1
    assert "amounts" not in seen[0]
    assert {item.name for item in tmp_path.iterdir()} == {"clip.mp4", "out.mp4"}


@pytest.mark.parametrize("fault", ["program", "length"])
def test_what_cannot_be_disguised_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    path = clip(tmp_path, ".mp4")
    if fault == "program":
        monkeypatch.setattr(voice_disguise, "filter_commands", lambda *_: "0 nonsense;;;\n'")
    else:
        lengths = iter([(Fraction(0), Fraction(6)), (Fraction(0), Fraction(5))])
        monkeypatch.setattr(voice_disguise, "track_extent", lambda *_: next(lengths))
    with pytest.raises(EngineError):
        disguised(path)
    assert {item.name for item in tmp_path.iterdir()} == {"clip.mp4"}
