"""Blur and pixelate, irreversible: inpainted from nothing but the pixels around what is hidden.

The inpainting is normalised convolution: Gaussian averages that count visible samples only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log2

import cv2
import numpy as np
from numpy.typing import NDArray

from redact.core.frames import Picture, Plane, Samples
from redact.core.geometry import Region
from redact.hide.masks import Cluster, Field, Grid, Mask, Shape, Window, cluster_shapes
from redact.hide.styles.canvas import (
    FEATHER,
    Stencil,
    colour_channels,
    make_opaque,
    resize,
    to_integers,
    upsample,
)

_MARGIN = 0.35
"""How far around a region its surroundings are read, as a share of its size."""

_CELLS = 16
"""Resolution of the inpainting: cells along a region's size."""

_SAMPLES_PER_CELL = 6
"""Samples read along each cell of a large region, at least."""

_FINEST_SIGMA = 0.13
"""Standard deviation of the narrowest average, as a share of the region's size."""

_GLOBAL_WEIGHT = 1e-9
"""Weight of the mean of all surroundings, for where nothing nearer is visible."""

_BLOCKS = 6
"""Pixelate's blocks along a region's size, about."""


class Blur:
    """A strong soft blur of the surroundings; knows nothing of what it hides."""

    def hide(
        self, picture: Picture, regions: Sequence[Region], unseen: Sequence[Region] = ()
    ) -> None:
        """Draw over all regions at once, with soft edges outside them.

        Args:
            picture: Drawn on in place.
            regions: What is drawn.
            unseen: What else must not be looked at, since others draw over it later.
        """
        grid = Grid.of(picture)
        shapes = grid.shapes(regions)
        groups = cluster_shapes(grid, shapes, FEATHER * 1.2)
        hidden = [*shapes, *grid.shapes(unseen)]
        fills = [list(_inpainted_planes(picture, grid, hidden, group)) for group in groups]
        for group, planes in zip(groups, fills, strict=True):
            stencil = Stencil.of(grid, group)
            for plane, fill in zip(picture.planes(), planes, strict=True):
                stencil.draw(picture, grid, plane, fill)


class Pixelate:
    """Large blocks in the colours of the surroundings, on a grid that stays with the picture."""

    def hide(
        self, picture: Picture, regions: Sequence[Region], unseen: Sequence[Region] = ()
    ) -> None:
        """Draw over all regions at once, with hard edges; see `Blur.hide`."""
        grid = Grid.of(picture)
        shapes = grid.shapes(regions)
        groups = cluster_shapes(grid, shapes, 0)
        hidden = [*shapes, *grid.shapes(unseen)]
        fills = [list(_inpainted_planes(picture, grid, hidden, group)) for group in groups]
        for group, planes in zip(groups, fills, strict=True):
            core = grid.mask(group.shapes, group.window)
            side = 2 ** max(2, round(log2(group.size / _BLOCKS)))
            for plane, fill in zip(picture.planes(), planes, strict=True):
                samples = grid.samples(plane, group.window)
                mask = grid.to_samples(core, plane, group.window)
                make_opaque(samples, plane, mask, picture.colour.top)
                blocks = _pixelate_field(fill, grid, plane, group.window, side)
                drawn = to_integers(blocks, picture.colour.top, samples.dtype)
                np.copyto(colour_channels(samples, plane), drawn, where=mask[..., None])


def _pixelate_field(fill: Field, grid: Grid, plane: Plane, window: Window, side: int) -> Field:
    """The fill with one value a block of `side` pixels, counted from the picture's corner."""
    rows = _block_middles(fill.shape[0], window.top * grid.step[1], side, plane.step[1])
    columns = _block_middles(fill.shape[1], window.left * grid.step[0], side, plane.step[0])
    return fill[rows][:, columns]


def _block_middles(count: int, start: int, side: int, step: int) -> NDArray[np.intp]:
    """For each sample of an axis, the sample in the middle of its block.

    Args:
        count: How many samples there are.
        start: The picture pixel that the first one belongs to.
        side: Of a block, in pixels.
        step: Pixels per sample.
    """
    blocks = (np.arange(count) * step + start) // side
    middles = (blocks * side + side // 2 - start) // step
    return np.clip(middles, 0, count - 1)


def _inpainted_planes(
    picture: Picture, grid: Grid, shapes: Sequence[Shape], group: Cluster
) -> Iterator[Field]:
    """For each plane, what is inpainted in the group's window."""
    window, hidden = _surroundings(grid, shapes, group)
    for plane in picture.planes():
        if hidden.all() or plane.role == "a":
            yield _mid_grey(picture, grid, plane, group.window)
            continue
        samples = colour_channels(grid.samples(plane, window), plane)
        mask = grid.to_samples(hidden, plane, window)
        size = group.size / plane.step[0], group.size / plane.step[1]
        inpainted = upsample(_inpaint(samples, mask, size), mask.shape)
        yield grid.crop(inpainted, plane, group.window, window)


def _surroundings(grid: Grid, shapes: Sequence[Shape], group: Cluster) -> tuple[Window, Mask]:
    """A window that shows something visible where there is any, and what is hidden in it."""
    margin = _MARGIN * group.size
    while True:
        window = grid.grown(group.window, margin)
        hidden = grid.mask(shapes, window)
        if not hidden.all() or window == grid.whole:
            return window, hidden
        margin *= 2


def _mid_grey(picture: Picture, grid: Grid, plane: Plane, window: Window) -> Field:
    """Mid grey, for a picture that is hidden as a whole."""
    shape = grid.samples(plane, window).shape[:2]
    grey = [picture.colour.sample(channel, (128, 128, 128)) for channel in plane.role.rstrip("a")]
    return np.broadcast_to(np.array(grey, np.float32), (*shape, len(grey)))


def _inpaint(samples: Samples, hidden: Mask, size: tuple[float, float]) -> Field:
    """A coarse smooth field: near the visible samples their mean, far inside a mean of all around.

    Gaussian averages, each twice as wide as the one before, count visible samples only. Their
    weights fall with the width: what is nearest decides, and nothing has an edge.

    Args:
        samples: (height, width, channels) without alpha.
        hidden: Which of them must not be read; not all.
        size: Of the regions, in samples across and down.
    """
    rows, columns = hidden.shape
    cells = _cell_count(rows, size[1]), _cell_count(columns, size[0])
    small = resize(_weighted_samples(samples, hidden, cells), cells, cv2.INTER_AREA)
    total = np.broadcast_to(small.mean(axis=(0, 1)) * _GLOBAL_WEIGHT, small.shape).copy()
    reach = _FINEST_SIGMA
    while reach * min(size) < max(rows, columns):
        across, down = reach * size[0] * cells[1] / columns, reach * size[1] * cells[0] / rows
        total += _gaussian_average(small, across, down) * (_FINEST_SIGMA / reach) ** 2
        reach *= 2
    field: Field = total[..., :-1] / total[..., -1:]
    return field


def _weighted_samples(samples: Samples, hidden: Mask, cells: tuple[int, int]) -> Field:
    """Visible samples, 0 where hidden, and their weight as the last channel.

    Of large regions every n-th sample is enough, with `_SAMPLES_PER_CELL` of them along a cell.
    """
    down, across = (
        max(1, n // m // _SAMPLES_PER_CELL) for n, m in zip(hidden.shape, cells, strict=True)
    )
    visible = ~hidden[down // 2 :: down, across // 2 :: across]
    weighted = np.empty((*visible.shape, samples.shape[2] + 1), np.float32)
    weighted[..., -1] = visible
    for channel in range(samples.shape[2]):
        read = samples[down // 2 :: down, across // 2 :: across, channel]
        np.multiply(read, weighted[..., -1], out=weighted[..., channel])
    return weighted


def _cell_count(samples: int, size: float) -> int:
    return max(1, min(samples, round(samples * _CELLS / size)))


def _gaussian_average(small: Field, across: float, down: float) -> Field:
    """A Gaussian blur with the given deviations in cells; a wide one at a lower resolution."""
    rows, columns = small.shape[:2]
    coarse = max(1, int(rows / max(1.0, down / 2))), max(1, int(columns / max(1.0, across / 2)))
    reduced = resize(small, coarse, cv2.INTER_AREA)
    sigma = max(0.3, across * coarse[1] / columns), max(0.3, down * coarse[0] / rows)
    soft = cv2.GaussianBlur(
        reduced, (0, 0), sigmaX=sigma[0], sigmaY=sigma[1], borderType=cv2.BORDER_CONSTANT
    )
    return resize(soft.reshape(reduced.shape), (rows, columns))
