"""Workers: what one is, one that uses an executor, and many items done by several."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    wait,
)
from functools import partial
from itertools import islice
from multiprocessing.connection import wait as wait_for_connections
from typing import Any, Protocol, TypeVar

from redact.core.interfaces import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")

POLL_INTERVAL = 0.1
"""Seconds between two checks for progress, and between two reports of it."""


class Worker(Protocol):
    """Does one item of work at a time."""

    pid: int | None
    """Its process, None where it shares this one."""

    connection: Any
    """What becomes ready when there is news to relay; None where its futures say all."""

    def start(self, work: Callable[[Any, Progress], Any], item: Any, tell: Progress) -> Future[Any]:
        """Begin an item; the future carries its result or its error."""

    def relay(self) -> None:
        """Pass on the progress and the result that have arrived."""

    def stop(self) -> None:
        """Ask the item in work to end soon and to leave nothing half done."""

    def close(self) -> None:
        """Wait for the end of the worker."""


class Serial(Executor):
    """An executor that works at once in the caller's thread; an interruption reaches the caller."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """The finished future."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class ExecutorWorker:
    """A worker that uses any executor that shares this process's memory."""

    pid: int | None = None
    connection: Any = None

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def start(self, work: Callable[[Any, Progress], Any], item: Any, tell: Progress) -> Future[Any]:
        """Begin an item; progress is told from whatever thread the executor uses."""
        try:
            return self._executor.submit(work, item, tell)
        except BrokenExecutor as error:
            failed: Future[Any] = Future()
            failed.set_exception(error)
            return failed

    def relay(self) -> None:
        """Nothing waits: progress is told as it happens."""

    def stop(self) -> None:
        """Begin nothing more; what runs in a thread cannot be interrupted."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Wait for the end of the executor."""
        self._executor.shutdown()


def run_all(
    items: Iterable[Item],
    work: Callable[[Item, Progress], Result],
    workers: list[Worker],
    tell: Callable[[Item, str, int, int | None], None],
    clean_up: Callable[[Item, int | None], None],
) -> Generator[tuple[Item, Future[Result]]]:
    """Each item with its finished future, in the order in which they finish.

    Args:
        items: Taken one by one, as workers become free.
        work: What to do with an item.
        workers: Closed at the end; stopped first if the caller does not wait for the end.
        tell: Called with an item and its progress.
        clean_up: Called with an item whose work was cut off, and the id of the process that did it.
    """
    waiting, idle = iter(items), list(workers)
    busy: dict[Future[Result], tuple[Worker, Item]] = {}
    try:
        while True:
            for item in islice(waiting, len(idle)):
                worker = idle.pop()
                busy[worker.start(work, item, partial(tell, item))] = worker, item
            if not busy:
                return
            for future in _wait_for_some(busy):
                worker, item = busy.pop(future)
                idle.append(worker)
                if isinstance(future.exception(), BrokenExecutor):
                    clean_up(item, worker.pid)
                yield item, future
    finally:
        _end(workers, busy, clean_up)


def _wait_for_some(busy: dict[Future[Result], tuple[Worker, Item]]) -> set[Future[Result]]:
    """The futures that are done, after all progress before their end was told; soon, if none is."""
    connections = [w.connection for w, _ in busy.values() if w.connection is not None]
    if connections:
        wait_for_connections(connections, POLL_INTERVAL)
        for worker, _ in busy.values():
            worker.relay()
        return {future for future in busy if future.done()}
    return wait(busy, timeout=POLL_INTERVAL, return_when=FIRST_COMPLETED).done


def _end(
    workers: list[Worker],
    busy: dict[Future[Result], tuple[Worker, Item]],
    clean_up: Callable[[Item, int | None], None],
) -> None:
    """Stop what is in work, close all workers, and clean up after what was cut off."""
    for worker, _ in busy.values():
        worker.stop()
    for worker in workers:
        worker.close()
    for worker, item in busy.values():
        clean_up(item, worker.pid)
