"""Prints redact's peak memory and time per frame for one clip looped to several lengths.

CPU time means something on a busy machine too, wall time does not. What a frame of the longer loops
costs beyond those of the shorter one is what a later minute costs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

from contenders import redact_command, unwind_on_terminate

_MIB = 1 << 20
_SIZE, _RATE, _SECONDS, _PATCH = (640, 360), 25, 10, 64
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Peak:
    """What one run took.

    Args:
        largest: Most memory that any one of its processes held at once, in bytes, by the kernel.
        together: Most that all its processes were seen to hold at once, None without /proc.
        seconds: How long it took.
        spent: CPU seconds of all its processes.
        frames: How many frames it wrote.
    """

    largest: int
    together: int | None
    seconds: float
    spent: float
    frames: int


def paint_clip(path: Path) -> None:
    """A clip in which textured patches move over a textured ground; there is no face in it."""
    import av
    import numpy as np

    random = np.random.default_rng(0)
    width, height = _SIZE
    ground = random.integers(60, 200, (height // 8, width // 8, 3), np.uint8)
    ground = ground.repeat(8, 0).repeat(8, 1)
    patches = random.integers(0, 255, (6, _PATCH, _PATCH, 3), np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=_RATE, options={"crf": "23"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(_RATE * _SECONDS):
            picture = ground.copy()
            for number, patch in enumerate(patches):
                x = (index * (2 + number) + 90 * number) % (width - _PATCH)
                y = (index * (1 + number % 3) + 50 * number) % (height - _PATCH)
                picture[y : y + _PATCH, x : x + _PATCH] = patch
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def loop(clip: Path, minutes: float, output: Path, ffmpeg: str) -> None:
    """Repeat a clip, as it is coded, up to a length."""
    command = [ffmpeg, "-v", "error", "-stream_loop", "-1", "-i", str(clip), "-map", "0:v:0"]
    command += ["-map", "0:a:0?", "-c", "copy", "-t", str(60 * minutes), str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"bench: {clip} cannot be looped: {done.stderr.strip()}")


def measure(source: Path, out: Path, profile: str, *, checked: bool) -> Peak:
    """Run `redact run` on one file and watch it."""
    choices = ["--style", "solid", "--profile", profile, "--quiet", "--json"]
    choices += [] if checked else ["--no-verify"]
    command = [*redact_command(), "run", str(source), "-o", str(out), *choices]
    said = out.with_name(f"{out.name}.jsonl")
    with said.open("w") as stdout:
        began = monotonic()
        process = subprocess.Popen(command, stdout=stdout, stdin=subprocess.DEVNULL)
        try:
            together, largest, spent = _watch(process)
        finally:
            if process.returncode is None:
                process.terminate()
    report = json.loads(said.read_text() or "{}")
    if process.returncode or report.get("error"):
        sys.exit(f"bench: redact ended with {process.returncode}: {report}")
    return Peak(largest, together, monotonic() - began, spent, report["frames"])


def _watch(process: subprocess.Popen[bytes]) -> tuple[int | None, int, float]:
    together = 0
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        together = max(together, sum(_resident(pid) for pid in _family(process.pid)))
        sleep(0.1)
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    return together or None, usage.ru_maxrss * unit, usage.ru_utime + usage.ru_stime


def _family(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _family(int(child))


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except OSError:  # it has ended, or this system has no /proc
        return 0


def _arguments(said: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--clip", type=Path, help="what is looped; a painted 640x360 clip if unsaid"
    )
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 10])
    parser.add_argument("--profile", default="balanced")
    parser.add_argument(
        "--no-verify", action="store_true", help="unchecked: how often is rendered anew is chance"
    )
    return parser.parse_args(said)


def main(said: Sequence[str] | None = None) -> None:
    """A row per length, printed as soon as it is known."""
    import imageio_ffmpeg

    unwind_on_terminate()
    options = _arguments(said)
    print(f"redact {options.profile}: {options.clip.name if options.clip else 'painted clip'}\n")
    head = ("minutes", "frames", "largest process, MiB", "all together, MiB", "ms per frame")
    print("| " + " | ".join([*head, "CPU ms", "CPU ms, of those beyond the row above"]) + " |")
    print("|---:" * 7 + "|", flush=True)
    last = Peak(0, 0, 0.0, 0.0, 0)
    with TemporaryDirectory(prefix="redact-bench-") as folder:
        clip = options.clip or Path(folder, "painted.mp4")
        if options.clip is None:
            paint_clip(clip)
        for minutes in options.minutes:
            source = Path(folder, f"loop_{minutes:g}{clip.suffix}")
            loop(clip, minutes, source, imageio_ffmpeg.get_ffmpeg_exe())
            out = Path(folder, f"out_{minutes:g}")
            peak = measure(source, out, options.profile, checked=not options.no_verify)
            print(f"| {minutes:g} | {peak.frames} | {_row(peak, last)} |", flush=True)
            last = peak
            source.unlink()


def _row(peak: Peak, last: Peak) -> str:
    together = "not known" if peak.together is None else f"{peak.together / _MIB:.0f}"
    paces = [peak.seconds / peak.frames, peak.spent / peak.frames]
    paces.append((peak.spent - last.spent) / max(1, peak.frames - last.frames))
    return " | ".join([f"{peak.largest / _MIB:.0f}", together, *(f"{1000 * p:.1f}" for p in paces)])


if __name__ == "__main__":
    main()
