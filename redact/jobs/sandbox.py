"""One file's work in a process that can do little else, and what is said if it is lost."""

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

from redact import errors
from redact.core.findings import Kind
from redact.core.geometry import Box
from redact.errors import EngineError, RedactError
from redact.jobs.jobs import Failure, failure
from redact.jobs.limits import apply_limits, memory_for
from redact.jobs.workers import Stalled, SuspiciousResult, Tell, Worker, WorkerProcess, run_all
from redact.media.drafts import clean
from redact.verify.result import Leak, Spot, Verification

Result = TypeVar("Result")

_QUIET = 300.0
_SLOWEST_DISK = 4_000_000  # bytes per second

_PARTS = (Verification, Leak, Spot, Box, Kind, Fraction)
"""What results hold."""


class Sourced(Protocol):
    """Work on one file."""

    @property
    def source(self) -> Path:
        """What is read."""


@dataclass(frozen=True, slots=True)
class Task(Generic[Result]):
    """One piece of work on one file, to be done apart.

    Args:
        work: A function of a module, called with `args` and the progress.
        source: What is read.
        output: What is written; None where nothing is, and then nothing can be.
        args: Whatever else it needs.
        beside: Other folders in which something is written.
        gives: The class of what it returns.
    """

    work: Callable[..., Result]
    source: Path
    output: Path | None
    args: tuple[Any, ...]
    beside: tuple[Path, ...] = ()
    gives: type = tuple


def run_in_sandbox(task: Task[Result], progress: Tell) -> Result:
    """Do it in a process of its own that can do little else.

    Raises:
        RedactError: What the work raised, or its process was lost.
    """
    written = [] if task.output is None else [task.output.parent]
    for folder in written:
        clean(folder)
    worker = sandboxed_worker((task.gives, Failure), 1, [*written, *task.beside])

    def tell(_: Task[Result], stage: str, done: int, expected: int | None) -> None:
        progress(stage, done, expected)

    with closing(run_all([task], _guarded, [worker], tell, _swept)) as ended:
        _, future = next(ended)
        error = future.exception()
        if error is not None:
            raise error_of_loss(error, task.source) or error
        found = future.result()
    if not isinstance(found, Failure):
        return found
    kind = getattr(errors, found.kind, EngineError)
    if found.trace is not None or not issubclass(kind, RedactError):
        raise RuntimeError(found.trace or found.message)
    raise kind(found.message, task.source)


def _guarded(task: Task[Result], tell: Tell) -> Result | Failure:
    try:
        return task.work(*task.args, tell)
    except Exception as error:
        return failure(error, task.source)


def _swept(task: Task[Result], pid: int | None) -> None:
    if task.output is not None:
        remove_drafts(task.output, pid)


def sandboxed_worker(kinds: Sequence[type], count: int, folders: Sequence[Path]) -> Worker:
    """A process that may do this and no more.

    Args:
        kinds: What it may send back.
        count: How many of them there are.
        folders: Where it may write.
    """

    def enough(item: Sourced) -> float:
        return stall_timeout(item.source)

    return WorkerProcess(kinds, partial(apply_limits, memory_for(count), folders), enough, _PARTS)


def stall_timeout(source: Path) -> float:
    """Seconds without progress: reading or copying a large file on a slow disk has none."""
    try:
        size = source.stat().st_size
    except OSError:
        size = 0
    return _QUIET + size / _SLOWEST_DISK


def error_of_loss(error: BaseException, source: Path) -> EngineError | None:
    """What to say of a process that is gone, None of any other error."""
    if isinstance(error, Stalled | SuspiciousResult):
        return EngineError(f"{error}: the file may be made to do that", source)
    if isinstance(error, BrokenExecutor | SystemExit):  # killed, or asked to end from outside
        return EngineError(
            "the process that worked on it was killed",
            source,
            "the file may be made to do that, or memory is short: try fewer files side by side",
        )
    return None


def remove_drafts(output: Path, pid: int | None) -> None:
    """Remove the drafts of a process that had no chance to do so."""
    for draft in output.parent.glob(f".{glob.escape(output.name[:40])}.{pid}.*.part"):
        shutil.rmtree(draft, ignore_errors=True)
