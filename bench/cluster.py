"""Prints what a cluster costs beside one machine, and where more workers stop helping.

`--files` copies a clip and redacts the copies with `--jobs 1` and with one and two workers, each
bound to one processor, client and scheduler to the other. What a file costs is the difference
between many and few copies, so that starting counts for nothing. Two runs side by side, each of
half the copies, say what the machine allows. `--empty` gives workers work that does nothing: what
is left is what client, scheduler and worker cost for each file, and how much memory a long
queue takes. `--table` and `--span-table` say from such costs what more workers bring.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, process_time

from contenders import redact_command, unwind_on_terminate
from memory import paint_clip

WORKERS = (1, 2, 10, 30, 100, 300, 1000)

DAY = 144_000
"""Files of ten minutes that a thousand cameras make in a day."""

TIMES_READ = 4
"""How often a file is read: its fingerprint, analysis, rendering and check; results come on top."""


def bound(processor: int, *command: str, **how: object) -> subprocess.Popen[str]:
    """A process on one processor."""
    return subprocess.Popen(
        command,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {processor}),
        **how,  # type: ignore[call-overload]
    )


@contextmanager
def services(workers: int, keys: Path) -> Iterator[str]:
    """A scheduler on the second processor, and workers on one each; gives the address.

    Args:
        workers: How many.
        keys: Where certificates are made.
    """
    base = list(redact_command())
    making = [*base, "cluster", "certificates", str(keys)]
    subprocess.run(making, check=True, stdout=subprocess.DEVNULL)
    known = ["--certificates", str(keys)]
    served: list[subprocess.Popen[str]] = []
    try:
        serve = [*base, "cluster", "scheduler", "--port", "0", *known]
        served.append(bound(1, *serve, stderr=subprocess.PIPE))
        assert served[0].stderr is not None
        url = served[0].stderr.readline().split()[-1]
        for number in range(workers):
            worker = [*base, "worker", url, *known]
            served.append(bound(number, *worker, stderr=subprocess.PIPE))
        for started in served[1:]:
            assert started.stderr is not None
            started.stderr.readline()
        yield url
    finally:
        for service in served:
            service.terminate()
            service.wait()


def take_time(
    folder: Path, workers: int, profile: str, *more: str, **how: object
) -> tuple[float, float]:
    """Wall and CPU seconds of one run over a folder; no workers means `--jobs 1`.

    Args:
        folder: Or a file.
        workers: How many; they and the client share two processors.
        profile: A profile's name.
        more: Further arguments.
        how: For the client's process.
    """
    with TemporaryDirectory() as place:
        out, keys = Path(place, "out"), Path(place, "keys")
        run = [*redact_command(), "run", str(folder), "-o", str(out), "--profile", profile, *more]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with services(workers, keys) if workers else nullcontext() as url:
            if url:
                run += ["--cluster", url, "--certificates", str(keys)]
            began = monotonic()
            code = bound(1 if workers else 0, *run, **how).wait()
            wall = monotonic() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if code:
        sys.exit(f"bench: redact ended with {code}")
    return wall, (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def measure_files(clip: Path | None, copies: Sequence[int], profile: str) -> None:
    """Wall and CPU seconds for each file."""
    few, many = copies
    print(f"{few} and {many} copies\n\n| workers | wall s a file | CPU s a file | files a minute |")
    print("|---|---:|---:|---:|")
    with TemporaryDirectory() as place:
        first = Path(place, "few", f"0{clip.suffix if clip else '.mp4'}")
        first.parent.mkdir()
        if clip:
            shutil.copyfile(clip, first)
        else:
            paint_clip(first)
        for folder, count in (("few", few), ("many", many)):
            Path(place, folder).mkdir(exist_ok=True)
            for number in range(count):
                copy = Path(place, folder, first.with_stem(str(number)).name)
                if copy != first:
                    shutil.copyfile(first, copy)
        for workers in (0, 1, 2):
            (a, spent_a), (b, spent_b) = (
                take_time(Path(place, folder), workers, profile, "--quiet")
                for folder in ("few", "many")
            )
            wall, spent = (b - a) / (many - few), (spent_b - spent_a) / (many - few)
            name = f"{workers} of a cluster" if workers else "`--jobs 1`"
            print(f"| {name} | {wall:.2f} | {spent:.2f} | {60 / wall:.1f} |", flush=True)
        a, b = (take_time_apart(Path(place, folder), profile) for folder in ("few", "many"))
        wall = (b - a) / (many - few)
        print(f"| two `--jobs 1` | {wall:.2f} | | {60 / wall:.1f} |", flush=True)


def take_time_apart(folder: Path, profile: str) -> float:
    """Wall seconds of two runs side by side, each of half the files and bound to a processor.

    Nothing joins them, so it is what the machine allows.
    """
    files = sorted(map(str, folder.iterdir()))
    with TemporaryDirectory() as place:
        options = ["-o", place, "--profile", profile, "--quiet"]
        began = monotonic()
        running = [bound(at, *redact_command(), "run", *files[at::2], *options) for at in range(2)]
        codes = [one.wait() for one in running]
    if any(codes):
        sys.exit(f"bench: redact ended with {codes}")
    return monotonic() - began


class Nothing:
    """A sandbox in which nothing is done."""

    pid = None
    connection = None

    def start(self, _: object, job: object, __: object) -> Future[object]:
        """The finished future."""
        from redact.jobs.jobs import Failure, Job, Report

        assert isinstance(job, Job)
        done: Future[object] = Future()
        empty = Failure("EngineError", "nothing was done")
        done.set_result(Report(job.source, job.output, "failed", failure=empty))
        return done

    def relay(self) -> None:
        """Nothing to tell."""

    stop = close = relay


def resident() -> float:
    """MiB of this process, in which client, scheduler and workers are."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def measure_empty(queued: int, done: int, workers: int) -> None:
    """What a file costs that is no work, and how much memory the queue takes."""
    from redact.cluster import worker
    from redact.cluster.executor import ClusterExecutor
    from redact.cluster.link import Link
    from redact.cluster.serving import local_cluster, silence_dask
    from redact.cluster.tries import SLOTS
    from redact.jobs.batch import run
    from redact.jobs.jobs import Job

    silence_dask()
    worker.sandboxed_worker = lambda *_: Nothing()  # type: ignore[assignment]
    with TemporaryDirectory() as place:
        source = Path(place, "source.mp4")
        source.write_bytes(b"." * 1000)
        with (
            local_cluster(workers) as (address, security),
            ClusterExecutor(lambda hear: Link(address, security, hear), [], print) as executor,
        ):
            print(f"| files | MiB |\n|---|---:|\n| none | {resident():.0f} |")
            names = (Path(place, f"camera-{number:08}.redacted.mp4") for number in range(queued))
            jobs = [Job(source, name, name.with_suffix(".redact.json")) for name in names]
            print(f"| {queued} found | {resident():.0f} |", flush=True)
            with closing(run(jobs, SLOTS, executor=lambda: executor)) as reports:
                next(reports)
                began, spent = monotonic(), process_time()
                for number, _ in enumerate(reports, 1):
                    if number % max(1, done // 4) == 0:
                        print(f"| {number} of them done | {resident():.0f} |", flush=True)
                    if number == done:
                        break
                wall, spent = monotonic() - began, process_time() - spent
    each = f"{1000 * spent / done:.1f} ms of CPU and {1000 * wall / done:.1f} ms"
    print(f"\n{each} for each file, {workers} workers, all in one process")


def print_table(work: float, lost: float, client: float, size: float, share: float) -> None:
    """What more workers bring for many files.

    Args:
        work: Seconds that a worker works on a file.
        lost: Seconds between two files, on a worker.
        client: Seconds that client and scheduler need for a file.
        size: Megabytes of a file.
        share: Megabytes a second that the shared folder gives.
    """
    print(f"| workers | files a minute | limited by | {DAY} files |\n|---:|---:|---|---:|")
    for workers in WORKERS:
        limits = {
            "workers": workers / (work + lost),
            "client and scheduler": 1 / client,
            "the shared folder": share / (TIMES_READ * size),
        }
        name = min(limits, key=limits.__getitem__)
        rate = limits[name]
        print(f"| {workers} | {60 * rate:.0f} | {name} | {DAY / rate / 3600:.1f} h |")


@dataclass(frozen=True, slots=True)
class Shared:
    """A phase whose passes are shared: an analysis, or a check.

    Args:
        passes: Seconds that passes take in 30 s of video, on one worker.
        elsewhere: Seconds that others need besides, for the same.
        own: Seconds that all else takes in 30 s of video, on the file's own worker alone.
    """

    passes: float
    elsewhere: float
    own: float

    def took(self, spans: float, workers: int, client: float) -> float:
        """Seconds of the phase.

        Args:
            spans: How many the video has.
            workers: How many work on it.
            client: Seconds that client and scheduler need for a span.
        """
        # the first worker begins at one end and the others at the other, until they meet
        alone, helper = self.passes + self.own, self.passes + self.elsewhere
        mine = spans / (1 + (workers - 1) * alone / helper)
        return max(mine * alone, (spans - mine) * client) + (spans - mine) * self.own


def print_span_table(
    analysis: Shared, check: Shared, render: float, client: float, video: float
) -> None:
    """What more workers bring for one long video.

    Args:
        analysis: What it costs.
        check: The same.
        render: Seconds that rendering takes for 30 s of video, on the file's own worker.
        client: Seconds that client and scheduler need for a span.
        video: Minutes of the video.
    """
    spans = 2 * video
    alone = spans * (analysis.passes + analysis.own + render + check.passes + check.own)
    least = spans * (analysis.own + render + check.own)
    print(
        f"| workers | {video:g} minutes of video | times as fast | of the most that is possible |"
    )
    print("|---:|---:|---:|---:|")
    for workers in WORKERS:
        took = spans * render + sum(it.took(spans, workers, client) for it in (analysis, check))
        print(f"| {workers} | {took / 60:.0f} min | {alone / took:.1f} | {least / took:.0%} |")


def main(said: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", action="store_true")
    parser.add_argument("--clip", type=Path, help="what is copied; a painted clip if unsaid")
    parser.add_argument("--copies", type=int, nargs=2, default=[2, 8], help="few and many")
    parser.add_argument("--profile", default="balanced")
    parser.add_argument("--empty", type=int, metavar="N", help="so many files are queued")
    parser.add_argument("--done", type=int, default=400, help="after so many it ends")
    parser.add_argument("--workers", type=int, default=2, help="with --empty")
    parser.add_argument("--table", type=float, nargs=5, help="s, s, s, MB, MB/s: see print_table")
    parser.add_argument(
        "--span-table",
        type=float,
        nargs=9,
        metavar="S",
        help="analysis: passes, elsewhere, own; the same of the check; render, client, minutes",
    )
    chosen = parser.parse_args(said)
    unwind_on_terminate()
    if chosen.files:
        measure_files(chosen.clip, chosen.copies, chosen.profile)
    if chosen.empty:
        measure_empty(chosen.empty, chosen.done, chosen.workers)
    if chosen.table:
        print_table(*chosen.table)
    if chosen.span_table:
        a, b = (Shared(*chosen.span_table[at : at + 3]) for at in (0, 3))
        print_span_table(a, b, *chosen.span_table[6:])


if __name__ == "__main__":
    main()
