"""`redact review`: a page on which a person corrects plans, and the server behind it."""

from __future__ import annotations

import webbrowser
from collections.abc import Sequence
from pathlib import Path
from threading import Thread

import typer

from redact.core.recipe import Recipe
from redact.errors import MissingInputError, printable
from redact.jobs.batch import Batch
from redact.jobs.limits import forbid_dumps
from redact.jobs.plan_names import find_plan
from redact.review.server import ReviewServer
from redact.review.work import Review
from redact.verify.result import Checking
from redact_cli.commands.analyse import write_plan
from redact_cli.console import escaped, say
from redact_cli.options import Output


def review_all(
    found: Batch,
    recipe: Recipe,
    checking: Checking | None,
    output: Output,
    *,
    browser: bool,
    likeness: bool,
    idle: float,
) -> None:
    """Analyse what has no plan yet, and serve the page until it is ended.

    Raises:
        MissingInputError: There is nothing to review.
    """
    for report in found.refused:
        if report.failure is not None:
            say(
                f"NOT REVIEWED {printable(report.source)}: {escaped(report.failure.message)}", "red"
            )
    if not found.jobs:
        raise MissingInputError("there is nothing to review")
    forbid_dumps()  # pictures of the page are in this process, too
    outputs = {job.source: job.output for job in found.jobs}
    files = [(job.source, _plan_of(job.source, job.output, recipe, output)) for job in found.jobs]
    review = Review(files, outputs.__getitem__, checking, likeness=likeness)

    def tell(address: str) -> None:
        if not browser:
            typer.echo(address)
            return
        say(f"the review is open in your browser; Ctrl-C ends it, all edits are kept: {address}")
        Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    try:
        ReviewServer(review, idle).serve(0, tell)
    finally:
        review.close()
    say(_ending(files), quiet=output.is_silent)


def _plan_of(source: Path, result: Path, recipe: Recipe, output: Output) -> Path:
    """The plan of a source; it is analysed if there is none."""
    plan = find_plan(source, result)
    if plan is None:
        write_plan(source, None, recipe, output, sheet=False)
        plan = find_plan(source, result)
        assert plan is not None
    return plan


def _ending(files: Sequence[tuple[Path, Path]]) -> str:
    plans = printable(files[0][1]) if len(files) == 1 else f"{len(files)} plans"
    return f"the review has ended; what was decided is in {plans}"
