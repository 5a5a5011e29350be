"""Short shots: whether anybody shows in videos of many different pictures a second.

    python bench/montage.py --data DATA

Each film shows labelled pictures one after the other, so many a second. A face of 40 px and more is
exposed in a frame if less than 90 % of it is hidden. Beside it stands the same picture redacted as
a still: what no pass finds there is not the schedule's fault.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from material import read_rows

import redact
from redact import Box, Size
from redact.hide.masks import size_mask

SIZE = (1024, 768)
RATE = 25
LEAST = 40.0  # pixels
HIDDEN = 0.9  # of a face


def main() -> None:
    """Print one line for each number of pictures a second."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of sets")
    parser.add_argument("--seconds", type=int, default=4, help="of each film")
    parser.add_argument("--rates", type=int, nargs="+", default=[1, 2, 5, 8, 12, 25])
    parser.add_argument("--profile", default="balanced", choices=list(redact.PROFILES))
    asked = parser.parse_args()
    labels = read_rows(asked.data / "faces_wider/labels.jsonl")
    rng = np.random.default_rng(1)
    recipe = redact.PROFILES[asked.profile].detecting({redact.Kind.FACE})
    for rate in asked.rates:
        chosen = [labels[n] for n in rng.permutation(len(labels))[: rate * asked.seconds]]
        shots = [shot(asked.data / "faces_wider", one) for one in chosen]
        each = RATE // rate
        shown, exposed, alone = faces_of(shots, each, recipe)
        print(
            f"{rate} pictures a second: {exposed} of {shown} faces of {LEAST:.0f} px and more are "
            f"exposed in some frame; {alone} in the pictures redacted alone",
            flush=True,
        )


def shot(folder: Path, label: dict[str, Any]) -> tuple[Any, list[Box]]:
    """A picture laid on the film's size, and its faces that count."""
    picture = cv2.imread(str(folder / label["image"]))
    scale = min(SIZE[0] / picture.shape[1], SIZE[1] / picture.shape[0])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    frame = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    frame[: small.shape[0], : small.shape[1]] = small[: SIZE[1], : SIZE[0]]
    boxes = (Box(*(side * scale for side in f["box"])) for f in label["faces"] if not f["invalid"])
    return frame, [box for box in boxes if box.height >= LEAST]


def faces_of(
    shots: Sequence[tuple[Any, list[Box]]], each: int, recipe: redact.Recipe
) -> tuple[int, int, int]:
    """How many faces there are, how many are exposed in some frame, and how many in a still."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "montage.mp4"
        write(path, [frame for frame, _ in shots for _ in range(each)])
        cover = redact.analyse_file(path, recipe).cover()
    shown = exposed = alone = 0
    for number, (frame, faces) in enumerate(shots):
        bare: set[int] = set()
        for index in range(number * each, number * each + each):
            mask = size_mask(cover(index, Fraction(index, RATE)), Size(*SIZE))
            bare |= {n for n, box in enumerate(faces) if hidden_share(mask, box) < HIDDEN}
        found = redact.find_in_picture(np.ascontiguousarray(frame[:, :, ::-1]), recipe)
        regions = [recipe.coverage.region(d.kind, d.box) for d in found]
        still = size_mask(regions, Size(*SIZE))
        shown, exposed = shown + len(faces), exposed + len(bare)
        alone += sum(hidden_share(still, box) < HIDDEN for box in faces)
    return shown, exposed, alone


def hidden_share(mask: Any, box: Box) -> float:
    """The share of a box, within the picture, that a mask hides."""
    part = mask[max(0, int(box.top)) : int(box.bottom), max(0, int(box.left)) : int(box.right)]
    return float(part.mean()) if part.size else 1.0


def write(path: Path, frames: Sequence[Any]) -> None:
    """Encode the frames as H.264."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "20"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "bgr24")))
        container.mux(stream.encode())


if __name__ == "__main__":
    main()
