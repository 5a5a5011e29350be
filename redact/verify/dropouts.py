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
from functools import cached_property
from itertools import pairwise
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from redact.core.coverage import interpolate
from redact.core.findings import Kind, Sighting, Track
from redact.core.frames import Frame, upright
from redact.core.geometry import Box, Region, Size
from redact.track.association import proximity
from redact.verify.residue import brightness
from redact.verify.result import Spot

LONGEST = Fraction(2)
"""Seconds between two sightings beyond which nobody can say where the thing was meanwhile."""

BEYOND = Fraction(1)
"""Seconds before the first sighting and after the last in which it may still be there."""

FRESH = Fraction(1)
"""Seconds without a detection up to which a track's end is not where the tracker let go."""

BETWEEN = 0.7
"""Correlation with how a thing looked from which it is there, between two sightings of it."""

AT_AN_END = 0.93
"""The same before the first and after the last, where it most probably is gone."""

_SMALLEST = 8.0
"""Pixels across and down below which nothing can be told between two sightings."""

_SMALLEST_AT_AN_END = 16.0
"""The same before the first and after the last: a few blurred pixels look like many others."""

_CONTRAST = 2.5
"""Largest ratio of the deviations of what is compared: correlation alone does not know it."""

_SAME_THING = 0.5
"""Correlation of how two tracks looked from which the second goes on where the first ends."""

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
        linked: Whether they are of two tracks, so that they must look alike.
        drift: Pixels a second by which it moved where its track begins or ends, across and down.
    """

    kind: Kind
    ends: tuple[Sighting, Sighting]
    frames: tuple[int, int]
    looks: tuple[Sighting, ...]
    linked: bool = False
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
    def smallest(self) -> float:
        """Pixels across and down that a place must have."""
        return _SMALLEST if self.inside else _SMALLEST_AT_AN_END

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
            box = interpolate(one, other, time)
        else:
            box = one.box.shifted(*(float(time - one.time) * pace for pace in self.drift))
        near = self.inside or abs(time - one.time) <= BEYOND
        return box if near and min(box.width, box.height) >= self.smallest else None


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
        later = (tracks[n] for n in range(place + 1, len(tracks)))
        goes_on = _going_on(last, later, end)
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
        pace = across / seconds, down / seconds
        yield Gap(kind, (end, end), frames, (look,), drift=pace)


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
        if first.frame - last.frame > 1 and proximity(last.box, first.box) > 0:
            yield other


def _between(one: Track, last: int, other: Track, first: int) -> Gap:
    """From one of a track's sightings to one of the same or another track's, both by place."""
    before, after = one.sightings[last], other.sightings[first]
    earlier = (s for s in reversed(one.sightings) if s.frame <= before.frame and s.score > 0)
    later = (s for s in other.sightings if s.frame >= after.frame and s.score > 0)
    looks = next(earlier, before), next(later, after)
    frames = before.frame, after.frame
    return Gap(one.kind, (before, after), frames, looks, linked=one is not other)


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
            gap = self._pending.pop()
            self._open.append(_Open(gap, gap.times[1]))
        self._open = [item for item in self._open if item.closes >= source.time]
        size = source.picture.turn.upright_size(source.picture.stored_size)
        hides, original, written = _Hidden(regions), _Greys(source), _Greys(output)
        for item in self._open:
            item.look(original)
            place = item.gap.place(source.index, source.time)
            if place is not None and _within(place, size) and not hides(place):
                item.note(written, place)
        return [spot for item in self._open for spot in item.told()]


@dataclass(slots=True)
class _Open:
    """A gap while its frames go by.

    Args:
        gap: Which.
        closes: Seconds after which nothing of it is needed.
        looks: How the thing looked, as far as those frames have come.
        noted: Where it may show, until all looks are known.
    """

    gap: Gap
    closes: Fraction
    looks: list[_Look] = field(default_factory=list)
    noted: list[tuple[Spot, _Look]] = field(default_factory=list)

    def look(self, source: _Greys) -> None:
        """Remember how the thing looks, if this is a frame that says it."""
        boxes = (look.box for look in self.gap.looks if look.frame == source.frame.index)
        self.looks += (source.sampled(box, _SIDE) for box in boxes)

    def note(self, output: _Greys, place: Box) -> None:
        """Remember what is about that place."""
        here = output.sampled(place.grown(_AROUND / _SIDE), _SIDE + 2 * _AROUND)
        frame, why = output.frame, "hidden before or after"
        self.noted.append((Spot(frame.index, frame.time, place, (), why, self.gap.kind), here))

    def told(self) -> list[Spot]:
        """Where the thing shows, of what was noted; nothing while that cannot be told yet."""
        if not self.noted or len(self.looks) < len(self.gap.looks):
            return []
        noted, self.noted = self.noted, []
        if self.gap.linked and _correlation(*self.looks) < _SAME_THING:
            return []
        found = (_recognised(self.looks, *item) for item in noted)
        return [spot for spot in found if spot.score >= self.gap.bar]


def _recognised(looks: Sequence[_Look], spot: Spot, here: _Look) -> Spot:
    """The spot where what is there fits one of the looks best, with how well."""
    alike, across, down = max(_best(look, here) for look in looks)
    away = across * spot.box.width / _SIDE, down * spot.box.height / _SIDE
    words = (("resemblance", round(alike, 3)),)
    return replace(spot, box=spot.box.shifted(*away), scores=words)


def _within(place: Box, size: Size) -> bool:
    """Whether half of it lies in the picture: beyond its rim everything is even."""
    return place.overlap(Box(0, 0, size.width, size.height)) >= place.area / 2


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


class _Greys:
    """What is sampled of one frame, whose brightness is laid upright once, and only if needed."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame

    @cached_property
    def _grey(self) -> NDArray[np.uint8]:
        picture = self.frame.picture
        return np.asarray(upright(brightness(picture), picture.turn))

    def sampled(self, box: Box, side: int) -> _Look:
        """A box's brightness in so many samples a side; the picture's rim goes on beyond it."""
        grey, fine = self._grey, side * _FINER
        across = box.left + (np.arange(fine) + 0.5) * box.width / fine
        down = box.top + (np.arange(fine) + 0.5) * box.height / fine
        columns = np.clip(across.astype(int), 0, grey.shape[1] - 1)
        rows = np.clip(down.astype(int), 0, grey.shape[0] - 1)
        samples = grey[np.ix_(rows, columns)].astype(np.float32)
        return np.asarray(samples.reshape(side, _FINER, side, _FINER).mean(axis=(1, 3)), np.float32)


def _best(look: _Look, here: _Look) -> tuple[float, int, int]:
    """The best correlation of how a thing looked with what is there, 0 if they cannot be compared.

    And where that is: samples to the right of the expected place, and below it.
    """
    if look.std() < _FLAT:
        return 0.0, 0, 0
    _, best, _, (x, y) = cv2.minMaxLoc(cv2.matchTemplate(here, look, cv2.TM_CCOEFF_NORMED))
    contrast = float(here[y : y + _SIDE, x : x + _SIDE].std() / look.std())
    like = 1 / _CONTRAST <= contrast <= _CONTRAST
    return best if like else 0.0, x - _AROUND, y - _AROUND


def _correlation(one: _Look, other: _Look) -> float:
    return float(cv2.matchTemplate(one, other, cv2.TM_CCOEFF_NORMED)[0, 0])
