"""Prints how many people, screens and lines are hidden, and what looking for all kinds costs.

People are labelled; text is painted here, so that every pixel of it is known.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import cv2
import imageio_ffmpeg
import numpy as np
from material import read_rows
from measures import Share
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from redact import PROFILES, Kind, Recipe
from redact.analysis import analyse
from redact.core.frames import Rgb
from redact.core.geometry import Box, Size
from redact.core.plan import Plan
from redact.hide.masks import size_mask
from redact.media.formats import open_source
from redact.pictures import find_in_picture

ROOT = Path(__file__).resolve().parents[1]
ENOUGH = 0.9
"""Share of a person's box that must be hidden, as cover.py has it."""
ALL = 0.99
"""Share of a line's painted pixels that must be hidden."""
LEAST, TALL = 20, 40
"""Pixels of height from which a person counts, in pictures and in every frame of a video."""
SETS = ("coco_ccby", "oi_personcar")
SIZES = (12, 16, 24, 40)
"""Pixels of height of a painted line's font."""
PICTURES = 40
WORDS = ("Harbour Street 12", "Anna Berg", "Invoice 4711", "open from 9 to 5", "Room 302 B",
         "0171 555 0199", "Dr. K. Olsen", "no entry", "a.berg@example.org", "Gate 4")  # fmt: skip

Mask = NDArray[np.bool_]


def hide_in(picture: Rgb, recipe: Recipe) -> Mask:
    """What is hidden in a picture."""
    found = find_in_picture(picture, recipe)
    regions = [recipe.coverage.region(d.kind, d.box, d.score) for d in found]
    return size_mask(regions, Size(picture.shape[1], picture.shape[0]))


def part(mask: Mask, box: Box) -> Mask:
    """The view of a mask that a box covers."""
    rows = slice(max(0, round(box.top)), max(0, round(box.bottom)))
    return mask[rows, max(0, round(box.left)) : max(0, round(box.right))]


def tally(mask: Mask, people: Sequence[Box]) -> tuple[Share, float]:
    """People of whom enough is hidden, and the share of the picture hidden beside them."""
    large = [box for box in people if box.height >= LEAST]
    hidden = sum(bool(part(mask, box).mean() >= ENOUGH) for box in large)
    beside = mask.copy()
    for box in people:
        part(beside, box)[...] = False
    return Share(hidden, len(large)), float(beside.mean())


def measure_pictures(data: Path, profile: str, every: int) -> None:
    """People of labelled pictures, set by set, and false positives where nobody is."""
    recipe, folder = PROFILES[profile].detecting({Kind.PERSON}), data / "people_permissive"
    rows = read_rows(folder / "labels.jsonl")
    for name in SETS:
        total, vain, empty = Share(), [], []
        for row in [row for row in rows if row["set"] == name][::every]:
            picture = cv2.cvtColor(cv2.imread(str(folder / row["image"])), cv2.COLOR_BGR2RGB)
            if row["boxes"]:
                share, beside = tally(hide_in(picture, recipe), [Box(*b) for b in row["boxes"]])
                total += share
                vain.append(beside)
            elif row["complete"]:
                empty.append(float(hide_in(picture, recipe).mean()))
        nobody = f", {100 * np.mean(empty):.2f} % where nobody is" if empty else ""
        print_row(f"{name}, {profile}", total, f"{100 * np.mean(vain):.2f} % beside{nobody}")


def measure_camera(data: Path, profile: str) -> None:
    """Walkers before a surveillance camera, in the frames that are labelled."""
    stem = data / "clips" / "pets_cctv_768x576_30s"
    wanted = {r["frame"]: r["persons"] for r in read_rows(Path(f"{stem}.persons.jsonl"))}
    with tempfile.TemporaryDirectory() as folder:
        clip = cut(Path(f"{stem}.avi"), Path(folder) / "clip.mp4", max(wanted) + 30)
        plan = plan_of(clip, PROFILES[profile].detecting({Kind.PERSON}))
        cover, total, vain = plan.cover(), Share(), []
        for frame in open_source(clip).frames():
            mask = size_mask(cover(frame.index, frame.time), plan.source.size)
            if frame.index in wanted:
                people = [Box(*person["box"]) for person in wanted[frame.index]]
                share, beside = tally(mask, people)
                total += share
                vain.append(beside)
    print_row(f"pets_cctv, {profile}", total, f"{100 * np.mean(vain):.2f} % beside")


def measure_screens(data: Path, profile: str) -> None:
    """Screens of pictures in which those of 28 px and more were labelled by eye: recall only."""
    recipe, folder = PROFILES[profile].detecting({Kind.SCREEN}), data / "people_permissive"
    found, pictures = {True: Share(), False: Share()}, 0
    for row in read_rows(ROOT / "bench" / "screens.jsonl"):
        picture = cv2.cvtColor(cv2.imread(str(folder / row["image"])), cv2.COLOR_BGR2RGB)
        mask, pictures = hide_in(picture, recipe), pictures + 1
        for box, facing in zip(row["boxes"], row["facing"], strict=True):
            found[facing] += Share(int(part(mask, Box(*box)).mean() >= ENOUGH), 1)
    print_row(f"screens that are seen, {profile}", found[True], f"in {pictures} pictures")
    print_row(f"lids and backs of screens, {profile}", found[False])


def read_tracks(path: Path) -> dict[int, dict[int, Box]]:
    """The boxes of each frame, from 0, by person, of a `gt.txt` of MOT15."""
    found: dict[int, dict[int, Box]] = {}
    for line in path.read_text().splitlines():
        frame, who, left, top, width, height = map(float, line.split(",")[:6])
        found.setdefault(int(frame) - 1, {})[int(who)] = Box(left, top, left + width, top + height)
    return found


def measure_tracks(data: Path, tracks: Path, profile: str) -> None:
    """People before the camera whom any of 300 frames exposes."""
    clip, truth = data / "clips" / "pets_cctv_768x576_30s.avi", read_tracks(tracks)
    plan = plan_of(clip, PROFILES[profile].detecting({Kind.PERSON}))
    cover, shown, frames = plan.cover(), {}, 0
    for frame in open_source(clip).frames():
        mask, frames = size_mask(cover(frame.index, frame.time), plan.source.size), frames + 1
        for who, box in truth.get(frame.index, {}).items():
            if box.height >= TALL:
                here = part(mask, box)
                shown.setdefault(who, [])
                if here.size and here.mean() < ENOUGH:
                    shown[who].append((float(here.mean()), frame.index))
    exposed = {who: min(seen) for who, seen in shown.items() if seen}
    name = f"people exposed in any of {frames} frames, {profile}"
    print_row(name, Share(len(exposed), len(shown)), f"{sum(map(len, shown.values()))} times")
    for who, (share, index) in sorted(exposed.items()):
        times = len(shown[who])
        print(f"| person {who} | {times} frames | least {100 * share:.0f} %, frame {index} | |")


def plan_of(clip: Path, recipe: Recipe) -> Plan:
    """The plan of a clip."""
    return analyse(open_source(clip), recipe, None, lambda *_: None)


def cut(clip: Path, target: Path, frames: int) -> Path:
    """Its first frames, encoded without visible loss."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(clip), "-an"]
    command += ["-frames:v", str(frames), "-c:v", "libx264", "-crf", "12", str(target)]
    subprocess.run(command, check=True)
    return target


@dataclass(frozen=True, slots=True)
class Line:
    """A painted line: its pixels, the height of its font, what it says, and how it is turned."""

    ink: Mask
    size: int
    words: str
    angle: float = 0.0


def paint(seed: int, width: int = 1280, height: int = 720) -> tuple[Rgb, list[Line]]:
    """A wall or a desk with turned lines on labels and without, blurred a little."""
    chance = np.random.default_rng(seed)
    ground = chance.integers(60, 220, (6, 10, 3), np.uint8)
    picture = cv2.resize(ground, (width, height), interpolation=cv2.INTER_CUBIC)
    picture = np.clip(picture + chance.normal(0, 6, picture.shape), 0, 255).astype(np.uint8)
    lines = []
    for place in range(8):
        size = int(SIZES[place % len(SIZES)])
        words, angle = str(chance.choice(WORDS)), float(chance.uniform(-25, 25))
        alpha = _line(words, size, angle)
        rows, columns = alpha.shape
        if rows >= height // 4 or columns >= width // 2:
            continue
        top = place // 2 * height // 4 + int(chance.integers(0, height // 4 - rows))
        left = place % 2 * width // 2 + int(chance.integers(0, width // 2 - columns))
        view = picture[top : top + rows, left : left + columns].astype(np.float32)
        dark = view.mean() > 120
        if place % 3 == 0:  # on a label
            view[...] = 235 if dark else 30
        ink = np.float32(chance.integers(0, 60) if dark else chance.integers(200, 255))
        share = alpha[..., None].astype(np.float32) / 255
        blur = float(chance.choice([0, 0.6, 1.0, 1.4])) * (size >= 16)
        mixed = view * (1 - share) + ink * share
        if blur:
            mixed = cv2.GaussianBlur(mixed, (0, 0), blur)
        picture[top : top + rows, left : left + columns] = mixed
        whole = np.zeros((height, width), bool)
        whole[top : top + rows, left : left + columns] = alpha > 127
        lines.append(Line(whole, size, words, angle))
    return picture, lines


def _line(words: str, size: int, angle: float) -> NDArray[np.uint8]:
    """How much of each pixel a turned line covers, 0 to 255."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(words)
    line = Image.new("L", (round(right - left) + 8, round(bottom - top) + 8))
    ImageDraw.Draw(line).text((4 - left, 4 - top), words, 255, font)
    return np.asarray(line.rotate(angle, Image.Resampling.BICUBIC, expand=True))


def measure_text(profile: str) -> None:
    """Painted lines by their size, in pictures."""
    recipe = PROFILES[profile].detecting({Kind.TEXT})
    found: dict[int, Share] = {size: Share() for size in SIZES}
    beside = []
    for seed in range(PICTURES):
        picture, lines = paint(seed)
        mask = hide_in(picture, recipe)
        for line in lines:
            found[line.size] += Share(int(mask[line.ink].mean() >= ALL), 1)
        around = np.any([line.ink for line in lines], axis=0).astype(np.uint8)
        around = cv2.dilate(around, np.ones((31, 31), np.uint8)).astype(bool)
        beside.append(float((mask & ~around).mean()))
    for size, share in found.items():
        print_row(f"text of {size} px, {profile}", share)
    print_row(
        f"text, {profile}", sum(found.values(), Share()), f"{100 * np.mean(beside):.2f} % beside"
    )


def scroll(folder: Path, frames: int = 75) -> tuple[Path, list[list[Line]]]:
    """A page that scrolls by 4 pixels a frame, and its lines frame by frame."""
    size, width, height = 18, 640, 360
    pitch, path = 44, folder / "page.mp4"
    said = [f"{WORDS[i % len(WORDS)]}, {i}" for i in range(20)]
    alphas = [_line(words, size, 0) for words in said]
    shown: list[list[Line]] = []
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "rawvideo", "-r", "25"]
    command += ["-pix_fmt", "gray", "-s", f"{width}x{height}", "-i", "-", "-crf", "20", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as writer, ExitStack() as stack:
        assert writer.stdin is not None
        stack.callback(writer.stdin.close)
        for frame in range(frames):
            picture, lines = np.full((height, width), 245, np.uint8), []
            for i, alpha in enumerate(alphas):
                top = 60 + i * pitch - 4 * frame
                rows, columns = alpha.shape
                if top >= 0 and top + rows <= height:
                    view = picture[top : top + rows, 40 : 40 + columns]
                    view[...] = np.minimum(view, 255 - alpha)
                    whole = np.zeros((height, width), bool)
                    whole[top : top + rows, 40 : 40 + columns] = alpha > 127
                    lines.append(Line(whole, size, said[i]))
            writer.stdin.write(picture.tobytes())
            shown.append(lines)
    return path, shown


def measure_scrolling(profile: str) -> None:
    """Lines of a scrolling page that are hidden, counted in every frame."""
    with tempfile.TemporaryDirectory() as folder:
        path, shown = scroll(Path(folder))
        plan = plan_of(path, PROFILES[profile].detecting({Kind.TEXT}))
        cover, total = plan.cover(), Share()
        for frame, lines in zip(open_source(path).frames(), shown, strict=True):
            mask = size_mask(cover(frame.index, frame.time), plan.source.size)
            total += Share(sum(bool(mask[line.ink].mean() >= ALL) for line in lines), len(lines))
    print_row(f"lines of a scrolling page in each frame, {profile}", total)


def measure_cost(clip: Path, profile: str, frames: int, wanted: Sequence[str]) -> None:
    """CPU time of an analysis of a clip's first frames, for some kinds together."""
    from redact.core.kinds import KINDS, USUAL

    asked = {"faces,plates": USUAL, **{it.option: (kind,) for kind, it in KINDS.items()}}
    asked |= {"all": tuple(KINDS)}
    with tempfile.TemporaryDirectory() as folder:
        part_of_it = cut(clip, Path(folder) / "clip.mp4", frames)
        for name, kinds in ((name, asked[name]) for name in wanted or asked):
            began = process_time()
            plan = plan_of(part_of_it, PROFILES[profile].detecting(kinds))
            spent = 1000 * (process_time() - began) / plan.source.frames
            print(f"| {name}, {profile} | {spent:.0f} ms a frame | {len(plan.tracks)} tracks |")


def print_row(name: str, share: Share, more: str = "") -> None:
    """A row of the table."""
    percent = f"{100 * share.part / share.whole:.1f} %" if share.whole else "-"
    print(f"| {name} | {share.part} of {share.whole} | {percent} | {more} |", flush=True)


def main(said: Sequence[str] | None = None) -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profiles", nargs="+", choices=PROFILES, default=["balanced"])
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data")
    names = ("camera", "pictures", "screens", "text", "scrolling", "cost", "tracks")
    parser.add_argument("--sets", nargs="+", choices=names, default=list(names[:-1]))
    parser.add_argument("--tracks", type=Path, help="gt.txt of PETS09-S2L1, from MOT15")
    parser.add_argument("--clip", default="opera_street_1080p25.mp4", help="of which cost is told")
    parser.add_argument("--frames", type=int, default=50, help="how many of its frames")
    parser.add_argument("--kinds", nargs="+", help="of which cost is told, such as: people all")
    parser.add_argument("--every", type=int, default=1, help="each N-th labelled picture only")
    options = parser.parse_args(said)
    if "tracks" in options.sets and options.tracks is None:
        parser.error("tracks needs --tracks: see bench/README.md")
    for profile in options.profiles:
        for name in options.sets:
            if name == "camera":
                measure_camera(options.data, profile)
            elif name == "pictures":
                measure_pictures(options.data, profile, options.every)
            elif name == "screens":
                measure_screens(options.data, profile)
            elif name == "tracks":
                measure_tracks(options.data, options.tracks, profile)
            elif name == "text":
                measure_text(profile)
            elif name == "scrolling":
                measure_scrolling(profile)
            else:
                clip = options.data / "clips" / options.clip
                measure_cost(clip, profile, options.frames, options.kinds)


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"bench: {error}")
