"""Prints how many spans of a long video workers search in a minute, and what that is good for.

`--search` has spans searched in one process, and by one and two workers of a cluster, each bound to
one processor; loading detectors counts for nothing. `--whole` redacts the video with `--jobs 1` and
on a cluster of one and two workers, and says how long each stage took, and in how many spans
another worker spared the file's own worker its passes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

from cluster import bound, services, take_time
from contenders import unwind_on_terminate
from memory import loop, paint_clip


def search_here(video: Path, spans: int, profile: str) -> None:
    """Print the seconds that each span takes in this process, the first one left out."""
    from redact.core.recipe import PROFILES
    from redact.spans import detect_in_span

    detect_in_span(video, PROFILES[profile], 0, lambda *_: None)
    began = monotonic()
    for number in range(1, spans + 1):
        detect_in_span(video, PROFILES[profile], number, lambda *_: None)
    print((monotonic() - began) / spans)


def search_there(video: Path, spans: int, profile: str, workers: int) -> float:
    """Seconds a span, searched by workers of a cluster."""
    from redact.cluster.addresses import make_security, read_address
    from redact.cluster.link import Link
    from redact.cluster.messages import Answer, Order, decode
    from redact.cluster.serving import silence_dask
    from redact.cluster.shared import Marks
    from redact.core.recipe import PROFILES
    from redact.jobs.jobs import Job

    silence_dask()
    os.sched_setaffinity(0, {1})
    with TemporaryDirectory(dir=video.parent) as place, services(workers, Path(place, "k")) as url:
        link = Link(read_address(url), make_security(Path(place, "k")))
        job = Job(video, Path(place, "out.mp4"), Path(place, "out.json"), PROFILES[profile])
        marks = Marks()
        proof = marks.prove(job.source, job.output)
        while len(link.workers()) < workers:
            sleep(0.1)

        def begin(worker: str, number: int) -> object:
            return link.redact(worker, Order(job, (Path(place),), proof, False, "", number, number))

        def work(numbers: Sequence[int]) -> float:
            """Seconds that these take."""
            waiting, busy = list(numbers), {}
            began = monotonic()
            while waiting or busy:
                for worker in there:
                    asked = busy.get(worker)
                    if asked is not None and asked.is_done:
                        answer = decode(busy.pop(worker).answer(), Answer)
                        assert answer.span is not None, answer
                    if worker not in busy and waiting:
                        busy[worker] = begin(worker, waiting.pop(0))
                sleep(0.02)
            return monotonic() - began

        there = link.workers()
        work(range(spans + 1, spans + 1 + workers))  # each loads its detectors
        took = work(range(1, spans + 1))
        marks.remove()
        link.close()
    return took / spans


def measure_search(video: Path, spans: int, profile: str) -> None:
    """Spans a minute."""
    print("| workers | s a span | spans a minute | cost beside one process | efficiency |")
    print("|---|---:|---:|---:|---:|", flush=True)
    here = [sys.executable, __file__, "--here", str(video), str(spans), profile]
    child = bound(0, *here, stdout=subprocess.PIPE)
    alone = float(child.communicate()[0])
    print(f"| one process | {alone:.1f} | {60 / alone:.2f} | | |", flush=True)
    one = search_there(video, spans, profile, 1)
    print(f"| 1 | {one:.1f} | {60 / one:.2f} | {one / alone - 1:+.1%} | |", flush=True)
    two = search_there(video, spans, profile, 2)
    print(f"| 2 | {two:.1f} | {60 / two:.2f} | | {one / two / 2:.0%} |", flush=True)


def measure_whole(video: Path, profile: str) -> None:
    """Wall seconds of one file, by stages."""
    print("| workers | wall s | analysis | rendering | check | spans of others |")
    print("|---|---:|---:|---:|---:|---:|", flush=True)
    for workers in (0, 1, 2):
        with TemporaryDirectory() as place:
            told, said = Path(place, "told"), Path(place, "said")
            with told.open("w") as out, said.open("w") as err:
                wall, _ = take_time(video, workers, profile, "--json", "--verbose",
                                    stdout=out, stderr=err)  # fmt: skip
            report = json.loads(told.read_text())
            seconds = dict.fromkeys(("resume", "analyse", "render", "verify"), 0.0)
            for stage, took in re.findall(r": (\w+): \d+ frames in ([\d.]+) s", said.read_text()):
                seconds[stage] = seconds.get(stage, 0) + float(took)
        name = f"{workers} of a cluster" if workers else "`--jobs 1`"
        stages = " | ".join(f"{seconds[name]:.1f}" for name in ("analyse", "render", "verify"))
        print(f"| {name} | {wall:.1f} | {stages} | {report['spans']} |", flush=True)


def main(said: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", type=Path, help="what is looped; a painted clip if unsaid")
    parser.add_argument("--profile", default="balanced")
    parser.add_argument("--search", type=int, metavar="N", help="so many spans, an even number")
    parser.add_argument("--whole", type=int, metavar="N", help="a video of so many spans")
    parser.add_argument("--here", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args(said)
    unwind_on_terminate()
    if chosen.here:
        video, spans, profile = chosen.here
        search_here(Path(video), int(spans), profile)
        return

    def with_video(spans: int, measure: Callable[[Path], None]) -> None:
        from imageio_ffmpeg import get_ffmpeg_exe

        with TemporaryDirectory() as place:
            clip = chosen.clip or Path(place, "painted.mp4")
            if chosen.clip is None:
                paint_clip(clip)
            video = Path(place, f"long{clip.suffix}")
            loop(clip, spans / 2, video, get_ffmpeg_exe())
            measure(video)

    if chosen.search:
        # one span more to load detectors with for each worker, and the first
        with_video(chosen.search + 3, lambda it: measure_search(it, chosen.search, chosen.profile))
    if chosen.whole:
        with_video(chosen.whole, lambda it: measure_whole(it, chosen.profile))


if __name__ == "__main__":
    main()
