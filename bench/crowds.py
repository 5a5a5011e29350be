"""Dense crowds: whether the check of the pixels refuses by chance what is hidden as planned.

    python bench/crowds.py --data DATA

Each film is a pan over a wall of pictures with more than a hundred labelled faces in view, with
noise. All labelled faces are hidden by a plan made from the labels, so no detector takes part: what
is tried is rendering and the check of the pixels, over tens of thousands of regions.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

import redact
from redact import Box, Kind, Plan, Sighting, Size, Track
from redact.core.plan import SourceId

SIZES = ((360, 640), (640, 360), (1280, 720), (1920, 1080))
RATE = 25


@dataclass(frozen=True)
class Wall:
    """A large picture with the faces in it.

    Args:
        picture: (height, width, 3), 8 bit.
        faces: (n, 4): left, top, right, bottom in its pixels.
    """

    picture: np.ndarray[Any, Any]
    faces: np.ndarray[Any, Any]


def wall(data: Path, size: tuple[int, int], crowd: int, rng: np.random.Generator) -> Wall:
    """Labelled pictures side by side, so small that a view of `size` shows `crowd` faces."""
    labels = [json.loads(line) for line in (data / "faces_wider/labels.jsonl").open()]
    dense = sorted(labels, key=lambda one: -len(one["faces"]))[:40]
    width, height = size[0] * 3 // 2, size[1] * 3 // 2
    canvas = np.full((height, width, 3), 90, np.uint8)
    cell, faces = min(size) // 2, []
    for top in range(0, height, cell):
        for left in range(0, width, cell):
            one = dense[int(rng.integers(len(dense)))]
            tile = cv2.imread(str(data / "faces_wider/images" / name_of(one)))
            scale = cell / min(tile.shape[:2])
            tile = cv2.resize(tile, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            rows, columns = min(cell, height - top), min(cell, width - left)
            canvas[top : top + rows, left : left + columns] = tile[:rows, :columns]
            boxes = np.array([f["box"] for f in one["faces"]], float) * scale
            keep = (boxes[:, 0] < columns) & (boxes[:, 1] < rows) & (boxes[:, 3] - boxes[:, 1] >= 5)
            faces += [*(boxes[keep] + (left, top, left, top))]
    found = np.array(faces)
    if len(found) > 2 * crowd:  # of the wall, a bit less than half is in view
        found = found[rng.permutation(len(found))[: 2 * crowd]]
    return Wall(canvas, found)


def name_of(label: dict[str, Any]) -> str:
    """The picture's name below `images`."""
    return str(label.get("image") or label.get("file") or label["name"]).removeprefix("images/")


def frames(
    made: Wall, size: tuple[int, int], count: int, noise: float, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """Views that wander over the wall by parts of a pixel, and where the faces are in each."""
    width, height = size
    room = np.array([made.picture.shape[1] - width, made.picture.shape[0] - height], float)
    start, end = rng.random(2) * room, rng.random(2) * room
    for nth in range(count):
        shake = rng.normal(0, 0.6, 2)
        left, top = np.clip(start + (end - start) * nth / count + shake, 0, room)
        moved = np.float32([[1, 0, -left], [0, 1, -top]])
        view = cv2.warpAffine(made.picture, moved, size, flags=cv2.INTER_LINEAR)
        grain = rng.normal(0, noise, view.shape)
        seen = np.clip(view + grain, 0, 255).astype(np.uint8)
        yield seen, made.faces - (left, top, left, top)


def film(
    path: Path,
    made: Wall,
    size: tuple[int, int],
    count: int,
    noise: float,
    crf: int,
    seed: int,
) -> list[Track]:
    """Write the film; gives a track for each face that is in view."""
    rng = np.random.default_rng(seed)
    seen: dict[int, list[Sighting]] = {}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": str(crf)})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for index, (view, faces) in enumerate(frames(made, size, count, noise, rng)):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(view, "bgr24")))
            for number, (left, top, right, bottom) in enumerate(faces):
                if right > 0 and bottom > 0 and left < size[0] and top < size[1]:
                    box = Box(*map(float, (left, top, right, bottom)))
                    seen.setdefault(number, []).append(
                        Sighting(index, Fraction(index, RATE), box, 0.9)
                    )
        container.mux(stream.encode())
    return [Track(n + 1, Kind.FACE, tuple(s)) for n, s in sorted(seen.items())]


def tried(
    data: Path, size: tuple[int, int], seed: int, count: int, crowd: int, style: str
) -> tuple[int, str]:
    """How many regions one film has, and what became of it."""
    noise, crf = (0.0, 4.0, 10.0)[seed % 3], (20, 28, 35)[seed // 3 % 3]
    made = wall(data, size, crowd, np.random.default_rng(seed))
    usual = redact.PROFILES["fast"].detecting({Kind.PLATE})  # then no detector looks for faces
    recipe = replace(usual, style=style)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "crowd.mp4"
        tracks = tuple(film(source, made, size, count, noise, crf, seed))
        fingerprint = f"sha256:{hashlib.sha256(source.read_bytes()).hexdigest()}"
        plan = Plan(SourceId(fingerprint, Size(*size), count), recipe, (), tracks)
        regions = sum(len(track.sightings) for track in tracks)
        try:
            found = redact.render_file(source, source.with_name("out.mp4"), plan).verification
        except redact.RedactError as error:
            return regions, f"REFUSED {error.problem}"
    assert found is not None
    worst = f"inside {found.inside:.3f} outside {found.outside:.1f}"
    return regions, f"{worst}, {getattr(found, 'mended', 0)} mended"


def main() -> None:
    """Print one line for each film, and how many were refused."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of sets")
    parser.add_argument("--seeds", type=int, default=10, help="films of each size")
    parser.add_argument("--frames", type=int, default=50, help="of each film")
    parser.add_argument("--crowd", type=int, default=120, help="faces in view, about")
    parser.add_argument("--styles", nargs="+", default=["blur", "pixelate"])
    asked = parser.parse_args()
    refused = films = regions = 0
    for size in SIZES:
        for seed in range(asked.seeds):
            style = asked.styles[seed % len(asked.styles)]
            count, said = tried(asked.data, size, seed, asked.frames, asked.crowd, style)
            films, regions, refused = films + 1, regions + count, refused + ("REFUSED" in said)
            film_name = f"{size[0]}x{size[1]} seed {seed} {style}"
            print(f"{film_name}: {count} regions, {said}", flush=True)
    print(f"{refused} of {films} films refused, {regions} regions")


if __name__ == "__main__":
    main()
