"""`redact run`: many files, and what became of each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from time import monotonic

import typer

from redact.errors import MissingInputError, printable
from redact.jobs import batch
from redact.jobs.batch import Batch, Job, Report
from redact.media.files import VIDEO_SUFFIXES
from redact_cli.commands.cluster import Opener
from redact_cli.console import Display, display, escaped, say
from redact_cli.exit_codes import INTERRUPTED, code_for_all
from redact_cli.journal import note
from redact_cli.options import Output
from redact_cli.summary import (
    advice,
    choices_in_words,
    report_in_words,
    report_object,
    skipped_in_words,
)
from redact_cli.time_left import StageTimes, clock

PLEASE_REPORT = (
    "what was unforeseen is an error of redact itself: please report it, with what "
    "`redact --debug` says"
)

STATUS = {"redacted": "redacted", "resumed": "done before", "failed": "failed"}

WORDS = "subtitles are kept: their words may name people and places; read them, too"


def redact_all(
    found: Batch,
    workers: int,
    output: Output,
    cluster: Opener | None = None,
    *,
    debug: bool = False,
) -> int:
    """Redact what was found, tell about it, and give the exit code.

    Args:
        found: The jobs.
        workers: How many are done side by side on this machine.
        output: What is told.
        cluster: Opens the cluster that does the work, None for this machine.
        debug: Whether traces are told.

    Raises:
        MissingInputError: There was nothing to do, which is no success.
        ClusterError: The cluster cannot be used.
    """
    check_not_empty(found)
    began = monotonic()
    reports: list[Report] = []
    if found.jobs:
        _say_more(f"choices: {choices_in_words(found.jobs[0])}", output)
    weights = {job.source: _size(job.source) for job in found.jobs}
    with (
        _interruptible(found, reports),
        display(weights, quiet=output.quiet, busy=output.as_json) as shown,
        closing(_reports(found, workers, shown, output, cluster)) as ended,
    ):
        jobs = {job.source: job for job in found.jobs}
        for report in ended:
            reports.append(report)
            _show(report, jobs.get(report.source), shown, as_json=output.as_json)
    if _subtitles_are_kept(found, reports):
        say(WORDS, quiet=output.quiet)
    _sum_up(found, reports, monotonic() - began, quiet=output.quiet, debug=debug)
    failures = [report.failure for report in reports if report.failure is not None]
    return code_for_all(len(reports), [(it.kind, it.trace is not None) for it in failures])


def check_not_empty(found: Batch) -> None:
    """Refuse to do nothing.

    Raises:
        MissingInputError: There is nothing to do, which is no success.
    """
    if not found.jobs and not found.refused:
        left = skipped_in_words(found)
        raise MissingInputError(f"there is nothing to redact{left}")


def foresee_all(found: Batch, output: Output) -> int:
    """Tell what would be done, with which outputs, and give the exit code.

    Raises:
        MissingInputError: There is nothing to do.
    """
    check_not_empty(found)
    if found.jobs:
        say(f"choices: {choices_in_words(found.jobs[0])}", quiet=output.quiet)
    reports = list(found.refused)
    for job in found.jobs:
        report = batch.foresee(job)
        reports.append(report)
        plan = printable(report.plan or job.plan)
        line = f"{printable(job.source)} -> {printable(job.output)}, plan {plan}"
        if output.as_json:
            typer.echo(json.dumps(report_object(report)))
        elif report.failure is None:
            typer.echo(f"{line}{': done before' if report.status == 'resumed' else ''}")
    for report in reports:
        _show_failure(report, debug=False)
    left = skipped_in_words(found)
    say(f"a dry run: nothing was written{left}", quiet=output.quiet)
    failures = [report.failure for report in reports if report.failure is not None]
    return code_for_all(len(reports), [(it.kind, it.trace is not None) for it in failures])


def _say_more(text: str, output: Output) -> None:
    """One line for those who want to know more, and for the log."""
    say(text, quiet=output.quiet or not output.verbose)


def _reports(
    found: Batch, workers: int, shown: Display, output: Output, cluster: Opener | None
) -> Generator[Report]:
    times, one_at_a_time = StageTimes(), Lock()

    def more(job_source: Path, line: str | None) -> None:
        if line is not None:
            said = f"{printable(job_source)}: {line}"
            shown.say(said) if output.verbose else note(said)

    def tell(job: Job, stage: str, done: int, expected: int | None) -> None:
        with one_at_a_time:  # a cluster tells from a thread
            shown.tell(job.source, stage, done, expected)
            more(job.source, times.tell(job.source, stage, done, monotonic()))

    yield from found.refused
    with (
        nullcontext() if cluster is None else cluster(found.jobs, shown.say) as executor,
        closing(_begin(found.jobs, workers, tell, executor)) as reports,
    ):
        for report in reports:
            with one_at_a_time:
                more(report.source, times.end(report.source, monotonic()))
                shown.end(report.source, worked=report.status == "redacted")
            yield report


def _begin(
    jobs: Sequence[Job], workers: int, tell: batch.JobProgress, executor: Executor | None
) -> Generator[Report]:
    """Start the work, here or elsewhere."""
    if executor is None:
        return batch.run(jobs, workers, progress=tell)
    from redact.cluster.tries import SLOTS, by_cost

    return batch.run(by_cost(jobs), SLOTS, progress=tell, executor=lambda: executor)


def _subtitles_are_kept(found: Batch, reports: Sequence[Report]) -> bool:
    return any("subtitles" in job.recipe.extras for job in _finished_videos(found, reports))


def _finished_videos(found: Batch, reports: Sequence[Report]) -> Iterator[Job]:
    done = {report.source for report in reports if report.failure is None}
    videos = (job for job in found.jobs if job.source.suffix.lower() in VIDEO_SUFFIXES)
    return (job for job in videos if job.source in done)


@contextmanager
def _interruptible(found: Batch, reports: Sequence[Report]) -> Iterator[None]:
    """Say after Ctrl-C what is done; what was in work has left no result behind."""
    try:
        yield
    except KeyboardInterrupt:
        done = sum(report.failure is None for report in reports)
        say(
            f"interrupted: {done} of {len(found.jobs)} files are done; "
            "--resume goes on from there, in long videos too"
        )
        for report in reports:
            _show_failure(report, debug=False)
        raise typer.Exit(INTERRUPTED) from None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # its job will say what is wrong with it
        return 0


def _show(report: Report, job: Job | None, shown: Display, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(report_object(report)))
    if report.failure is None and job is not None:
        for line in report_in_words(report, job):
            shown.say(line)
        for note_ in report.notes:
            shown.say(f"{printable(report.source)}: {escaped(note_.text)}")


def _sum_up(
    found: Batch, reports: Sequence[Report], seconds: float, *, quiet: bool, debug: bool
) -> None:
    """Why files failed, what is to be done with the others, and last how many there are of each."""
    for report in reports:
        _show_failure(report, debug=debug)
    if any(report.failure and report.failure.trace for report in reports):
        say(PLEASE_REPORT)
    if last := advice(reports):
        say(last, quiet=quiet)
    left = skipped_in_words(found)
    if len(reports) > 1 or left:
        counts = Counter(report.status for report in reports)
        said = ", ".join(f"{number} {STATUS[status]}" for status, number in counts.items())
        say(f"{said} in {clock(seconds)}{left}", quiet=quiet)


def _show_failure(report: Report, *, debug: bool) -> None:
    failure = report.failure
    if failure is None:
        return
    say(f"NOT REDACTED {printable(report.source)}: {escaped(failure.message)}", "red")
    if failure.trace is not None:
        say(failure.trace, quiet=not debug)
