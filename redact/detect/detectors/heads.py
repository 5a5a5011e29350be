"""Heads from every side, found by PoseNet (card: `redact/detect/weights/heads.md`).

PoseNet finds points of bodies: nose, eyes, ears, shoulders and others (Papandreou et al., ECCV
2018). Ears and shoulders show from behind too. From each point of a head that is clear the network
tells where the others of the same person are; their distances tell how large the head is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from redact.core.findings import Detection, Kind
from redact.core.frames import Rgb
from redact.core.geometry import Box
from redact.detect.detectors.boxes import detect_in_batches
from redact.detect.detectors.session import Session, Tensor, make_batch

_STRIDE = 16
"""Pixels from one point of the network's maps to the next."""
_RED_FIRST = slice(None)

_NOSE, _LEFT_EYE, _RIGHT_EYE, _LEFT_EAR, _RIGHT_EAR, _LEFT_SHOULDER, _RIGHT_SHOULDER = range(7)
"""The network's first points; left is the person's."""
_HEAD = slice(_NOSE, _LEFT_SHOULDER)
_EYES, _EARS = [_LEFT_EYE, _RIGHT_EYE], [_LEFT_EAR, _RIGHT_EAR]
_SHOULDERS = [_LEFT_SHOULDER, _RIGHT_SHOULDER]
_POINTS = 7
_ALL_POINTS = 17

_LINKS = {
    (_NOSE, _LEFT_EYE): 0,
    (_LEFT_EYE, _LEFT_EAR): 1,
    (_NOSE, _RIGHT_EYE): 2,
    (_RIGHT_EYE, _RIGHT_EAR): 3,
    (_NOSE, _LEFT_SHOULDER): 4,
    (_NOSE, _RIGHT_SHOULDER): 10,
}
"""From two neighbouring points to the place of their link among the network's 16."""
_ALL_LINKS = 16

_SEEN = 0.25
"""Score from which a point that was reached from another one counts."""

_LENGTHS = {
    (_LEFT_EAR, _RIGHT_EAR): 0.155,
    (_LEFT_EYE, _RIGHT_EYE): 0.066,
    (_LEFT_EYE, _LEFT_EAR): 0.1,
    (_RIGHT_EYE, _RIGHT_EAR): 0.1,
    (_NOSE, _LEFT_EAR): 0.145,
    (_NOSE, _RIGHT_EAR): 0.145,
    (_NOSE, _LEFT_EYE): 0.055,
    (_NOSE, _RIGHT_EYE): 0.055,
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
        outputs = ("scores", "offsets", "outwards", "inwards")
        self._session = Session("heads.onnx", outputs)

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        """Heads per picture, hair included, in its own pixels, each with at least that score."""
        return detect_in_batches(pictures, lambda batch: self._detect_batch(batch, threshold))

    def _detect_batch(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        outputs = self._session.run(make_batch(pictures, _RED_FIRST))
        return [_decode(_Maps(*maps), threshold) for maps in zip(*outputs, strict=True)]


@dataclass(frozen=True, slots=True)
class _Maps:
    """What the network says of one picture, each (channels, rows, columns).

    Args:
        scores: Of each kind of point.
        offsets: Pixels down and across from a place of the maps to the point that is near.
        outwards: Pixels down and across from a point to its neighbour away from the nose.
        inwards: The same towards the nose.
    """

    scores: Tensor
    offsets: Tensor
    outwards: Tensor
    inwards: Tensor

    def maxima(self, point: int, threshold: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns at which a kind of point has a local maximum of at least that score."""
        scores = self.scores[point]
        highest = cv2.dilate(scores, np.ones((3, 3)))
        rows, columns = np.nonzero((scores >= threshold) & (scores >= highest))
        return rows, columns

    def place(
        self, point: int, rows: NDArray[np.intp], columns: NDArray[np.intp]
    ) -> tuple[Tensor, Tensor]:
        """The points near these places: (n, 2) across and down in pixels, and (n,) scores."""
        across = columns * _STRIDE + self.offsets[_ALL_POINTS + point, rows, columns]
        down = rows * _STRIDE + self.offsets[point, rows, columns]
        there = np.stack([across, down], axis=1).astype(np.float32)
        return there, self.scores[point, rows, columns]

    def follow(self, start: int, end: int, places: Tensor) -> tuple[Tensor, Tensor]:
        """From points of one kind to the same persons' points of a neighbouring kind."""
        rows, columns = self._nearest(places)
        outwards = (start, end) in _LINKS
        link = _LINKS[(start, end) if outwards else (end, start)]
        moves = self.outwards if outwards else self.inwards
        across, down = moves[_ALL_LINKS + link, rows, columns], moves[link, rows, columns]
        return self.place(end, *self._nearest(places + np.stack([across, down], axis=1)))

    def _nearest(self, places: Tensor) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        limits = np.array(self.scores.shape[:0:-1]) - 1  # columns, rows
        near = np.clip(np.rint(places / _STRIDE), 0, limits).astype(np.intp)
        return near[:, 1], near[:, 0]


def _decode(maps: _Maps, threshold: float) -> list[Detection]:
    """The heads of one picture, the best first."""
    traced = [_trace(maps, point, threshold) for point in range(_LEFT_SHOULDER)]
    places = np.concatenate([places for places, _ in traced])
    scores = np.concatenate([scores for _, scores in traced])
    found = [_measure(*person) for person in zip(places, scores, strict=True)]
    return _drop_doubles([head for head in found if head is not None])


def _trace(maps: _Maps, root: int, threshold: float) -> tuple[Tensor, Tensor]:
    """Persons from each maximum of one point: places (n, 7, 2) and scores (n, 7)."""
    rows, columns = maps.maxima(root, threshold)
    places = np.zeros((len(rows), _POINTS, 2), np.float32)
    scores = np.zeros((len(rows), _POINTS), np.float32)
    places[:, root], scores[:, root] = maps.place(root, rows, columns)
    known, ends = [root], [root]
    while ends:
        start = ends.pop(0)
        neighbours = {point for link in _LINKS if start in link for point in link}
        for end in sorted(neighbours.difference(known)):
            places[:, end], scores[:, end] = maps.follow(start, end, places[:, start])
            known.append(end)
            ends.append(end)
    return places, scores


def _measure(places: Tensor, scores: Tensor) -> Detection | None:
    """The head of one person.

    Args:
        places: (7, 2), across and down in pixels.
        scores: (7,).

    Returns:
        None if there is nothing from which its size can be told.
    """
    seen = scores >= min(_SEEN, scores[_HEAD].max())
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
    face, ears = places[:_LEFT_EAR][seen[:_LEFT_EAR]], places[_EARS][seen[_EARS]]
    middle: Tensor = (ears if len(ears) else face).mean(axis=0)
    if len(ears) != 1:
        return middle
    if len(face):
        middle += np.float32(_FROM_EAR) * (face.mean(axis=0) - middle)
    elif seen[_SHOULDERS].all():  # from behind: over the middle of the shoulders
        most = scale * _LENGTHS[_LEFT_EAR, _RIGHT_EAR] / 2
        middle[0] += np.clip(places[_SHOULDERS, 0].mean() - middle[0], -most, most)
    return middle


def _drop_doubles(found: Sequence[Detection]) -> list[Detection]:
    """Each head once: a person is found from every point that is clear."""
    kept: list[Detection] = []
    for head in sorted(found, key=lambda head: -head.score):
        if not any(_are_same(head.box, other.box) for other in kept):
            kept.append(head)
    return kept


def _are_same(one: Box, other: Box) -> bool:
    away = max(abs(a - b) for a, b in zip(one.centre, other.centre, strict=True))
    return away < _SAME * min(one.width, other.width)
