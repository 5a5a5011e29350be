"""Two machines on one folder: each has a network, a name and processes of its own.

They are namespaces of this machine's, which only its administrator may make, with a cable between.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from redact.cluster.certificates import make_certificates
from tests.cli import fake_redact
from tests.cluster.test_cluster import leftovers, wait_until, write

SEPARATE = ("unshare", "--net", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc")
ADDRESSES = {"alpha": "198.18.0.1", "beta": "198.18.0.2"}
"""Of a network that is set aside for tests (RFC 2544)."""
FIRST_PROCESSES = {"alpha": 20000, "beta": 100}
"""No process of one has the number of one of the other, by which it could seem to be alive."""

LIVE = """
import socket, subprocess, sys, time
socket.sethostname(sys.argv[1])
with open("/proc/sys/kernel/ns_last_pid", "w") as last:
    last.write(sys.argv[2])
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
print("ready", flush=True)
time.sleep(300)
"""


def can_pretend() -> bool:
    if sys.platform != "linux" or not all(map(shutil.which, ("ip", "unshare", "nsenter"))):
        return False
    cable = ["ip", "link", "add", "cable", "type", "veth", "peer", "name", "other"]
    return subprocess.run([*SEPARATE, *cable], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not can_pretend(), reason="no network namespaces here")


class Host:
    """A machine; everything on it ends with it."""

    def __init__(self, name: str) -> None:
        self.address = ADDRESSES[name]
        self._unshared = subprocess.Popen(
            [*SEPARATE, sys.executable, "-c", LIVE, name, str(FIRST_PROCESSES[name])],
            stdout=subprocess.PIPE,
        )
        assert self._unshared.stdout is not None
        assert self._unshared.stdout.readline() == b"ready\n"
        self.first = str(psutil.Process(self._unshared.pid).children()[0].pid)

        self.running = [self._unshared]

    def run(self, *command: str) -> subprocess.Popen[bytes]:
        enter = ("nsenter", "--target", self.first, "--net", "--uts", "--pid", "--mount")
        began = subprocess.Popen(
            [*enter, *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        self.running.append(began)
        return began

    def redact(self, *arguments: str) -> subprocess.Popen[bytes]:
        return self.run(sys.executable, fake_redact.__file__, *arguments)

    def end(self) -> None:
        self._unshared.kill()
        for process in self.running:
            process.communicate()


@pytest.fixture
def hosts() -> Iterator[tuple[Host, Host]]:
    alpha, beta = Host("alpha"), Host("beta")
    try:
        cable = ["ip", "link", "add", "cable", "type", "veth", "peer", "name", "cable"]
        plug = ["nsenter", "--target", alpha.first, "--net", *cable, "netns", beta.first]
        subprocess.run(plug, check=True)
        for host in (alpha, beta):
            for set_up in (["addr", "add", f"{host.address}/24", "dev", "cable"],
                           ["link", "set", "cable", "up"]):  # fmt: skip
                assert host.run("ip", *set_up).wait() == 0
        yield alpha, beta
    finally:
        alpha.end()
        beta.end()


@contextmanager
def standing_still(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Stop what a process has started: no heartbeat comes from it."""
    below = psutil.Process(process.pid).children(recursive=True)
    stopped = [one for one in below if "spawn_main" in " ".join(one.cmdline())]
    assert stopped
    for one in stopped:
        one.suspend()
    try:
        yield
    finally:
        for one in stopped:
            one.resume()


def said(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """A command's exit code and what it said."""
    assert process.stderr is not None
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors.decode()


def test_a_client_uses_another_machine_and_two_runs_never_harm_each_other(
    tmp_path: Path, hosts: tuple[Host, Host]
) -> None:
    alpha, beta = hosts
    folder, keys = tmp_path / "films", tmp_path / "certificates"
    write(folder, {"a.jpg": "meet", "b.jpg": "redact"})
    make_certificates(keys)
    known = ("--certificates", str(keys))
    scheduler = alpha.redact("cluster", "scheduler", "--host", alpha.address, "--workers", "1",
                             *known)  # fmt: skip
    assert scheduler.stderr is not None
    assert f"tls://{alpha.address}:8786" in scheduler.stderr.readline().decode()
    there = beta.redact("run", str(folder), "--cluster", f"tls://{alpha.address}:8786", *known)
    wait_until((folder / "a.jpg.begun").exists)
    (draft,) = folder.glob(".a.redacted.jpg.*.part")
    with standing_still(scheduler):
        half_an_hour_ago = draft.stat().st_mtime - 1800
        os.utime(draft, (half_an_hour_ago, half_an_hour_ago))
        here = beta.redact("run", str(folder / "a.jpg"))  # which removes what nobody works on
        code, text = said(here)
        assert code == 0, text
        assert draft.exists()
    (folder / "a.jpg.met").touch()
    code, text = said(there)
    assert code != 0
    assert "a.redacted.jpg: the file exists already" in text
    assert (folder / "a.redacted.jpg").read_bytes() == b"redacted meet"
    assert (folder / "b.redacted.jpg").read_bytes() == b"redacted redact"
    assert leftovers(folder) == []
