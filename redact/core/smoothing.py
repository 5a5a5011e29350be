"""Smoothing: a track's boxes as they are hidden, steadier than a detector's and never smaller."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate

from redact.core.findings import Sighting, Track
from redact.core.geometry import Box
from redact.core.kinds import KINDS

STEADY = Fraction(1, 5)
"""Seconds before and after within which a box takes the size of its largest neighbours."""

GLIDE = Fraction(3, 10)
"""Seconds before and after within which the box of what glides is smoothed: of 1.6 to 2.4 steps a
second, as people walk, a mean over so long leaves a fifth at most, and of 1.9 an eighth."""


def smooth(track: Track) -> list[Sighting]:
    """A track's sightings, with their boxes as they are hidden: steadier, and never smaller."""
    return glide(track.sightings) if KINDS[track.kind].glides else smooth_sizes(track.sightings)


def glide(sightings: Sequence[Sighting]) -> list[Sighting]:
    """The sightings with boxes that glide: neither limbs nor the rhythm of steps move them.

    A box's centre becomes the mean of those within `GLIDE`, of as many before as after, so that
    even movement stays as it is. Its width and height become the mean of the largest that detected
    boxes around need about their new centres, and so never less than its own need. A box without
    a detection has grown from doubt, and asks for nothing beyond itself.
    """
    spans = list(_spans(sightings))
    x, y = (_even_means([s.box.centre[axis] for s in sightings], spans) for axis in (0, 1))
    placed = list(zip(sightings, x, y, strict=True))
    across = [s.score and s.box.width + 2 * abs(s.box.centre[0] - at) for s, at, _ in placed]
    down = [s.score and s.box.height + 2 * abs(s.box.centre[1] - at) for s, _, at in placed]
    widths, heights = (
        _even_means([max(needs[first:end]) for first, end in spans], spans)
        for needs in (across, down)
    )
    boxes = map(Box.around, x, y, widths, heights)
    return [replace(s, box=b.hull(s.box)) for s, b in zip(sightings, boxes, strict=True)]


def _spans(sightings: Sequence[Sighting]) -> Iterator[tuple[int, int]]:
    """For each sighting the places of those within `GLIDE` of it, the last one excluded."""
    times = [s.time for s in sightings]
    for time in times:
        yield bisect_left(times, time - GLIDE), bisect_right(times, time + GLIDE)


def _even_means(values: Sequence[float], spans: Sequence[tuple[int, int]]) -> list[float]:
    """The mean around each value, of as many before as after, within its span."""
    sums = [0.0, *accumulate(values)]
    means = []
    for i, (first, end) in enumerate(spans):
        side = min(i - first, end - 1 - i)
        means.append((sums[i + side + 1] - sums[i - side]) / (2 * side + 1))
    return means


def smooth_sizes(sightings: Sequence[Sighting]) -> list[Sighting]:
    """The sightings with each box as wide and as high as its widest and highest neighbours.

    A detector's boxes vary in size from frame to frame; where one is too tight, its neighbours are
    not.
    """
    smoothed, first, last = [], 0, 0
    for i, sighting in enumerate(sightings):
        while sighting.time - sightings[first].time > STEADY:
            first += 1
        last = max(last, i)
        while last + 1 < len(sightings) and sightings[last + 1].time - sighting.time <= STEADY:
            last += 1
        near = sightings[first : last + 1]
        width, height = max(s.box.width for s in near), max(s.box.height for s in near)
        smoothed.append(replace(sighting, box=Box.around(*sighting.box.centre, width, height)))
    return smoothed
