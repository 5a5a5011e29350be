"""Tracking by detection: joins the detections of one video into tracks.

High scores are associated first and low scores with what is left, as in ByteTrack (Zhang et al.,
ECCV 2022, arXiv 2110.06864). In place of its Kalman filter the optical flow predicts where a track
is in the next frame. The flow also carries a track over frames without a detection, forwards, and
backwards from its first detection.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import count

from redact.core.coverage import OPENING, Coverage
from redact.core.findings import Detection, Sighting, Track
from redact.core.geometry import Box
from redact.core.interfaces import MovedBox, OpticalFlow, View
from redact.track.association import associate
from redact.track.open_track import OpenTrack
from redact.track.shots import ShotBoundaryFinder
from redact.track.templates import Template, extract_templates


class PictureTracker:
    """The tracks of one video.

    Args:
        coverage: How long a track is predicted without detections.
        high_threshold: Detections of at least this score are associated first.
        flow: Moves boxes from one frame to the next.
    """

    def __init__(self, coverage: Coverage, high_threshold: float, flow: OpticalFlow) -> None:
        self._coverage = coverage
        self._high_threshold = high_threshold
        self._flow = flow
        self._boundaries = ShotBoundaryFinder()
        self._cuts: list[int] = []
        self._views: deque[View] = deque()  # of this shot, as far back as a track may be followed
        self._active: list[OpenTrack] = []
        self._new: list[OpenTrack] = []  # not yet followed backwards; the oldest first
        self._finished: list[Track] = []
        self._ids = count(1)

    def update(self, view: View) -> None:
        """Take the next frame; frames come in order, none left out."""
        if self._boundaries.is_boundary(view.grey):
            self._cuts.append(view.index)
            self._finish(self._active)
            self._active, self._views = [], deque()
        if self._views:
            self._move(self._active, self._views[-1], view)
        opened = self._open_tracks(self._associate_in_two_stages(view), view)
        self._active += opened
        self._new += opened
        self._finish([t for t in self._active if self._is_over(t, view.time)])
        self._active = [t for t in self._active if not self._is_over(t, view.time)]
        self._views.append(view)
        if self._new and view.time - self._new[0].start > 2 * OPENING:
            self._add_earlier([t for t in self._new if view.time - t.start > OPENING])
        self._drop_views(view.time)

    def tracks(self) -> list[Track]:
        """All tracks so far, by their ids."""
        ids = (track.id for track in self._new)
        earlier = dict(zip(ids, self._follow_backwards(self._new), strict=True))
        active = [track.to_track(earlier.get(track.id, ())) for track in self._active]
        return sorted([*self._finished, *active], key=lambda track: track.id)

    def cuts(self) -> list[int]:
        """Indices of the frames so far that begin a new shot."""
        return list(self._cuts)

    def _move(self, tracks: Sequence[OpenTrack], before: View, after: View) -> None:
        """Move tracks from one view to a neighbouring one, either way in time."""
        moved = move_boxes(self._flow, [track.box for track in tracks], before, after)
        seconds = float(abs(after.time - before.time))
        contents = extract_templates(after, [there.box for there in moved])
        for track, there, content in zip(tracks, moved, contents, strict=True):
            track.move(there, content, seconds)

    def _associate_in_two_stages(self, view: View) -> list[Detection]:
        """Give tracks their detections, or a prediction; returns the detections of no track."""
        high = [d for d in view.detections if d.score >= self._high_threshold]
        low = [d for d in view.detections if d.score < self._high_threshold]
        tracks, high_left = self._add_detections(self._active, high, view)
        tracks, low_left = self._add_detections(tracks, low, view)
        for track in tracks:
            track.add_prediction(view, self._coverage)
        return high_left + low_left

    def _add_detections(
        self, tracks: Sequence[OpenTrack], detections: Sequence[Detection], view: View
    ) -> tuple[list[OpenTrack], list[Detection]]:
        """Give tracks the detections that match; returns the tracks and detections left over."""
        pairs = associate(tracks, detections)
        seen = _to_sightings([detections[j] for _, j in pairs], view)
        for (i, _), (sighting, template) in zip(pairs, seen, strict=True):
            tracks[i].add_detection(sighting, template)
        matched, taken = {i for i, _ in pairs}, {j for _, j in pairs}
        return (
            [track for i, track in enumerate(tracks) if i not in matched],
            [detection for j, detection in enumerate(detections) if j not in taken],
        )

    def _open_tracks(self, detections: Sequence[Detection], view: View) -> list[OpenTrack]:
        opened = []
        seen = _to_sightings(detections, view)
        for detection, (sighting, template) in zip(detections, seen, strict=True):
            kind, box = detection.kind, detection.box
            room = self._coverage.room(kind, view.size)
            track = OpenTrack(next(self._ids), kind, box, sighting, view.time, room)
            track.add_detection(sighting, template)
            opened.append(track)
        return opened

    def _is_over(self, track: OpenTrack, now: Fraction) -> bool:
        longest = max(self._coverage.bridge, self._coverage.longest_after, self._coverage.follow)
        return now - track.last_detection.time > longest

    def _finish(self, tracks: Sequence[OpenTrack]) -> None:
        ids = {track.id for track in tracks}
        self._add_earlier([track for track in self._new if track.id in ids])
        self._finished += [track.to_track() for track in tracks]

    def _add_earlier(self, tracks: Sequence[OpenTrack]) -> None:
        """Put sightings before new tracks, once the clearest early detection is known."""
        for track, earlier in zip(tracks, self._follow_backwards(tracks), strict=True):
            track.sightings = [*earlier, *track.sightings]
        ids = {track.id for track in tracks}
        self._new = [track for track in self._new if track.id not in ids]

    def _follow_backwards(self, tracks: Sequence[OpenTrack]) -> list[list[Sighting]]:
        """What each track predicts before its first detection, in order; all tracks in one go."""
        mirrors = []
        for track in tracks:
            first = track.sightings[0]
            mirror = OpenTrack(track.id, track.kind, first.box, first, track.start, track.room)
            mirror.template = track.first_template
            mirrors.append(mirror)
        waiting = sorted(mirrors, key=lambda mirror: mirror.last_detection.frame)
        going: list[OpenTrack] = []
        after: View | None = None
        for before in reversed(self._views):
            if after is not None:
                going = self._step_back(going, after, before)
            while waiting and waiting[-1].last_detection.frame == before.index:
                going.append(waiting.pop())
            if not going and not waiting:
                break
            after = before
        return [mirror.tail()[::-1] for mirror in mirrors]

    def _step_back(self, going: list[OpenTrack], after: View, before: View) -> list[OpenTrack]:
        """Predict one frame further back; returns the tracks whose predictions still count."""
        self._move(going, after, before)
        for track in going:
            track.add_prediction(before, self._coverage)
        return [track for track in going if track.is_valid]

    def _drop_views(self, now: Fraction) -> None:
        """Drop the views that no track can be followed back to any more."""
        oldest = self._new[0].start if self._new else now
        longest = max(self._coverage.longest_before, self._coverage.follow)
        while oldest - self._views[0].time > longest:
            self._views.popleft()


def move_boxes(
    flow: OpticalFlow, boxes: Sequence[Box], before: View, after: View
) -> list[MovedBox]:
    """Where each box went, in pixels of the upright picture; the flow has the small ones'."""
    if not boxes:
        return []
    scale = before.grey.shape[1] / before.size.width, before.grey.shape[0] / before.size.height
    moved = flow.move_boxes(before.grey, after.grey, [box.scaled(*scale) for box in boxes])
    return [MovedBox(m.box.scaled(1 / scale[0], 1 / scale[1]), m.reliable) for m in moved]


def _to_sightings(
    detections: Sequence[Detection], view: View
) -> Iterator[tuple[Sighting, Template | None]]:
    """Each detection as a sighting, with its template."""
    templates = extract_templates(view, [detection.box for detection in detections])
    for found, template in zip(detections, templates, strict=True):
        yield Sighting(view.index, view.time, found.box, found.score), template
