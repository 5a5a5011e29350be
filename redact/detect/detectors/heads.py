"""Heads from every side, found by the points of PoseNet (card: `redact/detect/weights/heads.md`).

Ears and shoulders show from behind too, and the distances of a head's points tell how large it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from redact.core.findings import Detection, Kind
from redact.core.frames import Rgb
from redact.core.geometry import Box
from redact.detect.detectors.posenet import (
    LEFT_EAR,
    LEFT_EYE,
    LEFT_SHOULDER,
    NOSE,
    RIGHT_EAR,
    RIGHT_EYE,
    RIGHT_SHOULDER,
    PoseNet,
)
from redact.detect.detectors.session import Tensor

_HEAD = slice(NOSE, LEFT_SHOULDER)
_EYES, _EARS = [LEFT_EYE, RIGHT_EYE], [LEFT_EAR, RIGHT_EAR]
_SHOULDERS = [LEFT_SHOULDER, RIGHT_SHOULDER]

SEEN = 0.25
"""Score from which a point that was reached from another one counts."""

_LENGTHS = {
    (LEFT_EAR, RIGHT_EAR): 0.155,
    (LEFT_EYE, RIGHT_EYE): 0.066,
    (LEFT_EYE, LEFT_EAR): 0.1,
    (RIGHT_EYE, RIGHT_EAR): 0.1,
    (NOSE, LEFT_EAR): 0.145,
    (NOSE, RIGHT_EAR): 0.145,
    (NOSE, LEFT_EYE): 0.055,
    (NOSE, RIGHT_EYE): 0.055,
}
"""Metres between two points of a grown head; in a picture they look shorter, if turned away."""
_SHOULDER_WIDTH = 0.36
_NECK = 0.27
"""Metres from one shoulder to the other, and from the middle of a head's points to theirs."""
_MOST = 2.0
"""How many times larger than by the shoulders a head can be: several that are near look like one
that is larger."""

_HALF_WIDTH, _HALF_HEIGHT = 0.115, 0.14
"""Metres from the middle of a head with its hair to its sides, and to crown and chin."""
_RISE = 0.018
"""Metres from the middle between the ears up to the middle of the head."""
_FROM_EAR = 0.35
"""Of the way from the one ear that is seen to the face: where the middle of the head is."""

_WIDE = 0.5
"""Of their distance seen from before, at which two ears or eyes tell how a head is tilted."""

_SAME = 0.5
"""Two heads whose middles are nearer than this, in sides of the smaller one, are the same."""


class Heads:
    """Finds heads of about 12 pixels and more, with or without a face, in pictures of any size."""

    def __init__(self) -> None:
        self._network = PoseNet()

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        """Heads per picture, hair included, in its own pixels, each with at least that score."""
        found = self._network.people(pictures, threshold)
        return [
            drop_doubles(head for person in people if (head := measure_head(*person)))
            for people in found
        ]


def measure_head(places: Tensor, scores: Tensor) -> Detection | None:
    """The head of one person.

    Args:
        places: (7, 2), across and down in pixels.
        scores: (7,).

    Returns:
        None if there is nothing from which its size can be told.
    """
    seen = scores >= min(SEEN, scores[_HEAD].max())
    middle = np.average(places[_HEAD][seen[_HEAD]], axis=0, weights=scores[_HEAD][seen[_HEAD]])
    scale = _scale(places, seen, middle)
    if not scale:
        return None
    up = _upwards(places, seen, middle, scale)
    across, down = _centre(places, seen, scale) + _RISE * scale * up
    width = 2 * scale * float(np.hypot(_HALF_WIDTH * up[1], _HALF_HEIGHT * up[0]))
    height = 2 * scale * float(np.hypot(_HALF_WIDTH * up[0], _HALF_HEIGHT * up[1]))
    box = Box.around(float(across), float(down), width, height)
    return Detection(Kind.HEAD, box, float(scores[_HEAD].max()))


def _scale(places: Tensor, seen: NDArray[np.bool_], middle: Tensor) -> float:
    """Pixels to a metre, 0 if unknown: every length is foreshortened, the longest one least."""
    within = [
        float(np.hypot(*(places[one] - places[other]))) / metres
        for (one, other), metres in _LENGTHS.items()
        if seen[one] and seen[other]
    ]
    neck, below = places[_SHOULDERS][seen[_SHOULDERS]], []
    if len(neck) == 1:
        below = [abs(float(neck[0, 1] - middle[1])) / _NECK]
    elif len(neck):
        below = [float(np.hypot(*(neck.mean(axis=0) - middle))) / _NECK]
        below.append(float(np.hypot(*(neck[0] - neck[1]))) / _SHOULDER_WIDTH)
    if not within or not below:
        return max(within + below, default=0.0)
    return min(max(within), _MOST * max(below))


def _upwards(places: Tensor, seen: NDArray[np.bool_], middle: Tensor, scale: float) -> Tensor:
    """The direction from chin to crown in the picture, of length 1; straight up if unknown."""
    for one, other in (_EARS, _EYES):
        across, down = places[one] - places[other]
        length = float(np.hypot(across, down))
        if not (seen[one] and seen[other]) or length < _WIDE * scale * _LENGTHS[one, other]:
            continue  # from the side they nearly meet, and tell nothing
        up = np.array([down, -across], np.float32) / np.float32(length)  # if seen from before
        neck = places[_SHOULDERS][seen[_SHOULDERS]]
        behind = bool(len(neck)) and float(up @ (middle - neck.mean(axis=0))) < 0
        return np.negative(up) if behind else up
    return np.array([0, -1], np.float32)


def _centre(places: Tensor, seen: NDArray[np.bool_], scale: float) -> Tensor:
    """The middle between the ears, as far as that can be told."""
    face, ears = places[:LEFT_EAR][seen[:LEFT_EAR]], places[_EARS][seen[_EARS]]
    middle: Tensor = (ears if len(ears) else face).mean(axis=0)
    if len(ears) != 1:
        return middle
    if len(face):
        middle += np.float32(_FROM_EAR) * (face.mean(axis=0) - middle)
    elif seen[_SHOULDERS].all():  # from behind: over the middle of the shoulders
        most = scale * _LENGTHS[LEFT_EAR, RIGHT_EAR] / 2
        middle[0] += np.clip(places[_SHOULDERS, 0].mean() - middle[0], -most, most)
    return middle


def drop_doubles(found: Iterable[Detection]) -> list[Detection]:
    """Each head once: a person is found from every point that is clear."""
    kept: list[Detection] = []
    for head in sorted(found, key=lambda head: -head.score):
        if not any(_are_same(head.box, other.box) for other in kept):
            kept.append(head)
    return kept


def _are_same(one: Box, other: Box) -> bool:
    away = max(abs(a - b) for a, b in zip(one.centre, other.centre, strict=True))
    return away < _SAME * min(one.width, other.width)
