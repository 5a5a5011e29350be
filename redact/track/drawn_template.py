"""What a box that a person drew holds: finer than a detection's template, and robust.

A person is drawn around loosely, walks, and is half hidden now and then. So the middle of the box
counts more than its corners, and a sample that differs counts no more than one that differs a lot
(a truncated squared error, as in robust estimation: Huber, 1964).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from redact.core.geometry import Box
from redact.core.interfaces import View
from redact.track.templates import extract_templates

HELD = 0.64
"""Likeness from which a box that was followed from the frame before still holds the thing."""
FOUND = 0.74
"""Likeness from which a thing that was out of sight is found again by searching."""

_RESEMBLED = 0.53
"""Likeness to what was drawn around below which a box may hold something else by now."""
_RENEWABLE = 0.7
"""Likeness from which a box's content becomes the latest template: things turn, and come nearer."""
_SIDE = 20
"""Samples across and down."""
_MOST_ERROR = 1.0
"""Squared difference of two samples, in their deviations, above which it counts no more."""
_LEAST_DEVIATION = 0.05
"""Added to a deviation, so that a flat box has no noise blown up."""
_SIZE_COST = 0.5
"""What a candidate loses for each unit by which the logarithm of its width differs."""


def _make_weights() -> NDArray[np.float32]:
    """(samples,), of sum 1: a bell that is higher than wide, as people are."""
    away = (np.arange(_SIDE) + 0.5) / _SIDE * 2 - 1
    bell = np.exp(-0.5 * ((away[:, None] / 0.75) ** 2 + (away[None, :] / 0.5) ** 2))
    return np.asarray(bell / bell.sum(), np.float32).ravel()


_WEIGHTS = _make_weights()


class DrawnTemplate:
    """What was drawn around, and what it looked like last.

    Args:
        view: The frame in which the box was drawn.
        box: In pixels of the upright picture.
    """

    def __init__(self, view: View, box: Box) -> None:
        self._known = _contents(view, [box])

    def renew(self, view: View, box: Box) -> None:
        """Take what the box holds now as the latest template, if it is no other thing."""
        content = _contents(view, [box])
        if _likeness(self._known[-1:], content).max() >= _RENEWABLE:
            self._known = np.concatenate([self._known[:1], content])

    def best(self, view: View, boxes: Sequence[Box], width: float) -> tuple[Box, float]:
        """The candidate that looks most like it, and how much, up to 1.

        Args:
            view: The frame.
            boxes: Candidates, at least one, in pixels of the upright picture.
            width: What it was last; the nearer to it, the better.
        """
        change = np.log([box.width / width for box in boxes])
        scores = _likeness(self._known, _contents(view, boxes)).max(axis=0)
        scores = scores - _SIZE_COST * np.abs(change)
        place = int(scores.argmax())
        return boxes[place], float(scores[place])

    def still_resembles(self, view: View, box: Box) -> bool:
        """Whether a box looks like what was drawn around.

        The latest template may have become another thing little by little.
        """
        return bool(_likeness(self._known[:1], _contents(view, [box])).max() >= _RESEMBLED)


def candidates_around(box: Box, reach: float, steps: int, scales: Sequence[float]) -> Iterator[Box]:
    """The box shifted both ways by up to `reach` sides, in so many steps, at each scale."""
    x, y = box.centre
    shifts = np.linspace(-reach, reach, steps).tolist()
    for scale in scales:
        width, height = box.width * scale, box.height * scale
        for across in shifts:
            for down in shifts:
                yield Box.around(x + across * box.width, y + down * box.height, width, height)


def _contents(view: View, boxes: Sequence[Box]) -> NDArray[np.float32]:
    """(boxes, samples): what each holds, of weighted mean 0 and deviation 1.

    A box outside of the picture has values that resemble nothing.
    """
    nothing = np.full((_SIDE, _SIDE), np.inf, np.float32)
    found = extract_templates(view, boxes, _SIDE)
    samples = np.stack([nothing if one is None else one for one in found])
    flat = samples.reshape(len(boxes), -1)
    with np.errstate(invalid="ignore"):
        flat = flat - (flat @ _WEIGHTS)[:, None]
        flat = flat / (np.sqrt(flat**2 @ _WEIGHTS) + _LEAST_DEVIATION)[:, None]
    return np.asarray(np.nan_to_num(flat, nan=np.inf), np.float32)


def _likeness(known: NDArray[np.float32], contents: NDArray[np.float32]) -> NDArray[np.float32]:
    """(known, contents): 1 where both are the same; about 0.4 for two that have nothing in common.

    Args:
        known: (known, samples).
        contents: (contents, samples).
    """
    with np.errstate(invalid="ignore"):
        errors = np.minimum((known[:, None] - contents) ** 2, _MOST_ERROR)
    return np.asarray(1 - np.nan_to_num(errors, nan=_MOST_ERROR) @ _WEIGHTS, np.float32)
