"""Arguments and options that commands have one by one, beside the groups of `options`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Input = Annotated[
    Path,
    typer.Argument(
        metavar="INPUT", show_default=False, readable=False, help="A video or a picture."
    ),
]
"""Whether it can be read is asked where it is read: then the answer has its own words and code."""

Sheet = Annotated[
    bool,
    typer.Option(
        "--report",
        help="Write NAME.redact.private.html beside the plan: a picture of each track with its "
        "number. It SHOWS FACES IN CLEAR: it is for you alone.",
        rich_help_panel="Output and progress",
    ),
]
"""No preset can ask for it: in the parameter's name it differs from the report of `redact run`."""

Place = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="OUTPUT",
        help="Where to write it, a file or a folder; NAME.redacted.EXT beside the input by "
        "default.",
    ),
]

PlanFile = Annotated[
    Path,
    typer.Argument(
        metavar="PLAN", show_default=False, readable=False, help="What `redact analyse` wrote."
    ),
]

Action = Annotated[
    Literal["list", "add", "undo", "redo"],
    typer.Argument(metavar="[list|add|undo|redo]", help="What is done.", show_default=False),
]

Edits = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="EDIT...",
        show_default=False,
        help="For add: edits as they stand in a plan, in JSON, or - to read them from standard "
        "input. Several are one act, undone together.",
    ),
]

By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decided; stands in the plan.")]

Reason = Annotated[str, typer.Option("--reason", metavar="WORDS", help="Why, for who signs it.")]


def plan_option(help: str) -> typer.models.OptionInfo:
    """Every command has this option, and each has its own use for it."""
    option: typer.models.OptionInfo = typer.Option(
        "-p", "--plan", metavar="PLAN", readable=False, help=help
    )
    return option
