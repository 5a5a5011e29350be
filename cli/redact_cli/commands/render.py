"""`redact render`: a finished file from a plan, checked."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import TypeAlias

import typer

from redact import api
from redact.core.interfaces import Progress
from redact.core.names import default_output
from redact.core.notes import Note, as_objects
from redact.core.plan import Plan, load, save
from redact.errors import PlanError, printable
from redact.jobs.plan_names import find_plan, plan_names
from redact.jobs.sandbox import Task, run_in_sandbox
from redact.media.drafts import check_output
from redact.media.files import check_input
from redact.verify.result import Checking, Verification
from redact_cli.console import escaped, file_progress, say
from redact_cli.options import Output
from redact_cli.summary import copied_in_words, number_of, verification_in_words


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
    with file_progress(source, output.quiet or output.as_json) as progress:
        how = (checking, cover, output.force, ffmpeg, output.report)
        task = Task(
            _render,
            source,
            wanted,
            (source, wanted, known, plan, *how),
            other_folders=(plan.parent,),
        )
        frames, copied, seconds, found, added, notes = run_in_sandbox(task, progress)
    if output.as_json:
        result = {
            "source": str(source),
            "output": str(wanted),
            "plan": str(plan),
            "frames": frames,
            "copied": copied,
            "seconds": seconds,
            "notes": as_objects(notes),
            "verification": found and found.as_object(),
            "added": list(added),
        }
        typer.echo(json.dumps(result))
    elif not output.quiet:
        checked = "not verified" if found is None else verification_in_words(found)
        shown = f"{number_of(frames, 'frame')}{copied_in_words(copied)}"
        say(escaped(f"{wanted}: {shown}, {checked}, {seconds} s; plan {plan}"))
        for note in notes:
            say(f"{printable(source)}: {escaped(note.text)}")
    if added:  # nobody may find later that the plan was changed
        say(f"{printable(plan)}: what the check found is hidden by {_list_tracks(added)}; the edit "
            f'{{"edit": "show", "track": {added[0]}}} shows one')  # fmt: skip


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


_Rendered: TypeAlias = tuple[int, int, int, Verification | None, tuple[int, ...], tuple[Note, ...]]
"""Frames, how many were copied, seconds, what the check found, tracks hidden because of it, and
notes."""


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
    return outcome.frames, outcome.copied, seconds, outcome.verification, added, outcome.notes
