"""Prepares ONNX graphs: free in batch and size, and in floating point where 8 bits do not pay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx


def free_sizes(content: bytes, outputs: Sequence[str]) -> bytes:
    """The graph with free batch, height and width, cut down to the wanted outputs.

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
    return bytes(model.SerializeToString())


def computes_in_8_bits(content: bytes) -> bool:
    """Whether values between layers are whole numbers, not the weights alone."""
    nodes = onnx.load_from_string(content).graph.node
    return any(node.op_type == "QuantizeLinear" for node in nodes)


def compute_in_floats(content: bytes) -> bytes:
    """The same network with its values in floating point, for devices that are quicker so.

    A value of 8 bits that starts at 0 cuts off what is negative, which a rectifier does here.
    """
    model = onnx.load_from_string(content)
    graph = model.graph
    stored = {item.name: onnx.numpy_helper.to_array(item) for item in graph.initializer}
    sources: dict[str, str] = {}
    nodes, made = [], []
    for node in graph.node:
        first = sources.get(node.input[0], node.input[0]) if node.input else ""
        if node.op_type == "QuantizeLinear":
            sources[node.output[0]] = first
            if stored[node.input[2]] == 0:
                sources[node.output[0]] = f"{first}/from 0"
                nodes.append(onnx.helper.make_node("Relu", [first], [f"{first}/from 0"]))
        elif node.op_type == "DequantizeLinear" and node.input[0] in stored:
            values = _dequantize(node, stored)
            made.append(onnx.numpy_helper.from_array(values, node.output[0]))
        elif node.op_type == "DequantizeLinear":
            sources[node.output[0]] = first
        else:
            renamed = [sources.get(name, name) for name in node.input]
            del node.input[:]
            node.input.extend(renamed)
            nodes.append(node)
    used = {name for node in nodes for name in node.input}
    kept = [item for item in (*graph.initializer, *made) if item.name in used]
    _replace(graph.initializer, kept)
    _replace(graph.node, nodes)
    return bytes(model.SerializeToString())


def _dequantize(node: Any, stored: dict[str, Any]) -> Any:
    """The weights of a node, with a step for each output channel."""
    values, step, zero = (stored[name] for name in node.input)
    axis = next((item.i for item in node.attribute if item.name == "axis"), 1)
    along = [-1 if place == axis else 1 for place in range(values.ndim)] if step.ndim else []
    shifted = values.astype(np.float32) - zero.astype(np.float32).reshape(along)
    return np.asarray(shifted * step.reshape(along), np.float32)


def _free_batch(shape: Any) -> None:
    sides = onnx.numpy_helper.to_array(shape).copy()
    if sides[0] == 1:
        sides[0] = 0
        shape.CopyFrom(onnx.numpy_helper.from_array(sides, shape.name))


def _replace(field: Any, items: list[Any]) -> None:
    kept = [type(item).FromString(item.SerializeToString()) for item in items]
    del field[:]
    field.extend(kept)
