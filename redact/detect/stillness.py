"""Whether a video's small grey picture is still the one that was last looked at."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from redact.core.frames import Grey

_BLOCK = 8
"""Pixels of the small grey picture along a block's side."""

_MEAN = 1.5
"""Mean change of a block, in steps of 255, above which the picture is another one."""

_PEAK = 8
"""Change of a single pixel above which it is: the smallest faces take a few pixels only.

Both are just above what encoders do to a picture that stands still. A camera's noise is above them,
so that a noisy picture is always a new one, which is what noise asks for.
"""


class StillnessWatch:
    """Remembers the picture that one kind of look saw last.

    A picture is compared with the one that was looked at, however long ago, and never with the one
    before it: what fades in slowly is seen once it has changed enough.

    Args:
        unseen: Seconds that may pass between two looks.
    """

    def __init__(self, unseen: float) -> None:
        self._unseen = unseen
        self._seen: Grey | None = None
        self._looked = self._last = Fraction(0)

    def is_new(self, grey: Grey, time: Fraction, gain: float = 1.0) -> bool:
        """Whether this picture is to be looked at; it is then taken as seen. Times grow.

        Args:
            grey: (height, width), 8 bit, of one size in one video.
            time: Seconds.
            gain: By what the picture is brightened before it is looked at.
        """
        again = time + (time - self._last)  # when it is asked next, about
        self._last = time
        if self._seen is None or again - self._looked > self._unseen:
            new = True
        else:
            new = has_changed(self._seen, grey, gain)
        if new:
            self._seen, self._looked = grey, time
        return new


def has_changed(before: Grey, after: Grey, gain: float = 1.0) -> bool:
    """Whether any part of a picture is another one.

    Args:
        before: (height, width), 8 bit.
        after: The same shape.
        gain: By what both are brightened before they are looked at.
    """
    change = np.maximum(before, after) - np.minimum(before, after)
    if change.max() * gain > _PEAK:
        return True  # as in nearly all pictures
    height, width = change.shape
    padded = np.pad(change, ((0, -height % _BLOCK), (0, -width % _BLOCK)))
    rows, columns = padded.shape
    blocks = padded.reshape(rows // _BLOCK, _BLOCK, columns // _BLOCK, _BLOCK)
    return bool(blocks.mean(axis=(1, 3)).max() * gain > _MEAN)
