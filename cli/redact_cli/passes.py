"""The two passes apart: one writes a plan, the other follows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

import typer

from redact import api
from redact.core.interfaces import Progress
from redact.core.names import default_output, plan_path
from redact.core.plan import ChangeStyle, Plan, load, save
from redact.core.recipe import Recipe, StyleName
from redact.detect.cache import DetectionCache
from redact.errors import printable
from redact.hide.proof import Proof
from redact.jobs.sandbox import Task, run_in_sandbox
from redact.media.drafts import check_output
from redact.verify.result import Checking, Verification
from redact_cli.console import display, escaped, say
from redact_cli.exit_codes import NOT_PROVEN, OK, code_for_check
from redact_cli.working import copied_in_short, in_short, verification_object


def write_plan(
    source: Path, plan: Path | None, recipe: Recipe, *, force: bool, resume: bool, quiet: bool
) -> None:
    """Analyse a file; the plan's name is checked before the work."""
    path = plan or plan_path(source)
    check_output(path, source=source, force=force)
    with _progress(source, quiet) as progress:
        task = Task(_analyse, source, path, (source, recipe, path, resume))
        frames, things = run_in_sandbox(task, progress)
    if not quiet:
        say(f"{printable(path)}: {frames} frames, {things} things to hide")


def _analyse(
    source: Path, recipe: Recipe, path: Path, resume: bool, progress: Progress
) -> tuple[int, int]:
    with DetectionCache(path, resume) as cache:
        found = api.analyse_file(source, recipe, cache=cache, progress=progress)
        save(found, path)
    return found.source.frames, len(found.hidden_tracks)


def follow_plan(
    source: Path,
    plan: Path,
    output: Path | None,
    checking: Checking | None,
    *,
    cover: Path | None,
    force: bool,
    ffmpeg: str | None,
    report: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Render a file, check it, and note its checksum and what was hidden since in the plan."""
    wanted = output or default_output(source)
    check_output(wanted, source=source, force=force)
    known = load(plan)
    with _progress(source, quiet or as_json) as progress:
        choices = (source, wanted, known, plan, checking, cover, force, ffmpeg, report)
        task = Task(_render, source, wanted, choices, other_folders=(plan.parent,))
        frames, copied, seconds, found, added = run_in_sandbox(task, progress)
    if as_json:
        result = {
            "source": str(source),
            "output": str(wanted),
            "frames": frames,
            "copied": copied,
            "seconds": seconds,
            "verification": found and verification_object(found),
            "added": list(added),
        }
        typer.echo(json.dumps(result))
    elif not quiet:
        checked = "not verified" if found is None else in_short(found)
        shown = f"{frames} frames{copied_in_short(copied)}"
        say(escaped(f"{wanted}: {shown}, {checked}, {seconds} s"))
    if added:  # nobody may find later that the plan was changed
        say(f"{printable(plan)}: what the check found is hidden by {_named(added)}; the edit "
            f'{{"edit": "show", "track": {added[0]}}} shows one')  # fmt: skip


def _named(tracks: tuple[int, ...]) -> str:
    word = "track" if len(tracks) == 1 else "tracks"
    return f"{word} {', '.join(map(str, tracks))}"


_Rendered: TypeAlias = tuple[int, int, int, Verification | None, tuple[int, ...]]
"""Frames, how many were copied, seconds, what the check found, and tracks hidden because of it."""


def _render(
    source: Path,
    output: Path,
    known: Plan,
    plan: Path,
    checking: Checking | None,
    cover: Path | None,
    force: bool,
    ffmpeg: str | None,
    report: bool,
    progress: Progress,
) -> _Rendered:
    from redact.report import reporting_leaks, write_report

    with reporting_leaks() if report else nullcontext():
        outcome = api.render_file(
            source,
            output,
            known,
            checking=checking,
            cover=cover,
            force=force,
            ffmpeg=ffmpeg,
            progress=progress,
        )
    try:
        save(outcome.plan, plan)
        if report:
            write_report(outcome, plan)
    except BaseException:
        output.unlink(missing_ok=True)  # what failed leaves no output
        raise
    before = {track.id for track in known.hidden_tracks}
    added = tuple(t.id for t in outcome.plan.hidden_tracks if t.id not in before)
    seconds = round(outcome.seconds)
    return outcome.frames, outcome.copied, seconds, outcome.verification, added


def check_result(
    original: Path,
    redacted: Path,
    plan: Path | None,
    checking: Checking | None,
    *,
    cover: Path | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Verify a finished file, tell what was found, and give the exit code."""
    beside = plan_path(redacted)
    place = plan or (beside if beside.exists() else None)
    known = None if place is None else load(place)
    with _progress(original, quiet or as_json) as progress:
        task = Task(
            _verify, original, None, (original, redacted, known, checking, cover), (), Verification
        )
        found = run_in_sandbox(task, progress)
    if as_json:
        typer.echo(json.dumps(verification_object(found)))
    if known is None and not quiet:
        say("without a plan: what differs from the original is taken for what is hidden")
    if not quiet or not found.passed:
        said = escaped(f"{redacted}: {found.in_words()}")
        say(said, "" if found.passed else "red")
    return code_for_check(found.faults, found.leaks)


def _verify(
    original: Path,
    redacted: Path,
    plan: Plan | None,
    checking: Checking,
    cover: Path | None,
    progress: Progress,
) -> Verification:
    return api.verify_file(original, redacted, plan, checking, cover=cover, progress=progress)


def prove_irreversible(
    source: Path,
    plan: Path | None,
    recipe: Recipe,
    style: StyleName | None,
    *,
    cover: Path | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Prove it, say so in one line, and give the exit code."""
    known = None if plan is None else load(plan)
    if known is not None and cover is not None:
        known = replace(known, recipe=replace(known.recipe, cover=recipe.cover))
        style = "cover"
    if known is not None and style is not None:
        known = replace(known, edits=(*known.edits, ChangeStyle(style)))
    with _progress(source, quiet or as_json) as progress:
        proof = run_in_sandbox(
            Task(_prove, source, None, (source, known, recipe, cover), (), Proof), progress
        )
    if as_json:
        typer.echo(json.dumps({"proven": proof.holds, **asdict(proof)}))
    elif not quiet or not proof.holds:
        typer.echo(escaped(f"{source}: {proof.in_words()}"))
    return OK if proof.holds else NOT_PROVEN


def _prove(
    source: Path, plan: Plan | None, recipe: Recipe, cover: Path | None, progress: Progress
) -> Proof:
    return api.prove_file(source, plan, recipe, cover=cover, progress=progress)


def check_cover(recipe: Recipe, cover: Path | None) -> None:
    """Refuse a picture that covers nothing before any work, and read it apart as all media."""
    if cover is not None:
        run_in_sandbox(Task(_read_cover, cover, None, (recipe, cover)), _untold)


def _read_cover(recipe: Recipe, cover: Path, _: Progress) -> tuple[int, ...]:
    from redact.hide.covers import CoverPicture, cover_for
    from redact.media.formats import read_cover

    picture = cover_for(recipe, "cover", CoverPicture(cover, *read_cover(cover)))
    return () if picture is None else picture.shape


def _untold(stage: str, done: int, expected: int | None) -> None:
    """Nobody listens."""


@contextmanager
def _progress(source: Path, quiet: bool) -> Iterator[Progress]:
    with display({source: 1}, quiet=quiet) as shown:
        yield partial(shown.tell, source)
