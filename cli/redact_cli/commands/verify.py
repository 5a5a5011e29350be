"""`redact verify`: a finished file against its original."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from redact import api
from redact.core.interfaces import Progress
from redact.core.plan import Plan, load
from redact.jobs.plan_names import find_plan
from redact.jobs.sandbox import Task, run_in_sandbox
from redact.media.files import check_input
from redact.verify.result import Checking, Verification
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
) -> int:
    """Verify a finished file, tell what was found, and give the exit code."""
    check_input(original)
    check_input(redacted)
    place = plan or find_plan(original, redacted)
    known = None if place is None else load(place)
    with file_progress(original, quiet=output.is_silent, verbose=output.shows_more) as progress:
        task = Task(
            _verify, original, None, (original, redacted, known, checking, cover), (), Verification
        )
        found = run_in_sandbox(task, progress)
    if output.as_json:
        typer.echo(json.dumps(found.as_object()))
    if place is None and not output.quiet:
        say("without a plan: what differs from the original is taken for what is hidden")
    if not output.quiet or not found.passed:
        by = "" if place is None else f" (plan {place})"
        said = escaped(f"{redacted}: {found.in_words()}{by}")
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
