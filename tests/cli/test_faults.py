"""Whatever happens to a run, nothing incomplete has the final name, and the next run ends well."""

from __future__ import annotations

import importlib.util
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import imageio_ffmpeg
import pytest

from redact.core.interfaces import Progress
from redact.core.plan import load
from redact.errors import EngineError, UnsupportedInputError
from redact.jobs import sandbox
from redact.jobs.sandbox import Task, run_in_sandbox
from redact.media.drafts import clean
from redact.media.files import fingerprint

START = "import sys; from redact_cli.app import main; main(sys.argv[1:])"
RUN = ["run", "clip.mkv", "--detector", "yunet:320:0.6", "--quiet", "--no-verify"]
RUN += ["--encoder", "ffv1"]  # with threads, x264 does not give the same bits twice
BENCH = Path(__file__).parents[2] / "bench"

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


def begin(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", START, *arguments],
        cwd=folder,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def finish(folder: Path, *arguments: str) -> int:
    process = begin(folder, *arguments)
    process.communicate(timeout=120)
    return process.returncode


def clip(folder: Path) -> Path:
    path = folder / "clip.mkv"
    picture = "testsrc2=size=320x240:rate=25:duration=2"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-f", "lavfi", "-i", picture]
    command += ["-f", "lavfi", "-i", "sine=duration=2", "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(command, check=True)
    return path


@posix_only
@pytest.mark.slow
def test_kills_leave_nothing_that_looks_finished(tmp_path: Path) -> None:
    whole, hit = tmp_path / "whole", tmp_path / "hit"
    for folder in (whole, hit):
        folder.mkdir()
        clip(folder)
    began = time.monotonic()
    assert finish(whole, *RUN) == 0
    seconds = time.monotonic() - began
    wanted = fingerprint(whole / "clip.redacted.mkv")
    chance = random.Random(5)
    for _ in range(3):
        process = begin(hit, *RUN, "--resume")
        time.sleep(chance.uniform(0.2, 1.0) * seconds)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=30)
        output = hit / "clip.redacted.mkv"
        if output.exists():
            assert fingerprint(output) == wanted
            output.unlink()
    for path in hit.glob(".*.part"):
        os.utime(path, (1, 1))
    assert finish(hit, *RUN, "--resume") == 0
    assert fingerprint(hit / "clip.redacted.mkv") == wanted
    names = {"clip.mkv", "clip.redacted.mkv", "clip.redact.json"}
    assert {path.name for path in hit.iterdir()} == names


LONG = ["--detector", "yunet:320:0.1", "--uncertain", "hide", "--before", "0"]
"""Little to do for a frame, and so many false finds that plans are not empty."""
COMMANDS = {
    "run": ["run", "long.mkv", "--no-verify", "--encoder", "ffv1", *LONG],
    "analyse": ["analyse", "long.mkv", "--encoder", "ffv1", *LONG],
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of three segments, a minute and ten seconds, and its result of an undisturbed run."""
    folder = tmp_path_factory.mktemp("whole")
    picture = "testsrc2=size=160x120:rate=2:duration=70"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-f", "lavfi", "-i", picture]
    command += ["-pix_fmt", "yuv420p", "-c:v", "ffv1", str(folder / "long.mkv")]
    subprocess.run(command, check=True)
    assert finish(folder, *COMMANDS["run"]) == 0
    return folder


def cut_off(folder: Path, number: signal.Signals, *arguments: str) -> tuple[Path, int, str]:
    """A run that gets a signal once its first segment is kept; gives where, the code and words."""
    process = begin(folder, *arguments)
    until = time.monotonic() + 120
    while not (kept := list(folder.glob(".*.detections/0.json"))):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.005)
    os.killpg(process.pid, number)
    said = process.communicate(timeout=60)[1].decode()
    return kept[0].parent, process.returncode, said


@posix_only
@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_killed_analysis_goes_on_to_the_same_plan(
    tmp_path: Path, whole: Path, command: str
) -> None:
    hit = tmp_path
    shutil.copy(whole / "long.mkv", hit)
    wanted = load(whole / "long.redact.json")
    assert wanted.tracks
    kept, code, _ = cut_off(hit, signal.SIGKILL, *COMMANDS[command])
    assert code == -signal.SIGKILL
    assert kept.stat().st_mode & 0o777 == 0o700
    assert not (hit / "long.redact.json").exists()
    for path in hit.glob(".*.part"):
        os.utime(path, (1, 1))
    process = begin(hit, *COMMANDS[command], "--resume")
    said = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 0, said
    found = re.search(r"goes on where an earlier run ended: analyse, frame (\d+)", said)
    assert found is not None, said
    assert int(found[1]) >= 30 * 2
    plan = load(hit / "long.redact.json")
    assert plan == (wanted if command == "run" else replace(wanted, result=None))
    names = {"long.mkv", "long.redact.json", *(["long.redacted.mkv"] * (command == "run"))}
    assert {path.name for path in hit.iterdir()} == names


@posix_only
@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_an_interrupted_analysis_says_how_to_go_on(
    tmp_path: Path, whole: Path, command: str
) -> None:
    shutil.copy(whole / "long.mkv", tmp_path)
    kept, code, said = cut_off(tmp_path, signal.SIGINT, *COMMANDS[command])
    assert code == 130
    assert "--resume goes on" in said
    assert {path.name for path in tmp_path.iterdir()} == {"long.mkv", kept.name}
    assert finish(tmp_path, "doctor", "--clean", ".") == 0
    assert not kept.exists()


@pytest.mark.slow
def test_of_two_runs_one_has_the_name(tmp_path: Path) -> None:
    clip(tmp_path)
    runs = [begin(tmp_path, *RUN) for _ in range(2)]
    said = [process.communicate(timeout=120)[1] for process in runs]
    assert sorted(process.returncode for process in runs) == [0, 8], said
    assert not list(tmp_path.glob(".*"))
    check = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-xerror", "-i", "clip.redacted.mkv"]
    assert subprocess.run([*check, "-f", "null", "-"], cwd=tmp_path, check=False).returncode == 0


@posix_only
def test_only_old_drafts_of_dead_processes_are_removed(tmp_path: Path) -> None:
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                          capture_output=True, text=True, check=True).stdout.strip()  # fmt: skip
    old = tmp_path / f".a.redacted.mp4.{dead}.0123abcd.part"
    living = tmp_path / f".b.redacted.mp4.{os.getpid()}.0123abcd.part"
    fresh = tmp_path / f".c.redacted.mp4.{dead}.0123abcd.part"
    foreign = tmp_path / ".d.part"
    plan = tmp_path / f".a.redact.json.{dead}.part"
    for path in (old, living, fresh, foreign):
        path.mkdir()
        (path / "draft.mp4").write_bytes(b"pictures")
    plan.write_text("half")
    link = tmp_path / f".e.redacted.mp4.{dead}.0123abcd.part"
    link.symlink_to(foreign)
    for path in (old, living, foreign, plan):
        os.utime(path, (1, 1))
    assert clean(tmp_path) == [plan, old]
    assert set(tmp_path.iterdir()) == {living, fresh, foreign, link}
    assert (foreign / "draft.mp4").exists()


def refuse(number: int, tell: Progress) -> tuple[int, ...]:
    tell("analyse", 1, 2)
    raise UnsupportedInputError("not this one", None, "try another")


def end_at_once(number: int, tell: Progress) -> tuple[int, ...]:
    os._exit(number)


def stumble(number: int, tell: Progress) -> tuple[int, ...]:
    raise ZeroDivisionError("here")


def give(number: int, tell: Progress) -> tuple[int, ...]:
    return number, os.getpid()


def test_what_a_worker_process_does_comes_back_or_is_said(tmp_path: Path) -> None:
    source = tmp_path / "a.mp4"
    told: list[tuple[str, int, int | None]] = []

    def tell(stage: str, done: int, expected: int | None) -> None:
        told.append((stage, done, expected))

    number, process = run_in_sandbox(Task(give, source, tmp_path / "b", (7,)), tell)
    assert number == 7
    assert process != os.getpid()
    with pytest.raises(UnsupportedInputError, match=r"a\.mp4: not this one; try another"):
        run_in_sandbox(Task(refuse, source, tmp_path / "b", (7,)), tell)
    assert told == [("analyse", 1, 2)]
    with pytest.raises(EngineError, match="was killed"):
        run_in_sandbox(Task(end_at_once, source, tmp_path / "b", (7,)), tell)
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        run_in_sandbox(Task(stumble, source, tmp_path / "b", (7,)), tell)


def fuzzing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fuzz", BENCH / "fuzz.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_damaged_media_end_in_words() -> None:
    tally = fuzzing().media(seed=7, count=24)
    assert not tally.faults
    assert tally.counts["redacted"] > 3
    assert sum(tally.counts.values()) == 24
    assert not tally.counts["contained"]


def test_damaged_plans_end_in_words() -> None:
    tally = fuzzing().plans(seed=7, count=400)
    assert not tally.faults
    assert set(tally.counts) == {"read", "PlanError"}


def test_large_files_are_given_more_time(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with path.open("wb") as file:
        file.truncate(8_000_000_000)
    assert sandbox.stall_timeout(path) > 2000
    assert sandbox.stall_timeout(tmp_path / "absent") == 300


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Makes a disk of so many KiB in memory, where this user may mount one."""
    mounted: list[Path] = []

    def make(size: int) -> Path:
        place = tmp_path / f"disk{size}"
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(place)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("a small disk cannot be mounted here")
        mounted.append(place)
        return place

    yield make
    for place in mounted:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="tmpfs")
def test_a_full_disk_is_said_and_left_empty(
    tmp_path: Path, small_disk: Callable[[int], Path]
) -> None:
    """It fills up in the encoder, and while the finishing program writes."""
    clip(tmp_path)
    assert finish(tmp_path, *RUN, "-o", "whole") == 0
    size = (tmp_path / "whole" / "clip.redacted.mkv").stat().st_size // 1024
    for room in (16, size // 2, size + 60):
        place = small_disk(room)
        process = begin(tmp_path, *RUN, "-o", str(place))
        said = process.communicate(timeout=120)[1].decode()
        assert process.returncode == 9, (room, said)
        assert "space" in said.lower(), said
        assert "Traceback" not in said
        assert not list(place.iterdir()), room
