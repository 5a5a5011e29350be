"""Which range of values each feature map's whole numbers stand for.

The largest value of all pictures is mostly a rare one: with a range up to it, few of the 256
steps are left for what is usual. So ranges end where cutting off and rounding together lose least.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 2048
"""Parts into which a feature map's values are counted."""
_STEPS = 255
_SHARES = np.geomspace(0.05, 1.0, 40)
"""Shares of the largest value that are tried as the end of a range."""


@dataclass
class Values:
    """What one feature map takes, over all pictures.

    Args:
        low: The smallest value, at most 0.
        high: The largest value, at least 0.
        counts: How many values lie in each of `BINS` equal parts from `low` to `high`.
    """

    low: float = 0.0
    high: float = 0.0
    counts: NDArray[np.float64] = field(default_factory=lambda: np.zeros(BINS))

    def widen(self, values: NDArray[np.float32]) -> None:
        """Takes the values' limits in."""
        self.low = min(self.low, float(values.min()))
        self.high = max(self.high, float(values.max()))

    def count(self, values: NDArray[np.float32]) -> None:
        """Counts the values; all limits must be known."""
        limits = (self.low, max(self.high, self.low + 1e-6))
        self.counts += np.histogram(values, bins=BINS, range=limits)[0]

    def best_range(self, power: float, below: float = 1.0) -> tuple[float, float]:
        """The range that loses least: the sum of errors to that power.

        Args:
            power: The higher, the less is cut off.
            below: What errors of negative values count: a leaky rectifier that follows makes them
                smaller.
        """
        edges = np.linspace(self.low, self.high, BINS + 1)
        middles = (edges[1:] + edges[:-1]) / 2
        lows = self.low * _SHARES[::2] if self.low < 0 else np.zeros(1)
        tried = [(low, high) for low in lows for high in self.high * _SHARES]
        counts = self.counts * np.where(middles < 0, below**power, 1.0)
        losses = [_loss(middles, counts, low, high, power) for low, high in tried]
        return tried[int(np.argmin(losses))]


def _loss(
    values: NDArray[Any], counts: NDArray[Any], low: float, high: float, power: float
) -> float:
    """What a range loses: beyond it the distance to its end, within it the mean of rounding."""
    step = (high - low) / _STEPS
    beyond = np.maximum(np.maximum(low - values, values - high), 0) ** power
    within = (step / 2) ** power / (power + 1)
    return float((counts * np.where(beyond > 0, beyond, within)).sum())


def collect(
    names: list[str], batches: Callable[[], Iterable[Any]], run: Callable[[Any], list[Any]]
) -> dict[str, Values]:
    """The values of all feature maps of these names, from two rounds over the pictures."""
    found = {name: Values() for name in names}
    for method in (Values.widen, Values.count):
        for batch in batches():
            for name, values in zip(names, run(batch), strict=True):
                method(found[name], values)
    return found
