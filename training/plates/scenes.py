"""Gathers the pictures without vehicles that `scenes.toml` names, as negatives."""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

LARGEST = 900
LIST = Path(__file__).with_name("scenes.toml")


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


def main() -> None:
    """Stores every picture named, made smaller."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, help="where the packages are unpacked")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--held", action="store_true", help="the ones that are not trained on")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    absent = []
    for title, name, path in gathered(wanted("held" if args.held else "train"), args.folders):
        if path is None:
            absent.append(f"{title}: {name}")
            continue
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
        picture.thumbnail((LARGEST, LARGEST))
        stem = Path(title, name).with_suffix("").as_posix().replace("/", "_")
        picture.save(args.out / f"{stem}.png")
    if absent:
        sys.exit("not found: " + ", ".join(absent))


if __name__ == "__main__":
    main()
