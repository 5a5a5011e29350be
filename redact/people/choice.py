"""Who stays visible by a choice of photographs: only whom every portrait clearly says so of.

Everything unsure is hidden: a track without portraits, one of which a single portrait says
otherwise, stretches between portraits that lie too far apart, stretches in which somebody who is
hidden comes near, and two tracks at one time that would both be the one person of a photograph.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from redact.core.edits.things import in_force
from redact.core.edits.values import Show
from redact.core.findings import Kind, Track
from redact.core.geometry import Box
from redact.core.interfaces import Progress, Source
from redact.core.plan import Plan

Mode: TypeAlias = Literal["only", "except"]
"""Hide only the people of the photographs, or everybody except them."""

Vector: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PhotoChoice:
    """Who is hidden, by photographs.

    Args:
        mode: `only` hides only the people of the photographs, `except` all but them.
        photos: Pictures with one face each; several may be of one person.
    """

    mode: Mode
    photos: tuple[Path, ...]


CLEARLY_SAME = 0.48
"""Likeness of a mean of portraits to a photograph from which it clearly is the same person."""
SAME_AT_LEAST = 0.35
"""Likeness that each single portrait must have then."""
CLEARLY_OTHER = 0.18
"""Likeness of a mean of portraits up to which it clearly is somebody else."""
OTHER_AT_MOST = 0.28
"""Likeness that no single portrait may exceed then."""
MOST_TURNED: dict[Mode, float] = {"except": 0.8, "only": 0.35}
"""Portraits that are turned further are not good enough: to a profile nobody is like, so that with
`only` it would say nothing."""
_MEAN_OVER = Fraction(1, 2)
"""Seconds before and after a portrait whose portraits its mean is taken of: one alone is noisy."""
_LONGEST_PAUSE = Fraction(1)
"""Seconds between two portraits over which a track is taken to be the same person."""
_EDGE = Fraction(1, 5)
"""Seconds before the first and after the last portrait of a stretch that are shown, too."""
_AROUND_MEETING = Fraction(2, 5)
"""Seconds before and after somebody hidden comes near that are hidden: tracks may change there."""
_NEAR = 0.2
"""Margin around both faces, in sides, within which they are near each other."""

REASONS: dict[Mode, str] = {
    "except": "shown by choice (--except): every portrait clearly resembles a photograph",
    "only": "shown by choice (--only): no portrait resembles a photograph",
}
"""What an edit says that shows somebody; of the photographs it says nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A portrait in a track, never written.

    Args:
        frame: Of which frame.
        time: Its time in seconds.
        vector: The cosine of two is their likeness.
        turned: How far the face is turned to the side, in eye distances.
    """

    frame: int
    time: Fraction
    vector: Vector
    turned: float = 0.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a track, from one time to another in seconds, both included."""

    track: int
    start: Fraction
    end: Fraction


def choose(
    plan: Plan, portraits: Mapping[int, Sequence[Seen]], photos: Sequence[Vector], mode: Mode
) -> tuple[Show, ...]:
    """The edits that show whom the choice clearly lets be seen.

    Args:
        plan: Its face tracks are judged; plates and all else stay hidden.
        portraits: Of each track, by its id, in order of time.
        photos: Vectors of the photographs; several may be of one person.
        mode: Which of the two choices it is.
    """
    faces = [track for track in plan.tracks if track.kind is Kind.FACE]
    stretches: list[Stretch] = []
    for track in faces:
        seen = [one for one in portraits.get(track.id, ()) if one.turned <= MOST_TURNED[mode]]
        if seen and _all_clear(seen, photos, mode):
            stretches += _stretches(track, seen)
    if mode == "except":
        stretches = _without_doubles(stretches, portraits, photos)
    stretches = _without_meetings(stretches, faces)
    still = plan.source.frames == 1  # what is shown in its only frame is shown
    return tuple(
        Show(
            stretch.track,
            start=None if still else stretch.start,
            end=None if still else stretch.end,
            reason=REASONS[mode],
            continues=number > 0,
        )
        for number, stretch in enumerate(stretches)
    )


def make_chooser(choice: PhotoChoice | None) -> Callable[[Source, Plan, Progress], Plan]:
    """What makes a plan show whom photographs let be seen; they are read now.

    Raises:
        RecipeError: One of them does not show one face clearly.
    """
    if choice is None:
        return lambda _, plan, __: plan
    from redact.people.photos import PhotoChooser

    return PhotoChooser(choice)


def shown_by_choice(plan: Plan) -> frozenset[int]:
    """The tracks that photographs left visible at some time."""
    shows = (edit for _, edit in in_force(plan.edits) if isinstance(edit, Show))
    chosen = (edit.track for edit in shows if edit.reason in REASONS.values())
    return frozenset(track for track in chosen if track is not None)


def _all_clear(seen: Sequence[Seen], photos: Sequence[Vector], mode: Mode) -> bool:
    """Whether each portrait, and the mean of those around it, says that the track may be seen."""
    vectors, gallery = np.stack([one.vector for one in seen]), np.stack(list(photos))
    single = (vectors @ gallery.T).max(axis=1)
    means = np.stack(list(_means_around(seen)))
    mean = (means @ gallery.T).max(axis=1)
    if mode == "except":
        return bool((mean >= CLEARLY_SAME).all() and (single >= SAME_AT_LEAST).all())
    return bool((mean <= CLEARLY_OTHER).all() and (single <= OTHER_AT_MOST).all())


def _means_around(seen: Sequence[Seen]) -> Iterator[Vector]:
    """For each portrait the mean of those around its time."""
    times = [one.time for one in seen]
    for time in times:
        first, end = bisect_left(times, time - _MEAN_OVER), bisect_right(times, time + _MEAN_OVER)
        yield mean_of([one.vector for one in seen[first:end]])


def mean_of(vectors: Sequence[Vector]) -> Vector:
    """The mean, of length 1."""
    mean = np.mean(vectors, axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)


def _stretches(track: Track, seen: Sequence[Seen]) -> list[Stretch]:
    """The parts of a track that have portraits close enough to each other."""
    first, last = track.sightings[0].time, track.sightings[-1].time
    found = [Stretch(track.id, seen[0].time, seen[0].time)]
    for one in seen[1:]:
        if one.time - found[-1].end <= _LONGEST_PAUSE:
            found[-1] = Stretch(track.id, found[-1].start, one.time)
        else:
            found.append(Stretch(track.id, one.time, one.time))
    return [Stretch(s.track, max(first, s.start - _EDGE), min(last, s.end + _EDGE)) for s in found]


def _without_doubles(
    stretches: Sequence[Stretch], portraits: Mapping[int, Sequence[Seen]], photos: Sequence[Vector]
) -> list[Stretch]:
    """Without those in which another track would be the same person at the same time."""
    persons = _persons_of(photos)
    person = {id_: persons[_best_photo(seen, photos)] for id_, seen in portraits.items() if seen}
    kept = []
    for one in stretches:
        doubles = [
            (other.start, other.end)
            for other in stretches
            if other.track != one.track and person[other.track] == person[one.track]
        ]
        kept += _cut(one, doubles)
    return kept


def _best_photo(seen: Sequence[Seen], photos: Sequence[Vector]) -> int:
    mean = np.mean([one.vector for one in seen], axis=0)
    return int(np.argmax([float(mean @ photo) for photo in photos]))


def _persons_of(photos: Sequence[Vector]) -> list[int]:
    """For each photograph the first one that may be of the same person."""
    return [
        next(j for j, other in enumerate(photos) if float(photo @ other) >= SAME_AT_LEAST or j == i)
        for i, photo in enumerate(photos)
    ]


def _without_meetings(stretches: Sequence[Stretch], faces: Sequence[Track]) -> list[Stretch]:
    """Without the times at which somebody who is hidden comes near."""
    tracks = {track.id: track for track in faces}
    return [part for one in stretches for part in _cut(one, _meetings(one, tracks, stretches))]


def _meetings(
    one: Stretch, tracks: Mapping[int, Track], shown: Sequence[Stretch]
) -> list[tuple[Fraction, Fraction]]:
    mine = {s.frame: s for s in tracks[one.track].sightings if one.start <= s.time <= one.end}
    found = []
    for track in tracks.values():
        if track.id == one.track:
            continue
        theirs = [(o.start, o.end) for o in shown if o.track == track.id]
        for sighting in track.sightings:
            here = mine.get(sighting.frame)
            if here is None or any(start <= sighting.time <= end for start, end in theirs):
                continue
            if _are_near(here.box, sighting.box):
                found.append((here.time - _AROUND_MEETING, here.time + _AROUND_MEETING))
    return found


def _are_near(one: Box, other: Box) -> bool:
    """Whether two faces nearly touch."""
    return one.grown(_NEAR).overlap(other.grown(_NEAR)) > 0


def _cut(stretch: Stretch, spans: Sequence[tuple[Fraction, Fraction]]) -> list[Stretch]:
    """What is left of a stretch without some spans, both ends of each included."""
    parts = [stretch]
    for start, end in spans:
        rest = []
        for part in parts:
            if end < part.start or start > part.end:
                rest.append(part)
                continue
            if start > part.start:
                rest.append(Stretch(part.track, part.start, start - _TICK))
            if end < part.end:
                rest.append(Stretch(part.track, end + _TICK, part.end))
        parts = rest
    return parts


_TICK = Fraction(1, 1_000_000)
"""Seconds: less than lie between any two frames."""
