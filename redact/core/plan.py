"""Plan: what will be hidden and why, as a value and as a JSON file beside the video."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import cattrs
from cattrs import override

from redact.core.coverage import Cover
from redact.core.findings import Track
from redact.core.geometry import Box, Region, Size
from redact.core.interfaces import Source
from redact.core.plan_edits import (
    CORRECT,
    ChangeStyle,
    DrawnBoxes,
    Edit,
    HideBox,
    ShowTrack,
    check_boxes,
    check_edits,
    check_pages,
)
from redact.core.recipe import Recipe, StyleName
from redact.core.storage import write_whole
from redact.core.strict_json import (
    explain,
    make_converter,
    parse_json,
    said,
    seconds,
    structure_fields,
)
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
    "ShowTrack",
    "SourceId",
    "dumps",
    "load",
    "loads",
    "save",
]

VERSION = 1
"""Raised whenever an older redact could misread a plan."""

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
    """The finished file that was rendered from a plan; `sha256:` and its digest."""

    fingerprint: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is hidden in one source: boxes and times, never pictures of people.

    Args:
        source: What was analysed.
        recipe: The choices it was analysed and is to be rendered with.
        cuts: Shot boundaries: indices of frames that begin a new shot, ascending.
        tracks: What was found, each within one shot.
        edits: A person's changes, in order; undo drops the last.
        result: What was rendered from it, if anything.
        version: The format's version.
        plain: What is drawn in one colour whatever the style; in a plan file only if there is any.
    """

    source: SourceId
    recipe: Recipe
    cuts: tuple[int, ...] = ()
    tracks: tuple[Track, ...] = ()
    edits: tuple[Edit, ...] = ()
    result: Result | None = None
    version: int = VERSION
    plain: tuple[Plain, ...] = ()

    def __post_init__(self) -> None:
        if any(later <= cut for cut, later in pairwise(self.cuts)):
            raise PlanError("the cuts are not in order")
        known = {track.id for track in self.tracks}
        if len(known) != len(self.tracks):
            raise PlanError("two tracks share one id")
        check_edits(self.edits, known, self.source.first, self.source.last)

    @property
    def style(self) -> StyleName:
        """The style after all edits."""
        changes = [edit.style for edit in self.edits if isinstance(edit, ChangeStyle)]
        return changes[-1] if changes else self.recipe.style

    @property
    def hidden_tracks(self) -> tuple[Track, ...]:
        """What is hidden: neither shown by an edit nor merely listed as uncertain."""
        shown = {edit.track for edit in self.edits if isinstance(edit, ShowTrack)}
        listed = self.recipe.uncertain == "list"
        return tuple(t for t in self.tracks if t.id not in shown and not (t.uncertain and listed))

    def cover(self) -> Callable[[int, Fraction], list[Region]]:
        """A function from a frame's index and time to its regions, to be asked in order of time.

        Asked for the last of all frames, it raises a `PlanError` if an edit hid nothing in any.
        """
        drawn = DrawnBoxes(self.edits, self.source.frames)
        cover = Cover(self.hidden_tracks, self.cuts, self.recipe.coverage)

        def regions(index: int, time: Fraction) -> list[Region]:
            found = [hidden.region for hidden in cover.hidden(index, time)] + drawn.regions(time)
            plain = [it.box for it in self.plain if it.start <= time <= it.end]
            if not plain:
                return found
            found = [replace(r, text=r.text or _lies_in(r, plain)) for r in found]
            return found + [Region(box, text=True) for box in plain]

        return regions

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
    x, y = region.box.centre
    return any(b.left <= x <= b.right and b.top <= y <= b.bottom for b in boxes)


def _make_plan_converter() -> cattrs.Converter:
    converter = make_converter()
    kinds = {"show": ShowTrack, "hide": HideBox, "style": ChangeStyle}
    time = override(struct_hook=seconds)
    hide = structure_fields(HideBox, converter, start=time, end=time)
    converter.register_structure_hook(HideBox, hide)

    def edit(value: Any, _: Any) -> Edit:
        name = value.get("edit") if isinstance(value, dict) else None
        if not isinstance(name, str) or name not in kinds:
            raise ValueError(f'{said(value)} is no edit; "edit" must be {", ".join(kinds)}')
        return converter.structure(value, kinds[name])

    converter.register_structure_hook(Edit, edit)
    return converter


_CONVERTER = _make_plan_converter()


def dumps(plan: Plan) -> str:
    """The plan as JSON, one sighting a line, every number exact."""
    data = _CONVERTER.unstructure(plan)
    tracks = data.pop("tracks")
    if not plan.plain:
        del data["plain"]
    lines = [f'  "{key}": {json.dumps(value)},' for key, value in data.items()]
    return "\n".join(["{", *lines, '  "tracks": [' + ",".join(map(_track_lines, tracks)), "]}", ""])


def _track_lines(track: dict[str, Any]) -> str:
    sightings = ",\n".join(f"    {json.dumps(sighting)}" for sighting in track.pop("sightings"))
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
    if version != VERSION:
        raise PlanError(f"this is no plan of version {VERSION}", remedy="analyse the source again")
    missing = [item.name for item in fields(Plan) if item.name not in {"plain", *data}]
    if missing:
        raise PlanError(f"the plan cannot be used: it lacks {', '.join(missing)}")
    try:
        return _CONVERTER.structure(data, Plan)
    except Exception as error:  # whatever does not fit is refused
        found = list(explain(error))[:3]
        if found[0].startswith("edit "):
            raise PlanError("; ".join(found), remedy=CORRECT) from error
        what = f"the plan cannot be used: {'; '.join(found)}"
        raise PlanError(what, remedy="correct it, or analyse the source again") from error


def save(plan: Plan, path: Path | str) -> None:
    """Write the plan; its name appears only when complete.

    Raises:
        UnwritableOutputError: The folder is missing, read-only or full.
    """
    write_whole(Path(path), dumps(plan))


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
