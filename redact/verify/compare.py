"""Verifying: an output's own frames beside the source's, and what witnesses still see in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from redact.core.coverage import Cover
from redact.core.frames import Frame, upright
from redact.core.geometry import Box, Region
from redact.core.interfaces import Progress, Source, Style
from redact.core.parallel import map_ahead
from redact.core.plan import Plan, ShowTrack
from redact.errors import VerificationError
from redact.hide.masks import Mask, upright_mask
from redact.verify.dropouts import Dropouts
from redact.verify.residue import INSIDE, OUTSIDE, Residue, brightness, identical, residue
from redact.verify.result import Checking, Leak, Spot, Verification
from redact.verify.second_opinion import Depth, SecondOpinion

EXAMINE_EVERY = Fraction(3, 25)
"""Seconds from one look to the next."""

DEPTHS: tuple[Depth, ...] = ("both", "glance", "quick", "glance")
"""How closely, in turn: no half second goes unseen by either witness."""

NEIGHBOURS = 2
"""Frames before and after a suspicious spot that are looked at as well."""

_CHANGED = 24
"""Steps of 255 from which a pixel of an output without a plan is taken to be hidden."""

_CORE = -0.2
"""Growth of a box to its inner part, which must be hidden."""

_ENOUGH = 0.5
"""Share of it that must be."""

_SAME = 0.2
"""Intersection over union from which spots of two looks are one thing."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """One frame, twice.

    Args:
        source: As it was.
        output: As it was written.
        regions: What the plan hides; None without a plan.
        look: How closely the witnesses look, None if they do not.
    """

    source: Frame
    output: Frame
    regions: list[Region] | None
    examine: Depth | None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was found in one frame."""

    inside: float
    outside: float
    spots: tuple[Spot, ...]


def verify(
    source: Source,
    output: Source,
    plan: Plan | None,
    second_opinion: SecondOpinion,
    checking: Checking,
    progress: Progress,
    style: Style | None = None,
) -> Verification:
    """Compare all frames, and look at some.

    Args:
        source: The original.
        output: What was rendered from it.
        plan: What it was rendered with; without one, what differs is taken for what is hidden.
        second_opinion: The detectors that examine the output.
        checking: How.
        progress: Called for every frame.
        style: What the output was hidden with, if that draws a fine structure of its own.

    Raises:
        InputError: One of them cannot be read to the end.
        EngineError: A witness failed.
    """
    faults: list[str] = []
    pairs = _pairs(source, output, plan, checking, faults)
    moving = plan if not source.info.pages else None
    watch = Dropouts(moving.hidden_tracks if moving else (), moving.cuts if moving else ())
    spots: list[Spot] = []
    dropped: list[Spot] = []
    frames = looked = 0
    inside = outside = 0.0
    with closing(map_ahead(lambda pair: _examine(pair, second_opinion, style), pairs)) as examined:
        for pair, seen in examined:
            frames, looked = frames + 1, looked + bool(pair.examine and second_opinion.names)
            inside, outside = max(inside, seen.inside), max(outside, seen.outside)
            faults += _pixel_faults(pair, seen, faults)
            spots += seen.spots
            dropped += watch.update(pair.source, pair.output, pair.regions or ())
            progress("verify", frames, source.info.frames)
    counted = _confirmed(spots, output, plan, second_opinion, checking) if spots else []
    for spot in _not_shown_by_edits(dropped, plan):
        if not _is_among(spot, counted):
            counted.append(spot)
    return Verification(
        frames, looked, second_opinion.names, tuple(faults), _group(counted), inside, outside
    )


def _pairs(
    source: Source, output: Source, plan: Plan | None, checking: Checking, faults: list[str]
) -> Iterator[_Pair]:
    cover = plan.cover() if plan else None
    due: Fraction | None = None
    away: Fraction | None = None
    looks = 0
    ours, theirs = source.frames(), output.frames()
    while True:
        one, other = next(ours, None), next(theirs, None)
        if one is None or other is None:
            break
        _check_shape(one, other)
        away = other.time - one.time if away is None else away  # some containers begin at zero
        if other.time - one.time != away and not faults:
            faults.append(f"frame {one.index} is not shown at its time")
        examine: Depth | None = "both" if checking.every_frame or source.info.pages else None
        if examine is None and (due is None or one.time >= due):
            examine, due, looks = DEPTHS[looks % len(DEPTHS)], one.time + EXAMINE_EVERY, looks + 1
        regions = cover(one.index, one.time) if cover else None
        yield _Pair(one, replace(other, time=one.time), regions, examine)
    if (one is None) != (other is None):
        faults.append(f"there are {'more' if one is None else 'fewer'} frames than in the source")


def _check_shape(one: Frame, other: Frame) -> None:
    sizes = [f.picture.turn.upright_size(f.picture.stored_size) for f in (one, other)]
    if sizes[0] != sizes[1]:
        raise VerificationError(
            f"its pictures are {sizes[1].width}x{sizes[1].height}, "
            f"not {sizes[0].width}x{sizes[0].height}"
        )


def _examine(pair: _Pair, second_opinion: SecondOpinion, style: Style | None) -> _Seen:
    left = Residue()
    if pair.regions or not identical(pair.source.picture, pair.output.picture):
        left = residue(pair.source.picture, pair.output.picture, pair.regions or (), style)
    if not pair.examine:
        return _Seen(left.inside, left.outside, ())
    spots = second_opinion.examine(pair.output, _hidden(_mask(pair)), pair.examine)
    return _Seen(left.inside, left.outside, tuple(spots))


def _pixel_faults(pair: _Pair, seen: _Seen, known: Sequence[str]) -> list[str]:
    """The first of each kind is enough."""
    if pair.regions is None:
        return []
    place = f"at {float(pair.source.time):.2f} s (frame {pair.source.index})"
    found = []
    if seen.inside > INSIDE:
        found.append(f"what the plan hides shows {place}")
    if seen.outside > OUTSIDE:
        found.append(f"what the plan does not hide is changed {place}")
    kinds = {fault.split(" at ")[0] for fault in known}
    return [fault for fault in found if fault.split(" at ")[0] not in kinds]


def _mask(pair: _Pair) -> Mask:
    """Upright pixels that are hidden."""
    if pair.regions is not None:
        return upright_mask(pair.source.picture, pair.regions)
    turn = pair.source.picture.turn
    before, after = brightness(pair.source.picture), brightness(pair.output.picture, turn)
    changed: Mask = np.abs(before.astype(np.int16) - after) >= _CHANGED
    return np.asarray(upright(changed, turn))


def _hidden(mask: Mask) -> Callable[[Box], bool]:
    def hidden(box: Box) -> bool:
        inner = box.grown(_CORE)
        rows = slice(max(0, int(inner.top)), max(0, int(inner.bottom) + 1))
        columns = slice(max(0, int(inner.left)), max(0, int(inner.right) + 1))
        part = mask[rows, columns]
        return bool(part.size == 0 or part.mean() >= _ENOUGH)

    return hidden


def _confirmed(
    spots: Sequence[Spot],
    output: Source,
    plan: Plan | None,
    second_opinion: SecondOpinion,
    checking: Checking,
) -> list[Spot]:
    """The spots that count, each with the reason."""
    shown = _not_shown_by_edits(spots, plan)
    sure = [replace(s, why="seen") for s in shown if second_opinion.verdict(s) == "certain"]
    doubtful = [spot for spot in shown if second_opinion.verdict(spot) == "suspected"]
    if checking.strict:
        return sure + [replace(spot, why="suspected") for spot in doubtful]
    return sure + _seen_nearby(doubtful, output, second_opinion)


def _is_among(spot: Spot, counted: Sequence[Spot]) -> bool:
    return any(s.frame == spot.frame and s.box.iou(spot.box) >= _SAME for s in counted)


def _not_shown_by_edits(spots: Sequence[Spot], plan: Plan | None) -> list[Spot]:
    """Those that no person decided to show."""
    return [spot for spot in spots if plan is None or not _shown_by_edit(spot, plan)]


def _shown_by_edit(spot: Spot, plan: Plan) -> bool:
    """Whether a person decided that this may be seen."""
    named = {edit.track for edit in plan.edits if isinstance(edit, ShowTrack)}
    tracks = [track for track in plan.tracks if track.id in named]
    hidden = Cover(tracks, plan.cuts, plan.recipe.coverage).hidden(spot.frame, spot.time)
    return any(item.region.box.overlap(spot.box) >= _ENOUGH * spot.box.area for item in hidden)


def _seen_nearby(
    spots: Sequence[Spot], output: Source, second_opinion: SecondOpinion
) -> list[Spot]:
    """Suspicious spots that are a face for certain in a neighbouring frame, if frames have any."""
    if output.info.pages:
        return []
    wanted: dict[int, list[Spot]] = {}
    for spot in spots:
        for index in range(spot.frame - NEIGHBOURS, spot.frame + NEIGHBOURS + 1):
            if index != spot.frame:
                wanted.setdefault(index, []).append(spot)
    found: set[Spot] = set()
    if wanted:
        for frame in output.frames():
            for spot in wanted.get(frame.index, ()):
                if (
                    spot not in found
                    and second_opinion.verdict(second_opinion.reexamine(frame, spot)) == "certain"
                ):
                    found.add(spot)
    return [replace(spot, why="seen in a neighbouring frame") for spot in spots if spot in found]


def _group(spots: Sequence[Spot]) -> tuple[Leak, ...]:
    """Spots of consecutive looks at one place, joined."""
    groups: list[list[Spot]] = []
    for spot in sorted(spots, key=lambda s: s.time):
        home = next((group for group in reversed(groups) if _continues(group[-1], spot)), None)
        groups.append([spot]) if home is None else home.append(spot)
    return tuple(Leak(tuple(group)) for group in groups)


def _continues(last: Spot, spot: Spot) -> bool:
    if last.time == spot.time or spot.time - last.time > 3 * EXAMINE_EVERY:
        return False
    side = max(last.box.width, last.box.height, spot.box.width, spot.box.height)
    away = max(abs(a - b) for a, b in zip(last.box.centre, spot.box.centre, strict=True))
    return last.box.iou(spot.box) >= _SAME or away <= side
