"""The labelled pictures and clips, laid out in temporary folders for the tools."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180}
_JPEG_QUALITY = 96
_COUNTED_HEIGHT = 20


@dataclass(frozen=True, slots=True)
class Album:
    """Labelled pictures in a folder that a tool may read.

    Args:
        folder: The pictures, the tree kept.
        labels: Their labels, in cover.py's form.
        names: The pictures, relative to the folder.
    """

    folder: Path
    labels: Path
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Film:
    """A clip and its truth."""

    source: Path
    truth: Path


def album(data: Path, into: Path, limit: int | None, turn: int = 0) -> Album:
    """Copy a set's first pictures, turned clockwise if asked, with their labels.

    Turned labels flag faces below 20 px of upright height as `invalid`, so that the turned and the
    upright pictures count the same faces.
    """
    rows = read_rows(data / "labels.jsonl")[:limit]
    folder = into / "originals"
    for row in rows:
        target = folder / row["image"]
        target.parent.mkdir(parents=True, exist_ok=True)
        if turn:
            _turn_picture(data / row["image"], target, turn)
            row["faces"] = [
                _turned(face, row["width"], row["height"], turn) for face in row["faces"]
            ]
        else:
            shutil.copyfile(data / row["image"], target)
    labels = into / "labels.jsonl"
    write_rows(labels, rows)
    return Album(folder, labels, tuple(row["image"] for row in rows))


def split_labels(labels: Path, key: str) -> dict[str, Path]:
    """Labels of one file as a file for each value of a key, beside it."""
    parts: dict[str, list[dict[str, Any]]] = {}
    for row in read_rows(labels):
        parts.setdefault(row[key], []).append(row)
    paths = {value: labels.with_name(f"{labels.stem}_{value}.jsonl") for value in parts}
    for value, rows in parts.items():
        write_rows(paths[value], rows)
    return paths


def truth_films(data: Path, limit: int | None) -> list[Film]:
    """The clips whose truth is exact."""
    return list(_films(data / "clips_truth", ".truth.jsonl"))[:limit]


def pseudo_films(data: Path, into: Path, limit: int | None) -> list[Film]:
    """The real clips in which a detector found every face; each frame is one `identity`.

    So what cover.py says of identities is what is wanted of frames.
    """
    films = []
    for film in list(_films(data / "clips", ".pseudo.jsonl"))[:limit]:
        rows = read_rows(film.truth)
        if [row["frame"] for row in rows] != list(range(len(rows))):
            raise ValueError(f"{film.truth}: not a line for every frame")
        for row in rows:
            row["faces"] = [{"id": row["frame"], "box": face["box"]} for face in row["faces"]]
        truth = into / film.truth.name
        write_rows(truth, rows)
        films.append(Film(film.source, truth))
    return films


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The lines of a JSON lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write a JSON lines file, its folder too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _films(folder: Path, ending: str) -> Iterator[Film]:
    for truth in sorted(folder.glob(f"*{ending}")):
        stem = truth.name.removesuffix(ending)
        source = next((p for p in folder.glob(f"{stem}.*") if p.suffix in {".mp4", ".avi"}), None)
        if source is None:
            raise FileNotFoundError(f"{truth}: there is no clip of this name")
        yield Film(source, truth)


def _turn_picture(source: Path, target: Path, turn: int) -> None:
    picture = cv2.imread(str(source))
    if picture is None:
        raise ValueError(f"{source}: cannot be read")
    quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    if not cv2.imwrite(str(target), cv2.rotate(picture, _TURNS[turn]), quality):
        raise OSError(f"{target}: cannot be written")


def _turned(face: dict[str, Any], width: int, height: int, turn: int) -> dict[str, Any]:
    x1, y1, x2, y2 = face["box"]
    box = [height - y2, x1, height - y1, x2]
    if turn == 180:
        box = [width - x2, height - y2, width - x1, height - y1]
    small = y2 - y1 < _COUNTED_HEIGHT
    return {**face, "box": box, "invalid": int(small or bool(face.get("invalid")))}
