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


def make_style(recipe: Recipe, name: StyleName | None = None, cover: Rgb | None = None) -> Style:
    """What draws each region in its own style, or in the recipe's, or another one.

    Args:
        recipe: The choices.
        name: A style in place of the recipe's, for regions that name none.
        cover: What the style `cover` draws, from `redact.hide.covers`.

    Raises:
        RecipeError: There is no picture to cover with.
    """
    from redact.hide.styles.mixed import Mixed

    def make(name: str) -> Style:
        if name != "cover":
            return STYLES[name](recipe)
        if cover is None:
            raise RecipeError("there is no picture to cover with", remedy="give one with --cover")
        from redact.hide.styles.cover import Cover

        return Cover(cover)

    return Mixed(name or recipe.style, make, recipe.rgb)
