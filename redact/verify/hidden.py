"""Is this box hidden? Answered by a plan's regions, or by a mask of hidden pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from redact.core.findings import Kind, Sighting
from redact.core.frames import Picture, upright
from redact.core.geometry import Box, Region, Size
from redact.core.plan import Plan
from redact.hide.masks import Mask, size_mask, upright_mask
from redact.hide.polygons import winding
from redact.verify.residue import brightness
from redact.verify.result import Spot

ENOUGH = 0.5
"""Share of a box's inner part that must be hidden."""

TOO_MUCH = 0.1
"""Share of a picture that is not hidden in addition on a likeness alone, if no detector agrees."""

_INNER = -0.2
"""Growth of a box to its inner part, as a share of its size."""

_POINTS = 8
"""Points of a box across and down that are asked whether a polygon holds them."""

_CHANGED = 24
"""Steps of 255 by which a pixel must differ to be taken for hidden, where there is no plan."""


def hidden_by_regions(regions: Sequence[Region]) -> Callable[[Box], bool]:
    """Whether one region hides a box; quick, as it takes regions for their bounds.

    Only polygons, whose bounds may be mostly visible, are asked point by point.

    Args:
        regions: Of one frame, in pixels of the upright picture.
    """
    filling = [region.box for region in regions if not region.corners]
    polygons = [region for region in regions if region.corners]
    corners = [(box.left, box.top, box.right, box.bottom) for box in filling]
    bounds = np.array(corners, np.float64).reshape(-1, 4)

    def hidden(box: Box) -> bool:
        inner = box.grown(_INNER)
        low = np.maximum(bounds[:, :2], (inner.left, inner.top))
        high = np.minimum(bounds[:, 2:], (inner.right, inner.bottom))
        shared = np.maximum(high - low, 0).prod(axis=1)
        if (shared >= ENOUGH * inner.area).any():
            return True
        return any(_share_inside(inner, polygon) >= ENOUGH for polygon in polygons)

    return hidden


def _share_inside(box: Box, region: Region) -> float:
    """How much of a box a polygon holds, by a few points of it."""
    if not box.overlap(region.box):
        return 0.0
    across, down = (side * (np.arange(_POINTS) + 0.5) / _POINTS for side in (box.width, box.height))
    x = (box.left + across - region.box.left) / region.box.width
    y = (box.top + down - region.box.top) / region.box.height
    return float((winding(region.corners, x[None, :], y[:, None]) != 0).mean())


def hidden_by_mask(mask: Mask) -> Callable[[Box], bool]:
    """Whether enough pixels of a box are hidden; a box outside the picture is.

    Args:
        mask: (height, width) of the upright picture.
    """

    def hidden(box: Box) -> bool:
        inner = box.grown(_INNER)
        rows = slice(max(0, int(inner.top)), max(0, int(inner.bottom) + 1))
        columns = slice(max(0, int(inner.left)), max(0, int(inner.right) + 1))
        part = mask[rows, columns]
        return bool(part.size == 0 or part.mean() >= ENOUGH)

    return hidden


def hidden_mask(source: Picture, output: Picture, regions: Sequence[Region] | None) -> Mask:
    """Which upright pixels are hidden.

    Args:
        source: As decoded.
        output: Of the same upright size.
        regions: What the plan hides; without a plan, what differs is taken for hidden.
    """
    if regions is not None:
        return upright_mask(source, regions)
    before, after = brightness(source), brightness(output, source.turn)
    changed: Mask = np.abs(before.astype(np.int16) - after) >= _CHANGED
    return np.asarray(upright(changed, source.turn))


def hides_too_much(region: Region, others: Callable[[], Sequence[Region]], size: Size) -> bool:
    """Whether a region hides more than `TOO_MUCH` of a picture in addition to others.

    Args:
        region: In pixels of the upright picture, as the others.
        others: Asked for only if the region by itself is so large.
        size: Of the picture.
    """
    bounds = region.box.overlap(Box(0, 0, size.width, size.height))
    if bounds <= TOO_MUCH * size.width * size.height:
        return False
    added = size_mask([region], size) & ~size_mask(others(), size)
    return float(added.mean()) > TOO_MUCH


def box_hides_too_much(plan: Plan, kind: Kind, seen: Sighting | Spot) -> bool:
    """Whether hiding something there hides too much in addition to what the plan hides."""
    known = partial(plan.regions, seen.frame, seen.time)
    return hides_too_much(plan.recipe.coverage.region(kind, seen.box), known, plan.source.size)
