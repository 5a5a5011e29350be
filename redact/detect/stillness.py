"""Stillness: is a video's small grey picture still the one that a pass ran on last?"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from redact.core.frames import Grey

_BLOCK = 8
"""Pixels of the small grey picture along a block's side."""

_MAX_BLOCK_CHANGE = 1.5
"""Mean change of a block, in steps of 255, above which the picture has changed."""

_MAX_PIXEL_CHANGE = 8
"""Change of a single pixel above which it has: the smallest faces take a few pixels only.

Both are just above what encoders do to a picture that stands still. A camera's noise is above them,
so that a noisy picture is always a new one, which is what noise asks for.
"""


class StillnessWatch:
    """Remembers the picture that one pass ran on last.

    A picture is compared with that one, however long ago it was, and never with the one before it:
    what fades in slowly is found once it has changed enough.

    Args:
        max_age: Seconds that may pass between two runs.
    """

    def __init__(self, max_age: float) -> None:
        self._max_age = max_age
        self._reference: Grey | None = None
        self._reference_time = self._last_time = Fraction(0)

    def is_new(self, grey: Grey, time: Fraction, gain: float = 1.0) -> bool:
        """Whether the pass must run on this picture; it then becomes the reference. Times grow.

        Args:
            grey: (height, width), 8 bit, of one size in one video.
            time: Seconds.
            gain: The factor by which the picture is brightened before detection.
        """
        next_time = time + (time - self._last_time)  # of the next picture, about
        self._last_time = time
        if self._reference is None or next_time - self._reference_time > self._max_age:
            new = True
        else:
            new = has_changed(self._reference, grey, gain)
        if new:
            self._reference, self._reference_time = grey, time
        return new


def has_changed(before: Grey, after: Grey, gain: float = 1.0) -> bool:
    """Whether any part of a picture has changed.

    Args:
        before: (height, width), 8 bit.
        after: The same shape.
        gain: The factor by which both are brightened before detection.
    """
    change = np.maximum(before, after) - np.minimum(before, after)
    if change.max() * gain > _MAX_PIXEL_CHANGE:
        return True  # as in nearly all pictures
    height, width = change.shape
    padded = np.pad(change, ((0, -height % _BLOCK), (0, -width % _BLOCK)))
    rows, columns = padded.shape
    blocks = padded.reshape(rows // _BLOCK, _BLOCK, columns // _BLOCK, _BLOCK)
    return bool(blocks.mean(axis=(1, 3)).max() * gain > _MAX_BLOCK_CHANGE)
