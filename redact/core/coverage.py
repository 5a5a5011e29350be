"""From tracks to hidden regions: margin, bridge, hold before and hold after."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from redact.core.cuts import shot_at
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box, Region, Size
from redact.core.kinds import FURTHER_RULES, KINDS, Rule
from redact.core.smoothing import GLIDE, STEADY, smooth

OPENING = 1
"""Seconds after a track's first detection whose best detection gives its first template."""

_DOUBTFUL, _CLEAR = 0.6, 0.8
"""Scores up to which a face has its whole margin, and from which the least one."""

_CLEAR_MARGIN = 0.4
"""Share of the margin that a face keeps that is clearly seen."""

_HAIR = 0.05
"""Of the height of such a face, above it, before its margin is added."""

_NEARLY = 0.005
"""Of a box on each side: one that is so near its limit has reached it."""


def limit_growth(kind: Kind, box: Box, detected: Iterable[Box], room: Box | None = None) -> Box:
    """The box around the same centre, no larger than `KindFacts.growth` allows.

    Args:
        kind: What it holds.
        box: Where it is followed or held.
        detected: The boxes of the detections beside it in time, at least one.
        room: If given, it is also no larger than this, unless a detection is.
    """
    seen = list(detected)
    width, height = max(b.width for b in seen), max(b.height for b in seen)
    across = down = KINDS[kind].growth
    if room is not None:
        across = min(across, max(1.0, room.width / max(width, 1e-6)))
        down = min(down, max(1.0, room.height / max(height, 1e-6)))
    return box.within(across * width, down * height)


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far hiding reaches beyond the detected boxes.

    Args:
        pad: Margin on each side of a face, as a share of the box's width and height. One that is
            clearly seen keeps less of it: see `region`.
        plate_pad: The same for a number plate: for its frame, and for the detector's error.
        before: Hold before, in seconds: hidden before a track's first detection.
        after: Hold after, in seconds: hidden after a track's last detection.
        rules: Margin and holds of other kinds, and of faces or plates where they are to differ.
        bridge: Longest gap between two sightings, in seconds, that is filled with boxes between
            them.
        follow: Longest time, in seconds, that optical flow carries a box beyond its detections.
        drift: How much a box without a sighting grows on each side, in sides per second.
    """

    pad: float = 0.36
    plate_pad: float = 0.15
    before: float = 0.4
    after: float = 0.4
    bridge: float = 1.5
    follow: float = 1.5
    drift: float = 0.4
    rules: tuple[Rule, ...] = FURTHER_RULES

    def __post_init__(self) -> None:
        for name in ("pad", "plate_pad", "before", "after", "bridge", "follow", "drift"):
            if not 0 <= getattr(self, name) < 1000:
                raise ValueError(f"{name} must be 0 or more, not {getattr(self, name)}")
        known = {rule.kind for rule in self.rules}
        if len(known) != len(self.rules):
            raise ValueError("two rules are of one kind")
        missing = tuple(rule for rule in FURTHER_RULES if rule.kind not in known)
        object.__setattr__(self, "rules", (*self.rules, *missing))

    def rule(self, kind: Kind) -> Rule:
        """How far hiding reaches for one kind."""
        own = next((rule for rule in self.rules if rule.kind is kind), None)
        pad = self.plate_pad if kind is Kind.PLATE else self.pad
        return own or Rule(kind, None, pad, self.before, self.after, KINDS[kind].drawn)

    def with_rule(self, rule: Rule) -> Coverage:
        """The same with this rule for its kind."""
        others = (it for it in self.rules if it.kind is not rule.kind)
        return replace(self, rules=(*others, rule))

    def with_holds(self, before: float | None = None, after: float | None = None) -> Coverage:
        """The same with other holds for every kind."""
        rules = (
            replace(
                rule,
                before=rule.before if before is None else before,
                after=rule.after if after is None else after,
            )
            for rule in self.rules
        )
        return replace(
            self,
            before=self.before if before is None else before,
            after=self.after if after is None else after,
            rules=tuple(rules),
        )

    def region(self, kind: Kind, box: Box, score: float = 0.0) -> Region:
        """The box with its margin: rounded for a face, with corners for a plate's characters.

        Args:
            kind: What it holds.
            box: Where that is.
            score: Of the detections there, 0 for none. The box of a face that is clearly seen is
                exact, and needs little more than the hair above it.
        """
        rule = self.rule(kind)
        if rule.drawn == "plain":
            return Region(box.grown(rule.pad), text=True)
        if kind is not Kind.FACE:
            return replace(Region.holding(box, rule.pad), fill=rule.drawn == "fill")
        clear = min(1.0, max(0.0, (score - _DOUBTFUL) / (_CLEAR - _DOUBTFUL)))
        with_hair = Box(box.left, box.top - clear * _HAIR * box.height, box.right, box.bottom)
        hidden = Region.holding(with_hair, rule.pad * (1 - clear * (1 - _CLEAR_MARGIN)))
        return replace(hidden, fill=True) if rule.drawn == "fill" else hidden

    def room(self, kind: Kind, size: Size) -> Box:
        """The largest box whose region is no larger than a picture of that size."""
        pad = self.rule(kind).pad
        return Box(0, 0, size.width, size.height).grown(-pad / (1 + 2 * pad))

    def with_longer_holds(self, nth: int) -> Coverage:
        """The same with longer holds: what a check finds again where hiding ends is held longer.

        Args:
            nth: 1 for the holds as they are; each further one makes them four times as long.
        """
        times = 4 ** (nth - 1)
        rules = (replace(r, before=r.before * times, after=r.after * times) for r in self.rules)
        longer = replace(
            self, before=self.before * times, after=self.after * times, rules=tuple(rules)
        )
        return replace(longer, follow=max(self.follow, longer.longest_before, longer.longest_after))

    @property
    def longest_before(self) -> float:
        """The longest hold before a first detection, of any kind, in seconds."""
        return max(self.before, *(rule.before for rule in self.rules), 0)

    @property
    def longest_after(self) -> float:
        """The longest hold after a last detection, of any kind, in seconds."""
        return max(self.after, *(rule.after for rule in self.rules), 0)

    @property
    def reach(self) -> Fraction:
        """Seconds of the future that the decision on one frame depends on.

        A box that optical flow carries beyond a detection changes when the thing is detected again,
        and a box takes the size of neighbours that lie a little later. A track that begins later is
        followed back once its first second has given its first template.
        """
        longest = max(self.longest_before, self.longest_after, self.bridge, self.follow)
        return Fraction(longest) + OPENING + max(STEADY, GLIDE)


def is_lost(track: Track, coverage: Coverage, size: Size) -> bool:
    """Whether a track begins or ends in doubt: there its box has grown as far as it may.

    Args:
        track: In pixels of the upright picture.
        coverage: What it was followed with.
        size: Of that picture.
    """
    detected = [s for s in track.sightings if s.score > 0]
    room = coverage.room(track.kind, size)
    ends = zip(
        (track.sightings[0], track.sightings[-1]), (detected[:1], detected[-1:]), strict=True
    )
    for end, seen in ends:
        larger = end.box.grown(_NEARLY)
        if (
            seen
            and end.score == 0
            and larger != limit_growth(track.kind, larger, [seen[0].box], room)
        ):
            return True
    return False


@dataclass(frozen=True, slots=True)
class Hidden:
    """One region of one frame, and the track that it belongs to."""

    track: Track
    region: Region


class Cover:
    """The regions that a set of tracks hides, asked frame by frame.

    Args:
        tracks: Each within one shot.
        cuts: Shot boundaries: indices of the frames that begin a new shot, ascending; nothing is
            held across them.
        coverage: How far hiding reaches.
    """

    def __init__(self, tracks: Iterable[Track], cuts: Sequence[int], coverage: Coverage) -> None:
        self._cuts = cuts
        self._coverage = coverage
        self._longest_before = Fraction(coverage.longest_before)
        self._longest_after = Fraction(coverage.longest_after)
        self._pending = sorted(tracks, key=lambda t: t.sightings[0].time, reverse=True)
        self._active: list[_Span] = []

    def hidden(self, index: int, time: Fraction) -> list[Hidden]:
        """The regions of that frame; frames must be asked in ascending order."""
        soon = time + self._longest_before  # a first sighting is never after a detection
        while self._pending and self._pending[-1].sightings[0].time <= soon:
            track = self._pending.pop()
            if time <= track.sightings[-1].time + self._longest_after:  # else it is over already
                self._active.append(_Span(track, self._coverage, self._cuts))
        self._active = [span for span in self._active if not span.is_over(time)]
        found = ((span, span.box(index, time)) for span in self._active)
        region = self._coverage.region
        return [
            Hidden(span.track, region(span.track.kind, box, span.score(time)))
            for span, box in found
            if box is not None
        ]


class _Span:
    """One track's boxes over time, walked forwards."""

    def __init__(self, track: Track, coverage: Coverage, cuts: Sequence[int]) -> None:
        self.track = track
        self._sightings = smooth(track)
        self._own = track.sightings if KINDS[track.kind].glides else None
        self._detected = [s for s in track.sightings if s.score > 0] or [track.sightings[0]]
        self._times = [s.time for s in self._detected]
        self._first, self._last = self._times[0], self._times[-1]
        self._coverage = coverage
        self._rule = coverage.rule(track.kind)
        self._cuts = cuts
        self._next = 0

    def is_over(self, time: Fraction) -> bool:
        return time > max(self._sightings[-1].time, self._last + Fraction(self._rule.after))

    def box(self, index: int, time: Fraction) -> Box | None:
        """The box that is to be hidden in that frame, before its margin is added."""
        while self._next < len(self._sightings) and self._sightings[self._next].frame <= index:
            self._next += 1
        box = self._box_by(self._sightings, index, time)
        own = self._own and self._box_by(self._own, index, time)
        return box.hull(own) if box and own else box  # where it glides, limits may cut it off

    def _box_by(self, sightings: Sequence[Sighting], index: int, time: Fraction) -> Box | None:
        """The box by these sightings, the next of which is known."""
        last = sightings[self._next - 1] if self._next else None
        coming = sightings[self._next] if self._next < len(sightings) else None
        if last is not None and last.frame == index:
            return last.box if last.score > 0 else self._limited(last.box, time)
        box = self._box_without_sighting(index, time, last, coming)
        return box and self._limited(box, time)

    def score(self, time: Fraction) -> float:
        """The least score of the detections near a time, 0 if there are none before or after it."""
        times = self._times
        if time < self._first or time > self._last:
            return 0.0
        before, after = times[bisect_right(times, time) - 1], times[bisect_left(times, time)]
        if time - before > STEADY or after - time > STEADY:
            return 0.0
        near = slice(bisect_left(times, time - STEADY), bisect_right(times, time + STEADY))
        return min(s.score for s in self._detected[near])

    def _limited(self, box: Box, time: Fraction) -> Box:
        """The box, no larger than the detections before and after that time allow."""
        place = bisect_right(self._times, time)
        beside = self._detected[max(0, place - 1) : place + 1]
        return limit_growth(self.track.kind, box, (s.box for s in beside))

    def _box_without_sighting(
        self, index: int, time: Fraction, last: Sighting | None, coming: Sighting | None
    ) -> Box | None:
        limits = self._coverage
        if last and coming and coming.time - last.time <= limits.bridge:
            return _bridge(last, coming, time, limits.drift)
        boxes: list[Box] = []
        since = time - (last.time if last and coming else self._last)
        until = (coming.time if last and coming else self._first) - time
        if last and since <= self._rule.after and self._same_shot(last.frame, index):
            boxes.append(_grow_with_time(last, time, limits.drift))
        if coming and until <= self._rule.before and self._same_shot(index, coming.frame):
            boxes.append(_grow_with_time(coming, time, limits.drift))
        return boxes[0].hull(boxes[-1]) if boxes else None

    def _same_shot(self, one: int, other: int) -> bool:
        return shot_at(one, self._cuts) == shot_at(other, self._cuts)


def _grow_with_time(sighting: Sighting, time: Fraction, drift: float) -> Box:
    return sighting.box.grown(drift * float(abs(time - sighting.time)))


def interpolate(last: Sighting, coming: Sighting, time: Fraction) -> Box:
    """The box at a time between two sightings, by linear interpolation."""
    share = float((time - last.time) / (coming.time - last.time))
    return last.box.towards(coming.box, share)


def _bridge(last: Sighting, coming: Sighting, time: Fraction, drift: float) -> Box:
    away = float(min(time - last.time, coming.time - time))
    return interpolate(last, coming, time).grown(drift * away)
