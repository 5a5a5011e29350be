"""Joins detections across frames: two-stage association, the picture itself as motion model.

Strong detections are matched first, weak ones to what is left, as in ByteTrack (Zhang et al.,
arXiv 2110.06864); instead of a Kalman filter, each box is followed through the picture, which also
carries it over frames in which nothing was detected, forwards and, from its first sighting,
backwards.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import count

from redact.coverage import Coverage, straight
from redact.cuts import CutFinder
from redact.findings import Detection, Kind, Sighting, Track
from redact.geometry import Box
from redact.interfaces import Followed, Follower, View

_MATCH = 0.2
"""Least intersection over union of a detection and the box that was expected."""
_NEAR = 0.7
"""Centres nearer than this, in sides, match even without overlap, if the sizes are alike."""
_ALIKE = 0.5
"""Least ratio of two matching boxes' areas."""
_TRUST = 0.25
"""Growth of a followed box on each side, in sides per second, while the picture gives hold."""
_DOUBT = 0.7
"""The same where it does not."""


@dataclass(slots=True)
class _Path:
    """A track in the making."""

    id: int
    kind: Kind
    box: Box
    seen: Sighting
    sightings: list[Sighting] = field(default_factory=list)
    unseen: list[Sighting] = field(default_factory=list)
    grown: float = 0.0

    def take(self, sighting: Sighting) -> None:
        """A detection: what was followed up to it is kept, drawn towards the straight line."""
        self.sightings += [_joined(s, self.seen, sighting) for s in self.unseen]
        self.sightings.append(sighting)
        self.unseen = []
        self.box, self.seen, self.grown = sighting.box, sighting, 0.0

    def tail(self, after: float) -> list[Sighting]:
        """What was followed since the last detection and is still held."""
        return [s for s in self.unseen if s.time - self.seen.time <= after]


def _joined(middle: Sighting, first: Sighting, last: Sighting) -> Sighting:
    box = middle.box.hull(straight(first, last, middle.time))
    return Sighting(middle.frame, middle.time, box, 0.0)


class PictureTracker:
    """One video's tracks.

    Args:
        coverage: How long things are followed unseen.
        sure: Score from which a detection is matched first.
        follower: How boxes are carried from frame to frame.
    """

    def __init__(self, coverage: Coverage, sure: float, follower: Follower) -> None:
        self._coverage = coverage
        self._sure = sure
        self._follower = follower
        self._cuts = CutFinder()
        self._cut_frames: list[int] = []
        self._past: deque[View] = deque()
        self._active: list[_Path] = []
        self._ended: list[Track] = []
        self._ids = count(1)

    def update(self, view: View) -> None:
        """Take the next frame."""
        if self._cuts.is_cut(view.grey):
            self._cut_frames.append(view.index)
            self._end(self._active)
            self._active, self._past = [], deque()
        self._carry(view)
        left = self._match(view)
        self._active += self._begin(left, view)
        self._end([p for p in self._active if self._lost(p, view.time)])
        self._active = [p for p in self._active if not self._lost(p, view.time)]
        self._remember(view)

    def tracks(self) -> list[Track]:
        """All tracks so far, the oldest first."""
        return sorted([*self._ended, *map(self._track, self._active)], key=lambda t: t.id)

    def cuts(self) -> list[int]:
        """Indices of the frames so far that begin a new shot."""
        return list(self._cut_frames)

    def _carry(self, view: View) -> None:
        """Move every active box to where the picture says it went."""
        if not self._past or not self._active:
            return
        before = self._past[-1]
        followed = self._followed(before, view, [path.box for path in self._active])
        seconds = float(view.time - before.time)
        for path, step in zip(self._active, followed, strict=True):
            path.box = step.box
            path.grown += _growth(step, seconds)

    def _followed(self, before: View, after: View, boxes: Sequence[Box]) -> list[Followed]:
        scale = before.grey.shape[1] / before.size.width, before.grey.shape[0] / before.size.height
        small = [box.scaled(*scale) for box in boxes]
        steps = self._follower.follow(before.grey, after.grey, small)
        return [Followed(s.box.scaled(1 / scale[0], 1 / scale[1]), s.trusted) for s in steps]

    def _match(self, view: View) -> list[Detection]:
        """Give each path its detection; returns the detections that no path took."""
        strong = [d for d in view.detections if d.score >= self._sure]
        weak = [d for d in view.detections if d.score < self._sure]
        paths, left = self._assign(self._active, strong, view)
        paths, rest = self._assign(paths, weak, view)
        for path in paths:
            box = path.box.grown(path.grown)  # kept even outside the picture: nothing is held there
            path.unseen.append(Sighting(view.index, view.time, box, 0.0))
        return left + rest

    def _assign(
        self, paths: Sequence[_Path], detections: Sequence[Detection], view: View
    ) -> tuple[list[_Path], list[Detection]]:
        pairs = ((_fit(p, d), i, j) for i, p in enumerate(paths) for j, d in enumerate(detections))
        free_paths, free_found = set(range(len(paths))), set(range(len(detections)))
        for fit, i, j in sorted(pairs, reverse=True):
            if fit > 0 and i in free_paths and j in free_found:
                free_paths.remove(i)
                free_found.remove(j)
                found = detections[j]
                paths[i].take(Sighting(view.index, view.time, found.box, found.score))
        return [paths[i] for i in sorted(free_paths)], [detections[j] for j in sorted(free_found)]

    def _begin(self, detections: Sequence[Detection], view: View) -> list[_Path]:
        paths = []
        for found in detections:
            seen = Sighting(view.index, view.time, found.box, found.score)
            paths.append(_Path(next(self._ids), found.kind, found.box, seen, [seen]))
        self._extend_back(paths, view)
        return paths

    def _extend_back(self, paths: Sequence[_Path], view: View) -> None:
        """The same things before their first detections, followed backwards."""
        earlier: list[list[Sighting]] = [[] for _ in paths]
        boxes, grown, after = [p.box for p in paths], [0.0] * len(paths), view
        for before in reversed(self._past) if paths else ():
            seconds = float(after.time - before.time)
            for i, step in enumerate(self._followed(after, before, boxes)):
                boxes[i] = step.box
                grown[i] += _growth(step, seconds)
                box = step.box.grown(grown[i])
                earlier[i].append(Sighting(before.index, before.time, box, 0.0))
            after = before
        for path, found in zip(paths, earlier, strict=True):
            path.sightings = [*found[::-1], *path.sightings]

    def _lost(self, path: _Path, now: Fraction) -> bool:
        patience = max(self._coverage.bridge, self._coverage.after)
        return now - path.seen.time > patience

    def _end(self, paths: Iterable[_Path]) -> None:
        self._ended += map(self._track, paths)

    def _track(self, path: _Path) -> Track:
        tail = path.tail(self._coverage.after)
        return Track(path.id, path.kind, (*path.sightings, *tail))

    def _remember(self, view: View) -> None:
        self._past.append(view)
        while view.time - self._past[0].time > self._coverage.before:
            self._past.popleft()


def _growth(step: Followed, seconds: float) -> float:
    return seconds * (_TRUST if step.trusted else _DOUBT)


def judged(tracks: Iterable[Track], keep: float) -> tuple[Track, ...]:
    """The tracks, those whose best detection scores less than `keep` marked as uncertain."""
    return tuple(
        replace(track, uncertain=max(s.score for s in track.sightings) < keep) for track in tracks
    )


def _fit(path: _Path, detection: Detection) -> float:
    """How well a detection fits where the path is expected: above 0 if it may be the same."""
    if path.kind != detection.kind:
        return 0.0
    one, other = path.box, detection.box
    overlap = one.iou(other)
    if overlap >= _MATCH:
        return 1 + overlap
    side = (one.width + one.height + other.width + other.height) / 4
    away = max(abs(a - b) for a, b in zip(one.centre, other.centre, strict=True)) / max(side, 1e-6)
    alike = min(one.area, other.area) / max(one.area, other.area, 1e-6)
    return 1 - away if away < _NEAR and alike >= _ALIKE else 0.0
