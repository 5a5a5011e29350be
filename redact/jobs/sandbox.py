"""The sandbox: one file's work in a worker process that can do little else."""

from __future__ import annotations

import glob
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from redact.core.extent import Extent
from redact.core.findings import Kind
from redact.core.geometry import Box
from redact.core.interfaces import Progress
from redact.core.notes import Note
from redact.core.owners import owner
from redact.errors import EngineError, class_named
from redact.jobs.jobs import Failure, describe_failure
from redact.jobs.limits import apply_limits, memory_for
from redact.jobs.worker_process import (
    STALL_TIMEOUT,
    StalledError,
    SuspiciousResultError,
    WorkerProcess,
)
from redact.jobs.workers import Worker, run_all
from redact.media.drafts import clean
from redact.verify.result import Leak, Spot, Verification

Result = TypeVar("Result")

_SLOWEST_DISK = 4_000_000  # bytes per second

_NESTED_TYPES = (Verification, Leak, Spot, Box, Kind, Fraction, Note, Extent)
"""The classes of the values that results hold."""


class HasSource(Protocol):
    """Work on one file."""

    @property
    def source(self) -> Path:
        """What is read."""


@dataclass(frozen=True, slots=True)
class Task(Generic[Result]):
    """One piece of work on one file, to be done in the sandbox.

    Args:
        work: A function of a module, called with `args` and a function to tell its progress to.
        source: What is read.
        output: What is written; None where nothing is, and then nothing can be.
        args: Whatever else it needs.
        other_folders: Further folders in which something is written.
        result_type: The class of what it returns.
    """

    work: Callable[..., Result]
    source: Path
    output: Path | None
    args: tuple[Any, ...]
    other_folders: tuple[Path, ...] = ()
    result_type: type = tuple


def run_in_sandbox(task: Task[Result], progress: Progress) -> Result:
    """The task's result, from a worker process that can do little else.

    Raises:
        RedactError: What the work raised, or its process was lost.
        RuntimeError: The work raised what redact did not foresee.
    """
    written = [] if task.output is None else [task.output.parent]
    for folder in written:
        clean(folder)
    worker = sandboxed_worker((task.result_type, Failure), 1, [*written, *task.other_folders])

    def tell(_: Task[Result], stage: str, done: int, expected: int | None) -> None:
        progress(stage, done, expected)

    with closing(run_all([task], _result_or_failure, [worker], tell, _remove_drafts_of)) as ended:
        _, future = next(ended)
        error = future.exception()
        if error is not None:
            raise error_of_loss(error, task.source) or error
        found = future.result()
    if not isinstance(found, Failure):
        return found
    if found.trace is not None:
        error = RuntimeError(found.message.removeprefix("unforeseen "))
        error.add_note(found.trace)  # which `--debug` prints
        raise error
    raise class_named(found.kind)(found.message, None if found.elsewhere else task.source)


def _result_or_failure(task: Task[Result], tell: Progress) -> Result | Failure:
    try:
        return task.work(*task.args, tell)
    except Exception as error:
        return describe_failure(error, task.source)


def _remove_drafts_of(task: Task[Result], pid: int | None) -> None:
    if task.output is not None:
        remove_drafts(task.output, pid)


def sandboxed_worker(result_types: Sequence[type], count: int, folders: Sequence[Path]) -> Worker:
    """A worker process with few rights, for items with a source.

    Args:
        result_types: The classes of what it may send back.
        count: How many such workers share the machine's memory.
        folders: Where it may write.
    """

    def timeout_of(item: HasSource) -> float:
        return stall_timeout(item.source)

    prepare = partial(apply_limits, memory_for(count), folders)
    return WorkerProcess(result_types, prepare, timeout_of, _NESTED_TYPES)


def stall_timeout(source: Path) -> float:
    """Seconds without progress that a file may take: a slow disk reads a large one in silence."""
    try:
        size = source.stat().st_size
    except OSError:
        size = 0
    return STALL_TIMEOUT + size / _SLOWEST_DISK


def error_of_loss(error: BaseException, source: Path) -> EngineError | None:
    """What to say when a worker process was lost; None for any other error."""
    if isinstance(error, StalledError | SuspiciousResultError):
        return EngineError(f"{error}: the file may be made to do that", source)
    if isinstance(error, BrokenExecutor | SystemExit):  # killed, or asked to end from outside
        return EngineError(
            "the process that worked on it was killed",
            source,
            "the file may be made to do that, or memory is short: try fewer files side by side",
        )
    return None


def remove_drafts(output: Path, pid: int | None) -> None:
    """Remove the drafts of a worker process that had no chance to do so."""
    if pid is None:
        return
    for draft in output.parent.glob(f".{glob.escape(output.name[:40])}.{owner(pid)}.*.part"):
        shutil.rmtree(draft, ignore_errors=True)
