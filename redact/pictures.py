"""One picture in memory: what would be hidden in it, and a copy with everything hidden."""

from __future__ import annotations

import os
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from redact.core.findings import Detection
from redact.core.frames import Frame, Samples
from redact.core.passes import Pass
from redact.core.recipe import Recipe
from redact.detect.detectors import load
from redact.detect.schedule import PassRunner
from redact.errors import UnsupportedInputError
from redact.hide.covers import CoverPicture, choose_style
from redact.media.stills.picture import StillPicture

_MODES = {
    **{mode: mode for mode in ("L", "LA", "RGB", "RGBA", "I;16")},
    **dict.fromkeys(("1",), "L"),
    **dict.fromkeys(("PA", "La", "RGBa"), "RGBA"),
    **dict.fromkeys(("CMYK", "YCbCr", "LAB", "HSV", "RGBX"), "RGB"),
}
"""Modes of Pillow's pictures, and in which one each is redacted and given back."""


def find_in_picture(picture: object, recipe: Recipe) -> list[Detection]:
    """What would be hidden in a picture, as `samples_of` takes it.

    Raises:
        UnsupportedInputError: It is no picture.
        EngineError: A detector failed.
    """
    return _find(samples_of(picture), recipe)


def _find(samples: Samples, recipe: Recipe) -> list[Detection]:
    runner = _runner(recipe.passes, recipe.slope)
    return list(runner(Frame(0, Fraction(0), StillPicture(samples))).detections)


@lru_cache(maxsize=2)
def _runner(passes: tuple[Pass, ...], slope: float) -> PassRunner:
    """Kept, since loading networks takes longer than a pass over a picture."""
    return PassRunner(passes, load, slope)


def hide_in_picture(picture: object, recipe: Recipe, cover: CoverPicture | None) -> Any:
    """A copy of a picture, as `samples_of` takes it, with everything hidden.

    Returns:
        An array of the same shape and type, or a picture of Pillow's for one, without its tags.

    Raises:
        UnsupportedInputError: It is no picture.
        RecipeError: The style needs a picture, and there is none.
        EngineError: A detector failed.
    """
    style = choose_style(recipe, recipe.style, cover)
    samples = samples_of(picture)
    found = _find(samples, recipe)
    style.hide(
        StillPicture(samples), [recipe.coverage.region(d.kind, d.box, d.score) for d in found]
    )
    if isinstance(picture, np.ndarray):
        return samples.reshape(picture.shape).astype(picture.dtype)
    return Image.fromarray(samples)


def samples_of(picture: object) -> Samples:
    """A copy of a picture's samples, in this machine's byte order.

    Args:
        picture: An array, (height, width) of grey or (height, width, channels) of grey, grey and
            opacity, red green blue, or these and opacity; of type uint8 or uint16. Or a picture of
            Pillow's, which is turned upright as its tags say.

    Raises:
        UnsupportedInputError: It is anything else.
    """
    if isinstance(picture, Image.Image):
        return _samples_of_image(picture)
    if isinstance(picture, str | os.PathLike):
        raise _refused("this is a path and no picture", "call redact_file, or open it with Pillow")
    if not isinstance(picture, np.ndarray):
        what = f"a {type(picture).__name__} is no picture"
        raise _refused(what, "give an array of numpy's, or a picture of Pillow's")
    if picture.dtype.kind != "u" or picture.dtype.itemsize > 2:
        what = f"its samples are of type {picture.dtype}, not uint8 or uint16"
        raise _refused(what, "scale them to 0 to 255 and call astype('uint8')")
    if not picture.size:
        raise _refused(f"a picture of shape {picture.shape} has no pixels", "give another")
    if picture.ndim not in (2, 3) or (picture.ndim == 3 and picture.shape[2] > 4):
        raise _refused(f"a picture has not the shape {picture.shape}", _layout_advice(picture))
    grey = picture.ndim == 3 and picture.shape[2] == 1
    plain = picture[..., 0] if grey else picture
    return np.array(plain, dtype=plain.dtype.newbyteorder("="), order="C", subok=False)


def _layout_advice(picture: Samples) -> str:
    if picture.ndim == 3 and picture.shape[0] <= 4:
        return "put the channels last with np.moveaxis(picture, 0, -1)"
    return "give (height, width) or (height, width, channels), one picture at a time"


def _samples_of_image(picture: Image.Image) -> Samples:
    if not (picture.width and picture.height):
        raise _refused("a picture of no pixels", "give another")
    mode = _MODES.get(picture.mode)
    if picture.mode == "P":
        mode = "RGBA" if "transparency" in picture.info else "RGB"
    if mode is None:
        raise _refused(f"pictures of mode {picture.mode} are not known", "convert('RGB') it first")
    try:
        upright = ImageOps.exif_transpose(picture)
        return np.array(upright if upright.mode == mode else upright.convert(mode))
    except (OSError, ValueError, SyntaxError) as error:
        raise _refused(f"the picture cannot be decoded: {error}", "give another") from error


def _refused(problem: str, remedy: str) -> UnsupportedInputError:
    return UnsupportedInputError(problem, None, remedy)
