"""One still picture in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from redact.core.frames import Colour, Plane, Rgb, Role, Samples
from redact.core.geometry import Size, Turn

_ROLES: dict[int, Role] = {1: "y", 2: "ya", 3: "rgb", 4: "rgba"}


_FEW_BITS = 12
"""Significant bits of 16 up to which a picture is black as it is, and plain once stretched."""


def _bits_beyond(samples: Samples) -> int:
    """By how many bits samples of 16 bits are shifted, so that 8 show what is there to see.

    Some programs store 8, 10 or 12 bits in 16 without scaling them.
    """
    bits = int(samples.max()).bit_length()
    return max(0, bits - 8) if bits <= _FEW_BITS else 8


@dataclass(frozen=True, slots=True)
class StillPicture:
    """One upright picture in memory: a `redact.core.frames.Picture`.

    Args:
        samples: (height, width) or (height, width, channels), 8 or 16 bit, RGB order.
    """

    samples: Samples

    @property
    def stored_size(self) -> Size:
        """The size; pixels are stored upright."""
        return Size(self.samples.shape[1], self.samples.shape[0])

    @property
    def turn(self) -> Turn:
        """No turn: pixels are stored upright."""
        return Turn()

    @property
    def colour(self) -> Colour:
        """Full range. There is no chroma, so the matrix has no meaning."""
        return Colour(bits=8 * self.samples.itemsize)

    def planes(self) -> tuple[Plane, ...]:
        """The one plane, writable."""
        channels = 1 if self.samples.ndim == 2 else self.samples.shape[2]
        return (Plane(self.samples, _ROLES[channels]),)

    def rgb(self, size: Size) -> Rgb:
        """A copy scaled to that size, alpha ignored."""
        samples = np.atleast_3d(self.samples)
        samples = samples[..., : 3 if samples.shape[2] > 2 else 1]
        if samples.itemsize > 1:  # straight into 8 bits: in steps it takes five times as long
            eight = np.empty(samples.shape, np.uint8)
            samples = np.right_shift(samples, _bits_beyond(samples), out=eight, casting="unsafe")
        if samples.shape[2] == 1:
            samples = samples.repeat(3, axis=2)
        colours = samples.astype(np.uint8, order="C", copy=size == self.stored_size)
        if size == self.stored_size:
            return colours
        shown = Image.fromarray(colours)  # a large picture's copies are large: as few as can be
        scaled = shown.resize((size.width, size.height), Image.Resampling.BILINEAR)
        return np.array(scaled)
