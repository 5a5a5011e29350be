"""A small clip with painted people, and a plan for it that was made by hand."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box
from redact.core.plan import Edit, Plan, SourceId, save
from redact.core.recipe import Recipe, recipe
from redact.media.formats import open_source
from tests import clips

WIDTH, HEIGHT, RATE, FRAMES = 320, 180, 25, 100

PEOPLE = {"red": (20, 40, 1.2), "lime": (120, 60, 0.8), "blue": (230, 100, -0.9)}
"""Left, top and pixels a frame to the right, by colour."""
SIDE = 28


def make_clip(
    folder: Path, frames: int = FRAMES, name: str = "street.mp4", *, post: bool = False
) -> Path:
    """Three coloured squares walk over a test pattern; a post may hide half of each for a while."""
    shared = f":r={RATE}:d={frames / RATE}"
    inputs = [
        word
        for one in (
            f"smptehdbars=s={WIDTH}x{HEIGHT}{shared}",
            *(f"color=c={colour}:s={SIDE}x{SIDE}{shared}" for colour in PEOPLE),
        )
        for word in ("-f", "lavfi", "-i", one)
    ]
    steps, last = ["[0]hue=s=0.25[s0]"], 0
    for last, (x, y, step) in enumerate(PEOPLE.values(), 1):
        steps.append(f"[s{last - 1}][{last}]overlay=x='{x}+{step}*n':y={y}:eval=frame[s{last}]")
    if post:
        steps.append(f"[s{last}]drawbox=x=176:y=0:w={SIDE // 2}:h={HEIGHT}:c=gray:t=fill[post]")
    scene = ("-filter_complex", ";".join(steps), "-map", "[post]" if post else f"[s{last}]")
    path = folder / name
    encoder = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "12", "-g", "25")
    clips.run(*inputs, *scene, *encoder, "-pix_fmt", "yuv420p", path)
    return path


def box_of(colour: str, frame: int) -> Box:
    """Where a walker is."""
    x, y, step = PEOPLE[colour]
    return Box(x + step * frame, y, x + step * frame + SIDE, y + SIDE)


def track_of(
    number: int, colour: str, frames: Iterable[int], *, uncertain: bool = False, score: float = 0.8
) -> Track:
    """A track of a walker."""
    seen = (Sighting(f, Fraction(f, RATE), box_of(colour, f), score) for f in frames)
    return Track(number, Kind.FACE, tuple(seen), uncertain)


def make_plan(
    clip: Path,
    tracks: Iterable[Track],
    edits: tuple[Edit, ...] = (),
    choices: Recipe | None = None,
    frames: int = FRAMES,
) -> Path:
    """The plan of a clip with these tracks, in its file beside it."""
    source = open_source(clip)
    choices = choices or recipe("fast", style="solid", colour="#ff00ff")
    last = Fraction(frames - 1, RATE)
    identity = SourceId(source.fingerprint, source.info.size, frames, Fraction(0), last)
    path = clip.with_name(f"{clip.stem}.redact.json")
    save(Plan(identity, choices, (), tuple(tracks), edits), path)
    return path
