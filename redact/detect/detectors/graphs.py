"""Prepares ONNX graphs: free in batch and size, and in slices where they would take much memory.

MobileNetV2's inverted residual blocks (Sandler et al., CVPR 2018) expand a feature map to many
channels, convolve each by itself (depthwise), and project them to a few again. Where maps are still
large, the expanded one takes most of the memory. So such a block is computed a slice of channels at
a time, and the slices' projections are added up: the same sum in another order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import onnx

_SLICE = 48
"""Channels of a slice: fewer save more memory, but 16 cost a twentieth of the time."""

_MAX_CHANNELS = 144
"""A block of more channels comes later in its graph, where maps are small."""


def prepare_graph(content: bytes, outputs: Sequence[str]) -> bytes:
    """The graph with free batch, height and width, cut down to the wanted outputs, and in slices.

    Weights listed as inputs keep onnxruntime from folding constants, so they are taken out of the
    inputs; a reshape that names a batch of 1 is made to copy the batch.
    """
    model = onnx.load_from_string(content)
    graph = model.graph
    constants = {item.name: item for item in graph.initializer}
    used = {name for node in graph.node for name in node.input}
    data = [item for item in graph.input if item.name in used and item.name not in constants]
    _replace(graph.input, data)
    _replace(graph.output, [item for item in graph.output if item.name in outputs])
    for item in (*graph.input, *graph.output):
        for axis, dimension in enumerate(item.type.tensor_type.shape.dim):
            if axis != 1 or item in graph.output:
                dimension.dim_param = f"{item.name}_{axis}"
    for node in graph.node:
        if node.op_type == "Reshape" and node.input[1] in constants:
            _free_batch(constants[node.input[1]])
    _slice_blocks(graph)
    return bytes(model.SerializeToString())


def _free_batch(shape: Any) -> None:
    sides = onnx.numpy_helper.to_array(shape).copy()
    if sides[0] == 1:
        sides[0] = 0
        shape.CopyFrom(onnx.numpy_helper.from_array(sides, shape.name))


def _replace(field: Any, items: list[Any]) -> None:
    kept = [type(item).FromString(item.SerializeToString()) for item in items]
    del field[:]
    field.extend(kept)


_Block: TypeAlias = list[Any]
"""Nodes in this order: expand, ReLU, depthwise convolution, ReLU, project."""

_OPERATORS = ["Conv", "Relu", "Conv", "Relu", "Conv"]
"""Their operator types."""


def _slice_blocks(graph: Any) -> None:
    weights = {item.name: onnx.numpy_helper.to_array(item) for item in graph.initializer}
    nodes = list(graph.node)
    for block in list(_find_blocks(graph, weights)):
        place = nodes.index(block[0])
        nodes = [node for node in nodes if node not in block]
        nodes[place:place] = _slice_nodes(graph, weights, block)
    _replace(graph.node, nodes)


def _find_blocks(graph: Any, weights: dict[str, Any]) -> Iterator[_Block]:
    """The blocks of at most `_MAX_CHANNELS` channels, but of more than a slice."""
    users: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    outputs = {item.name for item in graph.output}
    for node in graph.node:
        block = [node]
        while (
            len(block) < len(_OPERATORS) and len(after := users.get(block[-1].output[0], [])) == 1
        ):
            block += after
        alone = not any(one.output[0] in outputs for one in block[:-1])
        if [one.op_type for one in block] == _OPERATORS and alone and _is_sliceable(block, weights):
            yield block


def _is_sliceable(block: _Block, weights: dict[str, Any]) -> bool:
    expand, _, depthwise, _, project = block
    if any(len(node.input) != 3 for node in (expand, depthwise, project)):
        return False  # one has no bias
    channels = len(weights[expand.input[1]])
    fits = _SLICE < channels <= _MAX_CHANNELS and channels % _SLICE == 0
    shapes = [weights[node.input[1]].shape for node in (depthwise, project)]
    known = shapes[0] == (channels, 1, 3, 3) and shapes[1][1:] == (channels, 1, 1)
    return fits and known and _groups(expand) == 1


def _groups(node: Any) -> int:
    return int(next((item.i for item in node.attribute if item.name == "group"), 1))


def _slice_nodes(graph: Any, weights: dict[str, Any], block: _Block) -> Iterator[Any]:
    """The block's nodes for each slice of its channels, and the sums of their outputs."""
    expand, project = block[0], block[-1]
    channels, total = len(weights[expand.input[1]]), ""
    for first in range(0, channels, _SLICE):
        here, value = slice(first, first + _SLICE), expand.input[0]
        for node in block:
            parts = [weights[name] for name in node.input[1:]]
            if node is project:
                kernel, bias = parts
                parts = [kernel[:, here], np.zeros_like(bias) if first else bias]
            else:
                parts = [part[here] for part in parts]
            names = [f"{name}/{first}" for name in node.input[1:]]
            graph.initializer.extend(map(onnx.numpy_helper.from_array, parts, names))
            output = f"{node.output[0]}/{first}"
            yield _copy_node(node, [value, *names], output)
            value = output
        if first:
            last = first + _SLICE == channels
            summed = project.output[0] if last else f"{value}/sum"
            yield onnx.helper.make_node("Add", [value, total], [summed], name=summed)
            value = summed
        total = value


def _copy_node(node: Any, inputs: list[str], output: str) -> Any:
    made = type(node).FromString(node.SerializeToString())
    made.name = output
    del made.input[:]
    del made.output[:]
    made.input.extend(inputs)
    made.output.append(output)
    for item in made.attribute:
        if item.name == "group" and item.i > 1:
            item.i = _SLICE
    return made
