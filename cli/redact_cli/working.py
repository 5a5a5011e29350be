"""Does a batch and tells what became of each file."""

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
from redact.verify.result import Leak, Verification
from redact_cli.console import Display, display, escaped, say
from redact_cli.exit_codes import INTERRUPTED, code_for_all

PLEASE_REPORT = (
    "what was unforeseen is an error of redact itself: please report it, with what "
    "`redact --debug` says"
)


VOICES = (
    "sound is kept, as what is said is often the story: voices identify people as faces do; "
    "--audio drop leaves sound out, --audio disguise makes recognising harder"
)

WORDS = "subtitles are kept: their words may name people and places; read them, too"


def redact_all(
    found: Batch, workers: int, *, as_json: bool = False, quiet: bool = False, debug: bool = False
) -> int:
    """Redact what was found, tell about it, and give the exit code.

    Raises:
        MissingInputError: There was nothing to do, which is no success.
    """
    if not found.jobs and not found.refused:
        raise MissingInputError(f"there is nothing to redact{_left_out(found.skipped)}")
    reports: list[Report] = []
    weights = {job.source: _size(job.source) for job in found.jobs}
    with (
        _interruptible(found, reports),
        display(weights, quiet=quiet, busy=as_json) as shown,
        closing(_reports(found, workers, shown)) as ended,
    ):
        for report in ended:
            reports.append(report)
            _tell(report, shown, as_json=as_json)
    _sum_up(reports, found.skipped, quiet=quiet, debug=debug)
    if not quiet and _sound_is_kept(found, reports):
        say(VOICES)
    if not quiet and _subtitles_are_kept(found, reports):
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
            _tell_failure(report, debug=False)
        raise typer.Exit(INTERRUPTED) from None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # its job will say what is wrong with it
        return 0


def _tell(report: Report, shown: Display, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(as_object(report)))
    if report.failure is None and report.output is not None:
        shown.say(f"{printable(report.source)} -> {printable(report.output)}: {_counts(report)}")


def _counts(report: Report) -> str:
    words = [_some(report.frames, "frame") + copied_in_short(report.copied)]
    words += [_some(report.faces, "face")]
    words += [_some(report.plates, "plate")] if report.plates else []
    others = report.tracks - report.faces - report.plates
    words += [_some(others, "other thing")] if others else []
    words += [f"{report.uncertain} uncertain and not hidden"] if report.uncertain else []
    words += [in_short(report.verification)] if report.verification else []
    last = "finished earlier" if report.status == "resumed" else f"{report.seconds:.1f} s"
    return ", ".join([*words, last])


def in_short(found: Verification) -> str:
    """What the check of a result found, in a few words."""
    words = [f"{_some(len(found.leaks), 'POSSIBLE LEAK')} LEFT"] if found.leaks else []
    words += [f"{_some(len(found.hidden), 'possible leak')} found and hidden"] * bool(found.hidden)
    return ", ".join(words) or "verified"


def copied_in_short(frames: int) -> str:
    """How many frames were copied as they are coded, in a few words."""
    return f" ({frames} copied)" if frames else ""


def _some(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def as_object(report: Report) -> dict[str, object]:
    """The report as a script reads it."""
    failure = report.failure
    return {
        "source": str(report.source),
        "output": None if report.output is None else str(report.output),
        "status": report.status,
        "frames": report.frames,
        "copied": report.copied,
        "faces": report.faces,
        "plates": report.plates,
        "tracks": report.tracks,
        "uncertain": report.uncertain,
        "seconds": round(report.seconds, 3),
        "verification": report.verification and verification_object(report.verification),
        "error": failure and {"kind": failure.kind, "message": failure.message},
    }


def verification_object(found: Verification) -> dict[str, object]:
    """The check of an output as a script reads it."""
    return {
        "passed": found.passed,
        "frames": found.frames,
        "looked": found.looked,
        "witnesses": list(found.second_opinion),
        "faults": list(found.faults),
        "inside": round(found.inside, 4),
        "outside": round(found.outside, 2),
        "leaks": [_leak_object(leak) for leak in found.leaks],
        "hidden": [_leak_object(leak) for leak in found.hidden],
    }


def _leak_object(leak: Leak) -> dict[str, object]:
    best = leak.best
    box = [best.box.left, best.box.top, best.box.right, best.box.bottom]
    return {
        "kind": str(best.kind),
        "start": float(leak.start),
        "end": float(leak.end),
        "frame": best.frame,
        "box": [round(side, 1) for side in box],
        "scores": dict(best.scores),
        "why": best.why,
    }


def _sum_up(
    reports: Sequence[Report], skipped: Sequence[Path], *, quiet: bool, debug: bool
) -> None:
    failed = [report for report in reports if report.failure is not None]
    if not quiet and (len(reports) > 1 or skipped):
        counts = Counter(report.status for report in reports)
        said = ", ".join(f"{number} {status}" for status, number in counts.items())
        say(said + _left_out(skipped))
    for report in failed:
        _tell_failure(report, debug=debug)
    if any(report.failure and report.failure.trace for report in failed):
        say(PLEASE_REPORT)


def _tell_failure(report: Report, *, debug: bool) -> None:
    failure = report.failure
    if failure is None:
        return
    say(f"NOT REDACTED {printable(report.source)}: {escaped(failure.message)}", "red")
    if failure.trace is not None and debug:
        say(failure.trace)


def _left_out(skipped: Sequence[Path]) -> str:
    if not skipped:
        return ""
    names = ", ".join(printable(path) for path in skipped[:5])
    more = ", ..." if len(skipped) > 5 else ""
    return f"; skipped, neither video nor picture: {len(skipped)} ({names}{more})"
