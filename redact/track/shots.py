"""Shot cuts: frames that share nothing with the moments before them.

A missed cut hides too much for a moment; a false one could end a person's coverage. So a frame
begins a new shot only when its structure matches none of the last frames, in any alignment: a
flash, a whip pan or a cross-fade is no cut.
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
_SIMILAR = 0.45
"""Correlation of aligned structure from which two pictures show one scene."""
_JUMP = 1.8
"""How much worse than the worst recent match a cut's match must be."""

_FLAT = 0.6
"""Deviation of evened contrast below which a picture, white or black, has nothing to compare."""


class ShotBoundaryFinder:
    """Watches small grey pictures in order."""

    def __init__(self) -> None:
        self._recent: deque[_Structure] = deque(maxlen=_MEMORY)
        self._usual: deque[float] = deque(maxlen=8)

    def is_boundary(self, grey: Grey) -> bool:
        """Whether this picture begins a new shot; the first one does not."""
        structure = _structure(grey)
        if float(structure.std()) < _FLAT:
            return False  # and not remembered: what comes next is compared with what was before
        shape = _Structure.of(structure)
        if not self._recent:
            self._recent.append(shape)
            return False
        alike = max(_similarity(shape, other) for other in self._recent)
        usual = min(self._usual, default=1.0)
        cut = alike < _SIMILAR and alike * _JUMP < usual
        if cut:
            self._recent.clear()
            self._usual.clear()
        else:
            self._usual.append(alike)
        self._recent.append(shape)
        return cut


def _structure(grey: Grey) -> NDArray[np.float32]:
    """A small copy with its slow brightness removed and its contrast made even."""
    step = max(1, round(max(grey.shape) / _SIDE))
    rows, columns = (side // step * step for side in grey.shape)
    blocks = grey[:rows, :columns].reshape(rows // step, step, columns // step, step)
    small = blocks.mean(axis=(1, 3)).astype(np.float32)
    small -= small.mean()
    return np.asarray(small / (small.std() + 1), np.float32)


@dataclass(frozen=True, slots=True)
class _Structure:
    """A structure as it is compared.

    Args:
        size: Its rows and columns.
        power: The sum of its squares.
        spectrum: Of the structure on a field twice as large, so that shifts do not wrap around.
    """

    size: tuple[int, ...]
    power: np.float32
    spectrum: NDArray[np.complexfloating[Any]]

    @classmethod
    def of(cls, structure: NDArray[np.float32]) -> _Structure:
        spectrum = np.fft.rfft2(structure, _padded(structure.shape))
        return cls(structure.shape, (structure**2).sum(), spectrum)


def _padded(size: tuple[int, ...]) -> tuple[int, int]:
    return 2 * size[0], 2 * size[1]


def _similarity(one: _Structure, other: _Structure) -> float:
    """The best correlation over all shifts, weighed by how much overlaps: -1 to 1."""
    if one.size != other.size:
        return 0.0
    sums = np.fft.irfft2(one.spectrum * np.conj(other.spectrum), _padded(one.size))
    power = float(np.sqrt(one.power * other.power)) + 1e-6
    return float(sums.max()) / power
