"""Digests of plans and of rendered frames: two versions that print the same lines do the same.

    python bench/digests.py --data DATA > before.txt      # with one version installed
    python bench/digests.py --data DATA > after.txt       # with the other
    diff before.txt after.txt

Only redact's public face is used, so that the same script runs beside any version. A video's digest
is that of its plan file and of all samples of its rendered frames as they are decoded again.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
from PIL import Image

import redact

CLIPS = (
    "clips/selfie_portrait_608x1080.mp4",
    "clips/uk_car_plate_720p.mp4",
    "clips_truth/pandev_05_portrait.mp4",
)
PICTURES = 5  # of each set
SETS = ("faces_wider/images", "plates_eval/images")


def main() -> None:
    """Print one line for each file and profile."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--data", type=Path, required=True, help="the folder of sets")
    arguments.add_argument("--clips", nargs="*", default=CLIPS, help="below DATA")
    arguments.add_argument("--pictures", type=int, default=PICTURES, help="of each set")
    arguments.add_argument("--profiles", nargs="+", default=list(redact.PROFILES))
    asked = arguments.parse_args()
    pictures = [p for name in SETS for p in chosen(asked.data / name, asked.pictures)]
    clips = [asked.data / name for name in asked.clips]
    for profile in asked.profiles:
        for path in pictures:
            print(profile, path.relative_to(asked.data), of_picture(path, profile), flush=True)
        for path in clips:
            print(profile, path.relative_to(asked.data), of_clip(path, profile), flush=True)


def chosen(folder: Path, count: int) -> list[Path]:
    """That many pictures, spread evenly over a folder."""
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".jpg", ".jpeg", ".png"})
    return paths[:: max(1, len(paths) // max(1, count))][:count]


def of_picture(path: Path, profile: str) -> str:
    """Detections and the redacted samples of one picture in memory."""
    recipe = redact.PROFILES[profile]
    picture = np.asarray(Image.open(path).convert("RGB"))
    found = redact.find_in_picture(picture, recipe)
    hidden = redact.redact_picture(picture, recipe)
    values = [
        (str(d.kind), d.box.left, d.box.top, d.box.right, d.box.bottom, d.score) for d in found
    ]
    return f"{len(found)} found {digest(repr(values).encode())} drawn {digest(hidden.tobytes())}"


def of_clip(path: Path, profile: str) -> str:
    """The plan as a file, and every sample of the rendered video."""
    plan = redact.analyse_file(path, redact.PROFILES[profile])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plan.json"
        redact.plan.save(plan, file)
        drawn = Path(folder) / f"drawn{path.suffix}"
        recipe = replace(plan.recipe, quality=12)  # with its usual limit of bits x264 varies
        redact.render_file(path, drawn, replace(plan, recipe=recipe), checking=None)
        return f"{len(plan.tracks)} tracks {digest(file.read_bytes())} drawn {of_frames(drawn)}"


def of_frames(path: Path) -> str:
    """The digest of all planes and times of a video."""
    all_of_it = hashlib.sha256()
    with av.open(str(path)) as video:
        for frame in video.decode(video=0):
            all_of_it.update(f"{frame.pts} {frame.format.name}".encode())
            for plane in frame.planes:
                rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
                all_of_it.update(rows[:, : plane.width].tobytes())
    return all_of_it.hexdigest()[:16]


def digest(data: bytes) -> str:
    """The first digits of a SHA-256."""
    return hashlib.sha256(data).hexdigest()[:16]


if __name__ == "__main__":
    main()
