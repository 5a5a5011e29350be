"""What the page draws over frames: where each thing is, and whether it is hidden."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from redact.core.coverage import Cover
from redact.core.edits.checks import path_span
from redact.core.edits.regions import Drawing, corrected_paths
from redact.core.edits.things import Thing, Things, in_force, is_ever_hidden, state_at
from redact.core.edits.values import Accept, HidePath, Note, SignOff, Split, Trim
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box
from redact.core.kinds import KINDS
from redact.core.plan import Plan
from redact.people.suggestions import Likeness
from redact.review.alike import alike
from redact.review.doubts import doubt, ends_within, jump, largest_and_surest

MOST_FRAMES = 100
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
    cover = Cover((_around(track, plan, start, end) for track in near), plan.cuts, coverage)
    corrected = corrected_paths(near, things, plan.cuts, coverage)
    regions = ((n, it) for n, it in things.regions.items() if is_ever_hidden(it, "hide"))
    drawn = [(name, thing, Drawing(thing, things)) for name, thing in regions]
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
    """Whole tracks that may matter from one time to another."""
    margin = _margin(plan)
    for thing in things.by_id.values():
        track = thing.track
        if track is None or track.id != thing.id:
            continue
        if track.sightings[0].time - margin <= end and start <= track.sightings[-1].time + margin:
            yield track


def _margin(plan: Plan) -> Fraction:
    """Seconds on both sides of a time within which sightings matter to it, and some more."""
    return plan.recipe.coverage.reach + 2


def _around(track: Track, plan: Plan, start: Fraction, end: Fraction) -> Track:
    """The track as far as it matters between two times: to a detection well before and after.

    What it comes to in between is the same; a long track takes long to prepare as a whole.
    """
    seen, margin = track.sightings, _margin(plan)
    first = bisect_left(seen, start - margin, key=lambda s: s.time)
    last = bisect_left(seen, end + margin, key=lambda s: s.time)
    while first > 0:
        first -= 1
        if seen[first].score > 0:
            break
    while last < len(seen) and seen[last].score <= 0:
        last += 1
    return replace(track, sightings=seen[first : last + 1])


def _sides(box: Box) -> list[float]:
    return [round(side, 1) for side in (box.left, box.top, box.right, box.bottom)]


class Memory:
    """What edits do not change about a plan's tracks, kept from one description to the next.

    Attributes:
        likeness: What comparing faces came to; set by whoever compared them, and written nowhere.
    """

    def __init__(self) -> None:
        self._tracks: tuple[Track, ...] = ()
        self._seen: dict[int, dict[str, Any]] = {}
        self._divisions: dict[int, list[Split | Trim]] | None = None
        self._alike: dict[int, int] = {}
        self._likeness = self.likeness = Likeness()

    def take(self, plan: Plan, things: Things) -> None:
        """Forget what is not so in that plan."""
        if plan.tracks is not self._tracks:
            self._tracks, self._seen, self._divisions = plan.tracks, {}, None
        if self._divisions != things.divisions or self._likeness is not self.likeness:
            self._divisions, self._likeness = things.divisions, self.likeness
            self._alike = alike(things, self._likeness)

    def alike(self, thing: Thing) -> int | None:
        """The first of the tracks that may be of the same person, None if there are none."""
        return self._alike.get(thing.id)

    def facts(self, thing: Thing, seen: Sequence[Sighting], plan: Plan) -> dict[str, Any]:
        """Where a thing is, and what is doubtful about that."""
        assert thing.track is not None
        if len(seen) != len(thing.track.sightings):
            return _facts(seen, plan)  # a part: there are few
        whole = thing.track.id
        if whole not in self._seen:
            self._seen[whole] = _facts(seen, plan)
        return self._seen[whole]


def _facts(seen: Sequence[Sighting], plan: Plan) -> dict[str, Any]:
    best = largest_and_surest(seen)
    return {
        "first": seen[0].frame,
        "last": seen[-1].frame,
        "best": best.frame,
        "score": round(max(s.score for s in seen), 3),
        "height": round(best.box.height),
        "doubt": doubt(seen),
        "jump": jump(seen),
        "ends": ends_within(seen, plan.cuts, plan.source.frames, plan.source.size),
    }


def describe(plan: Plan, times: Sequence[Fraction], memory: Memory) -> dict[str, Any]:
    """All things of a plan, for lists and lanes.

    Args:
        plan: With its edits.
        times: When each frame is shown, in seconds.
        memory: Of descriptions before.
    """
    things, uncertain = plan.things, plan.recipe.uncertain
    looked_at = _looked_at(plan, things)
    memory.take(plan, things)
    return {
        "tracks": [
            _describe_track(thing, seen, uncertain, thing.id in looked_at)
            | memory.facts(thing, seen, plan)
            | {"alike": memory.alike(thing)}
            for thing in things.by_id.values()
            if (seen := things.sightings(thing))
        ],
        "regions": [
            _describe_region(name, thing, times)
            for name, thing in things.regions.items()
            if is_ever_hidden(thing, uncertain)  # others were drawn anew, or taken away
        ],
    }


def _looked_at(plan: Plan, things: Things) -> set[int]:
    """The numbers of things that a person accepted as they are."""
    accepts = (edit for _, edit in in_force(plan.edits) if isinstance(edit, Accept))
    return {thing.id for edit in accepts for thing in things.named_by(edit)}


def _describe_track(
    thing: Thing, seen: Sequence[Sighting], uncertain: str, looked_at: bool
) -> dict[str, Any]:
    assert thing.track is not None
    states = {state_at(thing, s.time, uncertain) for s in (seen if thing.choices else seen[:1])}
    return {
        "id": thing.id,
        "kind": str(thing.track.kind),
        "person": thing.person,
        "state": states.pop() if len(states) == 1 else "partly",
        "uncertain": thing.track.uncertain,
        "looked": looked_at or bool(thing.choices),
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


def look(plan: Plan) -> int:
    """A number that changes whenever something else is hidden, or hidden otherwise."""
    spoken = Note | Accept | SignOff
    acts = tuple(edit for edit in plan.edits if not isinstance(edit, spoken))
    return hash((acts, len(plan.tracks), plan.plain, plan.recipe)) & 0xFFFFFFFF


def mutes(plan: Plan, times: Sequence[Fraction]) -> list[list[Any]]:
    """First and last frame of each span that is silent, and whether it is a tone."""
    spans = ((_frame_at(times, m.start), _frame_at(times, m.end, last=True), m.tone)
             for m in plan.mutes)  # fmt: skip
    return [list(span) for span in spans]


def margins(plan: Plan) -> dict[str, float]:
    """How far hiding reaches at least beyond a box on each side, as a share of it, by kind.

    A correction takes that much off what a person dragged, to say where the thing itself is; what
    is hidden of it has the margin of something that no detector saw, and is never less.
    """
    unit = Box(0, 0, 1, 1)
    return {str(kind): -plan.recipe.coverage.region(kind, unit, 1.0).box.left for kind in Kind}
