"""Plan: what will be hidden and why, as a value and as a JSON file beside the video."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from redact.core.coverage import Hidden
from redact.core.edits.checks import CORRECT, check_boxes, check_edits, check_pages
from redact.core.edits.json_form import edit_converter
from redact.core.edits.regions import DrawnRegions, HiddenTracks, shown_regions
from redact.core.edits.things import Thing, Things, hidden_tracks, in_force, lead_of, walk
from redact.core.edits.values import ChangeStyle, Edit, HideBox, Mute, Show
from redact.core.findings import Track
from redact.core.geometry import Box, Region, Size
from redact.core.interfaces import Source
from redact.core.recipe import Recipe, StyleName
from redact.core.storage import write_whole
from redact.core.strict_json import explain, parse_json
from redact.errors import PlanError

__all__ = [
    "LARGEST",
    "VERSION",
    "ChangeStyle",
    "Edit",
    "HideBox",
    "Plain",
    "Plan",
    "Result",
    "Show",
    "SourceId",
    "dumps",
    "load",
    "loads",
    "save",
]

VERSION = 2
"""Raised whenever an older redact could misread a plan."""

_READ = (1, VERSION)
"""Versions that are read: whatever stands in one of version 1 means the same in version 2."""

LARGEST = 1 << 30
"""Bytes; a plan file above this is refused unread."""


@dataclass(frozen=True, slots=True)
class SourceId:
    """Which source a plan was made from.

    Args:
        fingerprint: `sha256:` and the digest of the whole file.
        size: Size of the upright picture.
        frames: How many frames were analysed.
        first: The time of the first of them in seconds, None in plans that do not say it.
        last: The same of the last.
    """

    fingerprint: str
    size: Size
    frames: int
    first: Fraction | None = None
    last: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Plain:
    """A box drawn in one colour from one time to another, both included, in seconds.

    The check of an output found that what was drawn there resembled what it should hide.
    """

    box: Box
    start: Fraction
    end: Fraction


@dataclass(frozen=True, slots=True)
class Result:
    """The finished file that was rendered from a plan.

    Args:
        fingerprint: `sha256:` and its digest.
        unchecked: Whether no check has let it pass; in a plan file only if so.
    """

    fingerprint: str
    unchecked: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What is hidden in one source: boxes and times, never pictures of people.

    Args:
        source: What was analysed.
        recipe: The choices it was analysed and is to be rendered with.
        cuts: Shot boundaries: indices of frames that begin a new shot, ascending.
        tracks: What was found, each within one shot.
        edits: A person's changes, in order; see `redact.core.history`.
        result: What was rendered from it, if anything.
        version: The format's version.
        plain: What is drawn in one colour whatever the style; in a plan file only if there is any.
        undone: Edits that were taken back, the last one first to return; in a plan file only if
            there are any.
    """

    source: SourceId
    recipe: Recipe
    cuts: tuple[int, ...] = ()
    tracks: tuple[Track, ...] = ()
    edits: tuple[Edit, ...] = ()
    result: Result | None = None
    version: int = VERSION
    plain: tuple[Plain, ...] = ()
    undone: tuple[Edit, ...] = ()

    def __post_init__(self) -> None:
        if any(later <= cut for cut, later in pairwise(self.cuts)):
            raise PlanError("the cuts are not in order")
        if len({track.id for track in self.tracks}) != len(self.tracks):
            raise PlanError("two tracks share one id")
        check_edits(self.edits, self.tracks, self.source.first, self.source.last)

    @property
    def style(self) -> StyleName:
        """The style of everything for which no edit names another."""
        changes = [edit for _, edit in in_force(self.edits) if isinstance(edit, ChangeStyle)]
        return next((it.style for it in reversed(changes) if it.for_all), self.recipe.style)

    @property
    def styles(self) -> frozenset[StyleName]:
        """All styles that something may be drawn in."""
        things = self.things
        every = (*things.by_id.values(), *things.regions.values())
        return frozenset({self.style, *(thing.style for thing in every if thing.style)})

    @property
    def mutes(self) -> tuple[Mute, ...]:
        """Spans of the sound that are silenced."""
        return tuple(edit for _, edit in in_force(self.edits) if isinstance(edit, Mute))

    @property
    def things(self) -> Things:
        """Tracks, their parts and drawn regions, with what was decided about each."""
        it = self.source
        return walk(self.tracks, self.edits, lead_of(it.frames, it.first, it.last))

    @property
    def hidden_tracks(self) -> tuple[Track, ...]:
        """What is hidden at some time at least; of a divided track the parts that are."""
        return tuple(hidden_tracks(self.things, self.recipe.uncertain))

    def cover(self) -> Callable[[int, Fraction], list[Region]]:
        """A function from a frame's index and time to its regions, to be asked in order of time.

        Asked for the last of all frames, it raises a `PlanError` if an edit hid nothing in any.
        """
        things = self.things
        tracks = HiddenTracks(things, self.cuts, self.recipe)
        drawn = DrawnRegions(things, self.source.frames)

        def regions(index: int, time: Fraction) -> list[Region]:
            found = [*tracks.regions(index, time), *drawn.regions(time)]
            return self._with_plain([region for _, region in found], time)

        return regions

    def regions(self, index: int, time: Fraction) -> list[Region]:
        """The regions of one frame, the same as in `cover`; quick for any frame.

        Args:
            index: Of the frame.
            time: Its time in seconds.
        """
        return self._with_plain([r for _, r in self.hidden_by(index, time)], time)

    def hidden_by(self, index: int, time: Fraction) -> list[tuple[Thing, Region]]:
        """The regions of one frame, each with the track, part or drawn region that hides it."""
        things = self.things
        tracks = HiddenTracks(things, self.cuts, self.recipe, near=time)
        return [*tracks.regions(index, time), *DrawnRegions(things, 0).regions(time)]

    def shown(self, index: int, time: Fraction) -> list[Hidden]:
        """What a person's edits show, and where it would be hidden in a frame.

        Args:
            index: Of the frame.
            time: Its time in seconds.
        """
        return shown_regions(self.things, self.cuts, self.recipe.coverage, index, time)

    def _with_plain(self, regions: list[Region], time: Fraction) -> list[Region]:
        """The regions, those in one colour that the check asked for."""
        plain = [it.box for it in self.plain if it.start <= time <= it.end]
        if not plain:
            return regions
        found = [replace(r, text=r.text or _lies_in(r, plain)) for r in regions]
        return found + [Region(box, text=True) for box in plain]

    def check_source(self, fingerprint: str, path: Path) -> None:
        """Refuse any other source.

        Raises:
            PlanError: The fingerprint is not the analysed one.
        """
        if fingerprint != self.source.fingerprint:
            raise PlanError(
                "this is not the file that the plan was made from", path, "analyse it again"
            )

    def check(self, source: Source) -> None:
        """Refuse any other source, and edits that can do nothing in it.

        Raises:
            PlanError: The source is not the analysed one, or an edit's box lies outside of its
                picture.
        """
        self.check_source(source.fingerprint, source.path)
        try:
            if source.info.pages:
                check_pages(self.edits, source.frames())
            else:
                check_boxes(self.edits, source.info.size)
        except PlanError as error:
            raise PlanError(error.problem, source.path, error.remedy) from error


def _lies_in(region: Region, boxes: Sequence[Box]) -> bool:
    """Whether the middle of a region lies in one of the boxes."""
    return any(box.holds_middle(region.box) for box in boxes)


def dumps(plan: Plan, tracks: str | None = None) -> str:
    """The plan as JSON, one sighting and one edit a line, every number exact.

    Args:
        plan: What is told.
        tracks: What `dump_tracks` made of its tracks, if that is known: it is most of the text.
    """
    made = edit_converter().unstructure
    data = {f.name: made(getattr(plan, f.name)) for f in fields(Plan) if f.name != "tracks"}
    for name in ("plain", "undone"):
        if not data[name]:
            del data[name]
    if data["result"] and not data["result"]["unchecked"]:
        del data["result"]["unchecked"]
    lines = [f'  "{key}": {_as_lines(value, key)},' for key, value in data.items()]
    text = dump_tracks(plan.tracks) if tracks is None else tracks
    return "\n".join(["{", *lines, f'  "tracks": [{text}', "]}", ""])


def dump_tracks(tracks: tuple[Track, ...]) -> str:
    """The part of a plan's JSON that tells its tracks."""
    return ",".join(map(_track_lines, edit_converter().unstructure(tracks)))


def tracks_in(text: str, plan: Plan) -> str | None:
    """What `dump_tracks` wrote into the text of a plan that was read; None if another wrote it."""
    head, tail = dumps(plan, "\0").split("\0")
    told = text[len(head) : len(text) - len(tail)]
    others = any(f'"{item.name}":' in told for item in fields(Plan))  # keys after the tracks
    return told if text == head + told + tail and not others else None


def _as_lines(value: Any, key: str) -> str:
    """A value on one line; edits each on a line of its own."""
    if key not in ("edits", "undone") or not value:
        return json.dumps(value)
    return "[\n" + ",\n".join(f"    {json.dumps(edit)}" for edit in value) + "]"


def _track_lines(track: dict[str, Any]) -> str:
    rows = json.dumps(track.pop("sightings"))[1:-1]  # at once, as there may be many
    sightings = "    " + rows.replace("], [", "],\n    [") if rows else ""
    if not track["doubt"]:
        del track["doubt"]
    head = json.dumps(track)[:-1]
    return f'\n   {head}, "sightings": [\n{sightings}]}}'


def loads(text: str) -> Plan:
    """The plan that `dumps` wrote.

    Raises:
        PlanError: Not JSON, another version, an unknown key, or a value that does not fit.
    """
    try:
        data = parse_json(text)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"this is no plan: {error}") from error
    version = data.get("version") if isinstance(data, dict) else None
    if type(version) is not int or version not in _READ:
        raise PlanError(f"this is no plan of version {VERSION}", remedy="analyse the source again")
    data["version"] = VERSION
    missing = [item.name for item in fields(Plan) if item.name not in {"plain", "undone", *data}]
    if missing:
        raise PlanError(f"the plan cannot be used: it lacks {', '.join(missing)}")
    try:
        return edit_converter().structure(data, Plan)
    except Exception as error:  # whatever does not fit is refused
        found = list(explain(error))[:3]
        if found[0].startswith("edit "):
            raise PlanError("; ".join(found), remedy=CORRECT) from error
        what = f"the plan cannot be used: {'; '.join(found)}"
        raise PlanError(what, remedy="correct it, or analyse the source again") from error


def save(plan: Plan, path: Path | str, tracks: str | None = None) -> None:
    """Write the plan; its name appears only when complete.

    Args:
        plan: What is written.
        path: Its file.
        tracks: As for `dumps`.

    Raises:
        UnwritableOutputError: The folder is missing, read-only or full.
    """
    write_whole(Path(path), dumps(plan, tracks))


def load(path: Path | str) -> Plan:
    """Read a plan file.

    Raises:
        PlanError: It is missing, too large, or no plan.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise PlanError("there is no plan file of that name", path)
        if path.stat().st_size > LARGEST:
            raise PlanError("too large for a plan", path)
        return loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanError(f"the plan cannot be read: {error.strerror}", path) from error
    except UnicodeDecodeError as error:
        raise PlanError("this is no plan: it is not text", path) from error
    except PlanError as error:
        raise PlanError(error.problem, path, error.remedy) from error
