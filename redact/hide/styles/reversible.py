"""Gaussian and mosaic, REVERSIBLE: computed from the hidden pixels, so faces can be recovered.

Both are for those who must match footage that already looks like this. Published attacks identify
most faces that are blurred so. Neither is ever a default.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from redact.core.frames import Picture, Plane, Samples
from redact.core.geometry import Box, Region
from redact.errors import RecipeError
from redact.hide.masks import Cluster, Field, Grid, Shape
from redact.hide.styles.canvas import (
    FEATHER,
    Stencil,
    colour_channels,
    make_opaque,
    resize,
    upsample,
)

WEAKEST_SIGMA = 0.11
"""Below this share of a region's longer side a Gaussian is refused."""

MOST_CELLS = 5
"""With more cells than these along a region's longer side a mosaic is refused."""

_REDUCED_SIGMA = 4.0
"""A Gaussian is computed on a reduced picture, in which its deviation is about so many pixels."""


class Gaussian:
    """A Gaussian blur. It can be reversed: prefer `blur`.

    Args:
        sigma: The deviation, as a share of the longer side of the region.

    Raises:
        RecipeError: The deviation is below `WEAKEST_SIGMA`.
    """

    def __init__(self, sigma: float = 0.2) -> None:
        if not WEAKEST_SIGMA <= sigma <= 10:
            remedy = "use `blur`, which cannot be reversed"
            raise RecipeError(f"a Gaussian of {sigma} is below {WEAKEST_SIGMA}", remedy=remedy)
        self._sigma = sigma

    def hide(self, picture: Picture, regions: Sequence[Region]) -> None:
        """Blur each region, with soft edges outside it; shared parts are blurred again."""
        grid = Grid.of(picture)
        for shape in grid.shapes(regions):
            window = grid.grown(shape.window, FEATHER * 1.2 * shape.size)
            stencil = Stencil.of(grid, Cluster((shape,), window))
            for plane in picture.planes():
                stencil.draw(picture, grid, plane, self._blurred(grid, plane, shape, stencil))

    def _blurred(self, grid: Grid, plane: Plane, shape: Shape, stencil: Stencil) -> Field:
        sigma = self._sigma * max(shape.box.width, shape.box.height, 1.0)
        outer = grid.grown(stencil.window, 3 * sigma)
        samples = colour_channels(grid.samples(plane, outer), plane)
        if not samples.shape[2]:
            return samples.astype(np.float32)
        across, down = sigma / plane.step[0], sigma / plane.step[1]
        soft = _gaussian_blur(samples.astype(np.float32), across, down)
        return grid.crop(soft, plane, stencil.window, outer)


class Mosaic:
    """Mean colours of a few cells. It can be reversed: prefer `pixelate`.

    Args:
        cells: How many along the longer side of the region; the grid moves with the region.

    Raises:
        RecipeError: There are more than `MOST_CELLS`, or none.
    """

    def __init__(self, cells: int = 4) -> None:
        if not 1 <= cells <= MOST_CELLS:
            remedy = "use `pixelate`, which cannot be reversed"
            raise RecipeError(f"a mosaic has 1 to {MOST_CELLS} cells, not {cells}", remedy=remedy)
        self._cells = cells

    def hide(self, picture: Picture, regions: Sequence[Region]) -> None:
        """Draw each region's cells in their mean colours, with hard edges."""
        grid = Grid.of(picture)
        for shape in grid.shapes(regions):
            core = grid.mask([shape], shape.window)
            for plane in picture.planes():
                samples = grid.samples(plane, shape.window)
                mask = grid.to_samples(core, plane, shape.window)
                make_opaque(samples, plane, mask, picture.colour.top)
                colours = colour_channels(samples, plane)
                rows, columns = self._cell_starts(grid, plane, shape, samples)
                np.copyto(colours, _cell_means(colours, rows, columns), where=mask[..., None])

    def _cell_starts(
        self, grid: Grid, plane: Plane, shape: Shape, samples: Samples
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The first row of each row of cells, and the first column of each column."""
        side = max(shape.box.width, shape.box.height) / self._cells
        box: Box = shape.box
        top, left = shape.window.top * grid.step[1], shape.window.left * grid.step[0]
        rows = _axis_starts(samples.shape[0], top - box.top, plane.step[1], side, box.height)
        return rows, _axis_starts(samples.shape[1], left - box.left, plane.step[0], side, box.width)


def _axis_starts(
    count: int, offset: float, step: int, side: float, span: float
) -> NDArray[np.intp]:
    """The first sample of each cell along one axis.

    Args:
        count: How many samples there are.
        offset: Pixels from the outline's bounds to the first sample.
        step: Pixels per sample.
        side: Of a cell, in pixels.
        span: Of the outline's bounds, in pixels.
    """
    last = max(0, ceil(span / side) - 1)
    middles = (np.arange(count) + 0.5) * step + offset
    cells = np.clip(np.floor(middles / side), 0, last)
    return np.flatnonzero(np.diff(cells, prepend=-1))


def _cell_means(colours: Samples, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Samples:
    """Every sample replaced by the mean of its cell."""
    if not colours.size:
        return colours
    sums = np.add.reduceat(np.add.reduceat(colours.astype(np.float64), rows, 0), columns, 1)
    heights, widths = (
        np.diff(starts, append=count)
        for starts, count in zip((rows, columns), colours.shape, strict=False)
    )
    means = np.rint(sums / (heights[:, None] * widths)[..., None])
    repeated: Samples = means.repeat(heights, 0).repeat(widths, 1).astype(colours.dtype)
    return repeated


def _gaussian_blur(samples: Field, across: float, down: float) -> Field:
    """A Gaussian blur with the given deviations in samples; a wide one at a lower resolution."""
    rows, columns = samples.shape[:2]
    fewer = max(1.0, down / _REDUCED_SIGMA), max(1.0, across / _REDUCED_SIGMA)
    reduced = resize(samples, (ceil(rows / fewer[0]), ceil(columns / fewer[1])), cv2.INTER_AREA)
    sigma = across * reduced.shape[1] / columns, down * reduced.shape[0] / rows
    soft = cv2.GaussianBlur(
        reduced, (0, 0), sigmaX=sigma[0], sigmaY=sigma[1], borderType=cv2.BORDER_REPLICATE
    )
    return upsample(soft.reshape(reduced.shape), (rows, columns))
