"""The two passes apart: one writes a plan, the other follows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import typer

from redact import api
from redact.batch import Task, alone
from redact.errors import printable
from redact.files import check_output
from redact.interfaces import Progress
from redact.plan import ChangeStyle, Plan, load, save
from redact.recipe import Recipe, StyleName
from redact.verification import Checking
from redact_cli.console import display, say
from redact_cli.exit_codes import NOT_PROVEN, OK, code_for_check
from redact_cli.working import verification_object


def write_plan(
    source: Path, plan: Path | None, recipe: Recipe, *, force: bool, quiet: bool
) -> None:
    """Analyse a file; the plan's name is checked before the work."""
    path = plan or api.plan_path(source)
    check_output(path, source=source, force=force)
    with _progress(source, quiet) as progress:
        task = Task(_analyse, source, path, (source, recipe, path))
        frames, things = alone(task, progress)
    if not quiet:
        say(f"{printable(path)}: {frames} frames, {things} things to hide")


def _analyse(source: Path, recipe: Recipe, path: Path, progress: Progress) -> tuple[int, int]:
    found = api.analyse_file(source, recipe, progress=progress)
    save(found, path)
    return found.source.frames, len(found.hidden_tracks)


def follow_plan(
    source: Path, plan: Path, output: Path | None, *, force: bool, ffmpeg: str | None, quiet: bool
) -> None:
    """Render a file and note its checksum in the plan."""
    wanted = output or api.default_output(source)
    check_output(wanted, source=source, force=force)
    known = load(plan)
    with _progress(source, quiet) as progress:
        choices = (source, wanted, known, plan, force, ffmpeg)
        task = Task(_render, source, wanted, choices, beside=(plan.parent,))
        frames, seconds = alone(task, progress)
    if not quiet:
        say(f"{printable(wanted)}: {frames} frames, {seconds} s")


def _render(
    source: Path,
    output: Path,
    known: Plan,
    plan: Path,
    force: bool,
    ffmpeg: str | None,
    progress: Progress,
) -> tuple[int, int]:
    outcome = api.render_file(source, output, known, force=force, ffmpeg=ffmpeg, progress=progress)
    save(outcome.plan, plan)
    return outcome.frames, round(outcome.seconds)


def check_result(
    original: Path,
    redacted: Path,
    plan: Path | None,
    checking: Checking | None,
    *,
    as_json: bool,
    quiet: bool,
) -> int:
    """Verify a finished file, tell what was found, and give the exit code."""
    beside = api.plan_path(redacted)
    place = plan or (beside if beside.exists() else None)
    known = None if place is None else load(place)
    with _progress(original, quiet or as_json) as progress:
        found = api.verify_file(original, redacted, known, checking, progress=progress)
    if as_json:
        typer.echo(json.dumps(verification_object(found)))
    if known is None and not quiet:
        say("without a plan: what differs from the original is taken for what is hidden")
    if not quiet or not found.passed:
        say(f"{printable(redacted)}: {found.in_words()}", "" if found.passed else "red")
    return code_for_check(found.faults, found.leaks)


def prove_irreversible(
    source: Path,
    plan: Path | None,
    recipe: Recipe,
    style: StyleName | None,
    *,
    as_json: bool,
    quiet: bool,
) -> int:
    """Prove it, say so in one line, and give the exit code."""
    known = None if plan is None else load(plan)
    if known is not None and style is not None:
        known = replace(known, edits=(*known.edits, ChangeStyle(style)))
    with _progress(source, quiet or as_json) as progress:
        proof = api.prove_file(source, known, recipe, progress=progress)
    if as_json:
        typer.echo(json.dumps({"proven": proof.holds, **asdict(proof)}))
    elif not quiet or not proof.holds:
        typer.echo(f"{printable(source)}: {proof.in_words()}")
    return OK if proof.holds else NOT_PROVEN


@contextmanager
def _progress(source: Path, quiet: bool) -> Iterator[Progress]:
    with display({source: 1}, quiet=quiet) as shown:
        yield partial(shown.tell, source)
