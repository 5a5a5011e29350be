"""Many files: redacts them side by side and tells what became of each."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TypeAlias

from redact import api
from redact.core.edits.zones import made_by_options, wished_by_options
from redact.core.interfaces import Progress
from redact.core.names import plan_path, report_paths
from redact.core.parallel import WORKERS
from redact.core.plan import Plan, load, save
from redact.errors import (
    EngineError,
    InputError,
    OutputExistsError,
    PlanError,
    UnwritableOutputError,
)
from redact.jobs.jobs import Batch, Failure, Job, Report, describe_failure, find_jobs
from redact.jobs.limits import LEAST_MEMORY, memory_for
from redact.jobs.plan_names import place_plan, plan_names
from redact.jobs.reports import outcome_report, report_on
from redact.jobs.sandbox import error_of_loss, remove_drafts, sandboxed_worker
from redact.jobs.workers import ExecutorWorker, Worker, run_all
from redact.media.drafts import check_length, check_output, clean
from redact.media.files import check_input, fingerprint
from redact.people.choice import shown_by_choice

__all__ = [
    "Batch",
    "Failure",
    "Job",
    "JobProgress",
    "Report",
    "find_jobs",
    "foresee",
    "outcome_report",
    "redact_one",
    "report_on",
    "run",
]

JobProgress: TypeAlias = Callable[[Job, str, int, int | None], None]
"""Called with a job, its stage (`analyse`, `render`, `verify`), frames done and expected.

Before each further round the stage is `again`, with things found and the most further rounds.
"""

SHORT_OF_MEMORY = "there is not enough memory for it"
"""What is said of a file that another machine might redact."""


def run(
    jobs: Sequence[Job],
    workers: int = 1,
    *,
    progress: JobProgress | None = None,
    executor: Callable[[], Executor] | None = None,
    work: Callable[[Job, Progress], Report] | None = None,
) -> Generator[Report]:
    """Redact all files; one that fails does not stop the others.

    The work is done in sandboxed worker processes. One that dies, stands still or needs too much
    memory costs only the file that it worked on. Closing the iterator stops the work and leaves
    nothing half-written.

    Args:
        jobs: From `find_jobs`.
        workers: How many files are in work at the same time; 0 for as many as fit.
        progress: Told what goes on; with an executor, from its threads.
        executor: Makes an executor for each worker, in place of a sandboxed process.
        work: What is done with a job, `redact_one` if not given.

    Yields:
        A report for each job, in the order in which they end.
    """
    count = max(1, min(workers or useful_workers(), len(jobs)))
    folders = output_folders(jobs)
    pool = [_make_worker(executor, count, folders) for _ in range(count)]
    for folder in folders:
        clean(folder)
    tell = progress or _ignore_progress
    with closing(run_all(jobs, work or redact_one, pool, tell, _remove_drafts)) as ended:
        for job, future in ended:
            yield report_of(job, future)


def useful_workers() -> int:
    """How many workers make this machine quicker.

    One file keeps about four processors busy, and each worker must have its least memory.
    """
    return max(1, min(WORKERS // 4, memory_for(1) // LEAST_MEMORY))


def _make_worker(
    executor: Callable[[], Executor] | None, count: int, folders: Sequence[Path]
) -> Worker:
    if executor is not None:
        return ExecutorWorker(executor())
    return sandboxed_worker((Report, Failure), count, folders)


def output_folders(jobs: Sequence[Job]) -> list[Path]:
    """Where results and plans are written."""
    return sorted({path.parent for job in jobs for path in (job.output, job.plan)})


def _ignore_progress(job: Job, stage: str, done: int, expected: int | None) -> None:
    """Nobody wants to know."""


def report_of(job: Job, future: Future[Report]) -> Report:
    """What became of a job, whatever its worker says or does not say."""
    error = future.exception()
    if error is None:
        return _check_report(job, future.result())
    return _failed_report(job, error_of_loss(error, job.source) or error)


def _check_report(job: Job, report: Report) -> Report:
    """The report, if it is about this job and the output that it promises is there."""
    is_there = report.failure is not None or (job.output.is_file() and not job.output.is_symlink())
    if report.source == job.source and report.output == job.output and is_there:
        return report
    return _failed_report(
        job, EngineError("the process that worked on it told what is not so", job.source)
    )


def _failed_report(job: Job, error: BaseException, seconds: float = 0.0) -> Report:
    cause = describe_failure(error, job.source)
    if "name the output" in cause.message:  # which `run` does by itself
        cause = replace(cause, message=f"{cause.message} (`redact render -o` names an output)")
    return Report(job.source, job.output, "failed", seconds=seconds, failure=cause)


def _remove_drafts(job: Job, pid: int | None) -> None:
    remove_drafts(job.output, pid)


def redact_one(job: Job, tell: Progress | None = None, *, in_spans: bool = False) -> Report:
    """Redact one file, or find that it is finished; whatever goes wrong is in the report."""
    began = monotonic()
    try:
        report = _find_finished(job) or _redact(job, tell, in_spans)
    except MemoryError:
        short = EngineError(SHORT_OF_MEMORY, job.source, "scale it down first")
        return _failed_report(job, short, monotonic() - began)
    except Exception as error:  # one file's failure never ends the batch
        return _failed_report(job, error, monotonic() - began)
    return replace(report, seconds=monotonic() - began)


def foresee(job: Job) -> Report:
    """What would become of a file, without work: finished earlier, refused, or `planned`."""
    try:
        if (finished := _find_finished(job)) is not None:
            return finished
        check_input(job.source)
        job = _with_own_plan(job)
        if job.output.parent.is_dir():
            _check_names_free(job)
    except Exception as error:  # as in `redact_one`
        return _failed_report(job, error)
    return Report(job.source, job.output, "planned", plan=job.plan)


def _find_finished(job: Job) -> Report | None:
    if not (job.resume and job.output.exists()):
        return None
    for path in plan_names(job.output):
        with suppress(PlanError):
            plan = load(path)
            if _is_plan_of(plan, job):
                return report_on(plan, replace(job, plan=path), "resumed")
    return None


def _is_plan_of(plan: Plan, job: Job) -> bool:
    return (
        plan.result is not None
        and not (plan.result.unchecked and job.checking)
        and job.people is None  # nothing of photographs is kept that could be compared
        and not shown_by_choice(plan)
        and plan.recipe == job.recipe
        and made_by_options(plan.edits) == wished_by_options(job.edits, plan.source.size)
        and plan.source.fingerprint == fingerprint(job.source)
        and plan.result.fingerprint == _fingerprint_or_none(job.output)
    )


def _fingerprint_or_none(output: Path) -> str | None:
    try:
        return fingerprint(output)
    except InputError:  # an output that cannot be read is not finished
        return None


def _redact(job: Job, tell: Progress | None, in_spans: bool) -> Report:
    check_input(job.source)
    _make_folder(job.output.parent)
    job = _with_own_plan(job)
    _check_names_free(job)
    with _keeping_leaks_if(job.report):
        outcome = api.redact_file(
            job.source,
            job.output,
            job.recipe,
            edits=job.edits,
            checking=job.checking,
            cover=job.cover,
            force=job.force,
            resume=job.resume,
            people=job.people,
            ffmpeg=job.ffmpeg,
            progress=tell,
            in_spans=in_spans,
        )
    try:
        save(outcome.plan, job.plan)
        if job.report:
            from redact.report import write_report

            write_report(outcome, job.plan)
    except BaseException:
        job.output.unlink(missing_ok=True)  # what failed leaves no output
        raise
    return outcome_report(outcome, job)


def _with_own_plan(job: Job) -> Job:
    crowded = job.plan != plan_path(job.output)
    return replace(job, plan=place_plan(job.source, job.output, crowded=crowded))


def _keeping_leaks_if(wanted: bool) -> AbstractContextManager[None]:
    if not wanted:
        return nullcontext()
    from redact.report import reporting_leaks

    return reporting_leaks()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = f"the folder cannot be made: {error.strerror}"
        raise UnwritableOutputError(problem, folder, "choose another with -o") from error


def _check_names_free(job: Job) -> None:
    """Refuse to replace an output that is not known, and a plan with a person's edits."""
    if job.resume and not job.force and job.output.exists():
        raise OutputExistsError(
            "exists, but was not made of this source with these choices",
            job.output,
            "move it away, or replace it with --force",
        )
    if not job.force and os.path.isfile(job.output):  # noqa: PTH113 - says no where Path raises
        raise OutputExistsError(
            "exists already",
            job.output,
            "replace it with --force, or do only what is not done yet with --resume",
        )
    check_output(job.output, source=job.source, force=job.force)
    check_length(job.plan)
    if job.report:
        for path in report_paths(job.output, job.plan):
            check_length(path)
    if job.plan.exists() and not job.force and _has_edits(job.plan):
        raise OutputExistsError(
            "a plan with a person's changes is there",
            job.plan,
            "use it with `redact render --plan`, or replace it with --force",
        )


def _has_edits(plan: Path) -> bool:
    """Whether a person edited the plan, which no analysis brings back; an unreadable one may."""
    try:
        known = load(plan)
        return len(known.edits) > len(made_by_options(known.edits)) or bool(known.undone)
    except PlanError:
        return True
