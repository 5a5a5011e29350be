"""Draws `docs/before-after.png`: a painted street before, after, and with outlines.

    python docs/picture.py

Nobody is in it: faces, street, car and plate are drawn here. The detectors look for real faces, so
a plan written by hand says where faces and plate are. Hiding is redact's own: `redact.render_file`.
"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from math import cos, pi, sin
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import redact
from redact.core.geometry import Region

OUTPUT = Path(__file__).with_name("before-after.png")
WIDTH, HEIGHT = 440, 372
"""Of one panel, in pixels."""
FINE = 4
"""The street is drawn that much larger, and scaled down for smooth edges."""
GAP, CAPTION = 12, 34
PAPER, INK = (255, 255, 255), (40, 44, 52)
FACE_LINE, PLATE_LINE = (255, 214, 64), (96, 224, 255)

Rgb = tuple[int, int, int]
Place = tuple[float, float]


class Street:
    """A painted street, and where faces and plates are in it, in pixels of one panel."""

    def __init__(self) -> None:
        self.image = Image.new("RGB", (WIDTH * FINE, HEIGHT * FINE))
        self._draw = ImageDraw.Draw(self.image)
        self.found: list[tuple[redact.Kind, redact.Box]] = []
        self._sky()
        self._houses()
        self._road()
        self._person(228, 148, 0.6, (240, 198, 168), (188, 142, 74), (92, 84, 140))
        self._car(228, 254)
        self._person(88, 176, 1.16, (224, 172, 138), (62, 40, 30), (46, 106, 122), long=True)
        self._person(368, 168, 1.2, (141, 92, 66), (28, 22, 22), (196, 92, 62), beard=True)

    def _box(self, left: float, top: float, right: float, bottom: float, fill: Rgb) -> None:
        self._draw.rectangle([side * FINE for side in (left, top, right, bottom)], fill)

    def _round(self, box: tuple[float, ...], radius: float, fill: Rgb) -> None:
        self._draw.rounded_rectangle([side * FINE for side in box], radius * FINE, fill)

    def _oval(self, x: float, y: float, across: float, down: float, fill: Rgb) -> None:
        sides = (x - across, y - down, x + across, y + down)
        self._draw.ellipse([side * FINE for side in sides], fill)

    def _shape(self, corners: list[Place], fill: Rgb) -> None:
        self._draw.polygon([(x * FINE, y * FINE) for x, y in corners], fill)

    def _arc(self, x: float, y: float, size: Place, ends: Place, fill: Rgb, width: float) -> None:
        sides = (x - size[0], y - size[1], x + size[0], y + size[1])
        box = [side * FINE for side in sides]
        self._draw.arc(box, *ends, fill=fill, width=round(width * FINE))

    def _sky(self) -> None:
        top, low = np.array((126, 178, 214)), np.array((244, 224, 200))
        for y in range(200):
            red, green, blue = (top + (low - top) * y / 200).astype(int).tolist()
            self._box(0, y, WIDTH, y + 1, (red, green, blue))

    def _houses(self) -> None:
        fronts: tuple[tuple[int, int, int, Rgb], ...] = (
            (0, 96, 42, (214, 150, 118)),
            (96, 192, 74, (232, 208, 164)),
            (192, 292, 28, (170, 186, 176)),
            (292, 372, 62, (222, 176, 150)),
            (372, 440, 20, (196, 164, 176)),
        )
        for left, right, top, colour in fronts:
            self._box(left, top, right, 240, colour)
            roof = tuple(int(part * 0.55) for part in colour)
            self._box(left - 2, top - 6, right + 2, top, (roof[0], roof[1], roof[2]))
            for y in range(top + 16, 176, 42):
                for x in range(left + 14, right - 22, 27):
                    self._box(x - 2, y - 2, x + 17, y + 26, (246, 242, 232))
                    self._box(x, y, x + 15, y + 24, (72, 98, 118))
                    self._shape([(x, y), (x + 9, y), (x, y + 15)], (120, 150, 168))
        self._box(0, 190, WIDTH, 240, (122, 108, 100))
        for left, right, awning in ((8, 84, (178, 60, 56)), (300, 430, (52, 110, 96))):
            self._box(left, 200, right, 240, (58, 66, 74))
            for n, x in enumerate(range(left, right, 11)):
                stripe = (240, 232, 218) if n % 2 else awning
                self._shape([(x, 186), (x + 11, 186), (x + 11, 202), (x, 202)], stripe)

    def _road(self) -> None:
        self._box(0, 240, WIDTH, 276, (186, 178, 170))
        self._box(0, 276, WIDTH, 282, (148, 142, 136))
        self._box(0, 282, WIDTH, HEIGHT, (86, 88, 94))
        for x in range(-20, WIDTH, 110):
            self._shape([(x, 356), (x + 60, 356), (x + 54, 362), (x - 6, 362)], (226, 222, 210))

    def _car(self, x: float, y: float) -> None:
        body, dark = (54, 96, 152), (36, 66, 110)
        for side in (-1, 1):
            self._round((x + side * 64 - 14, y + 40, x + side * 64 + 14, y + 88), 6, (26, 26, 30))
        self._shape([(x - 66, y + 4), (x - 46, y - 52), (x + 46, y - 52), (x + 66, y + 4)], body)
        self._shape([(x - 54, y), (x - 39, y - 43), (x + 39, y - 43), (x + 54, y)], (44, 58, 70))
        self._shape([(x - 30, y), (x - 18, y - 43), (x - 4, y - 43), (x - 16, y)], (78, 98, 112))
        self._round((x - 90, y - 2, x + 90, y + 66), 18, body)
        self._round((x - 92, y + 48, x + 92, y + 72), 10, dark)
        for side in (-1, 1):
            lamp = (x + side * 74 - 12, y + 8, x + side * 74 + 12, y + 26)
            self._round(lamp, 6, (206, 48, 44))
            self._round((lamp[0] + 3, lamp[1] + 3, lamp[2] - 3, lamp[1] + 9), 3, (244, 130, 110))
        plate = redact.Box(x - 46, y + 27, x + 46, y + 47)
        self._round((plate.left, plate.top, plate.right, plate.bottom), 3, (30, 30, 34))
        self._round((plate.left + 1, plate.top + 1, plate.right - 1, plate.bottom - 1), 2,
                    (246, 244, 236))  # fmt: skip
        font = ImageFont.load_default(17 * FINE)
        self._draw.text((x * FINE, (y + 37) * FINE), "KX 417 RB", (24, 26, 34), font, anchor="mm")
        self.found.append((redact.Kind.PLATE, plate))

    def _person(
        self, x: float, y: float, size: float, skin: Rgb, hair: Rgb, coat: Rgb,
        *, long: bool = False, beard: bool = False,
    ) -> None:  # fmt: skip
        """A bust with the face's middle at (x, y)."""
        shade: Rgb = (int(skin[0] * 0.86), int(skin[1] * 0.8), int(skin[2] * 0.78))
        s = size
        if long:
            self._round((x - 37 * s, y - 40 * s, x + 37 * s, y + 56 * s), 34 * s, hair)
        below = 400 if s > 1 else y + 150 * s
        self._round((x - 66 * s, y + 54 * s, x + 66 * s, below), 30 * s, coat)
        self._round((x - 14 * s, y + 26 * s, x + 14 * s, y + 64 * s), 10 * s, shade)
        self._shape([(x - 24 * s, y + 54 * s), (x, y + 82 * s), (x + 24 * s, y + 54 * s)], shade)
        for side in (-1, 1):
            self._oval(x + side * 31 * s, y + 2 * s, 6 * s, 9 * s, shade)
        self._oval(x, y - 8 * s, 34 * s, 42 * s, hair)
        self._oval(x, y + 4 * s, 30 * s, 38 * s, skin)
        if beard:
            self._shape(_lower_half(x, y + 8 * s, 30 * s, 36 * s), hair)
            self._oval(x, y + 11 * s, 22 * s, 16 * s, skin)
        self._shape(_upper_half(x, y - 18 * s, 31 * s, 24 * s), hair)
        for side in (-1, 1):
            eye = x + side * 12 * s
            self._arc(eye, y - 5 * s, (7 * s, 5 * s), (200, 340), hair, 2.2 * s)
            self._oval(eye, y + 1 * s, 5.2 * s, 3.8 * s, (252, 250, 246))
            self._oval(eye, y + 1 * s, 2.8 * s, 3.2 * s, (44, 34, 30))
        self._arc(x, y + 9 * s, (4.5 * s, 5 * s), (20, 160), shade, 2.4 * s)
        self._arc(x, y + 18 * s, (10 * s, 7 * s), (20, 160), (168, 62, 62), 2.8 * s)
        face = redact.Box(x - 29 * s, y - 28 * s, x + 29 * s, y + 42 * s)
        self.found.append((redact.Kind.FACE, face))


def _upper_half(x: float, y: float, across: float, down: float) -> list[Place]:
    return [(x + across * cos(n * pi / 40), y - down * sin(n * pi / 40)) for n in range(41)]


def _lower_half(x: float, y: float, across: float, down: float) -> list[Place]:
    return [(x + across * cos(n * pi / 40), y + down * sin(n * pi / 40)) for n in range(41)]


def hide(before: Image.Image, found: list[tuple[redact.Kind, redact.Box]]) -> Image.Image:
    """What `redact render` makes of the picture and a plan written by hand."""
    with TemporaryDirectory() as folder:
        source, output = Path(folder, "street.png"), Path(folder, "street.redacted.png")
        before.save(source)
        digest = hashlib.sha256(source.read_bytes()).hexdigest()
        tracks = tuple(
            redact.Track(number, kind, (redact.Sighting(0, Fraction(0), box, 1.0),))
            for number, (kind, box) in enumerate(found, 1)
        )
        size = redact.Size(*before.size)
        identity = redact.plan.SourceId(f"sha256:{digest}", size, frames=1)
        plan = redact.Plan(identity, redact.PROFILES["balanced"], tracks=tracks)
        redact.render_file(source, output, plan, checking=None)
        return Image.open(output).convert("RGB")


def outline(after: Image.Image, found: list[tuple[redact.Kind, redact.Box]]) -> Image.Image:
    """The result, a little darker, with the outline of each hidden region."""
    large = after.resize((WIDTH * FINE, HEIGHT * FINE), Image.Resampling.BICUBIC)
    large = large.point([int(value * 0.7) for value in range(256)] * 3)
    draw = ImageDraw.Draw(large)
    coverage = redact.PROFILES["balanced"].coverage
    font = ImageFont.load_default(13 * FINE)
    for number, (kind, box) in enumerate(found, 1):
        region = coverage.region(kind, box)
        line = PLATE_LINE if region.text else FACE_LINE
        corners = [(x * FINE, y * FINE) for x, y in _corners(region)]
        draw.line([*corners, *corners[:2]], line, round(2.4 * FINE), "curve")
        place = ((region.box.left + region.box.right) / 2 * FINE, (region.box.top - 9) * FINE)
        draw.text(place, f"{kind} {number}", line, font, anchor="mm")
    return large.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def _corners(region: Region) -> list[Place]:
    """Points on a region's outline: a box whose corners are quarter ellipses."""
    box = region.box
    across = region.roundness * (box.right - box.left) / 2
    down = region.roundness * (box.bottom - box.top) / 2
    points = []
    for n in range(4 * 24):
        angle, quarter = n / 24 * pi / 2, n // 24
        x = box.right - across if quarter in (0, 3) else box.left + across
        y = box.bottom - down if quarter in (0, 1) else box.top + down
        points.append((x + across * cos(angle), y + down * sin(angle)))
    return points


def main() -> None:
    """Draw the street, hide what is in it, and put three panels side by side."""
    street = Street()
    before = street.image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    after = hide(before, street.found)
    panels = (
        ("before", before),
        ("after", after),
        ("what is hidden", outline(after, street.found)),
    )
    sheet = Image.new("RGB", (3 * WIDTH + 2 * GAP, HEIGHT + CAPTION), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(20)
    for number, (caption, panel) in enumerate(panels):
        left = number * (WIDTH + GAP)
        sheet.paste(panel, (left, 0))
        draw.text((left + WIDTH / 2, HEIGHT + CAPTION / 2), caption, INK, font, anchor="mm")
    sheet.save(OUTPUT, optimize=True)


if __name__ == "__main__":
    main()
