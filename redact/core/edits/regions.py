"""The regions of each frame: what tracks and a person's edits hide in it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from redact.core.coverage import Cover, Coverage, Hidden
from redact.core.cuts import shot_at, shot_of
from redact.core.edits.checks import path_points, path_span, refuse, spoken
from redact.core.edits.things import Thing, Things, is_ever_hidden, is_hidden
from redact.core.edits.values import HidePath, Key, Outline
from redact.core.findings import Track
from redact.core.geometry import Box, Region
from redact.core.recipe import Recipe
from redact.core.smoothing import smooth


class HiddenTracks:
    """What tracks hide, frame by frame, once a person has decided.

    Args:
        things: All tracks, and what was decided about them.
        cuts: Indices of frames that begin a new shot, ascending.
        recipe: How far hiding reaches, and whether uncertain tracks are hidden.
        near: If given, only what matters to the frame at that time in seconds is prepared.
    """

    def __init__(
        self, things: Things, cuts: Sequence[int], recipe: Recipe, near: Fraction | None = None
    ) -> None:
        self._things = things
        self._uncertain = recipe.uncertain
        coverage = recipe.coverage
        tracks = list(_tracks_near(things, coverage, near))
        ever = [t for t in tracks if any(self._ever_hidden(part) for part in things.parts(t))]
        self._whole = Cover(ever, cuts, coverage)
        divided = [part for t in ever if t.id in things.divisions for part in things.parts(t)]
        runs = (run for part in divided if self._ever_hidden(part) for run in things.runs(part))
        self._parts = Cover(runs, cuts, coverage)
        self._corrected = corrected_paths(tracks, things, cuts, coverage)

    def regions(self, index: int, time: Fraction) -> Iterator[tuple[Thing, Region]]:
        """The regions at a frame, and whose they are; frames must be asked in ascending order."""
        for hidden in self._whole.hidden(index, time):
            owner = self._things.owner(hidden.track, time)
            yield from self._unless_shown(owner, hidden.region, time)
        for hidden in self._parts.hidden(index, time):
            part = self._things.by_id[hidden.track.id]  # its holds, where another part begins
            if part.track is not None and self._things.owner(part.track, time) is not part:
                yield from self._unless_shown(part, hidden.region, time)
        for path in self._corrected:
            region = path.region(index, time)
            if region is not None:
                yield path.thing, replace(region, style=path.thing.style)

    def _ever_hidden(self, thing: Thing) -> bool:
        return is_ever_hidden(thing, self._uncertain)

    def _unless_shown(
        self, thing: Thing, region: Region, time: Fraction
    ) -> Iterator[tuple[Thing, Region]]:
        if is_hidden(thing, time, self._uncertain):
            yield thing, replace(region, style=thing.style) if thing.style else region


def _tracks_near(things: Things, coverage: Coverage, time: Fraction | None) -> Iterator[Track]:
    """Whole tracks, or only those that may hide something at that time."""
    tracks = (t.track for t in things.by_id.values() if t.track and t.track.id == t.id)
    if time is None:
        yield from tracks
        return
    soon, ago = time + Fraction(coverage.longest_before), time - Fraction(coverage.longest_after)
    for track in tracks:
        if track.sightings[0].time <= soon and track.sightings[-1].time >= ago:
            yield track


class CorrectedPath:
    """Where a track is by a person's corrections, which its neighbours follow.

    Args:
        thing: With one correction at least.
        things: All of them.
        cuts: Indices of frames that begin a new shot, ascending.
        coverage: The margin, and for how long the ends are held.
    """

    def __init__(
        self, thing: Thing, things: Things, cuts: Sequence[int], coverage: Coverage
    ) -> None:
        assert thing.track is not None
        self.thing = thing
        self._things = things
        self._track = thing.track
        self._number = max(number for number, _ in thing.corrections)
        self._coverage = coverage
        self._cuts = cuts
        self._shot = shot_of(thing.track, cuts)
        owned = {s.frame for s in things.sightings(thing)}
        path = smooth(thing.track)
        said = {c.time: c.box for _, c in thing.corrections}
        # Of the whole track, so that no gap opens where it is divided: that reveals nothing.
        self._whole = _corrected([Key(s.time, s.box) for s in path], said)
        times = {s.time for s in path if s.frame in owned}
        times |= {time for time in said if things.owner(thing.track, time) is thing}
        self._own = [point for point in self._whole if point.time in times]

    def region(self, index: int, time: Fraction) -> Region | None:
        """What is hidden in a frame, unless it was shown after the last correction."""
        choice = self.thing.choice_at(time)
        shown = choice is not None and not choice.hide and choice.number > self._number
        owned = self._things.owner(self._track, time) is self.thing
        points = self._whole if owned else self._own  # beyond what is its own it is held
        if shown or not points or shot_at(index, self._cuts) != self._shot:
            return None
        rule = self._coverage.rule(self._track.kind)
        start = points[0].time - Fraction(rule.before)
        end = points[-1].time + Fraction(rule.after)
        if not start <= time <= end:
            return None
        return self._coverage.region(self._track.kind, box_at(points, time))


def corrected_paths(
    tracks: Iterable[Track], things: Things, cuts: Sequence[int], coverage: Coverage
) -> list[CorrectedPath]:
    """The paths of all parts of some tracks that were corrected."""
    parts = (part for track in tracks for part in things.parts(track))
    return [CorrectedPath(p, things, cuts, coverage) for p in parts if p.corrections]


def _corrected(seen: Sequence[Key], said: dict[Fraction, Box]) -> list[Key]:
    """The sightings moved by what was said at some times, and these."""
    times = sorted(said)
    moves = [_difference(said[time], box_at(seen, time)) for time in times]
    moved = {s.time: Key(s.time, _moved(s.box, _move_at(times, moves, s.time))) for s in seen}
    hard = {time: Key(time, box) for time, box in said.items()}
    return [point for _, point in sorted((moved | hard).items())]


_Move = tuple[float, float, float, float]


def _difference(box: Box, other: Box) -> _Move:
    return (
        box.left - other.left,
        box.top - other.top,
        box.right - other.right,
        box.bottom - other.bottom,
    )


def _move_at(times: Sequence[Fraction], moves: Sequence[_Move], time: Fraction) -> _Move:
    """The move at a time: between two it changes evenly, beyond the ends it stays."""
    place = bisect_right(times, time)
    if place == 0:
        return moves[0]
    if place == len(times):
        return moves[-1]
    share = float((time - times[place - 1]) / (times[place] - times[place - 1]))
    one, other = moves[place - 1], moves[place]
    left, top, right, bottom = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return left, top, right, bottom


def _moved(box: Box, move: _Move) -> Box:
    across = sorted((box.left + move[0], box.right + move[2]))
    down = sorted((box.top + move[1], box.bottom + move[3]))
    return Box(across[0], down[0], across[1], down[1])


def box_at(points: Sequence[Key], time: Fraction) -> Box:
    """The box at a time: in a straight line between two points, beyond the ends as there."""
    place = bisect_right(points, time, key=lambda point: point.time)
    if place == 0:
        return points[0].box
    last = points[place - 1]
    if place == len(points) or last.time == time:
        return last.box
    coming = points[place]
    return last.box.towards(coming.box, float((time - last.time) / (coming.time - last.time)))


class DrawnRegions:
    """What drawn regions hide in each frame, with an eye on edits that hide nothing.

    Args:
        things: With the drawn regions, and what was decided about them.
        frames: How many frames there are.
    """

    def __init__(self, things: Things, frames: int) -> None:
        self._drawn = [(thing, Drawing(thing, things)) for thing in things.regions.values()]
        self._unused = {thing.id: drawing for thing, drawing in self._drawn}
        self._frames = frames
        self._asked = 0

    def regions(self, time: Fraction) -> list[tuple[Thing, Region]]:
        """The regions at that time, in seconds, and whose they are; to be asked for every frame.

        Raises:
            PlanError: All frames were asked, and an edit hid nothing in any of them: only now is
                it known that its times lie between those of two frames.
        """
        found = []
        for thing, drawing in self._drawn:
            region = drawing.region(time)
            if region is None:
                continue
            self._unused.pop(thing.id, None)
            if is_hidden(thing, time, "hide"):
                found.append((thing, region))
        self._asked += 1
        if self._asked == self._frames:
            for number, drawing in self._unused.items():
                refuse(number, f"there is no frame {drawing.span()}, so it hides nothing")
        return found


class Drawing:
    """Where one drawn region is.

    Args:
        thing: The region.
        things: All of them, which know how lenient spans are.
    """

    def __init__(self, thing: Thing, things: Things) -> None:
        edit = thing.drawn
        assert edit is not None
        if isinstance(edit, HidePath):
            self._points = path_points(edit)
            self._start, self._end = path_span(edit)
        else:
            self._points = [Key(Fraction(0), edit.box)]
            self._start, self._end = edit.start, edit.end
        self._begun, self._ended = things.reach(self._start, self._end)
        self._outline = edit.outline
        self._style = thing.style

    def box(self, time: Fraction) -> Box | None:
        """Its box at that time."""
        if self._begun is not None and time < self._begun:
            return None
        if self._ended is not None and time > self._ended:
            return None
        return box_at(self._points, time)

    def region(self, time: Fraction) -> Region | None:
        """The region at that time."""
        box = self.box(time)
        return None if box is None else outlined(box, self._outline, self._style)

    def span(self) -> str:
        """From when to when it hides."""
        if self._start is not None and self._end is not None:
            return f"between {spoken(self._start)} and {spoken(self._end)}"
        if self._start is not None:
            return f"from {spoken(self._start)} on"
        return "" if self._end is None else f"until {spoken(self._end)}"


def shown_regions(
    things: Things, cuts: Sequence[int], coverage: Coverage, index: int, time: Fraction
) -> list[Hidden]:
    """What a person decided to show in a frame: where it would be hidden.

    Args:
        things: All tracks, and what was decided about them.
        cuts: Indices of frames that begin a new shot, ascending.
        coverage: How far hiding reaches.
        index: Of the frame.
        time: Its time in seconds.
    """
    near = _tracks_near(things, coverage, time)
    chosen = [t for t in near if any(not c.hide for p in things.parts(t) for c in p.choices)]
    found = Cover(chosen, cuts, coverage).hidden(index, time)
    return [it for it in found if _is_shown(things.owner(it.track, time), time)]


def _is_shown(thing: Thing, time: Fraction) -> bool:
    choice = thing.choice_at(time)
    return choice is not None and not choice.hide


def outlined(box: Box, outline: Outline, style: str | None) -> Region:
    """The region of a box with that outline."""
    if outline == "ellipse":
        return Region(box, 1.0, style=style)
    corners = () if outline == "box" else outline
    assert not isinstance(corners, str)
    return Region(box, corners=corners, style=style)
