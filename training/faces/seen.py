"""Where CenterFace sees faces in the pictures, so that crops can be drawn by them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from redact.core.interfaces import Detector
from redact.detect.detectors import load
from training.plates import config

from . import SETTINGS
from .crops import paths_of, read_picture

_SIDE = 640


def main() -> None:
    """Writes a file of faces to the folder of work: by picture, middles and sizes in pixels."""
    settings = config.load(config.parser(__doc__ or "", SETTINGS).parse_args())
    teacher, found = load("centerface"), {}
    for path in paths_of(Path(settings["paths"]["pictures"][0])):
        if faces := see(teacher, read_picture(path), settings["crops"]["seen"]):
            found[str(path)] = faces
    work = Path(settings["paths"]["work"])
    work.mkdir(parents=True, exist_ok=True)
    (work / "seen.json").write_text(json.dumps(found), encoding="utf-8")
    print(len(found), "pictures with", sum(map(len, found.values())), "faces")


def see(teacher: Detector, picture: np.ndarray, threshold: float) -> list[list[float]]:
    """Its faces: x and y of the middle, and the longer side, in the picture's pixels."""
    scale = _SIDE / max(picture.shape[:2])
    copy = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    (found,) = teacher.detect([copy[:, :, ::-1]], threshold)
    rows = [(*one.box.centre, max(one.box.width, one.box.height)) for one in found]
    return [[round(float(value) / scale, 1) for value in row] for row in rows]


if __name__ == "__main__":
    main()
