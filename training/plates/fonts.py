"""Gathers the free fonts of the synthesis in one folder: TTF as they are, WOFF2 converted."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from fontTools.ttLib import TTFont

# name here: pattern of the file, looked for in all folders given
WANTED = {
    "din": "OSP-DIN.ttf",
    "roadc": "RG2014C.ttf",
    "roadd": "RG2014D.ttf",
    "roade": "RG2014E.ttf",
    "iso": "osifont.ttf",
    "condensed": "barlow-condensed-latin-600-normal.woff2",
    "condensedbold": "barlow-condensed-latin-800-normal.woff2",
    "sans": "overpass-latin-400-normal.woff2",
    "sansbold": "overpass-latin-800-normal.woff2",
    "chinese": "noto-sans-sc-chinese-simplified-700-normal.woff2",
    "thai": "noto-sans-thai-thai-700-normal.woff2",
    "arabic": "cairo-arabic-700-normal.woff2",
}


def main() -> None:
    """Finds, converts and stores every wanted font."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, help="font folders, node_modules")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name, pattern in WANTED.items():
        found = next((hit for folder in args.folders for hit in folder.rglob(pattern)), None)
        target = args.out / f"{name}.ttf"
        if found is None:
            print(f"{name}: {pattern} not found")
        elif found.suffix == ".ttf":
            shutil.copyfile(found, target)
        else:
            font = TTFont(found)
            font.flavor = None
            font.save(target)


if __name__ == "__main__":
    main()
