"""What the patches around plates tell: whether a program drew them, and whether they are captions.

A patch is what lies in and around a plate in one frame; its middle third is the plate's box.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray

from redact.core.frames import Grey

_FLAT, _DARK = 0.6, 48
"""Share of the surroundings that has one grey, and no dark one as at night, where a program drew
them: a camera gives 0.42 at most around a plate, programs that draw buttons 0.4 to 1."""

_INSIDE, _OUTSIDE = 0.7, 0.3
"""A caption's own samples correlate at least so much from one moment to another, and those around
it at most so much."""
_LEAST_PAIRS = 3
_EMBLEM = 0.9
"""What is the same in two shots correlates at least so much; two plates reach 0.83."""


def is_drawn(patches: Sequence[Grey]) -> bool:
    """Whether what is around it is of one bright colour, as no camera sees it."""
    return median(_flatness(patch) for patch in patches) >= _FLAT


def _flatness(patch: Grey) -> float:
    """Share of the surroundings within one step of their commonest grey; 0 if that is dark."""
    around = patch[~_middle_of(patch)].astype(int)
    commonest = int(np.bincount(around).argmax())
    return float(np.mean(np.abs(around - commonest) <= 1)) if commonest >= _DARK else 0.0


def is_caption(patches: Sequence[Grey]) -> bool:
    """Whether it mostly stays as it is while what is around it changes."""
    pairs = list(pairwise(patches))
    if len(pairs) < _LEAST_PAIRS:
        return False
    return sum(_changes_around(*pair, _INSIDE) for pair in pairs) > len(pairs) / 2


def is_emblem(one: Grey, other: Grey) -> bool:
    """Whether patches of two shots show the same thing amid other things."""
    return _changes_around(one, other, _EMBLEM)


def _changes_around(before: Grey, after: Grey, like: float) -> bool:
    inside = _middle_of(before)
    same = _correlation(before[inside], after[inside]) >= like
    return same and _correlation(before[~inside], after[~inside]) <= _OUTSIDE


def _middle_of(patch: Grey) -> NDArray[np.bool_]:
    """Where in a patch the box lies."""
    third = len(patch) // 3
    inside = np.zeros(patch.shape, bool)
    inside[third:-third, third:-third] = True
    return inside


def _correlation(one: Grey, other: Grey) -> float:
    """Zero-mean normalised cross-correlation; near 1 where both are flat."""
    first, second = (_normalised(values) for values in (one, other))
    return float(np.mean(first * second)) if first.any() or second.any() else 1.0


def _normalised(values: Grey) -> NDArray[np.float32]:
    centred = values.astype(np.float32) - values.mean(dtype=np.float32)
    return np.asarray(centred / (centred.std() + 1.0), np.float32)
