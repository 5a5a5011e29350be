"""Frames and pictures as the decoder made them: planes of samples, and what they mean."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from redact.core.geometry import Size, Turn

Samples: TypeAlias = NDArray[Any]
"""Unsigned 8 or 16 bit samples, (height, width) or (height, width, channels)."""

Rgb: TypeAlias = NDArray[np.uint8]
"""An upright picture, (height, width, 3), 8 bit, red first."""

Grey: TypeAlias = NDArray[np.uint8]
"""An upright picture's brightness, (height, width), 8 bit."""

_LUMA_WEIGHTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
"""Red's and blue's share of luma, from the recommendations ITU-R BT.601, BT.709 and BT.2020."""

Role: TypeAlias = Literal["y", "u", "v", "uv", "r", "g", "b", "rgb", "a", "ya", "rgba"]
"""What a plane's channels hold, one letter a channel."""


@dataclass(frozen=True, slots=True)
class Plane:
    """One plane of a picture, as stored.

    Args:
        samples: A writable view; drawing into it draws into the picture.
        role: What the channels hold.
        step: Picture pixels per sample, across and down: (2, 2) for the chroma of 4:2:0.
    """

    samples: Samples
    role: Role
    step: tuple[int, int] = (1, 1)


@dataclass(frozen=True, slots=True)
class Colour:
    """What sample values mean.

    Args:
        bits: Significant bits of a sample, in the low end of its integer.
        full_range: Whether black and white are the ends of the scale (not 16 and 235 of 255).
        matrix: How luma and chroma are mixed from red, green and blue.
    """

    bits: int = 8
    full_range: bool = True
    matrix: Literal["bt601", "bt709", "bt2020"] = "bt709"

    @property
    def top(self) -> int:
        """The largest sample value."""
        return int((1 << self.bits) - 1)

    def sample(self, channel: str, rgb: tuple[int, int, int]) -> int:
        """The value of one channel (a letter of `Role`) for an 8-bit colour."""
        red, green, blue = (value / 255 for value in rgb)
        if channel == "a":
            return self.top
        if channel in "rgb":
            return round({"r": red, "g": green, "b": blue}[channel] * self.top)
        weight_red, weight_blue = _LUMA_WEIGHTS[self.matrix]
        luma = weight_red * red + (1 - weight_red - weight_blue) * green + weight_blue * blue
        if channel == "y":
            return self._scaled(luma, 16, 219)
        away, weight = (blue, weight_blue) if channel == "u" else (red, weight_red)
        return self._scaled((away - luma) / (1 - weight) / 2, 128, 224)

    def samples(self, channel: str, rgb: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same for many colours at once, not rounded.

        Args:
            channel: A letter of `Role`, but not alpha.
            rgb: (..., 3), from 0 to 255.
        """
        zero = float(self.sample(channel, (0, 0, 0)))
        found = np.full(rgb.shape[:-1], zero, np.float32)
        for primary, weight in enumerate(self._weights(channel)):
            found += rgb[..., primary] * np.float32(weight / 255)
        return found

    def _weights(self, channel: str) -> tuple[float, float, float]:
        """How much each primary at its full strength adds to a channel."""
        if channel in "rgb":
            red, green, blue = (float(self.top) if name == channel else 0.0 for name in "rgb")
            return red, green, blue
        red, blue = _LUMA_WEIGHTS[self.matrix]
        green = 1 - red - blue
        if channel == "y":
            span = self.top if self.full_range else 219 * (1 << (self.bits - 8))
            return red * span, green * span, blue * span
        span = self.top if self.full_range else 224 * (1 << (self.bits - 8))
        if channel == "u":
            half = span / 2 / (1 - blue)
            return -red * half, -green * half, (1 - blue) * half
        half = span / 2 / (1 - red)
        return (1 - red) * half, -green * half, -blue * half

    def _scaled(self, share: float, foot: int, span: int) -> int:
        if self.full_range:
            middle = (self.top + 1) // 2 if foot == 128 else 0
            return min(self.top, round(share * self.top) + middle)
        return round((foot + share * span) * (1 << (self.bits - 8)))


class Picture(Protocol):
    """One decoded picture that keeps the decoder's own samples."""

    @property
    def stored_size(self) -> Size:
        """Size of the stored pixels."""

    @property
    def turn(self) -> Turn:
        """How the stored pixels become upright."""

    @property
    def colour(self) -> Colour:
        """What the sample values mean."""

    def planes(self) -> tuple[Plane, ...]:
        """Writable views in stored orientation."""

    def rgb(self, size: Size) -> Rgb:
        """An upright copy scaled to that upright size."""


@dataclass(frozen=True, slots=True)
class PictureCopy:
    """A picture with its own copy of the samples, for a style to draw on."""

    stored_size: Size
    turn: Turn
    colour: Colour
    samples: tuple[Plane, ...]

    @classmethod
    def of(cls, picture: Picture) -> PictureCopy:
        """A copy of that picture."""
        copies = tuple(replace(p, samples=np.array(p.samples)) for p in picture.planes())
        return cls(picture.stored_size, picture.turn, picture.colour, copies)

    def planes(self) -> tuple[Plane, ...]:
        """Writable, in stored orientation."""
        return self.samples

    def rgb(self, size: Size) -> Rgb:
        """Always an error: a style draws on planes, and must not read anything else.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError(f"no copy of {size} is to be had of this one")


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture with its place in the video.

    Args:
        index: Counts stored frames from 0: the frame's identity.
        time: Seconds, exactly as the file's own timestamp says.
        picture: The decoded picture.
    """

    index: int
    time: Fraction
    picture: Picture


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What is known about a source before its frames are read.

    Args:
        size: Size of the upright picture.
        frames: How many frames the container promises, None where it does not say.
        duration: Seconds, None where unknown.
        rate: Mean frames per second, None for a still.
        pages: Whether frames are pages of a document: each is a picture of its own, of any size.
    """

    size: Size
    frames: int | None = None
    duration: Fraction | None = None
    rate: Fraction | None = None
    pages: bool = False

    @property
    def is_still(self) -> bool:
        """Whether it is one picture or pages, and no video."""
        return self.pages or (self.frames == 1 and self.rate is None)


def digest_samples(picture: Picture, said: tuple[object, ...] = ()) -> str:
    """A SHA-256 of the samples of all planes, and of what else is said of the picture."""
    found = hashlib.sha256(repr(said).encode())
    for plane in picture.planes():
        shape = plane.role, plane.step, plane.samples.shape, plane.samples.dtype.str
        found.update(repr(shape).encode())
        found.update(np.ascontiguousarray(plane.samples).data)
    return found.hexdigest()


def upright_size(picture: Picture) -> Size:
    """Width and height of the picture once it is upright."""
    return picture.turn.upright_size(picture.stored_size)


def upright(samples: Samples, turn: Turn) -> Samples:
    """Stored samples turned upright, as a view."""
    mirrored = samples[:, ::-1] if turn.mirrored else samples
    return np.rot90(mirrored, -turn.quarters)


def stored(samples: Samples, turn: Turn) -> Samples:
    """Upright samples laid as they are stored, as a view: the inverse of `upright`."""
    turned = np.rot90(samples, turn.quarters)
    return turned[:, ::-1] if turn.mirrored else turned
