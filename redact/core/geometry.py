"""Sizes, boxes, turns and regions: pure arithmetic in pixels of the upright picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite, sqrt

_CORNER_REACH = 1 / (1 - sqrt(0.5))
"""How far a box may be inset in its rounded outline, in corner radii, and still lie inside."""


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in whole pixels, both at least 1."""

    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"a size of {self.width}x{self.height} has no pixels")

    @property
    def longer(self) -> int:
        """The longer side."""
        return max(self.width, self.height)

    def fitted(self, longer: int) -> Size:
        """The same shape with the given longer side, each side at least one pixel."""
        scale = longer / self.longer
        return Size(max(1, round(self.width * scale)), max(1, round(self.height * scale)))

    def transposed(self) -> Size:
        """Width and height exchanged."""
        return Size(self.height, self.width)


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in float pixels, right and bottom excluded; may leave the picture."""

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        if not all(map(isfinite, (self.left, self.top, self.right, self.bottom))):
            raise ValueError("a box needs finite sides")
        if self.right < self.left or self.bottom < self.top:
            raise ValueError(f"a box cannot be turned inside out: {self}")

    @classmethod
    def around(cls, x: float, y: float, width: float, height: float) -> Box:
        """The box of that width and height whose centre is (x, y)."""
        return cls(x - width / 2, y - height / 2, x + width / 2, y + height / 2)

    @property
    def width(self) -> float:
        """Pixels from left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """Square pixels."""
        return self.width * self.height

    @property
    def centre(self) -> tuple[float, float]:
        """The middle, (x, y)."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def grown(self, share: float) -> Box:
        """Every side moved outwards by that share of the width or height."""
        return self.extended(self.width * share, self.height * share)

    def extended(self, across: float, down: float) -> Box:
        """Left and right moved outwards by `across` pixels, top and bottom by `down`."""
        return Box(self.left - across, self.top - down, self.right + across, self.bottom + down)

    def within(self, width: float, height: float) -> Box:
        """Around the same centre, no wider and no higher than that."""
        across, down = max(0.0, self.width - width) / 2, max(0.0, self.height - height) / 2
        return self.extended(-across, -down) if across or down else self

    def shifted(self, across: float, down: float) -> Box:
        """Moved to the right by `across` pixels and downwards by `down`."""
        return Box(self.left + across, self.top + down, self.right + across, self.bottom + down)

    def scaled(self, across: float, down: float) -> Box:
        """Every coordinate multiplied, as when the picture is resized."""
        return Box(self.left * across, self.top * down, self.right * across, self.bottom * down)

    def mirrored(self, width: float) -> Box:
        """Where it lies when a picture of that width is mirrored left to right."""
        return Box(width - self.right, self.top, width - self.left, self.bottom)

    def hull(self, other: Box) -> Box:
        """The smallest box that holds both."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def overlap(self, other: Box) -> float:
        """Square pixels that both share."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, across) * max(0.0, down)

    def iou(self, other: Box) -> float:
        """Overlap divided by union, 0 to 1."""
        shared = self.overlap(other)
        if not shared:  # most pairs, and this is asked of all pairs
            return 0.0
        return shared / (self.area + other.area - shared)

    def contains(self, other: Box) -> bool:
        """Whether the other box lies wholly inside, borders included."""
        return (
            self.left <= other.left
            and self.top <= other.top
            and self.right >= other.right
            and self.bottom >= other.bottom
        )

    def holds_middle(self, other: Box) -> bool:
        """Whether the other box's middle lies inside, borders included."""
        x, y = other.centre
        return self.left <= x <= self.right and self.top <= y <= self.bottom

    def towards(self, other: Box, share: float) -> Box:
        """Between this box (share 0) and the other (share 1), each side in a straight line."""
        keep = 1 - share
        return Box(
            self.left * keep + other.left * share,
            self.top * keep + other.top * share,
            self.right * keep + other.right * share,
            self.bottom * keep + other.bottom * share,
        )

    def plus(self, other: Box, share: float) -> Box:
        """Each side moved by a share of the other box's; with its opposite, by a difference."""
        return Box(
            self.left + other.left * share,
            self.top + other.top * share,
            self.right + other.right * share,
            self.bottom + other.bottom * share,
        )

    def touches(self, size: Size) -> bool:
        """Whether any of it lies inside a picture of that size."""
        return (
            self.right > 0 and self.left < size.width and self.bottom > 0 and self.top < size.height
        )


def hull_of(boxes: Iterable[Box]) -> Box:
    """The smallest box that holds all; at least one is needed."""
    first, *rest = boxes
    for box in rest:
        first = first.hull(box)
    return first


@dataclass(frozen=True, slots=True)
class Turn:
    """How stored pixels become the upright picture: mirrored left to right, then turned clockwise.

    Args:
        quarters: Clockwise quarter turns, 0 to 3.
        mirrored: Whether left and right are exchanged before turning.
    """

    quarters: int = 0
    mirrored: bool = False

    def __post_init__(self) -> None:
        if self.quarters not in range(4):
            raise ValueError(f"quarter turns go from 0 to 3, not {self.quarters}")

    def upright_size(self, stored: Size) -> Size:
        """The size after turning."""
        return stored.transposed() if self.quarters % 2 else stored

    def stored_box(self, box: Box, stored: Size) -> Box:
        """Where a box of the upright picture lies among the stored pixels."""
        size = self.upright_size(stored)
        for _ in range(self.quarters):
            box = Box(box.top, size.width - box.right, box.bottom, size.width - box.left)
            size = size.transposed()
        if self.mirrored:
            box = box.mirrored(size.width)
        return box

    def upright_box(self, box: Box, stored: Size) -> Box:
        """Where a box among the stored pixels lies in the upright picture."""
        size = stored
        if self.mirrored:
            box = box.mirrored(size.width)
        for _ in range(self.quarters):
            box = Box(size.height - box.bottom, box.left, size.height - box.top, box.right)
            size = size.transposed()
        return box


@dataclass(frozen=True, slots=True)
class Region:
    """What must be hidden: a box whose corners are cut by quarter ellipses.

    Args:
        box: The outline's bounds.
        roundness: Corner radius as a share of half the side: 0 is a box, 1 an ellipse.
        text: Whether it is drawn in one colour, whatever the style, as what holds characters must
            be.
        fill: Whether no style draws it that is computed from what it hides.
        corners: If any, it is the polygon with these corners, each (x, y) in shares of the box.
        style: The name of the style that hides it, None for that of everything else.
    """

    box: Box
    roundness: float = 0.0
    text: bool = False
    fill: bool = False
    corners: tuple[tuple[float, float], ...] = ()
    style: str | None = None

    @classmethod
    def holding(cls, box: Box, pad: float) -> Region:
        """The roundest region that is `pad` sides larger on each side and still holds the box."""
        grown = box.grown(pad)
        return cls(grown, min(1.0, _CORNER_REACH * pad / (0.5 + pad)))

    def surely_holds(self, box: Box) -> bool:
        """Whether a box lies wholly inside; of a polygon that is never sure."""
        if self.corners or not self.box.contains(box):
            return False
        x, y = self.box.centre
        across = _beyond(max(x - box.left, box.right - x), self.box.width / 2, self.roundness)
        down = _beyond(max(y - box.top, box.bottom - y), self.box.height / 2, self.roundness)
        return across * across + down * down <= 1


def _beyond(distance: float, half: float, roundness: float) -> float:
    """How far a point lies beyond the straight part of a side, in radii of the corners."""
    radius = roundness * half
    return max(0.0, distance - half + radius) / radius if radius else 0.0
