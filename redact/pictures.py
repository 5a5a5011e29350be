"""One picture in memory: what would be hidden in it, and a copy with everything hidden."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from redact.core.findings import Detection
from redact.core.frames import Frame, Rgb
from redact.core.recipe import Pass, Recipe
from redact.detect.detectors import load
from redact.detect.schedule import PassRunner
from redact.hide.covers import CoverPicture, choose_style
from redact.media.stills.picture import StillPicture


def find_in_picture(picture: Rgb, recipe: Recipe) -> list[Detection]:
    """What would be hidden in a picture, (height, width, 3), 8 bit, red first."""
    runner = _runner(recipe.passes, recipe.slope)
    return list(runner(Frame(0, Fraction(0), StillPicture(picture))).detections)


@lru_cache(maxsize=2)
def _runner(passes: tuple[Pass, ...], slope: float) -> PassRunner:
    """Kept, since loading networks takes longer than a pass over a picture."""
    return PassRunner(passes, load, slope)


def hide_in_picture(picture: Rgb, recipe: Recipe, cover: CoverPicture | None) -> Rgb:
    """A copy of a picture, (height, width, 3), with everything hidden.

    Raises:
        RecipeError: The style needs a picture, and there is none.
        EngineError: A detector failed.
    """
    style = choose_style(recipe, recipe.style, cover)
    copy = picture.copy()
    found = find_in_picture(picture, recipe)
    style.hide(StillPicture(copy), [recipe.coverage.region(d.kind, d.box) for d in found])
    return copy
