"""Disguises synthetic voices, lets an attacker search for the shift back, counts words lost."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import wave
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from redact.media.video.media_info import AudioTrack
from redact.media.video.muxing import find_program
from redact.media.video.voice_disguise import SAMPLE_RATE, disguise_voice

Features: TypeAlias = NDArray[np.floating[Any]]

SPEAKERS = (
    "m1", "m2", "m3", "m4", "m5", "m7", "f1", "f2", "f3", "f4", "f5", "klatt2", "steph", "victor",
    "michel", "linda",
)  # fmt: skip
"""Variants of espeak-ng's American voice."""

TEXTS = (
    "The witnesses met near the old bridge shortly before midnight. Nobody knew who had called "
    "them there, and the river was very high that year.",
    "She told the reporter that the money was moved through three small companies. The papers "
    "were kept in a green box under the stairs.",
    "We waited for almost an hour until the second car arrived. Two men got out and walked slowly "
    "towards the gate of the factory.",
)
"""The first two are what the attacker knows of each speaker; the last is what he hears."""

_WARPS = np.exp(np.linspace(np.log(0.68), np.log(1.47), 40))
"""Factors on all frequencies that the attacker tries, to undo a shift of formants."""

_WINDOW, _HOP, _BANDS = 512, 160, 24


def speak(voice: str, text: str, path: Path) -> Path:
    """One voice saying a text."""
    subprocess.run(["espeak-ng", "-v", f"en-us+{voice}", "-s", "155", "-w", path, text], check=True)
    return path


def hide(path: Path, manner: str, name: str) -> Path:
    """The sound disguised by redact, or shifted in pitch by one factor as simple tools do."""
    written = path.with_name(f"{path.stem}.{name}.wav")
    program = find_program()
    if manner == "disguise":
        track = AudioTrack(0, "pcm_s16le", None, SAMPLE_RATE, 1, default=True, language=None)
        disguise_voice(path, track, written, program)
    else:
        shift = ["-af", "rubberband=pitch=0.8", "-ar", str(SAMPLE_RATE), str(written)]
        subprocess.run([program, "-v", "error", "-i", path, *shift], check=True)
    return written


def read(path: Path) -> Features:
    """Samples from -1 to 1 at `SAMPLE_RATE`."""
    with wave.open(str(path)) as file:
        rate = file.getframerate()
        found = np.frombuffer(file.readframes(file.getnframes()), np.int16) / 32768
    count = int(found.size * SAMPLE_RATE / rate)
    return np.interp(np.arange(count) * rate / SAMPLE_RATE, np.arange(found.size), found)


def envelope(path: Path, warps: Sequence[float] | Features = (1.0,)) -> Features:
    """Means and spreads of cepstra, for each factor on the frequencies: (warps, 30)."""
    parts = np.lib.stride_tricks.sliding_window_view(read(path), _WINDOW)[::_HOP]
    power = np.abs(np.fft.rfft(parts * np.hanning(_WINDOW))) ** 2
    loud = power.sum(axis=1)
    power = power[loud > np.percentile(loud, 90) * 1e-3]
    places = np.arange(_WINDOW // 2 + 1) * SAMPLE_RATE / _WINDOW
    turns = np.outer(np.arange(1, 16), np.arange(_BANDS) + 0.5)
    cosines = np.cos(np.pi * turns / _BANDS)
    ends = 700 * (10 ** (np.linspace(_mel(200), _mel(3400), _BANDS + 2) / 2595) - 1)
    found = []
    for warp in warps:
        edges = np.minimum(ends * warp, SAMPLE_RATE / 2 - 50)
        left, middle, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
        rising, falling = (places - left) / (middle - left), (right - places) / (right - middle)
        bank = np.clip(np.minimum(rising, falling), 0, None)
        cepstra = np.log(power @ bank.T + 1e-10) @ cosines.T / _BANDS
        found.append(np.concatenate([cepstra.mean(axis=0), cepstra.std(axis=0)]))
    return np.array(found)


def _mel(frequency: float) -> float:
    return float(2595 * np.log10(1 + frequency / 700))


class Attacker:
    """Knows voices by the mean of their envelopes, each number in units of its own spread."""

    def __init__(self, known: Sequence[Sequence[Path]]) -> None:
        each = [np.concatenate([envelope(path) for path in paths]) for paths in known]
        self._centres = np.array([paths.mean(axis=0) for paths in each])
        apart = np.concatenate([paths - paths.mean(axis=0) for paths in each])
        self._spread = apart.std(axis=0) + 1e-3

    def rate(self, heard: Sequence[tuple[int, Path]], *, search: bool) -> float:
        """Share of sounds whose speaker is his first guess."""
        right = 0
        for speaker, path in heard:
            found = envelope(path, _WARPS if search else (1.0,))
            away = np.abs(found[:, None] - self._centres) / self._spread
            right += int(away.mean(axis=2).min(axis=0).argmin()) == speaker
        return right / len(heard)


def words_lost(paths: Sequence[Path]) -> float | None:
    """Word error rate of an offline recogniser, None where pocketsphinx is not installed."""
    try:
        from pocketsphinx import Decoder
    except ImportError:
        return None
    decoder = Decoder(samprate=SAMPLE_RATE, loglevel="FATAL")
    wanted = re.sub("[^a-z ]", "", TEXTS[2].lower()).split()
    errors = 0
    for path in paths:
        samples = read(path)
        loud = (samples / np.abs(samples).max() * 22_000).astype(np.int16)
        decoder.start_utt()
        decoder.process_raw(loud.tobytes(), full_utt=True)
        decoder.end_utt()
        errors += _distance(wanted, decoder.hyp().hypstr.split() if decoder.hyp() else [])
    return errors / len(wanted) / len(paths)


def _distance(wanted: list[str], heard: list[str]) -> int:
    row = list(range(len(heard) + 1))
    for i, word in enumerate(wanted, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speakers", type=int, default=len(SPEAKERS))
    said = parser.parse_args()
    if shutil.which("espeak-ng") is None:
        sys.exit("bench: espeak-ng is not installed, so there are no voices")
    names = SPEAKERS[: said.speakers]
    with TemporaryDirectory() as folder:
        clear = [[speak(v, text, Path(folder, f"{v}{i}.wav")) for i, text in enumerate(TEXTS)]
                 for v in names]  # fmt: skip
        plain = Attacker([paths[:2] for paths in clear])
        print(f"{len(names)} voices; a guess is right in {1 / len(names):.0%}\n")
        print("| sound | named | with search for the shift | by a gallery alike | words lost |")
        print("|---|---:|---:|---:|---:|")
        for manner in ("clear", "one shift", "disguise"):
            heard, alike = [(k, paths[2]) for k, paths in enumerate(clear)], plain
            if manner != "clear":
                heard = [(k, hide(paths[2], manner, "heard")) for k, paths in enumerate(clear)]
                alike = Attacker([[hide(p, manner, f"known{n}") for p in paths[:2] for n in (1, 2)]
                                  for paths in clear])  # fmt: skip
            lost = words_lost([path for _, path in heard[::4]])
            rates = [plain.rate(heard, search=False), plain.rate(heard, search=True),
                     alike.rate(heard, search=True)]  # fmt: skip
            print(f"| {manner} | {' | '.join(f'{rate:.0%}' for rate in rates)} | "
                  f"{'not measured' if lost is None else f'{lost:.0%}'} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
