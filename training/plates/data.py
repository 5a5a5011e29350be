"""Labelled pictures and their fixed split into training and held-out ones."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np


@dataclass(frozen=True)
class Picture:
    """A picture's file and the plates labelled in it, as [x1, y1, x2, y2] in pixels."""

    path: Path
    set: str
    boxes: np.ndarray

    def pixels(self) -> np.ndarray:
        """The decoded picture, BGR."""
        picture = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        if picture is None:
            raise OSError(f"cannot read {self.path}")
        return picture


def read(labels: Path, field: str = "boxes") -> list[Picture]:
    """All pictures of a labels file (JSON lines beside the pictures)."""
    pictures = []
    for line in labels.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        boxes = [box["box"] if isinstance(box, dict) else box for box in row.get(field, [])]
        pictures.append(
            Picture(
                labels.parent / row["image"],
                row.get("set", "all"),
                np.array(boxes, np.float32).reshape(-1, 4),
            )
        )
    return pictures


def is_held_out(picture: Picture, settings: dict[str, Any]) -> bool:
    """Whether a picture is kept from training; neighbours by number share their fate."""
    number = re.search(r"(\d+)$", picture.path.stem)
    block = int(number.group(1)) // settings["block"] if number else 0
    digest = hashlib.sha256(f"{picture.set}/{block}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 < settings["held_out"]


def is_filled(picture: Picture, largest: float) -> bool:
    """Whether a plate takes more than that share of the picture."""
    height, width = picture.pixels().shape[:2]
    sides = picture.boxes[:, 2:] - picture.boxes[:, :2]
    return bool((sides.prod(axis=1) > largest * height * width).any())


def split(settings: dict[str, Any]) -> tuple[list[Picture], list[Picture]]:
    """Training and held-out pictures."""
    pictures = read(Path(settings["paths"]["labels"]))
    held = [is_held_out(picture, settings["data"]) for picture in pictures]
    kept = [picture for picture, out in zip(pictures, held, strict=True) if not out]
    kept = [picture for picture in kept if not is_filled(picture, settings["data"]["largest"])]
    return kept, [picture for picture, out in zip(pictures, held, strict=True) if out]
