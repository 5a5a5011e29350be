"""Comparing an output with its source, frame by frame: structure, pixels, and who still shows."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from hashlib import sha256
from typing import TypeAlias

from redact.core.frames import Frame, upright_size
from redact.core.geometry import Box, Region
from redact.core.interfaces import Progress, Source, Style
from redact.core.parallel import map_ahead
from redact.core.plan import Plan
from redact.detect.copies import GREY_SIDE
from redact.detect.novelty import NoveltyWatch
from redact.detect.schedule import PassCache, PassClock
from redact.detect.spans import digest_picture
from redact.errors import VerificationError
from redact.verify.dropouts import Dropouts
from redact.verify.hidden import hidden_by_mask, hidden_mask
from redact.verify.leaks import find_leaks
from redact.verify.passes import DEPTHS, Depth, DuePass
from redact.verify.residue import OUTSIDE, Residue, brightness, identical, residue
from redact.verify.result import Checking, Spot, Verification
from redact.verify.second_opinion import SecondOpinion


def verify(
    source: Source,
    output: Source,
    plan: Plan | None,
    second_opinion: SecondOpinion,
    checking: Checking,
    progress: Progress,
    style: Style | None = None,
    *,
    structured: bool = False,
    cache: PassCache | None = None,
    compared: Compared | None = None,
) -> Verification:
    """Compare all frames of an output with its source's, and examine some with detectors.

    Args:
        source: The original.
        output: What was rendered from it.
        plan: What it was rendered with; without one, what differs is taken for what is hidden.
        second_opinion: The detectors that examine the output.
        checking: How many frames are examined, and which spots count.
        progress: Called for every frame.
        style: What the output was hidden with, None if that is not known.
        structured: Whether it draws much fine structure of its own, as a cover does.
        cache: Spares the detectors the passes over the output that it knows.
        compared: Frames that are in it are not compared again; the others are added.

    Raises:
        InputError: One of them cannot be read to the end.
        VerificationError: Their pictures differ in size.
        EngineError: A detector failed.
    """
    faults: list[str] = []
    spots: list[Spot] = []
    dropouts: list[Spot] = []
    shows: list[Spot] = []
    changed: list[tuple[int, Fraction]] = []
    every = checking.every_frame or source.info.pages
    frames = examined = closely = 0
    inside = outside = 0.0
    pairs = _pair_frames(source, output, plan, Depths(every), faults)
    known = None if plan is None else compared
    planned = _plan_passes(pairs, second_opinion, cache, known)
    watch = _watch_dropouts(source, plan)
    compare = partial(_compare, second_opinion=second_opinion, style=style, structured=structured)
    with closing(map_ahead(compare, planned)) as done:
        for pair, found in done:
            frames += 1
            closely += pair.depth == "both" and bool(second_opinion.searched)
            examined += pair.depth is not None and bool(second_opinion.names)
            inside, outside = max(inside, found.inside), max(outside, found.outside)
            if pair.regions is not None:
                shows += found.shows
                if found.outside > OUTSIDE:
                    changed.append((pair.source.index, pair.source.time))
            spots += found.spots
            if known is not None and pair.key is not None:
                known[pair.key] = found
            dropouts += watch.update(pair.source, pair.output, pair.regions or ())
            progress("verify", frames, source.info.frames)
    leaks, doubts = find_leaks(spots, dropouts, output, plan, second_opinion, checking)
    return Verification(
        frames,
        examined if second_opinion.names else closely,
        second_opinion.names,
        tuple(faults),
        leaks,
        inside,
        outside,
        shows=tuple(shows),
        changed=tuple(changed),
        doubts=doubts,
        searched=second_opinion.searched,
        unsearched=second_opinion.unsearched,
        closely=closely,
    )


@dataclass(frozen=True, slots=True)
class _Pair:
    """One frame of the source and of the output.

    Args:
        source: As it was.
        output: As it was written, at the source's time.
        regions: What the plan hides, in pixels of the upright picture; None without a plan.
        depth: How thoroughly the output is examined by detectors, None for not at all.
        due: The passes of these.
        key: In `Compared`, None without it.
        found: What was found in this very frame before, None if it was not compared.
    """

    source: Frame
    output: Frame
    regions: list[Region] | None
    depth: Depth | None
    due: tuple[DuePass, ...] = ()
    key: _Key | None = None
    found: _Comparison | None = None


@dataclass(frozen=True, slots=True)
class _Comparison:
    """What was found in one pair.

    Args:
        inside: As `Residue` has it.
        outside: As `Residue` has it.
        shows: Regions that resemble their source.
        spots: What the detectors saw.
    """

    inside: float
    outside: float
    shows: tuple[Spot, ...] = ()
    spots: tuple[Spot, ...] = ()


_Key: TypeAlias = tuple[int, Depth | None, bytes]

Compared: TypeAlias = dict[_Key, _Comparison]
"""What was found in frames of an output, by their index, how thoroughly they were examined, and a
digest of the picture and what is hidden there. All else that counts is the same in every round."""


def _pair_frames(
    source: Source, output: Source, plan: Plan | None, depths: Depths, faults: list[str]
) -> Iterator[_Pair]:
    """The frames of both files side by side; adds to the faults what is wrong with structure."""
    cover = plan.cover() if plan else None
    offset: Fraction | None = None
    told, last = False, plan.source.frames - 1 if plan else None
    originals, outputs = source.frames(), output.frames()
    while True:
        one, other = next(originals, None), next(outputs, None)
        if one is None or other is None:
            break
        _check_size(one, other)
        offset = other.time - one.time if offset is None else offset  # some containers start at 0
        if other.time - one.time != offset and not told:
            told = True
            faults.append(f"frame {one.index} is not shown at its time")
        regions = cover(one.index, one.time) if cover else None
        due = depths.due(one)
        depth: Depth | None = "both" if one.index == last else due  # players go on showing it
        yield _Pair(one, replace(other, time=one.time), regions, depth)
    if (one is None) != (other is None):
        faults.append(f"there are {'more' if one is None else 'fewer'} frames than in the source")


def _plan_passes(
    pairs: Iterable[_Pair],
    second_opinion: SecondOpinion,
    cache: PassCache | None,
    known: Compared | None,
) -> Iterator[_Pair]:
    """The pairs with the passes that are due on them, or with what was found there before."""
    for pair in pairs:
        if cache is not None:
            cache.advance(pair.output)
        key = found = None
        if known is not None:
            digest = sha256(digest_picture(pair.output.picture).encode())
            digest.update(pickle.dumps(pair.regions))  # few bytes to keep for each frame of hours
            key = pair.source.index, pair.depth, digest.digest()
            found = known.get(key)
        due: tuple[DuePass, ...] = ()
        if pair.depth and found is None:
            due = second_opinion.plan(pair.output, pair.depth, cache)
        yield replace(pair, due=due, key=key, found=found)


class Depths:
    """How thoroughly each frame of a video is examined: as `DEPTHS` says, by its time.

    A picture unlike the last one that was examined is examined at once, and thoroughly.

    Args:
        every: Whether all are examined thoroughly.
    """

    def __init__(self, every: bool) -> None:
        self._every = every
        self._clock = PassClock()
        self._novelty = NoveltyWatch()

    def due(self, frame: Frame) -> Depth | None:
        """That of this frame, None for most; asked for every frame, in order."""
        if self._every:
            return "both"
        self._clock.advance(frame.time)
        grey = brightness(frame.picture)
        step = max(1, max(grey.shape) // GREY_SIDE)
        small = grey[::step, ::step]
        starting = (d for every, d in DEPTHS.items() if self._clock.starts_span(every))
        depth = next(starting, None)
        if depth is None and self._novelty.is_new(small):
            depth = "both"
        if depth is not None:
            self._novelty.take(small)
        return depth


def _check_size(one: Frame, other: Frame) -> None:
    sizes = [upright_size(f.picture) for f in (one, other)]
    if sizes[0] != sizes[1]:
        raise VerificationError(
            f"its pictures are {sizes[1].width}x{sizes[1].height}, "
            f"not {sizes[0].width}x{sizes[0].height}"
        )


def _watch_dropouts(source: Source, plan: Plan | None) -> Dropouts:
    """Watches what the plan hides; pictures and pages have no before and after: nothing there."""
    if plan is None or source.info.is_still:
        return Dropouts((), ())
    return Dropouts(plan.hidden_tracks, plan.cuts)


def _compare(
    pair: _Pair, second_opinion: SecondOpinion, style: Style | None, structured: bool
) -> _Comparison:
    """Compare the pixels of a pair, and examine the output if that is due."""
    if pair.found is not None:
        return pair.found
    found = second_opinion.run(pair.output, pair.due) if pair.due else {}
    before, after = pair.source.picture, pair.output.picture
    left = Residue()
    if pair.regions or not identical(before, after):
        left = residue(before, after, pair.regions or (), style, structured=structured)
    shows = tuple(_spot(pair.source, *item) for item in left.shows)
    if not pair.depth:
        return _Comparison(left.inside, left.outside, shows)
    is_hidden = hidden_by_mask(hidden_mask(before, after, pair.regions))
    spots = second_opinion.examine(pair.output, is_hidden, pair.depth, found)
    return _Comparison(left.inside, left.outside, shows, tuple(spots))


def _spot(frame: Frame, box: Box, correlation: float) -> Spot:
    scores = (("resemblance", round(correlation, 3)),)
    return Spot(frame.index, frame.time, box, scores, "resembles what it should hide")
