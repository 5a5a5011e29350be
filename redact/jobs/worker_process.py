"""A worker that is a spawned process, and what it sends back read with suspicion."""

from __future__ import annotations

import io
import multiprocessing
import os
import pickle
import signal
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future
from contextlib import contextmanager, suppress
from dataclasses import fields, is_dataclass
from functools import cache
from multiprocessing.connection import wait as wait_for_connections
from multiprocessing.process import BaseProcess
from pathlib import Path
from socket import SO_RCVTIMEO, SO_SNDTIMEO, SOL_SOCKET, socket
from threading import Thread
from time import monotonic, sleep
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from redact.core.interfaces import Progress
from redact.jobs.workers import POLL_INTERVAL

STALL_TIMEOUT = 300.0
"""Seconds without any progress after which a process is taken to stand still."""

SHOW_CHATTER = "REDACT_DEBUG"
"""The environment variable with which worker processes leave native libraries their voice."""

_GRACE_PERIOD = 10.0  # seconds that a process gets to tidy up before it is killed
_LARGEST_MESSAGE = 1 << 24  # bytes
_LONGEST = 32  # characters of a stage
_LONGEST_MESSAGE = 120  # seconds in which nothing more of a message comes, or goes

_SIGNALS = {
    getattr(signal, name) for name in ("SIGHUP", "SIGINT", "SIGTERM") if hasattr(signal, name)
}


class StalledError(BrokenExecutor):
    """A process stood still for too long and was killed."""


class SuspiciousResultError(BrokenExecutor):
    """A process sent what is no result."""


class WorkerProcess:
    """A worker that is one other process, which is replaced when it dies or stands still.

    What comes back is read with suspicion, for the process may have been taken over by the file
    that it reads: only results of the named classes, whose fields hold what these classes say, are
    accepted.

    Args:
        result_types: The classes that a result may have; any if none is named.
        prepare: Called first in the process; gives up what is not needed there.
        stall_timeout: Seconds without progress on an item after which its process is killed.
        nested_types: Further classes of the values that results may hold.
    """

    pid: int | None = None
    connection: Any = None

    def __init__(
        self,
        result_types: Iterable[type] = (),
        prepare: Callable[[], None] | None = None,
        stall_timeout: Callable[[Any], float] = lambda _: STALL_TIMEOUT,
        nested_types: Iterable[type] = (),
    ) -> None:
        self._result_types = tuple(result_types)
        self._known_types = (*self._result_types, *nested_types)
        self._prepare = prepare
        self._stall_timeout = stall_timeout
        self._process: BaseProcess | None = None
        self._future: Future[Any] | None = None
        self._tell: Progress | None = None

    def start(self, work: Callable[[Any, Progress], Any], item: Any, tell: Progress) -> Future[Any]:
        """Begin an item; a process that died meanwhile is replaced first."""
        future: Future[Any] = Future()
        self._future, self._tell = future, tell
        self._timeout = self._stall_timeout(item)
        self._deadline = monotonic() + self._timeout
        try:
            self._send(work, item)
        except (OSError, ValueError) as error:  # it died before
            self.close()
            try:
                self._send(work, item)
            except OSError:
                self._fail(BrokenExecutor(str(error)))
        return future

    def _send(self, work: Callable[[Any, Progress], Any], item: Any) -> None:
        if self._process is None:
            self._spawn()
        self.connection.send((work, item))

    def _spawn(self) -> None:
        context = multiprocessing.get_context("spawn")
        with _signals_blocked():
            self.connection, theirs = context.Pipe()
            _bound_waiting(self.connection)
            self._process = context.Process(
                target=_serve, args=(theirs, self._prepare), daemon=True
            )
            self._process.start()
        self.pid = self._process.pid
        theirs.close()  # so that the end of the process ends the connection

    def relay(self) -> None:
        """Tell what the process has sent; end it if it has been silent for too long."""
        if self._future is None or self._future.done():
            return
        try:
            while not self._future.done() and self.connection.poll():
                self._receive(self.connection.recv_bytes(_LARGEST_MESSAGE))
        except (EOFError, OSError) as error:
            self._fail(BrokenExecutor(str(error)))
        except Exception as error:  # what does not read as a result: it may have been taken over
            problem = f"the process that worked on it sent no result: {error}"
            self._fail(SuspiciousResultError(problem))
        if not self._future.done() and monotonic() > self._deadline:
            self._fail(StalledError(f"no progress for {self._timeout:.0f} seconds"))

    def _receive(self, data: bytes) -> None:
        assert self._future is not None
        assert self._tell is not None
        kind, *rest = StrictUnpickler(io.BytesIO(data), self._known_types).load()
        self._deadline = monotonic() + self._timeout
        if kind == "told":
            stage, done, expected = rest
            if not (isinstance(stage, str) and stage.isidentifier() and len(stage) <= _LONGEST):
                raise TypeError("that is no stage")
            self._tell(stage, int(done), None if expected is None else int(expected))
        else:
            (result,) = rest
            is_one = isinstance(result, self._result_types or object)
            if not (is_one and fits(result, type(result))):
                raise TypeError(f"this {type(result).__name__} is no result")
            self._future.set_result(result)

    def _fail(self, error: Exception) -> None:
        """Kill the process, whatever state it is in, and end its item with an error."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.join()
            self.connection.close()
        if self._future is not None and not self._future.done():
            self._future.set_exception(error)

    def stop(self) -> None:
        """Let the process unwind, so that it removes its drafts."""
        if self._process is not None:
            self._process.terminate()

    def close(self) -> None:
        """Wait for the end of the process; kill it if that takes too long."""
        process, self._process = self._process, None
        if process is None:
            return
        self.connection.close()
        process.join(_GRACE_PERIOD)
        if process.is_alive():
            process.kill()
            process.join()


def fits(value: object, kind: Any) -> bool:
    """Whether a value is of a type, and so is all in it, as far as dataclasses and tuples say."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return any(fits(value, one) for one in inner)
    if origin is Literal:
        return isinstance(value, str) and value in inner
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        kinds = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        return len(kinds) == len(value) and all(map(fits, value, kinds))
    if is_dataclass(kind):
        return type(value) is kind and all(
            fits(getattr(value, name), one) for name, one in _fields(kind).items()
        )
    if kind is Path:
        return isinstance(value, Path)
    return type(value) is kind or (kind is float and type(value) is int)


@cache
def _fields(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


class StrictUnpickler(pickle.Unpickler):
    """Reads plain values, paths and values of the named classes, and nothing else.

    Args:
        file: Where the pickle is read from.
        known_types: The classes that may occur.
    """

    def __init__(self, file: io.BytesIO, known_types: Iterable[type]) -> None:
        super().__init__(file)
        self._known = {(known.__module__, known.__qualname__): known for known in known_types}

    def find_class(self, module: str, name: str) -> Any:
        """What makes values of the class of that name.

        Raises:
            pickle.UnpicklingError: It is not expected.
        """
        if module.startswith("pathlib") and name in {"PosixPath", "WindowsPath"}:
            return _Maker(Path)
        known = self._known.get((module, name))
        if known is None:
            raise pickle.UnpicklingError(f"{module}.{name} is not expected")
        # Frozen dataclasses refuse to be given attributes by what is read.
        return known if hasattr(known, "__setstate__") else _Maker(known)


class _Maker:
    """Makes values of a class, in place of the class itself.

    A pickle may set any attribute of what it names. Whatever it did to a class would hold in all of
    this process: it could change what the parent of a path is, or how times compare.
    """

    __slots__ = ("_class",)

    def __init__(self, made: type) -> None:
        self._class = made

    def __call__(self, *parts: Any) -> Any:
        """A value."""
        return self._class(*parts)


def _bound_waiting(connection: Any) -> None:
    """Let no process have its parent wait: for the rest of a message, or until one is read."""
    if sys.platform != "win32":
        with socket(fileno=os.dup(connection.fileno())) as same:
            for which in (SO_RCVTIMEO, SO_SNDTIMEO):
                same.setsockopt(SOL_SOCKET, which, struct.pack("ll", _LONGEST_MESSAGE, 0))


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Block signals while a process starts: it is deaf to them from its first moment.

    A terminal sends Ctrl-C and its own end to all processes; only the parent is to answer.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Any, prepare: Callable[[], None] | None) -> None:
    """In the worker process: do what is sent until its parent ends; only SIGTERM reaches it."""
    _silence()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    signal.signal(signal.SIGTERM, _exit_once)
    if prepare is not None:
        prepare()
    Thread(target=_end_with_parent, name="parent", daemon=True).start()
    with suppress(EOFError, BrokenPipeError, ConnectionError):  # the parent is gone, or is done
        while True:
            work, item = connection.recv()
            result = work(item, _throttled(lambda told: connection.send(("told", *told))))
            connection.send(("done", result))


def _end_with_parent() -> None:
    """Unwind when the parent is gone, though nothing is told to it for a while."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for_connections([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
        sleep(_GRACE_PERIOD)
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


def _silence() -> None:
    """Send standard output and error to nowhere: native libraries write there whenever they like.

    On standard output scripts read what became of each file, and only the parent may tell them.
    Nothing is lost: errors go to the parent through the connection.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    if not os.environ.get(SHOW_CHATTER):
        os.dup2(nowhere, 2)
    os.close(nowhere)


def _exit_once(number: int, _: object) -> None:
    """Unwind, once: a second signal, as when a whole group is told, would cut the tidying short."""
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)


def _throttled(send: Callable[[tuple[str, int, int | None]], None]) -> Progress:
    """Progress a few times a second, and each stage's beginning and end."""
    stage_before, due = "", 0.0

    def tell(stage: str, done: int, expected: int | None) -> None:
        nonlocal stage_before, due
        now = monotonic()
        if stage != stage_before or done == expected or now >= due:
            stage_before, due = stage, now + POLL_INTERVAL
            send((stage, done, expected))

    return tell
