"""False faces that live long: tracks of a second and more that are hidden in clips without people.

By default those of `clips_ordinary` in which nobody is seen; or whatever clips are named. With
`--pictures` instead whatever is hidden in the still pictures of `people_permissive` that are
labelled to show nobody.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from time import process_time

from false_plates import length
from material import read_rows

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


def report_pictures(data: Path, profile: str) -> None:
    """Print what is hidden in pictures without people, and in how many of them."""
    rows = read_rows(data / "people_permissive" / "labels.jsonl")
    names = [row["image"] for row in rows if row.get("complete") and not row["boxes"]]
    counts = {Kind.FACE: 0, Kind.PLATE: 0}
    clean, shares, began = 0, [], process_time()
    for name in names:
        source = open_source(data / "people_permissive" / name)
        plan = analyse(source, recipe(profile), None, lambda *_: None)
        size, hidden = source.info.size, plan.hidden_tracks
        for track in hidden:
            counts[track.kind] += 1
        clean += not hidden
        area = sum(track.sightings[0].box.area for track in hidden)
        shares.append(area / (size.width * size.height))
    print("| pictures | faces hidden | plates hidden | pictures with any | area, % | CPU s |")
    print("|---|---|---|---|---|---|")
    row = f"{len(names)} | {counts[Kind.FACE]} | {counts[Kind.PLATE]} | {len(names) - clean}"
    area = 100 * sum(shares) / len(shares)
    print(f"| {row} | {area:.2f} | {process_time() - began:.0f} |", flush=True)


def main() -> None:
    """Print a row for each clip, and the rate of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--profile", default="balanced")
    parser.add_argument("--clips", nargs="+", type=Path, metavar="CLIP")
    parser.add_argument("--pictures", action="store_true", help="stills in place of clips")
    given = parser.parse_args()
    if given.pictures:
        report_pictures(given.data, given.profile)
        return
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
