"""Suggestions for whoever reviews a plan: which tracks may be of one person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from redact.core.frames import Frame
from redact.core.interfaces import Progress, Source
from redact.core.plan import Plan
from redact.people.gallery import best_sightings, take_portraits
from redact.people.groups import Suggestion, suggest_groups


@dataclass(frozen=True, slots=True)
class Likeness:
    """What comparing the faces of a plan's tracks came to.

    Args:
        groups: Tracks that may be of one person.
        compared: Tracks that showed enough: two of them in no common group look different.
    """

    groups: tuple[Suggestion, ...] = ()
    compared: frozenset[int] = frozenset()


def suggest_people(
    source: Source,
    plan: Plan,
    *,
    frame_at: Callable[[int], Frame] | None = None,
    progress: Progress = lambda *_: None,
) -> Likeness:
    """Groups of tracks that may be of one person; nothing is decided, and nothing is written.

    Two tracks that were detected in one frame are never in one group. What is computed from faces
    is forgotten when this returns.

    Args:
        source: What the plan was made from, in clear.
        plan: Its face tracks are compared.
        frame_at: A quicker way to single frames than to read the source from its start.
        progress: Called for every frame that is read.

    Raises:
        PlanError: The plan is of another source.
        InputError: The source cannot be read.
        EngineError: A network failed.
    """
    plan.check_source(source.fingerprint, source.path)
    portraits = take_portraits(source, plan, best_sightings, progress, frame_at)
    compared = frozenset(track for track, taken in portraits.items() if taken)
    return Likeness(suggest_groups(plan.tracks, portraits), compared)
