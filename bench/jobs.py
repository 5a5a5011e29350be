"""Prints how long several copies of a clip take with each number of `--jobs`.

The runs take turns. Wall time says whether `--jobs` pays, on an idle machine; CPU time says what it
costs, on any. The load is what other programs did meanwhile: without any it is about the processors
that redact keeps busy.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from contenders import redact_command, timed, unwind_on_terminate
from memory import paint_clip


def take_time(folder: Path, jobs: int, profile: str) -> tuple[float, float]:
    """Wall and CPU seconds of one run over all files of a folder."""
    with TemporaryDirectory() as out:
        command = [*redact_command(), "run", str(folder), "-o", out, "--jobs", str(jobs)]
        cost, ended = timed([*command, "--profile", profile, "--quiet"])
    if ended.returncode:
        sys.exit(f"bench: redact ended with {ended.returncode}\n{ended.stderr}")
    return cost.wall, cost.cpu


def main(said: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", type=Path, help="what is copied; a painted clip if unsaid")
    parser.add_argument("--copies", type=int, default=2)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--profile", default="balanced")
    parser.add_argument("--rounds", type=int, default=2)
    chosen = parser.parse_args(said)
    unwind_on_terminate()
    with TemporaryDirectory() as place:
        first = Path(place) / f"0{chosen.clip.suffix if chosen.clip else '.mp4'}"
        if chosen.clip:
            shutil.copyfile(chosen.clip, first)
        else:
            paint_clip(first)
        for number in range(1, chosen.copies):
            shutil.copyfile(first, first.with_stem(str(number)))
        print(f"{chosen.copies} files, {os.cpu_count()} processors\n")
        print("| round | jobs | wall s | CPU s | load |\n|---:|---:|---:|---:|---:|")
        for turn in range(1, chosen.rounds + 1):
            for jobs in chosen.jobs:
                wall, spent = take_time(Path(place), jobs, chosen.profile)
                load = os.getloadavg()[0]
                print(f"| {turn} | {jobs} | {wall:.0f} | {spent:.0f} | {load:.1f} |", flush=True)


if __name__ == "__main__":
    main()
