"""Gaps: the moments at which a thing may be in the picture though its track does not say so.

Between two sightings the place is interpolated. Just before the first sighting and after the last
one it is extrapolated at the speed the thing had there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from redact.core.coverage import interpolate
from redact.core.cuts import frames_of_shot
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box
from redact.track.association import proximity

LONGEST_GAP = Fraction(2)
"""Seconds between two sightings beyond which nobody can say where the thing was meanwhile."""

BEYOND_ENDS = Fraction(1)
"""Seconds before the first sighting and after the last in which it may still be there."""

DETECTED_WITHIN = Fraction(1)
"""Seconds from a track's end to its nearest detection, at most; else the tracker let go there."""

THRESHOLD_BETWEEN = 0.7
"""Correlation with a template from which the thing is there, between two sightings of it."""

THRESHOLD_AT_ENDS = 0.93
"""The same before the first and after the last sighting, where it most probably is gone."""

_SMALLEST_BETWEEN = 8.0
"""Pixels across and down below which nothing can be told between two sightings."""

_SMALLEST_AT_ENDS = 16.0
"""The same before the first and after the last: a few blurred pixels look like many others."""

_VELOCITY_FROM = Fraction(1, 8)
"""Seconds of sightings from which the velocity at a track's end is measured."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which a thing may show though no sighting says so.

    Args:
        kind: What it is.
        ends: The sightings before and after it; before the first of a track and after its last
            the same one twice.
        frames: It lies between these two indices, both excluded.
        detections: Those next to it; the source shows there how the thing looks.
        linked: Whether they are of two tracks, so that they must look alike.
        velocity: Pixels a second, across and down, where its track begins or ends.
    """

    kind: Kind
    ends: tuple[Sighting, Sighting]
    frames: tuple[int, int]
    detections: tuple[Sighting, ...]
    linked: bool = False
    velocity: tuple[float, float] = (0.0, 0.0)

    @property
    def between_sightings(self) -> bool:
        """Whether there are sightings on both sides."""
        return self.ends[0] is not self.ends[1]

    @property
    def threshold(self) -> float:
        """What a correlation must reach."""
        return THRESHOLD_BETWEEN if self.between_sightings else THRESHOLD_AT_ENDS

    @property
    def smallest(self) -> float:
        """Pixels across and down that a place must have."""
        return _SMALLEST_BETWEEN if self.between_sightings else _SMALLEST_AT_ENDS

    @property
    def span(self) -> tuple[Fraction, Fraction]:
        """Seconds of the first and the last frame that may be needed, detections included."""
        beyond = Fraction(0) if self.between_sightings else BEYOND_ENDS
        times = [detection.time for detection in self.detections]
        return min(self.ends[0].time - beyond, *times), max(self.ends[1].time + beyond, *times)

    def expected_box(self, frame: int, time: Fraction) -> Box | None:
        """Where the thing is expected in a frame, in pixels of the upright picture.

        Args:
            frame: The frame's index.
            time: Its time in seconds.

        Returns:
            None outside the gap, too far from its ends, or if the box is too small to compare.
        """
        one, other = self.ends
        if not self.frames[0] < frame < self.frames[1]:
            return None
        if self.between_sightings:
            place = interpolate(one, other, time)
        else:
            place = one.box.shifted(*(float(time - one.time) * speed for speed in self.velocity))
        box = Box.around(*place.centre, *self._size_at(time))
        near = self.between_sightings or abs(time - one.time) <= BEYOND_ENDS
        return box if near and min(box.width, box.height) >= self.smallest else None

    def _size_at(self, time: Fraction) -> tuple[float, float]:
        """Width and height as detected: a box that was followed has grown from doubt."""
        first, last = self.detections[0], self.detections[-1]
        box = first.box if first.time >= last.time else interpolate(first, last, time)
        return box.width, box.height


def find_gaps(tracks: Iterable[Track], cuts: Sequence[int]) -> list[Gap]:
    """All gaps of these tracks, in no order.

    Args:
        tracks: What is hidden.
        cuts: Indices of the frames that begin a new shot, ascending.
    """
    tracks = sorted(tracks, key=lambda track: track.sightings[0].time)
    found: list[Gap] = []
    for place, track in enumerate(tracks):
        seen, last = track.sightings, track.sightings[-1]
        shot = frames_of_shot(seen[0].frame, cuts, sys.maxsize)
        found += _gap_at_end(track.kind, seen, (shot.start - 1, seen[0].frame))
        found += _gap_at_end(track.kind, seen[::-1], (last.frame, shot.stop))
        found += (_gap_between(track, n, track, n + 1) for n in _interruptions(seen))
        later = (tracks[n] for n in range(place + 1, len(tracks)))
        others = _continuations(last, later, shot.stop)
        found += (_gap_between(track, -1, other, 0) for other in others if other.kind is track.kind)
    return found


def _gap_at_end(kind: Kind, seen: Sequence[Sighting], frames: tuple[int, int]) -> Iterator[Gap]:
    """The gap beyond one end of a track, if the thing may still be there.

    Where a thing was followed for long without being detected, the tracker let it go knowingly.

    Args:
        kind: Of the track.
        seen: Its sightings, from that end inwards.
        frames: The gap lies between these two.
    """
    end = seen[0]
    detection = next((s for s in seen if s.score > 0), end)
    if abs(detection.time - end.time) <= DETECTED_WITHIN:
        yield Gap(kind, (end, end), frames, (detection,), velocity=_velocity_at_end(seen))


def _velocity_at_end(seen: Sequence[Sighting]) -> tuple[float, float]:
    """Pixels a second, across and down; the sightings go from the end inwards."""
    end = seen[0]
    inner = [s for s in seen if abs(s.time - end.time) <= _VELOCITY_FROM][-1]
    seconds = float(end.time - inner.time) or 1.0
    across, down = (a - b for a, b in zip(end.box.centre, inner.box.centre, strict=True))
    return across / seconds, down / seconds


def _interruptions(seen: Sequence[Sighting]) -> Iterator[int]:
    """Places of the sightings that are followed by frames without one."""
    for n, (one, other) in enumerate(pairwise(seen)):
        if other.frame - one.frame > 1 and other.time - one.time <= LONGEST_GAP:
            yield n


def _continuations(last: Sighting, later: Iterable[Track], end: int) -> Iterator[Track]:
    """Tracks that begin soon after a last sighting, near it, and in the same shot.

    Args:
        last: Of an earlier track.
        later: Tracks by the time at which they begin.
        end: The first frame of the next shot.
    """
    for other in later:
        first = other.sightings[0]
        if first.time - last.time > LONGEST_GAP or first.frame >= end:
            return
        if first.frame - last.frame > 1 and proximity(last.box, first.box) > 0:
            yield other


def _gap_between(one: Track, last: int, other: Track, first: int) -> Gap:
    """The gap between two sightings, given by their places in the same or in two tracks."""
    before, after = one.sightings[last], other.sightings[first]
    earlier = (s for s in reversed(one.sightings) if s.frame <= before.frame and s.score > 0)
    later = (s for s in other.sightings if s.frame >= after.frame and s.score > 0)
    detections = next(earlier, before), next(later, after)
    frames = before.frame, after.frame
    return Gap(one.kind, (before, after), frames, detections, linked=one is not other)
