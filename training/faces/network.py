"""CenterFace's ONNX graph as a module that can be trained, and back into ONNX."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional

OUTPUTS = {"537": "heat", "538": "scale", "539": "offset"}
"""What is wanted of the source's outputs, and what we call it; its fourth is of landmarks."""


@dataclass(frozen=True)
class Block:
    """An inverted residual block: nodes by the names of their outputs.

    The hidden channels are those between `expand` and `project`: any of them can be taken out.
    `end` is the block's output, after the sum with its input where there is one (`source`).
    """

    expand: str
    depthwise: str
    project: str
    hidden: str
    end: str
    source: str


class Network(nn.Module):
    """The graph, node by node. Input (n, 3, height, width), RGB, 0 to 255; sides of 32 times n."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        graph = onnx.load(path).graph
        stored = {one.name: numpy_helper.to_array(one).copy() for one in graph.initializer}
        self.input = next(one.name for one in graph.input if one.name not in stored)
        self.nodes = _used(list(graph.node), set(OUTPUTS) & {o.name for o in graph.output})
        self.outputs = [o.name for o in graph.output if o.name in OUTPUTS]
        self.layers = nn.ParameterDict()
        for node in self.nodes:
            for name in node.input[1:]:
                if name in stored:
                    self.layers[_key(name)] = nn.Parameter(torch.from_numpy(stored[name]))
        self._fold_normalisations()

    def forward(self, images: Tensor, also: Collection[str] = ()) -> dict[str, Tensor]:
        """The outputs by their names in the graph, heat as logits, and the values in `also`."""
        return self.values(images, [*self.outputs, *also])

    def values(self, images: Tensor, names: Collection[str]) -> dict[str, Tensor]:
        """The values of those names; what comes after the last of them is not computed."""
        found, missing = {self.input: images}, set(names)
        for node in self.nodes:
            if not missing:
                break
            found[node.output[0]] = self._compute(node, found)
            missing.discard(node.output[0])
        return {name: found[name] for name in names}

    def weight(self, node: str, place: int) -> nn.Parameter:
        """A node's kernel (1) or bias (2)."""
        found = next(one for one in self.nodes if one.output[0] == node)
        parameter: nn.Parameter = self.layers[_key(found.input[place])]
        return parameter

    def blocks(self) -> Iterator[Block]:
        """All blocks whose hidden channels can be pruned, in the order in which they run."""
        users: dict[str, list[Any]] = {}
        for node in self.nodes:
            for name in node.input:
                users.setdefault(name, []).append(node)
        for node in self.nodes:
            chain = [node]
            while len(chain) < 5 and len(after := users.get(chain[-1].output[0], [])) == 1:
                chain += after
            kinds = [one.op_type for one in chain]
            if kinds != ["Conv", "Relu", "Conv", "Relu", "Conv"] or _groups(chain[2]) == 1:
                continue
            end, source = chain[-1].output[0], ""
            after = users.get(end, [])
            if len(after) == 1 and after[0].op_type == "Add":
                source = next(name for name in after[0].input if name != end)
                end = after[0].output[0]
            names = [one.output[0] for one in chain]
            yield Block(names[0], names[2], names[4], names[3], end, source)

    def _compute(self, node: Any, values: dict[str, Tensor]) -> Tensor:
        first = values[node.input[0]]
        held = [self.layers[_key(n)] for n in node.input[1:] if _key(n) in self.layers]
        kernel, bias, *_ = (*held, None, None)
        settings = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
        match node.op_type:
            case "Conv":
                stride = settings.get("strides", [1, 1])
                groups = first.shape[1] // kernel.shape[1]  # the graph's own is of all channels
                pads = settings.get("pads", [0, 0, 0, 0])
                return functional.conv2d(first, kernel, bias, stride, pads[:2], groups=groups)
            case "ConvTranspose":
                return functional.conv_transpose2d(first, kernel, bias, settings["strides"])
            case "Relu":
                return functional.relu(first)
            case "Add":
                return first + values[node.input[1]]
            case "Sigmoid":
                return first  # losses want logits
        raise SystemExit(f"{node.output[0]}: an unexpected operator {node.op_type}")

    def _fold_normalisations(self) -> None:
        """Put each normalisation into the convolution before it: its statistics are constants."""
        kept = []
        makers = {node.output[0]: node for node in self.nodes}
        for node in self.nodes:
            if node.op_type != "BatchNormalization":
                kept.append(node)
                continue
            scale, shift, mean, variance = (self.layers.pop(_key(n)) for n in node.input[1:5])
            settings = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
            gain = scale / (variance + settings.get("epsilon", 1e-5)).sqrt()
            source = makers[node.input[0]]
            kernel = self.layers[_key(source.input[1])]
            along = (1, -1, 1, 1) if source.op_type == "ConvTranspose" else (-1, 1, 1, 1)
            bias = shift - mean * gain
            if len(source.input) > 2:
                bias = bias + self.layers[_key(source.input[2])] * gain
                name = source.input[2]
            else:
                name = f"{source.output[0]}.bias"
                source.input.append(name)
            self.layers[_key(source.input[1])] = nn.Parameter((kernel * gain.view(along)).detach())
            self.layers[_key(name)] = nn.Parameter(bias.detach())
            source.output[0] = node.output[0]
        self.nodes = kept

    def export(self, path: Path, half: bool = False) -> None:
        """Write the graph with its present weights, under the source's names.

        Args:
            half: Whether weights are stored in half precision; they are computed with in single.
        """
        names = dict.fromkeys(name for node in self.nodes for name in node.input[1:])
        stored, casts = [], []
        for name in (one for one in names if _key(one) in self.layers):
            values = self.layers[_key(name)].detach().contiguous().numpy()
            if half:
                single = {"to": onnx.TensorProto.FLOAT}
                casts.append(onnx.helper.make_node("Cast", [f"{name}/half"], [name], **single))
                values, name = values.astype(np.float16), f"{name}/half"
            stored.append(numpy_helper.from_array(values, name))
        ends = [
            _value(name, ["n", 1 if OUTPUTS[name] == "heat" else 2, "rows", "columns"])
            for name in self.outputs
        ]
        nodes = casts + [_resized(node, self.layers) for node in self.nodes]
        starts = [_value(self.input, ["n", 3, "height", "width"])]
        graph = onnx.helper.make_graph(nodes, "faces", starts, ends, stored)
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
        model.ir_version = 8
        onnx.checker.check_model(model)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(model.SerializeToString())


def _value(name: str, shape: list[int | str]) -> Any:
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)


def _used(nodes: list[Any], wanted: set[str]) -> list[Any]:
    """The nodes that the wanted outputs need, in their order."""
    kept = []
    for node in reversed(nodes):
        if set(node.output) & wanted:
            kept.append(node)
            wanted = wanted | set(node.input)
    return kept[::-1]


def _groups(node: Any) -> int:
    return int(next((item.i for item in node.attribute if item.name == "group"), 1))


def _resized(node: Any, layers: nn.ParameterDict) -> Any:
    """A node whose number of groups is that of its present channels."""
    made = type(node).FromString(node.SerializeToString())
    for item in made.attribute:
        if item.name == "group" and item.i > 1:
            item.i = len(layers[_key(node.input[1])])
    return made


def _key(name: str) -> str:
    return name.replace(".", "/")
