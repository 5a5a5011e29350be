"""What a person should look at in a track, and which tracks may be of one person."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from redact.core.edits.things import Thing, Things
from redact.core.findings import Sighting
from redact.core.geometry import Size

_SPARKS = 24
"""Parts of a track for each of which it is told how sure its detections are."""

_LONGEST_GAP = Fraction(2)
"""Seconds between two tracks that may be of one person."""
_NEAR = 1.5
"""How far apart their ends may be, in sides of their boxes; more with each second between."""
_NEARLY = 0.85
"""What share of the best view is good enough for a card."""
_ALIKE = 1.6
"""How much larger one may be than the other."""


def doubt(seen: Sequence[Sighting]) -> list[float]:
    """How sure its detections are over its time: the lowest score in each part, 0 for none."""
    parts = min(_SPARKS, len(seen))
    bounds = [len(seen) * part // parts for part in range(parts + 1)]
    spans = (seen[a:b] for a, b in pairwise(bounds))
    return [round(min((s.score for s in span if s.score), default=0), 2) for span in spans]


def jump(seen: Sequence[Sighting]) -> int | None:
    """The frame at which something moves by more than its own size at once, if it does."""
    most, where = 1.0, None
    places = [(s.box.centre, s.frame, max(s.box.width, s.box.height, 1)) for s in seen]
    for ((x, y), one, side), ((u, v), two, _) in pairwise(places):
        away = max(abs(u - x), abs(v - y)) / side / (two - one)
        if away > most:
            most, where = away, two
    return where


def ends_within(seen: Sequence[Sighting], cuts: Sequence[int], frames: int, size: Size) -> bool:
    """Whether a track ends within a shot and within the picture: somebody may still be there."""
    last = seen[-1]
    place = bisect_left(cuts, last.frame + 1)
    shot_end = cuts[place] if place < len(cuts) else frames
    box = last.box
    inside = box.left > 0 and box.top > 0 and box.right < size.width and box.bottom < size.height
    return inside and last.frame + 1 < shot_end


def alike(things: Things) -> dict[int, int]:
    """Tracks that may be of one person, as a track goes on where another ended.

    Only a suggestion: a person decides.

    Returns:
        For each such track the number of the first of them.
    """
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
    before = {number: earlier for number, (_, earlier) in follows.items()}
    found: dict[int, int] = {}
    for number in before:
        root = number
        while root in before:
            root = before[root]
        found[number] = found[root] = root
    return found


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


def largest_and_surest(seen: Sequence[Sighting]) -> Sighting:
    """Where something is best to be seen: large, and found for sure."""
    return max(seen, key=_clear)


def quick_and_sure(seen: Sequence[Sighting], keys: Sequence[int]) -> Sighting:
    """Where something is nearly as well to be seen as it ever is, and soon decoded.

    Args:
        seen: Sightings of one thing.
        keys: Indices of key frames, in order.
    """
    least = _NEARLY * max(map(_clear, seen))

    def behind_key(sighting: Sighting) -> int:
        place = bisect_right(keys, sighting.frame)
        return sighting.frame - (keys[place - 1] if place else 0)

    return min((s for s in seen if _clear(s) >= least), key=behind_key)


def _clear(sighting: Sighting) -> float:
    return (sighting.score + 0.01) * float(sighting.box.area**0.5)
