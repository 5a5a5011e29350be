"""Prints how many heads `--detect heads` hides, by size and by direction, as Markdown tables."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from material import read_rows
from measures import Share
from numpy.typing import NDArray

from redact import PROFILES, Plan, Recipe, analyse_file
from redact.core.findings import Kind
from redact.core.geometry import Box
from redact.hide.masks import size_mask
from redact.media.formats import open_source

ROOT = Path(__file__).resolve().parents[1]
ENOUGH = 0.9
"""Share of a label that must be hidden, as cover.py has it."""

SIZES = (12, 20, 32, 64)
"""Pixels of height at which a row of the table begins."""

TALL = 160
"""Pixels of height from which a whole person's head has 20."""

NOSE, LEFT_EAR, RIGHT_EAR = 0, 3, 4
POINTS = 5
"""Nose, eyes and ears come first among a person's points."""


def measure_sites(rows: Sequence[dict[str, Any]], folder: Path, recipe: Recipe) -> None:
    """Heads of building sites by their height, and the area that is hidden in vain."""
    found: dict[int, list[bool]] = {least: [] for least in SIZES}
    vain = []
    for row in rows:
        labels = [Box(*head["box"]) for head in row["heads"]]
        mask = hidden_mask(analyse_file(folder / row["image"], recipe))
        for label in labels:
            least = max((size for size in SIZES if size <= label.height), default=None)
            if least is not None:
                found[least].append(bool(part(mask, label).mean() >= ENOUGH))
        wanted = np.zeros_like(mask)
        for label in labels:
            part(wanted, label.grown(0.5))[...] = True
        vain.append(float((mask & ~wanted).mean()))
    large = [one for least, ones in found.items() if least >= 20 for one in ones]
    ends = (*(f"to {least} px" for least in SIZES[1:]), "px and more")
    print_rows({f"{a} {b}": found[a] for a, b in zip(SIZES, ends, strict=True)})
    print_rows({"20 px and more, together": large})
    print(f"\nhidden in vain: {100 * fmean(vain):.2f} % of the picture; pictures {len(rows)}\n")


def measure_directions(rows: Sequence[dict[str, Any]], folder: Path, recipe: Recipe) -> None:
    """Heads by where they look: hidden if nose, eyes and ears are, as far as they show."""
    found: dict[str, list[bool]] = {"to the camera": [], "to the side": [], "away": []}
    for row in rows:
        tall = [i for i, box in enumerate(row["boxes"]) if box[3] - box[1] >= TALL]
        people = [(row["head_points"][i]) for i in tall]
        people = [points for points in people if direction(points)]
        if not people:
            continue
        mask = hidden_mask(analyse_file(folder / row["image"], recipe))
        for points in people:
            inside = [part(mask, Box(x, y, x + 1, y + 1)).all() for x, y in shown(points)]
            found[direction(points)].append(all(map(bool, inside)))
    print_rows(found)


def direction(points: Sequence[float]) -> str:
    """Where a head looks, by which of its points show; empty if none does."""
    ears = sum(points[3 * ear + 2] > 0 for ear in (LEFT_EAR, RIGHT_EAR))
    if points[3 * NOSE + 2] > 0:
        return "to the side" if ears == 1 else "to the camera"
    return "away" if ears else ""


def shown(points: Sequence[float]) -> Iterator[tuple[float, float]]:
    """Across and down of a head's points that are labelled."""
    for place in range(0, 3 * POINTS, 3):
        across, down, visible = points[place : place + 3]
        if visible > 0:
            yield across, down


def measure_camera(clip: Path, persons: Path, recipe: Recipe) -> None:
    """Walkers before a surveillance camera, marked where a region lies in their upper 20 %."""
    plan = analyse_file(clip, recipe)
    regions = plan.cover()
    wanted = {row["frame"]: row["persons"] for row in read_rows(persons)}
    marked, outside = [], 0
    for frame in open_source(clip).frames():
        here = [region.box for region in regions(frame.index, frame.time)]
        if frame.index not in wanted:
            continue
        people = [Box(*person["box"]) for person in wanted[frame.index]]
        bands = [Box(b.left, b.top, b.right, b.top + 0.2 * b.height) for b in people]
        marked += [any(band.holds_middle(box) for box in here) for band in bands]
        outside += sum(not any(one.holds_middle(box) for one in people) for box in here)
    print_rows({"walkers": marked})
    print(f"\nmarks outside of every person: {outside}, in {len(wanted)} frames\n")


def hidden_mask(plan: Plan) -> NDArray[np.bool_]:
    """(height, width): what is hidden in a still."""
    return size_mask(plan.cover()(0, Fraction(0)), plan.source.size)


def part(mask: NDArray[np.bool_], box: Box) -> NDArray[np.bool_]:
    """The view of a mask that a box covers."""
    rows = slice(max(0, int(box.top)), max(0, int(np.ceil(box.bottom))))
    return mask[rows, max(0, int(box.left)) : max(0, int(np.ceil(box.right)))]


def print_rows(found: Mapping[str, Sequence[bool]]) -> None:
    """A table's row for each name."""
    for name, ones in found.items():
        share = Share(sum(ones), len(ones))
        print(f"| {name} | {share.part} of {share.whole} | {100 * fmean(ones or [0]):.1f} % |")


def main(said: Sequence[str] | None = None) -> None:
    """Measure all three sets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profiles", nargs="+", choices=PROFILES, default=["balanced"])
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data")
    parser.add_argument("--sets", nargs="+", choices=("sites", "directions", "camera"),
                        default=["sites", "directions", "camera"])  # fmt: skip
    parser.add_argument("--every", type=int, default=2, metavar="N",
                        help="each N-th picture, from the second: constants were chosen on the "
                        "first and every other one")  # fmt: skip
    options = parser.parse_args(said)
    for profile in options.profiles:
        recipe = PROFILES[profile].detecting({Kind.HEAD})
        for name in options.sets:
            print(f"\n### {name}, {profile}\n\n| heads | hidden | |\n|---|---:|---:|", flush=True)
            if name == "camera":
                stem = options.data / "clips" / "pets_cctv_768x576_30s"
                measure_camera(Path(f"{stem}.avi"), Path(f"{stem}.persons.jsonl"), recipe)
            elif name == "sites":
                folder = options.data / "hardhat_heads"
                rows = read_rows(folder / "labels.jsonl")[1 :: options.every]
                measure_sites(rows, folder, recipe)
            else:
                folder = options.data / "people_permissive"
                rows = [r for r in read_rows(folder / "labels.jsonl") if r.get("head_points")]
                measure_directions(rows, folder, recipe)


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"bench: {error}")
