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

Sign = Annotated[
    str | None,
    typer.Option(
        "--sign",
        metavar="NAME",
        help="If the check passes, sign the result off: into its plan and report, and into "
        "NAME.redact.signed.json, which holds the digests of source, plan, result and report. "
        "Without --sign, what was signed before is compared with what is there.",
    ),
]

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

Clean = Annotated[
    Path | None,
    typer.Option(
        "--clean",
        metavar="DIR",
        file_okay=False,
        help="Only remove what killed runs left in this folder and below it: drafts of "
        "results, whose process is gone (the next run does so in its own folders), and what "
        "--resume would go on with in a long video.",
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


Original = Annotated[
    Path,
    typer.Argument(
        metavar="ORIGINAL", show_default=False, readable=False, help="What was redacted."
    ),
]

Redacted = Annotated[
    Path,
    typer.Argument(
        metavar="REDACTED", show_default=False, readable=False, help="The finished file."
    ),
]

Inputs = Annotated[
    list[Path],
    typer.Argument(
        metavar="INPUT",
        show_default=False,
        readable=False,  # one that cannot be read does not stop the others
        help="Videos (mp4 mov mkv webm avi ts mpg 3gp wmv flv mxf and more), pictures (jpeg "
        "png gif webp tiff bmp heic avif), and folders, which are searched to the bottom; "
        "hidden files are left alone.",
    ),
]

Browser = Annotated[
    bool,
    typer.Option(help="Open the page in your browser; without it, only its address is written."),
]

Likeness = Annotated[
    bool,
    typer.Option(help="Compare faces, in memory only, and suggest which are of one person."),
]

Idle = Annotated[
    float,
    typer.Option(metavar="MINUTES", min=0.01, help="End when the page was closed for so long."),
]


def plan_option(help: str) -> typer.models.OptionInfo:
    """Every command has this option, and each has its own use for it."""
    option: typer.models.OptionInfo = typer.Option(
        "-p", "--plan", metavar="PLAN", readable=False, help=help
    )
    return option
