"""Cuts: indices of the frames that begin a new shot, ascending, and what they tell."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from redact.core.findings import Track


def shot_at(frame: int, cuts: Sequence[int]) -> int:
    """The number of the shot that a frame is in, from 0."""
    return bisect_right(cuts, frame)


def shot_of(track: Track, cuts: Sequence[int]) -> int:
    """The number of the shot that a track is in; it never lies in two."""
    return shot_at(track.sightings[0].frame, cuts)


def frames_of_shot(frame: int, cuts: Sequence[int], frames: int) -> range:
    """The frames of the shot that a frame is in.

    Args:
        frame: Its index.
        cuts: Indices of frames that begin a new shot, ascending.
        frames: How many frames there are; the last shot ends there.
    """
    shot = shot_at(frame, cuts)
    return range(cuts[shot - 1] if shot else 0, cuts[shot] if shot < len(cuts) else frames)
