"""Lanes: each does one item of work at a time, in an executor or in a process of its own."""

from __future__ import annotations

import io
import multiprocessing
import pickle
import signal
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    wait,
)
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from multiprocessing.connection import wait as wait_for_any
from multiprocessing.process import BaseProcess
from pathlib import Path
from time import monotonic
from typing import Any, Protocol, TypeAlias, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

Tell: TypeAlias = Callable[[str, int, int | None], None]
"""Called with the stage, how much of it is done and how much is expected."""

_TICK = 0.1  # seconds between two looks at the progress of other processes
_GRACE = 10.0  # seconds that a process gets to tidy up before it is killed
_STALL_TIMEOUT = 300.0  # seconds
_LONGEST = 1 << 24  # bytes of a message

_HELD = {getattr(signal, name) for name in ("SIGHUP", "SIGINT", "SIGTERM") if hasattr(signal, name)}


class Worker(Protocol):
    """Does one item at a time."""

    pid: int | None
    line: Any
    """What can be waited for, None where its futures are."""

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


class ExecutorWorker:
    """One item at a time on any executor that shares this process's memory."""

    pid: int | None = None
    line: Any = None

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


class WorkerProcess:
    """One item at a time in one other process, which is replaced when it dies or stands still.

    What comes back is read with suspicion, for the process may have been taken over by what it
    reads: it is made of the named kinds of values and of plain ones, and of nothing else.

    Args:
        kinds: What a result may be.
        prepare: Called first in the process; gives up what is not needed there.
        patience: Seconds without any progress on an item after which its process is killed.
        parts: Classes of the values that results may hold.
    """

    pid: int | None = None
    line: Any = None

    def __init__(
        self,
        kinds: Iterable[type] = (),
        prepare: Callable[[], None] | None = None,
        stall_timeout: Callable[[Any], float] = lambda _: _STALL_TIMEOUT,
        parts: Iterable[type] = (),
    ) -> None:
        self._kinds = tuple(kinds)
        self._parts = (*self._kinds, *parts)
        self._prepare = prepare
        self._stall_timeout = stall_timeout
        self._process: BaseProcess | None = None
        self._future: Future[Any] | None = None
        self._tell: Tell | None = None

    def start(self, work: Callable[[Any, Tell], Any], item: Any, tell: Tell) -> Future[Any]:
        """Begin; a process that died meanwhile is replaced first."""
        future: Future[Any] = Future()
        self._future, self._tell = future, tell
        self._due = self._allowed = self._stall_timeout(item)
        self._due += monotonic()
        try:
            self._send(work, item)
        except (OSError, ValueError) as error:  # it died before
            self.close()
            try:
                self._send(work, item)
            except OSError:
                self._fail(BrokenExecutor(str(error)))
        return future

    def _send(self, work: Callable[[Any, Tell], Any], item: Any) -> None:
        if self._process is None:
            self._open()
        self.line.send((work, item))

    def _open(self) -> None:
        context = multiprocessing.get_context("spawn")
        with _signals_held():
            self.line, theirs = context.Pipe()
            self._process = context.Process(
                target=_serve, args=(theirs, self._prepare), daemon=True
            )
            self._process.start()
        self.pid = self._process.pid
        theirs.close()  # so that the end of the process ends the line

    def relay(self) -> None:
        """Tell what the process has sent; end it if it has been silent for too long."""
        if self._future is None or self._future.done():
            return
        try:
            while not self._future.done() and self.line.poll():
                self._take(self.line.recv_bytes(_LONGEST))
        except (EOFError, OSError) as error:
            self._fail(BrokenExecutor(str(error)))
        except Exception as error:  # what does not read as a result: it may have been taken over
            self._fail(SuspiciousResult(f"the process that worked on it sent no result: {error}"))
        if not self._future.done() and monotonic() > self._due:
            self._fail(Stalled(f"no progress for {self._allowed:.0f} seconds"))

    def _take(self, data: bytes) -> None:
        assert self._future is not None
        assert self._tell is not None
        kind, *rest = _StrictUnpickler(io.BytesIO(data), self._parts).load()
        self._due = monotonic() + self._allowed
        if kind == "told":
            stage, done, expected = rest
            self._tell(str(stage), int(done), None if expected is None else int(expected))
        else:
            (result,) = rest
            if not isinstance(result, self._kinds or object):
                raise TypeError(f"{type(result).__name__} is no result")
            self._future.set_result(result)

    def _fail(self, error: Exception) -> None:
        """Give up the process, whatever state it is in."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.join()
            self.line.close()
        if self._future is not None and not self._future.done():
            self._future.set_exception(error)

    def stop(self) -> None:
        """Let the process unwind, so that drafts are removed."""
        if self._process is not None:
            self._process.terminate()

    def close(self) -> None:
        """Wait for the end; what does not end in good time is killed."""
        process, self._process = self._process, None
        if process is None:
            return
        self.line.close()
        process.join(_GRACE)
        if process.is_alive():
            process.kill()
            process.join()


class Stalled(BrokenExecutor):
    """A process stood still for too long and was killed."""


class SuspiciousResult(BrokenExecutor):
    """A process sent what is no result."""


class _StrictUnpickler(pickle.Unpickler):
    """Reads plain values, paths and values of the named classes."""

    def __init__(self, file: io.BytesIO, kinds: Iterable[type]) -> None:
        super().__init__(file)
        self._known = {(kind.__module__, kind.__qualname__): kind for kind in kinds}

    def find_class(self, module: str, name: str) -> Any:
        """Only what is expected."""
        if module.startswith("pathlib") and name in {"PosixPath", "WindowsPath"}:
            return Path
        if (module, name) not in self._known:
            raise pickle.UnpicklingError(f"{module}.{name} is not expected")
        return self._known[module, name]


def run_all(
    items: Iterable[Item],
    work: Callable[[Item, Tell], Result],
    workers: list[Worker],
    tell: Callable[[Item, str, int, int | None], None],
    lost: Callable[[Item, int | None], None],
) -> Generator[tuple[Item, Future[Result]]]:
    """Each item with its finished future, in the order in which they finish.

    Args:
        items: Taken one by one, as lanes become free.
        work: What to do with an item.
        workers: Closed at the end; stopped first if the caller does not wait for the end.
        tell: Called with the item and its progress.
        lost: Called with an item that was cut off, and the process that did it.
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
            for future in _finished(busy):
                worker, item = busy.pop(future)
                idle.append(worker)
                if isinstance(future.exception(), BrokenExecutor):
                    lost(item, worker.pid)
                yield item, future
    finally:
        _end(workers, busy, lost)


def _finished(busy: dict[Future[Result], tuple[Worker, Item]]) -> set[Future[Result]]:
    """The futures that are done, after all progress before their end was told."""
    lines = [worker.line for worker, _ in busy.values() if worker.line is not None]
    if lines:
        wait_for_any(lines, _TICK)
        for worker, _ in busy.values():
            worker.relay()
        return {future for future in busy if future.done()}
    return wait(busy, timeout=_TICK, return_when=FIRST_COMPLETED).done


def _end(
    workers: list[Worker],
    busy: dict[Future[Result], tuple[Worker, Item]],
    lost: Callable[[Item, int | None], None],
) -> None:
    for worker, _ in busy.values():
        worker.stop()
    for worker in workers:
        worker.close()
    for worker, item in busy.values():
        lost(item, worker.pid)


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


def _serve(line: Any, prepare: Callable[[], None] | None) -> None:
    """In a worker: do what is sent, until nothing more can be; only SIGTERM reaches it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
    signal.signal(signal.SIGTERM, _leave)
    if prepare is not None:
        prepare()
    with suppress(EOFError, BrokenPipeError, ConnectionError):  # the parent is gone, or is done
        while True:
            work, item = line.recv()
            result = work(item, _sparingly(lambda told: line.send(("told", *told))))
            line.send(("done", result))


def _leave(number: int, _: object) -> None:
    """Unwind, once: a second signal, as when a whole group is told, would cut the tidying short."""
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)


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
