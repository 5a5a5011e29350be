"""Masks: which samples of each plane some regions hide, in whole blocks of the coarsest plane."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil, floor, lcm, sqrt
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from redact.core.frames import Picture, Plane, Samples, upright
from redact.core.geometry import Box, Region, Size, Turn
from redact.hide.polygons import Corner, distance_to_polygon, touched_by_polygon

Mask: TypeAlias = NDArray[np.bool_]
Field: TypeAlias = NDArray[np.float32]
Axis: TypeAlias = NDArray[np.floating[Any]]

_TOLERANCE = 1e-9
"""An outline that just touches a box's corner must not miss it for a rounding error."""

_SMALLEST = 1e-3
"""Pixels: a region without area still covers the block it lies in."""


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of whole blocks, right and bottom excluded."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return max(0, self.bottom - self.top), max(0, self.right - self.left)

    @property
    def empty(self) -> bool:
        """Whether it holds no block."""
        return 0 in self.shape

    def hull(self, other: Window) -> Window:
        """The smallest window that holds both."""
        return Window(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def intersection(self, other: Window) -> Window:
        """The blocks that both hold; may be empty."""
        return Window(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )

    def touches(self, other: Window) -> bool:
        """Whether they share a block."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def slices_in(self, other: Window) -> tuple[slice, slice]:
        """Where its rows and columns lie in an array that spans the other."""
        rows = slice(self.top - other.top, self.bottom - other.top)
        return rows, slice(self.left - other.left, self.right - other.left)


@dataclass(frozen=True, slots=True)
class Shape:
    """A region laid on a picture's stored pixels.

    Args:
        box: The outline's bounds in stored pixels.
        radii: The corners' radii in stored pixels, across and down.
        window: The blocks that its bounds touch, clipped to the picture.
        corners: Of a polygon, in stored pixels; none for a box with round corners.
    """

    box: Box
    radii: tuple[float, float]
    window: Window
    corners: tuple[Corner, ...] = ()

    @property
    def size(self) -> float:
        """Side of the square of the same area, in pixels; at least 1."""
        return max(1.0, sqrt(self.box.area))


@dataclass(frozen=True, slots=True)
class Grid:
    """A picture cut into the smallest blocks that no plane's sample straddles.

    Args:
        size: Of the stored pixels.
        turn: How they become upright.
        step: Pixels per block, across and down.
    """

    size: Size
    turn: Turn = field(default_factory=Turn)
    step: tuple[int, int] = (1, 1)

    @classmethod
    def of(cls, picture: Picture) -> Grid:
        """The grid of the picture's coarsest plane."""
        steps = [plane.step for plane in picture.planes()]
        step = lcm(*(across for across, _ in steps)), lcm(*(down for _, down in steps))
        return cls(picture.stored_size, picture.turn, step)

    @property
    def whole(self) -> Window:
        """All blocks; the last ones may stick out of a picture of odd size."""
        across, down = self.step
        return Window(0, 0, -(-self.size.width // across), -(-self.size.height // down))

    def shapes(self, regions: Iterable[Region]) -> list[Shape]:
        """The regions that touch the picture, in stored pixels."""
        laid = (self._shape(region) for region in regions)
        return [shape for shape in laid if not shape.window.empty]

    def _shape(self, region: Region) -> Shape:
        corners = tuple(self._stored_corner(region.box, share) for share in region.corners)
        box = self.turn.stored_box(region.box, self.size)
        box = box.extended(max(0, _SMALLEST - box.width) / 2, max(0, _SMALLEST - box.height) / 2)
        radii = region.roundness * box.width / 2, region.roundness * box.height / 2
        return Shape(box, radii, self.window(box), corners)

    def _stored_corner(self, box: Box, share: tuple[float, float]) -> Corner:
        """Where a point of an upright box, in shares of it, lies among the stored pixels."""
        x, y = box.left + share[0] * box.width, box.top + share[1] * box.height
        point = self.turn.stored_box(Box(x, y, x, y), self.size)
        return point.left, point.top

    def window(self, box: Box) -> Window:
        """The blocks that a box of stored pixels touches, clipped to the picture."""
        across, down = self.step
        pixels = Box(0, 0, self.size.width, self.size.height)
        if not box.touches(self.size):
            return Window(0, 0, 0, 0)
        left, top = max(box.left, pixels.left), max(box.top, pixels.top)
        right, bottom = min(box.right, pixels.right), min(box.bottom, pixels.bottom)
        return Window(
            floor(left / across), floor(top / down), ceil(right / across), ceil(bottom / down)
        )

    def grown(self, window: Window, pixels: float) -> Window:
        """The window with that many pixels more on each side, clipped to the picture."""
        across, down = ceil(pixels / self.step[0]), ceil(pixels / self.step[1])
        return Window(
            window.left - across, window.top - down, window.right + across, window.bottom + down
        ).intersection(self.whole)

    def mask(self, shapes: Iterable[Shape], window: Window) -> Mask:
        """Which blocks of the window any part of a shape lies in."""
        mask = np.zeros(window.shape, bool)
        for shape in shapes:
            if shape.window.touches(window):
                part = shape.window.intersection(window)
                mask[part.slices_in(window)] |= self._touched_blocks(shape, part)
        return mask

    def _touched_blocks(self, shape: Shape, window: Window) -> Mask:
        lows, highs = self._block_edges(window)
        if shape.corners:
            return touched_by_polygon(shape.corners, lows, highs)
        across = _distance_in_radii(
            lows[0], highs[0], shape.box.left, shape.box.right, shape.radii[0]
        )
        down = _distance_in_radii(
            lows[1], highs[1], shape.box.top, shape.box.bottom, shape.radii[1]
        )
        touched: Mask = np.square(down)[:, None] + np.square(across) <= 1 + _TOLERANCE
        return touched

    def _block_edges(self, window: Window) -> tuple[list[Axis], list[Axis]]:
        columns = np.arange(window.left, window.right) * float(self.step[0])
        rows = np.arange(window.top, window.bottom) * float(self.step[1])
        return [columns, rows], [columns + self.step[0], rows + self.step[1]]

    def distance(self, shape: Shape, window: Window) -> Field:
        """Approximate distance from the outline to the middle of each block, in pixels; 0 inside.

        The outline itself is not rounded to blocks, so that it moves as smoothly as its box.
        """
        lows, highs = self._block_edges(window)
        if shape.corners:
            return distance_to_polygon(shape.corners, lows, highs)
        axes: list[tuple[Field, np.float32]] = []
        for axis, (low, high) in enumerate(
            ((shape.box.left, shape.box.right), (shape.box.top, shape.box.bottom))
        ):
            middle = (lows[axis] + highs[axis]) / 2
            radius = min(max(shape.radii[axis], 1.0), (high - low) / 2)
            beyond = np.maximum(np.maximum(low + radius - middle, middle - high + radius), 0)
            axes.append(((beyond / radius).astype(np.float32), np.float32(radius)))
        return _ellipse_distance(axes[0], axes[1])

    def samples(self, plane: Plane, window: Window) -> Samples:
        """The plane's own samples in the window, as a writable view."""
        across, down = self._per_block(plane)
        rows = slice(window.top * down, window.bottom * down)
        return plane.samples[rows, window.left * across : window.right * across]

    def to_samples(self, blocks: NDArray[Any], plane: Plane, window: Window) -> NDArray[Any]:
        """A value per block, repeated for each of the plane's samples in the window."""
        across, down = self._per_block(plane)
        rows, columns = self.samples(plane, window).shape[:2]
        wide = blocks if across == 1 else blocks.repeat(across, axis=1)
        return (wide if down == 1 else wide.repeat(down, axis=0))[:rows, :columns]

    def crop(self, field: Field, plane: Plane, inner: Window, outer: Window) -> Field:
        """The part in the inner window of a field over a plane's samples in the outer one."""
        left, top = outer.left, outer.top
        moved = Window(inner.left - left, inner.top - top, inner.right - left, inner.bottom - top)
        return self.samples(Plane(field, plane.role, plane.step), moved)

    def _per_block(self, plane: Plane) -> tuple[int, int]:
        return self.step[0] // plane.step[0], self.step[1] // plane.step[1]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Shapes near each other, to be drawn together.

    Args:
        shapes: At least one.
        window: The blocks that they and what is drawn around them touch.
    """

    shapes: tuple[Shape, ...]
    window: Window

    @property
    def size(self) -> float:
        """The median of the shapes' sizes, in pixels."""
        sizes = sorted(shape.size for shape in self.shapes)
        return sizes[len(sizes) // 2]


def cluster_shapes(grid: Grid, shapes: Sequence[Shape], reach: float) -> list[Cluster]:
    """Shapes grouped so that no two groups' windows share a block.

    Args:
        grid: Where the shapes lie.
        shapes: Of one picture.
        reach: How far around a shape is drawn, as a share of its size.
    """
    found: list[Cluster] = []
    for shape in shapes:
        new = Cluster((shape,), grid.grown(shape.window, reach * shape.size))
        while near := [other for other in found if other.window.touches(new.window)]:
            found = [other for other in found if other not in near]
            for other in near:
                new = Cluster(other.shapes + new.shapes, other.window.hull(new.window))
        found.append(new)
    return found


def plane_masks(picture: Picture, regions: Iterable[Region]) -> list[Mask]:
    """For each plane of the picture, in order, which of its samples the regions hide."""
    grid = Grid.of(picture)
    blocks = grid.mask(grid.shapes(regions), grid.whole)
    return [grid.to_samples(blocks, plane, grid.whole) for plane in picture.planes()]


def size_mask(regions: Iterable[Region], size: Size) -> Mask:
    """Which pixels of an upright picture of that size any part of a region lies in."""
    grid = Grid(size)
    return grid.mask(grid.shapes(regions), grid.whole)


def upright_mask(picture: Picture, regions: Iterable[Region]) -> Mask:
    """Which upright pixels of this picture are hidden, chroma's rounding included."""
    grid = Grid.of(picture)
    blocks = grid.mask(grid.shapes(regions), grid.whole)
    pixels = blocks.repeat(grid.step[1], axis=0).repeat(grid.step[0], axis=1)
    return upright(pixels[: grid.size.height, : grid.size.width], grid.turn)


def _distance_in_radii(lows: Axis, highs: Axis, low: float, high: float, radius: float) -> Axis:
    """How far blocks lie beyond the straight part of an side; inf where they do not touch it.

    Args:
        lows: Where each block begins, in pixels.
        highs: Where it ends.
        low: Where the outline's bounds begin.
        high: Where they end.
        radius: Of the corners; the result is in radii.
    """
    gap = np.maximum(np.maximum(lows - (high - radius), low + radius - highs), 0.0)
    shares = gap / radius if radius > 0 else np.zeros_like(gap)
    return np.where((lows < high) & (highs > low), shares, np.inf)


def _ellipse_distance(across: tuple[Field, np.float32], down: tuple[Field, np.float32]) -> Field:
    """First-order distance from an ellipse, where both axes are given in radii."""
    (x, radius_x), (y, radius_y) = across, down
    y = y[:, None]
    norm = np.sqrt(x * x + y * y)
    slope = np.sqrt(np.square(x / radius_x) + np.square(y / radius_y))
    distance = norm * (norm - 1) / np.maximum(slope, 1e-12)
    clipped: Field = np.maximum(distance, 0)
    return clipped
