"""Where the teacher sees faces in the pictures, so that crops can be drawn by them.

python -m training.faces.seen
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch.nn import functional

from training.plates import config

from .crops import paths_of, read_picture
from .network import Network

_STRIDE = 4
_SIDE, _MULTIPLE = 640, 32


def main() -> None:
    """Writes a file of faces to the folder of work: by picture, middles and sizes in pixels."""
    parser = config.parser(__doc__ or "")
    parser.set_defaults(settings=Path(__file__).with_name("settings.toml"))
    settings = config.load(parser.parse_args())
    teacher = Network(Path(settings["paths"]["teacher"]))
    found: dict[str, list[list[float]]] = {}
    with torch.no_grad():
        for path in paths_of(Path(settings["paths"]["pictures"][0])):
            if faces := see(teacher, read_picture(path), settings["crops"]["seen"]):
                found[str(path)] = faces
    work = Path(settings["paths"]["work"])
    work.mkdir(parents=True, exist_ok=True)
    (work / "seen.json").write_text(json.dumps(found), encoding="utf-8")
    print(len(found), "pictures with", sum(map(len, found.values())), "faces")


def see(teacher: Network, picture: np.ndarray, threshold: float) -> list[list[float]]:
    """Peaks of the teacher's heat map: x, y and the longer side, in the picture's pixels."""
    scale = _SIDE / max(picture.shape[:2])
    copy: Any = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    height, width = copy.shape[:2]
    below, right = -height % _MULTIPLE, -width % _MULTIPLE
    copy = cv2.copyMakeBorder(copy[:, :, ::-1], 0, below, 0, right, cv2.BORDER_CONSTANT)
    heat, size, _ = teacher(torch.from_numpy(copy).permute(2, 0, 1)[None].float()).values()
    heat = torch.sigmoid(heat)[0, 0]
    peaks = functional.max_pool2d(heat[None], 5, 1, 2)[0] == heat
    rows, columns = torch.nonzero(peaks & (heat > threshold), as_tuple=True)
    sides = size[0].exp().amax(0)[rows, columns]
    table = torch.stack([columns + 0.5, rows + 0.5, sides], dim=1) * _STRIDE / scale
    return [[round(one, 1) for one in row] for row in table.tolist()]


if __name__ == "__main__":
    main()
