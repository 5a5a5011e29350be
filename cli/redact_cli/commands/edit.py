"""`redact edit`: the edits of a plan, for scripts: list, add, undo, redo."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import typer

from redact.core.edits.json_form import read_edit, write_edit
from redact.core.edits.values import Edit
from redact.core.history import add, free_number, now, redo, undo
from redact.core.plan import Plan, load, save
from redact.core.storage import writing_alone
from redact.core.strict_json import parse_json
from redact.errors import PlanError, RecipeError, printable
from redact.jobs.naming import SUFFIXES, is_result
from redact.jobs.plan_names import find_plan, plan_names
from redact.media.files import check_input
from redact.report.words import edit_in_words
from redact_cli.console import escaped, say

Action = Literal["list", "add", "undo", "redo"]


def edit_plan(
    plan: Path, action: Action, said: list[str], by: str, reason: str, *, as_json: bool, quiet: bool
) -> None:
    """Do it, save the plan, and tell what was done.

    Raises:
        RecipeError: What was said does not fit the action.
        PlanError: The plan cannot be used, or an edit can do nothing.
    """
    if said and action != "add":
        raise RecipeError(f"`{action}` takes nothing more", remedy="only `add` takes edits")
    if plan.suffix.lower() in SUFFIXES:
        raise _no_plan(plan)
    if action == "list":
        _list(load(plan), as_json=as_json)
        return
    values = _read_values(said) if action == "add" else []
    with writing_alone(plan):
        before = load(plan)
        if action == "add":
            edits = [replace(e, reason=e.reason or reason) for e in _read_edits(values, before)]
            after = add(before, *edits, by=by, at=now())
            touched = after.edits[len(before.edits) :]
        else:
            after = undo(before) if action == "undo" else redo(before)
            shorter, longer = sorted((before.edits, after.edits), key=len)
            touched = longer[len(shorter) :]
        save(after, plan)
    first = min(len(before.edits), len(after.edits)) + 1
    if as_json:
        typer.echo(json.dumps({"action": action, "edits": [write_edit(e) for e in touched]}))
    for number, edit in enumerate(touched, first):
        done = {"add": "added", "undo": "undone", "redo": "done again"}[action]
        line = f"{printable(plan)}: {done}: {number}: {edit_in_words(write_edit(edit))}"
        say(escaped(line), quiet=quiet or as_json)


def _no_plan(media: Path) -> PlanError:
    """The error for a video or a picture in place of its plan, which is named if it is there.

    Raises:
        InputError: It cannot be read.
    """
    check_input(media)
    own = find_plan(media)
    if own is None and is_result(media):
        own = next((path for path in plan_names(media) if path.is_file()), None)
    remedy = "write one with `redact analyse` or `redact run`, and edit that"
    if own is not None:
        remedy = f"its plan lies beside it: redact edit {printable(own)}"
    return PlanError("this is a video or a picture, and no plan", media, remedy)


def _list(plan: Plan, *, as_json: bool) -> None:
    """Every edit with its number, and what could be done again."""
    if as_json:
        kinds = {"edits": plan.edits, "undone": plan.undone[::-1]}
        typer.echo(json.dumps({k: [write_edit(e) for e in edits] for k, edits in kinds.items()}))
        return
    for number, edit in enumerate(plan.edits, 1):
        typer.echo(escaped(f"{number}: {edit_in_words(write_edit(edit))}"))
    for edit in plan.undone[::-1]:
        typer.echo(escaped(f"undone: {edit_in_words(write_edit(edit))}"))


def _read_values(said: list[str]) -> list[Any]:
    """What was said, or stands on standard input for `-`, as JSON.

    Raises:
        RecipeError: Nothing was said.
        PlanError: It is no JSON.
    """
    if not said:
        example = """redact edit clip.redact.json add '{"edit": "show", "track": 1}'"""
        raise RecipeError("there is no edit to add", remedy=f"write for example {example}")
    values: list[Any] = []
    for text in said:
        read = _parse(sys.stdin.read() if text == "-" else text)
        values += read if isinstance(read, list) else [read]
    return values


def _read_edits(values: list[Any], plan: Plan) -> list[Edit]:
    """The edits that were said.

    Raises:
        PlanError: One is no edit.
    """
    number = free_number(plan)
    for value in values:
        if isinstance(value, dict) and value.get("edit") in ("split", "trim"):
            new = value.setdefault("new", number)
            number = max(number, new + 1) if isinstance(new, int) else number
    return [read_edit(value) for value in values]


def _parse(text: str) -> Any:
    try:
        return parse_json(text)
    except (ValueError, RecursionError) as error:
        remedy = 'write it as in a plan, such as {"edit": "show", "track": 1}'
        raise PlanError(f"this is no edit: {error}", remedy=remedy) from error
