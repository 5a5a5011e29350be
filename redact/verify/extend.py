"""Extending: a plan that also hides what a check of its output found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import count

from redact.core.coverage import Cover
from redact.core.findings import Detection, Track
from redact.core.frames import Frame
from redact.core.history import free_number
from redact.core.interfaces import Progress, Source, Tracker, View
from redact.core.plan import Plan
from redact.pipeline import EveryFrame, analyse
from redact.verify.hidden import box_hides_too_much
from redact.verify.result import AT_AN_END, Leak, Spot

_OVERLAP = 0.3
"""Share of a spot that a listed track must cover to be the same thing."""


def extend_plan(
    plan: Plan,
    leaks: Sequence[Leak],
    source: Source,
    see: Callable[[Frame], View],
    tracker: Tracker,
    progress: Progress,
) -> Plan:
    """The plan with the leaks hidden too: each is tracked both ways through the source.

    A track that is only listed as uncertain, and that a leak lies on, is hidden as a whole, since
    two families of detectors now agree on it.

    Args:
        plan: What the output was rendered with.
        leaks: What was found in it.
        source: The original.
        see: From a frame to what a tracker keeps of it, without detections.
        tracker: A fresh one.
        progress: Called for every frame.
    """
    spots = [spot for leak in leaks for spot in leak.spots]
    threshold = plan.recipe.high_threshold

    def see_leaks(frame: Frame) -> View:
        here = [spot for spot in spots if spot.frame == frame.index]
        found = tuple(Detection(s.kind, s.box, max(threshold, s.score)) for s in here)
        return replace(see(frame), detections=found)

    analyse(source, EveryFrame(see_leaks), tracker, partial(_as_following, progress))
    known = tuple(_hide_if_confirmed(track, spots, plan) for track in plan.tracks)
    ids = count(free_number(plan))
    found = (_without_too_much(track, spots, plan) for track in tracker.tracks())
    new = tuple(replace(track, id=next(ids)) for track in found)
    return replace(plan, tracks=known + new, result=None)


def _without_too_much(track: Track, spots: Sequence[Spot], plan: Plan) -> Track:
    """The track, without followed boxes that hide too much if nothing but a likeness says so."""
    frames = {seen.frame: seen.box for seen in track.sightings if seen.score > 0}
    mine = [s for s in spots if s.frame in frames and s.box.iou(frames[s.frame]) >= _OVERLAP]
    if any(spot.why != AT_AN_END for spot in mine):
        return track
    kept = tuple(
        seen
        for seen in track.sightings
        if seen.score > 0 or not box_hides_too_much(plan, track.kind, seen)
    )
    return replace(track, sightings=kept)


def _as_following(progress: Progress, _: str, done: int, expected: int | None) -> None:
    """Progress of this analysis under a name of its own."""
    progress("follow", done, expected)


def _hide_if_confirmed(track: Track, spots: Sequence[Spot], plan: Plan) -> Track:
    """The track, no longer uncertain if a spot lies where it would be hidden."""
    if not track.uncertain:
        return track
    for spot in sorted(spots, key=lambda s: s.frame):
        cover = Cover([track], plan.cuts, plan.recipe.coverage)
        hidden = cover.hidden(spot.frame, spot.time)
        if any(h.region.box.overlap(spot.box) >= _OVERLAP * spot.box.area for h in hidden):
            return replace(track, uncertain=False)
    return track
