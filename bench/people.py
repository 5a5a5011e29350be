"""Prints whom `--except` and `--only` show of people whose faces move over painted scenes.

Each clip is made of labelled pictures of faces: people walk apart, cross, come back in another
shot, or turn into somebody else in place, which is what a track that jumps looks like. Two
other pictures of the person that is meant are the photographs, cut to the head. Counted is what the
plan leaves visible and would hide without a choice. Analysis and portraits are made once, and
thresholds are tried on them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import imageio_ffmpeg
import numpy as np
from PIL import Image

from redact import PROFILES, analyse_file
from redact.core.geometry import Box, Region
from redact.core.plan import Plan
from redact.core.recipe import recipe
from redact.detect.likeness.portraits import Portraitist
from redact.media.formats import open_source
from redact.people import choice as rules
from redact.people.choice import Mode, Seen, choose
from redact.people.gallery import every_sighting, take_portraits

ROOT = Path(__file__).resolve().parents[1]
SIZE = (640, 360)
FRAMES = 60
RATE = 25
_FACE = np.array([78, 68, 172, 196])
"""Where a face is in a picture of 250x250."""
_HEAD = np.array([45, 30, 205, 225])
"""What of it is painted: an ellipse."""
_COVERED = 0.5
"""Share of a face that must be hidden for it to count as hidden."""
KINDS = ("apart", "cross", "cut", "turn", "absent")


@dataclass
class Actor:
    """Somebody who moves through a clip.

    Args:
        name: Who it is.
        picture: By frame, (250, 250, 3), or None where nobody is there.
        where: The middle of the head by frame, in pixels.
        scale: Pixels of the clip for each of the picture.
    """

    name: str
    picture: Callable[[int], Any]
    where: Callable[[int], tuple[float, float]]
    scale: float

    def face(self, index: int) -> Box:
        """Where the face is."""
        x, y = self.where(index)
        middle = (_HEAD[:2] + _HEAD[2:]) / 2
        sides = (_FACE - np.tile(middle, 2)) * self.scale + [x, y, x, y]
        return Box(*map(float, sides))


@dataclass
class Clip:
    """What is painted, and who is meant.

    Args:
        kind: Of `KINDS`.
        actors: In order of painting.
        photos: Of the one who is meant, one or two.
        meant: His name.
        cut: The frame at which another shot begins, if one does.
    """

    kind: str
    actors: list[Actor]
    photos: list[Any]
    meant: str
    cut: int | None = None
    turned: dict[int, str] = field(default_factory=dict)

    def present(self, index: int) -> Iterator[tuple[str, Box]]:
        """Who is there in a frame, and where the face is."""
        for number, actor in enumerate(self.actors):
            if actor.picture(index) is None:
                continue
            name = actor.name
            if number == 0 and self.kind == "turn" and index > FRAMES // 2 + 2:
                name = self.turned[0]
            yield name, actor.face(index)


def make_clip(kind: str, people: dict[str, list[Any]], seed: int) -> Clip:
    """A clip of one kind with people drawn by chance."""
    dice = np.random.default_rng(seed)
    several = [name for name in people if len(people[name]) > 2]
    meant = str(dice.choice(several))
    others = [str(n) for n in dice.permutation([n for n in people if n != meant])[:3]]
    own = list(dice.permutation(len(people[meant])))
    photos = [_head(people[meant][place]) for place in own[:2]]
    scales = [float(s) for s in dice.uniform(0.55, 1.0, 3)]

    def still(picture: Any) -> Callable[[int], Any]:
        return lambda _: picture

    def line(x: float, speed: float, y: float) -> Callable[[int], tuple[float, float]]:
        return lambda i: (x + speed * i, y + 4 * float(np.sin(i / 5)))

    first = still(people[meant][own[2]])
    rest = [still(people[name][0]) for name in others]
    places = [line(110, 0.7, 180), line(320, 0.5, 170), line(530, -0.4, 190)]
    turned: dict[int, str] = {}
    if kind == "cross":
        places[:2] = [line(120, 5, 180), line(440, -5, 175)]
    if kind == "cut":
        later = people[meant][own[-1]]
        here = first(0)
        first = lambda i: here if i < FRAMES // 2 else later  # noqa: E731
    if kind == "turn":
        here, into = first(0), people[others[2]][0]
        turned[0] = others[2]

        def first(i: int) -> Any:
            share = float(np.clip((i - FRAMES // 2 + 2) / 5, 0, 1))
            return (here * (1 - share) + into * share).astype(np.uint8)

    actors = [Actor(meant, first, places[0], scales[0])]
    actors += [
        Actor(name, shown, place, scale)
        for name, shown, place, scale in zip(others, rest, places[1:], scales[1:], strict=False)
    ]
    if kind == "absent":
        actors = actors[1:]
    if kind == "cross" and dice.random() < 0.5:
        actors.reverse()
    return Clip(kind, actors, photos, meant, FRAMES // 2 if kind == "cut" else None, turned)


def _head(picture: Any) -> Any:
    """The picture cut to the head."""
    left, top, right, bottom = _HEAD
    return np.ascontiguousarray(picture[top:bottom, left:right])


def paint(clip: Clip, seed: int) -> Iterator[Any]:
    """Its frames, (height, width, 3)."""
    dice = np.random.default_rng(seed)
    scenes = []
    for _ in range(2):
        coarse = dice.uniform(40, 215, (SIZE[1] // 24, SIZE[0] // 24, 3)).astype(np.float32)
        scenes.append(cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC).clip(0, 255))
    mask = np.zeros((250, 250), np.float32)
    middle, axes = (_HEAD[:2] + _HEAD[2:]) // 2, (_HEAD[2:] - _HEAD[:2]) // 2
    cv2.ellipse(mask, middle.tolist(), axes.tolist(), 0, 0, 360, 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 3)
    for index in range(FRAMES):
        frame = scenes[int(clip.cut is not None and index >= clip.cut)].copy()
        for actor in clip.actors:
            picture = actor.picture(index)
            if picture is None:
                continue
            x, y = actor.where(index)
            move = np.array(
                [[actor.scale, 0, x - actor.scale * middle[0]],
                 [0, actor.scale, y - actor.scale * middle[1]]]
            )  # fmt: skip
            over = cv2.warpAffine(picture, move, SIZE, flags=cv2.INTER_AREA).astype(np.float32)
            share = cv2.warpAffine(mask, move, SIZE)[..., None]
            frame = frame * (1 - share) + over * share
        noise = dice.normal(0, 2, frame.shape)
        yield np.clip(frame + noise, 0, 255).astype(np.uint8)


def write(frames: Iterator[Any], path: Path) -> None:
    """As H.264."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-f", "rawvideo"]
    command += ["-pix_fmt", "rgb24", "-s", "{}x{}".format(*SIZE), "-r", str(RATE), "-i", "-"]
    command += ["-c:v", "libx264", "-crf", "20", "-pix_fmt", "yuv420p", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as program:
        assert program.stdin is not None
        for frame in frames:
            program.stdin.write(frame.tobytes())
        program.stdin.close()
    if program.returncode:
        raise SystemExit(f"ffmpeg could not write {path.name}")


@dataclass
class Case:
    """A clip that was analysed: all that a choice is made from."""

    clip: Clip
    plan: Plan
    portraits: dict[int, list[Seen]]
    photos: list[Any]
    always: list[list[Region]]
    seconds: list[Any]


def prepare(clip: Clip, seed: int, profile: str, folder: Path, artist: Portraitist) -> Case | None:
    """Paint and analyse a clip; None if all its photographs would be refused."""
    found = [artist.find(np.ascontiguousarray(photo)) for photo in clip.photos]
    photos = [f[0].vector for f in found if len(f) == 1 and f[0] is not None]
    if not photos:
        return None
    path = folder / "clip.mp4"
    write(paint(clip, seed), path)
    plan = analyse_file(path, replace(recipe(profile), uncertain="hide").detecting({"face"}))
    source = open_source(path)
    portraits = dict(take_portraits(source, plan, every_sighting, lambda *_: None))
    times = [frame.time for frame in source.frames()]
    return Case(clip, plan, portraits, photos, _regions(plan, times), times)


def _regions(plan: Plan, times: Sequence[Any]) -> list[list[Region]]:
    cover = plan.cover()
    return [cover(index, time) for index, time in enumerate(times)]


@dataclass
class Tally:
    """Frames of people who are to be hidden, and of people who may be seen.

    Args:
        exposed: Frames in which somebody shows who must not, and who is hidden without a choice.
        hidden: Frames in which somebody is hidden who may be seen.
        kept: All frames of people who may be seen.
    """

    exposed: int = 0
    secret: int = 0
    hidden: int = 0
    kept: int = 0


def measure(cases: Sequence[Case], mode: Mode) -> Tally:
    """What a choice makes of all clips, with the thresholds as they are now."""
    tally = Tally()
    for case in cases:
        shows = choose(case.plan, case.portraits, case.photos, mode)
        regions = _regions(replace(case.plan, edits=shows), case.seconds)
        for index in range(len(case.seconds)):
            for name, box in case.clip.present(index):
                before = _hidden_share(box, case.always[index])
                now = _hidden_share(box, regions[index])
                may_be_seen = (name == case.clip.meant) == (mode == "except")
                if may_be_seen:
                    tally.kept += 1
                    tally.hidden += now >= _COVERED
                else:
                    tally.secret += 1
                    tally.exposed += before >= 0.9 > now
    return tally


def _hidden_share(box: Box, regions: Sequence[Region]) -> float:
    """The share of a face within regions, on a grid of points."""
    xs = np.linspace(box.left, box.right, 12)[1:-1]
    ys = np.linspace(box.top, box.bottom, 12)[1:-1]
    inside = np.zeros((len(ys), len(xs)), bool)
    for region in regions:
        b = region.box
        inside |= ((ys >= b.top) & (ys <= b.bottom))[:, None] & ((xs >= b.left) & (xs <= b.right))
    return float(inside.mean())


def read_people(data: Path) -> dict[str, list[Any]]:
    """Pictures by name."""
    people: dict[str, list[Any]] = {}
    for path in sorted(data.glob("*/*.jpg")):
        people.setdefault(path.parent.name, []).append(np.asarray(Image.open(path).convert("RGB")))
    return people


def main() -> None:
    """Make the clips, analyse them, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = ROOT.parent / "shared" / "data" / "identities_lfw"
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--profile", default="fast", choices=PROFILES)
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="The first clip's number.")
    parser.add_argument("--keep", type=Path, help="Keep what thresholds are tried on there.")
    said = parser.parse_args()
    people, cases, refused = read_people(said.data), list[Case](), 0
    artist = Portraitist()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(said.first, said.first + said.clips):
            clip = make_clip(KINDS[seed % len(KINDS)], people, seed)
            case = prepare(clip, seed, said.profile, Path(folder), artist)
            refused += case is None
            cases += [case] if case is not None else []
    print(f"{len(cases)} clips of {FRAMES} frames; {refused} more whose photographs were refused\n")
    print_tables(cases)
    if said.keep:
        said.keep.write_text(json.dumps(summary(cases)))


def summary(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """For each clip and choice what became of it."""
    rows = []
    for case in cases:
        for mode in ("except", "only"):
            tally = measure([case], mode)
            rows.append({"kind": case.clip.kind, "mode": mode} | vars(tally))
    return rows


def print_tables(cases: Sequence[Case]) -> None:
    """By kind of clip, and by threshold."""
    print("| choice | clips | shown who must not be | hidden who may be seen |")
    print("|---|---|---:|---:|")
    for mode in ("except", "only"):
        for kind in (*KINDS, "all"):
            chosen = [case for case in cases if kind in (case.clip.kind, "all")]
            if chosen:
                print(f"| `--{mode}` | {kind} | {_row(measure(chosen, mode))} |")
    for mode, name, values in (
        ("except", "CLEARLY_SAME", (0.36, 0.4, 0.44, 0.48, 0.52, 0.56)),
        ("only", "CLEARLY_OTHER", (0.1, 0.14, 0.18, 0.22, 0.26, 0.3)),
    ):
        print(f"\n| `--{mode}`, likeness | shown who must not be | hidden who may be seen |")
        print("|---:|---:|---:|")
        used = getattr(rules, name)
        for value in values:
            setattr(rules, name, value)
            mark = " (used)" if value == used else ""
            print(f"| {value}{mark} | {_row(measure(cases, mode))} |")
        setattr(rules, name, used)


def _row(tally: Tally) -> str:
    share = f"{100 * tally.hidden / tally.kept:.1f} %" if tally.kept else "-"
    return f"{tally.exposed} of {tally.secret} | {share} of {tally.kept}"


if __name__ == "__main__":
    main()
