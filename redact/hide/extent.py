"""How much of each picture some regions hide."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from redact.core.extent import MUCH_OF_FRAME, Extent
from redact.core.frames import Frame
from redact.core.geometry import Region, Size, Turn
from redact.hide.masks import Grid

_BLOCKS = 480
"""The longer side of a picture is cut into at least so many blocks, if it has as many pixels."""


class ExtentMeter:
    """Told every frame of one file in order, with what is hidden in it."""

    def __init__(self) -> None:
        self._frames = self._mostly = 0
        self._sum = self._most = self._most_at = 0.0
        self._spans: list[tuple[float, float]] = []
        self._goes_on = False

    def add(self, frame: Frame, regions: Iterable[Region]) -> None:
        """Take the next frame."""
        self.add_at(frame.time, frame.picture.stored_size, frame.picture.turn, regions)

    def add_at(self, time: Fraction, size: Size, turn: Turn, regions: Iterable[Region]) -> None:
        """Take the next frame, of which no more is known.

        Args:
            time: Seconds.
            size: As it is stored.
            turn: How it becomes upright.
            regions: In pixels of the upright picture.
        """
        step = max(1, size.longer // _BLOCKS)
        grid = Grid(size, turn, (step, step))
        share = float(grid.mask(grid.shapes(regions), grid.whole).mean())
        self._frames += 1
        self._sum += share
        if share > self._most:
            self._most, self._most_at = share, float(time)
        mostly = share > MUCH_OF_FRAME
        if mostly:
            start = self._spans.pop()[0] if self._goes_on else float(time)
            self._spans.append((start, float(time)))
        self._mostly += mostly
        self._goes_on = mostly

    def result(self) -> Extent:
        """What came until now."""
        mean = self._sum / max(1, self._frames)
        spans = tuple(self._spans)
        return Extent(self._frames, mean, self._mostly, spans, self._most, self._most_at)
