"""Graphs in slices compute what they computed before, with less memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from redact.detect.detectors import graphs
from redact.detect.weights import catalogue

Tensor = NDArray[np.float32]

CENTERFACE = "537", "538", "539"


def network(
    channels: int = 96,
    *,
    kernel: int = 3,
    group: int | None = None,
    first: int = 1,
    bias: bool = True,
    clip: str = "Relu",
    seen_twice: bool = False,
    shown: bool = False,
    seed: int = 1,
) -> bytes:
    """Expand from 4 to so many channels, convolve each, and project to 5; `out` is the end."""
    dice, tensors = np.random.default_rng(seed), []

    def convolution(name: str, came: str, shape: Sequence[int], **attributes: Any) -> Any:
        inputs = [came, f"{name}.w"]
        tensors.append(numpy_helper.from_array(dice.normal(size=shape).astype("f"), f"{name}.w"))
        if bias:
            inputs.append(f"{name}.b")
            values = dice.normal(size=shape[:1]).astype("f")
            tensors.append(numpy_helper.from_array(values, f"{name}.b"))
        return helper.make_node("Conv", inputs, [name], name=name, **attributes)

    group = channels if group is None else group
    nodes = [
        convolution("wide", "in", (channels, 4 // first, 1, 1), group=first),
        helper.make_node(clip, ["wide"], ["wide+"], name="wide+"),
        convolution(
            "each",
            "wide+",
            (channels, channels // group, kernel, kernel),
            group=group,
            pads=[kernel // 2] * 4,
            strides=[2, 2],
        ),
        helper.make_node("Relu", ["each"], ["each+"], name="each+"),
        convolution("narrow", "each+", (5, channels, 1, 1)),
        helper.make_node("Relu", ["narrow"], ["out"], name="out"),
    ]
    outputs = ["out"]
    if seen_twice:
        nodes.append(helper.make_node("Relu", ["wide+"], ["aside"], name="aside"))
        outputs.append("aside")
    if shown:
        outputs.append("each+")
    sides = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, count, None, None])
        for name, count in (("in", 4), *((name, 5) for name in outputs))
    ]
    graph = helper.make_graph(nodes, "network", sides[:1], sides[1:], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString())


def outputs_of(content: bytes) -> list[str]:
    return [item.name for item in onnx.load_from_string(content).graph.output]


def run(content: bytes, picture: Tensor) -> list[Tensor]:
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    found: list[Any] = session.run(None, {session.get_inputs()[0].name: picture})
    return found


def whole(content: bytes, outputs: Sequence[str], patch: pytest.MonkeyPatch) -> bytes:
    """Prepared, but not in slices."""
    with patch.context() as context:
        context.setattr(graphs, "_MAX_CHANNELS", 0)
        return graphs.prepare_graph(content, outputs)


def widest(content: bytes) -> int:
    """The most channels that any convolution gives."""
    graph = onnx.load_from_string(content).graph
    shapes = {item.name: item.dims for item in graph.initializer}
    return max(shapes[node.input[1]][0] for node in graph.node if node.op_type == "Conv")


@given(seed=st.integers(0, 99), channels=st.sampled_from([96, 144]), batch=st.integers(1, 3))
@settings(max_examples=20, deadline=None)
def test_slices_add_up_to_the_whole(seed: int, channels: int, batch: int) -> None:
    content = network(channels, seed=seed)
    sliced = graphs.prepare_graph(content, ["out"])
    onnx.checker.check_model(onnx.load_from_string(sliced))
    assert widest(sliced) == 48
    picture = np.random.default_rng(seed).normal(size=(batch, 4, 9, 14)).astype("f")
    with pytest.MonkeyPatch.context() as patch:
        plain = whole(content, ["out"], patch)
    assert widest(plain) == channels
    (one,), (other,) = run(sliced, picture), run(plain, picture)
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
    assert one.std() > 0


@pytest.mark.parametrize(
    "content",
    [
        network(48),
        network(100),
        network(192),
        network(kernel=5),
        network(group=48),
        network(first=2),
        network(bias=False),
        network(clip="Sigmoid"),
        network(seen_twice=True),
        network(shown=True),
    ],
    ids=[
        "few",
        "uneven",
        "deep",
        "5x5",
        "grouped",
        "grouped first",
        "no bias",
        "other",
        "seen twice",
        "shown",
    ],
)
def test_what_is_no_such_block_stays_whole(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = outputs_of(content)
    prepared = graphs.prepare_graph(content, outputs)
    assert widest(prepared) == widest(content)
    picture = np.random.default_rng(3).normal(size=(1, 4, 9, 14)).astype("f")
    plain = run(whole(content, outputs, monkeypatch), picture)
    for one, other in zip(run(prepared, picture), plain, strict=True):
        assert np.array_equal(one, other)


def test_centerface_finds_the_same_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    content = catalogue()["centerface.onnx"].read()
    sliced = graphs.prepare_graph(content, CENTERFACE)
    plain = whole(content, CENTERFACE, monkeypatch)
    nodes = [len(onnx.load_from_string(each).graph.node) for each in (sliced, plain)]
    assert nodes == [122 - 3 * 5 + (2 + 3 + 3) * 5 + (1 + 2 + 2), 122]
    picture = np.random.default_rng(4).integers(0, 256, (2, 3, 96, 160)).astype("f")
    for one, other in zip(run(sliced, picture), run(plain, picture), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)
