"""Runs the table of known faults, and prints for each row whether the outcome is as wanted."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import fault_judges as judge
from contenders import redact_command, timed, unwind_on_terminate
from fault_judges import Judge, Run

_COMPANIONS = (".redact.json", ".redact.html", ".redact.report.json")


@dataclass(frozen=True, slots=True)
class Fault:
    """How a row of the table is tried.

    Args:
        judges: What must hold of the outcome.
        files: Which of the folder's files are given to redact; all media if empty.
        choices: Further arguments of `redact run`.
        whole: Whether the folder itself is given.
        made: A name that a copy of another row's file is given under; then there is no folder.
    """

    judges: tuple[Judge, ...]
    files: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    whole: bool = False
    made: tuple[str, str] | None = None


FAULTS = {
    1: Fault((judge.no_face_shows,)),
    2: Fault((judge.no_more_sound_than_played,), ("trimmed.mp4",)),
    3: Fault((judge.all_faces_black,), ("panorama_12000x1000.jpg",), ("--style", "solid")),
    4: Fault((judge.same_view,)),
    5: Fault((judge.same_layout,)),
    6: Fault((judge.same_frames,)),
    7: Fault((judge.same_frames,)),
    8: Fault((judge.redacted,)),
    9: Fault((judge.redacted_or_refused,)),
    10: Fault((judge.kept_by_name,)),
    11: Fault((judge.redacted,)),
    12: Fault((judge.redacted_or_refused,)),
    13: Fault((judge.redacted,)),
    14: Fault((judge.redacted,)),
    15: Fault((judge.colour_chunks_kept,)),
    16: Fault((judge.redacted_or_refused,), made=("folder_skips_3gp/a.jpg", f"{'ж' * 119}.jpg")),
    17: Fault((judge.resolution_kept,)),
    18: Fault((judge.redacted_or_said,), choices=("--quiet",), whole=True),
}
"""By the row's number in the table."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: its number, and its folder, empty where there is none."""

    number: int
    folder: str


def read_table(data: Path) -> list[Row]:
    """The rows of the README beside the inputs."""
    text = (data / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| *(\d+) *\| *(?:`([^`|]+)`|\([^|]*\)) *\|", text, re.MULTILINE)
    return [Row(int(number), folder) for number, folder in found]


def attempt(fault: Fault, data: Path, folder: str, choices: Sequence[str]) -> list[str]:
    """Run redact as the row says; what is not as wanted."""
    with TemporaryDirectory() as scratch:
        place = data / folder
        inputs = _inputs(fault, place)
        if fault.made is not None:
            source, name = fault.made
            place = Path(scratch, "made")
            place.mkdir()
            inputs = (Path(shutil.copyfile(data / source, place / name)),)
        if not inputs:
            return [f"there is nothing in {place}"]
        idle, _ = timed([*redact_command(), "run", str(place / "is not there.mp4")])
        out = Path(scratch, "out")
        named = [str(place)] if fault.whole else [str(path) for path in inputs]
        run = _run([*named, "-o", str(out), *fault.choices, *choices], inputs, out, idle.cpu)
        return judge.problems_of(fault.judges, run)


def _inputs(fault: Fault, place: Path) -> tuple[Path, ...]:
    if fault.made is not None:
        return ()
    if fault.files:
        return tuple(place / name for name in fault.files)
    return tuple(sorted(p for p in place.iterdir() if p.suffix not in {".sh", ".py", ".jsonl"}))


def _run(arguments: Sequence[str], inputs: tuple[Path, ...], out: Path, idle: float) -> Run:
    cost, ended = timed([*redact_command(), "run", "--json", *arguments])
    lines = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    reports = {Path(line["source"]).name: line for line in lines if "source" in line}
    left = [p for p in out.rglob("*") if p.is_file() and not p.name.endswith(_COMPANIONS)]
    named = {name: Path(line["output"]) for name, line in reports.items() if line.get("output")}
    results = {
        name: path for name, path in named.items() if path in left and not reports[name]["error"]
    }
    said = ended.stderr
    return Run(inputs, ended.returncode, said, reports, results, cost.cpu, idle, out)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/faults"))
    parser.add_argument("--only", nargs="+", type=int, metavar="N", help="rows, by number")
    parser.add_argument("--choices", default="", help="further arguments for `redact run`")
    said = parser.parse_args()
    unwind_on_terminate()
    table = read_table(said.data.resolve())
    rows = [row for row in table if not said.only or row.number in said.only]
    if not rows:
        sys.exit(f"there is no such row in {said.data / 'README.md'}")
    wrong = 0
    for row in rows:
        fault, title = FAULTS.get(row.number), row.folder or "made here"
        if fault is None:
            problems = ["not judged yet"]
        else:
            problems = attempt(fault, said.data.resolve(), row.folder, said.choices.split())
        wrong += bool(problems)
        outcome = f"NOT as wanted: {'; '.join(problems)}" if problems else "as wanted"
        print(f"{row.number:3} {title}: {outcome}", flush=True)
    print(f"{wrong} rows are not as wanted" if wrong else "all rows are as wanted")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
