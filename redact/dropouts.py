"""Dropouts: what is hidden before or after and shows at another moment, found without detectors.

The plan says where a thing must be between two sightings of it, and about where it was just before
the first and after the last one. Where nothing is hidden there, the output is compared with how the
thing looked in the source when it was detected.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice, pairwise
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from redact.coverage import straight
from redact.findings import Kind, Sighting, Track
from redact.geometry import Box, Region
from redact.media import Frame, upright
from redact.residue import brightness
from redact.verification import Spot

LONGEST = Fraction(2)
"""Seconds between two sightings beyond which nobody can say where the thing was meanwhile."""

BEYOND = Fraction(1)
"""Seconds before the first sighting and after the last in which it may still be there."""

FRESH = Fraction(1)
"""Seconds without a detection up to which a track's end is not where the tracker let go."""

BETWEEN = 0.7
"""Correlation with how a thing looked from which it is there, between two sightings of it."""

AT_AN_END = 0.9
"""The same before the first and after the last, where chance and what hid it speak against it."""

_NEAR = 0.7
"""Sides between the middles of two tracks' ends up to which they may be one thing."""

_ALIKE = 0.5
"""Least ratio of their areas."""

_INNER = -0.2
"""Growth of a box to its inner part, which must be hidden."""

_ENOUGH = 0.5
"""Share of it that one region must hide."""

_SIDE = 24
"""Samples across and down of what is compared."""

_FINER = 3
"""Pixels, across and down, of which each sample is the mean."""

_AROUND = 10
"""How many such samples around the expected place it is searched for."""

_PACE = Fraction(1, 8)
"""Seconds within which sightings say how fast a thing moves."""

_FLAT = 2.0
"""Deviation of a thing's brightness, in steps of 255, below which it looks like anything."""

_Look: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which a thing may show though no sighting says so.

    Args:
        kind: What it is.
        ends: The sightings before and after it; before the first of a track and after its last
            the same one twice.
        frames: It lies between these two, both excluded.
        looks: The detections next to it, which say how the thing looks.
        drift: Pixels a second by which it moved where its track begins or ends, across and down.
    """

    kind: Kind
    ends: tuple[Sighting, Sighting]
    frames: tuple[int, int]
    looks: tuple[Sighting, ...]
    drift: tuple[float, float] = (0.0, 0.0)

    @property
    def inside(self) -> bool:
        """Whether there are sightings on both sides."""
        return self.ends[0] is not self.ends[1]

    @property
    def bar(self) -> float:
        """What a correlation must reach."""
        return BETWEEN if self.inside else AT_AN_END

    @property
    def times(self) -> tuple[Fraction, Fraction]:
        """Seconds from and to which something of it is needed."""
        beyond = Fraction(0) if self.inside else BEYOND
        looks = [look.time for look in self.looks]
        return min(self.ends[0].time - beyond, *looks), max(self.ends[1].time + beyond, *looks)

    def place(self, frame: int, time: Fraction) -> Box | None:
        """Where the thing is expected in that frame, None if nobody can say."""
        one, other = self.ends
        if not self.frames[0] < frame < self.frames[1]:
            return None
        if self.inside:
            return straight(one, other, time)
        if abs(time - one.time) > BEYOND:
            return None
        return one.box.shifted(*(float(time - one.time) * pace for pace in self.drift))


def gaps(tracks: Iterable[Track], cuts: Sequence[int]) -> list[Gap]:
    """All gaps of these tracks, in no order.

    Args:
        tracks: What is hidden.
        cuts: Indices of the frames that begin a new shot, ascending.
    """
    tracks = sorted(tracks, key=lambda track: track.sightings[0].time)
    found: list[Gap] = []
    for place, track in enumerate(tracks):
        start, end = _shot(track, cuts)
        seen, last = track.sightings, track.sightings[-1]
        found += _at_end(track.kind, seen, (start - 1, seen[0].frame))
        found += _at_end(track.kind, seen[::-1], (last.frame, end))
        found += (_between(track, n, track, n + 1) for n in _holes(seen))
        goes_on = _going_on(last, islice(tracks, place + 1, None), end)
        found += (_between(track, -1, other, 0) for other in goes_on if other.kind is track.kind)
    return found


def _at_end(kind: Kind, seen: Sequence[Sighting], frames: tuple[int, int]) -> Iterator[Gap]:
    """Beyond the first of these sightings, which go away from it in time.

    Where a thing was followed for long without being detected, it was let go knowingly.
    """
    end = seen[0]
    look = next((s for s in seen if s.score > 0), end)
    if abs(look.time - end.time) <= FRESH:
        near = [s for s in seen if abs(s.time - end.time) <= _PACE]
        seconds = float(end.time - near[-1].time) or 1.0
        across, down = (a - b for a, b in zip(end.box.centre, near[-1].box.centre, strict=True))
        yield Gap(kind, (end, end), frames, (look,), (across / seconds, down / seconds))


def _shot(track: Track, cuts: Sequence[int]) -> tuple[int, int]:
    """The first frame of a track's shot, and that of the next."""
    place = bisect_right(cuts, track.sightings[0].frame)
    return cuts[place - 1] if place else 0, cuts[place] if place < len(cuts) else sys.maxsize


def _holes(seen: Sequence[Sighting]) -> Iterator[int]:
    """Which sightings are followed by frames without one."""
    for n, (one, other) in enumerate(pairwise(seen)):
        if other.frame - one.frame > 1 and other.time - one.time <= LONGEST:
            yield n


def _going_on(last: Sighting, later: Iterable[Track], end: int) -> Iterator[Track]:
    """The tracks that begin in the same shot soon after a last sighting, and where it was."""
    for other in later:
        first = other.sightings[0]
        if first.time - last.time > LONGEST or first.frame >= end:
            return
        if first.frame - last.frame > 1 and _one(last, first):
            yield other


def _one(last: Sighting, first: Sighting) -> bool:
    """Whether two tracks' ends may be one thing, by place and size."""
    one, other = last.box, first.box
    side = (one.width + one.height + other.width + other.height) / 4
    away = max(abs(a - b) for a, b in zip(one.centre, other.centre, strict=True))
    alike = min(one.area, other.area) >= _ALIKE * max(one.area, other.area)
    return alike and away < _NEAR * side


def _between(one: Track, last: int, other: Track, first: int) -> Gap:
    """From one of a track's sightings to one of the same or another track's, both by place."""
    before, after = one.sightings[last], other.sightings[first]
    earlier = [s for s in one.sightings if s.frame <= before.frame and s.score > 0] or [before]
    later = (s for s in other.sightings if s.frame >= after.frame and s.score > 0)
    looks = earlier[-1], next(later, after)
    return Gap(one.kind, (before, after), (before.frame, after.frame), looks)


@dataclass(slots=True)
class _Open:
    """A gap while its frames go by.

    Args:
        gap: Which.
        looks: How the thing looked, as far as those frames have come.
        waiting: Where it may show, until all looks are known.
    """

    gap: Gap
    looks: list[_Look] = field(default_factory=list)
    waiting: list[tuple[Spot, _Look]] = field(default_factory=list)


class Dropouts:
    """Watches an output beside its source, frame by frame, in order.

    Args:
        tracks: What the plan hides.
        cuts: Indices of the frames that begin a new shot, ascending.
    """

    def __init__(self, tracks: Iterable[Track], cuts: Sequence[int]) -> None:
        self._pending = sorted(gaps(tracks, cuts), key=lambda gap: gap.times[0], reverse=True)
        self._open: list[_Open] = []

    def update(self, source: Frame, output: Frame, regions: Sequence[Region]) -> list[Spot]:
        """What is now known to show, in this frame or an earlier one.

        Args:
            source: The original's frame.
            output: The same one, as written.
            regions: What the plan hides in it.
        """
        while self._pending and self._pending[-1].times[0] <= source.time:
            self._open.append(_Open(self._pending.pop()))
        self._open = [item for item in self._open if item.gap.times[1] >= source.time]
        hides = _Hidden(regions)
        found = []
        for item in self._open:
            found += _looked(item, source)
            place = item.gap.place(source.index, source.time)
            if place is not None and not hides(place):
                found += _shown(item, output, place)
        return found


def _looked(item: _Open, source: Frame) -> list[Spot]:
    """What shows, now that it is known how a thing looked in this frame."""
    found: list[Spot] = []
    for look in item.gap.looks:
        if look.frame == source.index:
            item.looks.append(_sampled(source, look.box, _SIDE))
            found += _recognised(item.gap, item.looks[-1:], item.waiting)
            known = {spot.frame for spot in found}
            done = len(item.looks) == len(item.gap.looks)
            item.waiting = [w for w in item.waiting if w[0].frame not in known and not done]
    return found


def _shown(item: _Open, output: Frame, place: Box) -> list[Spot]:
    """Whether the thing shows about this place; kept while that cannot be told yet."""
    here = _sampled(output, place.grown(_AROUND / _SIDE), _SIDE + 2 * _AROUND)
    spot = Spot(output.index, output.time, place, (), "hidden before or after", item.gap.kind)
    found = _recognised(item.gap, item.looks, [(spot, here)])
    if not found and len(item.looks) < len(item.gap.looks):
        item.waiting.append((spot, here))
    return found


def _recognised(
    gap: Gap, looks: Sequence[_Look], places: Iterable[tuple[Spot, _Look]]
) -> list[Spot]:
    """The places that hold what looks like that, each where it fits best."""
    found = []
    for spot, here in places:
        alike, across, down = max((_likeness(look, here) for look in looks), default=(0.0, 0, 0))
        if alike >= gap.bar:
            away = across * spot.box.width / _SIDE, down * spot.box.height / _SIDE
            words = (("resemblance", round(alike, 3)),)
            found.append(replace(spot, box=spot.box.shifted(*away), scores=words))
    return found


class _Hidden:
    """Whether one of a frame's regions hides a box, about."""

    def __init__(self, regions: Sequence[Region]) -> None:
        corners = [(r.box.left, r.box.top, r.box.right, r.box.bottom) for r in regions]
        self._corners = np.array(corners, np.float64).reshape(-1, 4)

    def __call__(self, box: Box) -> bool:
        inner = box.grown(_INNER)
        low = np.maximum(self._corners[:, :2], (inner.left, inner.top))
        high = np.minimum(self._corners[:, 2:], (inner.right, inner.bottom))
        shared = np.maximum(high - low, 0).prod(axis=1)
        return bool((shared >= _ENOUGH * inner.area).any())


def _sampled(frame: Frame, box: Box, side: int) -> _Look:
    """A box's brightness in so many samples a side; the picture's rim goes on beyond it."""
    grey = upright(brightness(frame.picture), frame.picture.turn)
    fine = side * _FINER
    across = box.left + (np.arange(fine) + 0.5) * box.width / fine
    down = box.top + (np.arange(fine) + 0.5) * box.height / fine
    columns = np.clip(across.astype(int), 0, grey.shape[1] - 1)
    rows = np.clip(down.astype(int), 0, grey.shape[0] - 1)
    samples = grey[np.ix_(rows, columns)].astype(np.float32)
    return np.asarray(samples.reshape(side, _FINER, side, _FINER).mean(axis=(1, 3)), np.float32)


def _likeness(look: _Look, here: _Look) -> tuple[float, int, int]:
    """The best correlation of how a thing looked with what is there, 0 if it is flat.

    And where that is: samples to the right of the expected place, and below it.
    """
    if look.std() < _FLAT:
        return 0.0, 0, 0
    _, best, _, place = cv2.minMaxLoc(cv2.matchTemplate(here, look, cv2.TM_CCOEFF_NORMED))
    return best, place[0] - _AROUND, place[1] - _AROUND
