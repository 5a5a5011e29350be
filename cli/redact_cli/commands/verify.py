"""`redact verify`: a finished file against its original."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import typer

from redact import api
from redact.core.edits.values import SignOff
from redact.core.exposure import style_notes
from redact.core.history import now
from redact.core.interfaces import Progress
from redact.core.notes import as_objects
from redact.core.plan import Plan, load
from redact.errors import RecipeError
from redact.jobs.plan_names import find_plan
from redact.jobs.sandbox import Task, run_in_sandbox
from redact.media.files import check_input
from redact.verify.result import Checking, Verification
from redact.verify.signed_record import SignedRecord, check_record
from redact_cli.console import escaped, file_progress, say
from redact_cli.exit_codes import code_for_check
from redact_cli.options import Output


def verify_result(
    original: Path,
    redacted: Path,
    plan: Path | None,
    checking: Checking | None,
    output: Output,
    *,
    cover: Path | None,
    sign: str | None = None,
) -> int:
    """Verify a finished file, tell what was found, and give the exit code.

    Raises:
        RecipeError: It is to be signed, and there is no plan.
        PlanError: It is to be signed, and the plan is not the one that it was rendered from.
    """
    check_input(original)
    check_input(redacted)
    place = plan or find_plan(original, redacted)
    known = None if place is None else load(place)
    if place is None and sign is not None:
        raise RecipeError("without its plan nobody can sign for it", redacted, "name it with -p")
    with file_progress(original, quiet=output.is_silent, verbose=output.shows_more) as progress:
        task = Task(
            _verify, original, None, (original, redacted, known, checking, cover), (), Verification
        )
        found = run_in_sandbox(task, progress)
    record: SignedRecord | None = None
    if place is not None and sign is None:
        record, faults = check_record(original, redacted, place, redacted.parent)
        found = replace(found, faults=(*found.faults, *faults))
    notes = () if known is None else style_notes(known)
    if output.as_json:
        typer.echo(json.dumps({**found.as_object(), "notes": as_objects(notes)}))
    if place is None and not output.quiet:
        say("without a plan: what differs from the original is taken for what is hidden")
    if not output.quiet or not found.passed:
        by = "" if place is None else f" (plan {place})"
        said = escaped(f"{redacted}: {found.in_words()}{by}")
        say(said, "" if found.passed else "red")
    for note in notes:  # nothing may be left to be seen, and yet be there to be computed
        say(escaped(f"{redacted}: {note.text}"), quiet=output.quiet)
    if record is not None and found.passed:
        say(escaped(f"signed by {record.by}, {record.at}; nothing changed"), quiet=output.is_silent)
    if sign is not None and place is not None:
        _sign(original, redacted, place, sign, found, output)
    return code_for_check(found.faults, found.leaks)


def _sign(
    original: Path, redacted: Path, plan: Path, by: str, found: Verification, output: Output
) -> None:
    """Sign what passed its check."""
    if not found.passed:
        say("not signed, as the check did not pass", "red")
        return
    from redact.report import sign_off

    at = now()
    place = sign_off(original, redacted, plan, SignOff(by=by, at=at))
    say(escaped(f"signed by {by}, {at}: {place}"), quiet=output.is_silent)


def _verify(
    original: Path,
    redacted: Path,
    plan: Plan | None,
    checking: Checking,
    cover: Path | None,
    progress: Progress,
) -> Verification:
    return api.verify_file(original, redacted, plan, checking, cover=cover, progress=progress)
