"""Solid: one colour over everything that is hidden, or over characters alone."""

from __future__ import annotations

from collections.abc import Sequence

from redact.core.frames import Picture
from redact.core.geometry import Region
from redact.hide.masks import Grid


class Solid:
    """Irreversible: what is drawn depends on nothing but the shape.

    Args:
        rgb: The colour, three values from 0 to 255.
    """

    def __init__(self, rgb: tuple[int, int, int] = (0, 0, 0)) -> None:
        self._rgb = rgb

    def hide(self, picture: Picture, regions: Sequence[Region]) -> None:
        """Draw the colour over all regions, opaque, without a soft edge."""
        grid = Grid.of(picture)
        for shape in grid.shapes(regions):
            blocks = grid.mask([shape], shape.window)
            for plane in picture.planes():
                values = [picture.colour.sample(channel, self._rgb) for channel in plane.role]
                mask = grid.to_samples(blocks, plane, shape.window)
                samples = grid.samples(plane, shape.window)
                samples[mask] = values if samples.ndim == 3 else values[0]
