"""The options of `redact run` that say by photographs who is hidden."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from redact.errors import RecipeError
from redact_cli.options import Output, Search

if TYPE_CHECKING:
    from redact.jobs.jobs import Batch


@dataclass(frozen=True, slots=True)
class People:
    """Who is hidden."""

    PANEL: ClassVar[str] = "Who is hidden"

    only: Annotated[
        list[Path] | None,
        typer.Option(
            "--only",
            metavar="PHOTO",
            help="Hide only this person, of whom the photograph shows the face clearly and alone; "
            "repeat the option for more people or photographs. Whoever may be that person is "
            "hidden: turned away, small, blurred, or near somebody hidden. Photographs and what "
            "is computed from them are never stored.",
            dir_okay=False,
        ),
    ] = None
    except_: Annotated[
        list[Path] | None,
        typer.Option(
            "--except",
            metavar="PHOTO",
            help="Hide everybody but this person, who stays visible only while it is clear; "
            "otherwise as --only. LOOK-ALIKES ARE CONFUSED: watch the result before you publish.",
            dir_okay=False,
        ),
    ] = None


def choose_people(found: Batch, people: People, search: Search, output: Output) -> Batch:
    """The same jobs, with the choice by photographs if there is one.

    Raises:
        RecipeError: The choices contradict each other.
    """
    if not people.only and not people.except_:
        return found
    if people.only and people.except_:
        raise RecipeError("--only and --except contradict each other", remedy="say one of them")
    name = "--only" if people.only else "--except"
    if search.uncertain == "list":
        raise RecipeError(f"{name} hides what is uncertain", remedy="drop --uncertain list")
    if output.resume:
        why = f"with {name} a file that is done cannot be told: nothing of photographs is kept"
        raise RecipeError(why, remedy="drop --resume")
    from redact.people.choice import PhotoChoice

    choice = PhotoChoice(
        "only" if people.only else "except", tuple(people.only or people.except_ or ())
    )
    jobs = (
        replace(job, people=choice, recipe=replace(job.recipe, uncertain="hide"))
        for job in found.jobs
    )
    return replace(found, jobs=tuple(jobs))
