"""Lanes: each does one item of work at a time, in an executor or in a process of its own."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import contextmanager
from functools import partial
from itertools import islice
from multiprocessing.process import BaseProcess
from time import monotonic
from typing import Any, Protocol, TypeAlias, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

Tell: TypeAlias = Callable[[str, int, int | None], None]
"""Called with the stage, how much of it is done and how much is expected."""

_TICK = 0.1  # seconds between two looks at the progress of other processes
_GRACE = 10.0  # seconds that a process gets to tidy up before it is killed

_HELD = {getattr(signal, name) for name in ("SIGHUP", "SIGINT", "SIGTERM") if hasattr(signal, name)}


class Lane(Protocol):
    """Does one item at a time."""

    pid: int | None

    def start(self, work: Callable[[Any, Tell], Any], item: Any, tell: Tell) -> Future[Any]:
        """Begin; the future carries whatever becomes of it."""

    def relay(self) -> None:
        """Pass on the progress that has arrived."""

    def stop(self) -> None:
        """Ask what is in work to end soon, leaving nothing half done."""

    def close(self) -> None:
        """Wait for the end."""


class Serial(Executor):
    """Does the work at once in the caller's thread; an interruption reaches the caller."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """The finished future."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class ExecutorLane:
    """One item at a time on any executor that shares this process's memory."""

    pid: int | None = None

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def start(self, work: Callable[[Any, Tell], Any], item: Any, tell: Tell) -> Future[Any]:
        """Begin; progress is told from whatever thread the executor uses."""
        try:
            return self._executor.submit(work, item, tell)
        except BrokenExecutor as error:
            failed: Future[Any] = Future()
            failed.set_exception(error)
            return failed

    def relay(self) -> None:
        """Nothing waits: progress is told as it happens."""

    def stop(self) -> None:
        """Nothing more is begun; what runs in a thread cannot be interrupted."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Wait for the end."""
        self._executor.shutdown()


class ProcessLane:
    """One item at a time in one other process, which is replaced when it dies.

    A pool of its own for every lane, because a pool that loses one process gives up all its work;
    and a queue of its own, because a killed process may take a shared queue's lock with it.
    """

    pid: int | None = None

    def __init__(self) -> None:
        self._open()

    def _open(self) -> None:
        context = multiprocessing.get_context("spawn")
        with _signals_held():  # Python's tracker of shared resources may start here as well
            self._events: Any = context.SimpleQueue()
        self._pool = ProcessPoolExecutor(1, context, _begin, (self._events,))
        self._process: BaseProcess | None = None
        self._tell: Tell | None = None

    def start(self, work: Callable[[Any, Tell], Any], item: Any, tell: Tell) -> Future[Any]:
        """Begin; a process that died meanwhile is replaced first."""
        try:
            future = self._submit(work, item)
        except BrokenExecutor:
            self.close()
            self._open()
            future = self._submit(work, item)
        self._tell = tell
        return future

    def _submit(self, work: Callable[[Any, Tell], Any], item: Any) -> Future[Any]:
        before = set(multiprocessing.active_children())
        with _signals_held():
            future = self._pool.submit(_in_worker, work, item)
        for process in set(multiprocessing.active_children()) - before:
            self._process, self.pid = process, process.pid
        return future

    def relay(self) -> None:
        """Tell what the process has sent."""
        while self._tell is not None and not self._events.empty():
            self._tell(*self._events.get())

    def stop(self) -> None:
        """Let the process unwind, so that drafts are removed."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._process is not None:
            self._process.terminate()

    def close(self) -> None:
        """Wait for the end; what does not end in good time is killed."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._process is not None:
            self._process.join(_GRACE)
            if self._process.is_alive():
                self._process.kill()
        self._events.close()


def spread(
    items: Iterable[Item],
    work: Callable[[Item, Tell], Result],
    lanes: list[Lane],
    tell: Callable[[Item, str, int, int | None], None],
    lost: Callable[[Item, int | None], None],
) -> Generator[tuple[Item, Future[Result]]]:
    """Each item with its finished future, in the order in which they finish.

    Args:
        items: Taken one by one, as lanes become free.
        work: What to do with an item.
        lanes: Closed at the end; stopped first if the caller does not wait for the end.
        tell: Called with the item and its progress.
        lost: Called with an item that was cut off, and the process that did it.
    """
    waiting, idle = iter(items), list(lanes)
    busy: dict[Future[Result], tuple[Lane, Item]] = {}
    try:
        while True:
            for item in islice(waiting, len(idle)):
                lane = idle.pop()
                busy[lane.start(work, item, partial(tell, item))] = lane, item
            if not busy:
                return
            for future in _finished(busy):
                lane, item = busy.pop(future)
                idle.append(lane)
                if isinstance(future.exception(), BrokenExecutor):
                    lost(item, lane.pid)
                yield item, future
    finally:
        _end(lanes, busy, lost)


def _finished(busy: dict[Future[Result], tuple[Lane, Item]]) -> set[Future[Result]]:
    """The futures that are done, after all progress before their end was told."""
    done = wait(busy, timeout=_TICK, return_when=FIRST_COMPLETED).done
    for lane, _ in busy.values():
        lane.relay()
    return done


def _end(
    lanes: list[Lane],
    busy: dict[Future[Result], tuple[Lane, Item]],
    lost: Callable[[Item, int | None], None],
) -> None:
    for lane, _ in busy.values():
        lane.stop()
    for lane in lanes:
        lane.close()
    for lane, item in busy.values():
        lost(item, lane.pid)


@contextmanager
def _signals_held() -> Iterator[None]:
    """Keep signals away while a process starts: it is deaf to them from its first moment.

    A terminal sends Ctrl-C and its own end to all processes; only the parent is to answer.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_events: Any = None  # in a worker: where its progress goes


def _begin(events: Any) -> None:
    """Prepare a worker: only the parent's SIGTERM reaches it, and unwinds the work."""
    global _events
    _events = events
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
    signal.signal(signal.SIGTERM, _leave)


def _leave(number: int, _: object) -> None:
    raise SystemExit(128 + number)


def _in_worker(work: Callable[[Any, Tell], Any], item: Any) -> Any:
    return work(item, _sparingly(_events.put))


def _sparingly(send: Callable[[tuple[str, int, int | None]], None]) -> Tell:
    """Progress a few times a second, and each stage's beginning and end."""
    stage_before, due = "", 0.0

    def tell(stage: str, done: int, expected: int | None) -> None:
        nonlocal stage_before, due
        now = monotonic()
        if stage != stage_before or done == expected or now >= due:
            stage_before, due = stage, now + _TICK
            send((stage, done, expected))

    return tell
