"""Shot boundary detection: which frames share nothing with the frames before them.

A missed boundary hides too much for a moment; a false one could end a person's coverage. So a frame
begins a new shot only if it correlates with none of the last frames, in any alignment. A flash, a
whip pan or a cross-fade is no boundary.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redact.core.frames import Grey

_SIDE = 48
"""Longer side of the pictures that are compared."""
_MEMORY = 4
"""Frames that a new one is compared with, so that a flash between them does not matter."""
_MIN_SIMILARITY = 0.45
"""Two pictures of at least this similarity show one scene."""
_MIN_DROP = 1.8
"""At a boundary the similarity is below the least recent one by more than this factor."""

_MIN_DEVIATION = 0.6
"""Standard deviation below which a normalised picture, white or black, has nothing to compare."""


class ShotBoundaryFinder:
    """Watches small grey pictures in order."""

    def __init__(self) -> None:
        self._recent: deque[_Spectrum] = deque(maxlen=_MEMORY)
        self._similarities: deque[float] = deque(maxlen=8)

    def is_boundary(self, grey: Grey) -> bool:
        """Whether this picture begins a new shot; the first one does not.

        Args:
            grey: (height, width), 8 bit.
        """
        normalised = _normalise(grey)
        if float(normalised.std()) < _MIN_DEVIATION:
            return False  # and not remembered: the next picture is compared with those before it
        spectrum = _Spectrum.of(normalised)
        if not self._recent:
            self._recent.append(spectrum)
            return False
        similarity = max(_similarity(spectrum, other) for other in self._recent)
        least = min(self._similarities, default=1.0)
        boundary = similarity < _MIN_SIMILARITY and similarity * _MIN_DROP < least
        if boundary:
            self._recent.clear()
            self._similarities.clear()
        else:
            self._similarities.append(similarity)
        self._recent.append(spectrum)
        return boundary


def _normalise(grey: Grey) -> NDArray[np.float32]:
    """A small copy of mean 0 and standard deviation 1, less where there is little contrast."""
    step = max(1, round(max(grey.shape) / _SIDE))
    down, across = (min(step, side) for side in grey.shape)  # a side may be shorter than a step
    rows, columns = grey.shape[0] // down, grey.shape[1] // across
    blocks = grey[: rows * down, : columns * across].reshape(rows, down, columns, across)
    small = blocks.mean(axis=(1, 3)).astype(np.float32)
    small -= small.mean()
    return np.asarray(small / (small.std() + 1), np.float32)


@dataclass(frozen=True, slots=True)
class _Spectrum:
    """A normalised picture's Fourier transform.

    Args:
        size: The picture's rows and columns.
        power: The sum of its squares.
        values: The transform, zero-padded to twice the size so that shifts do not wrap around.
    """

    size: tuple[int, ...]
    power: np.float32
    values: NDArray[np.complexfloating[Any]]

    @classmethod
    def of(cls, normalised: NDArray[np.float32]) -> _Spectrum:
        values = np.fft.rfft2(normalised, _padded_size(normalised.shape))
        return cls(normalised.shape, (normalised**2).sum(), values)


def _padded_size(size: tuple[int, ...]) -> tuple[int, int]:
    return 2 * size[0], 2 * size[1]


def _similarity(one: _Spectrum, other: _Spectrum) -> float:
    """The largest normalised cross-correlation over all shifts, -1 to 1.

    It is normalised by the whole pictures, so that a shift of little overlap counts little.
    """
    if one.size != other.size:
        return 0.0
    sums = np.fft.irfft2(one.values * np.conj(other.values), _padded_size(one.size))
    power = float(np.sqrt(one.power * other.power)) + 1e-6
    return float(sums.max()) / power
