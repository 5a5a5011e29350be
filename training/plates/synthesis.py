"""Renders number plates of many countries as small pictures (RGBA, flat and clean)."""

from __future__ import annotations

import cv2
import numpy as np

from . import formats
from .formats import FORMATS, Format
from .texture import Colour, Fonts, clouds, fitted, near, put, rounded

CLASSES = {
    "L": formats.LATIN,
    "D": "0123456789",
    "K": formats.CYRILLIC_LIKE,
    "C": formats.CHINESE,
    "T": formats.THAI,
    "A": formats.ARABIC,
    "a": formats.ARABIC_DIGITS,
    "J": formats.JAPANESE,
    "N": formats.KANA,
}
SCALE = 0.5  # texture pixels per millimetre


def spell(rng: np.random.Generator, pattern: str) -> str:
    """A random text of a pattern such as 'LL DDD'."""
    if pattern == "PP":
        return str(rng.choice(formats.PROVINCES))
    return "".join(str(rng.choice(list(CLASSES[c]))) if c in CLASSES else c for c in pattern)


def number_mask(rng: np.random.Generator, text: str, form: Format, fonts: Fonts) -> np.ndarray:
    """Mask of a line of the number in a font of the format."""
    name = str(rng.choice(form.fonts))
    if name in ("thai", "arabic"):
        return fonts.mixed(text, name, str(rng.choice(formats.PLAIN)))
    return fonts.mask(text, name)


def small_text(rng: np.random.Generator, kind: str, fonts: Fonts) -> np.ndarray:
    """Mask of the small text above or below the number."""
    if kind == "province":
        return fonts.mask(str(rng.choice(formats.PROVINCES)), "thai")
    if kind == "arabic":
        return fonts.mask("".join(rng.choice(list(formats.ARABIC), 6)), "arabic")
    words = {"state": formats.STATES, "slogan": formats.SLOGANS}.get(kind)
    if words is None:
        text = spell(rng, kind if "D" in kind else "LLLLLLLL")
    else:
        text = str(rng.choice(words)).replace("+", " ")
    return fonts.mask(text, str(rng.choice(["sans", "sansbold", "condensed"])))


def draw_band(
    canvas: np.ndarray, form: Format, rng: np.random.Generator, fonts: Fonts, text: Colour
) -> tuple[float, float, float, float]:
    """Draws bands and side boxes; what is left for the number."""
    height, width = canvas.shape[:2]
    x1, y1, x2, y2 = 0.0, 0.0, float(width), float(height)
    blue = near(rng, form.band_colour)
    side = min(0.32 * height, 0.12 * width)
    if form.band in ("left", "both"):
        canvas[:, : int(side)] = blue
        cv2.circle(canvas, (int(side / 2), int(0.3 * height)), int(side / 4), (230, 200, 40), 1)
        code = fonts.mask(spell(rng, "L"), "sansbold")
        put(canvas, code, (side * 0.25, 0.6 * height, side * 0.75, 0.85 * height), (240, 240, 240))
        x1 = side
    if form.band in ("right", "both"):
        canvas[:, -int(side) :] = blue
        x2 = width - side
    if form.band == "rightbox":
        x2 = 0.77 * width
        cv2.line(canvas, (int(x2), 0), (int(x2), height), text, 1)
        region = fonts.mask(spell(rng, "DDD"), "din")
        put(canvas, region, (x2 + 4, 0.12 * height, width - 5, 0.6 * height), text)
        state = fonts.mask("RUS", "sans")
        put(canvas, state, (x2 + 6, 0.7 * height, width - 14, 0.9 * height), text)
    if form.band == "ind":
        put(canvas, fonts.mask("IND", "sansbold"), (4, 0.5 * height, 20, 0.68 * height), blue)
        x1 = 22
    if form.band in ("top", "egypt"):
        y1 = (0.23 if form.band == "top" else 0.3) * height
        colour = blue if form.band == "top" or rng.random() < 0.6 else near(rng, (200, 70, 30), 40)
        canvas[: int(y1)] = colour
        names = ["EGYPT"] if form.band == "egypt" else ["BRASIL", "ARGENTINA", "PARAGUAY"]
        name = fonts.mask(str(rng.choice(names)), "sansbold")
        right = 0.7 if form.band == "top" else 0.45
        put(canvas, name, (0.1 * width, 0.25 * y1, right * width, 0.8 * y1), (240, 240, 240))
        if form.band == "egypt":
            arabic = fonts.mask("مصر", "arabic")
            put(canvas, arabic, (0.6 * width, 0.15 * y1, 0.9 * width, 0.9 * y1), (20, 20, 20))
    return x1, y1, x2, y2


def decorate(canvas: np.ndarray, rng: np.random.Generator) -> None:
    """A pale picture behind the number, as on many American plates."""
    height, width = canvas.shape[:2]
    tint = np.array(rng.integers(40, 255, 3), np.float32)
    fade = np.clip(np.linspace(*rng.uniform(-0.3, 0.6, 2), height), 0, 1).astype(np.float32)
    fade = np.clip(fade[:, None] + 0.3 * clouds(rng, height, width, 5), 0, 0.6)[..., None]
    canvas[:] = canvas * (1 - fade) + tint * fade


def finish(canvas: np.ndarray, rng: np.random.Generator, text: Colour) -> np.ndarray:
    """Rim, screws, dirt; alpha with round corners."""
    height, width = canvas.shape[:2]
    if rng.random() < 0.55:
        inset = int(rng.integers(0, 4))
        corner = (width - 1 - inset, height - 1 - inset)
        cv2.rectangle(canvas, (inset, inset), corner, text, int(rng.integers(1, 3)))
    if rng.random() < 0.3:
        for x in (0.15, 0.85) if rng.random() < 0.7 else (0.5,):
            centre = (int(x * width), int(rng.choice([0.1, 0.5, 0.9]) * height))
            cv2.circle(canvas, centre, 3, near(rng, (130, 130, 130), 60), -1)
    strength = float(rng.choice([0.0, 0.1, 0.3], p=[0.4, 0.4, 0.2]))
    dirty = canvas * (1 - strength * (0.5 + 0.5 * clouds(rng, height, width, 6)))[..., None]
    alpha = rounded(height, width, int(rng.integers(0, 7)))
    return np.dstack((np.clip(dirty, 0, 255).astype(np.uint8), alpha))


def any_format(rng: np.random.Generator, fonts: Fonts) -> Format:
    """A plate as no office made it: another font, any letters and digits, a name."""
    kinds = rng.choice(list("LLLDDDD "), int(rng.integers(4, 10)))
    line = " ".join("".join(kinds).split()) or "LLL DDD"
    if rng.random() < 0.4:
        line = str(
            rng.choice(["LLDDLLDDDD", "LL DD LL DDDD", "LLLDDDDL", "LLDD LLL", "LLLLL", "DDDD"])
        )
    if rng.random() < 0.25:
        half = max(1, len(line) // 2)
        line = f"{line[:half]}|{line[half:]}"
    size = (300, 170) if "|" in line else (int(rng.integers(300, 560)), int(rng.integers(90, 140)))
    pairs = [form.colours[rng.integers(len(form.colours))] for form in FORMATS]
    colours = ((formats.WHITE, formats.BLACK), pairs[rng.integers(len(pairs))])
    return Format(1, size, (line,), colours, tuple(fonts.latin))


def render_plate(rng: np.random.Generator, fonts: Fonts, free: float = 0.0) -> np.ndarray:
    """One random plate, RGBA; a share of them follows no country's rules."""
    weights = np.array([form.weight for form in FORMATS])
    form = FORMATS[rng.choice(len(FORMATS), p=weights / weights.sum())]
    if free and rng.random() < free:
        form = any_format(rng, fonts)
    ground, text = form.colours[rng.integers(len(form.colours))]
    ground, text = near(rng, ground), near(rng, text, 20)
    width, height = (int(v * SCALE * rng.uniform(0.93, 1.07)) for v in form.size)
    canvas = np.full((height, width, 3), ground, np.uint8)
    if form.graphic:
        decorate(canvas, rng)
    x1, y1, x2, y2 = draw_band(canvas, form, rng, fonts, text)
    small = 0.2 * (y2 - y1)
    for kind, above in ((form.top, True), (form.bottom, False)):
        if not kind:
            continue
        top = y1 + 0.25 * small if above else y2 - 1.1 * small
        mask = small_text(rng, kind, fonts)
        box = fitted(mask, (x1 + 8, top, x2 - 8, top + 0.85 * small), rng.uniform(0.8, 1.6))
        put(canvas, mask, box, near(rng, text, 60))
        y1, y2 = (y1 + 1.1 * small, y2) if above else (y1, y2 - 1.1 * small)
    lines = str(rng.choice(form.lines)).split("|")
    shares = form.heights if len(form.heights) == len(lines) else (1 / len(lines),) * len(lines)
    edge_x, edge_y = rng.uniform(0.02, 0.08) * (x2 - x1), rng.uniform(0.06, 0.16) * (y2 - y1)
    top = y1 + edge_y
    free = y2 - y1 - 2 * edge_y
    for line, share in zip(lines, shares, strict=True):
        mask = number_mask(rng, spell(rng, line), form, fonts)
        gap = 0.06 * free if len(lines) > 1 else 0.0
        box = (x1 + edge_x, top + gap / 2, x2 - edge_x, top + share * free - gap / 2)
        put(canvas, mask, fitted(mask, box, rng.uniform(0.8, 1.3)), text)
        top += share * free
    return finish(canvas, rng, text)
