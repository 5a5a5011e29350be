"""A picture of one's own to hide things under: read, compared with the recipe's, made opaque."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from redact.errors import InputError, RecipeError
from redact.files import VIDEO_SUFFIXES, fingerprint
from redact.media import Rgb, Samples
from redact.recipe import Recipe, StyleName
from redact.stills import StillSource, open_still

_SIDE = 1024
"""Longer side to which larger pictures are scaled."""


def with_cover(recipe: Recipe, path: Path) -> Recipe:
    """The same choices with that picture over everything.

    Raises:
        InputError: It cannot be read.
    """
    return replace(recipe, style="cover", cover=fingerprint(path))


def cover_for(recipe: Recipe, style: StyleName, path: Path | None) -> Rgb | None:
    """The picture that a style covers things with, None for any style but `cover`.

    What is transparent in it shows the recipe's colour.

    Raises:
        RecipeError: It is not given, not wanted, not the recipe's, or no still picture.
    """
    if style != "cover":
        if path is not None:
            raise RecipeError(f"the style is {style}, which covers nothing with a picture", path)
        return None
    if recipe.cover is None:
        raise RecipeError("no picture is named to cover with", remedy="analyse again with --cover")
    if path is None:
        mark = recipe.cover.removeprefix("sha256:")[:12]
        raise RecipeError(
            f"things are to be covered with a picture (SHA-256 {mark}...)",
            remedy="give it again with --cover",
        )
    source = _opened(path)
    if source.fingerprint != recipe.cover:
        raise RecipeError("this is not the picture that was chosen to cover with", path)
    return _small(_opaque(source.decoded.samples, recipe.rgb))


def _opened(path: Path) -> StillSource:
    try:
        if path.suffix.lower() in VIDEO_SUFFIXES:
            raise RecipeError("a video covers nothing", path)
        source = open_still(path)
    except InputError as error:
        problem = f"cannot be used as a cover: {error.problem}"
        raise RecipeError(problem, path, error.remedy) from error
    if not isinstance(source, StillSource):
        raise RecipeError("several pictures cover nothing", path, "take one of them")
    return source


def _opaque(samples: Samples, ground: tuple[int, int, int]) -> Rgb:
    """Any layout of a still as red, green and blue of 8 bits, laid over a colour."""
    channels = samples[..., None] if samples.ndim == 2 else samples
    top = np.iinfo(samples.dtype).max
    values = channels.astype(np.float32) / top
    seen = values[..., -1:] if channels.shape[2] in (2, 4) else np.ones_like(values[..., :1])
    colours = values[..., : max(1, channels.shape[2] // 3 * 3)]
    below = np.array(ground, np.float32) / 255
    laid = colours * seen + below * (1 - seen)
    return np.rint(laid * 255).astype(np.uint8)


def _small(picture: Rgb) -> Rgb:
    rows, columns = picture.shape[:2]
    share = _SIDE / max(rows, columns)
    if share >= 1:
        return picture
    size = max(1, round(columns * share)), max(1, round(rows * share))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
