"""Prints how large what is hidden is beside the faces that are labelled, as a Markdown table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from statistics import median

from material import read_rows

from redact import PROFILES, analyse_file
from redact.core.findings import Kind
from redact.core.geometry import Box, Region, Size
from redact.hide.masks import size_mask

ROOT = Path(__file__).resolve().parents[1]
SMALLEST = 32
"""Pixels of height from which a face counts."""

ENOUGH = 0.9
"""Share of a label that must be hidden, as cover.py has it."""


def measure(labels: Sequence[Box], regions: Sequence[Region], size: Size) -> Iterator[float | None]:
    """For each label the area of what hides it, in its own areas; None if it is not hidden.

    Of several regions the one with the best overlap counts, as far as it lies in the picture.
    """
    mask = size_mask(regions, size)
    picture = Box(0, 0, size.width, size.height)
    for label in labels:
        rows = slice(max(0, int(label.top)), min(size.height, int(label.bottom + 0.999)))
        columns = slice(max(0, int(label.left)), min(size.width, int(label.right + 0.999)))
        if mask[rows, columns].mean() < ENOUGH:
            yield None
            continue
        best = max(regions, key=lambda region: region.box.iou(label))
        yield float(size_mask([best], size).sum()) / label.overlap(picture)


def main(said: Sequence[str] | None = None) -> None:
    """Measure the pictures of `faces_wider`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profiles", nargs="+", choices=PROFILES, default=["balanced"])
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="each N-th picture only")
    options = parser.parse_args(said)
    folder = options.data / "faces_wider"
    if not folder.is_dir():
        parser.error(f"{folder} is not there; say where with --data")
    rows = read_rows(folder / "labels.jsonl")[:: options.every]
    print("| profile | faces | hidden | hidden area to labelled area, median |")
    print("|---|---:|---:|---:|")
    for profile in options.profiles:
        found: list[float | None] = []
        for row in rows:
            faces = [Box(*face["box"]) for face in row["faces"] if not face.get("invalid")]
            faces = [face for face in faces if face.height >= SMALLEST]
            if not faces:
                continue
            plan = analyse_file(folder / row["image"], PROFILES[profile].detecting({Kind.FACE}))
            found += measure(faces, plan.cover()(0, Fraction(0)), plan.source.size)
        shares = [share for share in found if share is not None]
        print(
            f"| {profile} | {len(found)} | {100 * len(shares) / len(found):.1f} % | "
            f"{median(shares):.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"bench: {error}")
