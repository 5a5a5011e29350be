"""Whether the outcome of a run on a known fault's inputs is as wanted, seen from outside."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import imageio_ffmpeg
import numpy as np
from measures import Cover
from numpy.typing import NDArray
from PIL import Image

from redact.detect.detectors import load

Picture: TypeAlias = NDArray[np.uint8]
"""(height, width, 3), RGB."""

_AT_ONCE = 2.0
"""CPU seconds that a refusal may take beyond one of a file that is not there."""

_LEAST_FACE = 40  # pixels
_CERTAIN = 0.8  # a score at which a detector is hardly ever wrong
_SHOWN = 0.5  # correlation of fine structure above which a face shows
_ALIKE = 6.0  # mean difference of two codings of one picture, of 255
_SILENCE = 400  # of 32768
_PRIMING = 1  # tenths of a second that an encoder may put before the first sample
_SEVERAL = 3  # how much larger a bilevel result may be


@dataclass(frozen=True, slots=True)
class Run:
    """What a run of `redact run -o out --json` left.

    Args:
        inputs: The named files, and all files of a named folder.
        code: Its exit code.
        said: What it wrote to stderr.
        reports: What it told of each file, by the source's name.
        results: The result of each source, by its name.
        cpu: CPU seconds, children included.
        idle: CPU seconds of a run whose input is not there.
    """

    inputs: tuple[Path, ...]
    code: int
    said: str
    reports: dict[str, dict[str, Any]]
    results: dict[str, Path]
    cpu: float
    idle: float
    folder: Path = field(default_factory=Path)

    def refusal(self, source: Path) -> str:
        """Why a file was refused; empty where it was not."""
        error = self.reports.get(source.name, {}).get("error")
        if error is None and self.code:
            return (self.said.strip().splitlines() or [""])[-1]
        return error["message"] if error else ""


Judge: TypeAlias = Callable[[Run], list[str]]
"""From a run to what is not as wanted."""


def redacted(run: Run) -> list[str]:
    """Every input is redacted."""
    return [
        f"{path.name}: {run.refusal(path) or 'no result'}"
        for path in run.inputs
        if path.name not in run.results
    ]


def redacted_or_refused(run: Run) -> list[str]:
    """Every input is redacted, or refused before any work with what to do."""
    faults = []
    for path in run.inputs:
        why = run.refusal(path)
        if path.name in run.results:
            continue
        if ";" not in why or "failed" in why or "unforeseen" in why:
            faults.append(f"{path.name}: not refused with what to do: {why or 'no report'}")
    late = run.cpu - run.idle > _AT_ONCE and not run.results
    return faults + ([f"refused after {run.cpu - run.idle:.1f} CPU seconds"] if late else [])


def same_frames(run: Run) -> list[str]:
    """Every input is redacted, and its result shows as many pictures as a player does."""
    return redacted(run) + [
        f"{name}: {after} pictures instead of {before}"
        for name, source, result in _pairs(run)
        if (before := len(played(source))) != (after := len(played(result)))
    ]


def no_face_shows(run: Run) -> list[str]:
    """No face of 40 px and more that two detectors are certain of shows in the result."""
    detectors = [load("yunet"), load("centerface")]
    faults = redacted(run)
    for name, source, result in _pairs(run):
        shown = set()
        for number, (before, after) in enumerate(zip(played(source), played(result), strict=True)):
            found, also = (it.detect([before], _CERTAIN)[0] for it in detectors)
            for face in found:
                box = face.box
                agreed = any(box.iou(other.box) > 0.3 for other in also)
                if agreed and box.bottom - box.top >= _LEAST_FACE and _shows(box, before, after):
                    shown.add(number)
        faults += [f"{name}: faces show in frames {sorted(shown)}"] if shown else []
    return faults


def _shows(box: Any, before: Picture, after: Picture) -> bool:
    rows = slice(max(0, int(box.top)), int(box.bottom))
    columns = slice(max(0, int(box.left)), int(box.right))
    old, new = (_fine_structure(picture)[rows, columns].ravel() for picture in (before, after))
    scale = float(np.linalg.norm(old) * np.linalg.norm(new))
    return scale > 0 and float(old @ new) / scale > _SHOWN


def _fine_structure(picture: Picture) -> NDArray[np.float32]:
    import cv2

    grey = picture.astype(np.float32).mean(axis=2)
    return np.asarray(grey - cv2.blur(grey, (5, 5)), np.float32)


def no_more_sound_than_played(run: Run) -> list[str]:
    """No loud stretch that the source does not play is in the result, under any edit list."""
    return redacted(run) + [
        f"{name}: {held} stretches of sound, {most - _PRIMING} are played"
        for name, source, result in _pairs(run)
        if (held := _loud(result, "-ignore_editlist", "1")) > (most := _loud(source) + _PRIMING)
    ]


def _loud(path: Path, *options: str) -> int:
    """How many tenths of a second are not silent."""
    raw = _ffmpeg(
        *(*options, "-i", f"file:{path}", "-vn", "-f", "s16le", "-ac", "1", "-ar", "48000", "-")
    )
    samples = np.frombuffer(raw[: len(raw) // 9600 * 9600], np.int16).astype(int)
    return int((np.abs(samples).reshape(-1, 4800).max(axis=1) > _SILENCE).sum())


def all_faces_black(run: Run) -> list[str]:
    """Every labelled face is hidden, as cover.py counts."""
    source = run.inputs[0]
    cover = Cover(source.parents[3] / "tools" / "cover.py")
    found = cover.pictures(source.parent / "labels.jsonl", source.parent, run.folder).hidden
    shown = found.whole - found.part
    return redacted(run) + ([f"{found.part} of {found.whole} faces hidden"] if shown else [])


def same_view(run: Run) -> list[str]:
    """A result shows what the source shows in a player that crops; or it is refused at once."""
    faults = redacted_or_refused(run)
    for name, source, result in _pairs(run):
        before, after = played(source), played(result)
        if [p.shape for p in before] != [p.shape for p in after]:
            faults.append(f"{name}: shows {after[0].shape[:2]} instead of {before[0].shape[:2]}")
            continue
        apart = max(float(np.abs(a.astype(int) - b).mean())
                    for a, b in zip(before, after, strict=True))  # fmt: skip
        faults += [f"{name}: shows other pictures"] if apart > _ALIKE else []
    return faults


def same_layout(run: Run) -> list[str]:
    """What players are told of views and projection is kept, or the file is refused at once."""
    return redacted_or_refused(run) + [
        f"{name}: {_layout(result)} instead of {_layout(source)}"
        for name, source, result in _pairs(run)
        if _layout(source) != _layout(result)
    ]


def _layout(path: Path) -> list[str]:
    said = subprocess.run([_PROGRAM, "-i", f"file:{path}"], capture_output=True, check=False)
    lines = said.stderr.decode("utf-8", "replace").splitlines()
    told = (" ".join(line.split()) for line in lines if _LAYOUT.search(line))
    return [line for line in told if not line.startswith("Input")]


_LAYOUT = re.compile(r"stereo|spherical|projection", re.IGNORECASE)


def kept_by_name(run: Run) -> list[str]:
    """Redacted, one sound stays, and the track that is left out is named."""
    faults = redacted(run)
    for name, _, result in _pairs(run):
        said = subprocess.run([_PROGRAM, "-i", f"file:{result}"], capture_output=True, check=False)
        sounds = said.stderr.count(b"Audio: ")
        faults += [f"{name}: {sounds} tracks of sound instead of 1"] if sounds != 1 else []
    told = f"{run.said} {run.reports}"
    return faults + ([] if "apac" in told else ["the track that is left out is not named"])


def resolution_kept(run: Run) -> list[str]:
    """Resolution and bilevel mode stay, and a bilevel result is not many times larger."""
    faults = redacted(run)
    for name, source, result in _pairs(run):
        with Image.open(source) as before, Image.open(result) as after:
            old, new = (
                tuple(round(float(n)) for n in p.info.get("dpi", ())) for p in (before, after)
            )
            faults += [f"{name}: resolution {new} instead of {old}"] if old != new else []
            bilevel = before.mode == "1"
            faults += [f"{name}: mode {after.mode}"] if bilevel and after.mode != "1" else []
        growth = result.stat().st_size / source.stat().st_size
        faults += [f"{name}: {growth:.1f} times larger"] if bilevel and growth > _SEVERAL else []
    return faults


def colour_chunks_kept(run: Run) -> list[str]:
    """A PNG's colour chunks are kept bit by bit."""
    return redacted(run) + [
        f"{name}: {kind.decode()} is not kept"
        for name, source, result in _pairs(run)
        for kind, data in _chunks(source).items()
        if kind in {b"cICP", b"gAMA", b"cHRM", b"sRGB"} and _chunks(result).get(kind) != data
    ]


def _chunks(path: Path) -> dict[bytes, bytes]:
    data, at, found = path.read_bytes(), 8, {}
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        found[data[at + 4 : at + 8]] = data[at + 8 : at + 8 + length]
        at += 12 + length
    return found


def redacted_or_said(run: Run) -> list[str]:
    """All of a folder's media are redacted; or what is not is said, and counts."""
    missing = [path.name for path in run.inputs if path.name not in run.results]
    unsaid = [name for name in missing if name not in run.said]
    faults = [f"{name} is left out silently" for name in unsaid]
    return faults + (["exit code 0 with files left out"] if missing and not run.code else [])


def _pairs(run: Run) -> list[tuple[str, Path, Path]]:
    """Name, source and result of what was redacted."""
    return [
        (path.name, path, run.results[path.name]) for path in run.inputs if path.name in run.results
    ]


_PROGRAM = imageio_ffmpeg.get_ffmpeg_exe()


def _ffmpeg(*arguments: str) -> bytes:
    return subprocess.run(
        [_PROGRAM, "-v", "quiet", *arguments], capture_output=True, check=False
    ).stdout


def played(path: Path) -> list[Picture]:
    """The pictures that ffmpeg, as a player, shows: cropped and turned as the container says."""
    data = _ffmpeg("-i", f"file:{path}", "-map", "0:v:0", "-fps_mode", "passthrough",
                   "-f", "image2pipe", "-c:v", "ppm", "-")  # fmt: skip
    pictures, at = [], 0
    while found := re.compile(rb"P6\n(\d+) (\d+)\n255\n").match(data, at):
        width, height = int(found[1]), int(found[2])
        at = found.end() + width * height * 3
        samples = np.frombuffer(data[found.end() : at], np.uint8)
        pictures.append(samples.reshape(height, width, 3))
    return pictures


def problems_of(judges: Sequence[Judge], run: Run) -> list[str]:
    """What any of the judges finds, without repetition."""
    return list(dict.fromkeys(fault for judge in judges for fault in judge(run)))
