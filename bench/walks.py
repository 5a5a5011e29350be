"""How far people are told apart by what hides them: its path, its size, and its rhythm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from kinds import plan_of, read_tracks
from numpy.typing import NDArray
from reidentify import rank_one, wilson
from traits import whitened

from redact import PROFILES, Kind
from redact.core.coverage import Cover, Coverage
from redact.core.findings import Sighting, Track
from redact.core.geometry import Box
from redact.media.formats import open_source

WALKERS, ROUNDS, SECONDS, RATE = 60, 5, 8, 25
DETECTED_EVERY = 4
"""Frames from one detection to the next, as `balanced` has it."""
NOISE = 0.015
"""Standard deviation of a detected side, in heights."""
LONG = 4
"""Seconds of a real walk that are compared."""
SEEN = 0.3
"""Intersection over union from which a hull is somebody's."""

Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Walker:
    """Somebody's build and gait.

    Args:
        stature: Metres.
        breadth: Of the body, in statures.
        swing: How much wider arms and legs make the box, in statures.
        pace: Metres a second.
        steps: A second.
    """

    stature: float
    breadth: float
    swing: float
    pace: float
    steps: float

    @classmethod
    def drawn(cls, dice: np.random.Generator) -> Walker:
        """Somebody as they come: spreads are those of grown people."""
        pace = dice.normal(1.35, 0.15)
        steps = 1.9 + 0.4 * (pace - 1.35) + dice.normal(0, 0.12)
        return cls(dice.normal(1.7, 0.09), dice.normal(0.27, 0.02), dice.normal(0.22, 0.03),
                   pace, steps)  # fmt: skip


def walk(who: Walker, dice: np.random.Generator) -> tuple[Track, float]:
    """A walk across the picture as a tracker has it, and the pixels of a metre.

    On another day somebody walks a little faster or slower.
    """
    scale, way = float(dice.uniform(40, 100)), float(dice.choice([-1, 1]))
    haste = float(dice.normal(1, 0.04))
    beat, height = dice.uniform(), who.stature * scale
    sightings, box = [], Box(0, 0, 1, 1)
    for frame in range(SECONDS * RATE):
        time = frame / RATE
        phase = np.pi * (who.steps * haste * time + beat)
        x = way * who.pace * haste * scale * time
        high = height * (1 - 0.02 * abs(np.cos(phase)))
        wide = height * (who.breadth + who.swing * abs(np.sin(phase)))
        seen = frame % DETECTED_EVERY == 0
        if seen:
            sides = np.array([x - wide / 2, -high, x + wide / 2, 0])
            box = Box(*map(float, sides + dice.normal(0, NOISE * height, 4)))
            at = x
        sightings.append(
            Sighting(frame, Fraction(frame, RATE), box.shifted(x - at, 0), 0.8 if seen else 0.0)
        )
    return Track(1, Kind.PERSON, tuple(sightings)), scale


def hulls(track: Track, coverage: Coverage) -> list[Box]:
    """What hides a track in each of its frames."""
    cover = Cover([track], (), coverage)
    return [cover.hidden(s.frame, s.time)[0].region.box for s in track.sightings]


def size_and_pace(boxes: Sequence[Box], rate: float) -> list[float]:
    """Height, width and pace, in heights or as they are scaled."""
    x, y = (np.array([b.centre[axis] for b in boxes]) for axis in (0, 1))
    pace = np.hypot(x[-1] - x[0], y[-1] - y[0]) / (len(boxes) - 1) * rate
    return [
        float(np.median([b.height for b in boxes])),
        float(np.median([b.width for b in boxes])),
        float(pace),
    ]


def rhythm(boxes: Sequence[Box], rate: float) -> list[float]:
    """How often a second width and place swing, and how far: from 1 to 4 times a second."""
    found = []
    for values in ([b.width for b in boxes], [b.centre[0] for b in boxes]):
        times = np.arange(len(boxes))
        even = np.array(values) - np.polyval(np.polyfit(times, values, 2), times)
        strength = abs(np.fft.rfft(even * np.hanning(len(even)), 512))
        often = np.fft.rfftfreq(512, 1 / rate)
        walking = (often >= 1) & (often <= 4)
        found += [float(often[walking][strength[walking].argmax()]), float(np.std(even))]
    return found


FEATURES = {"size": slice(0, 2), "pace": slice(2, 3), "rhythm": slice(3, 7), "all": slice(0, 7)}


def measure_painted() -> None:
    """Walkers who walk twice: who of 60 is it, by boxes as they are detected and as hidden?"""
    right: dict[tuple[str, str], list[NDArray[np.bool_]]] = defaultdict(list)
    coverage = PROFILES["balanced"].coverage
    for seed in range(ROUNDS):
        dice = np.random.default_rng(seed)
        who = [Walker.drawn(dice) for _ in range(2 * WALKERS)]
        people = np.repeat(np.arange(len(who)), 2)
        known = people >= WALKERS  # strangers, from whom the attacker learns what varies
        seen: dict[str, list[list[float]]] = {"detected": [], "hidden": []}
        for one in people:
            track, scale = walk(who[one], dice)
            for name, boxes in (
                ("detected", [s.box for s in track.sightings]),
                ("hidden", hulls(track, coverage)),
            ):
                metres = [box.scaled(1 / scale, 1 / scale) for box in boxes]
                seen[name].append(size_and_pace(metres, RATE) + rhythm(metres, RATE))
        for name, rows in seen.items():
            values = np.array(rows, np.float32)
            values /= values.std(0)
            for by, columns in FEATURES.items():
                moved = whitened(values[:, columns], people, known)[~known]
                right[name, by].append(rank_one(moved, moved, people[~known]))
    chance = 100 / (2 * WALKERS - 1)
    for (name, by), hits in right.items():
        show(f"{WALKERS} painted walkers, boxes as {name}, by {by}", np.concatenate(hits), chance)


def measure_real(data: Path, tracks: Path) -> None:
    """Walkers of `pets_cctv`: pieces of their walks that do not touch in time."""
    clip = data / "clips/pets_cctv_768x576_30s.avi"
    plan = plan_of(clip, PROFILES["balanced"].detecting({Kind.PERSON}))
    truth, rate = read_tracks(tracks), 10.0
    cover = Cover(plan.tracks, plan.cuts, plan.recipe.coverage)
    boxes: dict[int, dict[int, Box]] = defaultdict(dict)
    for frame in open_source(clip).frames():
        there = [hidden.region.box for hidden in cover.hidden(frame.index, frame.time)]
        for who, box in truth.get(frame.index, {}).items():
            best = max(there, key=box.iou, default=box.shifted(1e6, 0))
            if best.iou(box) >= SEEN:
                boxes[who][frame.index] = best
    everything = [box for one in boxes.values() for box in one.values()]
    slope = np.polyfit([b.bottom for b in everything], [b.height for b in everything], 1)
    rows, people, starts, long = [], [], [], round(LONG * rate)
    for who, one in boxes.items():
        for start in range(0, max(one) + 1, long):
            piece = [one[f] for f in range(start, start + long) if f in one]
            if len(piece) > 0.9 * long:
                near = 1 / float(np.mean([np.polyval(slope, box.bottom) for box in piece]))
                even = [box.scaled(near, near) for box in piece]
                rows.append(size_and_pace(even, rate) + rhythm(even, rate))
                people.append(who)
                starts.append(start)
    values, whose, when = np.array(rows), np.array(people), np.array(starts)
    values = (values - values.mean(0)) / values.std(0)
    apart = abs(when[:, None] - when) > long
    for by, columns in FEATURES.items():
        away = ((values[:, None, columns] - values[None, :, columns]) ** 2).sum(2)
        nearest = np.where(apart, away, np.inf).argmin(1)
        same = whose[:, None] == whose
        fair = (same & apart).any(1)
        chance = 100 * float(((same & apart).sum(1) / apart.sum(1))[fair].mean())
        show(f"{len(boxes)} walkers of pets_cctv, by {by}", (whose[nearest] == whose)[fair], chance)


def show(name: str, right: NDArray[np.bool_], chance: float) -> None:
    """Print a row of the table."""
    share, low, high = (100 * value for value in wilson(right))
    print(
        f"| {name} | {share:.1f} % ({low:.1f} to {high:.1f}) | chance {chance:.1f} % |", flush=True
    )


def measure_walks(data: Path, tracks: Path) -> None:
    """Print who is told apart, of walkers that are made up and of real ones."""
    measure_painted()
    measure_real(data, tracks)
