"""What a person should look at in a track, and where it is best to be seen."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from redact.core.cuts import frames_of_shot
from redact.core.findings import Sighting
from redact.core.geometry import Size

_SPARKS = 24
"""Parts of a track for each of which it is told how sure its detections are."""

_NEARLY = 0.85
"""What share of the best view is good enough for a card."""


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
    box = last.box
    inside = box.left > 0 and box.top > 0 and box.right < size.width and box.bottom < size.height
    return inside and last.frame + 1 < frames_of_shot(last.frame, cuts, frames).stop


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
