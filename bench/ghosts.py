"""False faces that live long: tracks of a second and more that are hidden in clips without people.

By default those of `clips_ordinary` in which nobody is seen; or whatever clips are named.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from time import process_time

from false_plates import length

from redact.analysis import analyse
from redact.core.findings import Kind, Track
from redact.core.recipe import recipe
from redact.media.formats import open_source

DESERTED = (
    "dashcam_motorway.mp4",
    "hls_lone_pps.ts",
    "night_city_vertical.mp4",
    "old_phone.3gp",
    "screen_icons.webm",
    "screen_of_code.webm",
    "screencast_drawer.mp4",
    "screencast_equal_times.webm",
)
LONG = 1.0
"""Seconds."""


def seconds(track: Track) -> float:
    """From a track's first sighting to its last."""
    return float(track.sightings[-1].time - track.sightings[0].time)


def main() -> None:
    """Print a row for each clip, and the rate of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--profile", default="balanced")
    parser.add_argument("--clips", nargs="+", type=Path, metavar="CLIP")
    given = parser.parse_args()
    clips = given.clips or [given.data / "clips_ordinary" / name for name in DESERTED]
    wanted = recipe(given.profile).detecting({Kind.FACE})
    print("| clip | seconds | faces hidden | of a second and longer | listed | CPU s |")
    print("|---|---|---|---|---|---|")
    minutes = ghosts = 0.0
    for clip in clips:
        began = process_time()
        plan = analyse(open_source(clip), wanted, None, lambda *_: None)
        hidden = [seconds(track) for track in plan.hidden_tracks]
        listed = sum(track.uncertain and seconds(track) >= LONG for track in plan.tracks)
        long = sum(lived >= LONG for lived in hidden)
        cpu = process_time() - began
        row = f"{clip.name} | {length(plan):.1f} | {len(hidden)} | {long} | {listed} | {cpu:.1f}"
        print(f"| {row} |", flush=True)
        minutes, ghosts = minutes + length(plan) / 60, ghosts + long
    print(f"\n{ghosts:.0f} of a second and longer in {minutes:.1f} minutes", flush=True)


if __name__ == "__main__":
    main()
