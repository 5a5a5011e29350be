"""Which spans of which files free workers search, and what becomes of what they send."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from redact import analysis, stages
from redact.cluster.executor import ClusterExecutor
from redact.cluster.link import Link
from redact.cluster.members import Member, Members
from redact.cluster.messages import COUNT, Answer, Order, Proof, encode
from redact.cluster.serving import local_cluster, silence_dask
from redact.cluster.splits import MOST, Splits
from redact.cluster.tries import SLOTS, TRIES, Item, Patience, Try
from redact.core.passes import Pass
from redact.core.recipe import recipe
from redact.detect.cache import cache_folder
from redact.jobs.batch import find_jobs, redact_one, run
from redact.jobs.jobs import Failure, Job, Report
from redact.spans import SpanCount
from tests import clips
from tests.cluster.fake_spans import Nobody, divided, helped

silence_dask()

SPANS, FRAMES = 10, 1000


class AskedSoon:
    """What was asked of a worker, and what it will answer."""

    def __init__(self, order: Order) -> None:
        self.order, self.data, self.cancelled = order, b"", False

    @property
    def is_done(self) -> bool:
        return bool(self.data)

    def answer(self) -> bytes:
        return self.data

    def cancel(self) -> None:
        self.cancelled = True


class Cluster:
    """A file that a worker has, and workers that are free."""

    def __init__(self, free: int, name: str = "long.mp4") -> None:
        self.said: list[str] = []
        self.proof = Proof(1, "", Path("m"), "")
        self.splits = Splits(self.said.append, 60, lambda *_: self.proof)
        self.members = Members(self.said.append, 60)
        for number in range(free + 1):
            member = Member(f"tls://{number}", f"worker {number}", None, is_fit=True)
            self.members._all[member.address] = member
        self.asked: list[AskedSoon] = []
        self.last = 0
        self.files: dict[int, Try] = {}
        self.add(name)

    def add(self, name: str, **how: bool) -> Try:
        job = Job(Path(name), Path(f"{name}.out.mp4"), Path(f"{name}.json"), **how)
        item = Item(job, job, lambda *_: None, Future())
        member = self.members.free_for(())
        assert member is not None
        number = member.number = self.number()
        order = Order(job, (), self.proof, False, "", number)
        one = Try(item, AskedSoon(order), member, order, time.monotonic(), stage="analyse")  # type: ignore[arg-type]
        self.files[number] = one
        return one

    @property
    def file(self) -> Try:
        return self.files[1]

    def number(self) -> int:
        self.last += 1
        return self.last

    def redact(self, _: str, order: Order) -> AskedSoon:
        self.asked.append(AskedSoon(order))
        return self.asked[-1]

    def assign(self) -> list[int | None]:
        """The spans that workers get now."""
        before = len(self.asked)
        self.splits.assign(self, self.members, self.files, self.number)  # type: ignore[arg-type]
        return [asked.order.span for asked in self.asked[before:]]

    def answer(self, of: int, **what: Any) -> None:
        (asked,) = (it for it in self.asked if it.order.span == of and not it.is_done
                    and not it.cancelled)  # fmt: skip
        asked.data = encode(Answer(**what))
        self.splits.go_on(self.members, self.files)

    def count(self, spans: int = SPANS, frames: int = FRAMES) -> None:
        assert self.assign() == [COUNT]
        self.answer(COUNT, count=SpanCount(spans, frames))

    def enter(self, stage: str, frames: int) -> None:
        self.file.stage, self.file.frames = stage, frames
        self.splits.go_on(self.members, self.files)

    @property
    def searched_first(self) -> str:
        """The address of the worker that searched span 9 of the source."""
        return self.splits._splits[self.file.item].searched_by[9]

    def busy(self) -> list[str]:
        return sorted(it.address for it in self.members._all.values() if it.number is not None)


def test_free_workers_begin_with_the_last_span() -> None:
    cluster = Cluster(3)
    cluster.count()
    assert "long.mp4: free workers search its spans of 30 seconds, too" in cluster.said
    assert cluster.assign() == [9, 8, 7]
    assert cluster.assign() == []
    cluster.answer(8, span=8)
    assert cluster.assign() == [6]


def test_orders_are_those_of_the_file_with_another_number() -> None:
    cluster = Cluster(2)
    cluster.count()
    cluster.assign()
    numbers = {asked.order.number for asked in cluster.asked} | {cluster.file.order.number}
    assert len(numbers) == 4
    for asked in cluster.asked:
        same = replace(asked.order, span=None, number=cluster.file.order.number)
        assert same == cluster.file.order


def test_nobody_is_sent_where_the_files_own_worker_is_soon() -> None:
    cluster = Cluster(20)
    cluster.count()
    cluster.file.frames = 6 * FRAMES // SPANS + 1
    assert cluster.assign() == [9, 8]
    cluster.answer(9, span=9)
    assert cluster.assign() == []


def test_a_worker_is_not_to_blame_for_a_file_that_has_changed() -> None:
    cluster = Cluster(1)
    cluster.count()
    cluster.assign()
    cluster.proof = Proof(2, "", Path("m"), "")
    cluster.answer(9, refused="it sees another file")
    assert not any("refused" in line for line in cluster.said)
    assert cluster.assign() == []
    assert cluster.members.free_for(()) is not None


@pytest.mark.parametrize(
    ("spans", "frames"), [(0, 0), (1, 1), (2, 1000), (MOST + 1, 9), (9, 0), (-5, 9), (9, -9)]
)
def test_what_is_short_or_not_believed_is_not_divided(spans: int, frames: int) -> None:
    cluster = Cluster(3)
    cluster.count(spans, frames)
    assert cluster.assign() == []
    assert len(cluster.busy()) == 1


@pytest.mark.parametrize("stage", ["", "people", "divide", "doubt", "again"])
def test_spans_are_done_during_analysis_rendering_and_check_only(stage: str) -> None:
    cluster = Cluster(3)
    cluster.file.stage = stage
    assert cluster.assign() == []
    pictures = Cluster(3, "picture.jpg")
    assert pictures.assign() == []


def test_the_file_with_most_to_do_is_helped_first() -> None:
    cluster = Cluster(3)
    cluster.count()
    other = cluster.add("longer.mp4")
    assert cluster.assign() == [COUNT, 9]
    cluster.answer(COUNT, count=SpanCount(40, 4000))
    assert cluster.assign() == [39]
    assert cluster.asked[-1].order.job == other.item.job


def test_what_nobody_needs_is_stopped() -> None:
    cluster = Cluster(3)
    cluster.count()
    cluster.assign()
    cluster.file.stage = "divide"
    cluster.splits.go_on(cluster.members, cluster.files)
    assert [asked.cancelled for asked in cluster.asked] == [False, True, True, True]
    assert cluster.busy() == ["tls://0"]
    assert cluster.assign() == []


def test_a_file_that_is_begun_again_keeps_its_helpers() -> None:
    cluster = Cluster(3)
    cluster.count()
    cluster.assign()
    cluster.answer(9, span=9)
    lost = cluster.files.pop(1)
    cluster.splits.lose_file(lost.item)
    cluster.splits.go_on(cluster.members, cluster.files)
    assert not any(asked.cancelled for asked in cluster.asked)
    cluster.files[1] = replace(lost, stage="analyse", frames=0)
    assert cluster.assign() == [6]


def test_what_is_begun_anew_by_force_has_lost_its_spans() -> None:
    """An analysis that shall replace a result removes what lies there."""
    cluster = Cluster(1)
    one = cluster.files.pop(1)
    forced = replace(one.item.job, force=True)
    cluster.files[1] = replace(one, item=replace(one.item, job=forced))
    cluster.count()
    cluster.assign()
    cluster.answer(9, span=9)
    cluster.splits.lose_file(cluster.file.item)
    assert cluster.assign() == [9]


@pytest.mark.parametrize(
    "wrong",
    [{"lost": "killed"}, {}, {"span": 3}, {"span": COUNT}, {"count": SpanCount(99, 99)},
     {"report": Report(Path("long.mp4"), None, "redacted")}],
    ids=str,
)  # fmt: skip
def test_a_span_is_tried_thrice_and_then_left_to_the_file(wrong: dict[str, Any]) -> None:
    cluster = Cluster(1)
    cluster.count()
    cluster.file.frames = 7 * FRAMES // SPANS + 1
    for _ in range(TRIES):
        assert cluster.assign() == [9]
        cluster.answer(9, **wrong)
    assert cluster.assign() == []
    assert cluster.splits._splits[cluster.file.item].done == set()
    assert "another worker tries it" in cluster.said[-2]
    assert "it is done with the rest of the file" in cluster.said[-1]


def test_what_is_no_answer_is_a_loss() -> None:
    cluster = Cluster(1)
    cluster.count()
    cluster.assign()
    cluster.asked[-1].data = b"\x80\x04cos\nsystem\n"
    cluster.splits.go_on(cluster.members, cluster.files)
    assert "is no answer" in cluster.said[-1]
    assert cluster.assign() == [9]


def test_a_lost_span_goes_to_another_worker() -> None:
    cluster = Cluster(2)
    cluster.count()
    assert cluster.assign() == [9, 8]
    first = next(one for one in cluster.splits.tries.values() if one.span == 9)
    number = first.member.number
    assert number is not None
    cluster.answer(8, span=8)
    cluster.splits.lose(number, "the worker is gone")
    assert cluster.assign() == [9, 7]
    again = next(one for one in cluster.splits.tries.values() if one.span == 9)
    assert again.member is not first.member


def test_a_worker_without_news_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(2)
    cluster.count()
    assert cluster.assign() == [9, 8]
    silent, heard = cluster.splits.tries
    monkeypatch.setattr("redact.cluster.splits.monotonic", lambda: time.monotonic() + 61)
    cluster.splits.hear(heard)
    cluster.splits.go_on(cluster.members, cluster.files)
    assert list(cluster.splits.tries) == [heard]
    assert "no news for 60 seconds" in cluster.said[-1]
    assert silent not in cluster.splits.tries


def test_a_worker_that_sees_other_files_gets_nothing_more() -> None:
    cluster = Cluster(1)
    cluster.count()
    cluster.assign()
    cluster.answer(9, refused="it sees another file")
    assert "is refused" in cluster.said[-1]
    assert cluster.assign() == []


def test_where_nothing_can_be_searched_elsewhere_nobody_tries_for_ever() -> None:
    cluster = Cluster(1)
    cluster.count()
    for span in (9, 8, 7):
        assert cluster.assign() == [span]
        cluster.answer(span, failed="cannot be written")
    assert cluster.assign() == []
    assert sum("cannot be searched elsewhere" in line for line in cluster.said) == TRIES


def test_a_file_that_cannot_be_counted_is_not_divided() -> None:
    cluster = Cluster(1)
    assert cluster.assign() == [COUNT]
    cluster.answer(COUNT, failed="damaged")
    assert cluster.assign() == []


def test_a_scheduler_that_is_gone_has_nothing_any_more() -> None:
    cluster = Cluster(2)
    cluster.count()
    cluster.assign()
    cluster.splits.forget_all()
    assert cluster.splits.tries == {}
    assert cluster.assign() == [9, 8]


@pytest.mark.parametrize(
    ("kind", "stays"),
    [
        (None, False),
        ("EngineError", False),
        ("UnwritableOutputError", True),
        ("printable", False),  # a process that was taken over says whatever it likes
        ("Path", False),
    ],
)
def test_what_came_too_late_goes_with_its_file(
    tmp_path: Path, kind: str | None, stays: bool
) -> None:
    """A full disk may have room again, and the analysis goes on then; nothing else is kept."""
    cluster = Cluster(1, str(tmp_path / "long.mp4"))
    cluster.count()
    folder = cache_folder(cluster.file.item.job.output)
    folder.mkdir(mode=0o700)
    failure = None if kind is None else Failure(kind, "why")
    cluster.splits.end_file(cluster.file.item, failure)
    assert folder.exists() is stays


# of what is rendered


def test_spans_are_rendered_from_the_last_one_on() -> None:
    cluster = Cluster(3)
    cluster.count()
    cluster.assign()
    cluster.enter("divide", 0)
    assert all(asked.cancelled for asked in cluster.asked if not asked.is_done)
    assert cluster.assign() == [], "orders are not written yet"
    cluster.enter("render", 0)
    assert cluster.assign() == [9, 8, 7]
    orders = [asked.order for asked in cluster.asked[-3:]]
    assert {(order.to_draw, order.in_draft) for order in orders} == {(True, False)}
    assert cluster.said.count("long.mp4: free workers render spans of its result, too") == 1
    cluster.answer(8, span=8)
    cluster.enter("render", 600)
    assert cluster.assign() == [], "the file's own worker is nearly at span 7"
    cluster.enter("verify", 1)
    assert not any(o.to_draw for o in (a.order for a in cluster.asked[6:]) if o.in_draft)


def test_a_span_that_cannot_be_rendered_elsewhere_is_left_to_the_file() -> None:
    cluster = Cluster(1)
    cluster.count()
    cluster.enter("render", 0)
    for span in (9, 8, 7):
        assert cluster.assign() == [span]
        cluster.answer(span, failed="nobody says what is to be drawn")
    assert cluster.assign() == []
    said = "span 7 of the result cannot be rendered elsewhere: nobody says what is to be drawn"
    assert said in cluster.said[-1]


def test_a_span_whose_worker_is_lost_is_rendered_by_another() -> None:
    cluster = Cluster(2)
    cluster.count()
    cluster.enter("render", 0)
    assert cluster.assign() == [9, 8]
    cluster.answer(9, lost="the process that worked on it was killed")
    assert "span 9 of the result, worker" in cluster.said[-1]
    assert cluster.assign() == [9]


def test_nothing_is_rendered_elsewhere_that_is_not_checked() -> None:
    cluster = Cluster(2)
    one = cluster.file
    job = replace(one.item.job, checking=None)
    cluster.files[1] = replace(one, item=replace(one.item, job=job, sent=job),
                               order=replace(one.order, job=job))  # fmt: skip
    cluster.count()
    cluster.enter("render", 0)
    assert cluster.assign() == []


# of the draft that is checked


def checking(free: int, **how: Any) -> Cluster:
    """A file whose check has just begun, and whose span 9 was searched by another worker."""
    cluster = Cluster(free)
    if how:
        one = cluster.files[1]
        job = replace(one.item.job, **how)
        cluster.files[1] = replace(one, item=replace(one.item, job=job, sent=job),
                                   order=replace(one.order, job=job))  # fmt: skip
    cluster.count()
    cluster.assign()
    cluster.answer(9, span=9)
    cluster.enter("render", 0)
    cluster.enter("verify", 1)
    return cluster


def test_the_draft_is_searched_again_from_its_last_span() -> None:
    cluster = checking(2)
    assert cluster.assign() == [9, 8]
    assert [asked.order.in_draft for asked in cluster.asked] == [False] * 3 + [True] * 2
    assert cluster.said.count("long.mp4: free workers search spans of its result, too") == 1
    cluster.answer(8, span=8)
    assert cluster.assign() == [7]


def test_nobody_helps_with_the_check_before_the_draft_is_complete() -> None:
    """Its end is told as that of the check, of all frames."""
    cluster = Cluster(2)
    cluster.count()
    cluster.enter("verify", FRAMES)
    assert cluster.assign() == []
    cluster.enter("verify", 1)
    assert cluster.assign() == [9, 8]


def test_without_a_check_there_is_nothing_to_help_with() -> None:
    assert checking(2, checking=None).assign() == []


def test_whoever_searched_a_span_checks_it_only_if_nobody_else_can() -> None:
    cluster = checking(3)
    assert cluster.assign() == [9, 8, 7]
    before = cluster.searched_first
    (again,) = (it for it in cluster.splits.tries.values() if it.span == 9)
    assert again.member.address != before
    alone = checking(1)
    assert alone.assign() == [9]
    (again,) = alone.splits.tries.values()
    assert again.member.address == alone.searched_first


def test_each_round_has_another_draft() -> None:
    cluster = checking(2)
    cluster.assign()
    cluster.answer(9, span=9)
    cluster.enter("again", 3)
    assert all(asked.cancelled for asked in cluster.asked if not asked.is_done)
    assert cluster.assign() == []
    cluster.enter("render", 5)
    cluster.enter("verify", 1)
    assert cluster.assign() == [9, 8]


def test_a_check_that_fails_elsewhere_is_left_to_the_file() -> None:
    cluster = checking(1)
    for span in (9, 8, 7):
        assert cluster.assign() == [span]
        cluster.answer(span, failed="there is no draft")
    assert cluster.assign() == []
    assert (
        "span 7 of the result cannot be searched elsewhere: there is no draft" in cluster.said[-1]
    )


def test_a_span_of_the_source_is_none_of_the_draft() -> None:
    """A worker that answers late, after the file went on."""
    cluster = Cluster(2)
    cluster.count()
    cluster.assign()
    late = cluster.asked[-1]
    cluster.file.stage, cluster.file.frames = "verify", 1
    late.data = encode(Answer(span=8))
    cluster.splits.go_on(cluster.members, cluster.files)
    assert late.cancelled
    assert cluster.splits._splits[cluster.file.item].done == set()
    assert cluster.assign() == [9, 8]


# with a real scheduler and real workers


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_spans_of_real_workers_lie_beside_the_output(tmp_path: Path) -> None:
    (tmp_path / "long.mp4").write_bytes(b"video")
    said: list[str] = []
    jobs = find_jobs([tmp_path]).jobs
    patience = Patience(worker=20, fit=60, output=5)
    opened: Callable[..., Link]
    with local_cluster(2, divided) as (address, security):
        opened = lambda hear: Link(address, security, hear)  # noqa: E731
        with ClusterExecutor(opened, [tmp_path], said.append, patience) as executor:
            (report,) = run(jobs, SLOTS, executor=lambda: executor)
    assert report.failure is None, report.failure
    assert (report.spans, report.spans_checked) == (2, 4)
    text = " ".join(said)
    assert "free workers search its spans" in text
    assert "span 5" in text
    assert (
        "span 4 cannot be searched elsewhere: the process that worked on it sent no result" in text
    )
    assert "span 3 cannot be searched elsewhere: the detector failed" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "checked", "long.mp4", "long.redacted.mp4", "note", "searched",  # nothing was sprung
    ]  # fmt: skip
    searched, checked = (set((tmp_path / n).read_text().split()) for n in ("searched", "checked"))
    assert len(checked) == 1
    assert not checked & searched  # it has parsed nothing but the draft


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_spans_that_real_workers_render_are_the_result_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is killed after it has drawn, what another drew is spoilt: the file is as if alone."""
    picture = "testsrc2=s=64x48:r=2:d=106"
    x264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "20")
    passes = (Pass("yunet", 64, 0.9, every=8),)
    chosen = replace(recipe("fast"), passes=passes, encoder="h264")  # so that nothing is copied
    (tmp_path / "many").mkdir()
    clips.run("-f", "lavfi", "-i", picture, *x264, tmp_path / "many" / "long.mp4")
    shutil.copytree(tmp_path / "many", tmp_path / "one")
    many, one = (
        replace(job, recipe=chosen)
        for name in ("many", "one")
        for job in find_jobs([tmp_path / name]).jobs
    )
    said: list[str] = []
    opened: Callable[..., Link]
    with local_cluster(2, helped) as (address, security):
        opened = lambda hear: Link(address, security, hear)  # noqa: E731
        patience = Patience(worker=20, fit=60, output=5)
        with ClusterExecutor(opened, [tmp_path / "many"], said.append, patience) as executor:
            (report,) = run([many], SLOTS, executor=lambda: executor)
    assert report.failure is None, report.failure
    assert any("free workers render spans of its result" in text for text in said)
    assert any("span 3 of the result" in text and "killed" in text for text in said)
    assert report.spans_rendered == 1
    assert not [path.name for path in many.output.parent.iterdir() if path.name[0] == "."]
    for module in (analysis, stages):
        monkeypatch.setattr(module, "load", lambda _: Nobody())
    alone = redact_one(one, in_spans=True)
    assert (alone.failure, alone.spans_rendered) == (None, 0)
    assert many.output.read_bytes() == one.output.read_bytes()
    assert redact_one(replace(one, force=True)).failure is None  # in one piece
    assert many.output.read_bytes() != one.output.read_bytes()
