"""PoseNet: points of bodies and whose they are (card: `redact/detect/weights/heads.md`).

It finds noses, eyes, ears, shoulders and others (Papandreou et al., ECCV 2018). From each point
that is clear the network tells where the others of the same person are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from redact.core.frames import Rgb
from redact.detect.detectors.boxes import detect_in_batches
from redact.detect.detectors.session import Session, Tensor, make_batch

_STRIDE = 16
"""Pixels from one point of the network's maps to the next."""
_RED_FIRST = slice(None)

NOSE, LEFT_EYE, RIGHT_EYE, LEFT_EAR, RIGHT_EAR, LEFT_SHOULDER, RIGHT_SHOULDER = range(7)
"""The network's first points; left is the person's."""
_POINTS = 7
_ALL_POINTS = 17

_LINKS = {
    (NOSE, LEFT_EYE): 0,
    (LEFT_EYE, LEFT_EAR): 1,
    (NOSE, RIGHT_EYE): 2,
    (RIGHT_EYE, RIGHT_EAR): 3,
    (NOSE, LEFT_SHOULDER): 4,
    (NOSE, RIGHT_SHOULDER): 10,
}
"""From two neighbouring points to the place of their link among the network's 16."""
_ALL_LINKS = 16


Person: TypeAlias = tuple[Tensor, Tensor]
"""Points of one person: (7, 2), across and down in pixels, and (7,), their scores from 0 to 1."""


class PoseNet:
    """Finds people by the points of their heads and shoulders, in pictures of any size."""

    def __init__(self) -> None:
        self._session = Session("heads.onnx", ("scores", "offsets", "outwards", "inwards"))

    def people(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Person]]:
        """People per picture, once from each point of a head with at least that score."""
        return detect_in_batches(pictures, lambda batch: self._batch(batch, threshold))

    def _batch(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Person]]:
        outputs = self._session.run(make_batch(pictures, _RED_FIRST))
        return [_trace_all(_Maps(*maps), threshold) for maps in zip(*outputs, strict=True)]


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


def _trace_all(maps: _Maps, threshold: float) -> list[Person]:
    """Everybody in one picture, once from each point of a head that is clear."""
    traced = [_trace(maps, point, threshold) for point in range(LEFT_SHOULDER)]
    return [person for places, scores in traced for person in zip(places, scores, strict=True)]


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
