"""The worker process that decodes, seen from the server: what is urgent first, and a cache."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Hashable
from concurrent.futures import CancelledError, Future
from contextlib import closing
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from redact.core.plan import Plan, dumps
from redact.errors import EngineError, RedactError, class_named
from redact.jobs.jobs import Failure
from redact.jobs.sandbox import error_of_loss, sandboxed_worker
from redact.review.frames import (
    Followed,
    FollowRequest,
    FrameRequest,
    Opened,
    Opening,
    Pictures,
    Planning,
    Request,
    Waking,
    answer,
)

CACHE_SIZE = 160 << 20
"""Bytes of pictures that are kept."""

_POLL = 0.05  # seconds


class LostProcessError(EngineError):
    """The process was killed, or stood still."""


class PictureCache:
    """The pictures that were used last, bounded in bytes; for several threads.

    Args:
        most: Bytes.
    """

    def __init__(self, most: int = CACHE_SIZE) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> bytes | None:
        """A picture, if it is kept."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: Hashable, picture: bytes) -> None:
        """Keep a picture, and forget the ones that were not used for longest."""
        with self._lock:
            self._size += len(picture) - len(self._kept.pop(key, b""))
            self._kept[key] = picture
            while self._size > self._most and self._kept:
                self._size -= len(self._kept.popitem(last=False)[1])

    def __contains__(self, key: Hashable) -> bool:
        with self._lock:
            return key in self._kept

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return self._size


@dataclass(frozen=True, slots=True)
class _Wanted:
    request: Request
    future: Future[Any]


class MediaWorker:
    """Gives frames of one source at a time; a context that ends the process.

    One thread speaks with the process. What somebody waits for comes before what is prefetched.
    A process that dies is replaced at the next request, with the same source open.

    Attributes:
        plan: What previews show, of what is open; frames are asked for with its edits.
    """

    def __init__(self) -> None:
        self.cache = PictureCache()
        self._worker = sandboxed_worker((Opened, Pictures, Followed, Failure), 1, [])
        self._urgent: deque[_Wanted] = deque()
        self._later: deque[_Wanted] = deque()
        self._behind: deque[_Wanted] = deque()
        self._news = threading.Condition()
        self._ending = False
        self._source: Path | None = None
        self._sent: tuple[int | None, Plan] | None = None
        self.plan: Plan | None = None
        self._opening: Opening | None = None
        self._opened_in: int | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the process."""
        with self._news:
            self._ending = True
            self._news.notify()
        self._thread.join()

    @property
    def pid(self) -> int | None:
        """The id of the process, None before it is first needed."""
        return self._worker.pid

    @property
    def source(self) -> Path | None:
        """What is open, or is being opened."""
        return self._source

    def wake(self) -> None:
        """Start the process, so that it need not be waited for later."""
        self._ask(Waking(), self._urgent)

    def open(self, source: Path, plan: Plan, *, beside: bool = False) -> Future[Opened]:
        """Open a source; what was asked of the one before is no longer answered.

        Args:
            source: A video or a still.
            plan: Of that very source.
            beside: Whether other processes come first from now on.
        """
        self._source = source
        with self._news:
            for wanted in (*self._urgent, *self._later, *self._behind):
                wanted.future.cancel()
            self._urgent.clear()
            self._later.clear()
            self._behind.clear()
        self.plan = plan
        bare = replace(plan, tracks=(), edits=(), undone=(), plain=())
        return self._ask(Opening(source, bare, beside), self._urgent)

    def pictures(self, request: FrameRequest) -> Future[Pictures]:
        """Frames that somebody waits for."""
        return self._ask(request, self._urgent)

    def prefetch(self, request: FrameRequest) -> Future[Pictures]:
        """Frames that somebody may want soon."""
        return self._ask(request, self._later)

    def follow(self, request: FollowRequest) -> Future[Followed]:
        """The next part of a path; what somebody waits for comes before it."""
        return self._ask(request, self._behind)

    def later(self, request: FrameRequest) -> Future[Pictures]:
        """Frames that nobody waits for, and that stay wanted."""
        return self._ask(request, self._behind)

    def hurry(self, future: Future[Pictures]) -> None:
        """What was prefetched is waited for now."""
        with self._news:
            found = [wanted for wanted in self._later if wanted.future is future]
            for wanted in found:
                self._later.remove(wanted)
                self._urgent.append(wanted)

    def forget_prefetching(self) -> None:
        """Drop frames that were wanted so far: they would be decoded from another key frame."""
        with self._news:
            frames = [it for it in self._urgent if isinstance(it.request, FrameRequest)]
            for wanted in frames:
                self._urgent.remove(wanted)
            for wanted in (*frames, *self._later):
                wanted.future.cancel()
            self._later.clear()

    def _ask(self, request: Request, queue: deque[_Wanted]) -> Future[Any]:
        future: Future[Any] = Future()
        with self._news:
            queue.append(_Wanted(request, future))
            self._news.notify()
        return future

    def _work(self) -> None:
        with closing(self._worker):
            while (wanted := self._next()) is not None:
                if not wanted.future.set_running_or_notify_cancel():
                    continue
                try:
                    result = self._answer(wanted.request)
                except BaseException as error:  # whoever waits must learn of it
                    wanted.future.set_exception(error)
                else:
                    wanted.future.set_result(result)
            self._worker.stop()

    def _next(self) -> _Wanted | None:
        with self._news:
            while not (self._ending or self._urgent or self._later or self._behind):
                self._news.wait()
            if self._ending:
                for wanted in (*self._urgent, *self._later, *self._behind):
                    wanted.future.cancel()
                return None
            return (self._urgent or self._later or self._behind).popleft()

    def _answer(self, request: Request) -> Any:
        """What the process says.

        Raises:
            RedactError: What it failed with, or it was lost.
        """
        if isinstance(request, Waking):
            return self._exchange(request)
        if isinstance(request, Opening):
            self._opening = request
        elif self._opening is None or self._opening.source != request.source:
            raise CancelledError
        elif self._opened_in != self._worker.pid or self._worker.connection is None:
            self._exchange(self._opening)
        try:
            return self._exchange_planned(request)
        except RedactError as error:
            replaced = self._opened_in is not None and self._opened_in != self._worker.pid
            if not (replaced or isinstance(error, LostProcessError)):
                raise
        if not isinstance(request, Opening):  # whatever killed it may be over: once more
            self._exchange(self._opening)
        return self._exchange_planned(request)

    def _exchange_planned(self, request: Request) -> Any:
        """What the process says, once it knows the plan, if what is asked for depends on it."""
        plan = self.plan
        previews = isinstance(request, FrameRequest) and request.view == "published"
        if plan is not None and previews and not self._knows(plan):
            text = dumps(replace(plan, edits=(), undone=(), result=None))
            self._exchange(Planning(request.source, text))
            self._sent = self._worker.pid, plan
        return self._exchange(request)

    def _knows(self, plan: Plan) -> bool:
        if self._sent is None or self._sent[0] != self._worker.pid:
            return False
        return self._sent[1].tracks is plan.tracks and self._sent[1].plain == plan.plain

    def _exchange(self, request: Request) -> Any:
        future = self._worker.start(answer, request, lambda *_: None)
        while not future.done():
            if self._worker.connection is not None:
                wait([self._worker.connection], _POLL)
            self._worker.relay()
            if self._ending:
                raise CancelledError
        try:
            found = future.result()
        except BaseException as error:
            self._opened_in = None
            lost = error_of_loss(error, request.source)
            if lost is None:
                raise
            raise LostProcessError(lost.problem, lost.path, lost.remedy) from error
        if isinstance(request, Opening):
            self._opened_in, self._sent = self._worker.pid, None
        if isinstance(found, Failure):
            raise class_named(found.kind)(found.message, request.source)
        return found
