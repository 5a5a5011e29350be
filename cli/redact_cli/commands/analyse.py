"""`redact analyse`: what must be hidden, written down in a plan."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic

import typer

from redact import api
from redact.core.edits.zones import Wish
from redact.core.interfaces import Progress
from redact.core.names import default_output, sheet_path
from redact.core.plan import save
from redact.core.recipe import Recipe
from redact.detect.cache import DetectionCache
from redact.jobs.batch import Job, Report, report_on
from redact.jobs.plan_names import check_owner, is_crowded, place_plan
from redact.jobs.sandbox import Task, run_in_sandbox
from redact.media.drafts import check_length, check_output
from redact.media.files import check_input
from redact_cli.console import file_progress, say
from redact_cli.options import Output
from redact_cli.summary import analysis_in_words, recipe_in_words, report_object


def write_plan(
    source: Path,
    plan: Path | None,
    recipe: Recipe,
    output: Output,
    *,
    sheet: bool,
    edits: Sequence[Wish] = (),
) -> None:
    """Analyse a file, with a contact sheet if wanted; all names are checked before the work."""
    began = monotonic()
    check_input(source)
    place = default_output(source)
    path = plan or place_plan(source, place, crowded=is_crowded(source))
    check_output(path, source=source, force=output.force)
    check_owner(path, source)
    page = sheet_path(path) if sheet else None
    if page is not None:
        check_length(page)
        check_output(page, source=source, force=output.force)
    job = Job(source, place, path, recipe, resume=output.resume, report=sheet, edits=tuple(edits))
    say(f"choices: {recipe_in_words(recipe)}", quiet=not output.shows_more)
    with file_progress(source, quiet=output.is_silent, verbose=output.shows_more) as progress:
        task = Task(_analyse, source, path, (job,), result_type=Report)
        report = replace(run_in_sandbox(task, progress), seconds=monotonic() - began)
    if output.as_json:
        shown = None if page is None else str(page)
        typer.echo(json.dumps({**report_object(report), "sheet": shown}))
    for line in analysis_in_words(report, path, page):
        say(line, quiet=output.is_silent)


def _analyse(job: Job, progress: Progress) -> Report:
    with DetectionCache(job.plan, job.resume) as cache:
        found = api.analyse_file(
            job.source, job.recipe, edits=job.edits, cache=cache, progress=progress
        )
        save(found, job.plan)
        if job.report:
            from redact.report import write_sheet

            write_sheet(job.source, found, job.plan)
    return report_on(found, job, "analysed")
