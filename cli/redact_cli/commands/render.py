"""`redact render`: a finished file from a plan, checked."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import typer

from redact import api
from redact.core.interfaces import Progress
from redact.core.names import default_output
from redact.core.plan import Plan, load, save
from redact.core.storage import writing_alone
from redact.errors import PlanError, printable
from redact.jobs.batch import Job, Report, outcome_report
from redact.jobs.plan_names import find_plan, plan_names
from redact.jobs.sandbox import Task, run_in_sandbox
from redact.media.drafts import check_output
from redact.media.files import check_input
from redact.verify.result import Checking
from redact_cli.console import escaped, file_progress, say
from redact_cli.options import Output
from redact_cli.summary import advice, choices_in_words, report_in_words, report_object


def render_plan(
    source: Path,
    plan: Path | None,
    place: Path | None,
    checking: Checking | None,
    output: Output,
    *,
    cover: Path | None,
    ffmpeg: str | None,
) -> None:
    """Render a file, check it, and note its checksum and what was hidden since in the plan."""
    wanted = place or default_output(source)
    if wanted.is_dir():
        wanted /= default_output(source).name
    plan = plan or _found_plan(source, wanted)
    known = load(plan)
    check_output(wanted, source=source, force=output.force)
    job = Job(
        source,
        wanted,
        plan,
        known.recipe,
        force=output.force,
        ffmpeg=ffmpeg,
        checking=checking,
        report=output.report,
        cover=cover,
    )
    say(f"choices: {choices_in_words(job)}", quiet=not output.shows_more)
    with file_progress(source, quiet=output.is_silent, verbose=output.shows_more) as progress:
        task = Task(
            _render,
            source,
            wanted,
            (job, known),
            other_folders=(plan.parent,),
            result_type=Report,
        )
        report = run_in_sandbox(task, progress)
    added = _added_tracks(known, plan)
    if output.as_json:
        typer.echo(json.dumps({**report_object(report), "added": list(added)}))
    for line in report_in_words(report, job, by_plan=True):
        say(line, quiet=output.is_silent)
    for note in report.notes:
        say(f"{printable(source)}: {escaped(note.text)}", quiet=output.is_silent)
    if added:  # nobody may find later that the plan was changed
        say(f"{printable(plan)}: what the check found is hidden by {_list_tracks(added)}; the edit "
            f'{{"edit": "show", "track": {added[0]}}} shows one')  # fmt: skip
    say(advice([report]), quiet=output.is_silent)


def _added_tracks(known: Plan, plan: Path) -> tuple[int, ...]:
    """Tracks that the saved plan hides and the one that was rendered did not."""
    before = {track.id for track in known.hidden_tracks}
    return tuple(track.id for track in load(plan).hidden_tracks if track.id not in before)


def _found_plan(source: Path, output: Path) -> Path:
    """The plan of a source, found by the rule for its name.

    Raises:
        PlanError: There is none.
    """
    check_input(source)
    found = find_plan(source, output)
    if found is None:
        names = " or ".join(path.name for path in plan_names(source)[:2])
        remedy = "write one with `redact analyse`, or name one with --plan"
        raise PlanError(f"there is no plan of it called {names}", source, remedy)
    return found


def _list_tracks(tracks: tuple[int, ...]) -> str:
    word = "track" if len(tracks) == 1 else "tracks"
    return f"{word} {', '.join(map(str, tracks))}"


def _render(job: Job, known: Plan, progress: Progress) -> Report:
    from redact.report import reporting_leaks, write_report

    with reporting_leaks() if job.report else nullcontext():
        outcome = api.render_file(
            job.source,
            job.output,
            known,
            checking=job.checking,
            cover=job.cover,
            force=job.force,
            ffmpeg=job.ffmpeg,
            progress=progress,
        )
    try:
        with writing_alone(job.plan):
            if load(job.plan) != known:
                problem = "the plan was changed while it was rendered"
                raise PlanError(problem, job.plan, "render it again")
            save(outcome.plan, job.plan)
        if job.report:
            write_report(outcome, job.plan)
    except BaseException:
        job.output.unlink(missing_ok=True)  # what failed leaves no output
        raise
    return outcome_report(outcome, job)
