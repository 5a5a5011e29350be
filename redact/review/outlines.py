"""What the page draws over frames: where each thing is, and whether it is hidden."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from redact.core.coverage import Cover
from redact.core.edits.checks import path_span
from redact.core.edits.regions import Drawing, corrected_paths
from redact.core.edits.things import Thing, Things, is_ever_hidden, state_at
from redact.core.edits.values import Accept, HidePath
from redact.core.findings import Kind, Track
from redact.core.geometry import Box
from redact.core.kinds import KINDS
from redact.core.plan import Plan
from redact.review.doubts import alike, doubt, ends_within, jump, largest_and_surest

MOST_FRAMES = 200
"""Frames that are asked for at once, at most."""


def outlines(plan: Plan, times: Sequence[Fraction], first: int, count: int) -> list[Any]:
    """For each of some frames in a row, what is where.

    Args:
        plan: With its edits.
        times: When each frame is shown, in seconds.
        first: The first of them.
        count: How many, at most `MOST_FRAMES`.

    Returns:
        A list per frame: `[name, kind, state, left, top, right, bottom]`, the box as it is hidden,
        in pixels of the upright picture.
    """
    things, coverage, uncertain = plan.things, plan.recipe.coverage, plan.recipe.uncertain
    frames = range(first, min(first + count, len(times)))
    if not frames:
        return []
    start, end = times[frames[0]], times[frames[-1]]
    near = list(_tracks_between(things, plan, start, end))
    cover = Cover(near, plan.cuts, coverage)
    corrected = corrected_paths(near, things, plan.cuts, coverage)
    regions = ((n, it) for n, it in things.regions.items() if is_ever_hidden(it, "hide"))
    drawn = [(name, thing, Drawing(thing)) for name, thing in regions]
    found = []
    for index in frames:
        time = times[index]
        here = [(things.owner(it.track, time), it.region.box) for it in cover.hidden(index, time)]
        said = [_said(thing, time, uncertain, box) for thing, box in here]
        for path in corrected:
            region = path.region(index, time)
            if region is not None:
                said.append([f"t{path.thing.id}", "corrected", "hidden", *_sides(region.box)])
        said += [
            [f"r{name}", "region", state_at(thing, time, "hide"), *_sides(box)]
            for name, thing, drawing in drawn
            if (box := drawing.box(time)) is not None
        ]
        found.append(said)
    return found


def _said(thing: Thing, time: Fraction, uncertain: str, box: Box) -> list[Any]:
    assert thing.track is not None
    kind, state = str(thing.track.kind), state_at(thing, time, uncertain)
    return [f"t{thing.id}", kind, state, *_sides(box)]


def _tracks_between(things: Things, plan: Plan, start: Fraction, end: Fraction) -> Iterator[Track]:
    """Whole tracks that may matter from one time to another, with sightings around them only."""
    coverage = plan.recipe.coverage
    margin = Fraction(max(coverage.longest_before, coverage.longest_after, coverage.bridge)) + 1
    for thing in things.by_id.values():
        track = thing.track
        if track is None or track.id != thing.id:
            continue
        if track.sightings[0].time - margin <= end and start <= track.sightings[-1].time + margin:
            yield track


def _sides(box: Box) -> list[float]:
    return [round(side, 1) for side in (box.left, box.top, box.right, box.bottom)]


def describe(plan: Plan, times: Sequence[Fraction]) -> dict[str, Any]:
    """All things of a plan, for lists and lanes."""
    things, uncertain = plan.things, plan.recipe.uncertain
    looked_at, groups = _looked_at(plan, things), alike(things)
    return {
        "tracks": [
            _describe_track(thing, things, uncertain, looked_at)
            | {"alike": groups.get(thing.id), "ends": _ends(things, thing, plan)}
            for thing in things.by_id.values()
            if things.runs(thing)
        ],
        "regions": [
            _describe_region(name, thing, times)
            for name, thing in things.regions.items()
            if is_ever_hidden(thing, uncertain)  # others were drawn anew, or taken away
        ],
    }


def _ends(things: Things, thing: Thing, plan: Plan) -> bool:
    seen = things.sightings(thing)
    return ends_within(seen, plan.cuts, plan.source.frames, plan.source.size)


def _looked_at(plan: Plan, things: Things) -> set[int]:
    """The numbers of things that a person accepted as they are."""
    accepts = (edit for edit in plan.edits if isinstance(edit, Accept))
    return {thing.id for edit in accepts for thing in things.named_by(edit)}


def _describe_track(
    thing: Thing,
    things: Things,
    uncertain: str,
    looked_at: set[int],
) -> dict[str, Any]:
    assert thing.track is not None
    seen = things.sightings(thing)
    best = largest_and_surest(seen)
    states = {state_at(thing, s.time, uncertain) for s in (seen[0], best, seen[-1])}
    if thing.choices:
        states |= {state_at(thing, s.time, uncertain) for s in seen}
    return {
        "id": thing.id,
        "kind": str(thing.track.kind),
        "person": thing.person,
        "state": states.pop() if len(states) == 1 else "partly",
        "uncertain": thing.track.uncertain,
        "looked": thing.id in looked_at or bool(thing.choices),
        "first": seen[0].frame,
        "last": seen[-1].frame,
        "best": best.frame,
        "score": round(max(s.score for s in seen), 3),
        "height": round(best.box.height),
        "doubt": doubt(seen),
        "jump": jump(seen),
        "style": thing.style,
    }


def _describe_region(name: str, thing: Thing, times: Sequence[Fraction]) -> dict[str, Any]:
    edit = thing.drawn
    assert edit is not None
    if isinstance(edit, HidePath):
        start, end = path_span(edit)
        keys = [[_frame_at(times, key.time), *_sides(key.box)] for key in edit.keys]
        followed = [[_frame_at(times, key.time), *_sides(key.box)] for key in edit.followed]
    else:
        start, end, keys, followed = edit.start, edit.end, [[0, *_sides(edit.box)]], []
    return {
        "name": name,
        "number": thing.id,
        "kind": "path" if isinstance(edit, HidePath) else "zone",
        "state": "partly" if thing.choices else "hidden",
        "first": 0 if start is None else _frame_at(times, start),
        "last": len(times) - 1 if end is None else _frame_at(times, end, last=True),
        "keys": keys,
        "followed": followed,
        "outline": edit.outline,
        "style": thing.style,
        "whole": edit.start is None and edit.end is None,
    }


def _frame_at(times: Sequence[Fraction], time: Fraction, *, last: bool = False) -> int:
    """The first frame at a time or later; or the last at it or earlier."""
    place = bisect_left(times, time)
    if last and (place == len(times) or times[place] > time):
        place -= 1
    return max(0, min(place, len(times) - 1))


def kinds() -> dict[str, dict[str, str]]:
    """What the page calls each kind, and the colour of its marks."""
    return {str(kind): {"names": it.names, "colour": it.colour} for kind, it in KINDS.items()}


def margins(plan: Plan) -> dict[str, float]:
    """How far hiding reaches at least beyond a box on each side, as a share of it, by kind.

    A correction takes that much off what a person dragged, to say where the thing itself is; what
    is hidden of it has the margin of something that no detector saw, and is never less.
    """
    unit = Box(0, 0, 1, 1)
    return {str(kind): -plan.recipe.coverage.region(kind, unit, 1.0).box.left for kind in Kind}
