"""Disguises voices with random parameters, drawn for each track, used once, and forgotten.

Formants and pitch are shifted separately, and all frequencies by a few hertz more. Four bands are
made louder and softer. Every phase is set anew, which leaves a voice without melody. Then only the
telephone band is kept. Each parameter changes several times a second in a random walk, so that no
single shift back fits more than an instant.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from secrets import SystemRandom
from typing import Final

from redact.errors import EngineError
from redact.media.video.ffmpeg_program import run_program
from redact.media.video.sound import (
    CopiedTrack,
    DecodedTrack,
    decoded_sound,
    track_extent,
    wav_command,
)

SAMPLE_RATE: Final = 16_000
"""Samples per second. Higher frequencies tell more about who speaks than about what is said."""

_STEP = 0.25
"""Seconds between two steps of the random walks."""

_BANDS = (400, 900, 1800, 3000)  # Hz, whose loudness changes
_FILTER_DELAY = 336  # samples by which the chain delays on average, measured with clicks
_PADDING = 2  # seconds of silence fed in at the end, so that the filters give back everything
_FFT_SIZE = 512  # samples whose phases are set anew together


def disguise_voice(track: CopiedTrack, written: Path, program: Path) -> DecodedTrack:
    """Disguise the voices of one track; the result is as long as the track.

    Args:
        track: Where its sound is.
        written: The file to write, in a private folder. The parameters are in a file `amounts`
            beside it, which is removed afterwards.
        program: The ffmpeg program.

    Raises:
        UnsupportedInputError: There is no sound in the track.
        EngineError: The program failed, or gave too little.
        OSError: There is no space left.
    """
    start, end = track_extent(track.path, track.index)
    samples = round((end - start) * SAMPLE_RATE)
    amounts = written.with_name("amounts")
    amounts.touch(mode=0o600)
    amounts.write_text(
        filter_commands(SystemRandom(), float(end - start) + _PADDING), encoding="ascii"
    )
    try:
        run_program(_command(track, samples, written, program), written)
    finally:
        amounts.unlink()
    first, last = track_extent(written, 0)
    if round((last - first) * SAMPLE_RATE) != samples:
        raise EngineError("the disguised sound is not as long as the original")
    return DecodedTrack(written, track.start + start, samples, SAMPLE_RATE)


def filter_commands(random: Random, seconds: float) -> str:
    """All parameters over time, as commands for ffmpeg's asendcmd filter."""
    lower = random.random() < 0.5
    formants = _random_walk(random, *((0.76, 0.9) if lower else (1.12, 1.3)))
    pitch = _random_walk(random, *((0.75, 1.0) if lower else (1.0, 1.35)))
    shift = _random_walk(random, *((-60.0, -15.0) if lower else (15.0, 60.0)))
    gains = [_random_walk(random, -7.0, 7.0) for _ in _BANDS]
    lines = []
    for step in range(int(seconds / _STEP) + 2):
        formant = next(formants)
        said = [f"rubberband@formants pitch {formant:.4f}"]
        said += [f"rubberband@pitch pitch {next(pitch) / formant:.4f}"]
        said += [f"afreqshift@shift shift {next(shift):.2f}"]
        said += [f"equalizer@band{i} gain {next(gain):.2f}" for i, gain in enumerate(gains)]
        lines.append(f"{step * _STEP:.2f} {', '.join(said)};\n")
    return "".join(lines)


def _random_walk(random: Random, low: float, high: float) -> Iterator[float]:
    """A random walk between two bounds; a step is at most half of the range."""
    value = random.uniform(low, high)
    while True:
        yield value
        value += random.uniform(-0.5, 0.5) * (high - low)
        value = min(high, max(low, value))


def _command(track: CopiedTrack, samples: int, written: Path, program: Path) -> list[str]:
    sound = decoded_sound(track, SAMPLE_RATE)
    sound = sound.filter("aformat", channel_layouts="mono").filter("apad", pad_dur=_PADDING)
    sound = sound.filter("asendcmd", filename="amounts")
    moving = {"pitch": 1, "pitchq": "consistency"}  # made for amounts that change
    sound = sound.filter("rubberband@formants", **moving)
    sound = sound.filter("rubberband@pitch", formant="preserved", **moving)
    sound = sound.filter("afreqshift@shift", shift=0)
    for index, middle in enumerate(_BANDS):
        sound = sound.filter(f"equalizer@band{index}", f=middle, t="o", w=1, g=0)
    size = "hypot(re,im)"
    sound = sound.filter(
        "afftfilt", real=f"{size}*sin(0)", imag=f"{size}*cos(0)", win_size=_FFT_SIZE, overlap=0.75
    )
    sound = sound.filter("highpass", f=160).filter("lowpass", f=3600).filter("lowpass", f=3600)
    sound = sound.filter("atrim", start_sample=_FILTER_DELAY, end_sample=_FILTER_DELAY + samples)
    sound = sound.filter("asetpts", "N/SR/TB")
    return wav_command(sound, written, program)
