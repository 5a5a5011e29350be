"""Association: which detection belongs to which track.

A pair is scored by the intersection over union of the detection and the track's predicted box, or,
where they do not overlap enough, by how near their centres are. Pairs are then taken greedily, the
best first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from redact.core.findings import Detection, Kind
from redact.core.geometry import Box

_MIN_IOU = 0.2
"""Least intersection over union of a detection and the predicted box."""
_MAX_DISTANCE = 0.7
"""Centres nearer than this, in sides, match even without overlap, if the sizes are alike."""
_MIN_AREA_RATIO = 0.5
"""Least ratio of the smaller to the larger area of two such boxes."""


class Predicted(Protocol):
    """A track with its predicted box in this frame, in pixels of the upright picture."""

    kind: Kind
    box: Box


def associate(
    tracks: Sequence[Predicted], detections: Sequence[Detection]
) -> list[tuple[int, int]]:
    """Pairs of one track and one detection each, the best match first.

    Returns:
        The places of both in the two lists; no place comes twice.
    """
    close = find_candidate_pairs(
        [track.box for track in tracks], [detection.box for detection in detections]
    )
    scored = ((_match_score(tracks[i], detections[j]), i, j) for i, j in close)
    free_tracks, free_detections = set(range(len(tracks))), set(range(len(detections)))
    pairs = []
    for score, i, j in sorted(scored, reverse=True):
        if score > 0 and i in free_tracks and j in free_detections:
            free_tracks.remove(i)
            free_detections.remove(j)
            pairs.append((i, j))
    return pairs


def find_candidate_pairs(ones: Sequence[Box], others: Sequence[Box]) -> list[tuple[int, int]]:
    """All pairs of boxes that could match, as places in both lists; a quick first test.

    Only some of them do match: those that overlap enough or have a `proximity`. No pair that is
    left out does.
    """
    if not ones or not others:
        return []
    one, other = (
        np.array([(*box.centre, box.width, box.height) for box in boxes])
        for boxes in (ones, others)
    )
    away = np.abs(one[:, None, :2] - other[None, :, :2])
    sides = one[:, None, 2:] + other[None, :, 2:]
    reach = np.maximum(sides / 2, _MAX_DISTANCE * sides.mean(axis=2, keepdims=True) / 2)
    return [(i, j) for i, j in np.argwhere((away <= reach).all(axis=2)).tolist()]


def _match_score(track: Predicted, detection: Detection) -> float:
    """Above 0 if the detection may be the track's; any overlap beats any distance."""
    if track.kind != detection.kind:
        return 0.0
    overlap = track.box.iou(detection.box)
    return 1 + overlap if overlap >= _MIN_IOU else proximity(track.box, detection.box)


def proximity(one: Box, other: Box) -> float:
    """1 where two boxes have one centre, less with the distance of their centres in sides.

    0 where the boxes cannot be of one thing: too far apart, or of sizes that are not alike.
    """
    side = (one.width + one.height + other.width + other.height) / 4
    away = max(abs(a - b) for a, b in zip(one.centre, other.centre, strict=True)) / max(side, 1e-6)
    area_ratio = min(one.area, other.area) / max(one.area, other.area, 1e-6)
    return 1 - away if away < _MAX_DISTANCE and area_ratio >= _MIN_AREA_RATIO else 0.0
