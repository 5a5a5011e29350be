"""Novelty: how much of a picture is not in the one that passes ran on last?

A schedule that looks at every third frame misses what is there for one frame: flash frames, short
shots, time-lapses. So each frame is compared with the last one that passes ran on. Movement is
nothing new: a block is new only if nothing near its place in that picture looks like it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from redact.core.findings import Kind
from redact.core.frames import Grey
from redact.core.passes import Pass

_SIDE = 96
"""Longer side, in pixels, of the pictures that are compared."""

_BLOCK = 6
"""Pixels of a block's side."""

_REACH = 6
"""Pixels that a block's content may have moved, across and down: a sixteenth of the picture."""

_STEP = 3
"""Pixels from one place that is compared to the next."""

_DIFFERENCE = 22.0
"""Mean difference of a block, in steps of 255, from which it does not look the same."""

_NEW_SHARE = 0.22
"""Share of new blocks from which a picture is new."""


_AROUND = 12
"""Frames before and after one within which others are counted."""

_LEAST_COMPARED = 4
"""Frames that must have been compared there."""

_RESTLESS_SHARE = 0.8
"""Share of them that must be new for pictures to be restless."""


class NoveltyWatch:
    """Compares pictures with the one that passes ran on last."""

    def __init__(self) -> None:
        self._reference: NDArray[np.int16] | None = None

    def is_new(self, grey: Grey, gain: float = 1.0) -> bool:
        """Whether much of this picture is nowhere near its place in the reference.

        Args:
            grey: (height, width), 8 bit, of one size in one video.
            gain: The factor by which the picture is brightened before detection.
        """
        if self._reference is None:
            return True
        return new_share(self._reference, shrink(grey), gain) >= _NEW_SHARE

    def take(self, grey: Grey) -> None:
        """Make this picture the reference: passes run on it."""
        self._reference = shrink(grey)


def shrink(grey: Grey) -> NDArray[np.int16]:
    """(rows, columns): a small copy by means of squares, its sides whole blocks."""
    step = max(1, -(-max(grey.shape) // _SIDE))
    rows, columns = (max(1, side // (step * _BLOCK)) * _BLOCK for side in grey.shape)
    missing = (max(0, n * step - side) for n, side in zip((rows, columns), grey.shape, strict=True))
    padded = np.pad(grey, [(0, more) for more in missing], mode="edge")
    squares = padded[: rows * step, : columns * step].reshape(rows, step, columns, step)
    return np.asarray(squares.mean(axis=(1, 3), dtype=np.float32), np.int16)


def new_share(before: NDArray[np.int16], after: NDArray[np.int16], gain: float = 1.0) -> float:
    """The share of blocks of a picture that look like nothing near their place in another one.

    Args:
        before: (rows, columns) from `shrink`.
        after: The same shape; another one is all new.
        gain: The factor by which both are brightened before detection.
    """
    if before.shape != after.shape:
        return 1.0
    if np.array_equal(before, after):
        return 0.0  # a still picture, as most are where nothing happens
    rows, columns = after.shape
    around = np.pad(before, _REACH, mode="edge")
    least = np.full((rows // _BLOCK, columns // _BLOCK), np.inf, np.float32)
    shifts = range(0, 2 * _REACH + 1, _STEP)
    for down in shifts:
        for across in shifts:
            there = around[down : down + rows, across : across + columns]
            difference = np.abs(after - there)
            blocks = difference.reshape(rows // _BLOCK, _BLOCK, columns // _BLOCK, _BLOCK)
            np.minimum(least, blocks.mean(axis=(1, 3), dtype=np.float32), out=least)
    return float((least * gain > _DIFFERENCE).mean())


def main_passes(passes: Sequence[Pass]) -> list[Pass]:
    """The most frequent pass of each kind of thing, faces first; such as see all pictures."""
    found: dict[Kind, Pass] = {}
    for pass_ in passes:
        usual = not pass_.above and not pass_.quarters
        if usual and (pass_.kind not in found or pass_.every < found[pass_.kind].every):
            found[pass_.kind] = pass_
    return sorted(found.values(), key=lambda pass_: pass_.kind is not Kind.FACE)


def find_restless(compared: Sequence[tuple[int, bool]]) -> frozenset[int]:
    """Frames around which nearly every picture is new, as in a time-lapse or a montage.

    Args:
        compared: Indices of frames that were compared, ascending, and whether they were new.
    """
    indices = np.array([index for index, _ in compared], np.int64)
    new = np.cumsum([0, *(is_new for _, is_new in compared)])
    low, high = (np.searchsorted(indices, indices + side) for side in (-_AROUND, _AROUND + 1))
    counts, news = high - low, new[high] - new[low]
    restless = (counts >= _LEAST_COMPARED) & (news >= _RESTLESS_SHARE * counts)
    near = {frame for index in indices[restless] for frame in range(index - 2, index + 3)}
    return frozenset(int(frame) for frame in near)
