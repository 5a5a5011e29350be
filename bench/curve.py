"""Prints what a profile's last decisions trade: people exposed against area hidden in vain.

Each clip with exact truth is analysed once; then its tracks are judged by each bar, and hidden with
each margin.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from contenders import unwind_on_terminate
from material import Film, truth_films
from measures import Clip, Cover, ParseError, RefusedError, sum_of

from redact import PROFILES, analyse_file, render_file
from redact.findings import Kind
from redact.plan import Plan
from redact.tracking import judged

ROOT = Path(__file__).resolve().parents[1]
HEIGHTS = (20, 12)

Choice = tuple[float, float]
"""A bar and a margin."""


def chosen(plan: Plan, keep: float, pad: float) -> Plan:
    """The plan as it would be with that bar and that margin, filled with black."""
    recipe = replace(
        plan.recipe,
        keep=keep,
        style="solid",
        colour="#000000",
        coverage=replace(plan.recipe.coverage, pad=pad),
    )
    tracks = judged(plan.tracks, recipe, plan.source.size)
    return replace(plan, recipe=recipe, tracks=tracks)


def measured(
    film: Film, profile: str, choices: Sequence[Choice], cover: Cover, out: Path
) -> Iterator[tuple[Choice, dict[int, Clip]]]:
    """Each choice with what it hides of one clip, for each least height."""
    plan = analyse_file(film.source, PROFILES[profile].detecting({Kind.FACE}))
    for keep, pad in choices:
        output = out / film.source.name
        render_file(film.source, output, chosen(plan, keep, pad), force=True)
        found = {least: cover.clip(film.truth, film.source, output, least) for least in HEIGHTS}
        yield (keep, pad), found


def row(choice: Choice, clips: Sequence[dict[int, Clip]]) -> str:
    """One line of the table."""
    keep, pad = choice
    exposed = [sum_of(clip[least].people for clip in clips) for least in HEIGHTS]
    frames = sum(clip[HEIGHTS[0]].frames for clip in clips)
    vain = sum(clip[HEIGHTS[0]].vain * clip[HEIGHTS[0]].frames for clip in clips) / frames
    people = " | ".join(f"{share.part} of {share.whole}" for share in exposed)
    return f"| {keep:.2f} | {pad:.2f} | {people} | {vain:.2f} % |"


def main(said: Sequence[str] | None = None) -> None:
    """Measure all choices over all clips."""
    unwind_on_terminate()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", choices=PROFILES, default="balanced")
    parser.add_argument("--keep", type=float, nargs="+", help="bars for a track's best score")
    parser.add_argument("--pad", type=float, nargs="+", help="margins around faces")
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data")
    parser.add_argument("--cover", type=Path, default=ROOT / "../shared/tools/cover.py")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N clips")
    options = parser.parse_args(said)
    usual = PROFILES[options.profile]
    choices = list(product(options.keep or [usual.keep], options.pad or [usual.coverage.pad]))
    clips: defaultdict[Choice, list[dict[int, Clip]]] = defaultdict(list)
    with TemporaryDirectory(prefix="redact-bench-") as out:
        for film in truth_films(options.data.resolve(), options.limit):
            print(film.source.name, file=sys.stderr, flush=True)
            cover = Cover(options.cover.resolve())
            for choice, found in measured(film, options.profile, choices, cover, Path(out)):
                clips[choice].append(found)
    print("| bar | margin | exposed, 20 px | exposed, 12 px | hidden in vain |")
    print("|---:|---:|---:|---:|---:|")
    print("\n".join(row(choice, found) for choice, found in clips.items()))


if __name__ == "__main__":
    try:
        main()
    except (ParseError, RefusedError, OSError, ValueError) as error:
        sys.exit(f"bench: {error}")
