"""`redact analyse`: what must be hidden, written down in a plan."""

from __future__ import annotations

from pathlib import Path

from redact import api
from redact.core.interfaces import Progress
from redact.core.names import default_output
from redact.core.plan import save
from redact.core.recipe import Recipe
from redact.detect.cache import DetectionCache
from redact.errors import printable
from redact.jobs.plan_names import check_owner, is_crowded, place_plan
from redact.jobs.sandbox import Task, run_in_sandbox
from redact.media.drafts import check_output
from redact.media.files import check_input
from redact_cli.console import file_progress, say
from redact_cli.options import Output
from redact_cli.summary import number_of


def write_plan(source: Path, plan: Path | None, recipe: Recipe, output: Output) -> None:
    """Analyse a file; the plan's name is checked before the work."""
    check_input(source)
    place = default_output(source)
    path = plan or place_plan(source, place, crowded=is_crowded(source))
    check_output(path, source=source, force=output.force)
    check_owner(path, source)
    with file_progress(source, output.quiet) as progress:
        task = Task(_analyse, source, path, (source, recipe, path, output.resume))
        frames, things = run_in_sandbox(task, progress)
    if not output.quiet:
        counts = f"{number_of(frames, 'frame')}, {number_of(things, 'thing')} to hide"
        say(f"{printable(path)}: {counts}")


def _analyse(
    source: Path, recipe: Recipe, path: Path, resume: bool, progress: Progress
) -> tuple[int, int]:
    with DetectionCache(path, resume) as cache:
        found = api.analyse_file(source, recipe, cache=cache, progress=progress)
        save(found, path)
    return found.source.frames, len(found.hidden_tracks)
