from __future__ import annotations

import os
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from redact.core.geometry import Box
from redact.core.interfaces import Progress
from redact.core.names import longest_name
from redact.core.plan import HideBox, load, save
from redact.core.recipe import PROFILES
from redact.errors import UnwritableOutputError
from redact.jobs import batch
from redact.jobs.batch import Job, Report, find_jobs, run
from redact.jobs.workers import Serial
from tests.cli import fake_redact

WAYS: dict[str, dict[str, object]] = {
    "serial": {"executor": Serial},
    "threads": {"workers": 2, "executor": lambda: ThreadPoolExecutor(1)},
    "processes": {"workers": 2, "work": fake_redact.redact_one},
}


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_redact.install(monkeypatch.setattr)


def write(path: Path, order: str = "redact") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(order, encoding="utf-8")
    return path


def files_under(top: Path) -> set[str]:
    return {path.relative_to(top).as_posix() for path in top.rglob("*") if path.is_file()}


# What is done


@pytest.mark.parametrize("way", WAYS)
def test_one_failure_does_not_stop_the_others(tmp_path: Path, way: str) -> None:
    orders = {"a.jpg": "redact", "b.jpg": "fail", "c.jpg": "stumble", "d.jpg": "redact"}
    for name, order in orders.items():
        write(tmp_path / name, order)
    reports = do(find_jobs([tmp_path]).jobs, way)
    assert {name: report.status for name, report in reports.items()} == {
        "a.jpg": "redacted",
        "b.jpg": "failed",
        "c.jpg": "failed",
        "d.jpg": "redacted",
    }
    assert (reports["a.jpg"].frames, reports["a.jpg"].faces, reports["a.jpg"].tracks) == (3, 1, 2)
    assert reports["a.jpg"].plates == 1
    failed = reports["b.jpg"].failure
    assert failed is not None
    assert (failed.kind, failed.message) == ("EngineError", "the detector failed; try another")
    bug = reports["c.jpg"].failure
    assert bug is not None
    assert bug.trace is not None
    assert files_under(tmp_path) == {
        *orders,
        *("a.redacted.jpg", "a.redact.json", "d.redacted.jpg", "d.redact.json"),
    }


def do(todo: tuple[Job, ...], way: str = "serial") -> dict[str, Report]:
    return {report.source.name: report for report in run(todo, **WAYS[way])}  # type: ignore[arg-type]


@pytest.mark.parametrize("way", WAYS)
def test_progress_arrives_with_its_job(tmp_path: Path, way: str) -> None:
    for name in ("a.jpg", "b.jpg"):
        write(tmp_path / name)
    told: list[tuple[str, str, int, int | None]] = []

    def tell(job: Job, stage: str, done: int, expected: int | None) -> None:
        told.append((job.source.name, stage, done, expected))

    list(run(find_jobs([tmp_path]).jobs, progress=tell, **WAYS[way]))  # type: ignore[arg-type]
    for name in ("a.jpg", "b.jpg"):
        stages = [stage for whose, stage, done, _ in told if whose == name and done == 3]
        assert stages == ["analyse", "render", "verify"]


def test_a_killed_worker_costs_its_file_only(tmp_path: Path) -> None:
    for name in ("a.jpg", "c.jpg", "d.jpg", "e.jpg"):
        write(tmp_path / name)
    write(tmp_path / "b.jpg", "die")
    reports = do(find_jobs([tmp_path]).jobs, "processes")
    failed = reports.pop("b.jpg")
    assert failed.failure is not None
    assert failed.failure.kind == "EngineError"
    assert "killed" in failed.failure.message
    assert {report.status for report in reports.values()} == {"redacted"}
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]  # no drafts


class Broken(ThreadPoolExecutor):
    def submit(self, *_: object, **__: object) -> object:  # type: ignore[override]
        raise BrokenExecutor("gone")


def test_a_broken_executor_fails_what_it_was_given(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg")

    (report,) = run(find_jobs([tmp_path]).jobs, executor=lambda: Broken(1))
    assert report.status == "failed"


def test_what_a_closed_batch_was_doing_leaves_nothing(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg")
    write(tmp_path / "b.jpg", "linger")
    reports = run(find_jobs([tmp_path]).jobs, 2, work=fake_redact.redact_one)
    assert next(reports).source.name == "a.jpg"
    reports.close()
    assert files_under(tmp_path) - {"b.jpg.begun", "b.jpg.unwound"} == {
        *("a.jpg", "b.jpg", "a.redacted.jpg", "a.redact.json")
    }


def test_an_interruption_is_not_taken_for_a_failure(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg")

    def interrupted(job: Job, tell: Progress) -> Report:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(run(find_jobs([tmp_path]).jobs, work=interrupted, executor=Serial))


def test_an_unsaved_plan_takes_its_output_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise UnwritableOutputError("no space left", tmp_path)

    write(tmp_path / "a.jpg")
    monkeypatch.setattr(batch, "save", full)
    (report,) = run(find_jobs([tmp_path]).jobs, executor=Serial)
    assert report.status == "failed"
    assert files_under(tmp_path) == {"a.jpg"}


def test_an_output_folder_that_cannot_be_made(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg")
    write(tmp_path / "out")  # a file
    (report,) = run(find_jobs([tmp_path / "a.jpg"], tmp_path / "out").jobs, executor=Serial)
    assert report.failure is not None
    assert report.failure.kind == "UnwritableOutputError"


# What is done again


@pytest.fixture
def finished(tmp_path: Path) -> Job:
    write(tmp_path / "a.jpg")
    (job,) = find_jobs([tmp_path]).jobs
    (report,) = run([job], executor=Serial)
    assert report.status == "redacted"
    return job


def status(job: Job) -> str:
    (report,) = run([job], executor=Serial)
    return report.status if report.failure is None else report.failure.kind


def test_a_result_is_not_replaced_unasked(finished: Job) -> None:
    before = finished.output.read_bytes()
    assert status(finished) == "OutputExistsError"
    assert finished.output.read_bytes() == before
    assert status(replace(finished, force=True)) == "redacted"


def test_a_finished_file_is_recognised(finished: Job) -> None:
    assert status(replace(finished, resume=True)) == "resumed"
    assert status(replace(finished, resume=True, force=True)) == "resumed"


def test_what_nobody_checked_is_not_finished_for_who_wants_a_check(finished: Job) -> None:
    unchecked = replace(finished, checking=None, force=True)
    assert status(unchecked) == "redacted"
    again = replace(finished, resume=True)
    assert status(replace(again, checking=None)) == "resumed"
    assert status(again) == "OutputExistsError"
    assert status(replace(again, force=True)) == "redacted"
    assert status(again) == "resumed"
    assert status(replace(again, checking=None)) == "resumed"


def test_a_finished_file_is_recognised_when_a_namesake_joins_it(finished: Job) -> None:
    write(finished.source.with_suffix(".mov"))
    again = find_jobs([finished.source.parent], resume=True)
    assert {report.source.name: report.status for report in run(again.jobs, executor=Serial)} == {
        "a.jpg": "resumed",
        "a.mov": "redacted",
    }


@pytest.mark.parametrize("what", ["source", "output", "recipe", "plan", "result"])
def test_a_name_alone_is_not_enough(finished: Job, what: str) -> None:
    job = replace(finished, resume=True)
    if what == "source":
        write(job.source, "redact another")
    elif what == "output":
        write(job.output, "half")
    elif what == "recipe":
        job = replace(job, recipe=PROFILES["fast"])
    elif what == "plan":
        job.plan.unlink()
    else:
        save(replace(load(job.plan), result=None), job.plan)
    assert status(job) == "OutputExistsError"
    assert status(replace(job, force=True)) == "redacted"
    assert status(job) == "resumed"


def test_resuming_does_what_is_left(finished: Job) -> None:
    write(finished.source.with_name("b.jpg"))
    again = find_jobs([finished.source.parent], resume=True)
    assert {report.source.name: report.status for report in run(again.jobs, executor=Serial)} == {
        "a.jpg": "resumed",
        "b.jpg": "redacted",
    }


@pytest.mark.parametrize("content", ["edited", "no plan at all"])
def test_a_plan_that_somebody_worked_on_is_not_replaced(tmp_path: Path, content: str) -> None:
    write(tmp_path / "a.jpg")
    (job,) = find_jobs([tmp_path]).jobs
    write(job.plan, content)
    if content == "edited":
        box = HideBox(Box(0, 0, 1, 1), Fraction(0), Fraction(1))
        save(replace(fake_redact.analyse_file(job.source), edits=(box,)), job.plan)
    before = job.plan.read_bytes()
    assert status(job) == "OutputExistsError"
    assert job.plan.read_bytes() == before
    assert not job.output.exists()
    assert status(replace(job, force=True)) == "redacted"


@pytest.mark.parametrize(
    ("processors", "gibibytes", "files"), [(1, 64, 1), (2, 8, 1), (8, 64, 2), (16, 7, 2), (8, 1, 1)]
)
def test_as_many_files_as_processors_and_memory_are_good_for(
    processors: int, gibibytes: int, files: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "WORKERS", processors)
    monkeypatch.setattr(batch, "memory_for", lambda _: gibibytes << 30)
    assert batch.useful_workers() == files


# Names at the limit of the file system


@pytest.mark.parametrize("letter", ["ж", os.fsdecode(b"\xe9")], ids=["cyrillic", "no UTF-8"])
def test_a_name_at_the_limit_is_redacted_with_plan_and_report(
    tmp_path: Path, letter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redact.report.write_report", lambda *_: None)
    room = longest_name(tmp_path) - len(".redact.report.json")
    source = write(tmp_path / (letter * (room // len(os.fsencode(letter))) + ".jpg"))
    (report,) = run(find_jobs([source], report=True).jobs, executor=Serial)
    assert report.failure is None
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(("report", "ending"), [(False, ".jpg"), (True, ".redact.report.json")])
def test_a_name_too_long_for_what_is_beside_it_is_refused_at_once(
    tmp_path: Path, report: bool, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redact.api.redact_file", lambda *_, **__: pytest.fail("work was done"))
    beside = ".redacted.jpg" if ending == ".jpg" else ending
    source = write(tmp_path / f"{'a' * (longest_name(tmp_path) - len(beside) + 1)}.jpg")
    (told,) = run(find_jobs([source], report=report).jobs, executor=Serial)
    assert told.failure is not None
    assert "the file system allows" in told.failure.message
    assert "shorter name" in told.failure.message
    assert list(tmp_path.iterdir()) == [source]
