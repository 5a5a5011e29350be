"""What a source left in an output: fine structure inside what is hidden, damage outside of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from redact.core.frames import Picture, PictureCopy, Samples, stored, upright
from redact.core.geometry import Box, Region, Turn
from redact.core.interfaces import Style
from redact.hide.masks import Field, Grid, Mask, Shape, Window

INSIDE = 0.5
"""Largest correlation of the fine structures of source and output over a whole region."""

INSIDE_SMALL = 0.7
"""The same over a region of fewer pixels than a part has: chance alone reaches 0.5 there."""

INSIDE_PART = 0.8
"""The same over any part of `_PART` pixels a side, of which there are many in a region."""

OUTSIDE = 12.0
"""Largest difference of a block's mean brightness outside the regions, in steps of 255."""

_FINE = 5
"""Pixels of the square whose mean is taken away to leave the fine structure."""

_RIM = 4
"""Pixels inside a region's rim that are not judged: encoders smear what is outside over it."""

_LEAST_AREA = 64
"""Pixels below which nothing can be told."""

_PART = 24
"""Pixels."""

_FULL = 0.7
"""Share of such a part that must be well inside."""

_FAINT = 1.5
"""Deviation of the fine structure, in steps of 255, below which there is none to carry over."""

_RISEN = 0.7
"""Deviation of what is left, in steps of 255, below which it is rounding and ringing."""

_GAIN = 0.1
"""Share of the source's fine structure that must have come through to be one."""

_BLOCK = 16
"""Pixels of the side of a block outside."""

_SOFT = 0.09
"""How far around a region its soft edge may reach, as a share of its size."""


@dataclass(frozen=True, slots=True)
class Residue:
    """The worst of one frame.

    Args:
        inside: Correlation of the fine structures in the worst region, -1 to 1, 0 for none.
        where: Bounds of that region, in pixels of the stored picture, if it is over the bound.
        outside: Difference of the worst block outside, in steps of 255.
    """

    inside: float = 0.0
    where: Box | None = None
    outside: float = 0.0


def residue(
    source: Picture, output: Picture, regions: Sequence[Region], style: Style | None = None
) -> Residue:
    """Compare a frame's source and output, given what is hidden in it.

    Args:
        source: As decoded.
        output: Of the same size.
        regions: In pixels of the upright picture.
        style: A constant one whose drawing has a fine structure of its own, to be left out.
    """
    one, other = brightness(source), brightness(output, source.turn)
    grid = Grid(source.stored_size, source.turn, Grid.of(source).step)
    shapes = grid.shapes(regions)
    drawn = None
    if style is not None:
        style.hide(copy := PictureCopy.of(source), regions)
        drawn = brightness(copy)
    found = [(_left(one, other, drawn, grid, shape), shape.box) for shape in shapes]
    inside, where = max(found, key=lambda item: item[0], default=(0.0, None))
    return Residue(inside, where if inside > INSIDE else None, _damage(one, other, grid, shapes))


def identical(one: Picture, other: Picture) -> bool:
    """Whether two pictures are equal in every sample, as copied ones are."""
    if (one.turn, one.colour) != (other.turn, other.colour):
        return False
    planes = zip(one.planes(), other.planes(), strict=False)
    return len(one.planes()) == len(other.planes()) and all(
        a.role == b.role and np.array_equal(a.samples, b.samples) for a, b in planes
    )


def brightness(picture: Picture, turn: Turn | None = None) -> NDArray[np.uint8]:
    """(height, width), 8 bit, in stored orientation; of colours the green, which is next to it.

    Args:
        picture: Whose samples are taken.
        turn: Of the picture to compare with; another one's orientation is changed to it.
    """
    plane = picture.planes()[0]
    samples: Samples = plane.samples
    if samples.ndim == 3:
        samples = samples[..., 1 if plane.role.startswith("rgb") else 0]
    shift = picture.colour.bits - 8
    eight: NDArray[np.uint8] = (samples >> shift if shift else samples).astype(np.uint8)
    if turn is None or turn == picture.turn:
        return eight
    return np.ascontiguousarray(stored(upright(eight, picture.turn), turn))


def _left(one: Samples, other: Samples, drawn: Samples | None, grid: Grid, shape: Shape) -> float:
    """How alike the fine structures are inside one region; 0 where there is nothing to tell."""
    window = shape.window
    rows, columns = _pixels(grid, window)
    mask = _inner(grid, shape)
    if mask.sum() < _LEAST_AREA:
        return 0.0
    fine, kept = _fine(one[rows, columns]), _fine(other[rows, columns])
    if drawn is not None:
        kept -= _fine(drawn[rows, columns])
    bound = INSIDE if mask.sum() >= _PART**2 else INSIDE_SMALL
    whole = _correlation(fine[mask], kept[mask])
    part = _worst_part(fine * mask, kept * mask, mask)
    return max(whole / bound, part / INSIDE_PART) * INSIDE  # one scale, one bound


def _inner(grid: Grid, shape: Shape) -> Mask:
    """Pixels of the shape's window that lie well inside; the picture's own border is no rim."""
    around = grid.grown(shape.window, _RIM)
    blocks = grid.mask([shape], around)
    pixels = blocks.repeat(grid.step[1], axis=0).repeat(grid.step[0], axis=1).astype(np.uint8)
    rows, columns = _pixels(grid, around)
    side = 2 * _RIM + 1
    eroded = cv2.erode(
        pixels[: rows.stop - rows.start, : columns.stop - columns.start],
        np.ones((side, side), np.uint8),
    )
    inner_rows, inner_columns = _pixels(grid, shape.window)
    eroded = eroded[inner_rows.start - rows.start :, inner_columns.start - columns.start :]
    height, width = inner_rows.stop - inner_rows.start, inner_columns.stop - inner_columns.start
    return np.asarray(eroded[:height, :width] > 0)


def _pixels(grid: Grid, window: Window) -> tuple[slice, slice]:
    across, down = grid.step
    bottom = min(window.bottom * down, grid.size.height)
    right = min(window.right * across, grid.size.width)
    return slice(window.top * down, bottom), slice(window.left * across, right)


def _fine(samples: Samples) -> Field:
    values = samples.astype(np.float32)
    fine: Field = values - cv2.blur(values, (_FINE, _FINE))
    return fine


def _correlation(fine: Field, kept: Field) -> float:
    energy, left = float(np.vdot(fine, fine)), float(np.vdot(kept, kept))
    shared = float(np.vdot(fine, kept))
    if energy < fine.size * _FAINT**2 or left < fine.size * _RISEN**2 or shared < _GAIN * energy:
        return 0.0
    return shared / float(np.sqrt(energy * left))


def _worst_part(fine: Field, kept: Field, mask: Mask) -> float:
    if min(fine.shape) < _PART:
        return 0.0
    energy, shared = (cv2.blur(x, (_PART, _PART)) for x in (fine**2, fine * kept))
    judged = (energy >= _FAINT**2) & (shared >= _GAIN * energy)
    if judged.any():  # rarely: most fills have no structure
        judged &= cv2.blur(mask.astype(np.float32), (_PART, _PART)) >= _FULL
    if not judged.any():
        return 0.0
    left = cv2.blur(kept**2, (_PART, _PART))
    judged &= left >= _RISEN**2
    alike = np.where(judged, shared / np.sqrt(np.maximum(energy * left, 1e-6)), 0)
    return float(alike.max())


def _damage(one: Samples, other: Samples, grid: Grid, shapes: Sequence[Shape]) -> float:
    """The largest change of a block's mean outside of all regions and their soft edges."""
    before, after = _block_means(one), _block_means(other)
    seen = np.ones(before.shape, bool)
    for shape in shapes:
        rows, columns = _pixels(grid, grid.grown(shape.window, _SOFT * shape.size + _RIM))
        seen[_blocks(rows), _blocks(columns)] = False
    change = cv2.absdiff(before, after)[seen]
    return float(change.max()) if change.size else 0.0


def _block_means(samples: Samples) -> NDArray[np.uint8]:
    """Means of whole blocks; those that stick out of the picture go on with its last samples."""
    height, width = samples.shape
    below, right = -height % _BLOCK, -width % _BLOCK
    whole = cv2.copyMakeBorder(samples, 0, below, 0, right, cv2.BORDER_REPLICATE)
    size = whole.shape[1] // _BLOCK, whole.shape[0] // _BLOCK
    return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.uint8)


def _blocks(pixels: slice) -> slice:
    """The blocks that these pixels touch."""
    return slice(pixels.start // _BLOCK, -(-pixels.stop // _BLOCK))
