"""Which tracks may be of one person: they go on where others ended, and do not look different."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from fractions import Fraction

from redact.core.edits.things import Thing, Things
from redact.core.findings import Sighting
from redact.people.suggestions import Likeness

_LONGEST_GAP = Fraction(2)
"""Seconds between two tracks that may be of one person."""
_NEAR = 1.5
"""How far apart their ends may be, in sides of their boxes; more with each second between."""
_ALIKE = 1.6
"""How much larger one may be than the other."""


def alike(things: Things, likeness: Likeness) -> dict[int, int]:
    """Tracks that may be of one person, as they look, or as one goes on where another ended.

    Only a suggestion: a person decides. Two that are seen at one time are never of one person, nor
    are two whose faces were compared and look different.

    Args:
        things: Of a plan, after its edits.
        likeness: What comparing its faces came to, if they were compared.

    Returns:
        For each such track the number of the first of them.
    """
    groups = [
        [number for number in group.tracks if _is_whole(things, number)]
        for group in likeness.groups
    ]
    group_of = {number: group for group in groups for number in group}
    spans = {number: _spans(things, thing) for number, thing in things.by_id.items()}
    for earlier, later in _links(things):
        one, other = (group_of.setdefault(number, [number]) for number in (earlier, later))
        if one is other or _look_different(one, other, likeness):
            continue
        if any(_at_one_time(spans[a], spans[b]) for a in one for b in other):
            continue
        one.extend(other)
        group_of.update(dict.fromkeys(other, one))
    several = {id(group): group for group in group_of.values() if len(group) > 1}
    first = {key: min(group, key=spans.__getitem__) for key, group in several.items()}
    return {number: first[key] for key, group in several.items() for number in group}


def _is_whole(things: Things, number: int) -> bool:
    """Whether a track is as it was compared: a part of one may show somebody else."""
    return number in things.by_id and number not in things.divisions


def _look_different(one: Sequence[int], other: Sequence[int], likeness: Likeness) -> bool:
    return any(a in likeness.compared for a in one) and any(b in likeness.compared for b in other)


def _spans(things: Things, thing: Thing) -> list[tuple[int, int]]:
    runs = (run.sightings for run in things.runs(thing))
    return [(seen[0].frame, seen[-1].frame) for seen in runs]


def _at_one_time(one: Sequence[tuple[int, int]], other: Sequence[tuple[int, int]]) -> bool:
    return any(a <= d and c <= b for a, b in one for c, d in other)


def _links(things: Things) -> Iterator[tuple[int, int]]:
    """Tracks of which the second goes on where the first ended; each is in one link each way."""
    tracks = [(thing, things.sightings(thing)) for thing in things.by_id.values()]
    begun = sorted((t for t in tracks if t[1]), key=lambda t: t[1][0].time)
    begins = [seen[0].time for _, seen in begun]
    follows: dict[int, tuple[float, int]] = {}
    for thing, seen in begun:
        place = bisect_left(begins, seen[-1].time)
        best: tuple[float, int] | None = None
        for other, later in begun[place:]:
            gap = later[0].time - seen[-1].time
            if gap > _LONGEST_GAP:
                break
            away = _distance(thing, seen, other, later, float(gap))
            if away is not None and (best is None or away < best[0]):
                best = away, other.id
        if best is not None and best < follows.get(best[1], (float("inf"), 0)):
            follows[best[1]] = best[0], thing.id
    yield from ((earlier, later) for later, (_, earlier) in follows.items())


def _distance(
    thing: Thing, seen: Sequence[Sighting], other: Thing, later: Sequence[Sighting], gap: float
) -> float | None:
    """How far a track begins from where another would be by then: in sides, and later is further.

    None if it is too far.
    """
    assert thing.track is not None
    assert other.track is not None
    if gap <= 0 or thing.track.kind is not other.track.kind or thing.id == other.id:
        return None
    end, begin = seen[-1].box, later[0].box
    small, large = sorted((max(end.width, end.height), max(begin.width, begin.height)))
    if not small or large > _ALIKE * small:
        return None
    x, y = _expected(seen, gap)
    u, v = begin.centre
    away = max(abs(u - x), abs(v - y)) / large
    return away + gap if away <= _NEAR + gap / 2 else None


def _expected(seen: Sequence[Sighting], gap: float) -> tuple[float, float]:
    """Where a track would be some seconds after its end, as it moved before."""
    last = seen[-1]
    before = next((s for s in reversed(seen) if last.time - s.time >= Fraction(2, 5)), seen[0])
    (x, y), (u, v) = last.box.centre, before.box.centre
    span = float(last.time - before.time)
    if not span:
        return x, y
    return x + (x - u) / span * gap, y + (y - v) / span * gap
