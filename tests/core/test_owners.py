"""Two machines on one folder never take each other's work for an orphan."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from redact.core import owners, storage
from redact.core.storage import lock
from redact.errors import OutputExistsError
from redact.jobs.sandbox import remove_drafts
from redact.media import drafts
from redact.media.drafts import clean, draft

ALPHA, BETA = "aaaaaaaa", "bbbbbbbb"
HALF_AN_HOUR, TWO_HOURS = 1800, 7200

Become = Callable[[str], None]


@pytest.fixture
def become(monkeypatch: pytest.MonkeyPatch) -> Become:
    """Makes this process one of another host."""

    def change(host: str) -> None:
        monkeypatch.setattr(owners, "host", lambda: host)

    return change


@pytest.fixture(scope="module")
def dead() -> int:
    """The number of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def age(path: Path, seconds: float) -> Path:
    then = time.time() - seconds
    os.utime(path, (then, then))
    return path


def leave(folder: Path, owner: str, seconds: float) -> Path:
    """A draft that a killed process left so long ago."""
    place = folder / f".a.redacted.mp4.{owner}.0123abcd.part"
    place.mkdir()
    (place / "draft.mp4").write_bytes(b"half")
    return age(place, seconds)


@pytest.mark.parametrize(
    ("host", "seconds", "goes"),
    [
        (ALPHA, 30, False),
        (ALPHA, 90, True),
        (BETA, 90, False),
        (BETA, HALF_AN_HOUR, False),
        (BETA, TWO_HOURS, True),
    ],
)
def test_a_dead_number_says_nothing_of_another_machine(
    tmp_path: Path, become: Become, dead: int, host: str, seconds: float, goes: bool
) -> None:
    become(ALPHA)
    left = leave(tmp_path, f"{host}.{dead}", seconds)
    assert clean(tmp_path) == [left] * goes
    assert left.exists() is not goes


def test_a_living_number_keeps_a_draft_on_its_own_machine_only(
    tmp_path: Path, become: Become
) -> None:
    become(ALPHA)
    leave(tmp_path, f"{ALPHA}.{os.getpid()}", TWO_HOURS)
    other = leave(tmp_path, f"{BETA}.{os.getpid()}", TWO_HOURS)
    assert clean(tmp_path) == [other]


def test_a_long_job_keeps_its_draft_alive(
    tmp_path: Path, become: Become, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owners, "HEARTBEAT", 0.02)
    source = tmp_path / "a.mp4"
    source.write_bytes(b"source")
    become(ALPHA)
    with draft(tmp_path / "b.mp4", source=source) as written:
        assert f".{ALPHA}.{os.getpid()}." in written.parent.name
        age(written.parent, TWO_HOURS)  # as if it had been at work for so long
        time.sleep(0.2)
        become(BETA)
        assert clean(tmp_path) == []
        written.write_bytes(b"redacted")
    assert (tmp_path / "b.mp4").read_bytes() == b"redacted"
    assert not list(tmp_path.glob(".*"))


def test_age_is_told_by_the_clock_of_the_folder(
    tmp_path: Path, become: Become, dead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(ALPHA)
    left = leave(tmp_path, f"{BETA}.{dead}", 10)
    day = time.time() + 86400
    monkeypatch.setattr(time, "time", lambda: day)  # this machine's clock is wrong
    assert clean(tmp_path) == []
    assert set(tmp_path.iterdir()) == {left}


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("links", [True, False])
def test_of_two_machines_that_write_one_output_the_first_has_it(
    tmp_path: Path, become: Become, monkeypatch: pytest.MonkeyPatch, force: bool, links: bool
) -> None:
    if not links:
        monkeypatch.setattr(drafts, "_link_name", drafts._reserve_name)
    source, output = tmp_path / "a.mp4", tmp_path / "b.mp4"
    source.write_bytes(b"source")
    if force:
        output.write_bytes(b"of yesterday")

    def run_both() -> None:
        become(ALPHA)
        with draft(output, source=source, force=force) as slow:
            slow.write_bytes(b"alpha")
            become(BETA)
            with draft(output, source=source, force=force) as quick:
                quick.write_bytes(b"beta")

    with pytest.raises(OutputExistsError, match=r"exists already|another run has written it"):
        run_both()
    assert output.read_bytes() == b"beta"
    assert not list(tmp_path.glob(".*"))


def test_a_name_that_was_taken_though_the_answer_was_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hardlink_to = Path.hardlink_to

    def ask_twice(self: Path, target: Path) -> None:
        hardlink_to(self, target)
        hardlink_to(self, target)

    monkeypatch.setattr(Path, "hardlink_to", ask_twice)
    source = tmp_path / "a.mp4"
    source.write_bytes(b"source")
    with draft(tmp_path / "b.mp4", source=source) as written:
        written.write_bytes(b"redacted")
    assert (tmp_path / "b.mp4").read_bytes() == b"redacted"


def test_only_this_machines_drafts_are_those_of_its_process(tmp_path: Path, become: Become) -> None:
    become(ALPHA)
    own, other = leave(tmp_path, f"{ALPHA}.77", 0), leave(tmp_path, f"{BETA}.77", 0)
    remove_drafts(tmp_path / "a.redacted.mp4", None)
    assert own.exists()
    remove_drafts(tmp_path / "a.redacted.mp4", 77)
    assert set(tmp_path.iterdir()) == {other}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "cache"
    place.mkdir(mode=0o700)
    return place


def test_a_folder_is_locked_where_locks_do_not_reach_other_machines(
    folder: Path, become: Become, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "_lock_file", lambda _: None)
    become(ALPHA)
    held = lock(folder)
    assert held is not None
    become(BETA)
    age(folder / "lock", HALF_AN_HOUR)
    assert lock(folder) is None
    held.close()
    again = lock(folder)
    assert again is not None
    again.close()


def test_the_lock_of_a_machine_that_is_gone_is_taken(
    folder: Path, become: Become, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owners, "HEARTBEAT", 0.02)
    become(BETA)
    (folder / "lock").write_text(f"{ALPHA}.1")
    (folder / "lock").chmod(0o600)
    assert lock(folder) is None
    age(folder / "lock", TWO_HOURS)
    held = lock(folder)
    assert held is not None
    assert (folder / "lock").read_text() == f"{BETA}.{os.getpid()}"
    age(folder / "lock", TWO_HOURS)
    time.sleep(0.2)  # its heartbeat
    assert time.time() - (folder / "lock").stat().st_mtime < 60
    held.close()
    shutil.rmtree(folder)


def test_a_host_is_another_after_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    before = owners.host.__wrapped__()
    assert owners.host.__wrapped__() == before
    assert len(before) == 8
    read_text = Path.read_text

    def restarted(self: Path, *arguments: str) -> str:
        text = read_text(self, *arguments)
        return text[::-1] if self.name == "boot_id" else text

    monkeypatch.setattr(Path, "read_text", restarted)
    monkeypatch.setattr(owners.uuid, "getnode", lambda: 7)
    assert owners.host.__wrapped__() != before
