"""Frames of the result for a report: what is hidden outlined, what may still show covered too."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from PIL import Image

from redact.core.coverage import Cover
from redact.core.edits.things import is_hidden, state_at
from redact.core.exposure import covered_tracks
from redact.core.findings import Sighting, Track
from redact.core.frames import Frame, Rgb, upright_size
from redact.core.geometry import Box, Region, Size
from redact.core.plan import Plan
from redact.hide.styles import make_style
from redact.media.formats import open_source
from redact.stages import Outcome
from redact.verify.result import Spot

MOST_FRAMES = 12

_LONGEST_SIDE = 720
"""Longer side of each in the page, in pixels."""

_QUALITY = 72
_MARGIN = 0.5
"""Margin around a leak, as a share of its size."""


@dataclass(frozen=True, slots=True)
class Outline:
    """One thing in a frame.

    Args:
        track: Its number.
        kind: What it is.
        state: `hidden`, `uncertain`, `shown` or `leak`.
        box: Left, top, right and bottom, as shares of the picture's width and height.
    """

    track: int
    kind: str
    state: str
    box: tuple[float, float, float, float]

    @classmethod
    def in_picture(cls, track: int, kind: str, state: str, box: Box, size: Size) -> Outline:
        """An outline from a box in pixels of a picture of that size."""
        across, down = 1 / size.width, 1 / size.height
        shares = (box.left * across, box.top * down, box.right * across, box.bottom * down)
        return cls(track, kind, state, shares)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One frame of the result.

    Args:
        frame: The frame's index.
        seconds: Its time.
        size: Of the picture in the page.
        jpeg: In base64.
        outlines: Of what the plan knows there.
    """

    frame: int
    seconds: float
    size: Size
    jpeg: str
    outlines: tuple[Outline, ...]


def take_snapshots(outcome: Outcome) -> list[Snapshot]:
    """The few frames with the worst leaks and the most tracks, uncertain ones before others."""
    plan = outcome.plan
    things, uncertain = plan.things, plan.recipe.uncertain
    hidden = {track.id for track in plan.hidden_tracks} | covered_tracks(plan)
    tracks = sorted(plan.tracks, key=lambda t: (not t.uncertain, t.id in hidden))
    found = outcome.verification.leaks if outcome.verification else ()
    worst = sorted(found, key=lambda leak: -leak.best.score)[: MOST_FRAMES // 2]
    leaking = dict.fromkeys(leak.best.frame for leak in worst)
    wanted = set([*leaking, *choose_frames(tracks, MOST_FRAMES)][:MOST_FRAMES])
    every = Cover(plan.tracks, plan.cuts, plan.recipe.coverage)
    snapshots = []
    for frame in open_source(outcome.output).frames() if wanted else ():
        if frame.index in wanted:
            visible = [
                item.region
                for item in every.hidden(frame.index, frame.time)
                if not is_hidden(things.owner(item.track, frame.time), frame.time, uncertain)
            ]
            snapshots.append(_snapshot(frame, outcome, visible))
            wanted.remove(frame.index)
        if not wanted:
            break
    return snapshots


def best_sighting(track: Track) -> Sighting:
    """Where it is seen best: detected, and large."""
    return max(track.sightings, key=lambda seen: (seen.score > 0, seen.box.area))


def choose_frames(tracks: Sequence[Track], most: int) -> list[int]:
    """Few frames in which all of these tracks are seen, the first ones at their best (greedy)."""
    places = {t.id: {s.frame for s in t.sightings} for t in tracks}
    best = {t.id: best_sighting(t).frame for t in tracks}
    left, frames = list(tracks), list[int]()
    while left and len(frames) < most:
        here = [best[track.id] for track in left[:most]]
        frame = max(here, key=lambda f: sum(f in places[track.id] for track in left))
        frames.append(frame)
        left = [track for track in left if frame not in places[track.id]]
    return frames


def _snapshot(frame: Frame, outcome: Outcome, visible: Sequence[Region]) -> Snapshot:
    """One frame, outlined, and blurred where the result may show somebody."""
    size = upright_size(frame.picture)
    leaks = [Region.holding(box, _MARGIN) for box in _leaking_boxes(frame.time, outcome)]
    if leaks or visible:  # whatever the result shows, the report holds no face
        make_style(outcome.plan.recipe, "blur").hide(frame.picture, [*leaks, *visible])
    return frame_snapshot(frame, _outlines(frame, outcome, size))


def frame_snapshot(frame: Frame, outlines: Iterable[Outline]) -> Snapshot:
    """A whole frame as it is, made small enough for a page."""
    size = upright_size(frame.picture)
    small = size.fitted(min(size.longer, _LONGEST_SIDE))
    picture = jpeg_of(frame.picture.rgb(small), small)
    return Snapshot(frame.index, float(frame.time), small, picture, tuple(outlines))


def outlines_of(frame: Frame, plan: Plan) -> Iterator[Outline]:
    """What the plan knows in a frame, and what becomes of it there."""
    size, things = upright_size(frame.picture), plan.things
    for track in plan.tracks:
        box = next((s.box for s in track.sightings if s.frame == frame.index), None)
        if box is not None:
            owner = things.owner(track, frame.time)
            state = state_at(owner, frame.time, plan.recipe.uncertain)
            yield Outline.in_picture(track.id, str(track.kind), state, box, size)


def _outlines(frame: Frame, outcome: Outcome, size: Size) -> Iterator[Outline]:
    """What the plan knows in a frame, then the leaks that were found in it."""
    yield from outlines_of(frame, outcome.plan)
    for number, spot in _numbered_spots(frame, outcome):
        yield Outline.in_picture(number, "leak", "leak", spot.box, size)


def _numbered_spots(frame: Frame, outcome: Outcome) -> Iterator[tuple[int, Spot]]:
    """The leaks of this very frame, numbered as the page lists them."""
    found = outcome.verification.leaks if outcome.verification else ()
    for number, leak in enumerate(found, 1):
        yield from ((number, spot) for spot in leak.spots if spot.frame == frame.index)


def _leaking_boxes(time: Fraction, outcome: Outcome) -> list[Box]:
    """Boxes of all leaks and doubts within a second of a time: the report must not show them."""
    found = outcome.verification
    leaks = (*found.leaks, *found.doubts) if found else ()
    return [s.box for leak in leaks for s in leak.spots if abs(s.time - time) <= 1]


def jpeg_of(picture: Rgb, size: Size) -> str:
    """An upright picture at that size, as JPEG in base64."""
    file = io.BytesIO()
    shown = Image.fromarray(picture)
    if shown.size != (size.width, size.height):
        shown = shown.resize((size.width, size.height), Image.Resampling.LANCZOS)
    shown.save(file, "JPEG", quality=_QUALITY)
    return base64.b64encode(file.getvalue()).decode("ascii")
