"""Which tracks are uncertain: those that were never detected with a score that is high enough."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from redact.core.findings import Detection, Track
from redact.core.geometry import Size
from redact.core.recipe import TRACK_KNEE, Recipe, size_penalty


def mark_uncertain(tracks: Iterable[Track], recipe: Recipe, size: Size) -> tuple[Track, ...]:
    """The tracks, with `uncertain` set on those whose best score stays below the threshold.

    Args:
        tracks: In pixels of the upright picture.
        recipe: Says what the best score must reach.
        size: Of the upright picture.
    """
    return tuple(
        replace(t, uncertain=_best_score(t, size, recipe.slope) < recipe.track_threshold_of(t.kind))
        for t in tracks
    )


def _best_score(track: Track, size: Size, slope: float) -> float:
    """The best score of a track's sightings, each less the penalty for its size."""
    seen = (Detection(track.kind, s.box, s.score) for s in track.sightings)
    return max(d.score - size_penalty(d, size, slope, TRACK_KNEE) for d in seen)
