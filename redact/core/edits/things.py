"""What edits say of each thing: whose track it is, whether it is shown, in what style."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import groupby
from typing import Literal, TypeAlias

from redact.core.edits.values import (
    ROUNDING,
    Accept,
    ChangeStyle,
    Correct,
    Drawn,
    Edit,
    Hide,
    HideBox,
    HidePath,
    Join,
    Revoke,
    Show,
    Split,
    Targeted,
    Trim,
)
from redact.core.findings import Sighting, Track
from redact.core.recipe import StyleName


@dataclass(frozen=True, slots=True)
class Choice:
    """That something is hidden, or shown, from start to end, both included, in seconds.

    Args:
        number: Of the edit that says so, from 1.
        hide: Whether it is hidden.
        start: None for the beginning.
        end: None for the end.
    """

    number: int
    hide: bool
    start: Fraction | None
    end: Fraction | None

    def holds_at(self, time: Fraction) -> bool:
        """Whether it speaks of that time."""
        return (self.start is None or self.start <= time) and (self.end is None or time <= self.end)

    @property
    def unbounded(self) -> bool:
        """Whether it speaks of all times."""
        return self.start is None and self.end is None


@dataclass(slots=True)
class Thing:
    """A track, a part of one, or a drawn region, with what was decided about it.

    Args:
        choices: In the order of the edits; at each time the last counts.
        style: How it is hidden, None as everything else.
        id: The track's number; of a drawn region that of its edit.
        track: The whole track that it is of, None for a drawn region.
        drawn: The edit that drew it, None for a track.
        person: Whose track it is.
        corrections: Numbers of edits, and what they say.
        looked_at: Whether a person decided about it, or accepted it.
    """

    choices: tuple[Choice, ...] = ()
    style: StyleName | None = None
    id: int = 0
    track: Track | None = None
    drawn: Drawn | None = None
    person: str | None = None
    corrections: tuple[tuple[int, Correct], ...] = ()
    looked_at: bool = False

    def choice_at(self, time: Fraction) -> Choice | None:
        """What was decided for that time; None if nobody decided."""
        return next((c for c in reversed(self.choices) if c.holds_at(time)), None)


@dataclass(slots=True)
class Things:
    """All things of a plan, after some edits.

    Args:
        by_id: Tracks and parts by their number.
        regions: Drawn regions by name.
        divisions: For each track that was divided, the edits that did it, in order.
        lead: Seconds before its start in which what is hidden from there on is hidden, too: the
            frame that is on the screen then began before.
    """

    by_id: dict[int, Thing] = field(default_factory=dict)
    regions: dict[str, Thing] = field(default_factory=dict)
    divisions: dict[int, list[Split | Trim]] = field(default_factory=dict)
    lead: Fraction = ROUNDING

    def owner(self, track: Track, time: Fraction) -> Thing:
        """The part of a track that a time belongs to."""
        current = track.id
        for edit in self.divisions.get(track.id, ()):
            if edit.track == current and cuts_off(edit, time):
                current = edit.new
        return self.by_id[current]

    def parts(self, track: Track) -> list[Thing]:
        """The track itself and all that was divided from it."""
        new = (edit.new for edit in self.divisions.get(track.id, ()))
        return [self.by_id[track.id], *(self.by_id[number] for number in new)]

    def runs(self, thing: Thing) -> list[Track]:
        """The sightings that belong to a track or part: a track for each run without others."""
        track = thing.track
        if track is None:
            return []
        if track.id not in self.divisions:
            return [track]
        owned = groupby(track.sightings, key=lambda s: self.owner(track, s.time) is thing)
        return [replace(track, id=thing.id, sightings=tuple(run)) for own, run in owned if own]

    def sightings(self, thing: Thing) -> list[Sighting]:
        """All sightings that belong to it."""
        return [sighting for run in self.runs(thing) for sighting in run.sightings]

    def named_by(self, edit: Targeted) -> list[Thing]:
        """The things that an edit names, as they are now."""
        if edit.track is not None:
            return [self.by_id[edit.track]] if edit.track in self.by_id else []
        if edit.region is not None:
            return [self.regions[edit.region]] if edit.region in self.regions else []
        tracks = self.by_id.values()
        if edit.person is not None:
            return [thing for thing in tracks if thing.person == edit.person]
        return [t for t in tracks if t.track is not None and t.track.kind is edit.kind]

    def take(self, number: int, edit: Edit) -> None:
        """Note what one more edit says; it must name what exists."""
        if isinstance(edit, HideBox | HidePath):
            self.regions[edit.name or str(number)] = Thing(id=number, drawn=edit, style=edit.style)
        elif isinstance(edit, Split | Trim):
            self._divide(edit)
        elif isinstance(edit, Join):
            for track in edit.tracks:
                self.by_id[track].person = edit.person
                self.by_id[track].looked_at = True
        elif isinstance(edit, Correct):
            self.by_id[edit.track].corrections += ((number, edit),)
            self.by_id[edit.track].looked_at = True
        elif isinstance(edit, Show | Hide):
            hide = isinstance(edit, Hide)
            span = self.reach(edit.start, edit.end) if hide else (edit.start, edit.end)
            choice = Choice(number, hide, *span)
            for thing in self.named_by(edit):
                thing.choices += (choice,)
                thing.looked_at = True
        elif isinstance(edit, Accept):
            for thing in self.named_by(edit):
                thing.looked_at = True
        elif isinstance(edit, ChangeStyle):
            for thing in self.named_by(edit):
                thing.style = edit.style

    def reach(
        self, start: Fraction | None, end: Fraction | None
    ) -> tuple[Fraction | None, Fraction | None]:
        """From when to when frames begin that are hidden from one time to another.

        Only hiding is so lenient; what is shown is not. From 0 on means from the beginning, also
        where frames come before it.
        """
        begun = start - self.lead if start else None
        return begun, None if end is None else end + ROUNDING

    def _divide(self, edit: Split | Trim) -> None:
        whole = self.by_id[edit.track]
        assert whole.track is not None
        person = whole.person if isinstance(edit, Split) else None
        self.by_id[edit.new] = replace(whole, id=edit.new, person=person)  # corrected as before
        self.divisions.setdefault(whole.track.id, []).append(edit)


def cuts_off(edit: Split | Trim, time: Fraction) -> bool:
    """Whether a time of the track belongs to the new part."""
    if isinstance(edit, Split):
        return time >= edit.time
    before = edit.start is not None and time < edit.start
    return before or (edit.end is not None and time > edit.end)


def things_of(tracks: Iterable[Track], lead: Fraction = ROUNDING) -> Things:
    """The things before any edit; `lead` as in `Things`."""
    return Things({track.id: Thing(id=track.id, track=track) for track in tracks}, lead=lead)


def lead_of(frames: int, first: Fraction | None, last: Fraction | None) -> Fraction:
    """Seconds by which a frame may have begun before a time at which it is on the screen.

    By the mean of all frames, less what their times are rounded by, so that at an even rate a frame
    that has just ended is not meant.

    Args:
        frames: How many there are.
        first: When the first is shown, in seconds.
        last: The same of the last.
    """
    if first is None or last is None or frames < 2:
        return ROUNDING
    return max(ROUNDING, (last - first) / (frames - 1) - 2 * ROUNDING)


def walk(tracks: Iterable[Track], edits: Sequence[Edit], lead: Fraction = ROUNDING) -> Things:
    """The things after all edits, which must name what exists; `lead` as in `Things`."""
    found = things_of(tracks, lead)
    for number, edit in in_force(edits):
        found.take(number, edit)
    return found


def in_force(edits: Sequence[Edit]) -> list[tuple[int, Edit]]:
    """The edits that were not taken back, each with its number, from 1; and those that do that."""
    revoked: set[int] = set()
    for number in range(len(edits), 0, -1):  # what takes an edit back may be taken back later
        edit = edits[number - 1]
        if isinstance(edit, Revoke) and edit.number < number and number not in revoked:
            revoked.add(edit.number)
    return [(number, edit) for number, edit in enumerate(edits, 1) if number not in revoked]


def hidden_by_default(track: Track, uncertain: str) -> bool:
    """Whether a track is hidden as long as nobody decides; `uncertain` as in the recipe."""
    return not (track.uncertain and uncertain == "list")


def is_hidden(thing: Thing, time: Fraction, uncertain: str) -> bool:
    """Whether a track or part is hidden at that time."""
    choice = thing.choice_at(time)
    if choice is not None:
        return choice.hide
    return thing.track is None or hidden_by_default(thing.track, uncertain)


State: TypeAlias = Literal["hidden", "shown", "uncertain"]


def state_at(thing: Thing, time: Fraction, uncertain: str) -> State:
    """Whether a thing is hidden at a time; uncertain if nobody decided and it is not."""
    if is_hidden(thing, time, uncertain):
        return "hidden"
    return "uncertain" if thing.choice_at(time) is None else "shown"


def is_ever_hidden(thing: Thing, uncertain: str) -> bool:
    """Whether there may be a time at which it is hidden."""
    for choice in reversed(thing.choices):
        if choice.hide:
            return True
        if choice.unbounded:
            return False
    return thing.track is None or hidden_by_default(thing.track, uncertain)


def hidden_tracks(things: Things, uncertain: str) -> Iterator[Track]:
    """What is hidden at some time at least: whole tracks, and runs of the parts of divided ones."""
    for thing in things.by_id.values():
        if is_ever_hidden(thing, uncertain):
            yield from things.runs(thing)
