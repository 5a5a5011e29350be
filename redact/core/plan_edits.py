"""A person's changes to a plan, and whether each of them can do something."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from redact.core.frames import Frame
from redact.core.geometry import Box, Region, Size
from redact.core.recipe import StyleName
from redact.errors import PlanError


@dataclass(frozen=True, slots=True)
class ShowTrack:
    """A person decided that this track hides nobody; valid for this analysis only."""

    track: int
    edit: Literal["show"] = "show"


@dataclass(frozen=True, slots=True)
class HideBox:
    """A person wants this box hidden from one time to another, both included, in seconds."""

    box: Box
    start: Fraction
    end: Fraction
    edit: Literal["hide"] = "hide"


@dataclass(frozen=True, slots=True)
class ChangeStyle:
    """A person wants another style for the whole source."""

    style: StyleName
    edit: Literal["style"] = "style"


Edit: TypeAlias = ShowTrack | HideBox | ChangeStyle

CORRECT = "correct it in the plan, or take it out"
"""What somebody can do about an edit that is refused."""


def check_edits(
    edits: Sequence[Edit], tracks: Collection[int], first: Fraction | None, last: Fraction | None
) -> None:
    """Refuse edits that can do nothing, as far as that is known without the source.

    Args:
        edits: In order.
        tracks: The ids that exist.
        first: The time of the source's first frame in seconds, None if it is not known.
        last: The same of its last frame.

    Raises:
        PlanError: It names the edit by its number, from 1.
    """
    for number, edit in enumerate(edits, 1):
        if isinstance(edit, ShowTrack) and edit.track not in tracks:
            _refuse(number, f"it shows track {edit.track}, which does not exist")
        if isinstance(edit, HideBox):
            _check_times(number, edit, first, last)
            if not (edit.box.width and edit.box.height):
                _refuse(number, "its box has no width or no height, so it hides nothing")


def _check_times(number: int, edit: HideBox, first: Fraction | None, last: Fraction | None) -> None:
    if edit.end < edit.start:
        _refuse(number, f"it ends at {_said(edit.end)} before it starts at {_said(edit.start)}")
    if last is not None and edit.start > last:
        after = f"after the last frame, which is at {_said(last)}"
        _refuse(number, f"it starts at {_said(edit.start)}, {after}")
    if first is not None and edit.end < first:
        before = f"before the first frame, which is at {_said(first)}"
        _refuse(number, f"it ends at {_said(edit.end)}, {before}")


def check_boxes(edits: Sequence[Edit], size: Size) -> None:
    """Refuse edits whose box lies outside of a picture of that size.

    Raises:
        PlanError: It names the edit by its number, from 1.
    """
    for number, edit in _boxes(edits):
        if not edit.box.touches(size):
            outside = f"outside of the picture of {size.width}x{size.height} pixels"
            _refuse(number, f"its box lies {outside}")


def check_pages(edits: Sequence[Edit], pages: Iterable[Frame]) -> None:
    """Refuse edits that touch no page at all; pages may differ in size.

    Raises:
        PlanError: It names the edit by its number, from 1.
    """
    boxes = dict(_boxes(edits))
    if not boxes:
        return
    for page in pages:
        size = page.picture.turn.upright_size(page.picture.stored_size)
        boxes = {
            number: edit
            for number, edit in boxes.items()
            if not (edit.start <= page.time <= edit.end and edit.box.touches(size))
        }
    for number in boxes:
        _refuse(number, "its box lies outside of every page between its start and its end")


class DrawnBoxes:
    """What edits hide in each frame, with an eye on edits that hide nothing.

    Args:
        edits: In order.
        frames: How many frames there are.
    """

    def __init__(self, edits: Sequence[Edit], frames: int) -> None:
        self._boxes = list(_boxes(edits))
        self._unused = dict(self._boxes)
        self._frames = frames
        self._asked = 0

    def regions(self, time: Fraction) -> list[Region]:
        """The regions at that time, in seconds.

        Raises:
            PlanError: All frames were asked, and an edit hid nothing in any of them: only now is
                it known that its times lie between those of two frames.
        """
        drawn = [(number, edit) for number, edit in self._boxes if edit.start <= time <= edit.end]
        for number, _ in drawn:
            self._unused.pop(number, None)
        self._asked += 1
        if self._asked == self._frames:
            for number, edit in self._unused.items():
                span = f"between {_said(edit.start)} and {_said(edit.end)}"
                _refuse(number, f"there is no frame {span}, so it hides nothing")
        return [Region(edit.box) for _, edit in drawn]


def _boxes(edits: Sequence[Edit]) -> Iterable[tuple[int, HideBox]]:
    return ((n, edit) for n, edit in enumerate(edits, 1) if isinstance(edit, HideBox))


def _refuse(number: int, problem: str) -> None:
    raise PlanError(f"edit {number}: {problem}", remedy=CORRECT)


def _said(time: Fraction) -> str:
    """Seconds as a person writes them, to a thousandth."""
    rounded = f"{float(time):.3f}".rstrip("0").rstrip(".")
    return f"{rounded} s" if Fraction(rounded) == time else f"about {rounded} s"
