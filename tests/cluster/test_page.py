"""What docs/cluster.md shows: its commands work, and what other systems are told is right."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import typer
import yaml
from distributed import Scheduler, SpecCluster
from PIL import Image

from redact.cluster.addresses import is_loopback, make_security, read_address
from redact.cluster.certificates import make_certificates
from redact.cluster.examination import examine_cluster
from redact.cluster.executor import ClusterExecutor
from redact.cluster.link import Link
from redact.cluster.tries import SLOTS
from redact.jobs.batch import find_jobs, run
from redact_cli.app import app
from tests.cli import fake_redact
from tests.cluster.test_cluster import (
    SOON,
    Machines,
    free_port,
    leftovers,
    machines,
    wait_until,
)
from tests.doc_blocks import CLUSTER, Block, find_blocks

ROOT = Path(__file__).parents[2]

__all__ = ["machines"]  # a fixture

pytestmark = pytest.mark.skipif(not (ROOT / CLUSTER).is_file(), reason="an archive without docs")


def blocks(language: str) -> list[Block]:
    return [it for it in find_blocks(ROOT / CLUSTER, ROOT) if it.language == language]


def calls() -> list[list[str]]:
    """Every call of redact in the blocks."""
    found = [call for block in blocks("sh") for call in block.text.split(" && ")]
    found = [call.partition("--wrap ")[2].strip("'") or call for call in found]
    (deployment,) = blocks("yaml")
    (container,) = yaml.safe_load(deployment.text)["spec"]["template"]["spec"]["containers"]
    return [*map(shlex.split, found), container["command"]]


@pytest.mark.parametrize("words", calls(), ids=" ".join)
def test_every_call_has_the_options_of_its_command(words: list[str]) -> None:
    program, *rest = words
    assert program == "redact"
    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[rest.pop(0)]
    command.make_context("redact", rest)


class Queue:
    """Stands for dask-jobqueue's cluster, which runs the same of Dask's."""

    scheduler_address = "tls://192.0.2.1:8786"

    def __init__(self, **choices: Any) -> None:
        self.choices = choices
        self.jobs = 0
        made.append(self)

    def scale(self, jobs: int) -> None:
        self.jobs = jobs


made: list[Queue] = []


def run_for_slurm(certificates: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Queue, str]:
    """The queue that the page's program makes, and what it says to type."""
    (program,) = blocks("py")
    said: list[str] = []
    monkeypatch.setitem(sys.modules, "dask_jobqueue", SimpleNamespace(SLURMCluster=Queue))
    text = program.text.replace("/shared/certificates", str(certificates))
    exec(compile(text, CLUSTER, "exec"), {"input": said.append})
    return made.pop(), said[0]


def listens_elsewhere(pid: int) -> set[int]:
    """The ports of a process that others than this machine reach."""
    found = psutil.Process(pid).net_connections("tcp")
    return {
        one.laddr.port
        for one in found
        if one.status == psutil.CONN_LISTEN and not is_loopback(one.laddr.ip)
    }


@pytest.mark.slow
def test_workers_of_slurm_need_an_address_and_certificates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As dask-jobqueue 0.9 starts them, in its words; the work is the real one."""
    keys, folder = tmp_path / "certificates", tmp_path / "f"
    make_certificates(keys)
    queue, words = run_for_slurm(keys, monkeypatch)
    assert queue.jobs > 0
    assert words == f"redact run --cluster {Queue.scheduler_address} --certificates {keys}"
    chosen = queue.choices
    assert chosen["protocol"] == "tls://"
    folder.mkdir()
    Image.new("RGB", (64, 48), (90, 120, 60)).save(folder / "a.png")
    security = chosen["security"]
    options = {"protocol": "tls://", "security": security, **chosen["scheduler_options"]}
    spec = {"cls": Scheduler, "options": options}
    with SpecCluster(workers={}, scheduler=spec, security=security) as cluster:
        address = cluster.scheduler_address
        given = security.get_tls_config_for_role("worker")
        command = [sys.executable, "-m", "distributed.cli.dask_worker", address]
        command += ["--name", "dummy-name", "--nthreads", str(chosen["cores"]), "--memory-limit"]
        command += ["14.90GiB", "--no-nanny", "--death-timeout", "60", *chosen["worker_extra_args"]]
        command += ["--protocol", "tls://", "--tls-ca-file", given["ca_file"]]
        command += ["--tls-cert", given["cert"], "--tls-key", given["key"]]
        worker = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            asked = read_address(address), make_security(keys)
            with ClusterExecutor(lambda hear: Link(*asked, hear), [folder], print, SOON) as use:
                (report,) = run(find_jobs([folder]).jobs, SLOTS, executor=lambda: use)
            assert len(listens_elsewhere(worker.pid)) == 1  # no page in clear
            assert listens_elsewhere(os.getpid()) == {read_address(address).port}
        finally:
            worker.kill()
            worker.wait()
    assert (report.status, report.frames, report.tracks) == ("redacted", 1, 0)
    assert (folder / "a.redacted.png").exists()
    assert leftovers(folder) == []


def test_a_container_of_kubernetes_needs_an_address_and_two_certificates(
    tmp_path: Path, machines: Machines
) -> None:
    (deployment,) = blocks("yaml")
    (container,) = yaml.safe_load(deployment.text)["spec"]["template"]["spec"]["containers"]
    secret = tmp_path / "secret"
    secret.mkdir()
    for name in ("authority.pem", "worker.pem"):
        (secret / name).write_bytes((machines.certificates / name).read_bytes())
    places = {"tls://scheduler:8786": str(machines.address), "/certificates": str(secret)}
    _, *words = (places.get(word, word) for word in container["command"])
    machines.scheduler()
    started = subprocess.Popen([sys.executable, fake_redact.__file__, *words],
                               stderr=subprocess.PIPE)  # fmt: skip
    machines.running.append(started)
    security = make_security(machines.certificates)
    wait_until(lambda: examine_cluster(machines.address, security).is_well)


@pytest.mark.skipif(sys.platform == "win32", reason="a shell")
def test_the_two_commands_for_one_machine_redact_a_folder(tmp_path: Path) -> None:
    """With fake detectors, and another port, as the usual one may be taken."""
    serve, use = (block.text for block in blocks("sh")[:2])
    port = free_port()
    serve = f"{serve} --port {port}"
    use = use.replace(":8786", f":{port}")
    (tmp_path / "footage").mkdir()
    for name in "ab":
        (tmp_path / "footage" / f"{name}.jpg").write_text("redact")
    fake = f'redact() {{ {shlex.quote(sys.executable)} {shlex.quote(fake_redact.__file__)} "$@"; }}'
    serving = subprocess.Popen(
        ["bash", "-c", f"{fake}; {serve}"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert serving.stderr is not None
    try:
        assert b"listens at tls://127.0.0.1" in serving.stderr.readline()
        done = subprocess.run(
            ["bash", "-c", f"{fake}; {use}"], cwd=tmp_path, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        for name in "ab":
            assert (tmp_path / "footage" / f"{name}.redacted.jpg").exists()
    finally:
        assert end_group(serving), "it does not end when it is told to"
        serving.stderr.close()


def end_group(leader: subprocess.Popen[bytes]) -> bool:
    """Ask a process and its children to end; whether they did so by themselves."""
    until = time.monotonic() + 30
    os.killpg(leader.pid, signal.SIGTERM)
    try:
        while time.monotonic() < until:
            leader.poll()
            os.killpg(leader.pid, 0)
            time.sleep(0.05)
        os.killpg(leader.pid, signal.SIGKILL)
    except ProcessLookupError:
        return True
    return False
