"""Prints what thresholds and margins trade: people exposed, false positive area, and cost.

Each clip with exact truth is analysed once a profile; then its tracks are decided on with each
confidence threshold, and hidden with each margin. Nothing is checked and extended afterwards.
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
from time import process_time

from contenders import unwind_on_terminate
from material import Film, truth_films
from measures import Clip, Cover, ParseError, RefusedError, sum_of

from redact import PROFILES, analyse_file, render_file
from redact.core.findings import Kind
from redact.core.plan import Plan
from redact.track.confidence import mark_uncertain

ROOT = Path(__file__).resolve().parents[1]
HEIGHTS = (20, 12)

Choice = tuple[float, float]
"""The confidence threshold of tracks, and the margin."""

Measured = tuple[dict[int, Clip], float]
"""What is hidden of one clip, for each least height, and the CPU seconds of its analysis."""


def decide(plan: Plan, threshold: float, pad: float) -> Plan:
    """The plan as it would be with that threshold and that margin, filled with black."""
    recipe = replace(
        plan.recipe,
        track_threshold=threshold,
        style="solid",
        colour="#000000",
        coverage=replace(plan.recipe.coverage, pad=pad),
    )
    tracks = mark_uncertain(plan.tracks, recipe, plan.source.size)
    return replace(plan, recipe=recipe, tracks=tracks)


def measure(
    film: Film, profile: str, choices: Sequence[Choice], cover: Cover, out: Path
) -> Iterator[tuple[Choice, Measured]]:
    """Each choice with what it hides of one clip."""
    began = process_time()
    plan = analyse_file(film.source, PROFILES[profile].detecting({Kind.FACE}))
    spent = process_time() - began
    for threshold, pad in choices:
        output, wanted = out / film.source.name, decide(plan, threshold, pad)
        render_file(film.source, output, wanted, checking=None, force=True)
        found = {least: cover.clip(film.truth, film.source, output, least) for least in HEIGHTS}
        yield (threshold, pad), (found, spent)


def row(profile: str, choice: Choice, measures: Sequence[Measured]) -> str:
    """One line of the table."""
    clips = [clip for clip, _ in measures]
    exposed = [sum_of(clip[least].people for clip in clips) for least in HEIGHTS]
    frames = sum(clip[HEIGHTS[0]].frames for clip in clips)
    false_area = (
        sum(clip[HEIGHTS[0]].false_area * clip[HEIGHTS[0]].frames for clip in clips) / frames
    )
    people = " | ".join(f"{share.part} of {share.whole}" for share in exposed)
    cost = 1000 * sum(spent for _, spent in measures) / frames
    threshold, pad = choice
    return (
        f"| {profile} | {threshold:.2f} | {pad:.2f} | {people} | {false_area:.2f} % | {cost:.0f} |"
    )


def main(said: Sequence[str] | None = None) -> None:
    """Measure all choices over all clips."""
    unwind_on_terminate()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profiles", nargs="+", choices=PROFILES, default=["balanced"])
    parser.add_argument(
        "--threshold", type=float, nargs="+", help="confidence thresholds of tracks"
    )
    parser.add_argument("--pad", type=float, nargs="+", help="margins around faces")
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data")
    parser.add_argument("--cover", type=Path, default=ROOT / "../shared/tools/cover.py")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N clips")
    options = parser.parse_args(said)
    films = truth_films(options.data.resolve(), options.limit)
    head = (
        "| profile | threshold | margin | exposed, 20 px | exposed, 12 px | false positive area "
        "| CPU ms a frame |"
    )
    print(head, "|---|---:|---:|---:|---:|---:|---:|", sep="\n", flush=True)
    for profile in options.profiles:
        usual = PROFILES[profile]
        choices = list(
            product(
                options.threshold or [usual.track_threshold], options.pad or [usual.coverage.pad]
            )
        )
        clips: defaultdict[Choice, list[Measured]] = defaultdict(list)
        with TemporaryDirectory(prefix="redact-bench-") as out:
            for film in films:
                print(profile, film.source.name, file=sys.stderr, flush=True)
                cover = Cover(options.cover.resolve())
                for choice, found in measure(film, profile, choices, cover, Path(out)):
                    clips[choice].append(found)
        lines = (row(profile, choice, found) for choice, found in clips.items())
        print("\n".join(lines), flush=True)


if __name__ == "__main__":
    try:
        main()
    except (ParseError, RefusedError, OSError, ValueError) as error:
        sys.exit(f"bench: {error}")
