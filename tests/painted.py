"""Pictures painted in memory, in any layout that a decoder could hand over."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from redact.core.frames import Colour, Plane, Rgb, Role, Samples, upright
from redact.core.geometry import Size, Turn

LAYOUTS: dict[str, tuple[tuple[Role, tuple[int, int]], ...]] = {
    "yuv420p": (("y", (1, 1)), ("u", (2, 2)), ("v", (2, 2))),
    "yuv422p": (("y", (1, 1)), ("u", (2, 1)), ("v", (2, 1))),
    "yuv444p": (("y", (1, 1)), ("u", (1, 1)), ("v", (1, 1))),
    "yuv411p": (("y", (1, 1)), ("u", (4, 1)), ("v", (4, 1))),
    "yuva420p": (("y", (1, 1)), ("u", (2, 2)), ("v", (2, 2)), ("a", (1, 1))),
    "nv12": (("y", (1, 1)), ("uv", (2, 2))),
    "gbrp": (("g", (1, 1)), ("b", (1, 1)), ("r", (1, 1))),
    "rgb": (("rgb", (1, 1)),),
    "rgba": (("rgba", (1, 1)),),
    "ya": (("ya", (1, 1)),),
    "gray": (("y", (1, 1)),),
}
"""Role and step of each plane, by layout."""

TURNS = tuple(Turn(quarters, mirrored) for quarters in range(4) for mirrored in (False, True))


@dataclass(frozen=True, slots=True)
class PaintedPicture:
    """Fulfils `redact.core.frames.Picture` from arrays.

    Args:
        painted: The planes; the first one has a sample for every pixel.
        colour: What the sample values mean.
        turn: How the stored pixels become upright.
    """

    painted: tuple[Plane, ...]
    colour: Colour = field(default_factory=Colour)
    turn: Turn = field(default_factory=Turn)

    @property
    def stored_size(self) -> Size:
        rows, columns = self.painted[0].samples.shape[:2]
        return Size(columns, rows)

    def planes(self) -> tuple[Plane, ...]:
        return self.painted

    def rgb(self, size: Size) -> Rgb:
        """Nearest pixels of the first plane's channels; chroma is ignored."""
        first = self.painted[0].samples
        channels = first[..., None] if first.ndim == 2 else first
        three = channels[..., [0, min(1, channels.shape[2] - 1), channels.shape[2] - 1]]
        if self.painted[0].role in ("rgb", "rgba"):
            three = channels[..., :3]
        shown = upright(three >> (self.colour.bits - 8), self.turn)
        rows = np.arange(size.height) * shown.shape[0] // size.height
        columns = np.arange(size.width) * shown.shape[1] // size.width
        return np.ascontiguousarray(shown[rows][:, columns]).astype(np.uint8)

    def copy(self) -> PaintedPicture:
        """Another picture with the same samples."""
        planes = tuple(replace(plane, samples=plane.samples.copy()) for plane in self.painted)
        return replace(self, painted=planes)


def painted(
    size: Size,
    layout: str = "yuv420p",
    bits: int = 8,
    turn: Turn = Turn(),  # noqa: B008 (frozen)
    seed: int = 0,
) -> PaintedPicture:
    """Noise over a slope, different for each seed.

    Args:
        size: Of the stored pixels.
        layout: A name of `LAYOUTS`.
        bits: Significant bits of a sample.
        turn: How the stored pixels become upright.
        seed: Of the noise.
    """
    random = np.random.default_rng(seed)
    planes = tuple(
        Plane(_noise(random, size, role, step, bits), role, step) for role, step in LAYOUTS[layout]
    )
    return PaintedPicture(planes, Colour(bits=bits), turn)


def repainted(picture: PaintedPicture, masks: list[NDArray[np.bool_]], seed: int) -> PaintedPicture:
    """A copy with fresh noise under the masks, one mask a plane."""
    other = picture.copy()
    random = np.random.default_rng(seed)
    for plane, mask in zip(other.planes(), masks, strict=True):
        noise = random.integers(0, picture.colour.top + 1, plane.samples.shape)
        plane.samples[mask] = noise[mask]
    return other


def flat(size: Size, rgb: tuple[int, int, int], layout: str = "rgb") -> PaintedPicture:
    """A picture of one colour, 8 bit."""
    picture = painted(size, layout)
    for plane in picture.planes():
        values = [picture.colour.sample(channel, rgb) for channel in plane.role]
        plane.samples[...] = values if plane.samples.ndim == 3 else values[0]
    return picture


def same(one: PaintedPicture, other: PaintedPicture) -> bool:
    """Whether both have the same samples, bit by bit."""
    pairs = zip(one.planes(), other.planes(), strict=True)
    return all(np.array_equal(a.samples, b.samples) for a, b in pairs)


def _noise(
    random: np.random.Generator, size: Size, role: Role, step: tuple[int, int], bits: int
) -> Samples:
    rows, columns = -(-size.height // step[1]), -(-size.width // step[0])
    shape = (rows, columns, len(role)) if len(role) > 1 else (rows, columns)
    top = (1 << bits) - 1
    slope = np.linspace(0, top // 2, columns, dtype=np.int64)
    slope = slope[:, None] if len(role) > 1 else slope
    values = slope + random.integers(0, top // 2 + 1, shape)
    return values.astype(np.uint8 if bits == 8 else np.uint16)
