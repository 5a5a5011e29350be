"""From spots to leaks: which spots count, and which of them are one thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from redact.core.interfaces import Source
from redact.core.plan import Plan
from redact.verify.hidden import ENOUGH
from redact.verify.result import Checking, Leak, Spot
from redact.verify.second_opinion import EXAMINE_EVERY, SecondOpinion

NEIGHBOURS = 2
"""Frames before and after a suspected spot that are examined as well."""

_SAME_PLACE = 0.2
"""Intersection over union from which spots of two frames are one thing."""

_LONGEST_PAUSE = 3 * EXAMINE_EVERY
"""Seconds between two spots of one leak, at most."""


def find_leaks(
    spots: Sequence[Spot],
    dropouts: Sequence[Spot],
    output: Source,
    plan: Plan | None,
    second_opinion: SecondOpinion,
    checking: Checking,
) -> tuple[Leak, ...]:
    """What may still show somebody.

    Args:
        spots: What the second-opinion detectors saw.
        dropouts: What was found without detectors.
        output: Read again where a spot is only suspected.
        plan: What the output was rendered with, if known; what its edits show is no leak.
        second_opinion: Judges spots by their scores.
        checking: Whether a suspected spot counts without more.
    """
    counted = _confirm(_not_shown_by_edits(spots, plan), output, second_opinion, checking)
    for spot in _not_shown_by_edits(dropouts, plan):
        if not _is_among(spot, counted):
            counted.append(spot)
    return _group_spots(counted)


def _not_shown_by_edits(spots: Sequence[Spot], plan: Plan | None) -> list[Spot]:
    """Those that no person decided to show."""
    return [spot for spot in spots if plan is None or not _shown_by_edit(spot, plan)]


def _shown_by_edit(spot: Spot, plan: Plan) -> bool:
    """Whether a person decided that this may be seen."""
    shown = plan.shown(spot.frame, spot.time)
    return any(region.box.overlap(spot.box) >= ENOUGH * spot.box.area for region in shown)


def _confirm(
    spots: Sequence[Spot], output: Source, second_opinion: SecondOpinion, checking: Checking
) -> list[Spot]:
    """The spots that count, each with the reason."""
    certain = [replace(s, why="seen") for s in spots if second_opinion.verdict(s) == "certain"]
    suspected = [spot for spot in spots if second_opinion.verdict(spot) == "suspected"]
    if checking.strict:
        return certain + [replace(spot, why="suspected") for spot in suspected]
    return certain + _seen_nearby(suspected, output, second_opinion)


def _seen_nearby(
    spots: Sequence[Spot], output: Source, second_opinion: SecondOpinion
) -> list[Spot]:
    """Suspected spots that are certain in a neighbouring frame; pages have no neighbours."""
    if output.info.pages:
        return []
    wanted: dict[int, list[Spot]] = {}
    for spot in spots:
        for index in range(spot.frame - NEIGHBOURS, spot.frame + NEIGHBOURS + 1):
            if index != spot.frame:
                wanted.setdefault(index, []).append(spot)
    found: set[Spot] = set()
    for frame in output.frames() if wanted else ():
        for spot in wanted.get(frame.index, ()):
            if (
                spot not in found
                and second_opinion.verdict(second_opinion.reexamine(frame, spot)) == "certain"
            ):
                found.add(spot)
    return [replace(spot, why="seen in a neighbouring frame") for spot in spots if spot in found]


def _is_among(spot: Spot, counted: Sequence[Spot]) -> bool:
    return any(s.frame == spot.frame and s.box.iou(spot.box) >= _SAME_PLACE for s in counted)


def _group_spots(spots: Sequence[Spot]) -> tuple[Leak, ...]:
    """Spots that follow each other closely at one place, as one leak."""
    groups: list[list[Spot]] = []
    for spot in sorted(spots, key=lambda s: s.time):
        group = next((group for group in reversed(groups) if _continues(group[-1], spot)), None)
        groups.append([spot]) if group is None else group.append(spot)
    return tuple(Leak(tuple(group)) for group in groups)


def _continues(last: Spot, spot: Spot) -> bool:
    if last.time == spot.time or spot.time - last.time > _LONGEST_PAUSE:
        return False
    side = max(last.box.width, last.box.height, spot.box.width, spot.box.height)
    away = max(abs(a - b) for a, b in zip(last.box.centre, spot.box.centre, strict=True))
    return last.box.iou(spot.box) >= _SAME_PLACE or away <= side
