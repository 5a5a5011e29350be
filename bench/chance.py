"""False alarms and power of the check of the pixels, region by region.

    python bench/chance.py --data DATA

Boxes of all sizes wander over real clips. Each clip is rendered twice: with them hidden, where
every region that is said to show is a false alarm; and with nothing hidden, where every region
should be said to show. `bounds alone` is the rule of 0.1.0: fixed bounds, blind for what chance
makes and for what a style draws by itself.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

import redact
from redact import Box, Kind, Plan, Sighting, Track
from redact.hide.covers import choose_style
from redact.media.formats import open_source
from redact.verify import residue as rules

CLIPS = (
    "clips_truth/pandev_00_plain.mp4",
    "clips_truth/pandev_05_portrait.mp4",
    "clips/crowd_rush_360p_30s.mp4",
    "clips/interview_two_men_480p.mp4",
)
SIZES = (12, 20, 40, 80, 160)  # pixels of a box; a region is larger by its margin
FRAMES = 100


def main() -> None:
    """Print one line for each quality, style and size."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of sets")
    parser.add_argument("--clips", nargs="*", default=CLIPS, help="below DATA")
    parser.add_argument("--qualities", type=int, nargs="+", default=[18, 35], help="crf")
    parser.add_argument("--styles", nargs="+", default=["blur", "pixelate"])
    parser.add_argument("--boxes", type=int, default=40, help="in view at any time")
    asked = parser.parse_args()
    for quality in asked.qualities:
        for style in asked.styles:
            found: Counter[tuple[str, int]] = Counter()
            for number, name in enumerate(asked.clips):
                found += tried(asked.data / name, style, quality, asked.boxes, number)
            tell(quality, style, found)


def tell(quality: int, style: str, found: Counter[tuple[str, int]]) -> None:
    """One line for each size of boxes."""
    for size in range(len(SIZES) - 1):
        regions = found["hidden", size]
        print(
            f"crf {quality} {style} boxes of {SIZES[size]} to {SIZES[size + 1]} px: "
            f"false alarms {found['false', size]} of {regions} regions "
            f"(bounds alone {found['false by bounds', size]}); "
            f"found {share(found, 'leak', size)} of what shows "
            f"(bounds alone {share(found, 'leak by bounds', size)})",
            flush=True,
        )


def share(found: Counter[tuple[str, int]], what: str, size: int) -> str:
    """As per cent of the regions that show and have a structure to compare."""
    return f"{100 * found[what, size] / max(1, found['bare', size]):.1f} %"


def tried(clip: Path, style: str, quality: int, boxes: int, seed: int) -> Counter[tuple[str, int]]:
    """How many regions of each size were compared, and how many were said to show."""
    usual = redact.PROFILES["fast"].detecting({Kind.PLATE})
    recipe = replace(usual, style=style, quality=quality)
    source = open_source(clip)
    times = [frame.time for frame in source.frames()]
    tracks = wandering(boxes, times[:FRAMES], source.info.size, np.random.default_rng(seed))
    known = redact.plan.SourceId(source.fingerprint, source.info.size, len(times))
    found: Counter[tuple[str, int]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        hidden, bare = (Path(folder) / f"{name}{clip.suffix}" for name in ("hidden", "bare"))
        plan = Plan(known, recipe, (), tracks)
        redact.render_file(clip, hidden, plan, checking=None)
        redact.render_file(clip, bare, replace(plan, tracks=()), checking=None)
        drawn = choose_style(recipe)
        covers = plan.cover()
        outputs = (open_source(path).frames() for path in (hidden, bare))
        every = zip(source.frames(), *outputs, strict=True)
        for one, good, bad in every:
            if one.index >= FRAMES:
                break
            for region in covers(one.index, one.time):
                size = int(np.searchsorted(SIZES, min(region.box.width, region.box.height))) - 1
                size = min(max(size, 0), len(SIZES) - 2)
                found["hidden", size] += 1
                found["false", size] += shows(one, good, region, drawn)
                leaks = shows(one, bad, region, drawn)
                with bounds_alone():
                    found["false by bounds", size] += shows(one, good, region, None)
                    by_bounds = shows(one, bad, region, None)
                if has_structure(one, region):
                    found["bare", size] += 1
                    found["leak", size] += leaks
                    found["leak by bounds", size] += by_bounds
    return found


def shows(source: Any, output: Any, region: Any, style: Any) -> bool:
    """Whether the check says that this region of this frame shows its source."""
    return bool(rules.residue(source.picture, output.picture, [region], style).shows)


def has_structure(source: Any, region: Any) -> bool:
    """Whether the source holds any structure there that could be found."""
    with bounds_alone():
        return bool(rules.residue(source.picture, source.picture, [region]).shows)


@contextmanager
def bounds_alone() -> Iterator[None]:
    """The check without a test of significance."""
    score = rules.standard_score
    rules.standard_score = lambda *_: float("inf")  # type: ignore[assignment]
    try:
        yield
    finally:
        rules.standard_score = score


def wandering(
    count: int, times: list[Fraction], size: redact.Size, rng: np.random.Generator
) -> tuple[Track, ...]:
    """Boxes of all sizes that move evenly through the picture."""
    tracks = []
    for number in range(1, count + 1):
        width = float(np.exp(rng.uniform(np.log(SIZES[0]), np.log(SIZES[-1]))))
        x, y = rng.uniform(0, size.width), rng.uniform(0, size.height)
        across, down = rng.normal(0, 1.5, 2)
        seen = tuple(
            Sighting(n, time, Box.around(x + across * n, y + down * n, width, 1.2 * width), 0.9)
            for n, time in enumerate(times)
        )
        tracks.append(Track(number, Kind.FACE, seen))
    return tuple(tracks)


if __name__ == "__main__":
    main()
