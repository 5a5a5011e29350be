"""A real scheduler and real workers, over TLS on this machine, and what goes wrong with them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from redact.cluster import members
from redact.cluster import worker as working
from redact.cluster.addresses import Address, make_security
from redact.cluster.certificates import make_certificates
from redact.cluster.examination import examine_cluster
from redact.cluster.executor import ClusterExecutor
from redact.cluster.link import Link
from redact.cluster.machines import describe_machine
from redact.cluster.messages import Machine
from redact.cluster.serving import local_cluster, silence_dask
from redact.cluster.tries import SLOTS, TRIES, Patience, by_cost
from redact.core.interfaces import Progress
from redact.errors import ClusterError
from redact.jobs.batch import find_jobs, run
from redact.jobs.jobs import Job, Report
from redact_cli.app import main
from tests.cli import fake_redact
from tests.cluster.traps import trap

FAKE = Path(fake_redact.__file__)
SOON = Patience(worker=6, fit=60, scheduler=60, output=5)

silence_dask()

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


def write(folder: Path, orders: dict[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for name, order in orders.items():
        (folder / name).write_text(order, encoding="utf-8")


def do(
    folder: Path,
    executor: ClusterExecutor,
    progress: Callable[..., None] | None = None,
    **how: bool,
) -> dict[str, Report]:
    jobs = by_cost(find_jobs([folder], **how).jobs)  # type: ignore[arg-type]
    ended = run(jobs, SLOTS, executor=lambda: executor, progress=progress)
    return {report.source.name: report for report in ended}


def wait_until(what: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.05)


def leftovers(folder: Path) -> list[Path]:
    """Drafts and caches. A search that enters them fails when one is removed meanwhile."""
    return [
        Path(top, name)
        for top, folders, names in os.walk(folder)
        for name in (*folders, *names)
        if name.startswith(".") and name.endswith((".part", ".detections"))
    ]


# on one machine, in this process


@contextmanager
def here(
    folder: Path,
    count: int = 1,
    work: Callable[[Job, Progress], Report] = fake_redact.redact_one,
    patience: Patience = SOON,
) -> Iterator[tuple[ClusterExecutor, list[str]]]:
    said: list[str] = []
    with (
        local_cluster(count, work) as (address, security),
        ClusterExecutor(
            lambda hear: Link(address, security, hear), [folder], said.append, patience
        ) as executor,
    ):
        yield executor, said


def test_reports_failures_and_progress_are_those_of_one_machine(tmp_path: Path) -> None:
    orders = {"a.jpg": "redact", "b.jpg": "fail", "c.jpg": "stumble", "d.jpg": "redact oddly"}
    write(tmp_path / "one", orders)
    write(tmp_path / "many", orders)
    alone = {r.source.name: r for r in run(find_jobs([tmp_path / "one"]).jobs,
                                           work=fake_redact.redact_one)}  # fmt: skip
    told: list[tuple[str, str, int, int | None]] = []
    with here(tmp_path / "many") as (executor, said):
        reports = do(
            tmp_path / "many", executor, lambda job, *at: told.append((job.source.name, *at))
        )
    assert {path.name for path in (tmp_path / "many").iterdir()} == {
        path.name for path in (tmp_path / "one").iterdir()
    }
    for name, report in reports.items():
        moved = replace(alone[name], seconds=report.seconds, source=report.source)
        moved = replace(moved, output=report.output, plan=report.plan)
        if report.failure is not None and report.failure.trace is not None:
            assert moved.failure is not None
            moved = replace(moved, failure=replace(moved.failure, trace=report.failure.trace))
        assert report == moved
        assert report.plan is None or report.plan.parent == tmp_path / "many"
    assert said == []
    for stage in ("analyse", "render", "verify"):
        assert ("a.jpg", stage, 3, 3) in told


def test_a_file_that_kills_is_given_up_and_the_others_are_done(tmp_path: Path) -> None:
    write(tmp_path / "f", {"a.jpg": "die", "b.jpg": "redact"})
    with here(tmp_path / "f") as (executor, said):
        reports = do(tmp_path / "f", executor)
    assert reports["b.jpg"].status == "redacted"
    failure = reports["a.jpg"].failure
    assert failure is not None
    assert f"{TRIES} workers were lost with it" in failure.message
    assert failure.kind == "EngineError"
    assert len(said) == TRIES - 1
    assert leftovers(tmp_path) == []


def test_a_process_that_was_taken_over_reaches_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "f"
    names = ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    write(folder, dict.fromkeys(names, "redact"))
    with here(folder, work=trap) as (executor, _):
        reports = do(folder, executor)
    assert {report.status for report in reports.values()} == {"failed"}
    assert len(reports) == 4
    assert sorted(path.name for path in folder.iterdir()) == names


def test_what_is_interrupted_leaves_nothing_and_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "f"
    write(folder, {"a.jpg": "pause", "b.jpg": "redact "})
    with here(folder, 2) as (executor, _):
        jobs = find_jobs([folder]).jobs
        reports = run(jobs, SLOTS, executor=lambda: executor)
        assert next(reports).source.name == "b.jpg"
        wait_until(lambda: (folder / "a.jpg.begun").exists())
        reports.close()
        assert leftovers(folder) == []
        assert not (folder / "a.redacted.jpg").exists()
    with here(folder) as (executor, _):
        ended = do(folder, executor, resume=True)
    assert {name: report.status for name, report in ended.items()} == {
        "a.jpg": "redacted", "b.jpg": "resumed",
    }  # fmt: skip


def other(what: str) -> Callable[[], Machine]:
    machine = describe_machine()
    return lambda: replace(machine, versions={**machine.versions, what: "0"})


@pytest.mark.parametrize("what", ["redact", "the weights yunet.onnx", "numpy"])
def test_a_worker_that_would_find_something_else_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(working, "describe_machine", other(what))
    with (
        pytest.raises(ClusterError, match=rf"no worker can be used: .*{what} is 0 there and"),
        here(tmp_path, patience=Patience(fit=2)),
    ):
        raise AssertionError("it was taken")


def test_a_worker_that_sees_other_files_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "find_difference", lambda *_: "it sees another file than you")
    write(tmp_path / "f", {"a.jpg": "redact"})
    with here(tmp_path / "f", patience=Patience(fit=2)) as (executor, said):
        (report,) = do(tmp_path / "f", executor).values()
    assert "is refused: it sees another file" in said[0]
    assert report.failure is not None
    assert report.failure.kind == "ClusterError"
    assert "no worker can be used: " in report.failure.message
    assert leftovers(tmp_path) == []


def test_workers_are_judged_by_the_client_that_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "describe_machine", other("python"))
    judged = members.Members(lambda _: None, 1)
    assert judged._here.versions["python"] == "0"


def test_videos_come_first_and_the_largest_before_the_others(tmp_path: Path) -> None:
    sizes = {"a.jpg": 9, "b.mp4": 2, "c.mp4": 7, "d.jpg": 12}
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(b"." * size)
    found = [job.source.name for job in by_cost(find_jobs([tmp_path]).jobs)]
    assert found == ["c.mp4", "b.mp4", "d.jpg", "a.jpg"]


# several processes


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Machines:
    """A scheduler and workers, each a process of the command."""

    def __init__(self, folder: Path) -> None:
        self.certificates = folder / "certificates"
        make_certificates(self.certificates)
        self.address = Address("tls", "127.0.0.1", free_port())
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(FAKE), *arguments, "--certificates", str(self.certificates)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        self.running.append(process)
        return process

    def scheduler(self) -> subprocess.Popen[bytes]:
        started = self.start("cluster", "scheduler", "--port", str(self.address.port))
        assert started.stderr is not None
        assert b"listens at tls://" in started.stderr.readline()
        return started

    def worker(self) -> subprocess.Popen[bytes]:
        return self.start("worker", str(self.address), "--quiet")

    def link(self, hear: Callable[..., None] | None = None) -> Link:
        return Link(self.address, make_security(self.certificates), hear)


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    made = Machines(tmp_path)
    yield made
    for process in made.running:
        process.kill()
        process.send_signal(signal.SIGCONT)
        assert process.stderr is not None
        process.stderr.close()
        process.wait()


def test_workers_that_die_or_stand_still_and_a_scheduler_that_is_started_again(
    tmp_path: Path, machines: Machines
) -> None:
    folder = tmp_path / "films"
    write(folder, {"a.jpg": "pause  ", "b.jpg": "pause ", "c.jpg": "redact", "d.jpg": "redact"})
    scheduler = machines.scheduler()
    killed, paused = machines.worker(), machines.worker()
    said: list[str] = []
    reports: dict[str, Report] = {}
    with ClusterExecutor(machines.link, [folder], said.append, SOON) as executor:
        running = threading.Thread(target=lambda: reports.update(do(folder, executor)))
        running.start()
        wait_until(lambda: all((folder / f"{name}.jpg.begun").exists() for name in "ab"))
        killed.kill()
        paused.send_signal(signal.SIGSTOP)
        wait_until(lambda: len(said) >= 2)
        scheduler.kill()
        scheduler.wait()
        machines.scheduler()
        machines.worker()
        running.join(120)
        assert not running.is_alive()
    assert {name: report.status for name, report in reports.items()} == dict.fromkeys(
        ("a.jpg", "b.jpg", "c.jpg", "d.jpg"), "redacted"
    )
    paused.send_signal(signal.SIGCONT)
    wait_until(lambda: not leftovers(folder), 20)  # it stops what nobody wants any more
    for name in "abcd":
        source, output = folder / f"{name}.jpg", folder / f"{name}.redacted.jpg"
        assert output.read_bytes() == b"redacted " + source.read_bytes()
    assert len([*folder.glob("*.redacted*")]) == 4
    text = " ".join(said)
    assert "another worker tries it" in text
    assert "the scheduler is gone" in text
    assert "the scheduler is back" in text


def test_the_command_tells_what_is_there_and_why_somebody_is_refused(
    tmp_path: Path, machines: Machines, capsys: pytest.CaptureFixture[str]
) -> None:
    machines.scheduler()
    security = make_security(machines.certificates)
    found = examine_cluster(machines.address, security, tmp_path)
    assert found.encrypted
    assert not found.is_well
    assert "no worker" in found.problems[0]
    machines.worker()
    wait_until(lambda: bool(examine_cluster(machines.address, security).workers))
    found = examine_cluster(machines.address, security, tmp_path)
    assert found.is_well
    (one,) = found.workers
    assert one.machine is not None
    assert one.machine.versions == found.here.versions
    assert one.machine.cores > 0
    assert not list(tmp_path.glob(".redact-cluster*"))

    strangers = tmp_path / "strangers"
    make_certificates(strangers)
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "authority.pem").write_bytes((machines.certificates / "authority.pem").read_bytes())
    for folder, why in ((strangers, "another authority"), (bare, "no certificate for a client")):
        (tmp_path / "a.jpg").write_text("redact")
        with pytest.raises(SystemExit) as ended:  # the command, in this process
            main(["run", str(tmp_path), "--certificates", str(folder),
                  "--cluster", str(machines.address)])  # fmt: skip
        assert ended.value.code == 15
        said = capsys.readouterr().err
        assert why in said
        assert "Traceback" not in said
