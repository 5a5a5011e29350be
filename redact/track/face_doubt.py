"""Which tracks of faces are doubted, and why: trees, lamps and signs look like faces, too.

A face that was never seen clearly is believed if a person is there. What is not known speaks for
the face: one that is small, or whose body would lie outside of the picture, is believed without,
and so are all in a shot in which any face is seen clearly: in crowds persons hide each other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from redact.core.cuts import shot_of
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box, Size

_SURE = 0.55
"""Best score of a track from which a face is seen clearly."""

_LEAST_HEIGHT = 20
"""Pixels: the persons of smaller faces are not found well enough to miss them."""

_LOOKS = 3
_APART = 6
"""Frames from one look at a track to the next at least."""

NO_PERSON = "no person where it was detected"


@dataclass(frozen=True, slots=True)
class Look:
    """Where a person should be seen if a track is one's face.

    Args:
        frame: The frame's index.
        track: The track's id.
        box: Of the face, in pixels of the upright picture.
    """

    frame: int
    track: int
    box: Box


def doubtful_looks(
    tracks: Sequence[Track],
    size: Size,
    cuts: Sequence[int],
    brief: Callable[[Track], bool] | None = None,
) -> list[list[Look]]:
    """Where to look for the persons of faces that were never seen clearly.

    Args:
        tracks: Of all kinds.
        size: Of the upright picture.
        cuts: Indices of frames that begin a new shot, ascending.
        brief: Whether a track was there too briefly to be judged; such a one is believed.

    Returns:
        The first look at each track, then the second, and so on; each in order of frames.
    """
    faces = [track for track in tracks if track.kind is Kind.FACE and not track.uncertain]
    clear = {shot_of(track, cuts) for track in faces if max(_scores(track)) >= _SURE}
    believed = brief or (lambda _: False)
    doubtful = [t for t in faces if shot_of(t, cuts) not in clear and not believed(t)]
    every = [list(_looks_at(track, size)) for track in doubtful]
    rounds = ([looks[n] for looks in every if len(looks) > n] for n in range(_LOOKS))
    return [sorted(looks, key=lambda look: (look.frame, look.track)) for looks in rounds]


def _looks_at(track: Track, size: Size) -> Iterator[Look]:
    best = _best_apart([s for s in track.sightings if s.score > 0])
    if not best or max(s.box.height for s in best) < _LEAST_HEIGHT:
        return
    if any(_is_near_rim(s.box, size) for s in best):
        return
    for sighting in best:
        yield Look(sighting.frame, track.id, sighting.box)


def _is_near_rim(box: Box, size: Size) -> bool:
    """Whether the body may lie outside of the picture, whichever way it lies."""
    return not Box(0, 0, size.width, size.height).contains(box.grown(1))


def _scores(track: Track) -> list[float]:
    return [sighting.score for sighting in track.sightings]


def _best_apart(detected: list[Sighting]) -> list[Sighting]:
    """The sightings with the best scores, some frames apart from each other."""
    found: list[Sighting] = []
    for one in sorted(detected, key=lambda s: -s.score):
        if all(abs(one.frame - other.frame) >= _APART for other in found):
            found.append(one)
        if len(found) == _LOOKS:
            break
    return found


def doubt_faces(tracks: Iterable[Track], without_person: Collection[int]) -> tuple[Track, ...]:
    """The tracks, with `uncertain` and `doubt` set on faces that belong to nobody.

    Args:
        tracks: Of all kinds.
        without_person: Ids of tracks at which no look saw a person.
    """
    return tuple(
        replace(track, uncertain=True, doubt=NO_PERSON) if track.id in without_person else track
        for track in tracks
    )
