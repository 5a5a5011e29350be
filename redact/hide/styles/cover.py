"""Cover: a picture of somebody's own over everything that is hidden."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from redact.core.frames import Picture, Plane, Rgb, stored
from redact.core.geometry import Region
from redact.hide.masks import Field, Grid, Shape
from redact.hide.styles.canvas import colour_channels, make_opaque, to_integers


class Cover:
    """Irreversible: what is drawn depends on nothing but the shape and the picture given.

    Args:
        picture: (height, width, 3), 8 bit, red first; stretched to each region's box, upright.
    """

    def __init__(self, picture: Rgb) -> None:
        self._picture = picture

    def hide(self, picture: Picture, regions: Sequence[Region]) -> None:
        """Draw over all regions, opaque, without a soft edge."""
        grid = Grid.of(picture)
        for shape in grid.shapes(regions):
            blocks = grid.mask([shape], shape.window)
            image = self._scaled(grid, shape)
            for plane in picture.planes():
                mask = grid.to_samples(blocks, plane, shape.window)
                samples = grid.samples(plane, shape.window)
                make_opaque(samples, plane, mask, picture.colour.top)
                fill = _stretch(image, grid, plane, shape)
                for channel, name in enumerate(plane.role.rstrip("a")):
                    values = picture.colour.samples(name, fill)
                    drawn = to_integers(values, picture.colour.top, samples.dtype)
                    np.copyto(colour_channels(samples, plane)[..., channel], drawn, where=mask)

    def _scaled(self, grid: Grid, shape: Shape) -> Field:
        """The picture in stored orientation, scaled down to the shape, which avoids aliasing."""
        image = stored(self._picture, grid.turn)
        rows, columns = image.shape[:2]
        size = min(columns, ceil(shape.box.width)), min(rows, ceil(shape.box.height))
        if size != (columns, rows):
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(image, np.float32)


def _stretch(image: Field, grid: Grid, plane: Plane, shape: Shape) -> Field:
    """The image's colour at each of the plane's samples, (rows, columns, 3)."""
    rows, columns = grid.samples(plane, shape.window).shape[:2]
    top, left = shape.window.top * grid.step[1], shape.window.left * grid.step[0]
    height, width = image.shape[:2]
    y = ((np.arange(rows) + 0.5) * plane.step[1] + top - shape.box.top) * height / shape.box.height
    x = ((np.arange(columns) + 0.5) * plane.step[0] + left - shape.box.left) * width
    wide = _interpolate_rows(image, y - 0.5)
    return _interpolate_rows(wide.swapaxes(0, 1), x / shape.box.width - 0.5).swapaxes(0, 1)


def _interpolate_rows(image: Field, places: NDArray[np.float64]) -> Field:
    """Linear interpolation between the rows of an image; beyond the ends the last one."""
    places = np.clip(places, 0, len(image) - 1)
    first = np.floor(places).astype(np.intp)
    share = (places - first).astype(np.float32)[:, None, None]
    after = np.minimum(first + 1, len(image) - 1)
    mixed: Field = image[first] * (1 - share) + image[after] * share
    return mixed
