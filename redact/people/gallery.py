"""The portraits of a plan's face tracks, taken from the clear source and kept in memory only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from fractions import Fraction
from typing import TypeAlias

from redact.core.findings import Kind, Sighting, Track
from redact.core.frames import Frame, upright_size
from redact.core.interfaces import Progress, Source
from redact.core.parallel import map_ahead
from redact.core.plan import Plan
from redact.detect.likeness.portraits import LEAST_SIDE, Portraitist
from redact.people.choice import Seen

Portraits: TypeAlias = dict[int, list[Seen]]
"""Of each track, by its id, in order of time."""

_EVERY = Fraction(3, 25)
"""Seconds from one portrait of a track to the next, when each counts."""

_ENOUGH = 6
"""Portraits of a track that are enough for a suggestion."""


def every_sighting(track: Track) -> Iterator[Sighting]:
    """The detections of a track, a few each second, the first and the last among them."""
    last: Sighting | None = None
    given: Sighting | None = None
    for sighting in track.sightings:
        if sighting.score <= 0:
            continue
        if given is None or sighting.time - given.time >= _EVERY:
            given = sighting
            yield sighting
        last = sighting
    if last is not None and last is not given:
        yield last


def best_sightings(track: Track) -> list[Sighting]:
    """A few large and clear detections of a track, from all over it."""
    detected = [s for s in track.sightings if s.score > 0]
    step = max(1, -(-len(detected) // _ENOUGH))
    parts = (detected[start : start + step] for start in range(0, len(detected), step))
    return [max(part, key=lambda s: s.score * min(s.box.width, s.box.height)) for part in parts]


def take_portraits(
    source: Source,
    plan: Plan,
    choose: Callable[[Track], Iterable[Sighting]],
    progress: Progress,
    frame_at: Callable[[int], Frame] | None = None,
) -> Portraits:
    """The portraits of all face tracks; a track that never shows enough has none.

    Args:
        source: What the plan was made from.
        plan: Its tracks.
        choose: Of which sightings portraits are tried.
        progress: Called for every frame.
        frame_at: A quicker way to single frames than to read the source from its start.
    """
    wanted: defaultdict[int, list[tuple[int, Sighting]]] = defaultdict(list)
    for track in plan.tracks:
        if track.kind is Kind.FACE:
            for sighting in choose(track):
                if min(sighting.box.width, sighting.box.height) >= LEAST_SIDE:
                    wanted[sighting.frame].append((track.id, sighting))
    portraits: Portraits = defaultdict(list)
    if not wanted:
        return portraits
    artist = Portraitist()

    def take(frame: Frame) -> list[tuple[int, Seen]]:
        here = wanted.get(frame.index)
        if not here:
            return []
        picture = frame.picture
        upright = picture.rgb(upright_size(picture))
        found = ((id_, artist.take(upright, s.box)) for id_, s in here)
        return [
            (id_, Seen(frame.index, frame.time, p.vector, p.turned))
            for id_, p in found
            if p is not None
        ]

    with closing(map_ahead(take, _frames(source, sorted(wanted), frame_at))) as taken:
        for number, (frame, found) in enumerate(taken, 1):
            for id_, seen in found:
                portraits[id_].append(seen)
            done, expected = (frame.index + 1, plan.source.frames)
            if frame_at is not None:
                done, expected = number, len(wanted)
            progress("people", done, expected)
    return portraits


def _frames(
    source: Source, wanted: Sequence[int], frame_at: Callable[[int], Frame] | None
) -> Iterator[Frame]:
    if frame_at is not None:
        yield from map(frame_at, wanted)
        return
    for frame in source.frames():
        yield frame
        if frame.index >= wanted[-1]:
            return
