"""`redact run`: many files, and what became of each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import typer

from redact.errors import MissingInputError, printable
from redact.jobs import batch
from redact.jobs.batch import Batch, Job, Report
from redact.media.files import VIDEO_SUFFIXES
from redact_cli.console import Display, display, escaped, say
from redact_cli.exit_codes import INTERRUPTED, code_for_all
from redact_cli.options import Output
from redact_cli.summary import report_in_words, report_object, skipped_in_words

PLEASE_REPORT = (
    "what was unforeseen is an error of redact itself: please report it, with what "
    "`redact --debug` says"
)

VOICES = (
    "sound is kept, as what is said is often the story: voices identify people as faces do; "
    "--audio drop leaves sound out, --audio disguise makes recognising harder"
)

WORDS = "subtitles are kept: their words may name people and places; read them, too"


def redact_all(found: Batch, workers: int, output: Output, *, debug: bool = False) -> int:
    """Redact what was found, tell about it, and give the exit code.

    Raises:
        MissingInputError: There was nothing to do, which is no success.
    """
    if not found.jobs and not found.refused:
        raise MissingInputError(f"there is nothing to redact{skipped_in_words(found.skipped)}")
    reports: list[Report] = []
    weights = {job.source: _size(job.source) for job in found.jobs}
    with (
        _interruptible(found, reports),
        display(weights, quiet=output.quiet, busy=output.as_json) as shown,
        closing(_reports(found, workers, shown)) as ended,
    ):
        for report in ended:
            reports.append(report)
            _show(report, shown, as_json=output.as_json)
    _sum_up(reports, found.skipped, quiet=output.quiet, debug=debug)
    if not output.quiet and _sound_is_kept(found, reports):
        say(VOICES)
    if not output.quiet and _subtitles_are_kept(found, reports):
        say(WORDS)
    failures = [report.failure for report in reports if report.failure is not None]
    return code_for_all(len(reports), [(it.kind, it.trace is not None) for it in failures])


def _reports(found: Batch, workers: int, shown: Display) -> Generator[Report]:
    def tell(job: Job, stage: str, done: int, expected: int | None) -> None:
        shown.tell(job.source, stage, done, expected)

    yield from found.refused
    with closing(batch.run(found.jobs, workers, progress=tell)) as reports:
        for report in reports:
            shown.end(report.source, worked=report.status == "redacted")
            yield report


def _sound_is_kept(found: Batch, reports: Sequence[Report]) -> bool:
    return any(job.recipe.audio == "keep" for job in _finished_videos(found, reports))


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


def _show(report: Report, shown: Display, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(report_object(report)))
    if report.failure is None and report.output is not None:
        shown.say(
            f"{printable(report.source)} -> {printable(report.output)}: {report_in_words(report)}"
        )
        for note in report.notes:
            shown.say(f"{printable(report.source)}: {escaped(note.text)}")


def _sum_up(
    reports: Sequence[Report], skipped: Sequence[Path], *, quiet: bool, debug: bool
) -> None:
    failed = [report for report in reports if report.failure is not None]
    if not quiet and (len(reports) > 1 or skipped):
        counts = Counter(report.status for report in reports)
        said = ", ".join(f"{number} {status}" for status, number in counts.items())
        say(said + skipped_in_words(skipped))
    for report in failed:
        _show_failure(report, debug=debug)
    if any(report.failure and report.failure.trace for report in failed):
        say(PLEASE_REPORT)


def _show_failure(report: Report, *, debug: bool) -> None:
    failure = report.failure
    if failure is None:
        return
    say(f"NOT REDACTED {printable(report.source)}: {escaped(failure.message)}", "red")
    if failure.trace is not None and debug:
        say(failure.trace)
