"""Small drawing tools shared by the rendered plates and negatives."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]


class Fonts:
    """The fonts of a folder, by name."""

    def __init__(self, folder: Path, size: int = 48) -> None:
        found = sorted(folder.glob("*.ttf"))
        if not found:
            raise SystemExit(f"no fonts in {folder}: see README.md")
        self.faces = {path.stem: ImageFont.truetype(str(path), size) for path in found}
        self.latin = [n for n in self.faces if n not in ("chinese", "thai", "arabic")]

    def mask(self, text: str, name: str, stroke: int = 0) -> np.ndarray:
        """The text's coverage (0 to 255), cropped to its ink."""
        font = self.faces[name]
        left, top, right, bottom = font.getbbox(text, stroke_width=stroke)
        image = Image.new("L", (max(1, int(right - left)), max(1, int(bottom - top))))
        ImageDraw.Draw(image).text((-left, -top), text, 255, font, stroke_width=stroke)
        return np.asarray(image)

    def mixed(self, text: str, name: str, digits: str) -> np.ndarray:
        """The same for a text of two writings: what is ASCII comes from the second font."""
        runs = [run for run in re.split(r"([ -~]+)", text) if run.strip()]
        masks = [self.mask(run.strip(), digits if run.isascii() else name) for run in runs]
        tall = max(mask.shape[0] for mask in masks)
        spaced = [np.zeros((tall, tall // 4), np.uint8)] * (2 * len(masks) - 1)
        for n, mask in enumerate(masks):
            wide = max(1, mask.shape[1] * tall // mask.shape[0])
            spaced[2 * n] = cv2.resize(mask, (min(wide, 12 * tall), tall))
        return np.hstack(spaced)


def put(canvas: np.ndarray, mask: np.ndarray, box: tuple[float, ...], colour: Colour) -> None:
    """Draws a mask, stretched to the box, in one colour."""
    x1, y1, x2, y2 = (round(v) for v in box)
    x2, y2 = min(x2, canvas.shape[1]), min(y2, canvas.shape[0])
    x1, y1 = max(x1, 0), max(y1, 0)
    if x2 - x1 < 1 or y2 - y1 < 1:
        return
    cover = cv2.resize(mask, (x2 - x1, y2 - y1), interpolation=cv2.INTER_AREA)
    part = canvas[y1:y2, x1:x2].astype(np.float32)
    cover = cover.astype(np.float32)[..., None] / 255
    canvas[y1:y2, x1:x2] = part + cover * (np.array(colour, np.float32) - part)


def fitted(mask: np.ndarray, box: tuple[float, ...], stretch: float) -> tuple[float, ...]:
    """The part of the box a mask takes when it is not stretched in width beyond the factor."""
    x1, y1, x2, y2 = box
    wide = min(x2 - x1, (y2 - y1) * mask.shape[1] / mask.shape[0] * stretch)
    middle = (x1 + x2) / 2
    return middle - wide / 2, y1, middle + wide / 2, y2


def clouds(rng: np.random.Generator, height: int, width: int, cells: int = 4) -> np.ndarray:
    """Smooth noise of -1 to 1: dirt, shade, uneven light."""
    coarse = rng.uniform(-1, 1, (cells, cells)).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def near(rng: np.random.Generator, colour: Colour, spread: int = 14) -> Colour:
    """A colour close to the given one."""
    moved = np.clip(np.array(colour) + rng.integers(-spread, spread + 1, 3), 0, 255)
    return int(moved[0]), int(moved[1]), int(moved[2])


def any_colour(rng: np.random.Generator) -> Colour:
    """Paint, cloth, sign: strong and pale colours alike."""
    hue = rng.integers(0, 180)
    saturation = int(255 * rng.beta(0.8, 1.2))
    pixel = np.uint8([[[hue, saturation, int(rng.uniform(20, 255))]]])
    red, green, blue = cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0]
    return int(red), int(green), int(blue)


def rounded(height: int, width: int, radius: int) -> np.ndarray:
    """A filled rectangle with round corners as a mask."""
    mask = np.zeros((height, width), np.uint8)
    radius = min(radius, (min(height, width) - 1) // 2)
    cv2.rectangle(mask, (radius, 0), (width - 1 - radius, height - 1), 255, -1)
    cv2.rectangle(mask, (0, radius), (width - 1, height - 1 - radius), 255, -1)
    for x in (radius, width - 1 - radius):
        for y in (radius, height - 1 - radius):
            cv2.circle(mask, (x, y), radius, 255, -1)
    return mask
