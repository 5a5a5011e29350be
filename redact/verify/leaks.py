"""From spots to leaks: which spots count, and which of them are one thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from redact.core.findings import Kind
from redact.core.frames import Frame
from redact.core.interfaces import Source
from redact.core.plan import Plan
from redact.verify.hidden import ENOUGH, box_hides_too_much
from redact.verify.passes import EXAMINE_EVERY
from redact.verify.result import AT_AN_END, Checking, Leak, Spot
from redact.verify.second_opinion import SecondOpinion

NEIGHBOURS = 2
"""Frames before and after a suspected spot that are examined as well."""

_SAME_PLACE = 0.2
"""Intersection over union from which spots of two frames are one thing."""

_DOUBTED = (Kind.FACE, Kind.HEAD, Kind.PLATE)
"""Kinds of which something large at an end of a track is doubted if no detector sees a face."""

_PART_OF = {Kind.FACE: (Kind.HEAD, Kind.PERSON), Kind.HEAD: (Kind.FACE, Kind.PERSON)}
"""What a person also shows who decides to show one of these; nothing else shows another kind."""

_LONGEST_PAUSE = 3 * EXAMINE_EVERY
"""Seconds between two spots of one leak, at most."""


def find_leaks(
    spots: Sequence[Spot],
    dropouts: Sequence[Spot],
    output: Source,
    plan: Plan | None,
    second_opinion: SecondOpinion,
    checking: Checking,
) -> tuple[tuple[Leak, ...], tuple[Leak, ...]]:
    """What may still show somebody, and what is doubted.

    What resembles something at an end of its track is doubted if hiding it would hide more than
    `TOO_MUCH` of the picture in addition and no detector sees anything there.

    Args:
        spots: What the second-opinion detectors saw.
        dropouts: What was found without detectors.
        output: Read again where a spot is only suspected.
        plan: What the output was rendered with, if known; what its edits show is no leak.
        second_opinion: Judges spots by their scores.
        checking: Whether a suspected spot counts without more; so does one that is doubted then.
    """
    counted = _confirm(_not_shown_by_edits(spots, plan), output, second_opinion, checking)
    alike = [s for s in _not_shown_by_edits(dropouts, plan) if not _is_among(s, counted)]
    large = [] if checking.strict or plan is None else _too_large(alike, plan)
    doubted = _not_seen_at_all(large, output, second_opinion)
    counted += [spot for spot in alike if spot not in doubted]
    return _group_spots(counted), _group_spots(list(doubted))


def _too_large(spots: Sequence[Spot], plan: Plan) -> list[Spot]:
    """Those at an end that would hide too much of the picture in addition to what is hidden.

    People, screens and text may be as large as they like: no detector of faces speaks for them.
    """
    doubtful = (s for s in spots if s.why == AT_AN_END and s.kind in _DOUBTED)
    return [s for s in doubtful if box_hides_too_much(plan, s.kind, s)]


def _not_seen_at_all(
    spots: Sequence[Spot], output: Source, second_opinion: SecondOpinion
) -> set[Spot]:
    """Those of things of which no detector sees anything in any of their frames."""
    things = _group_spots(spots)
    wanted = {spot.frame for spot in spots} if second_opinion.names else set()
    seen: set[Leak] = set()
    for frame in output.frames() if wanted else ():
        for thing in things if frame.index in wanted else ():
            here = (s for s in thing.spots if s.frame == frame.index and thing not in seen)
            if any(_sees(second_opinion, frame, spot) for spot in here):
                seen.add(thing)
    return {spot for thing in things if thing not in seen for spot in thing.spots}


def _sees(second_opinion: SecondOpinion, frame: Frame, spot: Spot) -> bool:
    there = second_opinion.reexamine(frame, replace(spot, kind=Kind.FACE))
    return second_opinion.verdict(there) != "nothing"


def _not_shown_by_edits(spots: Sequence[Spot], plan: Plan | None) -> list[Spot]:
    """Those that no person decided to show."""
    return [spot for spot in spots if plan is None or not _shown_by_edit(spot, plan)]


def _shown_by_edit(spot: Spot, plan: Plan) -> bool:
    """Whether a person decided that this may be seen."""
    kinds = (spot.kind, *_PART_OF.get(spot.kind, ()))
    shown = (it for it in plan.shown(spot.frame, spot.time) if it.track.kind in kinds)
    return any(it.region.box.overlap(spot.box) >= ENOUGH * spot.box.area for it in shown)


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
    here = (s for s in counted if s.frame == spot.frame and s.kind is spot.kind)
    return any(s.box.iou(spot.box) >= _SAME_PLACE for s in here)


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
