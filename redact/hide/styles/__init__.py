"""Styles by name: how a region is hidden. Each is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable

from redact.core.frames import Rgb
from redact.core.interfaces import Style
from redact.core.recipe import Recipe, StyleName
from redact.errors import RecipeError


def _blur(_recipe: Recipe) -> Style:
    from redact.hide.styles.inpainted import Blur

    return Blur()


def _pixelate(_recipe: Recipe) -> Style:
    from redact.hide.styles.inpainted import Pixelate

    return Pixelate()


def _solid(recipe: Recipe) -> Style:
    from redact.hide.styles.constant import Solid

    return Solid(recipe.rgb)


def _gaussian(_recipe: Recipe) -> Style:
    from redact.hide.styles.reversible import Gaussian

    return Gaussian()


def _mosaic(_recipe: Recipe) -> Style:
    from redact.hide.styles.reversible import Mosaic

    return Mosaic()


STYLES: dict[str, Callable[[Recipe], Style]] = {
    "blur": _blur,
    "solid": _solid,
    "pixelate": _pixelate,
    "gaussian": _gaussian,
    "mosaic": _mosaic,
}
"""Makers of styles by name, all but `cover`, which needs a picture beside the recipe;
`redact.core.recipe.IRREVERSIBLE` says which cannot be undone."""

_PLATE_COLOUR = (128, 128, 128)
"""What plates are hidden under beside styles that have no colour of their own."""


def make_style(recipe: Recipe, name: StyleName | None = None, cover: Rgb | None = None) -> Style:
    """The style that a recipe names, or another one; it hides characters under one colour.

    The style `cover` is as constant as a colour, so it hides characters too.

    Args:
        recipe: The choices.
        name: A style in place of the recipe's.
        cover: What the style `cover` draws, from `redact.hide.covers`.

    Raises:
        RecipeError: There is no picture to cover with.
    """
    if (name or recipe.style) == "cover":
        if cover is None:
            raise RecipeError("there is no picture to cover with", remedy="give one with --cover")
        from redact.hide.styles.cover import Cover

        return Cover(cover)
    from redact.hide.styles.constant import Solid, TextInOneColour

    name = name or recipe.style
    return TextInOneColour(
        STYLES[name](recipe), Solid(recipe.rgb if name == "solid" else _PLATE_COLOUR)
    )
