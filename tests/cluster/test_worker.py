"""What a worker does with a file that another may have had, and when nobody wants it any more."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from redact.cluster import worker as working
from redact.cluster.link import Link
from redact.cluster.members import Members
from redact.cluster.messages import COUNT, Answer, Order, decode, encode
from redact.cluster.shared import Marks
from redact.cluster.worker import Redactor
from redact.core.interfaces import Progress
from redact.detect.cache import cache_folder
from redact.detect.draft_spans import share_draft
from redact.detect.spans import Span, encode_span, read_span
from redact.drawing import OrderedSpan, write_list
from redact.errors import ClusterError
from redact.jobs.batch import redact_one
from redact.jobs.jobs import Failure, Job, Report
from redact.jobs.span_work import DraftCheck, Drawing, SpanResult, SpanWork
from redact.jobs.worker_process import SuspiciousResultError
from redact.spans import SpanCount, draft_key, span_key
from redact.verify.result import Checking
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


# spans


def found(span: Span) -> SpanResult:
    return SpanResult(data=encode_span(span))


def span_of(folder: Path, number: int, work: Callable[[SpanWork, Progress], Any]) -> Answer:
    ordered = replace(order(folder), span=number)
    return Redactor(work=work).answer(ordered, "key", lambda *_: None)


def test_a_span_is_put_beside_the_output(tmp_path: Path, sandboxes: list[Inline]) -> None:
    asked: list[SpanWork] = []

    def work(item: SpanWork, tell: Progress) -> SpanResult:
        asked.append(item)
        return found(Span(span_key(item.recipe), 4, ()))

    for _ in range(2):  # what is there is not searched again
        assert span_of(tmp_path, 4, work) == Answer(span=4)
    (item,) = asked
    job = order(tmp_path).job
    assert (item.source, item.recipe, item.number) == (job.source, job.recipe, 4)
    assert read_span(cache_folder(job.output), span_key(item.recipe), 4) is not None


def test_spans_are_counted(tmp_path: Path, sandboxes: list[Inline]) -> None:
    def work(item: SpanWork, tell: Progress) -> SpanResult:
        assert item.number is None
        return SpanResult(SpanCount(7, 70))

    assert span_of(tmp_path, COUNT, work) == Answer(count=SpanCount(7, 70))


def test_a_span_that_nobody_wants_any_more_is_not_put_there(
    tmp_path: Path, sandboxes: list[Inline]
) -> None:
    def work(item: SpanWork, tell: Progress) -> SpanResult:
        redactor.transition("key", "executing", "released")
        return found(Span(span_key(item.recipe), 4, ()))

    redactor = Redactor(work=work)
    answered = redactor.answer(replace(order(tmp_path), span=4), "key", lambda *_: None)
    assert answered.span is None
    assert answered.lost is not None
    assert not cache_folder(order(tmp_path).job.output).exists()


def test_a_span_is_drawn_where_the_file_has_its_cache(
    tmp_path: Path, sandboxes: list[Inline], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[SpanWork] = []

    def work(item: SpanWork, tell: Progress) -> SpanResult:
        asked.append(item)
        return SpanResult()

    ordered = replace(order(tmp_path), span=4, to_draw=True)
    monkeypatch.setattr(working, "_LATE", 0.0)
    answered = Redactor(work=work).answer(ordered, "key", lambda *_: None)
    assert answered.failed == "nobody says what is to be drawn"
    folder = cache_folder(ordered.job.output)
    folder.mkdir(mode=0o700)
    write_list(folder, ())
    assert Redactor(work=work).answer(ordered, "key", lambda *_: None) == Answer(span=4)
    (item,) = asked
    assert (item.source, item.number, item.check) == (ordered.job.source, 4, None)
    assert item.drawing == Drawing(folder, ordered.job.cover)
    assert read_span(folder, span_key(item.recipe), 4) is None


def test_a_span_that_cannot_be_drawn_says_why(tmp_path: Path, sandboxes: list[Inline]) -> None:
    ordered = replace(order(tmp_path), span=4, to_draw=True)
    folder = cache_folder(ordered.job.output)
    folder.mkdir(mode=0o700)
    write_list(folder, (OrderedSpan(4, "0" * 32),))
    answered = Redactor().answer(ordered, "key", lambda *_: None)
    assert answered.failed is not None
    assert "nobody says what is to be drawn" in answered.failed
    assert "Traceback" not in answered.failed


def in_draft(folder: Path, number: int, **how: Any) -> Order:
    return replace(order(folder, **how), span=number, in_draft=True)


def shared(folder: Path) -> tuple[Path, str]:
    """A draft that is checked beside the output of `order`."""
    cache = cache_folder(order(folder).job.output)
    cache.mkdir(mode=0o700, exist_ok=True)
    draft = folder / ".a.redacted.jpg.01234567.1.89abcdef.part" / "draft.jpg"
    draft.parent.mkdir(exist_ok=True)
    draft.write_text("draft")
    return draft, share_draft(cache, draft)


def test_a_span_of_the_draft_is_put_beside_the_output(
    tmp_path: Path, sandboxes: list[Inline]
) -> None:
    draft, token = shared(tmp_path)
    asked: list[SpanWork] = []

    def work(item: SpanWork, tell: Progress) -> SpanResult:
        asked.append(item)
        assert item.check is not None
        return found(Span(draft_key(item.recipe, item.check.token), 4, ()))

    ordered = in_draft(tmp_path, 4, checking=Checking(every_frame=True))
    for _ in range(2):
        assert Redactor(work=work).answer(ordered, "key", lambda *_: None) == Answer(span=4)
    (item,) = asked
    assert (item.source, item.number) == (draft, 4)
    assert item.check == DraftCheck(token, every_frame=True)
    folder, recipe = cache_folder(ordered.job.output), ordered.job.recipe
    assert read_span(folder, draft_key(recipe, token), 4) is not None
    assert read_span(folder, span_key(recipe), 4) is None
    shared(tmp_path)  # of another round
    Redactor(work=work).answer(ordered, "key", lambda *_: None)
    assert len(asked) == 2


def test_who_sees_no_draft_says_so(
    tmp_path: Path, sandboxes: list[Inline], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "_LATE", 0.0)
    answered = Redactor().answer(in_draft(tmp_path, 4), "key", lambda *_: None)
    assert answered.failed == "there is no draft that is checked"
    draft, _ = shared(tmp_path)
    draft.unlink()
    assert Redactor().answer(in_draft(tmp_path, 4), "key", lambda *_: None) == answered
    assert sandboxes == []


def test_what_checks_a_draft_has_parsed_nothing_else(
    tmp_path: Path, sandboxes: list[Inline]
) -> None:
    """A file that took over the process that searched it must not speak in its check."""
    shared(tmp_path)

    def work(item: Job | SpanWork, tell: Progress) -> Any:
        if isinstance(item, Job):
            return redact_one(item)
        check = item.check
        key = draft_key(item.recipe, check.token) if check else span_key(item.recipe)
        return found(Span(key, item.number or 0, ()))

    redactor, used = Redactor(work=work), []
    for ordered in (
        replace(order(tmp_path), span=4),
        in_draft(tmp_path, 4),
        in_draft(tmp_path, 5),
        replace(order(tmp_path), span=5),
        order(tmp_path),
    ):
        redactor.answer(ordered, "key", lambda *_: None)
        used.append(len(sandboxes))
    assert used == [1, 2, 2, 3, 3]
    assert [it.stopped for it in sandboxes] == [True, True, False]


class Sprung:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        raise AssertionError("nobody may send that on")


FORGED: dict[str, Callable[[str], object]] = {
    "another span": lambda key: found(Span(key, 5, ())),
    "of something else": lambda _: found(Span("0" * 64, 4, ())),
    "no bytes": lambda _: SpanResult(data=Sprung()),  # type: ignore[arg-type]
    "nothing": lambda _: SpanResult(),
    "a number": lambda _: SpanResult(SpanCount(7, 70)),
    "too much": lambda _: SpanResult(data=b"x" * (1 << 24)),
    "a failure that is none": lambda _: SpanResult(failure=Sprung()),  # type: ignore[arg-type]
    "a report": lambda _: Report(Path("a"), None, "redacted"),
}


@pytest.mark.parametrize("forged", FORGED)
def test_what_is_no_span_is_not_put_there(
    tmp_path: Path, sandboxes: list[Inline], forged: str
) -> None:
    """Its process may have been taken over: nothing but that span goes on."""
    key = span_key(order(tmp_path).job.recipe)
    with suppress(AttributeError):  # which `redact_there` makes a loss
        answer = span_of(tmp_path, 4, lambda *_: FORGED[forged](key))
        assert answer.failed is not None
        assert decode(encode(answer), Answer) == answer
    assert not list(tmp_path.glob(".*detections/*"))


@pytest.mark.parametrize(
    ("error", "kind"),
    [(BrokenExecutor("killed"), "lost"), (SuspiciousResultError("odd"), "failed")],
)
def test_a_process_that_is_lost_with_a_span(
    tmp_path: Path, sandboxes: list[Inline], error: Exception, kind: str
) -> None:
    def fail(*_: object) -> SpanResult:
        raise error

    assert span_of(tmp_path, 4, fail) == Answer(**{kind: str(error)})  # type: ignore[arg-type]


def test_a_span_of_another_file_is_refused(tmp_path: Path, sandboxes: list[Inline]) -> None:
    ordered = replace(order(tmp_path), span=4)
    ordered.job.source.write_text("another")
    answer = Redactor().answer(ordered, "key", lambda *_: None)
    assert "another file" in (answer.refused or "")
    assert sandboxes == []


def test_a_worker_elsewhere_whose_link_is_not_encrypted_is_refused() -> None:
    link = object.__new__(Link)
    with pytest.raises(ClusterError, match="not encrypted"):
        link.examine("tcp://192.0.2.1:80")
    said: list[str] = []
    known = Members(said.append, 9)
    known._add(link, "tcp://192.0.2.1:80")
    assert "is refused" in said[0]
    assert known.free_for(()) is None
