"""The contact sheet of a plan, from which a person sees who track 1 is.

It shows faces in clear, unlike the report: it is written only if asked for, and for its user alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from redact.core.edits.things import State, state_at
from redact.core.exposure import covered_tracks
from redact.core.findings import Sighting, Track
from redact.core.frames import Frame, upright_size
from redact.core.geometry import Box, Size
from redact.core.names import sheet_path
from redact.core.plan import Plan
from redact.core.storage import write_whole
from redact.errors import printable
from redact.media.formats import open_source
from redact.report.lists import escaped
from redact.report.page import figure, html_page
from redact.report.snapshots import (
    Outline,
    Snapshot,
    best_sighting,
    choose_frames,
    frame_snapshot,
    jpeg_of,
    outlines_of,
)

MOST_TRACKS = 300
MOST_FRAMES = 24

_AROUND = 0.6
"""What is shown around a thing, as a share of its size."""
_SIDE = 220
"""Longer side of its picture, in pixels, at most."""

_Seen: TypeAlias = State | Literal["covered"]

_SAID: dict[_Seen, str] = {
    "hidden": "hidden",
    "covered": "uncertain, and inside what is hidden",
    "uncertain": "uncertain, and VISIBLE",
    "shown": "shown by an edit, and VISIBLE",
}

_WARNING = (
    "PRIVATE: this page shows faces and number plates in clear. It is for your eyes only: do not "
    "send it, and delete it when you are done."
)


def write_sheet(source: Path, plan: Plan, place: Path) -> Path:
    """Write the sheet beside a plan, readable by this user alone.

    Args:
        source: What was analysed.
        plan: What was found in it.
        place: Where the plan was saved.

    Returns:
        Where the sheet is.

    Raises:
        InputError: The source cannot be read.
        UnwritableOutputError: There is no space or no permission.
    """
    path = sheet_path(place)
    write_whole(path, build_sheet(source, plan, place), private=True)
    return path


def build_sheet(source: Path, plan: Plan, place: Path) -> str:
    """The page: a picture of each track, then whole frames with numbered outlines."""
    tracks = plan.tracks[:MOST_TRACKS]
    things, best = plan.things, {track.id: best_sighting(track) for track in tracks}
    covered = covered_tracks(plan)
    states: dict[int, _Seen] = {
        track.id: "covered" if track.id in covered else state_at(
            things.owner(track, best[track.id].time), best[track.id].time, plan.recipe.uncertain
        )
        for track in tracks
    }  # fmt: skip
    whole = set(choose_frames(tracks, MOST_FRAMES))
    left = whole | {seen.frame for seen in best.values()}
    portraits: dict[int, Snapshot] = {}
    frames: list[Snapshot] = []
    for frame in open_source(source).frames() if left else ():
        if frame.index in left:
            portraits |= {
                track.id: _portrait(frame, track, best[track.id], states[track.id])
                for track in tracks
                if best[track.id].frame == frame.index
            }
            if frame.index in whole:
                frames.append(frame_snapshot(frame, outlines_of(frame, plan)))
            left.remove(frame.index)
        if not left:
            break
    name = printable(Path(source.name))
    parts = [_header(name, place), _tracks_section(tracks, portraits, states, len(plan.tracks))]
    parts += [_frames_section(frames)] if frames else []
    return html_page(f"PRIVATE: tracks of {name}", parts)


def _portrait(frame: Frame, track: Track, seen: Sighting, state: str) -> Snapshot:
    """The part of a frame around one thing."""
    size = upright_size(frame.picture)
    part = _part(seen.box, size)
    rows, columns = (slice(int(part.top), int(part.bottom)), slice(int(part.left), int(part.right)))
    shown = frame.picture.rgb(size)[rows, columns]
    cut = Size(int(part.width), int(part.height))
    box = seen.box.shifted(-part.left, -part.top)
    outline = Outline.in_picture(track.id, str(track.kind), state, box, cut)
    small = cut.fitted(min(cut.longer, _SIDE))
    return Snapshot(frame.index, float(frame.time), small, jpeg_of(shown, small), (outline,))


def _part(box: Box, size: Size) -> Box:
    """Whole pixels of the picture around a box, one at least."""
    wide = box.grown(_AROUND)
    left, top = (min(max(0, int(low)), most - 1) for low, most in
                 ((wide.left, size.width), (wide.top, size.height)))  # fmt: skip
    right = max(left + 1, min(size.width, int(wide.right) + 1))
    bottom = max(top + 1, min(size.height, int(wide.bottom) + 1))
    return Box(left, top, right, bottom)


def _header(name: str, place: Path) -> str:
    plan = escaped(printable(Path(place.name)))
    return (
        '<header><p class="kind">Contact sheet of a plan</p>'
        f'<h1>{escaped(name)}</h1><p class="badge bad">{_WARNING}</p>'
        '<p class="lead">A track is what was seen of one thing within one shot; one person may be '
        f"several. What is hidden is decided in {plan}: <code>"
        '{"edit": "show", "track": 1}</code> in its "edits" stops hiding track 1. Then '
        "<code>redact render</code> makes the result.</p></header>"
    )


def _tracks_section(
    tracks: Sequence[Track], portraits: dict[int, Snapshot], states: dict[int, _Seen], count: int
) -> str:
    if not tracks:
        return "<section><h2>Tracks</h2><p>Nothing was found.</p></section>"
    figures = "".join(
        figure(portraits[track.id], _caption(track, states[track.id]))
        for track in tracks
        if track.id in portraits
    )
    more = f"<p>and {count - len(tracks)} more, in the plan</p>" if count > len(tracks) else ""
    return (
        "<section><h2>Tracks, each where it is seen best</h2>"
        f'<div class="frames small">{figures}</div>{more}</section>'
    )


def _caption(track: Track, state: _Seen) -> str:
    first, last = track.sightings[0], track.sightings[-1]
    times = f"{float(first.time):.2f} s to {float(last.time):.2f} s"
    said = _SAID[state]
    score = max(seen.score for seen in track.sightings)
    return (
        f"<b>track {track.id}</b> {escaped(track.kind)}, {times}, best score {score:.2f}, "
        f'<span class="{state}">{said}</span>'
    )


def _frames_section(frames: Sequence[Snapshot]) -> str:
    figures = "".join(figure(shown) for shown in frames)
    return (
        "<section><h2>Frames of the original</h2><p>The numbers are those of the tracks.</p>"
        f'<div class="frames">{figures}</div></section>'
    )
