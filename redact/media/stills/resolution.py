"""How many pixels make an inch on paper: read from a file, and written to another of its format."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

from PIL import Image

from redact.core.geometry import Turn
from redact.media.stills import jpeg, png

Unit = Literal["", "inch", "centimetre", "metre"]

_JPEG_UNITS: dict[int, Unit] = {0: "", 1: "inch", 2: "centimetre"}
_TIFF_UNITS: dict[int, Unit] = {1: "", 2: "inch", 3: "centimetre"}
_PNG_UNITS: dict[int, Unit] = {0: "", 1: "metre"}
_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 282, 283, 296

_MOST = 65535
"""Pixels a unit; more is no resolution. JPEG has room for no more."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """Pixels along both sides of a unit of length.

    Args:
        x: From left to right, above 0.
        y: From top to bottom, above 0.
        unit: Empty where only the shape of pixels is known, x to y.
    """

    x: float
    y: float
    unit: Unit

    def turned(self, turn: Turn) -> Resolution:
        """The same for the upright picture."""
        return Resolution(self.y, self.x, self.unit) if turn.quarters % 2 else self


def read_resolution(image: Image.Image, form: str, data: bytes) -> Resolution | None:
    """The resolution that a JPEG, PNG, TIFF or BMP states; None where it says nothing.

    Args:
        image: Opened.
        form: Pillow's name of its format.
        data: The file that it was opened from.
    """
    found: tuple[Any, Any, Unit] | None = None
    if form == "JPEG":
        found = _read_jpeg(image)
    elif form == "PNG":
        density = png.read_density(data)
        found = density and (density[0], density[1], _PNG_UNITS.get(density[2], ""))
    elif form == "TIFF":
        tags: Any = getattr(image, "tag_v2", {})
        unit = _TIFF_UNITS.get(tags.get(_RESOLUTION_UNIT, 2), "")
        found = tags.get(_X_RESOLUTION), tags.get(_Y_RESOLUTION), unit
    elif form == "BMP" and "dpi" in image.info:
        x, y = image.info["dpi"]
        found = round(x / 0.0254), round(y / 0.0254), "metre"
    return None if found is None else _checked(*found, digits=2 if form == "TIFF" else 0)


def _read_jpeg(image: Image.Image) -> tuple[Any, Any, Unit] | None:
    unit, density = image.info.get("jfif_unit", 0), image.info.get("jfif_density", (1, 1))
    if unit in {1, 2} or density[0] != density[1]:
        return *density, _JPEG_UNITS.get(unit, "")
    tags = image.getexif()
    if _X_RESOLUTION not in tags:
        return None
    unit = _TIFF_UNITS.get(tags.get(_RESOLUTION_UNIT, 2), "")
    return tags[_X_RESOLUTION], tags.get(_Y_RESOLUTION), unit


def _checked(x: Any, y: Any, unit: Unit, digits: int) -> Resolution | None:
    try:
        wide, high = round(float(x), digits), round(float(y), digits)
    except (TypeError, ValueError, ArithmeticError):
        return None
    most = _MOST * (40 if unit == "metre" else 1)
    if not (isfinite(wide) and isfinite(high) and 0 < wide <= most and 0 < high <= most):
        return None
    return None if not unit and wide == high else Resolution(wide, high, unit)


def add_resolution(data: bytes, form: str, resolution: Resolution) -> bytes:
    """The JPEG or PNG with that resolution; TIFF and BMP take it when they are encoded."""
    x, y = max(1, round(resolution.x)), max(1, round(resolution.y))
    if form == "JPEG":
        return jpeg.with_density(data, _code(_JPEG_UNITS, resolution.unit), x, y)
    if form == "PNG":
        return png.with_chunks(data, [resolution_chunk(resolution)])
    return data


def resolution_chunk(resolution: Resolution) -> png.Chunk:
    """The chunk of a PNG that holds that resolution."""
    unit = _code(_PNG_UNITS, resolution.unit)
    return b"pHYs", struct.pack(">IIB", round(resolution.x), round(resolution.y), unit)


def encoding_options(form: str, resolution: Resolution) -> dict[str, Any]:
    """Pillow's options that write that resolution."""
    if form == "TIFF":
        unit = _code(_TIFF_UNITS, resolution.unit)
        tags = {_X_RESOLUTION: resolution.x, _Y_RESOLUTION: resolution.y, _RESOLUTION_UNIT: unit}
        return {"tiffinfo": tags}
    if form == "BMP":
        return {"dpi": (resolution.x * 0.0254, resolution.y * 0.0254)}
    return {}


def opencv_resolution(resolution: Resolution) -> list[int]:
    """OpenCV's parameters that write that resolution to a TIFF, in whole numbers."""
    import cv2

    x, y = round(resolution.x), round(resolution.y)
    unit = _code(_TIFF_UNITS, resolution.unit)
    return [cv2.IMWRITE_TIFF_XDPI, x, cv2.IMWRITE_TIFF_YDPI, y, cv2.IMWRITE_TIFF_RESUNIT, unit]


def _code(units: dict[int, Unit], unit: Unit) -> int:
    return next(code for code, name in units.items() if name == unit)
