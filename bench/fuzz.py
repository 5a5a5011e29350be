"""Damages small media and plans at random: redact must end in success or in an error of its own."""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import imageio_ffmpeg
import numpy as np
from PIL import Image

from redact import errors
from redact.core import plan
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box, Size
from redact.core.passes import Pass
from redact.core.recipe import Recipe
from redact.jobs.batch import Report, find_jobs, run
from redact.media.files import fingerprint

_AT_ONCE = 20
_KNOWN = {name for name, kind in vars(errors).items() if isinstance(kind, type)} | {"OSError"}
_LOOK = Recipe(passes=(Pass("yunet", 320, 0.6),))

_CODED = {
    "a.mp4": ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"),
    "b.mkv": ("-c:v", "libx265", "-x265-params", "log-level=none", "-c:a", "flac"),
    "c.mov": ("-c:v", "prores_ks", "-c:a", "pcm_s16le"),
    "d.webm": ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-c:a", "libopus"),
    "e.ts": ("-c:v", "mpeg2video", "-c:a", "mp2"),
    "f.avi": ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-c:a", "pcm_s16le"),
    "between.avi": ("-c:v", "mpeg4", "-vtag", "XVID", "-bf", "2", "-c:a", "pcm_s16le"),
    "leading.ts": ("-c:v", "libx264", "-x264-params", "open-gop=1:keyint=3", "-c:a", "aac"),
    "leading.mpg": ("-r", "25", "-c:v", "mpeg2video", "-bf", "2", "-g", "4", "-c:a", "mp2"),
    "phone.3gp": ("-c:v", "mpeg4", "-c:a", "libopencore_amrnb", "-ar", "8000", "-ac", "1"),
    "screen.wmv": ("-c:v", "wmv2", "-c:a", "wmav2"),
    "stream.flv": ("-c:v", "flv1", "-c:a", "libmp3lame", "-ar", "44100"),
    "broadcast.mxf": ("-r", "25", "-c:v", "mpeg2video", "-c:a", "pcm_s16le"),
    "odd.mkv": ("-vf", "scale=95:63", "-c:v", "libx264", "-pix_fmt", "yuv444p", "-c:a", "flac"),
    "raw.y4m": ("-c:v", "rawvideo", "-pix_fmt", "yuv420p", "-an"),
}
_PICTURES = ("g.jpg", "h.png", "i.gif", "j.webp", "k.tif", "l.bmp", "m.heic", "n.avif", "o.png")
_WRITTEN = {  # what is particular to some of them
    "h.png": {"dpi": (300, 300)},
    "two.heic": {"save_all": True},
    "restarts.jpg": {"restart_marker_blocks": 2, "progressive": True},
    "bilevel.tif": {"compression": "group4", "dpi": (300, 300)},
    "pages.tif": {"save_all": True, "compression": "tiff_lzw"},
}
_MOVING = {"save_all": True, "duration": 40}


@dataclass(slots=True)
class Tally:
    """What became of the cases.

    Args:
        counts: By outcome: `redacted`, the kind of an error, or `contained` where a process was
            lost to the case, which a person should examine.
        faults: What is neither success nor one of our errors, with the seed that brings it back.
    """

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def seeds(folder: Path) -> list[Path]:
    """One small whole file of each kind."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    inputs = ["-f", "lavfi", "-i", "testsrc=s=96x64:r=10:d=0.5"]
    inputs += ["-f", "lavfi", "-i", "sine=d=0.5:r=48000"]
    for name, coding in _CODED.items():
        subprocess.run([program, "-v", "error", *inputs, *coding, folder / name], check=True)
    import pillow_heif

    pillow_heif.register_heif_opener()
    noise = np.random.default_rng(0).integers(0, 255, (3, 12, 16, 3), np.uint8)
    pictures = [Image.fromarray(part).resize((96, 64)) for part in noise]
    moving = dict.fromkeys(("i.gif", "j.webp", "o.png"), _MOVING)
    for name, choices in ({key: {} for key in _PICTURES} | moving | _WRITTEN).items():
        first = pictures[0].convert("1") if name == "bilevel.tif" else pictures[0]
        more = {"append_images": pictures[1:]} if "save_all" in choices else {}
        first.save(folder / name, **choices, **more)
    return sorted(folder.iterdir())


def damaged(data: bytes, chance: random.Random) -> bytes:
    """The same with a few things wrong."""
    found = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5))):
        reach = len(found) if chance.random() < 0.5 else min(len(found), 512)  # headers more often
        at = chance.randrange(max(1, reach))
        length = min(chance.choice((1, 1, 2, 4, 16, 200)), len(found) - at)
        manner = chance.randrange(6)
        if manner == 0:
            found[at : at + length] = chance.randbytes(length)
        elif manner == 1:
            found[at : at + length] = bytes(length)
        elif manner == 2:
            found[at : at + length] = b"\xff" * length
        elif manner == 3:
            del found[at : at + length]
        elif manner == 4:
            found[at:at] = found[max(0, at - length) : at]
        elif chance.random() < 0.3:
            del found[at:]
    return bytes(found) or b"\0"


def media(seed: int, count: int) -> Tally:
    """Let whole runs at that many damaged files."""
    chance, tally = random.Random(seed), Tally()
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "whole").mkdir()
        whole = seeds(folder / "whole")
        for start in range(0, count, _AT_ONCE):
            round_ = folder / f"{start}"
            round_.mkdir()
            for index in range(start, min(count, start + _AT_ONCE)):
                source = chance.choice(whole)
                case = round_ / f"{seed}-{index}{source.suffix}"
                case.write_bytes(damaged(source.read_bytes(), chance))
            for report in run(find_jobs([round_], None, _LOOK).jobs):
                _judge(report, tally)
            left = [path.name for path in round_.iterdir() if path.name.startswith(".")]
            tally.faults += [f"{name} was left behind" for name in left]
    return tally


def _judge(report: Report, tally: Tally) -> None:
    case, failure = report.source.name, report.failure
    there = report.output is not None and report.output.exists()
    if failure is None:
        tally.counts["redacted"] += 1
        if not there:
            tally.faults.append(f"{case}: a success without a result")
        return
    if there:
        tally.faults.append(f"{case}: a failure with a result")
    if failure.trace is not None or failure.kind not in _KNOWN:
        tally.faults.append(f"{case}: {failure.message}")
    lost = "the process that worked on it" in failure.message or "no progress" in failure.message
    tally.counts["contained" if lost else failure.kind] += 1


def plans(seed: int, count: int) -> Tally:
    """Read that many damaged plans: a plan or a `PlanError`, and what is read can be written."""
    chance, tally = random.Random(seed), Tally()
    text = plan.dumps(_plan()).encode()
    for index in range(count):
        try:
            found = plan.loads(damaged(text, chance).decode("utf-8", "replace"))
            tally.counts["read"] += 1
            if plan.loads(plan.dumps(found)) != found:
                tally.faults.append(f"plan {seed}-{index}: reads back as another")
        except errors.RedactError as error:
            tally.counts[type(error).__name__] += 1
        except Exception as error:
            tally.faults.append(f"plan {seed}-{index}: {type(error).__name__}: {error}")
    return tally


def _plan() -> plan.Plan:
    from fractions import Fraction

    seen = tuple(
        Sighting(i, Fraction(i, 25), Box(i, 2.5, 40 + i, 60), 0.9 if i % 2 else 0.0)
        for i in range(6)
    )
    tracks = (Track(1, Kind.FACE, seen), Track(2, Kind.PLATE, seen[:2], uncertain=True))
    source = plan.SourceId(fingerprint(Path(__file__)).replace("a", "b"), Size(96, 64), 6)
    hide = plan.HideBox(Box(1, 2, 3, 4), Fraction(0), Fraction(1, 3))
    return plan.Plan(source, _LOOK, (3,), tracks, (plan.Show(1), hide))


def _rounds(first: int, seconds: float) -> Iterator[int]:
    began, seed = monotonic(), first
    while monotonic() - began < seconds:
        yield seed
        seed += 1


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=1, help="the first; one more each round")
    parser.add_argument("--cases", type=int, default=60, help="files a round")
    said = parser.parse_args()
    counts: Counter[str] = Counter()
    faults: list[str] = []
    for seed in _rounds(said.seed, 60 * said.minutes):
        for tally in (media(seed, said.cases), plans(seed, 20 * said.cases)):
            counts += tally.counts
            faults += tally.faults
        print(f"seed {seed}: {dict(counts)}", file=sys.stderr)
    print("\n| outcome | cases |\n|---|---:|")
    for name, number in counts.most_common():
        print(f"| {name} | {number} |")
    print(f"\n{len(faults)} faults")
    for fault in faults:
        print(f"- {fault}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
