"""The picture that the style `cover` draws: checked against the recipe, and made opaque."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from redact.core.frames import Rgb, Samples
from redact.core.interfaces import Style
from redact.core.plan import Plan
from redact.core.recipe import Recipe, StyleName
from redact.errors import RecipeError
from redact.hide.styles import make_style

_LONGEST_SIDE = 1024
"""Longer side to which larger pictures are scaled."""


@dataclass(frozen=True, slots=True)
class CoverPicture:
    """A still picture as it was read.

    Args:
        path: Its file, for errors.
        fingerprint: `sha256:` and the digest of the file.
        samples: (height, width) or (height, width, channels), 8 or 16 bits.
    """

    path: Path
    fingerprint: str
    samples: Samples


def with_cover(recipe: Recipe, cover: CoverPicture) -> Recipe:
    """The same choices, with the style `cover` and that picture."""
    return replace(recipe, style="cover", cover=cover.fingerprint)


def choose_style(
    recipe: Recipe,
    name: StyleName | None = None,
    cover: CoverPicture | None = None,
    others: Collection[str] = (),
) -> Style:
    """The style that a recipe names, or another one, with its picture if `cover` is among them.

    Args:
        recipe: The choices.
        name: A style in place of the recipe's.
        cover: The picture that was given.
        others: Styles that single regions name.

    Raises:
        RecipeError: The picture is not given, not wanted, or not the recipe's.
    """
    name = name or recipe.style
    wanted = "cover" if "cover" in others else name
    return make_style(recipe, name, prepare_cover(recipe, wanted, cover))


def style_of(plan: Plan, cover: CoverPicture | None = None) -> Style:
    """What draws the regions of a plan, each in its own style.

    Args:
        plan: Edited or not.
        cover: The picture that was given.

    Raises:
        RecipeError: The picture is not given, not wanted, or not the plan's.
    """
    return choose_style(plan.recipe, plan.style, cover, plan.styles)


def prepare_cover(recipe: Recipe, style: StyleName, cover: CoverPicture | None) -> Rgb | None:
    """The picture for the style, (height, width, 3), 8 bit; None for any style but `cover`.

    What is transparent in it shows the recipe's colour.

    Raises:
        RecipeError: It is not given, not wanted, or not the recipe's.
    """
    if style != "cover":
        if cover is not None:
            problem = f"the style is {style}, which covers nothing with a picture"
            raise RecipeError(problem, cover.path)
        return None
    if recipe.cover is None:
        raise RecipeError("no picture is named to cover with", remedy="analyse again with --cover")
    if cover is None:
        mark = recipe.cover.removeprefix("sha256:")[:12]
        raise RecipeError(
            f"things are to be covered with a picture (SHA-256 {mark}...)",
            remedy="give it again with --cover",
        )
    if cover.fingerprint != recipe.cover:
        raise RecipeError("this is not the picture that was chosen to cover with", cover.path)
    return _scale_down(_lay_on_colour(cover.samples, recipe.rgb))


def _lay_on_colour(samples: Samples, ground: tuple[int, int, int]) -> Rgb:
    """Any layout of a still as red, green and blue of 8 bits, laid over a colour."""
    channels = samples[..., None] if samples.ndim == 2 else samples
    top = np.iinfo(samples.dtype).max
    values = channels.astype(np.float32) / top
    seen = values[..., -1:] if channels.shape[2] in (2, 4) else np.ones_like(values[..., :1])
    colours = values[..., : max(1, channels.shape[2] // 3 * 3)]
    below = np.array(ground, np.float32) / 255
    laid = colours * seen + below * (1 - seen)
    return np.rint(laid * 255).astype(np.uint8)


def _scale_down(picture: Rgb) -> Rgb:
    """The picture, no larger than it needs to be."""
    rows, columns = picture.shape[:2]
    share = _LONGEST_SIDE / max(rows, columns)
    if share >= 1:
        return picture
    size = max(1, round(columns * share)), max(1, round(rows * share))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
