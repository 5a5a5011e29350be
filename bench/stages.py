"""Prints where redact's CPU time goes in one run, stage by stage; run by speed.py, or alone."""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock, local
from time import process_time, thread_time, time
from typing import Any

from plain import costs

from redact import api
from redact.core import coverage
from redact.core.findings import Kind
from redact.core.recipe import PROFILES
from redact.detect import copies
from redact.detect.detectors import DETECTORS
from redact.hide.styles import mixed
from redact.media.video import decoding, picture, sink
from redact.track import tracker
from redact.verify import compare
from redact.verify.result import Checking

BEGAN = "REDACT_BENCH_BEGAN"
"""The variable in which speed.py says when it started this program, in seconds since 1970."""

KINDS = {"faces": (Kind.FACE,), "faces,plates": (Kind.FACE, Kind.PLATE), "all": tuple(Kind)}


class Stopwatch:
    """CPU seconds of the calling threads by stage; of nested calls only the outermost counts."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._inside = local()
        self._one_at_a_time = Lock()

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with its time put down under the stage."""

        @wraps(function)
        def call(*args: Any, **options: Any) -> Any:
            if getattr(self._inside, "stage", None):
                return function(*args, **options)
            self._inside.stage, began = stage, thread_time()
            try:
                return function(*args, **options)
            finally:
                self._inside.stage = None
                with self._one_at_a_time:
                    self.seconds[stage] += thread_time() - began

        return call

    def watch(self, owner: Any, name: str, stage: str) -> None:
        """Time a function of a module or a class from now on."""
        setattr(owner, name, self.timed(stage, getattr(owner, name)))


def watched() -> tuple[Stopwatch, list[int]]:
    """A stopwatch on every stage that runs in our own threads, and a count of decoded frames."""
    watch, decoded = Stopwatch(), [0]
    watch.watch(picture.DecodedPicture, "rgb", "small picture")
    watch.watch(copies, "_to_grey", "small picture")
    watch.watch(tracker.PictureTracker, "update", "track")
    watch.watch(coverage.Cover, "hidden", "draw")
    watch.watch(mixed.Mixed, "hide", "draw")
    watch.watch(compare, "_compare", "verify")
    watch.watch(compare, "find_leaks", "verify")
    watch.watch(sink, "mux", "finish and check the file")
    watch.watch(sink, "check_result", "finish and check the file")
    for name, load in list(DETECTORS.items()):
        DETECTORS[name] = _loader(watch, load)
    _count_frames(decoded)
    return watch, decoded


def _loader(watch: Stopwatch, load: Callable[[], Any]) -> Callable[[], Any]:
    def loaded() -> Any:
        detector = load()
        detector.detect = watch.timed("detect", detector.detect)
        return detector

    return watch.timed("load networks", loaded)


def _count_frames(decoded: list[int]) -> None:
    frames = decoding.DecodingPass.frames

    def counted(self: decoding.DecodingPass) -> Any:
        for frame in frames(self):
            decoded[0] += 1
            yield frame

    setattr(decoding.DecodingPass, "frames", counted)  # noqa: B010


def stages(clip: Path, profile: str, detect: str, *, verify: bool) -> dict[str, float]:
    """CPU milliseconds per frame by stage; `rest` is what nobody accounts for."""
    with TemporaryDirectory(prefix="redact-bench-") as folder:
        decode, encode = costs(clip, Path(folder, f"plain{clip.suffix}"))
        watch, decoded = watched()
        began = process_time()
        outcome = api.redact_file(
            clip,
            Path(folder, f"out{clip.suffix}"),
            recipe=PROFILES[profile].detecting(KINDS[detect]),
            checking=Checking() if verify else None,
        )
        total = process_time() - began
    passes = decoded[0] / outcome.frames
    encoded = encode * (1 - outcome.copied / outcome.frames)  # once, if nothing was found later
    known = {f"decode, {passes:.1f} times": decode * passes, "encode": encoded, **watch.seconds}
    program = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = {**known, "rest": total - sum(known.values()), "all": total}
    spent["ffmpeg program"] = program.ru_utime + program.ru_stime
    return {name: 1000 * seconds / outcome.frames for name, seconds in spent.items()}


def first_frame(clip: Path) -> float:
    """Seconds from the start of this program until progress with the first frame was told."""
    from redact.jobs import batch

    began = float(os.environ.get(BEGAN, time()))
    with TemporaryDirectory(prefix="redact-bench-") as folder:
        jobs = batch.find_jobs([clip], Path(folder), PROFILES["balanced"]).jobs
        seen: list[float] = []

        def stop(*_: object) -> None:
            seen.append(time())
            raise RuntimeError("this is enough")  # ends the job

        list(batch.run(jobs, progress=stop))
    return seen[0] - began


def main(said: Sequence[str] | None = None) -> None:
    """One JSON object, or with `--first` one number."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--profile", default="balanced", choices=list(PROFILES))
    parser.add_argument("--detect", default="faces,plates", choices=list(KINDS))
    parser.add_argument("--no-verify", action="store_true")
    parser.add_argument("--first", action="store_true", help="only the time to the first frame")
    options = parser.parse_args(said)
    if options.first:
        print(first_frame(options.clip))
        return
    found = stages(options.clip, options.profile, options.detect, verify=not options.no_verify)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
