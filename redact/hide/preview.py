"""One frame as it will be published: the same regions, drawn by the same code, as in the result."""

from __future__ import annotations

from fractions import Fraction

from redact.core.frames import Picture
from redact.core.plan import Plan
from redact.hide.covers import CoverPicture, style_of


def preview(
    picture: Picture, plan: Plan, index: int, time: Fraction, cover: CoverPicture | None = None
) -> None:
    """Hide in one frame what a plan hides in it: bit by bit what rendering draws.

    Args:
        picture: The frame as it was decoded; drawn on in place.
        plan: Edited or not.
        index: Of the frame.
        time: Its time in seconds.
        cover: The picture that the style `cover` draws.

    Raises:
        RecipeError: The plan covers things with a picture, and it is not given.
    """
    style_of(plan, cover).hide(picture, plan.regions(index, time))
