"""The command as a process of its own: signals, pipes, workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

FAKE = Path(__file__).with_name("fake_redact.py")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(FAKE), *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def write(path: Path, order: str = "redact") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(order, encoding="utf-8")


def wait_for(path: Path) -> None:
    until = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < until, f"{path.name} did not appear"
        time.sleep(0.02)


def left(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix not in {".begun", ".unwound", ".json"}
    }


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_it_and_leaves_nothing_half_written(
    tmp_path: Path, number: signal.Signals, code: int, jobs: str
) -> None:
    write(tmp_path / "a.jpg")
    write(tmp_path / "b.jpg", "linger")
    process = start(tmp_path, "run", "a.jpg", "b.jpg", "--jobs", jobs)
    wait_for(tmp_path / "b.jpg.begun")
    wait_for(tmp_path / "a.redact.json")
    os.killpg(process.pid, number)  # the whole group, as a terminal does
    _, said = process.communicate(timeout=60)
    assert process.returncode == code, said
    assert "Traceback" not in said
    assert left(tmp_path) == {"a.jpg", "b.jpg", "a.redacted.jpg"}
    assert (tmp_path / "b.jpg.unwound").exists()  # engines had their chance to tidy up


def test_a_signal_to_the_parent_stops_its_workers(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg", "linger")
    write(tmp_path / "b.jpg", "linger")
    process = start(tmp_path, "run", "a.jpg", "b.jpg", "--jobs", "2")
    wait_for(tmp_path / "a.jpg.begun")
    wait_for(tmp_path / "b.jpg.begun")
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert left(tmp_path) == {"a.jpg", "b.jpg"}
    assert is_gone(process.pid)


def test_a_second_signal_does_not_cut_the_tidying_short(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg", "linger")
    process = start(tmp_path, "run", "a.jpg")
    wait_for(tmp_path / "a.jpg.begun")
    for _ in range(20):
        os.killpg(process.pid, signal.SIGTERM)
        time.sleep(0.005)
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert (tmp_path / "a.jpg.unwound").exists()


def is_gone(group: int) -> bool:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_a_killed_worker_is_reported(tmp_path: Path) -> None:
    for name, order in {"a.jpg": "die", "b.jpg": "redact", "c.jpg": "redact"}.items():
        write(tmp_path / "in" / name, order)
    process = start(tmp_path, "run", "in", "--jobs", "2", "--json")
    out, said = process.communicate(timeout=60)
    assert process.returncode == 1
    statuses = {}
    for line in out.splitlines():
        item = json.loads(line)
        statuses[Path(item["source"]).name] = item["status"]
    assert statuses == {"a.jpg": "failed", "b.jpg": "redacted", "c.jpg": "redacted"}
    assert "NOT REDACTED in/a.jpg: the process that worked on it was killed" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("arguments", [["--help"], ["doctor"], ["run", "a.jpg", "--json"]])
def test_a_reader_that_goes_away(tmp_path: Path, arguments: list[str]) -> None:
    write(tmp_path / "a.jpg")
    process = start(tmp_path, *arguments)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    said = process.stderr.read()
    process.stderr.close()
    process.wait(timeout=60)
    assert "Traceback" not in said
    assert "Exception ignored" not in said


def test_a_reader_that_goes_away_stops_the_workers(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg")
    write(tmp_path / "b.jpg", "linger")
    process = start(tmp_path, "run", "b.jpg", "a.jpg", "--json", "--jobs", "2")
    assert process.stdout is not None
    process.stdout.close()
    process.wait(timeout=60)
    assert process.returncode == 1
    assert is_gone(process.pid)
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()


def test_an_unreadable_folder(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    write(tmp_path / "in/a.jpg")
    (tmp_path / "in").chmod(0)
    process = start(tmp_path, "run", "in")
    _, said = process.communicate(timeout=60)
    (tmp_path / "in").chmod(0o700)
    assert process.returncode == 5
    assert "Traceback" not in said
