"""What a source left in an output: fine structure inside what is hidden, changes outside of it.

Fine structure is what a high-pass filter leaves of the brightness. Inside a region that of source
and output must not correlate by more than chance makes of it; outside, the mean brightness of each
block must stay.
"""

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
from redact.verify.chance import standard_score

INSIDE = 0.5
"""Largest correlation of the fine structures of source and output over a whole region."""

INSIDE_SMALL = 0.7
"""The same over a region of fewer pixels than a part has."""

INSIDE_PART = 0.8
"""The same over any part of `_PART` pixels a side, of which there are many in a region."""

SCORE = 3.5
"""Least standard score of a correlation over a whole region that counts: see `chance`."""

SCORE_SMALL = 1.5
"""The same of a region of fewer pixels than a part has, whose correlation must be higher."""

OUTSIDE = 12.0
"""Largest difference of a block's mean brightness outside the regions, in steps of 255."""

_HIGH_PASS = 5
"""Pixels, across and down, of the mean that the high-pass filter takes away."""

_BORDER = 4
"""Pixels inside a region's outline that are left out: encoders smear what is outside over them."""

_SMALLEST_AREA = 64
"""Pixels that are compared, below which nothing can be told."""

_PART = 24
"""Pixels of the side of a part of a region."""

_PART_INSIDE = 0.7
"""Share of such a part that must be well inside."""

_FLAT_SOURCE = 1.5
"""Deviation of the source's fine structure, in steps of 255, below which there is none."""

_FLAT_OUTPUT = 0.7
"""Deviation of the output's, in steps of 255, below which it is rounding and ringing."""

_SHARE_LEFT = 0.1
"""Share of the source's fine structure that must have come through to count."""

_DRAWN = 0.5
"""Share of what a style draws from which a region counts as drawn."""

_BLOCK = 16
"""Pixels of the side of a block, outside the regions."""

_SOFT_EDGE = 0.09
"""How far around a region its soft edge may reach, as a share of its size."""


@dataclass(frozen=True, slots=True)
class Residue:
    """The worst of one frame's regions and blocks.

    Args:
        inside: Correlation of the fine structures in the worst region, -1 to 1, 0 for none; what
            chance explains is left out.
        shows: Bounds of the regions over `INSIDE`, in pixels of the upright picture, and their
            correlations.
        outside: Difference of the worst block outside, in steps of 255.
    """

    inside: float = 0.0
    shows: tuple[tuple[Box, float], ...] = ()
    outside: float = 0.0


def residue(
    source: Picture,
    output: Picture,
    regions: Sequence[Region],
    style: Style | None = None,
    *,
    structured: bool = False,
) -> Residue:
    """Compare a frame's source and output, given what is hidden in it.

    Args:
        source: As decoded.
        output: Of the same size.
        regions: In pixels of the upright picture.
        style: What the regions were hidden with. What it draws is taken away from the output
            where that correlates, since it may have a fine structure of its own.
        structured: Whether it has so much of its own that it could mask the source's: then it is
            taken away everywhere.
    """
    one, other = brightness(source), brightness(output, source.turn)
    grid = Grid(source.stored_size, source.turn, Grid.of(source).step)
    shapes = grid.shapes(regions)
    drawn = _drawn(source, regions, style) if structured and style is not None else None
    found = [_inside_correlation(one, other, drawn, grid, shape) for shape in shapes]
    if style is not None and drawn is None and max(found, default=0.0) > INSIDE:
        drawn = _drawn(source, regions, style)  # rarely: most fills have no structure
        found = [
            _inside_correlation(one, other, drawn, grid, shape) if before > INSIDE else before
            for shape, before in zip(shapes, found, strict=True)
        ]
    shows = tuple(
        (grid.turn.upright_box(shape.box, grid.size), correlation)
        for shape, correlation in zip(shapes, found, strict=True)
        if correlation > INSIDE
    )
    changes = [
        _outside_change(*pair, grid, shapes) for pair in _as_shown(source, output, one, other)
    ]
    return Residue(max(found, default=0.0), shows, max(changes))


def _as_shown(
    source: Picture, output: Picture, one: Samples, other: Samples
) -> list[tuple[Samples, Samples]]:
    """What of both is compared outside: brightness, and opacity where there is any.

    What is transparent has a colour that nobody sees, and some formats do not keep it.
    """
    opacities = _opacity(source), _opacity(output, source.turn)
    if opacities[0] is None or opacities[1] is None:
        return [(one, other)]
    pairs = zip((one, other), opacities, strict=True)
    shown = [cv2.multiply(seen, opacity, scale=1 / 255) for seen, opacity in pairs]
    return [(shown[0], shown[1]), opacities]


def _drawn(source: Picture, regions: Sequence[Region], style: Style) -> Samples:
    """The brightness of what a style makes of the source."""
    style.hide(copy := PictureCopy.of(source), regions)
    return brightness(copy)


def identical(one: Picture, other: Picture) -> bool:
    """Whether two pictures are equal in every sample, as copied ones are."""
    if (one.turn, one.colour) != (other.turn, other.colour):
        return False
    planes = zip(one.planes(), other.planes(), strict=False)
    return len(one.planes()) == len(other.planes()) and all(
        a.role == b.role and np.array_equal(a.samples, b.samples) for a, b in planes
    )


def brightness(picture: Picture, turn: Turn | None = None) -> NDArray[np.uint8]:
    """The brightness of a picture: (height, width), 8 bit, in stored orientation.

    Of red, green and blue the green is taken, which is close to it.

    Args:
        picture: Any.
        turn: Of the picture to compare with; this one is turned to that orientation.
    """
    plane = picture.planes()[0]
    samples: Samples = plane.samples
    if samples.ndim == 3:
        samples = samples[..., 1 if plane.role.startswith("rgb") else 0]
    return _eight_bits(samples, picture, turn)


def _eight_bits(samples: Samples, picture: Picture, turn: Turn | None) -> NDArray[np.uint8]:
    shift = picture.colour.bits - 8
    eight: NDArray[np.uint8] = (samples >> shift if shift else samples).astype(np.uint8)
    if turn is None or turn == picture.turn:
        return eight
    return np.ascontiguousarray(stored(upright(eight, picture.turn), turn))


def _opacity(picture: Picture, turn: Turn | None = None) -> NDArray[np.uint8] | None:
    """The opacity of a picture, as `brightness`; None where it has none."""
    for plane in picture.planes():
        if plane.role.endswith("a"):
            alpha = plane.samples[..., -1] if plane.samples.ndim == 3 else plane.samples
            return _eight_bits(alpha, picture, turn)
    return None


def _inside_correlation(
    one: Samples, other: Samples, drawn: Samples | None, grid: Grid, shape: Shape
) -> float:
    """The correlation of the fine structures inside one region; 0 where nothing can be told."""
    window = shape.window
    rows, columns = _pixel_slices(grid, window)
    mask = _well_inside(grid, shape)
    if mask.sum() < _SMALLEST_AREA:
        return 0.0
    original, written = _high_pass(one[rows, columns]), _high_pass(other[rows, columns])
    if drawn is not None:
        written -= _explained(written, _high_pass(drawn[rows, columns]), mask)
    small = mask.sum() < _PART**2
    bound = INSIDE_SMALL if small else INSIDE
    whole = _correlation(original[mask], written[mask])
    if whole > bound:
        least = SCORE_SMALL if small else SCORE
        whole = whole if standard_score(original, written, mask) >= least else 0.0
    part = _worst_part_correlation(original * mask, written * mask, mask)
    return max(whole / bound, part / INSIDE_PART) * INSIDE  # one scale, one bound


def _well_inside(grid: Grid, shape: Shape) -> Mask:
    """Pixels of the shape's window well inside it; the picture's own border is no outline."""
    around = grid.grown(shape.window, _BORDER)
    blocks = grid.mask([shape], around)
    pixels = blocks.repeat(grid.step[1], axis=0).repeat(grid.step[0], axis=1).astype(np.uint8)
    rows, columns = _pixel_slices(grid, around)
    side = 2 * _BORDER + 1
    eroded = cv2.erode(
        pixels[: rows.stop - rows.start, : columns.stop - columns.start],
        np.ones((side, side), np.uint8),
    )
    inner_rows, inner_columns = _pixel_slices(grid, shape.window)
    eroded = eroded[inner_rows.start - rows.start :, inner_columns.start - columns.start :]
    height, width = inner_rows.stop - inner_rows.start, inner_columns.stop - inner_columns.start
    return np.asarray(eroded[:height, :width] > 0)


def _pixel_slices(grid: Grid, window: Window) -> tuple[slice, slice]:
    """Rows and columns of the stored pixels in a window of blocks."""
    across, down = grid.step
    bottom = min(window.bottom * down, grid.size.height)
    right = min(window.right * across, grid.size.width)
    return slice(window.top * down, bottom), slice(window.left * across, right)


def _high_pass(samples: Samples) -> Field:
    """The fine structure: each pixel less the mean around it."""
    values = samples.astype(np.float32)
    fine: Field = values - cv2.blur(values, (_HIGH_PASS, _HIGH_PASS))
    return fine


def _explained(written: Field, drawn: Field, mask: Mask) -> Field:
    """What a style drew, as far as it was written there, by least squares.

    Where at least half of it was written, all is taken off: an encoder loses the rest. Where the
    source shows, little was, and to take off more would mask what shows.
    """
    energy = float(np.vdot(drawn[mask], drawn[mask]))
    share = float(np.vdot(written[mask], drawn[mask])) / energy if energy else 0.0
    return drawn if share >= _DRAWN else np.asarray(drawn * max(0.0, share), np.float32)


def _correlation(original: Field, written: Field) -> float:
    """Of two fine structures, whose means are about 0; 0 if one of them is flat."""
    energy, left = float(np.vdot(original, original)), float(np.vdot(written, written))
    shared = float(np.vdot(original, written))
    if (
        energy < original.size * _FLAT_SOURCE**2
        or left < original.size * _FLAT_OUTPUT**2
        or shared < _SHARE_LEFT * energy
    ):
        return 0.0
    return shared / float(np.sqrt(energy * left))


def _worst_part_correlation(original: Field, written: Field, mask: Mask) -> float:
    """The largest correlation over any square part that lies well inside; 0 for none."""
    if min(original.shape) < _PART:
        return 0.0
    energy, shared = (cv2.blur(x, (_PART, _PART)) for x in (original**2, original * written))
    compared = (energy >= _FLAT_SOURCE**2) & (shared >= _SHARE_LEFT * energy)
    if compared.any():  # rarely: most fills have no structure
        compared &= cv2.blur(mask.astype(np.float32), (_PART, _PART)) >= _PART_INSIDE
    if not compared.any():
        return 0.0
    left = cv2.blur(written**2, (_PART, _PART))
    compared &= left >= _FLAT_OUTPUT**2
    alike = np.where(compared, shared / np.sqrt(np.maximum(energy * left, 1e-6)), 0)
    return float(alike.max())


def _outside_change(one: Samples, other: Samples, grid: Grid, shapes: Sequence[Shape]) -> float:
    """The largest change of a block's mean outside of all regions and their soft edges."""
    before, after = _block_means(one), _block_means(other)
    seen = np.ones(before.shape, bool)
    for shape in shapes:
        rows, columns = _pixel_slices(
            grid, grid.grown(shape.window, _SOFT_EDGE * shape.size + _BORDER)
        )
        seen[_block_slice(rows), _block_slice(columns)] = False
    change = cv2.absdiff(before, after)[seen]
    return float(change.max()) if change.size else 0.0


def _block_means(samples: Samples) -> NDArray[np.uint8]:
    """Means of whole blocks; those that stick out of the picture go on with its last samples."""
    height, width = samples.shape
    below, right = -height % _BLOCK, -width % _BLOCK
    whole = cv2.copyMakeBorder(samples, 0, below, 0, right, cv2.BORDER_REPLICATE)
    size = whole.shape[1] // _BLOCK, whole.shape[0] // _BLOCK
    return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.uint8)


def _block_slice(pixels: slice) -> slice:
    """The blocks that these pixels touch."""
    return slice(pixels.start // _BLOCK, -(-pixels.stop // _BLOCK))
