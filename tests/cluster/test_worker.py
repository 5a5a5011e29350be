"""What a worker does with a file that another may have had, and when nobody wants it any more."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from redact.cluster import worker as working
from redact.cluster.link import Link
from redact.cluster.members import Members
from redact.cluster.messages import Order
from redact.cluster.shared import Marks
from redact.cluster.worker import Redactor
from redact.core.interfaces import Progress
from redact.errors import ClusterError
from redact.jobs.batch import redact_one
from redact.jobs.jobs import Failure, Job, Report
from redact.jobs.worker_process import SuspiciousResultError
from tests.cli import fake_redact

Work = Callable[[Job, Progress], Any]


class Inline:
    """A sandbox that works at once, in this process."""

    pid: int | None = None
    connection: Any = None
    stopped = False

    def start(self, work: Work, item: Job, tell: Progress) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(item, tell))
        except Exception as error:
            future.set_exception(error)
        return future

    def relay(self) -> None:
        pass

    def stop(self) -> None:
        self.stopped = True

    def close(self) -> None:
        pass


class Endless(Inline):
    """One that never ends."""

    def start(self, *_: object) -> Future[Any]:  # type: ignore[override]
        return Future()


@pytest.fixture
def sandboxes(monkeypatch: pytest.MonkeyPatch) -> list[Inline]:
    fake_redact.install(monkeypatch.setattr)
    monkeypatch.setattr(working, "_RACE", 0.0)
    monkeypatch.setattr(working, "wait", lambda *_: None)
    made: list[Inline] = []

    def make(*_: object) -> Inline:
        made.append(Inline())
        return made[-1]

    monkeypatch.setattr(working, "sandboxed_worker", make)
    return made


def order(folder: Path, **how: Any) -> Order:
    source, output = folder / "a.jpg", folder / "a.redacted.jpg"
    if not source.exists():
        source.write_text("redact")
    job = Job(source, output, folder / "a.redact.json", **how)
    return Order(job, (folder,), Marks().prove(source, output), False, "topic", 1)


def answer(ordered: Order, work: Work = redact_one) -> Report:
    found = Redactor(work=work).answer(ordered, "key", lambda *_: None)
    assert found.report is not None
    return found.report


def test_what_a_lost_worker_had_finished_counts_as_done(
    tmp_path: Path, sandboxes: list[Inline]
) -> None:
    first = order(tmp_path)
    assert answer(first).status == "redacted"
    assert answer(first).status == "failed"  # of a run of its own
    assert answer(replace(first, again=True)).status == "resumed"


def test_what_shall_be_replaced_is_not_taken_for_done(
    tmp_path: Path, sandboxes: list[Inline]
) -> None:
    first = order(tmp_path, force=True)
    assert answer(first).status == "redacted"
    assert answer(replace(first, again=True)).status == "redacted"


def test_what_a_lost_worker_finishes_meanwhile_counts_too(
    tmp_path: Path, sandboxes: list[Inline]
) -> None:
    ordered = replace(order(tmp_path), again=True)
    asked = []

    def beaten(job: Job, tell: Progress) -> Report:
        asked.append(job)
        if len(asked) == 1:
            redact_one(job)
            taken = Failure("OutputExistsError", "exists already")
            return Report(job.source, job.output, "failed", failure=taken)
        return redact_one(job)

    assert answer(ordered, beaten).status == "resumed"


@pytest.mark.parametrize(
    ("error", "is_lost"),
    [(BrokenExecutor("killed"), True), (SuspiciousResultError("it sent no result"), False)],
)
def test_a_lost_process_is_tried_again_and_a_suspicious_one_is_not(
    tmp_path: Path, sandboxes: list[Inline], error: Exception, is_lost: bool
) -> None:
    def fail(job: Job, tell: Progress) -> Report:
        raise error

    found = Redactor(work=fail).answer(order(tmp_path), "key", lambda *_: None)
    assert (found.lost is not None) is is_lost
    assert (found.report is not None) is not is_lost
    if found.report is not None:
        assert found.report.failure is not None
        assert "may be made to do that" in found.report.failure.message


@pytest.mark.parametrize("why", ["released", "over"])
def test_work_ends_when_nobody_wants_it(
    tmp_path: Path, sandboxes: list[Inline], monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    endless = Endless()
    monkeypatch.setattr(working, "sandboxed_worker", lambda *_: endless)
    redactor = Redactor()
    if why == "over":
        redactor.teardown(None)  # type: ignore[arg-type]
    else:
        redactor.transition("other", "executing", "memory")
        redactor.transition("key", "executing", "released")
    found = redactor.answer(order(tmp_path), "key", lambda *_: None)
    assert found.lost is not None
    assert endless.stopped


def test_a_sandbox_is_kept_while_it_may_write_where_it_must(
    tmp_path: Path, sandboxes: list[Inline]
) -> None:
    redactor, first = Redactor(), order(tmp_path, force=True)
    for _ in range(2):
        redactor.answer(first, "key", lambda *_: None)
    assert len(sandboxes) == 1
    other = tmp_path / "other"
    other.mkdir()
    redactor.answer(order(other), "key", lambda *_: None)
    assert len(sandboxes) == 2
    assert sandboxes[0].stopped


def test_a_worker_elsewhere_whose_link_is_not_encrypted_is_refused() -> None:
    link = object.__new__(Link)
    with pytest.raises(ClusterError, match="not encrypted"):
        link.examine("tcp://192.0.2.1:80")
    said: list[str] = []
    known = Members(said.append, 9)
    known._add(link, "tcp://192.0.2.1:80")
    assert "is refused" in said[0]
    assert known.free_for(()) is None
