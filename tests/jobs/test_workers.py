"""What runs in the sandbox cannot harm, and what it sends back is not trusted."""

from __future__ import annotations

import ctypes
import errno
import io
import os
import pickle
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from redact.core.findings import Kind
from redact.core.geometry import Box
from redact.core.interfaces import Progress
from redact.core.notes import Note
from redact.jobs import sandbox, worker_process
from redact.jobs.batch import Failure, Job, Report, find_jobs, run
from redact.jobs.limits import apply_limits
from redact.jobs.worker_process import SHOW_CHATTER, StrictUnpickler, WorkerProcess, fits
from redact.jobs.workers import run_all
from redact.review.frames import Opened
from redact.verify.result import Spot
from tests.cli import fake_redact

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="what Linux can close")


def reports(folder: Path, orders: dict[str, str]) -> dict[str, Report]:
    inputs = folder / "in"
    inputs.mkdir()
    for name, order in orders.items():
        (inputs / name).write_text(order, encoding="utf-8")
    found = find_jobs([inputs])
    return {r.source.name: r for r in run(found.jobs, work=fake_redact.redact_one)}


def test_a_process_that_hangs_costs_its_file_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "STALL_TIMEOUT", 8.0)
    began = time.monotonic()
    ended = reports(tmp_path, {"a.jpg": "hang", "b.jpg": "redact"})
    assert time.monotonic() - began < 60
    failure = ended["a.jpg"].failure
    assert failure is not None
    assert "no progress for 8 seconds" in failure.message
    assert ended["b.jpg"].status == "redacted"
    assert not [p for p in (tmp_path / "in").iterdir() if p.name.startswith(".")]


@linux_only
@pytest.mark.parametrize(
    ("order", "said"),
    [
        ("hoard", "not enough memory"),
        ("send", "Permission denied"),
        ("scatter", "Permission denied"),
        ("die", "was killed"),
    ],
)
def test_what_a_hostile_file_may_make_it_do(tmp_path: Path, order: str, said: str) -> None:
    ended = reports(tmp_path, {"a.jpg": order, "b.jpg": "redact"})
    failure = ended["a.jpg"].failure
    assert failure is not None
    assert said in failure.message
    assert ended["b.jpg"].status == "redacted"
    assert {path.name for path in tmp_path.iterdir()} == {"in"}


def lie(job: Job, tell: Progress) -> Report:
    return Report(job.source, job.source, "redacted")


def vanish(job: Job, tell: Progress) -> Report:
    return Report(job.source, job.output, "redacted")


def answer(job: Job, tell: Progress) -> Any:
    return "redacted"


def misreport(job: Job, tell: Progress) -> Report:
    return Report(job.source, job.output, "failed", failure=5)  # type: ignore[arg-type]


def nest(job: Job, tell: Progress) -> Report:
    deep: Any = ()
    for _ in range(40):
        deep = (deep, deep)
    return Report(job.source, job.output, "failed", uncertain_at=deep, failure=Failure("E", "m"))


@pytest.mark.parametrize("work", [lie, vanish, answer, misreport, nest])
def test_what_comes_back_is_checked(tmp_path: Path, work: Any) -> None:
    (tmp_path / "a.jpg").write_text("redact", encoding="utf-8")
    (report,) = run(find_jobs([tmp_path]).jobs, work=work)
    assert report.failure is not None
    assert report.failure.kind == "EngineError"


class Trap:
    """What a process that was taken over would like its parent to read."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("exit 3",)


def test_no_code_can_be_sent_back() -> None:
    for trap in (Trap(), fake_redact.obey, Path):
        data = pickle.dumps(("done", trap))
        with pytest.raises(pickle.UnpicklingError, match="not expected"):
            StrictUnpickler(io.BytesIO(data), (Report, Failure)).load()
    report = Report(Path("a"), Path("b"), "failed", failure=Failure("E", "m", None))
    data = pickle.dumps(("done", report))
    known = (Report, Failure, *sandbox._NESTED_TYPES)
    assert StrictUnpickler(io.BytesIO(data), known).load() == ("done", report)


def named(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def said(text: str) -> bytes:
    return b"X" + len(text).to_bytes(4, "little") + text.encode()


CHANGES = {  # what a pickle may do to whatever it names: give it attributes
    "Path": named("pathlib", "PosixPath") + b"N}" + said("parent") + said("/") + b"s\x86b",
    "Fraction": named("fractions", "Fraction") + b"N}" + said("__le__") + said("") + b"s\x86b",
    "Kind": named("redact.core.findings", "Kind") + b"N}" + said("FACE") + said("") + b"s\x86b",
    "a kind": named("redact.core.findings", "Kind") + said("face") + b"\x85R}" + said("_value_")
    + said("plate") + b"sb",
    "Report": named("redact.jobs.jobs", "Report") + b"N}" + said("failure") + b"Ns\x86b",
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_here_is_changed_by_what_comes_back(change: str) -> None:
    """A class that it changed would be another one for all that this process does later."""
    known = (Report, Failure, *sandbox._NESTED_TYPES)
    data = b"\x80\x04" + CHANGES[change] + b"0" + pickle.dumps(("done", None), 4)[2:]
    with pytest.MonkeyPatch.context() as kept:  # brings back what is changed all the same
        kept.setattr(Path, "parent", Path.parent)
        kept.setattr(Fraction, "__le__", Fraction.__le__)
        kept.setattr(Report, "failure", Report.failure)
        kept.setitem(Kind.FACE.__dict__, "_value_", "face")
        with pytest.raises((AttributeError, TypeError)):
            StrictUnpickler(io.BytesIO(data), known).load()
        assert Path("a/b").parent == Path("a")
        assert not Fraction(2) <= Fraction(1)
        assert pickle.loads(pickle.dumps(Kind.FACE)) is Kind.FACE


def trapped(item: int, tell: Progress) -> Any:
    return Trap() if item == 1 else item


def test_a_trap_is_a_failure_and_the_worker_goes_on() -> None:
    ended = run_all([1, 2], trapped, [WorkerProcess((int,))], lambda *_: None, lambda *_: None)
    first, second = (future for _, future in ended)
    assert "not expected" in str(first.exception())
    assert second.result() == 2


def stage(item: str, tell: Progress) -> int:
    tell(item, 1, 1)
    return 1


@pytest.mark.parametrize("name", ["\x1b]52;c;ZXZpbA==\x07", "a" * 99])
def test_a_stage_is_a_word(name: str) -> None:
    """It goes on to terminals, pages and other machines."""
    ended = run_all([name], stage, [WorkerProcess((int,))], lambda *_: None, lambda *_: None)
    ((_, future),) = ended
    assert "no stage" in str(future.exception())


OPENED = Opened((Fraction(1, 25),), ((320, 180),), (0, 25), False)


@pytest.mark.parametrize(
    ("value", "changes"),
    [
        (OPENED, {"times": (0.04,)}),
        (OPENED, {"sizes": ((320, 180, 3),)}),
        (OPENED, {"keys": [0, 25]}),
        (OPENED, {"sound": 1}),
        (Failure("E", "m"), {"trace": b""}),
        (Note("a", 1, "b"), {"count": True}),
        (Spot(1, Fraction(1), Box(0, 0, 1, 1), (("yunet", 0.5),)), {"kind": "face"}),
        (Spot(1, Fraction(1), Box(0, 0, 1, 1), (("yunet", 1),)), {"box": None}),
        (Report(Path("a"), Path("b"), "redacted"), {"status": "done"}),
    ],
)
def test_a_value_is_what_its_class_says(value: Any, changes: dict[str, Any]) -> None:
    assert fits(value, type(value))
    assert not fits(replace(value, **changes), type(value))


def begin(size: int, tell: Progress) -> int:
    """Send the beginning of a message, and never the rest."""
    frame: Any = sys._getframe()
    while "connection" not in frame.f_locals:
        frame = frame.f_back
    os.write(frame.f_locals["connection"].fileno(), struct.pack("!i", size))
    time.sleep(60)
    return 1


@pytest.mark.skipif(sys.platform == "win32", reason="there it is no socket")
def test_the_rest_of_a_message_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """While one process has the parent wait, all other files wait too."""
    monkeypatch.setattr(worker_process, "_LONGEST_MESSAGE", 1)
    began = time.monotonic()
    ended = run_all([1 << 20], begin, [WorkerProcess((int,))], lambda *_: None, lambda *_: None)
    ((_, future),) = ended
    assert isinstance(future.exception(), BrokenExecutor)
    assert time.monotonic() - began < 30


@linux_only
def test_no_limit_is_forgotten(tmp_path: Path) -> None:
    worker = WorkerProcess((dict,), partial(apply_limits, 3 << 30, [tmp_path / "later" / "still"]))
    items = [tmp_path / "later"]
    ((_, future),) = run_all(items, limits, [worker], lambda *_: None, lambda *_: None)
    assert future.result() == {
        "core": (0, 0), "data": (3 << 30, 3 << 30), "seccomp": "2", "privileges": "1",
        "inside": True, "linked": True, "above": "Permission denied", "dumpable": 0,
    }  # fmt: skip


def limits(folder: Path, tell: Progress) -> dict[str, object]:
    import resource

    status = Path("/proc/self/status").read_text()
    said = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    (folder / "draft").mkdir()
    (folder / "draft/a").write_text("a")
    (folder / "b").hardlink_to(folder / "draft/a")
    above = "open"
    try:
        (folder.parent / ".profile").write_text("what a login does")
    except OSError as error:
        above = str(error.strerror)
    return {
        "core": resource.getrlimit(resource.RLIMIT_CORE),
        "data": resource.getrlimit(resource.RLIMIT_DATA),
        "seccomp": said["Seccomp"].strip(),
        "privileges": said["NoNewPrivs"].strip(),
        "inside": (folder / "draft/a").exists(),
        "linked": (folder / "b").exists(),
        "above": above,
        "dumpable": ctypes.CDLL(None).prctl(3, 0, 0, 0, 0),
    }


def chatter(item: str, tell: Progress) -> str:
    os.write(1, b'{"source": "b.mp4", "status": "redacted"}\n')
    os.write(2, f"W0000 {item} inference_runner.cc".encode())
    tell("analyse", 1, 1)
    return item


@pytest.mark.parametrize("debug", [False, True])
def test_native_libraries_are_heard_with_debug_alone(
    debug: bool, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SHOW_CHATTER, raising=False)
    if debug:
        monkeypatch.setenv(SHOW_CHATTER, "1")
    ended = run_all(["a"], chatter, [WorkerProcess((str,))], lambda *_: None, lambda *_: None)
    assert [future.result() for _, future in ended] == ["a"]
    heard = capfd.readouterr()
    assert heard.err == ("W0000 a inference_runner.cc" if debug else "")
    assert heard.out == ""  # what scripts read there is the parent's to tell


def type_in(terminal: str, tell: Progress) -> dict[str, object]:
    import fcntl
    import termios

    def refused(act: Callable[[], object]) -> bool:
        try:
            act()
        except OSError as error:
            return error.errno == errno.EACCES
        return False

    os.setsid()
    reading = os.open(terminal, os.O_RDONLY)
    return {
        "typed": refused(lambda: fcntl.ioctl(reading, termios.TIOCSTI, b"x")),
        "wrote": refused(lambda: os.open(terminal, os.O_WRONLY)),
        "null": refused(lambda: os.open(os.devnull, os.O_WRONLY)),
    }


@linux_only
def test_nothing_is_typed_or_written_into_a_terminal(tmp_path: Path) -> None:
    """A shell would do what was typed there."""
    ours, theirs = os.openpty()
    worker = WorkerProcess((dict,), partial(apply_limits, 3 << 30, [tmp_path]))
    items = [os.ttyname(theirs)]
    ((_, future),) = run_all(items, type_in, [worker], lambda *_: None, lambda *_: None)
    os.close(ours)
    os.close(theirs)
    assert future.result() == {"typed": True, "wrote": True, "null": False}


def outlive(item: Path, tell: Progress) -> str:
    (item / "child").write_text(str(os.getpid()))
    try:
        time.sleep(60)
    finally:
        (item / "unwound").touch()
    return ""


PARENT = """
import sys
from pathlib import Path
from redact.jobs.worker_process import WorkerProcess
from redact.jobs.workers import run_all
from tests.jobs.test_workers import outlive

if __name__ == "__main__":
    list(run_all([Path(sys.argv[1])], outlive, [WorkerProcess((str,))], print, print))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_process_does_not_outlive_its_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    root = str(Path(__file__).parents[2])
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    parent = subprocess.Popen([sys.executable, str(script), str(tmp_path)], env=env)
    until = time.monotonic() + 60
    while not (tmp_path / "child").exists() and time.monotonic() < until:
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    while not (tmp_path / "unwound").exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert (tmp_path / "unwound").exists()
