"""Draws contact sheets of clips before and after, and of everybody who is exposed."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import av
import cv2
import numpy as np
from material import read_rows

ROOT = Path(__file__).resolve().parents[1]
TAILS = (".redacted", "_anonymized")
SUFFIXES = {".mp4", ".mov", ".mkv", ".webm", ".avi", ".ts"}
_WIDE, _TILE, _COLUMNS, _CAPTION = 360, 200, 4, 36
_Picture: TypeAlias = np.ndarray[Any, np.dtype[Any]]


@dataclass(slots=True)
class Exposed:
    """An identity at its worst exposed frame.

    Args:
        name: The identity.
        box: Its label there.
        share: How much of it is hidden there.
        frame: Which frame that is.
        before: The original, around it.
        after: The output, around it.
        frames: In how many frames it is exposed.
    """

    name: str
    box: Sequence[float]
    share: float
    frame: int
    before: _Picture
    after: _Picture
    frames: int = 1


def pairs(originals: Path, redacted: Path) -> Iterator[tuple[Path, Path]]:
    """Each clip of a folder with its output; or the two files named."""
    if originals.is_file() and redacted.is_file():
        yield originals, redacted
        return
    found = [originals] if originals.is_file() else sorted(originals.iterdir())
    for source in (path for path in found if path.suffix.lower() in SUFFIXES):
        names = (f"{source.stem}{tail}{source.suffix}" for tail in TAILS)
        output = next((redacted / name for name in names if (redacted / name).is_file()), None)
        if output is None:
            print(f"{source.name}: no output")
        else:
            yield source, output


def compare_times(source: Path, output: Path) -> tuple[int, str]:
    """Frames of the original, and how the output's frames and timestamps compare."""
    ours, theirs = _times(output), _times(source)
    if len(ours) != len(theirs):
        return len(theirs), f"frames NOT equal: {len(theirs)} before, {len(ours)} after"
    said = f"frames equal ({len(ours)}), timestamps"
    if ours == theirs:
        return len(theirs), f"{said} equal"
    wrong = [i for i, pair in enumerate(zip(theirs, ours, strict=True)) if pair[0] != pair[1]]
    largest = max(abs(ours[i] - theirs[i]) for i in wrong)
    at = f"{len(wrong)} frames, first {wrong[0]}, by at most {float(largest):.6f} s"
    return len(theirs), f"{said} NOT equal: {at}"


def _times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        frames = container.decode(stream)
        return [Fraction(f.pts or 0) * (f.time_base or Fraction(0)) for f in frames]


def before_after(source: Path, output: Path, frames: int, count: int) -> _Picture:
    """Evenly spaced frames, the original above the output."""
    wanted = {round(i * (frames - 1) / max(1, count - 1)) for i in range(count)}
    columns = []
    for index, (before, after) in enumerate(_both(source, output)):
        if index in wanted:
            tiles = [_wide(before, f"{index}"), _wide(after, "")]
            height = max(tile.shape[0] for tile in tiles)
            columns.append(np.vstack([_padded(tile, height) for tile in tiles]))
    return np.hstack(columns)


def find_exposed(
    truth: Path, source: Path, output: Path, smallest: float, cover: ModuleType
) -> list[Exposed]:
    """The identities with any exposed frame, by cover.py's own reckoning, largest first."""
    worst: dict[str, Exposed] = {}
    both = _both(source, output)
    for row, (before, after) in zip(read_rows(truth), both, strict=False):
        old, new = cover.gray(before), cover.gray(after)
        for face in row["faces"]:
            if not _counts(face, smallest):
                continue
            share = cover.hidden_share(face["box"], old, new)
            if share < cover.ENOUGH:
                known = worst.get(face["id"])
                frames = known.frames + 1 if known else 1
                if known is None or share < known.share:
                    box, crops = face["box"], [_crop(it, face["box"]) for it in (before, after)]
                    known = Exposed(face["id"], box, share, row["frame"], crops[0], crops[1])
                    worst[face["id"]] = known
                known.frames = frames
    return sorted(worst.values(), key=lambda it: it.box[1] - it.box[3])


def _counts(face: dict[str, Any], smallest: float) -> bool:
    x1, y1, x2, y2 = face["box"]
    seen = face.get("inside", 1) >= 0.5 and face.get("opacity", 1) >= 0.5
    clear = face.get("occluded", 0) <= 0.5 and not face.get("invalid")
    return bool(seen and clear and x2 - x1 >= 1 and y2 - y1 >= max(1, smallest))


def exposed_sheet(people: Sequence[Exposed]) -> _Picture:
    """A tile for each: before and after, label outlined, and what is known of it."""
    tiles = [_tile(person) for person in people]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % _COLUMNS)
    rows = [np.hstack(tiles[i : i + _COLUMNS]) for i in range(0, len(tiles), _COLUMNS)]
    return np.vstack(rows)


def _tile(person: Exposed) -> _Picture:
    pair = np.hstack([person.before, np.full((_TILE, 2, 3), 255, np.uint8), person.after])
    caption = np.zeros((_CAPTION, pair.shape[1], 3), np.uint8)
    height = person.box[3] - person.box[1]
    _write(caption, f"{person.name}  {height:.0f} px  hidden {100 * person.share:.0f} %", 14)
    _write(caption, f"frame {person.frame}, exposed in {person.frames}", 30)
    return np.pad(np.vstack([caption, pair]), ((0, 6), (0, 6), (0, 0)))


def _crop(picture: _Picture, box: Sequence[float]) -> _Picture:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    half = max(20.0, 1.5 * max(box[2] - box[0], box[3] - box[1]))
    scale = _TILE / (2 * half)
    shift = np.array([[scale, 0, scale * (half - x)], [0, scale, scale * (half - y)]])
    # Outside of the picture is grey, not black: black is what was hidden.
    tile = cv2.warpAffine(picture, shift, (_TILE, _TILE), borderValue=(90, 90, 90))
    corners = [round(scale * (v - m + half)) for v, m in zip(box, (x, y, x, y), strict=True)]
    cv2.rectangle(tile, corners[:2], corners[2:], (0, 255, 0), 1)
    return tile


def _both(source: Path, output: Path) -> Iterator[tuple[_Picture, _Picture]]:
    readers = [cv2.VideoCapture(str(path)) for path in (source, output)]
    try:
        while True:
            found = [reader.read() for reader in readers]
            if not all(ok for ok, _ in found):
                return
            yield found[0][1], found[1][1]
    finally:
        for reader in readers:
            reader.release()


def _wide(picture: _Picture, text: str) -> _Picture:
    height = round(_WIDE * picture.shape[0] / picture.shape[1])
    tile = cv2.resize(picture, (_WIDE, height), interpolation=cv2.INTER_AREA)
    _write(tile, text, 16)
    return np.pad(tile, ((0, 4), (0, 4), (0, 0)), constant_values=255)


def _padded(tile: _Picture, height: int) -> _Picture:
    return np.pad(tile, ((0, height - tile.shape[0]), (0, 0), (0, 0)))


def _write(picture: _Picture, text: str, y: int) -> None:
    cv2.putText(
        picture, text, (4, y), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 255, 255), 1, cv2.LINE_AA
    )


def _save(path: Path, picture: _Picture) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), picture):
        raise OSError(f"{path}: cannot be written")
    print(f"  {path}")


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("cover", path)
    if spec is None or spec.loader is None:
        raise OSError(f"{path}: is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _show_exposed(options: argparse.Namespace, source: Path, output: Path) -> None:
    truth: Path = options.exposed
    if truth.is_dir():
        truth = truth / f"{source.stem}.truth.jsonl"
    if not truth.exists():
        print("  no truth for it")
        return
    people = find_exposed(truth, source, output, options.smallest, _load(options.cover))
    names = ", ".join(f"{p.name} ({p.frames})" for p in people) or "nobody"
    print(f"  exposed, of {options.smallest:g} px or more (frames): {names}")
    if people:
        _save(options.out / f"{source.stem}.exposed.png", exposed_sheet(people))


def _arguments(said: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("originals", type=Path, help="a folder of clips, or one clip")
    parser.add_argument("redacted", type=Path, help="the folder of outputs, or one output")
    parser.add_argument("-o", "--out", type=Path, default=ROOT / "bench/out/sheets", metavar="DIR")
    parser.add_argument("--count", type=int, default=6, help="frames of each clip")
    parser.add_argument("--exposed", type=Path, metavar="TRUTH", help="truth file, or their folder")
    parser.add_argument("--smallest", type=float, default=20, help="least height of an identity")
    parser.add_argument("--cover", type=Path, default=ROOT / "../shared/tools/cover.py")
    return parser.parse_args(said)


def main(said: Sequence[str] | None = None) -> None:
    """A line about times and a sheet for each clip."""
    options = _arguments(said)
    for source, output in pairs(options.originals, options.redacted):
        frames, times = compare_times(source, output)
        print(f"{source.name}: {times}")
        if options.exposed:
            _show_exposed(options, source, output)
        else:
            sheet = before_after(source, output, frames, options.count)
            _save(options.out / f"{source.stem}.png", sheet)


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"bench: {error}")
