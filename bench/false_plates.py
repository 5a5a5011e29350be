"""Number plates hidden that are none, and plates that are doubted though they are some.

`ordinary` and `clips` are real clips. `pans` are made here: a virtual camera moves over pictures of
people, two seconds each. `near` are made from labelled plates, so close that no vehicle is seen.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import cv2
import imageio_ffmpeg
import numpy as np
from material import read_rows

from redact.analysis import analyse
from redact.core.findings import Kind, Track
from redact.core.frames import Rgb
from redact.core.geometry import Box
from redact.core.plan import Plan
from redact.core.recipe import recipe
from redact.media.formats import open_source

SIZE = (640, 360)
RATE = 25
SECONDS = 2
"""Of a shot over one picture."""
SHOTS = 15
"""Pictures of one made clip: half a minute."""
TRAVEL = 0.25
"""Share of a picture's shorter side that the camera moves."""

WITH_VEHICLES = ("london_motorbike", "motorway", "opera_street", "paris_street", "uk_car_plate")
"""Beginnings of the names of those clips in `clips` that show vehicles."""
SCENES = ("us18f", "usgov", "ropensci", "sklearnblog", "azuresamples", "intel_video")
"""Sets of `people_permissive` that show next to no vehicles."""

Pictures = Sequence[tuple[Path, Box | None]]
"""Pictures, and the part of each that is shown; None for the whole."""


@dataclass(frozen=True, slots=True)
class Found:
    """What an analysis says of a clip's plates.

    Args:
        seconds: How long the clip is.
        hidden: Tracks that are hidden.
        doubted: Tracks whose scores suffice, but which are doubted.
        cpu: Seconds of CPU time that the analysis took.
    """

    seconds: float
    hidden: tuple[Track, ...]
    doubted: tuple[Track, ...]
    cpu: float


def examine(clip: Path, profile: str) -> Found:
    """Analyse a clip for plates alone."""
    began = process_time()
    wanted = recipe(profile).detecting({Kind.PLATE})
    plan = analyse(open_source(clip), wanted, None, lambda *_: None)
    doubted = tuple(track for track in plan.tracks if track.doubt)
    return Found(length(plan), plan.hidden_tracks, doubted, process_time() - began)


def length(plan: Plan) -> float:
    """Seconds from a clip's first frame to its last."""
    first, last = plan.source.first, plan.source.last
    return float(last - first) if first is not None and last is not None else 0.0


def pan(picture: Rgb, shown: Box | None) -> Iterator[Rgb]:
    """Frames of a camera that moves over the picture, or its part, and comes nearer."""
    height, width = picture.shape[:2]
    whole = shown or Box(0, 0, width, height)
    shape = SIZE[0] / SIZE[1]
    wide = min(whole.width, whole.height * shape)
    for step in np.linspace(0, 1, RATE * SECONDS):
        view = wide * (1 - 0.2 * step)
        x, y = whole.centre
        x += (step - 0.5) * TRAVEL * (whole.width - view + 0.2 * view)
        y += (step - 0.5) * TRAVEL * (whole.height - view / shape)
        scale = SIZE[0] / view
        move = np.array([[scale, 0, SIZE[0] / 2 - scale * x], [0, scale, SIZE[1] / 2 - scale * y]])
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        yield cv2.warpAffine(picture, move, SIZE, flags=how, borderMode=cv2.BORDER_REFLECT)


def film(pictures: Pictures, target: Path) -> None:
    """Write a clip with a shot over each picture."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "rawvideo"]
    command += ["-pix_fmt", "rgb24", "-s", f"{SIZE[0]}x{SIZE[1]}", "-r", str(RATE), "-i", "-"]
    command += ["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-pix_fmt", "yuv420p"]
    with subprocess.Popen([*command, str(target)], stdin=subprocess.PIPE) as writer:
        assert writer.stdin is not None
        for path, shown in pictures:
            picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
            for frame in pan(picture, shown):
                writer.stdin.write(np.ascontiguousarray(frame).tobytes())
        writer.stdin.close()
    if writer.returncode:
        sys.exit("ffmpeg could not write a clip")


def people(data: Path) -> Pictures:
    """Pictures of people, next to none of which show a vehicle."""
    rows = read_rows(data / "people_permissive" / "labels.jsonl")
    ours = [data / "people_permissive" / row["image"] for row in rows if row["set"] in SCENES]
    faces = [
        data / "faces_wider" / row["image"]
        for row in read_rows(data / "faces_wider" / "labels.jsonl")
    ]
    both = [path for pair in zip(ours, faces, strict=False) for path in pair]
    return [(path, None) for path in both]


def near_plates(data: Path) -> Pictures:
    """Plates so close that they take half of the picture's width, where they are large enough."""
    found = []
    for row in read_rows(data / "plates_eval" / "labels.jsonl"):
        for left, top, right, bottom in row["boxes"]:
            box = Box(left, top, right, bottom)
            if box.width >= 60 and box.height >= 15:
                part = Box.around(*box.centre, 2 * box.width, 2 * box.width * SIZE[1] / SIZE[0])
                found.append((data / "plates_eval" / row["image"], part))
    return found


def report_ordinary(data: Path, profile: str, limit: int | None) -> None:
    """Clip by clip: what is hidden as a plate, beside how many plates there are."""
    print("| clip | plates | hidden 0.1.0 | hidden | doubted | CPU s |\n|---|---|---|---|---|---|")
    rows = read_rows(data / "clips_ordinary" / "labels.jsonl")[:limit]
    vain = missing = 0
    for row in rows:
        found = examine(data / "clips_ordinary" / row["clip"], profile)
        vain += max(0, len(found.hidden) - row["plates"])
        missing += max(0, row["plates"] - len(found.hidden))
        numbers = [row["plates"], row["plates_hidden_0.1.0"], len(found.hidden), len(found.doubted)]
        print(f"| {row['clip']} | {' | '.join(map(str, numbers))} | {found.cpu:.1f} |", flush=True)
    print(f"\nat least {vain} tracks hidden in vain, at least {missing} plates not hidden")


def report_rate(title: str, clips: Sequence[Path], profile: str) -> None:
    """What is hidden as a plate in each minute of clips without vehicles."""
    found = [examine(clip, profile) for clip in clips]
    minutes = sum(one.seconds for one in found) / 60
    hidden, doubted = (sum(len(getattr(f, n)) for f in found) for n in ("hidden", "doubted"))
    print(
        f"{title}: {hidden} plates hidden in {minutes:.1f} minutes without vehicles, "
        f"{hidden / minutes:.2f} a minute; {doubted} more are doubted"
    )


def report_near(clips: Sequence[Path], profile: str, shots: int) -> None:
    """In how many shots of a close plate it is hidden at their middle, or only doubted."""
    hidden = doubted = 0
    for number, clip in enumerate(clips):
        found = examine(clip, profile)
        for shot in range(min(SHOTS, shots - SHOTS * number)):
            middle = shot * SECONDS + SECONDS / 2
            if any(holds_middle(track, middle) for track in found.hidden):
                hidden += 1
            else:
                doubted += any(holds_middle(track, middle) for track in found.doubted)
    print(
        f"near: the plate is hidden at the middle of {hidden} of {shots} shots that it fills; "
        f"at that of {doubted} more it is doubted"
    )


def holds_middle(track: Track, time: float) -> bool:
    """Whether a track holds the picture's middle, where those plates are, at a time."""
    boxes = (s.box for s in track.sightings if abs(float(s.time) - time) < 0.6 / RATE)
    return any(box.holds_middle(Box(0, 0, *SIZE)) for box in boxes)


def made(pictures: Pictures, into: Path) -> list[Path]:
    """Clips with a shot over each picture."""
    clips = []
    for start in range(0, len(pictures), SHOTS):
        clips.append(into / f"{start}.mp4")
        film(pictures[start : start + SHOTS], clips[-1])
    return clips


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sets", nargs="+", default=["ordinary", "clips", "pans", "near"])
    parser.add_argument("--profile", default="balanced")
    parser.add_argument("--limit", type=int, help="the first clips, or pictures spread over a set")
    given = parser.parse_args()
    if "ordinary" in given.sets:
        report_ordinary(given.data, given.profile, given.limit)
    if "clips" in given.sets:
        clips = [
            path for path in sorted((given.data / "clips").iterdir()) if ".json" not in path.name
        ]
        bare = [path for path in clips if not path.name.startswith(WITH_VEHICLES)][: given.limit]
        report_rate("clips", bare, given.profile)
    for name, gather in (("pans", people), ("near", near_plates)):
        if name in given.sets:
            pictures = gather(given.data)
            step = max(1, len(pictures) // (given.limit or len(pictures)))
            pictures = pictures[::step][: given.limit]
            with tempfile.TemporaryDirectory() as folder:
                clips = made(pictures, Path(folder))
                if name == "pans":
                    report_rate(name, clips, given.profile)
                else:
                    report_near(clips, given.profile, len(pictures))


if __name__ == "__main__":
    main()
