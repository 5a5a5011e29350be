"""Pictures with as many colours as a GIF's palette holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from redact.core.frames import Samples

PALETTE_COLOURS = 255
"""Colours of a GIF's palette; one more index means transparent."""

_COMMONEST = 128
"""Number of the commonest colours that are kept where there are too many; the others of the palette
are those that lie farthest from all before them, so that of any colour a mixture comes close."""

_NOISE = 0.1
"""What the noise of a mixture counts beside how far it is off: dots of a far colour are seen."""


def _pack_rgb(samples: Samples) -> NDArray[np.uint32]:
    red, green, blue = (samples[..., i].astype(np.uint32) for i in range(3))
    return np.asarray((red << 16) | (green << 8) | blue, np.uint32)


def _unpack_rgb(colours: NDArray[np.uint32]) -> NDArray[np.uint8]:
    return np.stack([colours >> 16, colours >> 8 & 255, colours & 255], -1).astype(np.uint8)


def reduce_colours(samples: Samples) -> Samples:
    """The picture with as many colours as a palette holds, each pixel opaque or transparent."""
    clear = samples[..., 3] < 128
    packed = np.where(clear, np.uint32(0), _pack_rgb(samples))
    colours, places, counts = np.unique(packed, return_inverse=True, return_counts=True)
    places = places.reshape(packed.shape)
    if colours.size > PALETTE_COLOURS:
        near, far, share = _mix_colours(_unpack_rgb(colours), counts)
        chosen = np.where(_threshold(packed.shape) < share[places], far[places], near[places])
        shown = _unpack_rgb(np.where(clear, np.uint32(0), chosen))
    else:
        shown = _unpack_rgb(colours[places])
    seen = np.where(clear, np.uint8(0), np.uint8(255))[..., None]
    return np.ascontiguousarray(np.concatenate([shown, seen], axis=2))


def _mix_colours(
    colours: NDArray[np.uint8], counts: NDArray[np.intp]
) -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.float32]]:
    """Two colours of the palette for each, and the share of the second that makes it of both.

    Those of the palette stay as they are, and areas of the others keep their mean colour.

    Args:
        colours: (n, 3).
        counts: Of their pixels.
    """
    palette = _choose_palette(colours, counts)
    found = [_mix_of(part, palette) for part in np.array_split(colours, len(colours) // 512 + 1)]
    near, far, share = (np.concatenate(parts) for parts in zip(*found, strict=True))
    packed = _pack_rgb(palette)
    return packed[near], packed[far], share


def _choose_palette(colours: NDArray[np.uint8], counts: NDArray[np.intp]) -> NDArray[np.uint8]:
    chosen = list(np.argsort(-counts, kind="stable")[:_COMMONEST])
    places = colours.astype(np.float32)
    apart = np.full(len(colours), np.inf, np.float32)
    for number in range(PALETTE_COLOURS):
        if number >= len(chosen):
            chosen.append(apart.argmax())
        apart = np.minimum(apart, np.square(places - places[chosen[number]]).sum(axis=1))
    return colours[chosen]


def _mix_of(
    colours: NDArray[np.uint8], palette: NDArray[np.uint8]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """For each colour the nearest of the palette, and with it the mixture that comes closest."""
    wanted, there = colours.astype(np.float32), palette.astype(np.float32)
    near = np.square(wanted[:, None] - there[None]).sum(axis=2).argmin(axis=1)
    missing = wanted - there[near]
    steps = there[None] - there[near][:, None]
    lengths = np.square(steps).sum(axis=2)
    shares = np.einsum("ij,ikj->ik", missing, steps) / np.maximum(lengths, 1)
    shares = shares.clip(0, 0.5).astype(np.float32)
    left = np.square(missing[:, None] - shares[..., None] * steps).sum(axis=2)
    noise = shares * (1 - shares) * lengths
    far = (left + _NOISE * noise).argmin(axis=1)
    return near, far, shares[np.arange(len(colours)), far]


def _threshold(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Ordered dithering: from 0 to 1, all of 64 steps in each square of eight pixels."""
    steps = np.zeros((1, 1))
    for _ in range(3):
        steps = np.block([[4 * steps, 4 * steps + 2], [4 * steps + 3, 4 * steps + 1]])
    again = -(-shape[0] // 8), -(-shape[1] // 8)
    tiled = np.tile((steps + 0.5) / 64, again)[: shape[0], : shape[1]]
    return np.asarray(tiled, np.float32)


def to_indices(picture: Samples) -> tuple[NDArray[np.uint8], bytes]:
    """Palette indices of the pixels, and the palette of 256 colours."""
    clear = picture[..., 3] == 0
    packed = _pack_rgb(picture)
    colours = np.unique(packed[~clear])
    indices = np.searchsorted(colours, packed).clip(0, max(0, colours.size - 1))
    palette = np.zeros((256, 3), np.uint8)
    palette[: colours.size] = _unpack_rgb(colours)
    return np.where(clear, PALETTE_COLOURS, indices).astype(np.uint8), palette.tobytes()
