"""Prints what the check of an output finds, and what it costs, as Markdown tables.

Two measures over the clips whose truth is exact: whole runs before and after checking and
extending; and leaks planted on purpose, one person left visible for some frames.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

from material import Film, read_rows, truth_films
from measures import Cover

from redact import api, stages
from redact.core.findings import Track
from redact.core.frames import Frame
from redact.core.geometry import Box, Region
from redact.core.plan import Plan
from redact.core.plan import load as load_plan
from redact.core.recipe import Recipe, recipe
from redact.detect.detectors import load
from redact.hide.covers import style_of
from redact.media import formats
from redact.verify.compare import verify
from redact.verify.result import Checking, Spot
from redact.verify.rounds import render_in_rounds
from redact.verify.second_opinion import SecondOpinion

ROOT = Path(__file__).resolve().parents[1]
LENGTHS = (1, 3, 10, 30)
SIZES = (0, 20, 40)
_SAME = 0.3
_APART = 15
"""Frames between two planted leaks of one person."""


@dataclass(frozen=True, slots=True)
class Leak:
    """One person left visible.

    Args:
        boxes: Where, by frame.
        length: Frames.
        pixels: Height of the face in the middle of it.
    """

    boxes: dict[int, Box]
    length: int
    pixels: float

    def shows(self, spot: Spot) -> bool:
        """Whether a spot is this person in these frames."""
        return spot.frame in self.boxes and self.boxes[spot.frame].iou(spot.box) >= _SAME


def usable(face: dict[str, Any]) -> bool:
    """As cover.py counts faces."""
    return (
        face["inside"] >= 0.9
        and face["occluded"] <= 0.2
        and face["opacity"] >= 0.9
        and not face["invalid"]
        and face["px"] >= 12
    )


def plant_leaks(
    truth: list[dict[str, Any]], hidden: list[list[Region]], dice: random.Random, most: int
) -> list[Leak]:
    """Leaks of different people and moments, in which the whole face shows.

    Args:
        truth: The faces of each frame.
        hidden: The regions of each frame; those of the person are let go, others stay.
        dice: What chooses.
        most: How many.
    """
    people: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    for row in truth:
        for face in row["faces"]:
            if usable(face):
                people[face["id"]][row["frame"]] = face
    leaks: list[Leak] = []
    taken: dict[str, set[int]] = defaultdict(set)
    names = sorted(people)
    for number in range(most * 40):
        length, name = LENGTHS[len(leaks) % len(LENGTHS)], dice.choice(names)
        known = people[name]
        starts = [f for f in known if all(f + i in known for i in range(length))]
        if not starts or number % 40 == 39:
            continue
        start = dice.choice(sorted(starts))
        frames = range(start, start + length)
        guard = set(range(start - _APART, start + length + _APART))
        boxes = {f: Box(*known[f]["box"]) for f in frames}
        if guard & taken[name] or not all(_shows(box, hidden[f]) for f, box in boxes.items()):
            continue
        taken[name] |= set(frames)
        leaks.append(Leak(boxes, length, people[name][frames[length // 2]]["px"]))
        if len(leaks) == most:
            break
    return leaks


def _shows(face: Box, regions: list[Region]) -> bool:
    """Whether a face shows once its own regions are let go: others may hide a tenth of it."""
    others = (r.box for r in regions if not _hides(r.box, face))
    return sum(box.overlap(face) for box in others) <= 0.1 * face.area


def _hides(region: Box, face: Box) -> bool:
    return region.overlap(face) >= 0.5 * face.area


class HoledPlan:
    """A plan that lets go of planted people, as a tracker that lost them would."""

    def __init__(self, plan: Plan, leaks: list[Leak]) -> None:
        self._plan = plan
        self._leaks = leaks

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plan, name)

    @property
    def hidden_tracks(self) -> list[Track]:
        """Without the sightings that were let go."""
        tracks = []
        for track in self._plan.hidden_tracks:
            left = tuple(s for s in track.sightings if not self._let_go(s.frame, s.box))
            tracks += [replace(track, sightings=left)] if left else []
        return tracks

    def cover(self) -> Callable[[int, Fraction], list[Region]]:
        """The plan's regions, less those over the planted people."""
        inner = self._plan.cover()

        def regions(index: int, time: Fraction) -> list[Region]:
            return [r for r in inner(index, time) if not self._let_go(index, r.box)]

        return regions

    def _let_go(self, index: int, box: Box) -> bool:
        boxes = (leak.boxes[index] for leak in self._leaks if index in leak.boxes)
        return any(_hides(box, face) for face in boxes)


class Rendered:
    """An output that was never encoded."""

    def __init__(self, path: Path, plan: Any) -> None:
        self.path = path
        self._source = formats.open_source(path)
        self._plan = plan
        self.info = self._source.info
        self.fingerprint = ""

    def frames(self) -> Iterator[Frame]:
        """The source's frames, hidden as the plan says."""
        cover, style = self._plan.cover(), style_of(self._plan)
        for frame in self._source.frames():
            style.hide(frame.picture, cover(frame.index, frame.time))
            yield frame


def ignore_progress(*_: object) -> None:
    """Nobody wants to know."""


def find_planted(film: Film, plan: Plan, most: int, checking: Checking) -> dict[str, Any]:
    """Plant leaks in one clip and check it: leaks found, and false positives without them."""
    truth = read_rows(film.truth)
    cover = plan.cover()
    frames = formats.open_source(film.source).frames()
    hidden = [cover(frame.index, frame.time) for frame in frames]
    leaks = plant_leaks(truth, hidden, random.Random(film.source.stem), most)

    def spots_of(plan: Any) -> list[list[Spot]]:
        second_opinion = SecondOpinion({p.detector for p in plan.recipe.passes}, load)
        source, output = formats.open_source(film.source), Rendered(film.source, plan)
        found = verify(source, output, plan, second_opinion, checking, ignore_progress)
        return [list(leak.spots) for leak in found.leaks]

    spots = spots_of(HoledPlan(plan, leaks))
    rows = [(k.length, k.pixels, any(k.shows(s) for leak in spots for s in leak)) for k in leaks]
    faces = {row["frame"]: [Box(*face["box"]) for face in row["faces"]] for row in truth}
    clean = spots_of(plan)
    false = [f for f in clean if not any(b.iou(s.box) >= _SAME for s in f for b in faces[s.frame])]
    seconds = float(formats.open_source(film.source).info.duration or 0)
    return {"leaks": rows, "false": len(false), "seconds": seconds}


def print_planted(title: str, results: list[dict[str, Any]]) -> None:
    """Share found per length and size, and false positives per minute."""
    rows = [row for result in results for row in result["leaks"]]
    print(f"\n{title}\n\n| frames | 12 to 20 px | 20 to 40 px | 40 px and more |")
    print("|---:|---:|---:|---:|")
    for length in LENGTHS:
        cells = []
        for low, high in zip(SIZES, (*SIZES[1:], 10_000), strict=True):
            hits = [hit for frames, px, hit in rows if frames == length and low <= px < high]
            cells.append(f"{sum(hits)} of {len(hits)}")
        print(f"| {length} | {' | '.join(cells)} |")
    minutes = sum(result["seconds"] for result in results) / 60
    false = sum(result["false"] for result in results)
    print(f"\nfalse positives in clean outputs: {false} in {minutes:.2f} minutes", flush=True)


def run_rounds(film: Film, plan: Plan, cover: Cover, work: Path) -> dict[str, Any]:
    """Render, check, extend, render again; people exposed before and after, and what it cost."""
    output = work / f"{film.source.stem}{film.source.suffix}"
    costs: dict[str, float] = defaultdict(float)
    before: list[int] = []

    def attempt(plan: Plan) -> tuple[Plan, Any]:
        began = process_time()
        done = api.render_file(film.source, output, plan, checking=None, force=True)
        costs["first" if not before else "again"] += process_time() - began
        before.append(cover.clip(film.truth, film.source, output, 20).people.part)
        began = process_time()
        found = api.verify_file(film.source, output, done.plan)
        costs["check" if len(before) == 1 else "again"] += process_time() - began
        return done.plan, found

    def extend(plan: Plan, leaks: Any, nth: int) -> Plan:
        began = process_time()
        more = stages.extend(
            formats.open_source(film.source), plan, leaks, nth, progress=ignore_progress
        )
        costs["again"] += process_time() - began
        return more

    _, found = render_in_rounds(plan, attempt, extend, Checking())
    people = cover.clip(film.truth, film.source, output, 20).people
    return {
        "clip": film.source.stem,
        "before": before[0],
        "after": people.part,
        "people": people.whole,
        "hidden": len(found.hidden),
        "left": len(found.leaks),
        **costs,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--cover", type=Path, default=ROOT.parent / "shared/tools/cover.py")
    parser.add_argument("--profile", default="balanced")
    parser.add_argument("--plans", type=Path, help="Folder of plans made before.")
    parser.add_argument("--clips", nargs="*", help="Names of clips; all if not said.")
    parser.add_argument("--plant", type=int, default=24, help="Leaks in each clip; 0 for none.")
    parser.add_argument("--every-frame", action="store_true", help="Plant for that too.")
    parser.add_argument("--no-rounds", action="store_true", help="Plant only.")
    parser.add_argument("--json", type=Path)
    said = parser.parse_args()
    films = [f for f in truth_films(said.data, None) if _named(f, said.clips)]
    chosen = replace(recipe(said.profile), style="solid")
    sampled, every, rounds = [], [], []
    with TemporaryDirectory() as work:
        for film in films:
            began = process_time()
            plan = _plan(film, chosen, said.plans)
            analysed = process_time() - began
            print(f"{film.source.stem}: analysed", file=sys.stderr, flush=True)
            if said.plant:
                sampled.append(find_planted(film, plan, said.plant, Checking()))
            if said.plant and said.every_frame:
                checking = Checking(every_frame=True)
                every.append(find_planted(film, plan, said.plant, checking))
            if not said.no_rounds:
                found = run_rounds(film, plan, Cover(said.cover), Path(work))
                rounds.append({**found, "run": analysed + found.pop("first")})
                print(rounds[-1], file=sys.stderr, flush=True)
    _print(rounds, sampled, every)
    if said.json:
        said.json.write_text(json.dumps({"rounds": rounds, "sampled": sampled, "every": every}))


def _plan(film: Film, chosen: Recipe, plans: Path | None) -> Plan:
    if plans is None:
        return api.analyse_file(film.source, chosen)
    return replace(load_plan(plans / f"{film.source.stem}.redact.json"), result=None)


def _named(film: Film, names: list[str] | None) -> bool:
    return not names or film.source.stem in names


def _print(rounds: list[Any], sampled: list[Any], every: list[Any]) -> None:
    if rounds:
        head = "clip | people | exposed before | after | found and hidden | left"
        print(f"| {head} | CPU s, run | check | rounds after | check, % of run |")
        print("|---|" + "---:|" * 9)
    for row in rounds:
        share = 100 * row["check"] / row["run"]
        costs = f"{row['run']:.1f} | {row['check']:.1f} | {row.get('again', 0):.1f} | {share:.0f}"
        counts = (row[key] for key in ("people", "before", "after", "hidden", "left"))
        print(f"| {row['clip']} | {' | '.join(map(str, counts))} | {costs} |")
    if sampled:
        print_planted("Planted leaks found", sampled)
    if every:
        print_planted("The same with --every-frame", every)


if __name__ == "__main__":
    main()
