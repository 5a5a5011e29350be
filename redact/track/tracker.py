"""Joins detections across frames: two-stage association, the picture itself as motion model.

Strong detections are matched first, weak ones to what is left, as in ByteTrack (Zhang et al.,
arXiv 2110.06864); instead of a Kalman filter, each box is followed through the picture, which also
carries it over frames in which nothing was detected, forwards and, from its first sighting,
backwards.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import count
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from redact.core.coverage import OPENING, Coverage
from redact.core.findings import Detection, Kind, Sighting, Track
from redact.core.geometry import Box, Size
from redact.core.interfaces import MovedBox, OpticalFlow, View
from redact.core.recipe import TRACK_KNEE, Recipe, size_penalty
from redact.track.shots import ShotBoundaryFinder

Template: TypeAlias = NDArray[np.float32]

_MATCH = 0.2
"""Least intersection over union of a detection and the box that was expected."""
_NEAR = 0.7
"""Centres nearer than this, in sides, match even without overlap, if the sizes are alike."""
_SIMILAR = 0.5
"""Least ratio of two matching boxes' areas."""
_TRUST = 0.12
"""Growth of a followed box on each side, in sides per second, while the picture gives hold."""
_DOUBT = 0.6
"""The same where it does not."""
_TEMPLATE_SIDE = 12
"""Samples across and down of what is compared to tell whether a box still holds the same thing."""
_SIMILAR = 0.5
"""Correlation of those from which it does."""
_PATIENCE = 0.12
"""Seconds without hold after which a box that was followed far is given up."""
_SURE_SHARE = 0.7
"""Detections of at least this share of a path's best score say how it looks now."""


@dataclass(frozen=True, slots=True)
class _Step:
    """Where a path went in a frame without a detection, and how much it had grown by then."""

    frame: int
    time: Fraction
    box: Box
    grown: float


@dataclass(slots=True)
class _OpenTrack:
    """A track in the making."""

    id: int
    kind: Kind
    box: Box
    seen: Sighting
    began: Fraction
    sightings: list[Sighting] = field(default_factory=list)
    unseen: list[_Step] = field(default_factory=list)
    held: int = 0
    grown: float = 0.0
    doubted: float = 0.0
    best: float = 0.0
    template: Template | None = None
    first_template: Template | None = None
    first_score: float = 0.0

    def add_detection(self, sighting: Sighting, template: Template | None) -> None:
        """A detection: what was followed up to it is kept, tied to the detections at both ends."""
        self.sightings += [self._corrected(step, sighting) for step in self.unseen]
        self.sightings.append(sighting)
        self.unseen, self.held = [], 0
        self.box, self.seen = sighting.box, sighting
        self.grown = self.doubted = 0.0
        self._update_template(sighting, template)

    def _update_template(self, sighting: Sighting, template: Template | None) -> None:
        """Remember how it looks, from detections that were sure of it.

        A weak one may have seen it half faded in, half hidden or blurred.
        """
        self.best = max(self.best, sighting.score)
        if sighting.score >= _SURE_SHARE * self.best:
            self.template = template
        if sighting.time - self.began <= OPENING and sighting.score > self.first_score:
            self.first_template, self.first_score = template, sighting.score

    def _corrected(self, step: _Step, coming: Sighting) -> Sighting:
        """One followed box, moved by its share of what following was off by when it ended.

        Where the picture gave no hold, the straight line between the detections is held too.
        """
        share = float((step.time - self.seen.time) / (coming.time - self.seen.time))
        box = step.box.plus(coming.box, share).plus(self.box, -share)
        if self.doubted:
            box = box.hull(self.seen.box.towards(coming.box, share))
        grown = box.grown(min(step.grown, self.grown - step.grown))
        return Sighting(step.frame, step.time, grown, 0.0)

    def tail(self) -> list[Sighting]:
        """What was followed since the last detection and is still believed."""
        return [
            Sighting(s.frame, s.time, s.box.grown(s.grown), 0.0) for s in self.unseen[: self.held]
        ]

    def move(self, step: MovedBox, now: Template | None, seconds: float) -> None:
        """Go where the picture says, and grow by how little it says; `now` is what is there."""
        self.box = step.box
        trusted = step.trusted and self._matches_template(now)
        self.grown += seconds * (_TRUST if trusted else _DOUBT)
        self.doubted += 0.0 if trusted else seconds

    def _matches_template(self, now: Template | None) -> bool:
        """Whether what the box holds now still resembles what it held when it was detected."""
        if self.template is None or now is None:
            return True
        return float(np.vdot(self.template, now)) >= _SIMILAR * self.template.size

    def miss(self, view: View, coverage: Coverage) -> None:
        """No detection: where it was followed to, held for as long as that can be believed."""
        self.unseen.append(_Step(view.index, view.time, self.box, self.grown))
        if _is_valid(float(abs(view.time - self.seen.time)), self.doubted, coverage):
            self.held = len(self.unseen)


class PictureTracker:
    """One video's tracks.

    Args:
        coverage: How long things are followed unseen.
        high_threshold: Score from which a detection is matched first.
        follower: How boxes are carried from frame to frame.
    """

    def __init__(self, coverage: Coverage, high_threshold: float, follower: OpticalFlow) -> None:
        self._coverage = coverage
        self._high_threshold = high_threshold
        self._follower = follower
        self._cuts = ShotBoundaryFinder()
        self._cut_frames: list[int] = []
        self._past: deque[View] = deque()
        self._young: list[_OpenTrack] = []
        self._active: list[_OpenTrack] = []
        self._ended: list[Track] = []
        self._ids = count(1)

    def update(self, view: View) -> None:
        """Take the next frame."""
        if self._cuts.is_boundary(view.grey):
            self._cut_frames.append(view.index)
            self._end(self._active)
            self._active, self._past = [], deque()
        self._carry(view)
        left = self._match(view)
        begun = self._begin(left, view)
        self._active += begun
        self._young += begun
        self._end([p for p in self._active if self._lost(p, view.time)])
        self._active = [p for p in self._active if not self._lost(p, view.time)]
        self._past.append(view)
        if self._young and view.time - self._young[0].began > 2 * OPENING:
            self._complete([p for p in self._young if view.time - p.began > OPENING])
        self._forget(view)

    def tracks(self) -> list[Track]:
        """All tracks so far, the oldest first."""
        earlier = dict(
            zip((p.id for p in self._young), self._follow_back(self._young), strict=True)
        )
        active = [_track(path, earlier.get(path.id, ())) for path in self._active]
        return sorted([*self._ended, *active], key=lambda t: t.id)

    def cuts(self) -> list[int]:
        """Indices of the frames so far that begin a new shot."""
        return list(self._cut_frames)

    def _carry(self, view: View) -> None:
        """Move every active box to where the picture says it went."""
        if self._past:
            self._move(self._active, self._past[-1], view)

    def _move(self, paths: Sequence[_OpenTrack], before: View, after: View) -> None:
        """Move boxes from one view to a neighbour, either way in time."""
        steps = self._followed(before, after, [path.box for path in paths]) if paths else []
        seconds = float(abs(after.time - before.time))
        there = templates(after, [step.box for step in steps])
        for path, step, now in zip(paths, steps, there, strict=True):
            path.move(step, now, seconds)

    def _followed(self, before: View, after: View, boxes: Sequence[Box]) -> list[MovedBox]:
        scale = before.grey.shape[1] / before.size.width, before.grey.shape[0] / before.size.height
        small = [box.scaled(*scale) for box in boxes]
        steps = self._follower.follow(before.grey, after.grey, small)
        return [MovedBox(s.box.scaled(1 / scale[0], 1 / scale[1]), s.trusted) for s in steps]

    def _match(self, view: View) -> list[Detection]:
        """Give each path its detection; returns the detections that no path took."""
        strong = [d for d in view.detections if d.score >= self._high_threshold]
        weak = [d for d in view.detections if d.score < self._high_threshold]
        paths, left = self._assign(self._active, strong, view)
        paths, rest = self._assign(paths, weak, view)
        for path in paths:
            path.miss(view, self._coverage)
        return left + rest

    def _assign(
        self, paths: Sequence[_OpenTrack], detections: Sequence[Detection], view: View
    ) -> tuple[list[_OpenTrack], list[Detection]]:
        close = candidate_pairs([path.box for path in paths], [found.box for found in detections])
        pairs = ((_match_score(paths[i], detections[j]), i, j) for i, j in close)
        free_paths, free_found = set(range(len(paths))), set(range(len(detections)))
        taken: list[tuple[_OpenTrack, Detection]] = []
        for fit, i, j in sorted(pairs, reverse=True):
            if fit > 0 and i in free_paths and j in free_found:
                free_paths.remove(i)
                free_found.remove(j)
                taken.append((paths[i], detections[j]))
        seen = _sightings(view, [found for _, found in taken])
        for (path, _), (sighting, template) in zip(taken, seen, strict=True):
            path.add_detection(sighting, template)
        return [paths[i] for i in sorted(free_paths)], [detections[j] for j in sorted(free_found)]

    def _begin(self, detections: Sequence[Detection], view: View) -> list[_OpenTrack]:
        paths = []
        for found, (sighting, template) in zip(
            detections, _sightings(view, detections), strict=True
        ):
            path = _OpenTrack(next(self._ids), found.kind, found.box, sighting, view.time)
            path.add_detection(sighting, template)
            paths.append(path)
        return paths

    def _complete(self, paths: Sequence[_OpenTrack]) -> None:
        """Put before each path where it came from, once how it looked at first is known."""
        for path, earlier in zip(paths, self._follow_back(paths), strict=True):
            path.sightings = [*earlier, *path.sightings]
        done = {path.id for path in paths}
        self._young = [path for path in self._young if path.id not in done]

    def _follow_back(self, paths: Sequence[_OpenTrack]) -> list[list[Sighting]]:
        """Each path followed backwards from its first detection, all in one go."""
        mirrors = [
            _OpenTrack(p.id, p.kind, p.sightings[0].box, p.sightings[0], p.began) for p in paths
        ]
        for mirror, path in zip(mirrors, paths, strict=True):
            mirror.template = path.first_template
        waiting = sorted(mirrors, key=lambda m: m.seen.frame)
        going: list[_OpenTrack] = []
        after: View | None = None
        for before in reversed(self._past):
            if after is not None:
                going = self._step_back(going, after, before)
            while waiting and waiting[-1].seen.frame == before.index:
                going.append(waiting.pop())
            if not going and not waiting:
                break
            after = before
        return [mirror.tail()[::-1] for mirror in mirrors]

    def _step_back(self, going: list[_OpenTrack], after: View, before: View) -> list[_OpenTrack]:
        """One frame further back; returns the paths that are still believed."""
        self._move(going, after, before)
        for path in going:
            path.miss(before, self._coverage)
        return [path for path in going if path.held == len(path.unseen)]

    def _lost(self, path: _OpenTrack, now: Fraction) -> bool:
        patience = max(self._coverage.bridge, self._coverage.after, self._coverage.follow)
        return now - path.seen.time > patience

    def _end(self, paths: Sequence[_OpenTrack]) -> None:
        ended = {path.id for path in paths}
        self._complete([path for path in self._young if path.id in ended])
        self._ended += [_track(path) for path in paths]

    def _forget(self, view: View) -> None:
        """Drop the views that nothing will be followed back to any more."""
        oldest = self._young[0].began if self._young else view.time
        while oldest - self._past[0].time > max(self._coverage.before, self._coverage.follow):
            self._past.popleft()


def _track(path: _OpenTrack, earlier: Sequence[Sighting] = ()) -> Track:
    return Track(path.id, path.kind, (*earlier, *path.sightings, *path.tail()))


def _is_valid(unseen: float, doubted: float, coverage: Coverage) -> bool:
    """Whether a followed box still counts, both in seconds since the detection."""
    if unseen <= max(coverage.after, coverage.before):
        return True
    return unseen <= coverage.follow and doubted <= _PATIENCE


def _sightings(
    view: View, detections: Sequence[Detection]
) -> Iterator[tuple[Sighting, Template | None]]:
    """Each detection as a track keeps it, and what its box holds."""
    looks = templates(view, [found.box for found in detections])
    for found, template in zip(detections, looks, strict=True):
        yield Sighting(view.index, view.time, found.box, found.score), template


def templates(view: View, boxes: Sequence[Box]) -> list[Template | None]:
    """What each box holds, as a small square of even contrast; None outside the picture.

    All boxes at once, since there are many.
    """
    if not boxes:
        return []
    rows, columns = view.grey.shape
    scale = columns / view.size.width, rows / view.size.height
    sides = np.array([(b.left, b.top, b.width, b.height) for b in boxes]) * (scale * 2)
    left, top, width, height = sides.T[:, :, None]
    middles = (np.arange(_TEMPLATE_SIDE) + 0.5) / _TEMPLATE_SIDE
    across, down = left + middles * width, top + middles * height  # (boxes, _PATCH)
    outside = (across[:, -1] < 0) | (down[:, -1] < 0)
    outside |= (across[:, 0] >= columns) | (down[:, 0] >= rows)
    x = np.clip(across.astype(int), 0, columns - 1)
    y = np.clip(down.astype(int), 0, rows - 1)
    samples = view.grey[y[:, :, None], x[:, None, :]].astype(np.float32)
    samples -= samples.mean(axis=(1, 2), keepdims=True)
    samples /= samples.std(axis=(1, 2), keepdims=True) + 1.0
    return [None if gone else one for gone, one in zip(outside, samples, strict=True)]


def mark_uncertain(tracks: Iterable[Track], recipe: Recipe, size: Size) -> tuple[Track, ...]:
    """The tracks, those that were never seen clearly enough marked as uncertain.

    Args:
        tracks: In pixels of the upright picture.
        recipe: Says what the best score must reach.
        size: Of that picture.
    """
    return tuple(
        replace(t, uncertain=_best_score(t, size, recipe.slope) < recipe.track_threshold_of(t.kind))
        for t in tracks
    )


def _best_score(track: Track, size: Size, slope: float) -> float:
    """The best score, less what its size asks for."""
    seen = (Detection(track.kind, s.box, s.score) for s in track.sightings)
    return max(d.score - size_penalty(d, size, slope, TRACK_KNEE) for d in seen)


def candidate_pairs(ones: Sequence[Box], others: Sequence[Box]) -> list[tuple[int, int]]:
    """Places in both lists of the boxes that may be one thing's, all at once: no other pair is.

    Of these only some are: they overlap, or their middles are near enough for `nearness`.
    """
    if not ones or not others:
        return []
    one, other = (
        np.array([(*box.centre, box.width, box.height) for box in boxes])
        for boxes in (ones, others)
    )
    away = np.abs(one[:, None, :2] - other[None, :, :2])
    sides = one[:, None, 2:] + other[None, :, 2:]
    reach = np.maximum(sides / 2, _NEAR * sides.mean(axis=2, keepdims=True) / 2)
    return [(i, j) for i, j in np.argwhere((away <= reach).all(axis=2)).tolist()]


def _match_score(path: _OpenTrack, detection: Detection) -> float:
    """How well a detection fits where the path is expected: above 0 if it may be the same."""
    if path.kind != detection.kind:
        return 0.0
    overlap = path.box.iou(detection.box)
    return 1 + overlap if overlap >= _MATCH else nearness(path.box, detection.box)


def nearness(one: Box, other: Box) -> float:
    """1 where the middles meet, less with their distance in sides.

    0 where two boxes of one thing cannot be: too far apart, or of sizes that are not alike.
    """
    side = (one.width + one.height + other.width + other.height) / 4
    away = max(abs(a - b) for a, b in zip(one.centre, other.centre, strict=True)) / max(side, 1e-6)
    alike = min(one.area, other.area) / max(one.area, other.area, 1e-6)
    return 1 - away if away < _NEAR and alike >= _SIMILAR else 0.0
