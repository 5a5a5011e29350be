"""Which tracks are uncertain: those that were never detected with a score that is high enough."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from redact.core.cuts import frames_of_shot
from redact.core.findings import Detection, Kind, Track
from redact.core.geometry import Size
from redact.core.passes import REFERENCE_RATE
from redact.core.recipe import TRACK_KNEE, Recipe, size_penalty

SHORTEST_SHOT = 0.5
"""Seconds: in a shorter shot nothing is detected often enough to be told from a false positive."""


def mark_uncertain(
    tracks: Iterable[Track],
    recipe: Recipe,
    size: Size,
    brief: Callable[[Track], bool] | None = None,
) -> tuple[Track, ...]:
    """The tracks, with `uncertain` set on those whose best score stays below the threshold.

    Args:
        tracks: In pixels of the upright picture.
        recipe: Says what the best score must reach.
        size: Of the upright picture.
        brief: Whether a track was there too briefly to be judged; such a one is certain.
    """

    def is_uncertain(track: Track) -> bool:
        if brief is not None and brief(track):
            return False
        return _best_score(track, size, recipe.slope) < recipe.track_threshold_of(track.kind)

    return tuple(replace(track, uncertain=is_uncertain(track)) for track in tracks)


@dataclass(frozen=True, slots=True)
class Briefness:
    """Tells which tracks were there too briefly to be judged by their best score.

    Args:
        cuts: Indices of frames that begin a new shot, ascending.
        frames: How many frames there are.
        rate: Frames a second.
        restless: Indices of frames amid pictures that are nearly all unlike each other.
    """

    cuts: Sequence[int]
    frames: int
    rate: Fraction | None
    restless: Collection[int] = frozenset()

    def __call__(self, track: Track) -> bool:
        """Whether its shot is short, or all its detections lie in restless frames."""
        detected = [s.frame for s in track.sightings if s.score > 0]
        if not detected:
            return False
        shot = len(frames_of_shot(detected[0], self.cuts, self.frames))
        is_short = shot < SHORTEST_SHOT * float(self.rate or REFERENCE_RATE)
        is_whole = shot == self.frames  # a short video is no short shot
        return (is_short and not is_whole) or all(f in self.restless for f in detected)


def _best_score(track: Track, size: Size, slope: float) -> float:
    """The best score of a track's sightings, a face's each less the penalty for its size."""
    if track.kind is not Kind.FACE:
        return max(s.score for s in track.sightings)
    seen = (Detection(track.kind, s.box, s.score) for s in track.sightings)
    return max(d.score - size_penalty(d, size, slope, TRACK_KNEE) for d in seen)
