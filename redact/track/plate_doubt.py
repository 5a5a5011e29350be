"""Which tracks of plates are doubted, and why: letters and lamps look like plates, too.

A plate on a vehicle is believed easily; one elsewhere if it is clear, of a plate's shape, belongs
to its surroundings, and is no part of a screen or a face. What is not known speaks for the plate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from statistics import median

from redact.core.cuts import shot_at, shot_of
from redact.core.findings import Kind, ObjectDetection, Sighting, Track
from redact.core.frames import Grey
from redact.core.geometry import Box
from redact.core.interfaces import PlateContext
from redact.track.plate_patches import is_caption, is_drawn, is_emblem

_TWO_LINES = frozenset({"motorcycle", "bus", "truck"})
"""On these, plates are often nearly square; on cars, wheels are."""
SCREENS = frozenset({"tv", "laptop", "cell phone"})

_VEHICLE_SCORES = {"motorcycle": 0.15, "car": 0.25, "bus": 0.25, "truck": 0.25}
"""Score from which a vehicle is one. At 0.1 vehicles hold 97 of 100 plates, but much else, too."""
_SURE_VEHICLE = 0.5
"""Score of a vehicle from which a plate on it needs no good score of its own."""
_VEHICLE_MARGIN = 0.1
"""Share of a vehicle's box by which it is grown."""
_WIDTHS = (0.03, 1.1)
_LEAST_DOWN = 0.15
"""Plates' widths in those of their vehicles, and how far down they are on it: measured ones lie
within 0.06 to 1.06, and from 0.2 down."""
_SCREEN_SCORE = 0.35
_NEAR = 0.5
"""Seconds between a plate's sighting and the objects of a frame in which it was not seen."""

_ON_VEHICLE = 0.40
"""Least median, over a track, of scores at several scales, for a plate on a vehicle: 99 of 100
pictures of plates reach it."""
_ONCE = 0.55
"""Or the least of the best such score: a plate that is far or blurred for long is clear once."""
_OFTEN, _SURE, _NOT_UNLIKE = 4, 0.85, 0.3
"""Or it was detected so many times, once with such a score, and scores so much at several scales:
plates run over into white in the sun, and few letters are left to tell them by."""
_ELSEWHERE = 0.56
"""The least median elsewhere: 18 of 19 plates reach it."""
_LIKE, _LIKE_SQUARE, _ONCE_ON_MOTORCYCLE = 0.55, 0.85, 0.45
"""On what is surely a vehicle it is believed in any case if the classifier is so sure (median):
wheels reach 0.75; on a motorcycle, where plates are painted by hand, if it is so once."""
_LIKELY_VEHICLE, _LIKE_ON_LIKELY = 0.35, 0.75
"""And on what scores so much as a vehicle, if it is so sure."""
_UNLIKE, _UNLIKE_ELSEWHERE = 0.15, 0.3
"""And doubted below these medians of the classifier: elsewhere always, none of 254 plates is below;
on a vehicle where neither its score is that of a clear plate nor was it detected often."""
_UNLIKE_ON_WEAK, _UNLIKE_UNCLEAR = 0.4, 0.75
"""The same on what is hardly a vehicle, and elsewhere of what is not very clear: signs, papers and
race numbers are below, and six of 194 near plates."""
_SQUARE = 1.3
_SQUARE_ON_VEHICLE, _SQUARE_ELSEWHERE = 0.55, 0.76
"""What is narrower than that many heights must have these medians: wheels, windows, emblems do not.
Only motorcycles, buses and lorries have plates in two lines as a rule."""
_SURELY_LIKE, _SQUARE_SURELY = 0.95, 0.65
"""Elsewhere the second is enough where the classifier is so sure."""
_STILL, _STILL_SQUARE = 0.2, 0.3
_STILL_ELSEWHERE, _STILL_SQUARE_ELSEWHERE = 0.4, 0.5
"""The same of a still picture, of which there is one view: of 787 plates that are found in stills
none is below, of 227 that fill half of the picture's width one; of 444 false ones 329 are."""
_DRAWN = 0.76
"""What a program seems to have drawn must have this median."""
_SHAPES = (0.7, 7.0)
"""Plates' widths in heights."""

_PATCHES = 8
"""Of a track, compared with as many of another shot's: what moves behind an emblem differs."""
_SAME_PLACE = 0.75
"""Intersection over union of two boxes from which they are at the same place."""


_ON_VEHICLE_DOUBT = "it is on a vehicle, but no plate at other sizes"
_ELSEWHERE_DOUBT = "no vehicle is there, and it is not clearly a plate"
_DRAWN_DOUBT = "no vehicle is clearly there, and it looks like part of a screen's picture"


def doubt_plates(
    tracks: Sequence[Track],
    contexts: Sequence[PlateContext],
    cuts: Sequence[int],
    *,
    still: bool = False,
) -> tuple[Track, ...]:
    """The tracks, with `uncertain` and `doubt` set on plates that nothing speaks for.

    A plate that was uncertain for its score alone is so no longer where much speaks for it.

    Args:
        tracks: Of all kinds, in pixels of the upright picture.
        contexts: Of frames with plates, in order.
        cuts: Indices of frames that begin a new shot, ascending.
        still: Whether it is a still picture.
    """
    faces = [t for t in tracks if t.kind is Kind.FACE and not t.uncertain]
    plates = [_Evidence(t, contexts, cuts) for t in tracks if t.kind is Kind.PLATE]

    def judge(known: _Evidence) -> Track:
        track = known.track
        if track.uncertain:
            return replace(track, uncertain=False) if _is_plate_on_vehicle(known) else track
        others = [e for e in plates if not e.track.uncertain and e.shot != known.shot]
        doubt = _doubt_in_still(known) if still else _doubt(known, faces, others)
        return replace(track, uncertain=True, doubt=doubt) if doubt else track

    judged = {known.track.id: judge(known) for known in plates}
    return tuple(judged.get(track.id, track) for track in tracks)


class _Evidence:
    """What is known about one track of a plate."""

    def __init__(self, track: Track, contexts: Sequence[PlateContext], cuts: Sequence[int]) -> None:
        self.shot = shot = shot_of(track, cuts)
        start, end = track.sightings[0].time, track.sightings[-1].time
        self._contexts = [
            c
            for c in contexts
            if start - _NEAR <= c.time <= end + _NEAR and shot_at(c.frame, cuts) == shot
        ]
        self.track = track
        self.seen = {s.frame: s for s in track.sightings if s.score > 0}
        scored = [(c, self.seen[c.frame].box) for c in self._contexts if c.frame in self.seen]
        scored = [(c, box) for c, box in scored if box in c.scores]
        self.scores = [c.scores[box] for c, box in scored]
        self.usual = median(self.scores or [0.0])
        looks = [c.looks[box] for c, box in scored] or [0.0]
        self.look, self.best_look = median(looks), max(looks)
        self.patches = [c.patches[box] for c, box in scored]
        self.shape = median(s.box.width / max(s.box.height, 1.0) for s in self.seen.values())

    def is_clear(self, vehicle: ObjectDetection | None) -> bool:
        """Whether it is clear enough for a plate on that vehicle, or on one that may be there."""
        best = max(self.scores)
        if self.is_square(vehicle):
            return self.usual >= _SQUARE_ON_VEHICLE
        weak = vehicle is not None and not _is_sure(vehicle)
        if weak and self.look < _UNLIKE_ON_WEAK and self.usual < _ONCE:
            return False
        detections = self.seen.values()
        often = len(detections) >= _OFTEN and max(s.score for s in detections) >= _SURE
        if often and best >= _NOT_UNLIKE:
            return True
        return not self.is_unlike and (self.usual >= _ON_VEHICLE or best >= _ONCE)

    @property
    def is_unlike(self) -> bool:
        """Whether the classifier calls it none, and no score at several scales is against that."""
        return self.look < _UNLIKE and self.usual < _ONCE

    def is_like_plate_on(self, vehicle: ObjectDetection) -> bool:
        """Whether the classifier is sure of it, and the vehicle is one."""
        sure = _is_sure(vehicle)
        if sure and vehicle.name == "motorcycle" and self.best_look >= _ONCE_ON_MOTORCYCLE:
            return True
        needed = _LIKE if sure else _LIKE_ON_LIKELY
        if self.is_square(vehicle):
            needed = _LIKE_SQUARE
        return vehicle.score >= _LIKELY_VEHICLE and self.look >= needed

    def is_square(self, vehicle: ObjectDetection | None) -> bool:
        """Whether it is too narrow for a plate in one line, where two lines are not usual."""
        return self.shape < _SQUARE and (vehicle is None or vehicle.name not in _TWO_LINES)

    def objects(self) -> Iterator[tuple[Box, Sequence[ObjectDetection]]]:
        """The plate's box and the objects, at each time at which objects were looked for."""
        for context in self._contexts:
            if context.objects is not None:
                nearest = min(self.track.sightings, key=lambda s: abs(s.time - context.time))
                if abs(nearest.time - context.time) <= _NEAR:
                    yield nearest.box, context.objects


def _doubt_in_still(known: _Evidence) -> str:
    """Why a track of a still picture is doubted; empty if it is believed."""
    looked = list(known.objects())
    if not known.scores or not looked:
        return ""
    surest = _surest_vehicle(looked)
    square, score = known.is_square(surest), known.usual
    if _is_drawn_without_vehicle(known, surest):
        return _DRAWN_DOUBT
    if surest is not None:
        clear = score >= (_STILL_SQUARE if square else _STILL) and not known.is_unlike
        return "" if clear or known.is_like_plate_on(surest) else _ON_VEHICLE_DOUBT
    needed = _STILL_SQUARE_ELSEWHERE if square else _STILL_ELSEWHERE
    return _ELSEWHERE_DOUBT if score < needed or known.look < _UNLIKE_ELSEWHERE else ""


def _doubt(known: _Evidence, faces: Sequence[Track], others: Sequence[_Evidence]) -> str:
    """Why a track is doubted; empty if it is believed.

    Args:
        known: What is known about it.
        faces: Tracks of faces.
        others: The same of plates in other shots.
    """
    if not known.scores:
        return ""
    looked = list(known.objects())
    surest = _surest_vehicle(looked)
    if looked and _is_drawn_without_vehicle(known, surest):
        return _DRAWN_DOUBT
    if surest is not None and known.is_like_plate_on(surest):
        return ""
    if surest is not None or not looked:
        return "" if known.is_clear(surest) else _ON_VEHICLE_DOUBT
    if not _is_clear_elsewhere(known):
        return _ELSEWHERE_DOUBT
    if not _SHAPES[0] <= known.shape <= _SHAPES[1]:
        return "no vehicle is there, and no plate has this shape"
    if all(any(_is_in_screen(box, o) for o in found) for box, found in looked):
        return "it is part of a screen"
    if _is_in_face(known, faces):
        return "it is part of a face"
    if is_caption(known.patches) or _stays_through_cuts(known, others):
        return "it is fixed in the picture while the scene changes"
    return ""


def _is_clear_elsewhere(known: _Evidence) -> bool:
    """Whether it is clear enough for a plate that is on no vehicle."""
    usual, look = known.usual, known.look
    if look < (_UNLIKE_ELSEWHERE if usual >= _SQUARE_ELSEWHERE else _UNLIKE_UNCLEAR):
        return False
    if known.is_square(None):
        return usual >= (_SQUARE_SURELY if look >= _SURELY_LIKE else _SQUARE_ELSEWHERE)
    return usual >= _ELSEWHERE


def _is_plate_on_vehicle(known: _Evidence) -> bool:
    """Whether a track that never had a good score is a plate all the same.

    A car that drives by is in few frames, in one or two of which it is looked at.
    """
    surest = _surest_vehicle(known.objects())
    return bool(known.scores) and _is_sure(surest) and known.is_clear(surest)


def _surest_vehicle(
    looked: Iterable[tuple[Box, Sequence[ObjectDetection]]],
) -> ObjectDetection | None:
    """The vehicle that a plate is on; None if it is on none."""
    vehicles = (o for box, found in looked for o in found if _is_on(box, o))
    return max(vehicles, key=lambda o: o.score, default=None)


def _is_sure(vehicle: ObjectDetection | None) -> bool:
    return vehicle is not None and vehicle.score >= _SURE_VEHICLE


def _is_on(box: Box, thing: ObjectDetection) -> bool:
    """Whether a plate's box is on a vehicle, of a plausible size and at a plausible place."""
    if thing.score < _VEHICLE_SCORES.get(thing.name, 2):
        return False
    width = box.width / max(thing.box.width, 1.0)
    down = (box.centre[1] - thing.box.top) / max(thing.box.height, 1.0)
    inside = thing.box.grown(_VEHICLE_MARGIN).holds_middle(box)
    return inside and _WIDTHS[0] <= width <= _WIDTHS[1] and down >= _LEAST_DOWN


def _is_in_screen(box: Box, thing: ObjectDetection) -> bool:
    return thing.name in SCREENS and thing.score >= _SCREEN_SCORE and thing.box.holds_middle(box)


def _is_in_face(known: _Evidence, faces: Sequence[Track]) -> bool:
    """Whether a face holds it in most frames in which it was detected."""
    held = 0
    for face in faces:
        held += sum(s.frame in known.seen and _face_holds(s, known.seen) for s in face.sightings)
    return held > len(known.seen) / 2


def _face_holds(face: Sighting, plates: dict[int, Sighting]) -> bool:
    return face.box.holds_middle(plates[face.frame].box)


def _is_drawn_without_vehicle(known: _Evidence, surest: ObjectDetection | None) -> bool:
    return not _is_sure(surest) and known.usual < _DRAWN and is_drawn(known.patches)


def _stays_through_cuts(known: _Evidence, others: Sequence[_Evidence]) -> bool:
    """Whether another shot shows it at the same place amid other things, as stations' emblems are.

    Another plate may be there, too, as where each is filmed in turn; or the same one, before the
    same wall, where a shot goes on after a cut.
    """
    place = _middle_box(known.track)
    return any(
        place.iou(_middle_box(other.track)) >= _SAME_PLACE
        and any(is_emblem(*pair) for pair in product(_some(known), _some(other)))
        for other in others
    )


def _some(known: _Evidence) -> Sequence[Grey]:
    """A few patches of a track, spread over it."""
    return known.patches[:: max(1, len(known.patches) // _PATCHES)]


def _middle_box(track: Track) -> Box:
    return track.sightings[len(track.sightings) // 2].box
