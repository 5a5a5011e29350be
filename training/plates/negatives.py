"""Renders what is easily taken for a number plate: signs, words, grilles, lights, posters."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from . import formats
from .texture import Fonts, any_colour, clouds, fitted, near, put, rounded

SYLLABLES = "ba lo mi ter ka shop re sta in den for to bar hal ex press new ca fe ma ri no".split()
BLUE, GREEN, BROWN = (20, 60, 150), (10, 100, 60), (120, 70, 30)
ROAD = [BLUE, GREEN, BROWN, (240, 240, 240), (250, 200, 30), (230, 120, 20)]


def word(rng: np.random.Generator) -> str:
    """A pronounceable word in some writing."""
    text = "".join(rng.choice(SYLLABLES, rng.integers(1, 5)))
    return (text, text.upper(), text.capitalize())[rng.integers(3)]


def word_mask(rng: np.random.Generator, fonts: Fonts, text: str = "") -> np.ndarray:
    """A word's mask, sometimes of another script."""
    kind = rng.random()
    if not text and kind < 0.15:
        script = str(rng.choice(["chinese", "thai", "arabic"]))
        letters = {"chinese": formats.CHINESE, "thai": formats.THAI, "arabic": formats.ARABIC}
        text = "".join(rng.choice(list(letters[script]), rng.integers(2, 6)))
        return fonts.mask(text, script)
    return fonts.mask(text or word(rng), str(rng.choice(fonts.latin)))


def words(rng: np.random.Generator, count: int) -> str:
    """Some words in a row."""
    return " ".join(word(rng) for _ in range(count))


def panel(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """An empty opaque rectangle, RGBA."""
    canvas = np.empty((height, width, 4), np.uint8)
    canvas[..., :3] = any_colour(rng)
    canvas[..., 3] = rounded(height, width, int(rng.integers(0, 10)))
    return canvas


def contrast(rng: np.random.Generator, canvas: np.ndarray) -> tuple[int, int, int]:
    """A text colour that stands out from the ground."""
    light = canvas[..., :3].mean() > 120
    return near(rng, (30, 30, 30) if light else (235, 235, 235), 30)


def sign(rng: np.random.Generator, fonts: Fonts) -> np.ndarray:
    """A direction or shop sign: words in several lines, arrows, rims."""
    canvas = panel(rng, int(rng.integers(80, 260)), int(rng.integers(60, 180)))
    if rng.random() < 0.6:
        canvas[..., :3] = near(rng, ROAD[rng.integers(len(ROAD))])
    height, width = canvas.shape[:2]
    colour, view = contrast(rng, canvas), canvas[..., :3].copy()
    lines = int(rng.integers(1, 5))
    tall = height / (lines + 0.4)
    for n in range(lines):
        mask = word_mask(rng, fonts, words(rng, int(rng.integers(1, 3))))
        top = 0.2 * tall + n * tall
        box = (0.06 * width, top + 0.12 * tall, rng.uniform(0.5, 0.94) * width, top + 0.88 * tall)
        put(view, mask, fitted(mask, box, 1.2), colour)
    if rng.random() < 0.3:
        cv2.rectangle(view, (2, 2), (width - 3, height - 3), colour, 2)
    canvas[..., :3] = view
    return canvas


def shop_front(rng: np.random.Generator, fonts: Fonts) -> np.ndarray:
    """A long band with one name, lower case or with a telephone number."""
    canvas = panel(rng, int(rng.integers(180, 300)), int(rng.integers(26, 60)))
    height, width = canvas.shape[:2]
    view = canvas[..., :3].copy()
    text = words(rng, int(rng.integers(2, 4)))
    if rng.random() < 0.25:
        text = "".join(rng.choice(list("0123456789"), 10))
    mask = word_mask(rng, fonts, text)
    box = (0.05 * width, 0.2 * height, 0.95 * width, 0.8 * height)
    put(view, mask, fitted(mask, box, 1.3), contrast(rng, canvas))
    canvas[..., :3] = view
    return canvas


def road_sign(rng: np.random.Generator, fonts: Fonts) -> np.ndarray:
    """Round, triangular and square traffic signs, speed limits among them."""
    size = 96
    view, alpha = np.zeros((size, size, 3), np.uint8), np.zeros((size, size), np.uint8)
    rim, ground = ((200, 20, 30), (245, 245, 245))
    if rng.random() < 0.3:
        rim, ground = (240, 240, 240), (20, 60, 160)
    shape = rng.integers(4)
    corners = {
        1: [(4, 88), (92, 88), (48, 8)],
        2: [(48, 2), (94, 48), (48, 94), (2, 48)],
        3: [(28, 2), (68, 2), (94, 28), (94, 68), (68, 94), (28, 94), (2, 68), (2, 28)],
    }
    if shape == 0:
        for target, fill in ((alpha, 255), (view, rim)):
            cv2.circle(target, (48, 48), 46, fill, -1)
        cv2.circle(view, (48, 48), 36, ground, -1)
    else:
        outline = np.array(corners[int(shape)], np.int32)
        cv2.fillPoly(alpha, [outline], 255)
        cv2.fillPoly(view, [outline], rim)
        cv2.fillPoly(view, [((outline - 48) * 0.8 + 48).astype(np.int32)], ground)
    text = str(rng.choice(["30", "50", "60", "80", "100", "STOP", "!", "P", "3,5t", "TAXI", "BUS"]))
    mask = word_mask(rng, fonts, text)
    put(view, mask, fitted(mask, (24, 34, 72, 66), 1.2), contrast(rng, view[30:66, 30:66]))
    return np.dstack((view, alpha))


def bare_text(rng: np.random.Generator, fonts: Fonts) -> np.ndarray:
    """Words without ground: shirts, subtitles, timestamps, watermarks, vans."""
    kind = rng.random()
    if kind < 0.3:
        numbers = "".join(rng.choice(list("0123456789"), 14))
        text = f"20{numbers[:2]}-{numbers[2:4]}-{numbers[4:6]} {numbers[6:8]}:{numbers[8:10]}"
        text = f"{text}:{numbers[10:12]}" if rng.random() < 0.5 else text
    elif kind < 0.45:
        text = "".join(rng.choice(list("0123456789"), rng.integers(1, 4)))
    else:
        text = words(rng, int(rng.integers(1, 5)))
    name = str(rng.choice(fonts.latin))
    mask = fonts.mask(text, name)
    height = int(rng.integers(24, 48))
    width = int(np.clip(mask.shape[1] * height / mask.shape[0], 8, 300))
    mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
    mask = np.pad(mask, 4)
    colour = near(rng, (240, 240, 240)) if rng.random() < 0.6 else any_colour(rng)
    view = np.full((*mask.shape, 3), colour, np.uint8)
    if rng.random() < 0.5:
        wide = cv2.dilate(mask, np.ones((4, 4), np.uint8))
        view = (view * (mask[..., None] / 255.0)).astype(np.uint8)
        mask = wide
    return np.dstack((view, mask))


def poster(rng: np.random.Generator, fonts: Fonts) -> np.ndarray:
    """Paper with many lines of text."""
    canvas = panel(rng, int(rng.integers(80, 200)), int(rng.integers(90, 220)))
    height, width = canvas.shape[:2]
    view, colour = canvas[..., :3].copy(), contrast(rng, canvas)
    top, tall = 0.04 * height, 0.16 * height
    while top + tall < height:
        mask = word_mask(rng, fonts, words(rng, int(rng.integers(1, 5))))
        put(view, mask, fitted(mask, (6, top, width - 6, top + 0.7 * tall), 1.1), colour)
        top += tall
        tall = rng.uniform(0.05, 0.12) * height
    canvas[..., :3] = view
    return canvas


def grille(rng: np.random.Generator, fonts: Fonts) -> np.ndarray:
    """Windows, shutters, radiators, railings, keys: regular patterns."""
    canvas = panel(rng, int(rng.integers(60, 240)), int(rng.integers(30, 160)))
    height, width = canvas.shape[:2]
    view, colour = canvas[..., :3].copy(), any_colour(rng)
    columns, rows = int(rng.integers(1, 14)), int(rng.integers(1, 8))
    gap = rng.uniform(0.1, 0.5)
    for row in range(rows):
        for column in range(columns):
            x, y = column * width / columns, row * height / rows
            corner = (int(x + (1 - gap) * width / columns), int(y + (1 - gap) * height / rows))
            cv2.rectangle(view, (int(x), int(y)), corner, near(rng, colour, 8), -1)
    canvas[..., :3] = view
    return canvas


def blank(rng: np.random.Generator, fonts: Fonts) -> np.ndarray:
    """Plain rectangles: lamps, paper, reflections, stickers."""
    canvas = panel(rng, int(rng.integers(40, 240)), int(rng.integers(20, 90)))
    if rng.random() < 0.5:
        lamp = [(200, 20, 20), (250, 140, 30), (250, 250, 240), (30, 30, 30), (240, 200, 40)]
        canvas[..., :3] = near(rng, lamp[rng.integers(len(lamp))])
    shade = 1 + 0.3 * clouds(rng, *canvas.shape[:2], 4)[..., None]
    canvas[..., :3] = np.clip(canvas[..., :3] * shade, 0, 255)
    return canvas


def control(rng: np.random.Generator, fonts: Fonts) -> np.ndarray:
    """A button or a field of a program: a short text on exactly one colour."""
    height = int(rng.integers(20, 60))
    width = int(height * rng.uniform(1.5, 7.0))
    canvas = np.empty((height, width, 4), np.uint8)
    light = rng.random() < 0.6
    canvas[..., :3] = 255 - rng.integers(0, 30) if light else any_colour(rng)
    canvas[..., 3] = rounded(height, width, int(rng.integers(0, height // 2)))
    view = canvas[..., :3].copy()
    text = words(rng, int(rng.integers(1, 3)))
    if rng.random() < 0.3:
        text = "".join(rng.choice(list("0123456789.,:%-"), rng.integers(2, 9)))
    mask = fonts.mask(text, str(rng.choice(fonts.latin)))
    right = rng.uniform(0.5, 0.95) * width
    box = (0.05 * width, 0.25 * height, right, 0.75 * height)
    put(view, mask, fitted(mask, box, 1.1), contrast(rng, canvas))
    if rng.random() < 0.6:
        cv2.rectangle(view, (0, 0), (width - 1, height - 1), any_colour(rng), 1)
    canvas[..., :3] = view
    return canvas


def display(rng: np.random.Generator, fonts: Fonts) -> np.ndarray:
    """Lit dots on black: where a bus goes, what a platform or a scoreboard tells."""
    rows = int(rng.integers(9, 18))
    text = word(rng).upper() if rng.random() < 0.6 else str(rng.integers(1, 999))
    if rng.random() < 0.4:
        text = f"{rng.integers(1, 99)} {text}"
    mask = fonts.mask(text, str(rng.choice(fonts.latin)))
    columns = int(np.clip(mask.shape[1] * rows / mask.shape[0], 8, 90))
    small = cv2.resize(mask, (columns, rows), interpolation=cv2.INTER_AREA)
    small = np.pad(small, int(rng.integers(1, 4)))
    dot = int(rng.integers(3, 6))
    grid = np.zeros((dot, dot), np.float32)
    cv2.circle(grid, (dot // 2, dot // 2), max(1, dot // 3), 1.0, -1)
    lit = (
        np.kron(small > 90, grid)
        if rng.random() < 0.7
        else np.kron(small, np.ones((dot, dot))) / 255
    )
    colours = [(250, 160, 20), (240, 60, 20), (245, 245, 235), (90, 250, 80)]
    colour = np.array(near(rng, colours[rng.integers(4)]), np.float32)
    view = np.clip(lit[..., None] * colour + rng.uniform(0, 35), 0, 255).astype(np.uint8)
    return np.dstack((view, np.full(lit.shape, 255, np.uint8)))


KINDS: list[tuple[float, Callable[[np.random.Generator, Fonts], np.ndarray]]] = [
    (0.18, sign),
    (0.13, shop_front),
    (0.09, road_sign),
    (0.20, bare_text),
    (0.07, poster),
    (0.10, grille),
    (0.08, blank),
    (0.09, control),
    (0.06, display),
]


def render_negative(rng: np.random.Generator, fonts: Fonts) -> np.ndarray:
    """One random thing that is no plate, RGBA."""
    chosen = rng.choice(len(KINDS), p=np.array([weight for weight, _ in KINDS]))
    return KINDS[chosen][1](rng, fonts)
