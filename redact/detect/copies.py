"""The copies of a picture that detectors and trackers get: scaled, cut, brightened if dark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Lock

import numpy as np

from redact.core.frames import Grey, Picture, Rgb, upright_size
from redact.core.geometry import Box, Size
from redact.core.passes import Pass

GREY_SIDE = 640
"""Longer side, in pixels, of the small grey picture that tracking works on."""

_DARK_MEAN = 50
"""Mean brightness below which a picture is brightened before detection."""
_WHITE_PERCENTILE = 99.5
"""Percentile of brightness that becomes white then."""

_LUMA_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
"""Red's, green's and blue's share of brightness (ITU-R BT.601)."""

_OVERLAP = 8
"""Neighbouring tiles have at least one part of so many of a tile's side in common, so that what is
smaller is whole in one of them. What is larger is seen by passes at a smaller scale."""


@dataclass(frozen=True, slots=True, eq=False)
class Excerpt:
    """What a detector sees of a picture: the whole of a scaled copy, or a tile of one.

    Args:
        pixels: (height, width, 3), 8 bit, red first.
        left: Where it lies in the copy, in the copy's pixels.
        top: The same, downwards.
        scale: The picture's width and height, divided by the copy's.
    """

    pixels: Rgb
    left: int
    top: int
    scale: tuple[float, float]

    @property
    def size(self) -> Size:
        """Of the excerpt."""
        return Size(self.pixels.shape[1], self.pixels.shape[0])

    def in_picture(self, box: Box) -> Box:
        """A box in pixels of the excerpt, in pixels of the upright picture."""
        return box.shifted(self.left, self.top).scaled(*self.scale)


class ScaledCopies:
    """The copies of one picture that detectors and trackers get, each made on first use.

    May be used by several threads at once.

    Args:
        picture: As decoded.
        grey: Its small grey copy, if that was made before.
    """

    def __init__(self, picture: Picture, grey: Grey | None = None) -> None:
        self._picture = picture
        self.size = upright_size(picture)
        self._scaled: dict[int, Rgb] = {}
        self._to_cut: dict[float, Rgb] = {}
        self._one_at_a_time = Lock()
        if grey is not None:
            self.grey = grey  # in place of making it

    @cached_property
    def grey(self) -> Grey:
        """(height, width), 8 bit: the small picture that tracking works on."""
        return grey_copy(self._picture, GREY_SIDE)

    @cached_property
    def gain(self) -> float:
        """The factor by which the picture is brightened before detection; 1 if it is not dark."""
        return _brightening_gain(self.grey)

    def copy(self, side: int) -> Rgb:
        """The whole picture with that longer side, brightened if it is dark."""
        with self._one_at_a_time:
            if side not in self._scaled:
                self._scaled[side] = brighten(self._picture.rgb(self.size.fitted(side)), self.gain)
            return self._scaled[side]

    def excerpts(self, pass_: Pass) -> Iterator[Excerpt]:
        """What the detector of a pass sees: the whole picture once, or tile by tile."""
        if not pass_.scale:
            yield self._excerpt(self.copy(self._side(pass_)), slice(None), slice(None))
            return
        copy = self._copy_to_cut(pass_.scale)
        for rows in tile_spans(copy.shape[0], pass_.side):
            for columns in tile_spans(copy.shape[1], pass_.side):
                tile = self._excerpt(copy, rows, columns)
                yield replace(tile, pixels=brighten(tile.pixels, self.gain))

    def _side(self, pass_: Pass) -> int:
        """Longer side of the copy of the whole picture that a pass sees."""
        most = pass_.most if pass_.enlarge else 1.0
        return min(pass_.side, round(self.size.longer * most)) if most else pass_.side

    def _excerpt(self, copy: Rgb, rows: slice, columns: slice) -> Excerpt:
        height, width = copy.shape[:2]
        scale = self.size.width / width, self.size.height / height
        return Excerpt(copy[rows, columns], columns.start or 0, rows.start or 0, scale)

    def _copy_to_cut(self, scale: float) -> Rgb:
        """The whole picture at that scale, not brightened: that takes memory, tiles are smaller."""
        with self._one_at_a_time:
            if scale not in self._to_cut:
                size = self.size.fitted(max(1, round(self.size.longer * scale)))
                self._to_cut[scale] = self._picture.rgb(size)
            return self._to_cut[scale]


def tile_spans(length: int, side: int) -> list[slice]:
    """Overlapping spans of a copy's side, all of one length, as few and as short as will do.

    Args:
        length: Pixels of the copy's side.
        side: The longest span.
    """
    if length <= side:
        return [slice(0, length)]
    overlap = side // _OVERLAP
    count = -(-(length - overlap) // (side - overlap))
    span = -(-(length + (count - 1) * overlap) // count)
    starts = (i * (length - span) // (count - 1) for i in range(count))
    return [slice(start, start + span) for start in starts]


def _brightening_gain(grey: Grey) -> float:
    if grey.mean() >= _DARK_MEAN:
        return 1.0
    return max(1.0, 255 / max(1.0, float(np.percentile(grey, _WHITE_PERCENTILE))))


def brighten(copy: Rgb, gain: float) -> Rgb:
    """A dark picture multiplied by the gain, its noise smoothed first; others as they are."""
    if gain <= 1.0:
        return copy
    across = np.pad(copy, ((1, 1), (1, 1), (0, 0)), mode="edge").astype(np.uint16)
    rows = across[:-2] + 2 * across[1:-1] + across[2:]
    even = rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]
    return np.asarray(np.minimum(even * np.float32(gain / 16), 255)).astype(np.uint8)


def grey_copy(picture: Picture, side: int) -> Grey:
    """(height, width), 8 bit: an upright grey copy with that longer side, or the picture's own."""
    size = upright_size(picture)
    return _to_grey(picture.rgb(size.fitted(min(size.longer, side))))


def _to_grey(rgb: Rgb) -> Grey:
    return np.asarray(rgb @ _LUMA_WEIGHTS).astype(np.uint8)
