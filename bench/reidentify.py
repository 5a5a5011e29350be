"""Prints how often two strong recognisers find the owner of a redacted face, as Markdown tables.

The attacker is given more than a real one has: where eyes, nose and mouth were, taken from the
clear picture, and every style's own gallery. `solid` on the same mask is the control: what it
leaves, the surroundings, every style leaves. Beside the two, an attacker who knows nothing of faces
compares small copies of the whole picture: pictures of one event have their background in common.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from recognisers import (
    CLEAR,
    CONTROL,
    DlibResNet,
    Picture,
    SFace,
    SmallCopy,
    Vectors,
    find_faces,
    redacted,
)

from redact.core.geometry import Region
from redact.core.recipe import IRREVERSIBLE
from redact.hide.styles import STYLES

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 1000
"""Bootstrap rounds over people."""
Z = 1.96


def likeness(one: Vectors, other: Vectors) -> Vectors:
    """The larger, the more alike: negative squared distances."""
    squares = (one**2).sum(1)[:, None] + (other**2).sum(1) - 2 * one @ other.T
    return -squares


def rank_one(probes: Vectors, gallery: Vectors, people: NDArray[np.int_]) -> NDArray[np.bool_]:
    """For each probe, whether the most alike of all other pictures is of the same person."""
    alike = likeness(probes, gallery)
    np.fill_diagonal(alike, -np.inf)
    return people[alike.argmax(1)] == people


def verified(
    probes: Vectors, gallery: Vectors, pairs: NDArray[np.int_], same: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """For each pair, whether it is judged rightly, by a threshold from nine other tenths.

    Each tenth has as many pairs of one person as the others: where nothing can be told, a threshold
    that takes the commoner answer of nine would be wrong more often than not in the tenth.
    """
    alike = -((probes[pairs[:, 0]] - gallery[pairs[:, 1]]) ** 2).sum(1)
    folds = np.empty(len(pairs), int)
    for kind in (True, False):
        folds[same == kind] = np.random.default_rng(0).permutation((same == kind).sum()) % 10
    right = np.zeros(len(pairs), bool)
    for fold in range(10):
        rest, here = folds != fold, folds == fold
        limits = np.unique(alike[rest])[:: max(1, rest.sum() // 400)]
        scores = [_balanced(alike[rest] >= limit, same[rest]) for limit in limits]
        right[here] = (alike[here] >= limits[int(np.argmax(scores))]) == same[here]
    return right


def _balanced(said: NDArray[np.bool_], same: NDArray[np.bool_]) -> float:
    """Share of right answers, pairs of one person counting as much as all others."""
    return float(said[same].mean() + (~said[~same]).mean()) / 2


def wilson(right: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Share and its 95 % interval."""
    n, share = len(right), float(right.mean())
    middle = (share + Z**2 / 2 / n) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * sqrt(share * (1 - share) / n + Z**2 / 4 / n**2)
    return share, middle - half, middle + half


def above(
    right: NDArray[np.bool_], control: NDArray[np.bool_], people: NDArray[np.int_]
) -> tuple[float, float]:
    """95 % interval of the difference to the control, people drawn anew."""
    dice = np.random.default_rng(0)
    away = right.astype(float) - control
    sums = np.bincount(people, away)
    counts = np.bincount(people)
    draws = dice.integers(0, len(sums), (ROUNDS, len(sums)))
    means = sums[draws].sum(1) / counts[draws].sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _drawn_from_control(picture: Picture, regions: Sequence[Region], style: str) -> bool:
    """Whether whoever has the control's picture can draw the style's himself."""
    over = redacted(redacted(picture, regions, CONTROL), regions, style)
    return np.array_equal(over, redacted(picture, regions, style))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = ROOT.parent / "shared" / "data" / "identities_lfw"
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--profile", default="fast", help="Finds the faces that are hidden.")
    parser.add_argument("--limit", type=int, help="Only the first so many pictures.")
    parser.add_argument("--styles", nargs="*", default=[s for s in STYLES if s != CONTROL])
    parser.add_argument("--json", type=Path)
    said = parser.parse_args()
    faces = find_faces(said.data, said.profile, said.limit)
    keys, pictures, regions = faces.keys, faces.pictures, faces.regions
    undetected = sum(not hidden for hidden in regions.values())
    print(
        f"{len(keys)} pictures; in {undetected} of them no face was found and hidden\n", flush=True
    )
    for style in sorted(IRREVERSIBLE & set(said.styles)):
        equal = sum(_drawn_from_control(pictures[key], regions[key], style) for key in keys)
        print(f"{style} drawn over {CONTROL} is bit for bit {style}: {equal} of {len(keys)}")
    print(flush=True)
    styles = [CONTROL, *said.styles, CLEAR]
    rows = []
    for recogniser in (SFace(faces.landmarks), DlibResNet(faces.landmarks), SmallCopy()):
        vectors = {}
        for style in styles:
            vectors[style] = np.stack(
                [
                    recogniser.vector(
                        redacted(pictures[key], regions[key], style), pictures[key], key
                    )
                    for key in keys
                ]
            )
            print(f"{recogniser.name}: {style}", file=sys.stderr, flush=True)
        rows += measured(recogniser.name, vectors, keys, said.data)
    report(rows, keys)
    if said.json:
        said.json.write_text(json.dumps(rows))


def measured(
    name: str, vectors: dict[str, Vectors], keys: Sequence[str], data: Path
) -> list[dict[str, Any]]:
    """A row for each style and gallery."""
    names = [key.split("/")[0] for key in keys]
    people = np.unique(names, return_inverse=True)[1]
    place = {key: number for number, key in enumerate(keys)}
    with (data / "pairs.csv").open() as file:
        known = [r for r in csv.DictReader(file) if r["a"] in place and r["b"] in place]
    pairs = np.array([[place[r["a"]], place[r["b"]]] for r in known])
    same = np.array([r["same"] == "1" for r in known])
    rows, controls = [], {}
    for style, probes in vectors.items():
        for gallery in ("clear", "redacted"):
            against = vectors[CLEAR] if gallery == "clear" else probes
            hits = rank_one(probes, against, people)
            right = verified(probes, against, pairs, same)
            controls.setdefault(gallery, (hits, right))
            row = {"recogniser": name, "style": style, "gallery": gallery}
            row |= {"rank1": wilson(hits), "verified": wilson(right)}
            row["over"] = above(hits, controls[gallery][0], people)
            row["over_verified"] = above(right, controls[gallery][1], people[pairs[:, 0]])
            rows.append(row)
    return rows


def report(rows: Sequence[dict[str, Any]], keys: Sequence[str]) -> None:
    """Print the table."""
    names = [key.split("/")[0] for key in keys]
    others = [names.count(name) - 1 for name in names]
    chance = float(np.mean(others)) / (len(names) - 1)
    print("| recogniser | gallery | style | rank-1 | less `solid` | verification | less `solid` |")
    print("|---|---|---|---:|---:|---:|---:|")
    for row in sorted(rows, key=lambda r: (r["recogniser"], r["gallery"])):
        kind = "" if row["style"] in IRREVERSIBLE or row["style"] == CLEAR else ", reversible"
        cells = (_share(row["rank1"]), _over(row["over"]), _share(row["verified"]))
        start = f"| {row['recogniser']} | {row['gallery']} | {row['style']}{kind} | "
        print(start + " | ".join([*cells, _over(row["over_verified"])]) + " |")
    print(f"\nchance: rank-1 {100 * chance:.1f} %, verification 50 %")


def _share(found: tuple[float, float, float]) -> str:
    share, low, high = (100 * value for value in found)
    return f"{share:.1f} % ({low:.1f} to {high:.1f})"


def _over(found: tuple[float, float]) -> str:
    low, high = (100 * value for value in found)
    mark = " **above**" if low > 0 else ""
    return f"{low:+.1f} to {high:+.1f}{mark}"


if __name__ == "__main__":
    main()
