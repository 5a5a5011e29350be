"""Gathers the pictures without vehicles that `scenes.toml` names, as negatives."""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

LARGEST = 900
LIST = Path(__file__).with_name("scenes.toml")
LABELLED = ("us18f", "usgov", "ropensci", "sklearnblog", "azuresamples", "intel_video")
"""Sets of labelled pictures of people that show next to no vehicles."""
MEASURED = 181
"""The first of them, which `bench/false_plates.py` shows: they are not trained on."""


def wanted(which: str) -> list[tuple[str, str]]:
    """Package and end of the path of all pictures to be trained on, or of those held out."""
    packages = tomllib.loads(LIST.read_text("utf-8")).items()
    return [(title, name) for title, package in packages for name in package[which]]


def gathered(
    names: Sequence[tuple[str, str]], folders: Sequence[Path]
) -> Iterator[tuple[str, str, Path | None]]:
    """Where each picture lies, rather below a folder of its package's name; None where not."""
    files = [path for folder in folders for path in folder.rglob("*") if not path.is_symlink()]
    for title, name in names:
        there = [path for path in files if str(path).endswith(f"/{name}")]
        yield title, name, min(there, key=lambda path: title not in str(path), default=None)


def labelled(rows: Path) -> Iterator[tuple[str, Path]]:
    """Name and place of those pictures of a labels file that are not measured with."""
    read = [json.loads(line) for line in rows.read_text("utf-8").splitlines()]
    for row in [row for row in read if row["set"] in LABELLED][MEASURED:]:
        yield f"{row['set']}_{Path(row['image']).stem}", rows.parent / row["image"]


def store(path: Path, target: Path) -> None:
    """Store a picture, made smaller."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((LARGEST, LARGEST))
    picture.save(target)


def main() -> None:
    """Stores every picture named, made smaller."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, help="where the packages are unpacked")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--held", action="store_true", help="the ones that are not trained on")
    parser.add_argument("--labels", type=Path, help="pictures of people, for the classifier alone")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    absent = []
    for title, name, path in gathered(wanted("held" if args.held else "train"), args.folders):
        if path is None:
            absent.append(f"{title}: {name}")
            continue
        stem = Path(title, name).with_suffix("").as_posix().replace("/", "_")
        store(path, args.out / f"{stem}.png")
    for stem, path in labelled(args.labels) if args.labels else ():
        store(path, args.out / f"{stem}.png")
    if absent:
        sys.exit("not found: " + ", ".join(absent))


if __name__ == "__main__":
    main()
