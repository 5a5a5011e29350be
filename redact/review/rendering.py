"""Rendering what is under review, in a process that can do little else."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from redact import api
from redact.core.interfaces import Progress
from redact.core.names import quarantine
from redact.core.plan import Plan, dumps, loads
from redact.errors import LeakError
from redact.jobs.sandbox import Task, run_in_sandbox
from redact.report import reporting_leaks, write_report
from redact.verify.result import Checking, Verification


@dataclass(frozen=True, slots=True)
class Rendered:
    """What became of a rendering.

    Args:
        output: The result, or what was held back.
        changes: What the rendering changed in the plan, in the form of a plan file without edits:
            tracks that are new or longer, what is drawn in one colour, and the result's digest.
        held_back: Why, in words; None if the result has its name.
        verification: What the check found.
    """

    output: Path
    changes: str
    held_back: str | None
    verification: Verification | None


def render(
    source: Path,
    output: Path,
    plan: Plan,
    plan_path: Path,
    checking: Checking | None,
    *,
    force: bool,
    progress: Progress,
) -> Rendered:
    """Render and check, and write the report.

    Args:
        source: The original.
        output: Where the result is written.
        plan: What is hidden.
        plan_path: The plan's file, which the report lies beside; it is not written.
        checking: How the result is checked.
        force: Whether a result that is there may be replaced.
        progress: Called with the stage, frames done and frames expected.

    Raises:
        RedactError: There is no result.
    """
    task = Task(
        _render,
        source,
        output,
        (source, output, plan, plan_path, checking, force),
        other_folders=(plan_path.parent,),
        result_type=Rendered,
    )
    return run_in_sandbox(task, progress)


def _render(
    source: Path,
    output: Path,
    plan: Plan,
    plan_path: Path,
    checking: Checking | None,
    force: bool,
    progress: Progress,
) -> Rendered:
    """In the sandbox."""
    try:
        with reporting_leaks():
            done = api.render_file(
                source, output, plan, checking=checking, force=force, progress=progress
            )
    except LeakError as error:
        found = getattr(error.held, "verification", None)
        return Rendered(quarantine(output), _changes(plan, plan), error.problem, found)
    try:
        write_report(done, plan_path)
    except BaseException:
        with suppress(OSError):
            output.unlink()  # what failed leaves no output
        raise
    return Rendered(output, _changes(plan, done.plan), None, done.verification)


def _changes(before: Plan, after: Plan) -> str:
    known = set(before.tracks)
    new = tuple(track for track in after.tracks if track not in known)
    return dumps(replace(after, tracks=new, edits=(), undone=()))


def changed_plan(plan: Plan, rendered: Rendered) -> Plan:
    """A plan with what rendering it changed.

    Raises:
        PlanError: What came back does not fit.
    """
    changes = loads(rendered.changes)
    new = {track.id: track for track in changes.tracks}
    tracks = [new.pop(track.id, track) for track in plan.tracks]
    return replace(
        plan, tracks=(*tracks, *new.values()), plain=changes.plain, result=changes.result
    )
