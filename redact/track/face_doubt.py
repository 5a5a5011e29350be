"""Which tracks of faces are doubted, and why: trees, lamps and fish look like faces, too.

A face is doubted where nobody is: where no face of its shot is seen very clearly, and the network
of objects sees no persons around the shot's faces, taken together. In crowds persons hide each
other, so that one face alone says little. Small faces are judged apart, since less of their persons
is seen. What is not known speaks for the face: one that is tiny, or fills the picture, is not asked
about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean

from redact.core.cuts import shot_of
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box, Size

_CLEAR = 0.55
"""Best score of a track from which a face is seen clearly."""
_VERY_CLEAR = 0.8
"""And from which all faces of its shot are believed: fish, hens and leaves reach 0.66."""

_LEAST_HEIGHT, _SMALL = 8, 20
"""Pixels from which a face is asked about, and below which it is a small one."""
_LARGEST = 0.3
"""Share of the picture: nothing of a person is seen around a larger face."""

_LOOKS = 3
_APART = 6
"""Frames from one look at a track to the next at least."""
_AT_FIRST = 12
"""Faces of a shot that are looked at before the others."""
TURNS = (0, 1, 2, 3)
"""Quarters by which the first look turns the picture; later ones do not."""

_USUAL, _BEFORE = 0.45, 2
"""The mean score of persons around true faces, and for how many such faces it counts before any is
looked at: a single face is doubted only where nothing at all is seen."""
_PEOPLED = 0.32
"""Mean of a shot from which people are there. In labelled clips means are 0.38 to 0.47, in clips
of fish, hens, birds, cows and leaves at most 0.27."""
_SMALL_PEOPLED = 0.24
"""The same of small faces: 0.28 to 0.5 where people are, before surveillance cameras, too, and
0.05 to 0.22 in clips of rain, leaves, cows and lights."""
_MARGIN = 0.04
"""By so much more the first faces alone must say so."""
_LEAST, _ABOVE, _MOST = 0.2, 0.1, 0.35
"""A face is believed in any shot if its own score, upright, is so much above the mean of the shot,
between these bounds: 4 of 143 true ones are below the lower one, but many fish above it."""
_TURNED = 0.15
"""In another turn it must be so much more."""
_IN_VEHICLE = 0.5
"""Or a vehicle's, once: who sits behind a windscreen is no person to the network of objects."""
_IN_SMALL_VEHICLE = 0.3
"""The same of small faces, whose vehicles are far away."""
_NOTHING = 0.15
"""And one that is seen clearly, if it is that much in any turn: of 200 such true ones the lowest
has 0.26."""

_WEAK = 0.5
"""Score of a still's face below which it is asked about."""
NO_FACE, _NOBODY = 0.1, 0.2
"""It is nobody's where another network sees less of a face, and the network of objects less of a
person: of 274 weak true faces none is below both, of 358 in pictures without people 179 are."""
_MOST_ASKED = 100
"""Faces of a still that are asked about, the largest first: leaves and gravel can have hundreds."""

NO_PERSON = "no person where it was detected"


@dataclass(frozen=True, slots=True)
class Look:
    """Where a person should be seen if a track is one's face.

    Args:
        frame: The frame's index.
        track: The track's id.
        box: Of the face, in pixels of the upright picture.
        turns: Quarters by which the picture is turned.
    """

    frame: int
    track: int
    box: Box
    turns: tuple[int, ...]


class FaceDoubts:
    """Which faces of a video belong to nobody: says where to look, and is told what is seen.

    Args:
        tracks: Of all kinds.
        size: Of the upright picture.
        cuts: Indices of frames that begin a new shot, ascending.
        brief: Whether a track was there too briefly to be judged; such a one is believed.
    """

    def __init__(
        self,
        tracks: Sequence[Track],
        size: Size,
        cuts: Sequence[int],
        brief: Callable[[Track], bool] | None = None,
    ) -> None:
        shots: defaultdict[int, list[Track]] = defaultdict(list)
        for track in tracks:
            if track.kind is Kind.FACE and not track.uncertain:
                shots[shot_of(track, cuts)].append(track)
        believed = brief or (lambda _: False)
        every = (_groups_of(faces, size, believed) for faces in shots.values())
        self._groups = [group for groups in every for group in groups if group.doubtful]
        self._scores: defaultdict[int, list[dict[int, float]]] = defaultdict(list)
        self._vehicles: defaultdict[int, list[float]] = defaultdict(list)
        self._on_animals: set[int] = set()

    def rounds(self) -> Iterator[list[Look]]:
        """The looks of each round, in order of frames; what they show is told before the next.

        The first is at some faces of each shot; where they show people, nobody looks again.
        """
        yield from _looks_of([face for group in self._groups for face in group.first], 0)
        left = [one for one in self._groups if self._pooled(one) < one.peopled + _MARGIN]
        yield from _looks_of([face for group in left for face in group.others], 0)
        for number in range(1, _LOOKS):
            left = [group for group in left if self._is_deserted(group)]
            yield from _looks_of([face for group in left for face in group.looks], number)

    def tell(
        self, look: Look, persons: Sequence[float], vehicle: float, on_animal: bool = False
    ) -> None:
        """How surely a person is seen there, in each of the look's turns, and what else."""
        self._scores[look.track].append(dict(zip(look.turns, persons, strict=True)))
        self._vehicles[look.track].append(vehicle)
        if on_animal:
            self._on_animals.add(look.track)

    def without_person(self) -> set[int]:
        """Ids of the tracks that belong to nobody."""
        found: set[int] = set()
        for group in filter(self._is_deserted, self._groups):
            told = self._told(group)
            others = [self._mean(id, 0) for id in told if id not in self._on_animals]
            usual = mean(others or [0.0])
            needed = min(max(usual + _ABOVE, _LEAST), _MOST)
            doubtful = [(id, group.doubtful[id]) for id in told if id in group.doubtful]
            found |= {
                id for id, best in doubtful if not self._has_somebody(id, best, needed, group)
            }
        return found

    def _is_deserted(self, group: _Group) -> bool:
        if group.larger is not None and not self._is_deserted(group.larger):
            return False
        return self._pooled(group) < group.peopled

    def _pooled(self, group: _Group) -> float:
        """The mean score of a group's faces, in the turn in which it is highest."""
        told = self._told(group)
        before = [_USUAL] * (_BEFORE + group.unasked)
        return max(mean([*before, *(self._mean(id, turn) for id in told)]) for turn in TURNS)

    def _told(self, group: _Group) -> list[int]:
        """Ids of the faces at which the look was made that turns the picture."""
        ids = (looks[0].track for looks in group.looks)
        return [i for i in ids if any(len(seen) == len(TURNS) for seen in self._scores[i])]

    def _has_somebody(self, id: int, best: float, needed: float, group: _Group) -> bool:
        if id not in self._on_animals and max(self._vehicles[id]) >= group.in_vehicle:
            return True
        surest = max(self._mean(id, turn) for turn in TURNS)
        if best >= _CLEAR:
            return surest >= _NOTHING
        return surest >= needed + _TURNED or self._mean(id, 0) >= needed

    def _mean(self, id: int, turn: int) -> float:
        return mean(scores[turn] for scores in self._scores[id] if turn in scores)


@dataclass(frozen=True, slots=True)
class _Group:
    """The small faces of a shot, or the others; none in the shot is very clear.

    Args:
        looks: Of each face that can be asked about.
        doubtful: The best scores of those that are doubted if nobody is there, by their ids.
        unasked: How many faces of the shot are clear, but are not asked about with these.
        peopled: The mean score from which people are there.
        in_vehicle: A vehicle's score from which somebody may sit in it.
        larger: Of small faces the other ones of their shot, if it has any.
    """

    looks: Sequence[Sequence[Look]]
    doubtful: Mapping[int, float]
    unasked: int
    peopled: float = _PEOPLED
    in_vehicle: float = _IN_VEHICLE
    larger: _Group | None = None

    @property
    def first(self) -> Sequence[Sequence[Look]]:
        """The looks of those faces that are looked at before the others: spread over the shot."""
        return self.looks[:: self._step]

    @property
    def others(self) -> Sequence[Sequence[Look]]:
        """The looks of the other faces."""
        return [looks for number, looks in enumerate(self.looks) if number % self._step]

    @property
    def _step(self) -> int:
        return max(1, len(self.looks) // _AT_FIRST)


def _groups_of(
    faces: Sequence[Track], size: Size, brief: Callable[[Track], bool]
) -> tuple[_Group, ...]:
    """The faces of a shot that can be asked about: small ones, and the others."""
    best = {track.id: max(s.score for s in track.sightings) for track in faces}
    if max(best.values()) >= _VERY_CLEAR:
        return ()
    looks = {track.id: _looks_at(track, size) for track in faces}

    def group(small: bool) -> _Group:
        ours = [t for t in faces if looks[t.id] and _is_small(looks[t.id]) is small]
        ids = {track.id for track in ours}
        doubtful = {track.id: best[track.id] for track in ours if not brief(track)}
        unasked = sum(best[track.id] >= _CLEAR and track.id not in ids for track in faces)
        return _Group([looks[track.id] for track in ours], doubtful, unasked)

    large, small = group(False), group(True)
    beside = large if large.looks else None
    return large, replace(
        small, peopled=_SMALL_PEOPLED, in_vehicle=_IN_SMALL_VEHICLE, larger=beside
    )


def _is_small(looks: Sequence[Look]) -> bool:
    return max(look.box.height for look in looks) < _SMALL


def _looks_of(faces: Iterable[Sequence[Look]], number: int) -> Iterator[list[Look]]:
    """The look of that number at each face, in order of frames; nothing if there is none."""
    looks = [looks[number] for looks in faces if len(looks) > number]
    if looks:
        yield sorted(looks, key=lambda look: (look.frame, look.track))


def _looks_at(track: Track, size: Size) -> list[Look]:
    """Where the track is seen best; none if it cannot be asked about."""
    best = _best_apart([s for s in track.sightings if s.score > 0])
    heights, areas = [s.box.height for s in best], [s.box.width * s.box.height for s in best]
    if not best or max(heights) < _LEAST_HEIGHT or max(areas) > _LARGEST * size.width * size.height:
        return []
    turns = [TURNS] + [(0,)] * _LOOKS
    return [Look(s.frame, track.id, s.box, t) for s, t in zip(best, turns, strict=False)]


def _best_apart(detected: list[Sighting]) -> list[Sighting]:
    """The sightings with the best scores, some frames apart from each other."""
    found: list[Sighting] = []
    for one in sorted(detected, key=lambda s: -s.score):
        if all(abs(one.frame - other.frame) >= _APART for other in found):
            found.append(one)
        if len(found) == _LOOKS:
            break
    return found


def weak_faces(tracks: Iterable[Track]) -> list[Track]:
    """The faces of a still that are asked about, each by itself: there is but one view of all."""
    weak = [t for t in tracks if t.kind is Kind.FACE and not t.uncertain and _is_weak(t)]
    return sorted(weak, key=lambda t: -t.sightings[0].box.area)[:_MOST_ASKED]


def has_somebody(persons: Sequence[float], vehicle: float) -> bool:
    """Whether a look at a weak face of a still speaks for it.

    Args:
        persons: How surely a person is seen there, in each of the look's turns.
        vehicle: How surely a vehicle is.
    """
    return max(persons) >= _NOBODY or vehicle >= _IN_VEHICLE


def _is_weak(track: Track) -> bool:
    return max(s.score for s in track.sightings) < _WEAK


def doubt_faces(tracks: Iterable[Track], without_person: Collection[int]) -> tuple[Track, ...]:
    """The tracks, with `uncertain` and `doubt` set on faces that belong to nobody.

    Args:
        tracks: Of all kinds.
        without_person: Ids of those.
    """
    return tuple(
        replace(track, uncertain=True, doubt=NO_PERSON) if track.id in without_person else track
        for track in tracks
    )
