"""Crops of pictures, at many scales and spoilt as cameras and codecs spoil them; no labels."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.plates.camera import compress

Pixels = NDArray[np.uint8]


class CropMaker:
    """Makes crops of (size, size, 3), RGB."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings["crops"]
        self.sets = [paths_of(Path(labels)) for labels in settings["paths"]["pictures"]]
        seen = Path(settings["paths"]["work"]) / "seen.json"
        self.seen = list(json.loads(seen.read_text(encoding="utf-8")).items())

    def make(self, rng: np.random.Generator) -> Pixels:
        """One crop of a picture drawn at random."""
        side = self.settings["size"]
        if rng.random() < self.settings["at_faces"]:
            path, faces = self.seen[rng.integers(len(self.seen))]
            x, y, length = faces[rng.integers(len(faces))]
            scale = _between(self.settings["faces"], rng) / length
            reach = 0.45 * side / scale
            centre = [x + rng.uniform(-reach, reach), y + rng.uniform(-reach, reach)]
            crop = self._cut(read_picture(Path(path)), scale, centre, rng)
        else:
            chosen = self.sets[rng.choice(len(self.sets), p=self.settings["weights"])]
            picture = read_picture(chosen[rng.integers(len(chosen))])
            scale = _between(self.settings["scale"], rng)
            reach = side / 2 / scale
            sides = picture.shape[1::-1]
            centre = [rng.uniform(min(reach, n / 2), max(n - reach, n / 2)) for n in sides]
            crop = self._cut(picture, scale, centre, rng)
        if rng.random() < 0.5:
            crop = crop[:, ::-1]
        return self._spoil(np.ascontiguousarray(crop), rng)[:, :, ::-1].copy()

    def _cut(
        self, picture: Pixels, scale: float, centre: list[float], rng: np.random.Generator
    ) -> Pixels:
        """A place of the picture at that scale; beyond its rim it comes again, or all is black."""
        side, angle = self.settings["size"], 0.0
        if rng.random() < self.settings["tilted"]:
            angle = float(rng.uniform(-25, 25))
        if scale < 0.7:  # what is made smaller is averaged first
            picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            centre, scale = [one * scale for one in centre], 1.0
        turn = cv2.getRotationMatrix2D(tuple(centre), angle, scale)
        turn[:, 2] += side / 2 - np.array(centre)
        again = rng.random() < self.settings["again"]  # so that a crop has many small faces
        beyond = cv2.BORDER_WRAP if again else cv2.BORDER_CONSTANT
        return np.asarray(cv2.warpAffine(picture, turn, (side, side), borderMode=beyond), np.uint8)

    def _spoil(self, crop: Pixels, rng: np.random.Generator) -> Pixels:
        chances = self.settings
        if rng.random() < chances["soft"]:
            small = float(rng.uniform(0.3, 0.8))
            less = cv2.resize(crop, None, fx=small, fy=small, interpolation=cv2.INTER_AREA)
            crop = cv2.resize(less, crop.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        if rng.random() < chances["blur"]:
            crop = cv2.filter2D(crop, -1, _path(int(rng.integers(3, 16)), rng.uniform(0, 180)))
        value = crop.astype(np.float32)
        value = (value - 128) * rng.uniform(0.75, 1.2) + 128 + rng.uniform(-25, 25)
        value *= rng.uniform(0.9, 1.1, 3).astype(np.float32)
        if rng.random() < chances["dark"]:
            value *= rng.uniform(0.15, 0.6)
            value += rng.normal(0, rng.uniform(1, 8), value.shape).astype(np.float32)
        crop = np.clip(value, 0, 255).astype(np.uint8)
        if rng.random() < chances["coded"]:
            crop = compress(rng, crop)
        return crop


def _between(limits: list[float], rng: np.random.Generator) -> float:
    """A number between two, log-uniform."""
    low, high = np.log(limits)
    return float(np.exp(rng.uniform(low, high)))


def _path(length: int, angle: float) -> NDArray[np.float32]:
    """A kernel that averages along a straight path."""
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1
    middle = ((length - 1) / 2, (length - 1) / 2)
    kernel = cv2.warpAffine(kernel, cv2.getRotationMatrix2D(middle, angle, 1), (length, length))
    return kernel / max(float(kernel.sum()), 1e-6)


def paths_of(labels: Path) -> list[Path]:
    rows = map(json.loads, labels.read_text(encoding="utf-8").splitlines())
    return sorted({labels.parent / row["image"] for row in rows})


@lru_cache(maxsize=4096)
def read_picture(path: Path) -> Pixels:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise SystemExit(f"{path} cannot be read")
    return np.asarray(picture, np.uint8)
