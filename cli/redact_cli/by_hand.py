"""Options for what a person hides or silences by hand, in every file of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

if TYPE_CHECKING:
    from redact.core.edits.zones import Wish


@dataclass(frozen=True, slots=True)
class ByHand:
    """What is hidden or silenced beside what is found."""

    PANEL: ClassVar[str] = "By hand"

    zone: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X,Y,W,H[@START-END]",
            help="Also hide this region, in every file: left, top, width and height in pixels of "
            "the upright picture, or in percent of it (10%,0,30%,20%); from START to END, in "
            "seconds or minutes (5-12.5, 1:05-, -0:30), or always. Repeat the option for more.",
        ),
    ] = None
    zones: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            dir_okay=False,
            readable=False,
            help="Also hide the zones of this text file, one a line, such as those of a camera "
            "that does not move; what follows a # is not read.",
        ),
    ] = None
    mute: Annotated[
        list[str] | None,
        typer.Option(
            metavar="START-END[:tone]",
            help="Silence the sound from START to END, in seconds or minutes (12.5-14, "
            "1:05-1:07.2), to the sample; :tone puts a tone there. Sound without loss stays the "
            "same elsewhere, other sound is encoded once more. Repeat the option for more.",
        ),
    ] = None


def make_wishes(by_hand: ByHand) -> tuple[Wish, ...]:
    """What is hidden and silenced besides.

    Raises:
        RecipeError: A zone or a span is not written as it should be.
        MissingInputError: There is no such file of zones.
    """
    from redact.core.edits.zones import parse_mute, parse_zone, read_zones
    from redact.errors import MissingInputError, RecipeError

    zones = [parse_zone(text) for text in by_hand.zone or ()]
    if by_hand.zones is not None:
        try:
            lines = by_hand.zones.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            problem = "the file of zones cannot be read"
            raise MissingInputError(problem, by_hand.zones, "give a text file") from error
        try:
            zones += read_zones(lines)
        except RecipeError as error:
            raise RecipeError(error.problem, by_hand.zones, error.remedy) from error
    return (*zones, *(parse_mute(text) for text in by_hand.mute or ()))
