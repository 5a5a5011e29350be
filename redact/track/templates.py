"""Template correlation: does a box still hold what it held when it was detected?

A template is a small square of grey samples from inside a box, with its mean removed and its
contrast made even. Two of them are compared by their zero-mean normalised cross-correlation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from redact.core.geometry import Box
from redact.core.interfaces import View

Template: TypeAlias = NDArray[np.float32]
"""(side, side) grey samples of mean 0 and deviation 1, less where a box holds little contrast."""

_SIDE = 12
"""Samples across and down a template."""
_MIN_CORRELATION = 0.5
"""Two templates with at least this correlation show the same thing."""


def extract_templates(view: View, boxes: Sequence[Box], side: int = _SIDE) -> list[Template | None]:
    """The template of each box, None for a box outside the picture.

    All boxes are sampled at once, since there are many.

    Args:
        view: The frame; its small grey picture is sampled.
        boxes: In pixels of the upright picture.
        side: Samples across and down.
    """
    if not boxes:
        return []
    rows, columns = view.grey.shape
    scale = columns / view.size.width, rows / view.size.height
    sides = np.array([(b.left, b.top, b.width, b.height) for b in boxes]) * (scale * 2)
    left, top, width, height = sides.T[:, :, None]
    middles = (np.arange(side) + 0.5) / side
    across, down = left + middles * width, top + middles * height  # (boxes, side)
    outside = (across[:, -1] < 0) | (down[:, -1] < 0)
    outside |= (across[:, 0] >= columns) | (down[:, 0] >= rows)
    x = np.clip(across.astype(int), 0, columns - 1)
    y = np.clip(down.astype(int), 0, rows - 1)
    samples = view.grey[y[:, :, None], x[:, None, :]].astype(np.float32)
    samples -= samples.mean(axis=(1, 2), keepdims=True)
    samples /= samples.std(axis=(1, 2), keepdims=True) + 1.0
    return [None if gone else one for gone, one in zip(outside, samples, strict=True)]


def is_similar(template: Template, content: Template) -> bool:
    """Whether a box's content now still correlates with the template of its detection."""
    return float(np.vdot(template, content)) >= _MIN_CORRELATION * template.size
