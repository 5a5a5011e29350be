"""Gathers pictures without vehicles, as negatives: desktop backgrounds and sample pictures."""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

LARGEST = 900
SAMPLES = "astronaut brick camera chelsea clock_motion coffee coins grass page rocket text".split()


def wanted(folder: Path) -> list[Path]:
    """One picture of each background; of a folder of samples, those named here."""
    chosen: dict[Path | str, tuple[int, Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in {".jpg", ".jpeg", ".png", ".webp"} or path.is_symlink():
            continue
        if "skimage" in path.parts:
            if path.stem in SAMPLES:
                chosen[path] = (0, path)
            continue
        if path.stem == "screenshot" or path.parent.name == "contents":
            continue
        with Image.open(path) as picture:
            width, height = picture.size
        if min(width, height) < 500 or ("contents" in path.parts and width < height):
            continue
        # a background may be there in twelve sizes
        key = path.parent if "contents" in path.parts else path
        off = abs(width - 1920)
        if key not in chosen or off < chosen[key][0]:
            chosen[key] = (off, path)
    return [path for _, path in chosen.values()]


def main() -> None:
    """Stores every wanted picture, made smaller."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for folder in args.folders:
        for path in wanted(folder):
            with Image.open(path) as opened:
                picture = opened.convert("RGB")
            picture.thumbnail((LARGEST, LARGEST))
            name = "_".join(path.with_suffix("").parts[-4:]).replace(" ", "_")
            picture.save(args.out / f"{name}.png")


if __name__ == "__main__":
    main()
