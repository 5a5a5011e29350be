"""Gives all channels of a feature map the same range, so that whole numbers serve each of them.

Where a convolution's output goes through a rectifier into one other convolution, a channel can be
made larger in the first one's weights and smaller in the second one's: the network computes the
same (Nagel et al., Data-Free Quantization, ICCV 2019). A depthwise convolution has a step of its
own for each channel, so that it takes over all of it; into others it goes in part.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

_SPARE = 1.3
"""By how much a channel may exceed what it took, before it is cut off where the source does not."""

Ranges = dict[str, NDArray[np.float32]]
"""By the name of a value, the largest that each of its channels took."""


def users_of(graph: Any) -> dict[str, list[Any]]:
    """By the name of a value or of weights, the nodes that take it."""
    found: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            found.setdefault(name, []).append(node)
    return found


def pairs(graph: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Convolution, rectifier, convolution: each value between them and their weights are used once."""
    users = users_of(graph)
    ends = {one.name for one in graph.output}

    def only_user(node: Any) -> Any:
        after = users.get(node.output[0], [])
        return after[0] if len(after) == 1 and node.output[0] not in ends else None

    for node in graph.node:
        if node.op_type == "Conv" and len(node.input) == 3:
            rectifier = only_user(node)
            after = only_user(rectifier) if rectifier is not None else None
            if after is None or after.op_type != "Conv":
                continue
            weights = [*node.input[1:], after.input[1]]
            shared = any(len(users[name]) > 1 for name in weights)
            if rectifier.op_type in ("Relu", "LeakyRelu", "Clip") and not shared:
                yield node, rectifier, after


def equalise(model: onnx.ModelProto, ranges: Ranges, strength: float, most: float) -> None:
    """Changes the weights in place.

    Args:
        model: Its normalisations are folded into the convolutions.
        ranges: For the outputs of the rectifiers of `pairs`.
        strength: The share of a range, as a power, that goes into weights which share a step.
        most: The largest factor.
    """
    stored = {one.name: one for one in model.graph.initializer}
    for first, rectifier, second in pairs(model.graph):
        own = ranges[rectifier.output[0]]
        kernel = numpy_helper.to_array(stored[second.input[1]])
        depthwise = kernel.shape[1] == 1 and len(kernel) == len(own)
        if not depthwise and kernel.shape[1] != len(own):
            continue  # in groups
        power = 1.0 if depthwise else strength
        room = own.max() if rectifier.op_type != "Clip" else own.max() / _SPARE
        factor = np.clip((room / np.maximum(own, 1e-6)) ** power, 1, most)
        for name in first.input[1:]:
            values = numpy_helper.to_array(stored[name])
            _store(stored[name], values * factor.reshape(-1, *[1] * (values.ndim - 1)))
        along = (-1, 1, 1, 1) if depthwise else (1, -1, 1, 1)
        _store(stored[second.input[1]], kernel / factor.reshape(along))


def _store(place: Any, values: NDArray[Any]) -> None:
    name = place.name
    place.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))
