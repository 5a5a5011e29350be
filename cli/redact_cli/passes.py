"""The two passes apart: one writes a plan, the other follows it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from redact import api
from redact.errors import printable
from redact.files import check_output
from redact.interfaces import Progress
from redact.plan import load, save
from redact.recipe import Recipe
from redact_cli.console import display, say


def write_plan(
    source: Path, plan: Path | None, recipe: Recipe, *, force: bool, quiet: bool
) -> None:
    """Analyse a file; the plan's name is checked before the work."""
    path = plan or api.plan_path(source)
    check_output(path, source=source, force=force)
    with _progress(source, quiet) as progress:
        found = api.analyse_file(source, recipe, progress=progress)
    save(found, path)
    if not quiet:
        things = len(found.hidden_tracks)
        say(f"{printable(path)}: {found.source.frames} frames, {things} things to hide")


def follow_plan(
    source: Path, plan: Path, output: Path | None, *, force: bool, ffmpeg: str | None, quiet: bool
) -> None:
    """Render a file and note its checksum in the plan."""
    wanted = output or api.default_output(source)
    check_output(wanted, source=source, force=force)
    known = load(plan)
    with _progress(source, quiet) as progress:
        outcome = api.render_file(
            source, wanted, known, force=force, ffmpeg=ffmpeg, progress=progress
        )
    save(outcome.plan, plan)
    if not quiet:
        say(f"{printable(wanted)}: {outcome.frames} frames, {outcome.seconds:.1f} s")


@contextmanager
def _progress(source: Path, quiet: bool) -> Iterator[Progress]:
    with display({source: 1}, quiet=quiet) as shown:
        yield partial(shown.tell, source)
