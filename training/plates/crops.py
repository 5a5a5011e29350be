"""Makes training crops: real plates at chosen sizes, rendered plates, pasted negatives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from . import paste
from .camera import Noise, take
from .data import Picture
from .loss import IGNORED, LOOSE, PLATE
from .negatives import render_negative
from .synthesis import render_plate
from .texture import Fonts

Rng = np.random.Generator
Labels = tuple[list[np.ndarray], list[int]]


def render_bank(settings: dict[str, Any]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Plates and negatives, always the same for the same seed."""
    fonts = Fonts(Path(settings["paths"]["fonts"]))
    rng = np.random.default_rng(settings["synthesis"]["seed"])
    free = settings["synthesis"]["free"]
    plates = [render_plate(rng, fonts, free) for _ in range(settings["synthesis"]["plates"])]
    others = [render_negative(rng, fonts) for _ in range(settings["synthesis"]["negatives"])]
    return plates, others


def read_scenes(folder: str) -> list[np.ndarray]:
    """Pictures without vehicles, at most 900 pixels wide or high; none without a folder."""
    scenes = []
    for path in sorted(Path(folder).iterdir()) if folder else ():
        pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if pixels is None:
            raise OSError(f"cannot read {path}")
        share = min(1.0, 900 / max(pixels.shape[:2]))
        scenes.append(cv2.resize(pixels, None, fx=share, fy=share, interpolation=cv2.INTER_AREA))
    return scenes


def moved(boxes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Upright boxes around boxes after an affine map."""
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
    corners = corners @ matrix[:, :2].T + matrix[:, 2]
    return np.concatenate((corners.min(1), corners.max(1)), 1).astype(np.float32)


class CropMaker:
    """Draws crops at random from pictures held in memory."""

    def __init__(self, pictures: list[Picture], settings: dict[str, Any]) -> None:
        self.settings = settings["crops"]
        self.size: int = self.settings["size"]
        self.pictures = pictures
        self.pixels = [picture.pixels() for picture in pictures]
        self.plates, self.others = render_bank(settings)
        counts = {p.set: sum(q.set == p.set for q in pictures) for p in pictures}
        weights = settings["data"]["weights"]
        chance = np.array([weights[p.set] / counts[p.set] for p in pictures])
        self.chance = np.cumsum(chance / chance.sum())
        self.scenes = read_scenes(settings["paths"]["scenes"])
        self.noise = Noise(np.random.default_rng(0), self.size)

    def draw(self, rng: Rng) -> int:
        """A picture, the sets weighted."""
        return min(int(np.searchsorted(self.chance, rng.random())), len(self.pictures) - 1)

    def place(self, rng: Rng, index: int, cell: int, height: float) -> tuple[np.ndarray, ...]:
        """A square cell of a picture in which one of its plates has about the given height."""
        pixels, boxes = self.pixels[index], self.pictures[index].boxes
        high, wide = pixels.shape[:2]
        cover = cell / min(high, wide)
        box = boxes[rng.integers(len(boxes))] if len(boxes) else np.float32([0, 0, wide, high])
        # a wide plate may fill the cell, not leave it
        height = min(height, 0.95 * cell * (box[3] - box[1]) / max(4.0, box[2] - box[0]))
        scale = max(cover, height / max(4.0, box[3] - box[1]))
        scale = float(np.clip(scale, cover, max(cover, 5.0))) * rng.uniform(0.95, 1.1)
        # the plate anywhere in the cell, the picture covering the cell where it can
        centre = (box[:2] + box[2:]) / 2 + rng.uniform(-0.5, 0.5, 2) * cell / scale * 0.9
        half = cell / scale / 2
        centre = np.clip(centre, half, np.maximum([wide - half, high - half], half))
        angle = rng.normal(0, 5) if rng.random() < 0.75 else rng.uniform(-25, 25)
        squeeze = np.exp(rng.normal(0, 0.08))
        if rng.random() < self.settings["squeeze"]:  # as seen from the side
            squeeze *= rng.uniform(0.45, 0.9)
        matrix = cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), angle, scale)
        matrix[:, 2] += cell / 2 - centre
        matrix[0] = matrix[0] * squeeze + (0, 0, cell / 2 * (1 - squeeze))
        if rng.random() < 0.2:
            matrix[0] = -matrix[0] + (0, 0, cell)
        final = moved(boxes, matrix)
        while scale < 0.6 and min(pixels.shape[:2]) > 8:  # halve first: no aliasing
            pixels = cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            ratio = np.array([[wide / pixels.shape[1], high / pixels.shape[0]]])
            matrix[:, :2] *= ratio
            high, wide = pixels.shape[:2]
            scale *= 2
        flags = cv2.INTER_LINEAR if scale < 1.5 or rng.random() < 0.5 else cv2.INTER_CUBIC
        edge = cv2.BORDER_CONSTANT if rng.random() < 0.5 else cv2.BORDER_REPLICATE
        fill = tuple(int(v) for v in rng.integers(0, 256, 3)) if rng.random() < 0.4 else (0, 0, 0)
        return cv2.warpAffine(pixels, matrix, (cell, cell), None, flags, edge, fill), final

    def label(self, boxes: np.ndarray, cell: int, loose: bool, labels: Labels, at: Any) -> None:
        """Adds a cell's boxes: whole ones as plates, cut or tiny ones to be ignored."""
        for box in boxes:
            inner = np.clip(box, 0, cell)
            area = float(np.prod(np.maximum(inner[2:] - inner[:2], 0)))
            share = area / max(1e-6, float(np.prod(box[2:] - box[:2])))
            if share < 0.1:
                continue
            clear = share > 0.5 and min(inner[2] - inner[0], inner[3] - inner[1]) >= 4
            labels[0].append(inner + at)
            labels[1].append(PLATE if clear else IGNORED)
        if loose:
            labels[0].append(np.float32([0, 0, cell, cell]) + at)
            labels[1].append(LOOSE)

    def scene(self, rng: Rng) -> tuple[np.ndarray, Labels]:
        """A part of a picture without vehicles, often under shapes."""
        pixels = self.scenes[rng.integers(len(self.scenes))]
        high, wide = pixels.shape[:2]
        part = float(np.exp(rng.uniform(*np.log([100, min(high, wide)]))))
        scale = self.size / part
        left, top = rng.uniform(0, wide - part), rng.uniform(0, high - part)
        near = pixels[int(top) : int(top + part), int(left) : int(left + part)]
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        crop = cv2.resize(near, (self.size, self.size), interpolation=way)
        if rng.random() < 0.5:
            crop = np.ascontiguousarray(crop[:, ::-1])
        if rng.random() < 0.3:
            paste.shapes(rng, crop)
        return crop, ([], [])

    def plain(self, rng: Rng) -> tuple[np.ndarray, Labels]:
        """A part of a picture far enlarged, mostly without a plate, often under shapes."""
        index = self.draw(rng)
        pixels, boxes = self.pixels[index], self.pictures[index].boxes
        part = float(np.exp(rng.uniform(*np.log([50, 220]))))
        scale = self.size / part
        left, top = (rng.uniform(0, max(1.0, side - part)) for side in pixels.shape[1::-1])
        matrix = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]])
        crop = cv2.warpAffine(
            pixels, matrix, (self.size, self.size), None, cv2.INTER_CUBIC, cv2.BORDER_REFLECT
        )
        labels: Labels = ([], [])
        self.label(moved(boxes, matrix), self.size, False, labels, np.zeros(4, np.float32))
        if rng.random() < 0.5 and PLATE not in labels[1]:
            paste.shapes(rng, crop)
        return crop, labels

    def mosaic(self, rng: Rng) -> tuple[np.ndarray, Labels]:
        """A crop of one or of several pictures, so that small plates keep their vehicles."""
        low, high = np.log(self.settings["height"])
        height = float(np.exp(rng.uniform(low, high)))
        index = self.draw(rng)
        boxes = self.pictures[index].boxes
        tall = float(np.median(boxes[:, 3] - boxes[:, 1])) if len(boxes) else 30.0
        # as many cells a side as it takes to show a whole picture at that scale
        cells = self.size * tall / height / min(self.pixels[index].shape[:2])
        count = int(np.clip(round(cells), 1, 4))
        cell = self.size // count
        crop = np.empty((self.size, self.size, 3), np.uint8)
        labels: Labels = ([], [])
        for n in range(count * count):
            x, y = n % count * cell, n // count * cell
            part, final = self.place(rng, index, cell, height)
            crop[y : y + cell, x : x + cell] = part
            loose = self.pictures[index].set in self.settings["loose_sets"]
            self.label(final, cell, loose, labels, np.float32([x, y, x, y]))
            index = self.draw(rng)
        rest = count * cell
        crop[rest:], crop[:, rest:] = 0, 0
        return crop, labels

    def lay_plate(self, rng: Rng, crop: np.ndarray, box: np.ndarray) -> np.ndarray:
        """A rendered plate over a box; where it lies."""
        texture = self.plates[rng.integers(len(self.plates))]
        shape = texture.shape[1] / texture.shape[0]
        wide, high = box[2] - box[0], box[3] - box[1]
        # as wide or as high as what it replaces, by its shape
        high = float(np.sqrt(wide / shape * high)) * rng.uniform(0.9, 1.2)
        centre = (float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2)
        corners = paste.quad(rng, centre, high * shape, high)
        if rng.random() < 0.3:
            rim = centre + (corners - centre) * rng.uniform(1.05, 1.25)
            tint = tuple(int(v) for v in rng.integers(0, 90, 3))
            cv2.fillConvexPoly(crop, rim.astype(np.int32), tint, cv2.LINE_AA)
        paste.lay(rng, crop, texture, corners)
        return paste.bounds(corners)

    def replace(self, rng: Rng, crop: np.ndarray, labels: Labels) -> None:
        """Rendered plates in place of real ones."""
        for n, kind in enumerate(labels[1]):
            if kind != PLATE:
                continue
            paste.paint_over(crop, labels[0][n])
            placed = np.clip(self.lay_plate(rng, crop, labels[0][n]), 0, self.size)
            labels[0][n] = placed
            if min(placed[2] - placed[0], placed[3] - placed[1]) < 4:
                labels[1][n] = IGNORED

    def recolour(self, rng: Rng, crop: np.ndarray, labels: Labels) -> None:
        """Makes some real plates light on dark, or of another colour."""
        for box, kind in zip(*labels, strict=True):
            if kind == PLATE and rng.random() < self.settings["recolour"]:
                paste.recolour(rng, crop, box)

    def free_box(self, rng: Rng, labels: Labels, wide: float, high: float) -> np.ndarray | None:
        """A place that touches no label."""
        for _ in range(8):
            x, y = rng.uniform(0, self.size - wide), rng.uniform(0, self.size - high)
            box = np.float32([x, y, x + wide, y + high])
            if all(kind == LOOSE or apart(box, other) for other, kind in zip(*labels, strict=True)):
                return box
        return None

    def add_plate(self, rng: Rng, crop: np.ndarray, labels: Labels) -> None:
        """A rendered plate on a rough vehicle at a free place."""
        high = float(np.exp(rng.uniform(*np.log([7.0, 120.0]))))
        box = self.free_box(rng, labels, min(2.6 * high, self.size / 1.2), high)
        if box is None:
            return
        corners = box[[0, 1, 2, 1, 2, 3, 0, 3]].reshape(4, 2)
        covered = paste.body(rng, crop, corners) if rng.random() < 0.7 else box
        placed = self.lay_plate(rng, crop, box)
        for n, other in enumerate(labels[0]):
            if labels[1][n] == PLATE and not (apart(placed, other) and apart(covered, other)):
                labels[1][n] = IGNORED
        labels[0].append(np.clip(placed, 0, self.size))
        labels[1].append(PLATE)

    def distract(self, rng: Rng, crop: np.ndarray, labels: Labels) -> None:
        """Rendered negatives at free places."""
        for _ in range(int(rng.integers(1, 6))):
            texture = self.others[rng.integers(len(self.others))]
            high = float(np.exp(rng.uniform(*np.log([8.0, 200.0]))))
            wide = min(high * texture.shape[1] / texture.shape[0], 0.9 * self.size)
            high = wide * texture.shape[0] / texture.shape[1]
            box = self.free_box(rng, labels, wide, high)
            if box is not None:
                centre = (float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2)
                self.lay_other(rng, crop, texture, paste.quad(rng, centre, wide, high))

    def lay_other(self, rng: Rng, crop: np.ndarray, texture: np.ndarray, at: np.ndarray) -> None:
        """Lays a negative into the quadrangle."""
        paste.lay(rng, crop, texture, at)

    def glare(self, rng: Rng, crop: np.ndarray, labels: Labels) -> None:
        """Over-exposes half of the plates and a place without one: glare is no evidence."""
        high = float(np.exp(rng.uniform(*np.log([8.0, 90.0]))))
        free = self.free_box(rng, labels, min(high * rng.uniform(1.5, 5.0), 0.9 * self.size), high)
        if free is not None:
            paste.glare(rng, crop, free)
        for box, kind in zip(*labels, strict=True):
            if kind == PLATE and rng.random() < 0.5:
                paste.glare(rng, crop, box)

    def empty(self, rng: Rng, crop: np.ndarray, labels: Labels, share: float) -> Labels:
        """Paints over a share of the plates: the vehicle stays, the plate is gone."""
        kept: Labels = ([], [])
        for box, kind in zip(*labels, strict=True):
            if kind != LOOSE and rng.random() < share:
                paste.paint_over(crop, box)
            else:
                kept[0].append(box)
                kept[1].append(kind)
        return kept

    def make(self, rng: Rng) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A crop [S, S, 3], its boxes [M, 4] and their kinds [M]."""
        far = rng.random() < self.settings["plain"]
        bare = far and bool(self.scenes) and rng.random() < self.settings["scene"]
        crop, labels = (self.scene if bare else self.plain if far else self.mosaic)(rng)
        chance = rng.random()
        if chance < self.settings["background"]:
            labels = self.empty(rng, crop, labels, 1.0)
        elif chance < self.settings["background"] + self.settings["replace"]:
            self.replace(rng, crop, labels)
        else:
            self.recolour(rng, crop, labels)
        if len(labels[0]) > 3:
            labels = self.empty(rng, crop, labels, 0.12)
        if rng.random() < self.settings["distract"]:
            self.distract(rng, crop, labels)
        # seldom where no vehicle is: lettering alone must not be evidence
        if rng.random() < self.settings["free_in_scene" if bare else "free"]:
            self.add_plate(rng, crop, labels)
        if rng.random() < self.settings["glare"]:
            self.glare(rng, crop, labels)
        crop = take(rng, crop, self.noise)
        boxes = np.array(labels[0], np.float32).reshape(-1, 4)
        return crop, boxes, np.array(labels[1], np.int64)


def apart(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two boxes do not touch."""
    return bool(a[0] > b[2] or b[0] > a[2] or a[1] > b[3] or b[1] > a[3])
