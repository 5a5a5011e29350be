"""redact with fake whole jobs: a source's first word says what happens to it.

As a script it is the command `redact` with those jobs, also in its worker processes.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from redact import api, doctor
from redact.core.edits.values import Show
from redact.core.edits.zones import Wish, Zone
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box, Size
from redact.core.interfaces import Progress
from redact.core.names import default_output
from redact.core.notes import Note
from redact.core.plan import Plan, Result, SourceId
from redact.core.recipe import PROFILES, Recipe
from redact.detect.cache import DetectionCache
from redact.errors import (
    ChangedInputError,
    EngineError,
    UnreadableInputError,
    UnsupportedInputError,
    VerificationError,
)
from redact.jobs import batch
from redact.jobs.workers import ExecutorWorker, Serial, Worker
from redact.media.drafts import draft
from redact.media.files import fingerprint
from redact.people.choice import REASONS, PhotoChoice
from redact.verify.result import Checking, Verification

FRAMES = 3


def obey(order: str, source: Path) -> None:
    """Do what the source says; `redact` means that all goes well."""
    if order == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif order == "linger":
        source.with_name(f"{source.name}.begun").touch()
        try:
            time.sleep(60)
        finally:
            time.sleep(0.2)  # tidying takes a while
            source.with_name(f"{source.name}.unwound").touch()
    elif order == "pause":  # the first time
        begun = source.with_name(f"{source.name}.begun")
        if not begun.exists():
            begun.touch()
            time.sleep(60)
    elif order == "meet":  # the first time, until another run of the same was here
        begun = source.with_name(f"{source.name}.begun")
        if not begun.exists():
            begun.touch()
            until = time.monotonic() + 60
            while not source.with_name(f"{source.name}.met").exists():
                assert time.monotonic() < until
                time.sleep(0.05)
    elif order == "hang":
        time.sleep(600)
    elif order == "hoard":
        bytearray(1 << 50)
    elif order == "send":
        socket.socket()
    elif order == "scatter":
        source.parents[1].joinpath("elsewhere").write_text("planted")
    elif order != "redact":
        raise {
            "break": UnreadableInputError("damaged", source),
            "change": ChangedInputError("changed", source),
            "fail": EngineError("the detector failed", None, "try another"),
            "rename": UnsupportedInputError("its sound", source, "name the output .mkv"),
            "differ": VerificationError("frames are missing"),
            "stumble": ZeroDivisionError("by zero"),
            "forbid": PermissionError(13, "Permission denied", str(source)),
            "unlink": ImportError("libsomething.so.1"),
        }[order]


def redact_file(
    source: Path,
    output: Path | None = None,
    recipe: Recipe | None = None,
    *,
    edits: Sequence[Wish] = (),
    checking: Checking | None = None,
    cover: Path | None = None,
    force: bool = False,
    resume: bool = False,
    people: PhotoChoice | None = None,
    ffmpeg: str | None = None,
    progress: Progress | None = None,
    in_spans: bool = False,
) -> api.Outcome:
    output = output or default_output(source)
    with draft(output, source=source, force=force) as place:
        place.write_bytes(b"half of ")
        for stage in ("analyse", "render", "verify"):
            for done in range(FRAMES + 1):
                if progress is not None:
                    progress(stage, done, FRAMES)
        obey(source.read_text(encoding="utf-8").split()[0], source)
        place.write_bytes(b"redacted " + source.read_bytes())
    plan = analyse_file(source, recipe, edits=edits)
    shows = () if people is None else (Show(1, reason=REASONS[people.mode]),)
    result = Result(fingerprint(output), unchecked=checking is None)
    plan = replace(plan, edits=plan.edits + shows, result=result)
    notes = tuple(Note("oddity", 2, word) for word in source.read_text("utf-8").split()[1:])
    found = None if checking is None else Verification(FRAMES, 2, ("mediapipe", "yunet"))
    return api.Outcome(source, output, plan, FRAMES, 0.1, found, notes=notes)


def analyse_file(
    source: Path,
    recipe: Recipe | None = None,
    *,
    edits: Sequence[Wish] = (),
    cache: DetectionCache | None = None,
    progress: Progress | None = None,
) -> Plan:
    seen = Sighting(0, Fraction(0), Box(0, 0, 2, 2), 0.9)
    tracks = (Track(1, Kind.FACE, (seen,)), Track(2, Kind.PLATE, (seen,)))
    identity = SourceId(fingerprint(source), Size(4, 4), FRAMES)
    made = tuple(wish.for_size(identity.size) for wish in edits if isinstance(wish, Zone))
    return Plan(identity, recipe or PROFILES["balanced"], tracks=tracks, edits=made)


def render_file(
    source: Path,
    output: Path,
    plan: Plan,
    *,
    checking: Checking | None = None,
    cover: Path | None = None,
    force: bool = False,
    ffmpeg: str | None = None,
    progress: Progress | None = None,
) -> api.Outcome:
    plan.check_source(fingerprint(source), source)
    return redact_file(
        source, output, plan.recipe, checking=checking, force=force, progress=progress
    )


def no_library_missing() -> None:
    return None


REPLACED: tuple[tuple[object, str, object], ...] = (
    (api, "redact_file", redact_file),
    (api, "analyse_file", analyse_file),
    (api, "render_file", render_file),
    (doctor, "missing_libraries", no_library_missing),
)


def install(put: Callable[[object, str, object], None] = setattr) -> None:
    for owner, name, fake in REPLACED:
        put(owner, name, fake)


def worker_here(*_: object) -> Worker:
    """The work in this process, where fakes are installed."""
    return ExecutorWorker(Serial())


def redact_one(job: batch.Job, tell: Progress | None = None) -> batch.Report:
    """For the worker processes of a test."""
    install()
    return batch.redact_one(job, tell)


if __name__ in {"__main__", "__mp_main__"}:
    install()

if __name__ == "__main__":
    from redact_cli.app import main

    main(sys.argv[1:])
