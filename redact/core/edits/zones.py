"""Zones and silences as they are said in a few characters: `10%,0,30%,20%@5-12`, `1:05-1:07`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from redact.core.edits.values import Edit, HideBox, Mute
from redact.core.geometry import Box, Size
from redact.errors import RecipeError

_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_TIME = rf"(?:[0-9]{{1,4}}:)?(?:[0-9]{{1,4}}:)?{_NUMBER}"
_SPAN = rf"({_TIME})?-({_TIME})?"
_LENGTH = rf"\s*(-?{_NUMBER})(%?)\s*"
_ZONE = re.compile(rf"{','.join([_LENGTH] * 4)}(?:@{_SPAN})?\s*")
_MUTE = re.compile(rf"\s*({_TIME})-({_TIME})(:tone)?\s*")

OPTION_MARK = "--"
"""What the reason of an edit begins with that an option of the command line made."""


SUBTITLES_TELL = "subtitles tell what is said where the sound is silenced"


@dataclass(frozen=True, slots=True)
class Zone:
    """A region that stands still, for pictures of any size.

    Args:
        text: As it was said.
        sides: Left, top, width and height; each a number, and whether it is a percentage of the
            upright picture's width or height, else pixels.
        start: Seconds from which it is hidden, None for the beginning.
        end: Seconds until which, None for the end.
    """

    text: str
    sides: tuple[tuple[float, bool], ...]
    start: Fraction | None = None
    end: Fraction | None = None

    @property
    def is_relative(self) -> bool:
        """Whether it depends on the size of the picture."""
        return any(percent for _, percent in self.sides)

    def for_size(self, size: Size) -> HideBox:
        """The edit that hides it in a picture of that size."""
        whole = (size.width, size.height, size.width, size.height)
        left, top, width, height = (
            value * length / 100 if percent else value
            for (value, percent), length in zip(self.sides, whole, strict=True)
        )
        box = Box(left, top, left + width, top + height)
        return HideBox(box, self.start, self.end, reason=f"{OPTION_MARK}zone {self.text}")


Wish: TypeAlias = Edit | Zone
"""An edit that is asked for before its source is known."""


def parse_zone(text: str) -> Zone:
    """The zone that `X,Y,WIDTH,HEIGHT[@START-END]` stands for.

    Lengths are in pixels, or with a % in shares of the picture; times are seconds, or `1:02.5`.

    Raises:
        RecipeError: It stands for none.
    """
    match = _ZONE.fullmatch(text)
    if match is None:
        raise RecipeError(
            f"a zone is written X,Y,WIDTH,HEIGHT or X,Y,WIDTH,HEIGHT@START-END, not {text!r}",
            remedy="write for example 0,0,320,90 or 10%,5%,30%,20%@0-12.5",
        )
    *lengths, start, end = match.groups()
    numbers, marks = lengths[::2], lengths[1::2]
    sides = tuple((float(n), bool(mark)) for n, mark in zip(numbers, marks, strict=True))
    if not (sides[2][0] > 0 and sides[3][0] > 0):
        raise RecipeError(f"the zone {text!r} has no width or no height, so it hides nothing")
    span = _span(start, end, text)
    return Zone(text.strip(), sides, *span)


def parse_mute(text: str) -> Mute:
    """The silence that `START-END` stands for, or the tone that `START-END:tone` does.

    Raises:
        RecipeError: It stands for none.
    """
    match = _MUTE.fullmatch(text)
    if match is None:
        raise RecipeError(
            f"a silence is written START-END or START-END:tone, not {text!r}",
            remedy="write seconds or minutes, for example 12.5-14 or 1:05-1:07.2:tone",
        )
    start, end = _span(match[1], match[2], text)
    assert start is not None
    assert end is not None
    if start == end:
        raise RecipeError(f"{text!r} ends when it starts, so it silences nothing")
    return Mute(start, end, bool(match[3]), reason=f"{OPTION_MARK}mute {text.strip()}")


def read_zones(lines: Sequence[str]) -> list[Zone]:
    """The zones of a file: one a line; empty lines, and what follows a #, say nothing.

    Raises:
        RecipeError: A line is no zone; it is told by its number.
    """
    found = []
    for number, line in enumerate(lines, 1):
        said = line.partition("#")[0].strip()
        if said:
            try:
                found.append(parse_zone(said))
            except RecipeError as error:
                raise RecipeError(f"line {number}: {error.problem}", remedy=error.remedy) from error
    return found


def _span(start: str | None, end: str | None, text: str) -> tuple[Fraction | None, Fraction | None]:
    begins, ends = (None if said is None else _seconds(said) for said in (start, end))
    if begins is not None and ends is not None and ends < begins:
        raise RecipeError(f"{text!r} ends before it starts")
    return begins, ends


def _seconds(text: str) -> Fraction:
    """Seconds of `75.5`, `1:15.5` or `0:01:15.5`, exactly."""
    total = Fraction(0)
    for part in text.split(":"):
        total = 60 * total + Fraction(part)
    return total


def wished_by_options(wishes: Sequence[Wish], size: Size) -> list[Edit]:
    """The edits that a plan of pictures of that size has, if these options made them."""
    made = [wish.for_size(size) if isinstance(wish, Zone) else wish for wish in wishes]
    return made_by_options(made)


def made_by_options(edits: Sequence[Edit]) -> list[Edit]:
    """The edits that options of the command line made."""
    return [edit for edit in edits if edit.reason.startswith(OPTION_MARK)]
