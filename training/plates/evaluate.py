"""Measures an exported detector: recall, cover, false boxes, time, for several thresholds."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from . import config, data
from .detector import Detector, grown
from .paste import paint_over

BINS = [(0, 8), (8, 12), (12, 20), (20, 32), (32, 64), (64, 10**6)]
HEAD = "threshold    IoU .5     cover  false/pic.   vain %"
Counts = dict[str, np.ndarray]  # name: boxes, found at IoU 0.5, covered by 90 %


def mask_of(boxes: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The pixels that boxes cover."""
    mask = np.zeros(shape[:2], bool)
    for x1, y1, x2, y2 in boxes:
        left, top = max(0, int(np.floor(x1))), max(0, int(np.floor(y1)))
        mask[top : max(0, int(np.ceil(y2))), left : max(0, int(np.ceil(x2)))] = True
    return mask


def ious(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """IoU of one box with others."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    inner = np.prod(np.maximum(high - low, 0), 1)
    return inner / (np.prod(box[2:] - box[:2]) + np.prod(others[:, 2:] - others[:, :2], 1) - inner)


class Tally:
    """Counts of one threshold."""

    def __init__(self) -> None:
        self.counts: Counts = defaultdict(lambda: np.zeros(3))
        self.false, self.vain, self.pictures = 0, 0.0, 0

    def add(
        self, picture: data.Picture, shape: tuple[int, ...], found: np.ndarray, margin: float
    ) -> None:
        """Adds a picture's labels and detections."""
        hidden = grown(found, margin)
        mask = mask_of(hidden, shape)
        for box in picture.boxes:
            x1, y1, x2, y2 = box.astype(int)
            part = mask[max(0, y1) : y2 + 1, max(0, x1) : x2 + 1]
            covered = part.size == 0 or part.mean() >= 0.9
            matched = len(found) > 0 and ious(box, found).max() >= 0.5
            one = np.array([1, matched, covered])
            height = box[3] - box[1]
            name = next(f"{low}-{high} px" for low, high in BINS if low <= height < high)
            for key in ("all", picture.set, name):
                self.counts[key] += one
        wanted = mask_of(grown(picture.boxes, 0.5), shape)
        self.false += sum(mask_of(box[None], shape)[wanted].sum() == 0 for box in found)
        self.vain += float((mask & ~wanted).mean())
        self.pictures += 1

    def line(self, threshold: float) -> str:
        """The threshold's row of the table."""
        number, matched, covered = np.maximum(self.counts["all"], (1e-9, 0, 0))  # none: 0
        return (
            f"{threshold:9.2f} {matched / number:9.3f} {covered / number:9.3f} "
            f"{self.false / self.pictures:9.3f} {100 * self.vain / self.pictures:9.2f}"
        )

    def details(self) -> None:
        """Prints rows per set and per height of the plate."""
        for name, (number, matched, covered) in sorted(self.counts.items()):
            if not number:
                continue
            row = f"{int(number):6d} {matched / number:9.3f} {covered / number:9.3f}"
            print(f"{name:24s} {row}")


def milliseconds(detector: Detector, side: int = 640) -> float:
    """Median time for a 4:3 picture, network alone."""
    image = np.random.default_rng(0).uniform(0, 255, (1, 3, side * 3 // 4, side))
    image = image.astype(np.float32)
    times = []
    for _ in range(25):
        start = time.perf_counter()
        detector.session.run(None, {"image": image})
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times))


def fill(pixels: np.ndarray, boxes: np.ndarray, margin: float, target: Path) -> None:
    """Writes the picture with black boxes."""
    covered = pixels.copy()
    covered[mask_of(grown(boxes, margin), pixels.shape)] = 0
    target.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(target.with_suffix(".png")), covered, [cv2.IMWRITE_PNG_COMPRESSION, 1])


def emptied(picture: data.Picture, pixels: np.ndarray) -> data.Picture:
    """The same picture without labels, its plates painted over."""
    for box in picture.boxes:
        paint_over(pixels, box)
    return data.Picture(picture.path, picture.set, picture.boxes[:0])


def pictures_of(given: Any, settings: dict[str, Any]) -> Iterator[tuple[data.Picture, np.ndarray]]:
    """The held-out split, or all pictures of another labels file, with their pixels."""
    if given.labels is None:
        pictures = data.split(settings)[1]
    else:
        pictures = data.read(given.labels, given.field)
    for picture in pictures:
        pixels = picture.pixels()
        yield (emptied(picture, pixels) if given.emptied else picture), pixels


def by_threshold(given: Any, settings: dict[str, Any], detector: Detector) -> None:
    """A row for each threshold, then sets and heights for one of them."""
    wanted = settings["evaluate"]
    sides = given.sides or [wanted["longer_side"]]
    thresholds = sorted({*wanted["thresholds"], given.threshold})
    tallies = {threshold: Tally() for threshold in thresholds}
    for picture, pixels in pictures_of(given, settings):
        boxes, scores = detector(pixels, sides, thresholds[0], wanted["nms"])
        for threshold, tally in tallies.items():
            tally.add(picture, pixels.shape, boxes[scores >= threshold], wanted["margin"])
    print(f"input {sides}, margin {wanted['margin']}, {milliseconds(detector):.1f} ms at 640x480")
    print(HEAD)
    for threshold, tally in tallies.items():
        print(tally.line(threshold))
    print(f"at {given.threshold}: boxes, IoU .5, cover")
    tallies[given.threshold].details()


def by_profile(given: Any, settings: dict[str, Any], detector: Detector) -> None:
    """One working point; its pictures with black boxes where wanted."""
    profile = settings["profiles"][given.profile]
    tally, seconds = Tally(), 0.0
    for picture, pixels in pictures_of(given, settings):
        start = time.process_time()
        boxes = detector.profile(pixels, profile)
        seconds += time.process_time() - start
        tally.add(picture, pixels.shape, boxes, profile["margin"])
        if given.write:
            name = Path(picture.path.parent.name) / picture.path.name
            fill(pixels, boxes, profile["margin"], given.write / name)
    print(f"{given.profile}: {1000 * seconds / max(1, tally.pictures):.0f} CPU ms a picture")
    print(HEAD)
    print(tally.line(profile["threshold"]))
    tally.details()


def main() -> None:
    """Prints a table of thresholds or the figures of one profile."""
    args = config.parser(__doc__ or "")
    args.add_argument("--labels", type=Path, help="another labels file than the held-out split")
    args.add_argument("--field", default="boxes")
    args.add_argument("--sides", type=int, nargs="+", help="input sizes, detections united")
    args.add_argument("--threshold", type=float, default=0.3, help="of the details")
    args.add_argument("--emptied", action="store_true", help="paint over all plates first")
    args.add_argument("--profile", help="a working point of the settings instead of a table")
    args.add_argument("--write", type=Path, help="folder for a profile's pictures, boxes black")
    given = args.parse_args()
    settings = config.load(given)
    cv2.setNumThreads(1)
    detector = Detector(Path(settings["paths"]["onnx"]))
    (by_profile if given.profile else by_threshold)(given, settings, detector)


if __name__ == "__main__":
    main()
