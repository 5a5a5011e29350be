"""The two passes apart: one writes a plan, the other follows it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from redact import api
from redact.batch import Task, alone
from redact.errors import printable
from redact.files import check_output
from redact.interfaces import Progress
from redact.plan import Plan, load, save
from redact.recipe import Recipe
from redact_cli.console import display, say


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


@contextmanager
def _progress(source: Path, quiet: bool) -> Iterator[Progress]:
    with display({source: 1}, quiet=quiet) as shown:
        yield partial(shown.tell, source)
