"""Blur and pixelate, irreversible: grown only from the pixels around what is hidden."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log2

import cv2
import numpy as np
from numpy.typing import NDArray

from redact.core.frames import Picture, Plane, Samples
from redact.core.geometry import Region
from redact.hide.masks import Cluster, Field, Grid, Mask, Shape, Window, clusters
from redact.hide.styles.canvas import (
    FEATHER,
    Stencil,
    coloured,
    enlarged,
    make_opaque,
    resized,
    whole,
)

_RING = 0.35
"""How far around a region its surroundings are read, as a share of its size."""

_CELLS = 16
"""Resolution in which the surroundings grow inwards: cells along a region's size."""

_DENSITY = 6
"""Samples read along each cell of a large region, at least."""

_SOFTNESS = 0.13
"""Deviation of the finest averaging, as a share of the region's size."""

_FAR = 1e-9
"""Weight of the mean of all surroundings, for where nothing nearer is visible."""

_BLOCKS = 6
"""Pixelate's blocks along a region's size, about."""


class Blur:
    """A strong soft blur of the surroundings; knows nothing of what it hides."""

    def hide(self, picture: Picture, regions: Sequence[Region]) -> None:
        """Draw over all regions at once, with soft edges outside them."""
        grid = Grid.of(picture)
        shapes = grid.shapes(regions)
        groups = clusters(grid, shapes, FEATHER * 1.2)
        fills = [list(_fills(picture, grid, shapes, group)) for group in groups]
        for group, planes in zip(groups, fills, strict=True):
            stencil = Stencil.of(grid, group)
            for plane, fill in zip(picture.planes(), planes, strict=True):
                stencil.draw(picture, grid, plane, fill)


class Pixelate:
    """Large blocks in the colours of the surroundings, on a grid that stays with the picture."""

    def hide(self, picture: Picture, regions: Sequence[Region]) -> None:
        """Draw over all regions at once, with hard edges."""
        grid = Grid.of(picture)
        shapes = grid.shapes(regions)
        groups = clusters(grid, shapes, 0)
        fills = [list(_fills(picture, grid, shapes, group)) for group in groups]
        for group, planes in zip(groups, fills, strict=True):
            core = grid.mask(group.shapes, group.window)
            side = 2 ** max(2, round(log2(group.size / _BLOCKS)))
            for plane, fill in zip(picture.planes(), planes, strict=True):
                samples = grid.samples(plane, group.window)
                mask = grid.spread(core, plane, group.window)
                make_opaque(samples, plane, mask, picture.colour.top)
                blocks = _in_blocks(fill, grid, plane, group.window, side)
                drawn = whole(blocks, picture.colour.top, samples.dtype)
                np.copyto(coloured(samples, plane), drawn, where=mask[..., None])


def _in_blocks(fill: Field, grid: Grid, plane: Plane, window: Window, side: int) -> Field:
    """The fill with one value a block of `side` pixels, counted from the picture's corner."""
    rows = _middles(fill.shape[0], window.top * grid.step[1], side, plane.step[1])
    columns = _middles(fill.shape[1], window.left * grid.step[0], side, plane.step[0])
    return fill[rows][:, columns]


def _middles(count: int, start: int, side: int, step: int) -> NDArray[np.intp]:
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


def _fills(
    picture: Picture, grid: Grid, shapes: Sequence[Shape], group: Cluster
) -> Iterator[Field]:
    """For each plane, what the surroundings grow to in the group's window."""
    window, hidden = _surroundings(grid, shapes, group)
    for plane in picture.planes():
        if hidden.all() or plane.role == "a":
            yield _grey(picture, grid, plane, group.window)
            continue
        samples = coloured(grid.samples(plane, window), plane)
        mask = grid.spread(hidden, plane, window)
        size = group.size / plane.step[0], group.size / plane.step[1]
        grown = enlarged(_grown(samples, mask, size), mask.shape)
        yield grid.within(grown, plane, group.window, window)


def _surroundings(grid: Grid, shapes: Sequence[Shape], group: Cluster) -> tuple[Window, Mask]:
    """A window that shows something visible where there is any, and what is hidden in it."""
    margin = _RING * group.size
    while True:
        window = grid.grown(group.window, margin)
        hidden = grid.mask(shapes, window)
        if not hidden.all() or window == grid.whole:
            return window, hidden
        margin *= 2


def _grey(picture: Picture, grid: Grid, plane: Plane, window: Window) -> Field:
    """Mid grey, for a picture that is hidden as a whole."""
    shape = grid.samples(plane, window).shape[:2]
    grey = [picture.colour.sample(channel, (128, 128, 128)) for channel in plane.role.rstrip("a")]
    return np.broadcast_to(np.array(grey, np.float32), (*shape, len(grey)))


def _grown(samples: Samples, hidden: Mask, size: tuple[float, float]) -> Field:
    """A coarse smooth field: near the visible samples their mean, far inside a mean of all around.

    Averages of ever wider reach, each counting visible samples only, are summed with weights that
    fall with the reach: what is nearest decides, and nothing has an edge.

    Args:
        samples: (height, width, channels) without alpha.
        hidden: Which of them must not be looked at; not all.
        size: Of the regions, in samples across and down.
    """
    rows, columns = hidden.shape
    cells = _cells(rows, size[1]), _cells(columns, size[0])
    small = resized(_weighted(samples, hidden, cells), cells, cv2.INTER_AREA)
    total = np.broadcast_to(small.mean(axis=(0, 1)) * _FAR, small.shape).copy()
    reach = _SOFTNESS
    while reach * min(size) < max(rows, columns):
        across, down = reach * size[0] * cells[1] / columns, reach * size[1] * cells[0] / rows
        total += _averaged(small, across, down) * (_SOFTNESS / reach) ** 2
        reach *= 2
    field: Field = total[..., :-1] / total[..., -1:]
    return field


def _weighted(samples: Samples, hidden: Mask, cells: tuple[int, int]) -> Field:
    """Visible samples, 0 where hidden, and their weight as the last channel.

    Of large regions every n-th sample is enough, with `_DENSITY` of them along a cell.
    """
    down, across = (max(1, n // m // _DENSITY) for n, m in zip(hidden.shape, cells, strict=True))
    visible = ~hidden[down // 2 :: down, across // 2 :: across]
    weighted = np.empty((*visible.shape, samples.shape[2] + 1), np.float32)
    weighted[..., -1] = visible
    for channel in range(samples.shape[2]):
        read = samples[down // 2 :: down, across // 2 :: across, channel]
        np.multiply(read, weighted[..., -1], out=weighted[..., channel])
    return weighted


def _cells(samples: int, size: float) -> int:
    return max(1, min(samples, round(samples * _CELLS / size)))


def _averaged(small: Field, across: float, down: float) -> Field:
    """Gaussian averages with the given deviations in cells; wide ones at a lower resolution."""
    rows, columns = small.shape[:2]
    coarse = max(1, int(rows / max(1.0, down / 2))), max(1, int(columns / max(1.0, across / 2)))
    reduced = resized(small, coarse, cv2.INTER_AREA)
    sigma = max(0.3, across * coarse[1] / columns), max(0.3, down * coarse[0] / rows)
    soft = cv2.GaussianBlur(
        reduced, (0, 0), sigmaX=sigma[0], sigmaY=sigma[1], borderType=cv2.BORDER_CONSTANT
    )
    return resized(soft.reshape(reduced.shape), (rows, columns))
