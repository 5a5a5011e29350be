"""`redact prove`: what is drawn does not depend on what is hidden."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import typer

from redact import api
from redact.core.interfaces import Progress
from redact.core.plan import ChangeStyle, Plan, load
from redact.core.recipe import Recipe, StyleName
from redact.errors import RecipeError
from redact.hide.proof import Proof
from redact.jobs.plan_names import find_plan
from redact.jobs.sandbox import Task, run_in_sandbox
from redact.media.files import check_input
from redact_cli.console import escaped, file_progress
from redact_cli.exit_codes import NOT_PROVEN, OK
from redact_cli.options import Output, Style


def prove_irreversible(
    source: Path,
    plan: Path | None,
    recipe: Recipe,
    style: Style,
    output: Output,
    *,
    anew: bool = False,
) -> int:
    """Prove it, say so in one line, and give the exit code.

    Args:
        source: What is hidden twice.
        plan: What is hidden, None for the plan beside it, or what is found anew.
        recipe: How it is found anew.
        style: What is drawn, if not what the plan says.
        output: What is told.
        anew: Whether no plan beside it counts, since a profile was asked for.

    Raises:
        RecipeError: A profile was asked for as well as a plan, which has its own.
    """
    if plan is not None and anew:
        raise RecipeError("a plan has its own profile", remedy="leave out --plan or --profile")
    check_input(source)
    place = plan if plan is not None or anew else find_plan(source)
    known = None if place is None else load(place)
    if known is not None and style.cover is not None:
        known = replace(known, recipe=replace(known.recipe, cover=recipe.cover))
    name: StyleName | None = style.style if style.cover is None else "cover"
    if known is not None and name is not None:
        known = replace(known, edits=(*known.edits, ChangeStyle(name)))
    with file_progress(source, quiet=output.is_silent, verbose=output.shows_more) as progress:
        proof = run_in_sandbox(
            Task(_prove, source, None, (source, known, recipe, style.cover), (), Proof), progress
        )
    if output.as_json:
        typer.echo(json.dumps({"proven": proof.holds, **asdict(proof)}))
    elif not output.quiet or not proof.holds:
        by = "analysed anew" if place is None else f"plan {place}"
        typer.echo(escaped(f"{source}: {proof.in_words()} ({by})"))
    return OK if proof.holds else NOT_PROVEN


def _prove(
    source: Path, plan: Plan | None, recipe: Recipe, cover: Path | None, progress: Progress
) -> Proof:
    return api.prove_file(source, plan, recipe, cover=cover, progress=progress)
