"""What styles share: feathered edges (alpha blending), and drawing on planes of any layout."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot
from typing import Any

import cv2
import numpy as np

from redact.core.frames import Picture, Plane, Samples
from redact.hide.masks import Cluster, Field, Grid, Mask, Window

FEATHER = 0.07
"""Width of the soft edge outside what must be hidden, as a share of the region's size."""


@dataclass(frozen=True, slots=True)
class Stencil:
    """Where and how strongly one cluster is drawn, a value per block of its window.

    Args:
        window: Around the cluster, its soft edge included.
        core: What must be hidden.
        opacity: 1 in the core, falling to 0 outside it.
    """

    window: Window
    core: Mask
    opacity: Field

    @classmethod
    def of(cls, grid: Grid, cluster: Cluster) -> Stencil:
        """Opaque over the shapes, fading within `FEATHER` around each."""
        core = grid.mask(cluster.shapes, cluster.window)
        opacity = core.astype(np.float32)
        rounding = hypot(*grid.step) / 2
        for shape in cluster.shapes:
            width = FEATHER * shape.size
            near = grid.grown(shape.window, width + rounding).intersection(cluster.window)
            part = near.slices_in(cluster.window)
            fade = np.clip(1 - (grid.distance(shape, near) - rounding) / width, 0, 1)
            np.maximum(opacity[part], fade * fade * (3 - 2 * fade), out=opacity[part])
        return cls(cluster.window, core, opacity)

    def draw(self, picture: Picture, grid: Grid, plane: Plane, fill: Field) -> None:
        """Blend the fill over the plane's own samples, and make the core opaque."""
        samples = grid.samples(plane, self.window)
        core = grid.to_samples(self.core, plane, self.window)
        make_opaque(samples, plane, core, picture.colour.top)
        opacity = _blocks_to_samples(self.opacity, core.shape)
        opacity[core] = 1  # a soft value here would let hidden pixels through
        colours = colour_channels(samples, plane)
        for channel in range(colours.shape[2]):
            target = colours[..., channel]
            drawn = _blend(target, fill[..., channel], opacity)
            np.copyto(
                target, to_integers(drawn, picture.colour.top, target.dtype), where=opacity > 0
            )


def _blend(shown: Samples, fill: Field, opacity: Field) -> Field:
    """Alpha blending: where opacity is 1, nothing of what was visible is left, not one bit."""
    drawn: Field = shown.astype(np.float32)
    drawn *= 1 - opacity
    drawn += fill * opacity
    return drawn


def to_integers(values: Field, top: int, kind: np.dtype[Any]) -> Samples:
    """Values rounded and clipped to samples from 0 to the top."""
    rounded = values + np.float32(0.5)
    return np.clip(rounded, 0, top, out=rounded).astype(kind)


def _blocks_to_samples(blocks: Field, shape: tuple[int, ...]) -> Field:
    """Values per block interpolated to values per sample; the last blocks may be cut."""
    rows, columns = blocks.shape
    per_block = -(-shape[0] // rows), -(-shape[1] // columns)
    smooth = resize(blocks[..., None], (rows * per_block[0], columns * per_block[1]))
    return smooth[: shape[0], : shape[1], 0]


def colour_channels(samples: Samples, plane: Plane) -> Samples:
    """The samples without alpha, (height, width, channels), as a view; alpha alone has none."""
    channels = samples if samples.ndim == 3 else samples[..., None]
    return channels[..., : len(plane.role.rstrip("a"))]


def make_opaque(samples: Samples, plane: Plane, mask: Mask, top: int) -> None:
    """Set alpha, where the plane has it, to its largest value inside the mask."""
    if plane.role.endswith("a"):
        alpha = samples[..., -1] if samples.ndim == 3 else samples
        alpha[mask] = top


def resize(values: Field, shape: tuple[int, ...], method: int = cv2.INTER_LINEAR) -> Field:
    """Scale a (height, width, channels) array to other rows and columns."""
    rows, columns = shape[:2]
    if values.shape[:2] == (rows, columns):
        return values.copy()
    scaled: Field = cv2.resize(values, (columns, rows), interpolation=method)
    return scaled.reshape(rows, columns, values.shape[2])


def upsample(field: Field, shape: tuple[int, ...]) -> Field:
    """Spread a coarse smooth field over more rows and columns, without visible cells."""
    rows, columns = field.shape[:2]
    fine = min(shape[0], 4 * rows), min(shape[1], 4 * columns)
    return resize(resize(field, fine, cv2.INTER_CUBIC), shape)
