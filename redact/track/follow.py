"""Follows a box that a person drew, away from its frame, by the pictures alone.

The optical flow of the box, of its parts and of the whole picture says where it may be in the next
frame; of these places the one that looks most like what was drawn around is taken. Where none does,
the box coasts as fast as before, and is searched for. What is found again within the hold is joined
by a straight line; what is not is lost, and said to be.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from redact.core.findings import Sighting
from redact.core.geometry import Box
from redact.core.interfaces import OpticalFlow, View
from redact.errors import RedactError
from redact.track.drawn_template import FOUND, HELD, DrawnTemplate, candidates_around
from redact.track.tracker import move_boxes

_RENEW_AFTER = Fraction(1, 5)
"""Seconds after which the latest template is taken anew."""
_SPEED_TIME = Fraction(2, 5)
"""Seconds over which the speed is measured at which a box coasts."""
_COASTING_GROWTH = 0.4
"""Growth of a box that coasts on each side, in sides per second."""
_HELD_GROWTH = 0.05
"""Growth of a box that is held on each side, in sides per second."""
_MOST_GROWTH = 0.1
"""Growth of a box that is held on each side, in sides, at most."""
_FINE_SEARCHES = ((0.08, 5, (0.97, 1.0, 1.03)), (0.03, 5, (1.0,)))
"""Reach in sides, steps and scales of the searches around a place that the flow says."""
_WIDE_REACH = 0.3
"""How far around a box that coasts is searched, in sides, at first; three times as far at the
end of the hold."""
_WIDE_STEPS = 9
_LEAST_INSIDE = 0.3
"""Share of a box that must lie in the picture; with less it has left."""


class End(StrEnum):
    """Why following ended."""

    VIDEO = "video"
    """The video begins or ends there."""
    SHOT = "shot"
    """Another shot is beyond."""
    LEFT = "left"
    """It has left the picture."""
    LOST = "lost"
    """Nothing looks like it any more: a person is to look there."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Where following one way ended, and why.

    Args:
        why: The reason.
        frame: The last frame in which the box held what was drawn around. Sightings beyond it only
            coast.
    """

    why: End
    frame: int


def follow(
    box: Box, views: Iterable[View], flow: OpticalFlow, cuts: Collection[int], hold: float
) -> Iterator[Sighting | Ended]:
    """Follow a box through frames that come one after another, either way in time.

    Sightings come as soon as they are certain, in that order. Their score is 0, as no detector saw
    them. The last item says why it ended. Whoever has enough stops asking.

    Args:
        box: What was drawn, in pixels of the upright picture.
        views: First the frame that it was drawn in, then its neighbours in order, each the next
            or each the one before. No detections are needed.
        flow: Moves boxes.
        cuts: Indices of frames that begin a new shot. Nothing is followed across one.
        hold: Seconds for which it may be out of sight.
    """
    frames = iter(views)
    start = next(frames, None)
    if start is None:
        raise ValueError("there is no frame to follow it from")
    if not _is_inside(box, start):
        raise RedactError("the box lies outside of the picture")
    follower = _Follower(box, start, flow, hold)
    for view in frames:
        first, last = sorted((follower.view.index, view.index))
        if any(first < cut <= last for cut in cuts):
            yield from follower.finish(End.SHOT)
            return
        yield from follower.step(view)
        if follower.end is not None:
            yield from follower.finish(follower.end)
            return
    yield from follower.finish(End.VIDEO)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the box is in one frame.

    Args:
        index: The frame's index.
        time: The frame's time in seconds.
        box: In pixels of the upright picture.
        camera: How far the whole picture has moved since the start, across and down.
    """

    index: int
    time: Fraction
    box: Box
    camera: tuple[float, float]


class _Follower:
    """One box on its way."""

    def __init__(self, box: Box, view: View, flow: OpticalFlow, hold: float) -> None:
        self.view = view
        self.end: End | None = None
        self._flow = flow
        self._hold = hold
        self._template = DrawnTemplate(view, box)
        self._renewed = view.time
        self._camera = (0.0, 0.0)
        self._held = deque([_Place(view.index, view.time, box, self._camera)])
        self._coasted: list[_Place] = []
        self._growth = 0.0
        self._resembled = self._held[-1]

    def step(self, view: View) -> Iterator[Sighting]:
        """Go on to the next frame; gives the sightings that are certain now."""
        places = self._suggest(view)
        self.view = view
        found = self._search(view) if self._coasted else self._choose(places, view)
        if found is not None:
            yield from self._join(view, found)
            self._keep(view, found)
            yield Sighting(view.index, view.time, found.grown(self._growth), 0.0)
        else:
            self._coasted.append(self._place(view, self._predict(view)))
        if abs(view.time - self._resembled.time) > self._hold:
            self.end = End.LOST
        if not _is_inside(found or self._coasted[-1].box, view):
            self.end = End.LEFT

    def finish(self, why: End) -> Iterator[Sighting | Ended]:
        """What is left to say: the boxes that coasted, grown, and why it ended."""
        held = self._held[-1]
        for place in self._coasted:
            growth = self._growth + _COASTING_GROWTH * float(abs(place.time - held.time))
            yield Sighting(place.index, place.time, place.box.grown(growth), 0.0)
        yield Ended(why, self._resembled.index if why is End.LOST else held.index)

    def _place(self, view: View, box: Box) -> _Place:
        return _Place(view.index, view.time, box, self._camera)

    def _suggest(self, view: View) -> list[Box]:
        """Where it may be, by the flow of the box and its parts; notes where the camera turns."""
        box = self._held[-1].box
        parts = _parts(box)
        everything = Box(0, 0, view.size.width, view.size.height)
        turned, whole, *moved = move_boxes(self._flow, [everything, box, *parts], self.view, view)
        if turned.reliable:
            across, down = _shift(everything, turned.box)
            self._camera = (self._camera[0] + across, self._camera[1] + down)
        places = [box, self._predict(view)]
        places += [
            box.shifted(*_shift(part, there.box))
            for part, there in zip(parts, moved, strict=True)
            if there.reliable
        ]
        if whole.reliable:
            places.append(whole.box)
            sides = whole.box.width, whole.box.height
            places += [Box.around(*place.centre, *sides) for place in places]
        return places

    def _choose(self, places: Sequence[Box], view: View) -> Box | None:
        """The place that looks most like it, searched finely around; None if that is not enough."""
        width = self._held[-1].box.width
        best, likeness = self._template.best(view, places, width)
        for reach, steps, scales in _FINE_SEARCHES:
            around = [best, *candidates_around(best, reach, steps, scales)]
            best, likeness = self._template.best(view, around, width)
        return best if likeness >= HELD else None

    def _search(self, view: View) -> Box | None:
        """Where it comes back, searched widely around where it would be."""
        held = self._held[-1]
        gone = min(1.0, float(abs(view.time - held.time)) / max(self._hold, 1e-6))
        reach = _WIDE_REACH * (1 + 2 * gone)
        around = list(candidates_around(self._predict(view), reach, _WIDE_STEPS, (0.92, 1.0, 1.09)))
        best, _ = self._template.best(view, around, held.box.width)
        near = [best, *candidates_around(best, reach / (_WIDE_STEPS - 1), 5, (0.96, 1.0, 1.04))]
        best, likeness = self._template.best(view, near, held.box.width)
        return best if likeness >= FOUND else None

    def _predict(self, view: View) -> Box:
        """Where it is if it goes on as fast as before, as does the camera."""
        first, last = self._held[0], self._held[-1]
        share = 0.0
        if last.time != first.time:
            share = float((view.time - last.time) / (last.time - first.time))
        own = _shift(first.box, last.box)
        shifts = (
            now - then + (moved - (then - before)) * share
            for now, then, before, moved in zip(
                self._camera, last.camera, first.camera, own, strict=True
            )
        )
        return last.box.shifted(*shifts)

    def _join(self, view: View, box: Box) -> Iterator[Sighting]:
        """The boxes that coasted, now that it is known where they went: in a straight line."""
        held = self._held[-1]
        for place in self._coasted:
            share = float((place.time - held.time) / (view.time - held.time))
            away = float(min(abs(place.time - held.time), abs(view.time - place.time)))
            line = held.box.towards(box, share)
            yield Sighting(
                place.index,
                place.time,
                line.grown(self._growth + _COASTING_GROWTH * away).hull(place.box),
                0.0,
            )
        if self._coasted:
            self._coasted = []
            self._held.clear()

    def _keep(self, view: View, box: Box) -> None:
        """Take the box for certain."""
        seconds = float(abs(view.time - self._held[-1].time)) if self._held else 0.0
        self._growth = min(_MOST_GROWTH, self._growth + _HELD_GROWTH * seconds)
        self._held.append(self._place(view, box))
        while abs(view.time - self._held[0].time) > _SPEED_TIME and len(self._held) > 2:
            self._held.popleft()
        if self._template.still_resembles(view, box):
            self._resembled = self._held[-1]
        if abs(view.time - self._renewed) >= _RENEW_AFTER:
            self._template.renew(view, box)
            self._renewed = view.time


def _shift(before: Box, after: Box) -> tuple[float, float]:
    """How far a box's centre went, across and down."""
    (x, y), (to_x, to_y) = before.centre, after.centre
    return to_x - x, to_y - y


def _parts(box: Box) -> list[Box]:
    """Parts of a box's middle, which what was drawn around fills better than its corners."""
    x, y = box.centre
    return [
        Box.around(x + across * box.width, y + down * box.height, box.width / 3, box.height / 4)
        for across in (-0.15, 0.15)
        for down in (-0.3, -0.1, 0.1, 0.3)
    ]


def _is_inside(box: Box, view: View) -> bool:
    """Whether enough of the box lies in the picture."""
    picture = Box(0, 0, view.size.width, view.size.height)
    return box.area > 0 and box.overlap(picture) >= _LEAST_INSIDE * box.area
