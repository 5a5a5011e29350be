"""Edits as values: each is one decision of a person about what is hidden, heard or signed."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, TypeAlias

from redact.core.findings import Kind
from redact.core.geometry import Box
from redact.core.recipe import StyleName

Outline: TypeAlias = Literal["box", "ellipse"] | tuple[tuple[float, float], ...]
"""What of a box is hidden: all of it, the ellipse in it, or the polygon with these corners, each
(x, y) in shares of the box's width and height, from 0 to 1."""


ROUNDING = Fraction(1, 1000)
"""Seconds: people read and write times in thousandths. What is hidden from a time on, or until it,
is hidden in a frame so near to it, too, as that is the frame they saw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What every edit has.

    Args:
        reason: Why, in a person's words.
        by: Who decided.
        at: When, in ISO 8601 with a time zone, such as `2026-11-28T14:00:00Z`.
        continues: Whether it is one act with the edit before it: both are undone together.
    """

    reason: str = ""
    by: str = ""
    at: str = ""
    continues: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Targeted(Decision):
    """An edit about one thing, said in one of four ways.

    Args:
        track: A track of this analysis, or a part of one that a split or trim made.
        person: Tracks that were joined under this name, as far as they are at that moment.
        kind: All tracks of that kind.
        region: A hidden region that was drawn, by its name; one without a name is called by the
            number of its edit, from 1.
    """

    track: int | None = None
    person: str | None = None
    kind: Kind | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Show(Targeted):
    """A person decided that this may be seen, from start to end, both included, in seconds.

    Of one thing the last decision counts. What another thing or a drawn region hides stays hidden.
    """

    track: int | None = field(default=None, kw_only=False)
    start: Fraction | None = field(default=None, kw_only=True)
    end: Fraction | None = field(default=None, kw_only=True)
    edit: Literal["show"] = field(default="show", kw_only=True)


@dataclass(frozen=True, slots=True)
class Hide(Targeted):
    """A person decided that this is hidden, from start to end, both included, in seconds.

    It hides what is uncertain, and again what was shown.
    """

    track: int | None = field(default=None, kw_only=False)
    start: Fraction | None = field(default=None, kw_only=True)
    end: Fraction | None = field(default=None, kw_only=True)
    edit: Literal["hide"] = field(default="hide", kw_only=True)


@dataclass(frozen=True, slots=True)
class HideBox(Decision):
    """A region that stands still is hidden: a zone.

    Args:
        box: In pixels of the upright picture; hidden as it is drawn, without a margin.
        start: Seconds from which, included; None for the beginning.
        end: Seconds until which, included; None for the end.
        outline: What of the box is hidden.
        style: How, None as everything else.
        name: What it is called, for other edits.
    """

    box: Box
    start: Fraction | None = None
    end: Fraction | None = None
    outline: Outline = "box"
    style: StyleName | None = None
    name: str = ""
    edit: Literal["hide"] = "hide"


@dataclass(frozen=True, slots=True)
class Key:
    """Where a drawn region is at a time in seconds, in pixels of the upright picture."""

    time: Fraction
    box: Box


@dataclass(frozen=True, slots=True)
class HidePath(Decision):
    """A region that moves is hidden.

    Between two neighbours of all keys and sightings it moves in a straight line; before the first
    and after the last it stands still.

    Args:
        keys: Key frames, set by a person, in order of time; at least one.
        followed: Soft sightings that a follower made between and around them, in order of time.
        start: Seconds from which it is hidden, included; None for the first key or sighting.
        end: Seconds until which, included; None for the last key or sighting.
        outline: What of the box is hidden.
        style: How, None as everything else.
        name: What it is called, for other edits.
    """

    keys: tuple[Key, ...]
    followed: tuple[Key, ...] = ()
    start: Fraction | None = None
    end: Fraction | None = None
    outline: Outline = "box"
    style: StyleName | None = None
    name: str = ""
    edit: Literal["hide"] = "hide"


@dataclass(frozen=True, slots=True)
class ChangeStyle(Targeted):
    """Another style: for the target, or for the whole source where none is named.

    Of those for one thing the last counts, and it counts more than one for the whole source.
    """

    style: StyleName = field(kw_only=False)
    edit: Literal["style"] = field(default="style", kw_only=True)

    @property
    def for_all(self) -> bool:
        """Whether it names no target."""
        return (self.track, self.person, self.kind, self.region) == (None,) * 4


@dataclass(frozen=True, slots=True)
class Split(Decision):
    """A track becomes two: what lies at that time and later has a number of its own.

    It reveals nothing; the new part has the decisions and the person of the old one.

    Args:
        track: Which.
        time: Seconds at which the new part begins.
        new: The new part's number, which nothing else has.
    """

    track: int
    time: Fraction
    new: int
    edit: Literal["split"] = "split"


@dataclass(frozen=True, slots=True)
class Trim(Decision):
    """A track's ends are cut off: what lies before start and after end has a number of its own.

    It reveals nothing; the new part has the decisions of the old one, and no person.

    Args:
        track: Which.
        new: The number of what is cut off, which nothing else has.
        start: Seconds from which the track remains, included; None for its beginning.
        end: Seconds until which, included; None for its end.
    """

    track: int
    new: int
    start: Fraction | None = None
    end: Fraction | None = None
    edit: Literal["trim"] = "trim"


@dataclass(frozen=True, slots=True)
class Join(Decision):
    """Tracks belong to one person, or, if the person is None, to nobody; it reveals nothing."""

    tracks: tuple[int, ...]
    person: str | None
    edit: Literal["join"] = "join"


@dataclass(frozen=True, slots=True)
class Correct(Decision):
    """A track's box at one time is corrected, and its neighbours follow.

    From one correction to the next the difference changes evenly; before the first and after the
    last it stays, within the track's shot. The corrected boxes are hidden, with the margin of their
    kind, in addition to those that the track had: only `Show` reveals these.

    Args:
        track: Which.
        time: Seconds.
        box: Where the thing itself is, in pixels of the upright picture.
    """

    track: int
    time: Fraction
    box: Box
    edit: Literal["correct"] = "correct"


@dataclass(frozen=True, slots=True)
class Mute(Decision):
    """A span of the sound, in seconds, becomes silence, or a tone."""

    start: Fraction
    end: Fraction
    tone: bool = False
    edit: Literal["mute"] = "mute"


@dataclass(frozen=True, slots=True)
class Note(Targeted):
    """Words for whoever reads the plan or its report; they change nothing."""

    text: str = field(kw_only=False)
    start: Fraction | None = field(default=None, kw_only=True)
    end: Fraction | None = field(default=None, kw_only=True)
    edit: Literal["note"] = field(default="note", kw_only=True)


@dataclass(frozen=True, slots=True)
class Accept(Targeted):
    """A person looked at this and leaves it as it is."""

    track: int | None = field(default=None, kw_only=False)
    edit: Literal["accept"] = field(default="accept", kw_only=True)


@dataclass(frozen=True, slots=True)
class Span:
    """From one time to another, both included, in seconds."""

    start: Fraction
    end: Fraction


@dataclass(frozen=True, slots=True)
class SignOff(Decision):
    """A person answers for the result; whatever is edited later needs another signature.

    Args:
        result: `sha256:` and the digest of the finished file that was looked at, if it was.
        watched: Spans of it that were played, in order.
    """

    result: str | None = None
    watched: tuple[Span, ...] = ()
    edit: Literal["sign"] = "sign"


@dataclass(frozen=True, slots=True)
class Revoke(Decision):
    """An earlier edit is taken back, whatever was decided since; both stay in the list.

    Args:
        number: Of that edit, from 1.
    """

    number: int
    edit: Literal["revoke"] = "revoke"


Edit: TypeAlias = (
    Show
    | Hide
    | HideBox
    | HidePath
    | ChangeStyle
    | Split
    | Trim
    | Join
    | Correct
    | Mute
    | Note
    | Accept
    | SignOff
    | Revoke
)

Drawn: TypeAlias = HideBox | HidePath
"""What hides a region that a person drew."""
