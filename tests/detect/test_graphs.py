"""Graphs are freed in size, and compute in floating point what they compute in 8 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from redact.detect.detectors.graphs import compute_in_floats, computes_in_8_bits, free_sizes
from redact.detect.weights import catalogue

Tensor = NDArray[np.float32]

CENTERFACE = "537", "538", "539"
IN_8_BITS = sorted(
    name
    for name, weights in catalogue().items()
    if weights.path.suffix == ".onnx" and computes_in_8_bits(weights.read())
)


def quantised(kernel: Tensor, *, rectified: bool) -> bytes:
    """A convolution in 8 bits of values from -8 to 8, and twice its output, from 0 if rectified."""
    step = np.abs(kernel).max(axis=(1, 2, 3)) / 63 + np.float32(1e-6)
    whole = np.round(kernel / step[:, None, None, None]).astype(np.int8)
    start = np.uint8(0 if rectified else 128)
    stored = {
        "w": whole,
        "w.step": step.astype(np.float32),
        "w.zero": np.zeros(len(step), np.int8),
        "in.step": np.float32(16 / 255),
        "in.zero": np.uint8(128),
        "out.step": np.float32(0.5),
        "out.zero": start,
        "two": np.float32(2),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["in", "in.step", "in.zero"], ["in.q"]),
        helper.make_node("DequantizeLinear", ["in.q", "in.step", "in.zero"], ["in.d"]),
        helper.make_node("DequantizeLinear", ["w", "w.step", "w.zero"], ["w.d"], axis=0),
        helper.make_node("Conv", ["in.d", "w.d"], ["sum"], pads=[1] * 4),
        helper.make_node("QuantizeLinear", ["sum", "out.step", "out.zero"], ["sum.q"]),
        helper.make_node("DequantizeLinear", ["sum.q", "out.step", "out.zero"], ["sum.d"]),
        helper.make_node("Mul", ["sum.d", "two"], ["out"]),
    ]
    ends = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, count, None, None])
        for name, count in (("in", kernel.shape[1]), ("out", len(kernel)))
    ]
    tensors = [numpy_helper.from_array(np.asarray(v), name) for name, v in stored.items()]
    graph = helper.make_graph(nodes, "network", ends[:1], ends[1:], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def run(content: bytes, picture: Tensor) -> list[Tensor]:
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    found: list[Any] = session.run(None, {session.get_inputs()[0].name: picture})
    return found


def operators(content: bytes) -> set[str]:
    return {node.op_type for node in onnx.load_from_string(content).graph.node}


@given(seed=st.integers(0, 999), rectified=st.booleans())
@settings(max_examples=30, deadline=None)
def test_floats_give_what_8_bits_give(seed: int, *, rectified: bool) -> None:
    dice = np.random.default_rng(seed)
    content = quantised(dice.normal(size=(3, 2, 3, 3)).astype("f"), rectified=rectified)
    floats = compute_in_floats(content)
    onnx.checker.check_model(onnx.load_from_string(floats))
    assert computes_in_8_bits(content)
    assert not operators(floats) & {"QuantizeLinear", "DequantizeLinear"}
    picture = dice.uniform(-4, 4, (1, 2, 9, 14)).astype("f")
    (one,), (other,) = run(content, picture), run(floats, picture)
    assert one.min() >= 0 if rectified else one.min() < 0 < one.max()
    steps_off = 2 * (0.5 / 2 + 18 * 16 / 255 / 2 * 1.6)  # an output's half step, and the inputs'
    np.testing.assert_allclose(one, other, atol=steps_off)
    assert np.abs(one - other).mean() < 0.5


def test_any_batch_and_size_is_taken() -> None:
    content = free_sizes(quantised(np.ones((1, 1, 3, 3), np.float32), rectified=True), ["out"])
    for shape in ((1, 1, 4, 6), (3, 1, 8, 2)):
        (found,) = run(content, np.ones(shape, np.float32))
        assert found.shape == shape


@pytest.mark.parametrize("name", IN_8_BITS)
def test_no_sum_of_two_products_leaves_16_bits(name: str) -> None:
    """Some processors keep it in these, and cut off what is larger: others would find more."""
    graph = onnx.load_from_string(catalogue()[name].read()).graph
    stored = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    makers = {node.output[0]: node for node in graph.node}
    kernels = [
        stored[makers[node.input[1]].input[0]]
        for node in graph.node
        if node.op_type == "Conv" and node.input[1] in makers
    ]
    assert len(kernels) >= 20
    for kernel in kernels:
        assert kernel.dtype == np.int8
        largest = int(np.abs(kernel.astype(int)).max())
        assert 2 * 255 * largest < 2**15


def test_centerface_finds_the_same_in_floats() -> None:
    content = free_sizes(catalogue()["centerface.onnx"].read(), CENTERFACE)
    assert "centerface.onnx" in IN_8_BITS
    floats = compute_in_floats(content)
    assert not operators(floats) & {"QuantizeLinear", "DequantizeLinear"}
    picture = np.random.default_rng(4).integers(0, 256, (2, 3, 96, 160)).astype("f")
    for one, other in zip(run(content, picture), run(floats, picture), strict=True):
        assert one.shape == other.shape
        assert np.abs(one - other).mean() < 0.2 * other.std() + 0.01
