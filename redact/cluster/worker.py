"""A worker of a cluster: one file, or one span of one, at a time, each parsed in the sandbox.

Dask reads pickles from whoever belongs to the cluster. So nothing that has parsed a stranger's file
may speak on its links: the sandbox has no sockets, what it sends is read with suspicion here, and
goes on as JSON.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Future
from dataclasses import replace
from multiprocessing.connection import wait
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeAlias

from distributed import Worker, WorkerPlugin, get_worker

from redact.cluster.machines import describe_machine
from redact.cluster.messages import COUNT, Answer, Order, decode, encode
from redact.cluster.shared import find_difference, sees
from redact.core.interfaces import Progress
from redact.detect.cache import cache_folder
from redact.detect.draft_spans import find_draft
from redact.detect.spans import read_span, write_span
from redact.drawing import has_list
from redact.jobs.batch import report_of
from redact.jobs.jobs import Failure, Job, Report
from redact.jobs.sandbox import remove_drafts, sandboxed_worker
from redact.jobs.span_work import DraftCheck, Drawing, SpanResult, SpanWork, do_item
from redact.jobs.worker_process import SuspiciousResultError
from redact.jobs.workers import POLL_INTERVAL
from redact.jobs.workers import Worker as Sandbox
from redact.spans import SpanCount, draft_key, span_key

NAME = "redact"
"""The plugin's name in a Dask worker."""

BEAT = 2.0
"""Seconds after which a worker that has nothing to tell says that it is alive."""

_REST = 1.0  # seconds between two messages about one stage
_RACE = 2.0  # seconds in which a plan follows its result
_LATE = 10.0  # seconds in which a draft is seen here that was written elsewhere

Work: TypeAlias = Callable[[Any, Progress], Any]
"""What is done with an item, as `do_item` does."""

ALIVE, ENDED = "", "-"
"""Stages that are none: there is no news; the work has ended, however."""


class Redactor(WorkerPlugin):  # type: ignore[misc]
    """What makes a Dask worker one of redact's.

    Args:
        share: How many workers share this machine's memory.
        work: What is done with a job or a span, in the sandbox.
    """

    name = NAME

    def __init__(self, share: int = 1, work: Work = do_item) -> None:
        self._share, self._work = share, work
        self._sandbox: Sandbox | None = None
        self._folders: frozenset[Path] = frozenset()
        self._checks: Path | None = None
        self._unwanted: set[object] = set()
        self._over = False

    def begin(self) -> None:
        """A Dask worker is about to use it, perhaps after another one."""
        self._over = False
        self._unwanted.clear()

    def transition(self, key: object, start: str, finish: str, **_: Any) -> None:
        """Dask tells what becomes of tasks: one that is released while it runs is not wanted."""
        if start in {"executing", "long-running"} and finish == "released":
            self._unwanted.add(key)

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002 - Dask's signature
        """The worker ends, or has lost its scheduler: so does what it is doing."""
        self._over = True

    def close(self) -> None:
        """End the sandbox."""
        if self._sandbox is not None:
            self._sandbox.stop()
            self._sandbox.close()
            self._sandbox = None

    def answer(self, order: Order, key: object, tell: Progress) -> Answer:
        """Do one file, or a span of one; called in the worker's only thread.

        Args:
            order: What to do.
            key: Dask's name for it.
            tell: Told how far it is.
        """
        tell(ALIVE, 0, None)
        job = order.job
        why = find_difference(job.source, job.output, order.proof)
        if why is not None:
            return Answer(refused=why)
        if order.span is not None:
            return self._answer_span(order, order.span, key, tell)
        if order.again and not job.force:  # the lost worker may have finished it
            job = replace(job, resume=True)
        answer = self._attempt(job, order.folders, key, tell)
        if order.again and answer.report is not None and _is_taken(answer.report):
            sleep(_RACE)
            answer = self._attempt(replace(job, resume=True), order.folders, key, tell)
        return answer

    def _attempt(self, job: Job, folders: Sequence[Path], key: object, tell: Progress) -> Answer:
        future = self._run(job, {job.plan.parent, *folders}, job.output, key, tell)
        if future is None:
            return _UNWANTED
        return _lost(future) or Answer(report=report_of(job, future))

    def _answer_span(self, order: Order, number: int, key: object, tell: Progress) -> Answer:
        """Count spans, or search or draw one and put what comes of it beside the output."""
        job, folder = order.job, cache_folder(order.job.output)
        if order.to_draw and not _wait_for(lambda: has_list(folder)):
            return Answer(failed="nobody says what is to be drawn")
        work = SpanWork(job.source, job.recipe, None if number == COUNT else number)
        known_by = span_key(job.recipe)
        if order.in_draft and job.checking is not None:
            draft = _wait_for_draft(folder)
            if draft is None:
                return Answer(failed="there is no draft that is checked")
            path, token = draft
            check = DraftCheck(token, job.checking.every_frame)
            work, known_by = SpanWork(path, job.recipe, number, check), draft_key(job.recipe, token)
        if order.to_draw:
            work = SpanWork(job.source, job.recipe, number, drawing=Drawing(folder, job.cover))
        elif number != COUNT and read_span(folder, known_by, number) is not None:
            return Answer(span=number)  # of an earlier run, or of a lost worker
        future = self._run(work, set(order.folders), job.output, key, tell)
        if future is None:
            return _UNWANTED
        if (lost := _lost(future)) is not None:
            return lost
        if (problem := future.exception()) is not None:
            return Answer(failed=str(problem))
        found = future.result()
        if found.failure is not None:
            return Answer(failed=str(found.failure.message))
        if number == COUNT and isinstance(found.count, SpanCount):
            return Answer(count=found.count)
        if order.to_draw:  # whether it is what was ordered, the file's own worker finds out
            return Answer(span=number)
        if self._is_unwanted(key):
            return _UNWANTED
        try:
            write_span(folder, found.data, known_by, number)
        except OSError as error:
            return Answer(failed=f"{folder} cannot be written: {error.strerror}")
        except Exception as wrong:  # its process may have been taken over
            return Answer(failed=f"the process that worked on it sent no span: {wrong}")
        return Answer(span=number)

    def _run(
        self,
        item: Job | SpanWork,
        folders: set[Path],
        output: Path,
        key: object,
        tell: Progress,
    ) -> Future[Any] | None:
        """The work's result or its error; None if nobody wants it any more."""
        is_check = isinstance(item, SpanWork) and item.check is not None
        sandbox = self._sandbox_for({output.parent, *folders}, output if is_check else None)
        future = sandbox.start(self._work, item, tell)
        due = monotonic() + BEAT
        while not future.done():
            wait([sandbox.connection], POLL_INTERVAL)
            sandbox.relay()
            if self._is_unwanted(key):
                self.close()
                remove_drafts(output, sandbox.pid)
                return None
            if monotonic() >= due:
                due = monotonic() + BEAT
                tell(ALIVE, 0, None)
        if isinstance(future.exception(), BrokenExecutor):
            remove_drafts(output, sandbox.pid)
        return future

    def _is_unwanted(self, key: object) -> bool:
        wanted = not self._over and key not in self._unwanted
        self._unwanted.discard(key)
        return not wanted

    def _sandbox_for(self, folders: set[Path], checks: Path | None) -> Sandbox:
        """The sandbox that may write in these folders; another one, if this one may not.

        One that checks the draft of an output has parsed that draft alone, no stranger's file that
        could have taken it over, and does nothing else.
        """
        if self._sandbox is None or checks != self._checks or not folders <= self._folders:
            self.close()
            self._folders, self._checks = frozenset(folders), checks
            known = (Report, Failure, SpanResult, SpanCount)
            self._sandbox = sandboxed_worker(known, self._share, sorted(folders))
        return self._sandbox


_UNWANTED = Answer(lost="nobody wants it any more")


def _lost(future: Future[Any]) -> Answer | None:
    """What to say if the process was lost, but for one that sent what is suspicious."""
    error = future.exception()
    if isinstance(error, BrokenExecutor) and not isinstance(error, SuspiciousResultError):
        return Answer(lost=str(error) or "the process that worked on it was killed")
    return None


def _wait_for_draft(folder: Path) -> tuple[Path, str] | None:
    """The draft that is checked, once this machine sees it."""

    def is_there() -> bool:
        found = find_draft(folder)
        return found is not None and found[0].is_file()

    return find_draft(folder) if _wait_for(is_there) else None


def _wait_for(is_there: Callable[[], bool]) -> bool:
    """Whether this machine sees something: network file systems show late."""
    until = monotonic() + _LATE
    while not is_there():
        if monotonic() > until:
            return False
        sleep(_REST)
    return True


def _is_taken(report: Report) -> bool:
    return report.failure is not None and report.failure.kind == "OutputExistsError"


def examine(mark: str = "", content: str = "") -> bytes:
    """What this machine is; called by a client in a worker.

    Args:
        mark: A file that the client wrote into a shared folder; nothing if it did not.
        content: What is in it.
    """
    machine = describe_machine()
    if mark and not sees(Path(mark), content):
        problem = f"the folder {Path(mark).parent} is not the one that you see"
        machine = replace(machine, problems=(*machine.problems, problem))
    return encode(machine)


def redact_there(data: bytes) -> bytes:
    """Do one file; called by a client in a worker. Nothing is raised: errors would be pickled.

    Args:
        data: An `Order`.

    Returns:
        An `Answer`.
    """
    try:
        order = decode(data, Order)
        worker = get_worker()
        tell = _throttled(lambda *said: worker.log_event(order.topic, [order.number, *said]))
        try:
            answer = _redactor(worker).answer(order, worker.get_current_task(), tell)
        finally:
            tell(ENDED, 0, 0)
        return encode(answer)
    except Exception as error:
        return encode(Answer(lost=f"{type(error).__name__}: {error}"))


def _redactor(worker: Worker) -> Redactor:
    """The plugin; a worker that Dask's own command started gets one now."""
    found = worker.plugins.get(NAME)
    if isinstance(found, Redactor):
        return found
    made = Redactor()
    adding = worker.plugin_add(made, name=NAME)
    asyncio.run_coroutine_threadsafe(adding, worker.loop.asyncio_loop).result(BEAT)
    return made


def _throttled(send: Callable[[str, int, int | None], None]) -> Progress:
    """Progress about once a second, and each stage's beginning and end."""
    before, due = ALIVE, 0.0

    def tell(stage: str, done: int, expected: int | None) -> None:
        nonlocal before, due
        now = monotonic()
        if stage != before or done == expected or stage == ALIVE or now >= due:
            before, due = stage, now + _REST
            send(stage, done, expected)

    return tell
