"""Detections, sightings and tracks: a type per stage, so that none is skipped by accident."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

from redact.core.geometry import Box


class Kind(StrEnum):
    """What identifies someone; `redact.core.kinds` says more of each."""

    FACE = "face"
    PLATE = "plate"
    HEAD = "head"
    PERSON = "person"
    SCREEN = "screen"
    TEXT = "text"

    def __setstate__(self, state: object) -> None:
        """Refuse to be changed by a pickle: there is one of each in a process."""
        raise TypeError("a kind cannot be changed")


@dataclass(frozen=True, slots=True)
class Detection:
    """What one detector found in one picture: a box in its pixels, and a score from 0 to 1."""

    kind: Kind
    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class ObjectDetection:
    """An object that identifies nobody, but tells what is around a face or a plate.

    Args:
        name: Its class, by COCO's name: `car`, `person`, `tv`.
        box: In pixels of the picture; it may leave the picture.
        score: From 0 to 1.
    """

    name: str
    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where something is in one frame.

    Args:
        frame: The frame's index.
        time: The frame's time in seconds.
        box: In pixels of the upright picture.
        score: The detection's score, 0 where optical flow carried the box without a detection.
    """

    frame: int
    time: Fraction
    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class Track:
    """One thing through consecutive frames of one shot, in order of time, never empty.

    Args:
        id: Unique within one analysis only.
        kind: What it is.
        sightings: At most one a frame, in ascending order; frames between may be missing.
        uncertain: Whether it is probably a false positive; the recipe says if it is hidden.
        doubt: Why a track is uncertain, in words; empty for its score alone.
    """

    id: int
    kind: Kind
    sightings: tuple[Sighting, ...]
    uncertain: bool = False
    doubt: str = ""

    def __post_init__(self) -> None:
        frames = [s.frame for s in self.sightings]
        if not frames or any(b <= a for a, b in pairwise(frames)):
            raise ValueError(f"track {self.id}: sightings must be there, one a frame, in order")
