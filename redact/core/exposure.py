"""Exposure: what lies wholly inside what is hidden, and what can be brought back from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from heapq import merge
from itertools import chain, groupby, pairwise
from typing import TypeAlias

from redact.core.coverage import interpolate
from redact.core.edits.regions import DrawnRegions, HiddenTracks
from redact.core.findings import Track
from redact.core.geometry import Box, Region
from redact.core.notes import Note
from redact.core.plan import Plan
from redact.core.recipe import IRREVERSIBLE

_Place: TypeAlias = tuple[int, Fraction, int, Box]
"""A frame, its time in seconds, a track's number, and where it is there."""


def covered_tracks(plan: Plan) -> frozenset[int]:
    """Numbers of uncertain tracks that nobody sees, although they themselves are not hidden.

    In each frame from its first sighting to its last, such a track lies wholly inside a region that
    hides something else: the teeth of a hidden face, taken for a plate. One that is to be seen in a
    single frame is not among them, nor is what only a polygon holds.
    """
    hidden = {track.id for track in plan.hidden_tracks}
    listed = [track for track in plan.tracks if track.uncertain and track.id not in hidden]
    things, left = plan.things, {track.id for track in listed}
    tracks, drawn = HiddenTracks(things, plan.cuts, plan.recipe), DrawnRegions(things, 0)
    places = merge(*map(_places, listed), key=lambda place: place[0])
    for frame, group in groupby(places, key=lambda place: place[0]):
        here = [place for place in group if place[2] in left]
        if not here:
            continue
        time = here[0][1]
        found = chain(tracks.regions(frame, time), drawn.regions(time))
        regions = [region for _, region in found]
        left -= {track for _, _, track, box in here if not _is_inside(box, regions)}
    return frozenset(left)


def style_notes(plan: Plan) -> tuple[Note, ...]:
    """That something is hidden in a style that can be reversed; nothing of other styles."""
    weak = sorted(plan.styles - IRREVERSIBLE)
    if not weak or not (plan.hidden_tracks or plan.things.regions):
        return ()
    what = "the style" if len(weak) == 1 else "the styles"
    text = (
        f"{what} {' and '.join(weak)} CAN BE REVERSED: faces can be recovered from what is drawn; "
        f"{', '.join(sorted(IRREVERSIBLE))} cannot be undone"
    )
    return (Note("reversible_style", len(weak), text),)


def _is_inside(box: Box, regions: Sequence[Region]) -> bool:
    """Whether one region holds all of it."""
    return any(region.surely_holds(box) for region in regions)


def _places(track: Track) -> Iterator[_Place]:
    """Where a track is in each of its frames, in a straight line between two sightings."""
    for last, coming in pairwise(track.sightings):
        yield last.frame, last.time, track.id, last.box
        for frame in range(last.frame + 1, coming.frame):
            share = Fraction(frame - last.frame, coming.frame - last.frame)
            time = last.time + share * (coming.time - last.time)
            yield frame, time, track.id, interpolate(last, coming, time)
    end = track.sightings[-1]
    yield end.frame, end.time, track.id, end.box
