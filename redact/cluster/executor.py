"""Files done by the workers of a cluster: each by one at a time, and again if that one is lost.

Workers that are free while no file waits search and render spans of long videos that others have.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from time import monotonic
from typing import Any, Self

from redact.cluster.link import LOST, Link, News
from redact.cluster.members import Member, Members
from redact.cluster.messages import Answer, Order, as_sent, as_told, decode
from redact.cluster.shared import Marks
from redact.cluster.splits import Splits
from redact.cluster.tries import TRIES, Item, Patience, Try
from redact.cluster.worker import ENDED
from redact.errors import ClusterError, EngineError, RedactError
from redact.jobs.batch import SHORT_OF_MEMORY, redact_one
from redact.jobs.jobs import Report, describe_failure

_MOST_FOLDERS = 64  # that a sandbox may write in

_TICK = 0.05  # seconds


class ClusterExecutor(Executor):
    """Redacts files on a cluster; a context, which waits for the first worker that can be used.

    Args:
        connect: Makes the link.
        folders: Where results go.
        notice: Told in words about workers that cannot be used, and losses; from a thread.
        patience: How long things are waited for.

    Raises:
        ClusterError: There is no scheduler, or no worker that can be used.
    """

    def __init__(
        self,
        connect: Callable[[Callable[[News], None]], Link],
        folders: Sequence[Path],
        notice: Callable[[str], None],
        patience: Patience = Patience(),  # noqa: B008 - frozen
    ) -> None:
        self._connect, self._notice, self._patience = connect, notice, patience
        self._folders = tuple(folders) if len(folders) <= _MOST_FOLDERS else ()
        self._members = Members(notice, patience.fit)
        self._marks = Marks()
        self._link: Link | None = None
        self._came: SimpleQueue[Item] = SimpleQueue()
        self._news: SimpleQueue[News] = SimpleQueue()
        self._waiting: deque[Item] = deque()
        self._tries: dict[int, Try] = {}
        self._splits = Splits(notice, patience.worker, self._marks.prove)
        self._number = 0
        self._over, self._wake = Event(), Event()
        self._broken: Exception | None = None
        self._gone_since: float | None = None
        self._thread = Thread(target=self._run, name="cluster", daemon=True)

    def __enter__(self) -> Self:
        try:
            self._link = self._connect(self._news.put)
        except ConnectionError as error:
            raise ClusterError(
                str(error), remedy="start it with `redact cluster scheduler`"
            ) from error
        try:
            self._members.wait_for_first(self._link)
        except BaseException:
            self._link.close()
            raise
        self._thread.start()
        return self

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        """Hand over `redact_one` with a job and its progress; no other function is done there."""
        if fn is not redact_one:
            raise ValueError("workers do one thing only")
        job, tell = args
        future: Future[Report] = Future()
        self._came.put(Item(job, as_sent(job), tell, future))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """Stop what is in work; what it would have written is not there."""
        self._over.set()
        self._wake.set()
        if wait and self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        """In the thread: go on until told to end."""
        try:
            while not self._over.is_set():
                self._wake.wait(_TICK)
                self._wake.clear()
                try:
                    self._go_on()
                except LOST as error:
                    self._lose_scheduler(str(error))
                except Exception as error:  # whatever it is, nobody may wait for ever
                    self._broken = error
            self._stop()
        finally:
            self._marks.remove()
            if self._link is not None:
                self._link.close()

    def _go_on(self) -> None:
        with suppress(Empty):
            while True:
                self._waiting.append(self._came.get_nowait())
        self._hear()
        if self._broken is not None:
            self._fail_all(self._broken)
            return
        link = self._find_link()
        if link is None:
            return
        for member in self._members.refresh(link):
            self._lose_member(member, "the worker is gone")
        for number, one in list(self._tries.items()):
            if one.report is not None:
                self._await_output(number, one)
            elif one.asked.is_done:
                self._take(number, one)
            elif monotonic() - one.heard > self._patience.worker:
                self._members.forget(one.member)
                self._lose(number, f"no news for {self._patience.worker:.0f} seconds")
        self._splits.go_on(self._members, self._tries)
        self._assign(link)
        if self._waiting and not self._tries:
            self._broken = self._members.why_none()

    def _find_link(self) -> Link | None:
        """The link, made again if the scheduler was away; None while it is."""
        if self._link is not None and not self._link.is_up:
            raise ConnectionError("the link is closed")
        if self._link is None:
            assert self._gone_since is not None
            try:
                self._link = self._connect(self._news.put)
                self._notice("the scheduler is back")
                self._members.begin()
            except LOST as error:
                if monotonic() - self._gone_since > self._patience.scheduler:
                    problem = f"the scheduler is gone ({error})"
                    self._broken = ClusterError(problem, None, "start it, then --resume goes on")
                self._over.wait(1)
        return self._link

    def _lose_scheduler(self, why: str) -> None:
        """Files in work are done again: their workers stop when they lose the scheduler."""
        self._notice(f"the scheduler is gone ({why}); waiting for it")
        self._gone_since = monotonic()
        link, self._link = self._link, None
        self._waiting.extendleft(one.item for one in reversed(self._tries.values()))
        for one in self._tries.values():
            self._splits.lose_file(one.item)
        self._tries.clear()
        self._splits.forget_all()
        self._members.begin()
        if link is not None:
            link.close()

    def _hear(self) -> None:
        with suppress(Empty):
            while True:
                news = self._news.get_nowait()
                one = self._tries.get(news.number)
                self._splits.hear(news.number)
                if one is not None:
                    one.heard = monotonic()
                    if news.stage not in {"", ENDED}:
                        one.stage, one.frames = news.stage, news.done
                        one.item.tell(news.stage, news.done, news.expected)

    def _assign(self, link: Link) -> None:
        while self._waiting:
            item = self._waiting[0]
            if item.future.cancelled():
                self._waiting.popleft()
                continue
            member = self._members.free_for(item.avoid)
            if member is None:
                return
            self._waiting.popleft()
            try:
                proof = self._marks.prove(item.sent.source, item.sent.output)
            except (RedactError, OSError) as error:
                self._splits.end_file(item, None)  # an earlier try may have had spans
                item.future.set_exception(error)
                continue
            number = self._next_number()
            order = Order(item.sent, self._folders, proof, item.was_begun, "", number)
            item.was_begun = True
            asked = link.redact(member.address, order)
            asked.when_done(self._wake.set)
            member.number = number
            self._tries[number] = Try(item, asked, member, order, monotonic())
        self._splits.assign(link, self._members, self._tries, self._next_number)

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    def _take(self, number: int, one: Try) -> None:
        """Read the answer of a worker."""
        try:
            answer = decode(one.asked.answer(), Answer)
            if answer.report is not None:
                report = as_told(answer.report, one.item.job, one.item.sent)
        except ClusterError as error:
            self._lose(number, str(error))
            return
        if answer.refused is not None:
            self._refuse(number, answer.refused)
        elif answer.report is None:
            self._lose(number, answer.lost or "it said nothing")
        elif report.failure is not None and SHORT_OF_MEMORY in report.failure.message:
            self._lose(number, SHORT_OF_MEMORY)
        else:
            one.report, one.heard = report, monotonic()
            one.member.number = None
            self._await_output(number, one)

    def _await_output(self, number: int, one: Try) -> None:
        """Network file systems show late what others wrote."""
        assert one.report is not None
        seen = one.report.failure is not None or one.item.sent.output.is_file()
        if seen or monotonic() - one.heard > self._patience.output:
            del self._tries[number]
            self._splits.end_file(one.item, one.report.failure)
            one.item.future.set_result(one.report)

    def _refuse(self, number: int, why: str) -> None:
        """A worker cannot do a file: it gets no more, unless the file itself has changed."""
        one = self._tries.pop(number)
        one.member.number = None
        try:
            proof = self._marks.prove(one.item.sent.source, one.item.sent.output)
        except (RedactError, OSError) as error:
            self._splits.end_file(one.item, None)
            one.item.future.set_exception(error)
            return
        if proof != one.order.proof:
            self._again(one.item, "the file changed meanwhile")
            return
        self._members.refuse(one.member, why)
        self._waiting.appendleft(one.item)

    def _lose_member(self, member: Member, why: str) -> None:
        if member.number in self._tries:
            self._lose(member.number, why)
        elif member.number in self._splits.tries:
            self._splits.lose(member.number, why)

    def _lose(self, number: int, why: str) -> None:
        """A worker was lost with a file, which another one tries."""
        one = self._tries.pop(number)
        one.asked.cancel()
        one.member.number = None
        one.item.avoid.add(one.member.address)
        self._splits.lose_file(one.item)
        self._again(one.item, f"{one.member.name}: {why}")

    def _again(self, item: Item, why: str) -> None:
        item.losses.append(why)
        if len(item.losses) < TRIES:
            self._notice(f"{item.job.source.name}: {why}; another worker tries it")
            self._waiting.appendleft(item)
            return
        problem = f"{TRIES} workers were lost with it ({'; '.join(item.losses)})"
        remedy = "the file may be made to do that, or memory is short"
        error = EngineError(problem, item.job.source, remedy)
        self._splits.end_file(item, describe_failure(error, item.job.source))
        item.future.set_exception(error)

    def _fail_all(self, error: BaseException) -> None:
        items = [*self._waiting, *(one.item for one in self._tries.values())]
        self._waiting.clear()
        self._tries.clear()
        for item in items:
            if not item.future.done():
                item.future.set_exception(error)

    def _stop(self) -> None:
        """Cancel what is in work, and wait until workers say that it has ended."""
        stopping = set(self._tries) | self._splits.cancel_all()
        for one in self._tries.values():
            one.asked.cancel()
        until = monotonic() + self._patience.end
        while stopping and monotonic() < until:
            with suppress(Empty):
                news = self._news.get(timeout=_TICK)
                if news.stage == ENDED:
                    stopping.discard(news.number)
        self._fail_all(ClusterError("it was interrupted"))
