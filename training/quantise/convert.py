"""Converts a network to 8 bits.

    python -m training.quantise.convert centerface SOURCE.onnx centerface.onnx

Weights are from -64 to 63, with a step for each output channel; values between layers from 0 to 255.
With one bit less for weights no sum of two products leaves 16 bits, which processors without
instructions for dot products keep it in: all processors then give the same. The first value and
what comes after the last convolutions stay as they were.
"""

from __future__ import annotations

import hashlib
import itertools
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from redact.detect.detectors.graphs import free_sizes
from redact.detect.detectors.session import Tensor, make_batch
from training.plates import config, data

from . import SETTINGS
from .equalise import Ranges, equalise, pairs, users_of
from .ranges import BINS, Values, collect

RECTIFIERS_AND_SUMS = ("Conv", "Relu", "LeakyRelu", "Clip", "Add", "MaxPool", "Resize", "Concat")
"""What is computed in whole numbers, up to the last convolutions."""


def main() -> None:
    """Converts one network, and prints how far it is from the source."""
    parser = config.parser(__doc__ or "", SETTINGS)
    parser.add_argument("network")
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    settings = config.load(args)
    chosen = settings["networks"][args.network]
    content = args.source.read_bytes()
    if hashlib.sha256(content).hexdigest() != chosen["sha256"]:
        raise SystemExit(f"{args.source} is not the file that was converted")
    pictures = Pictures(settings, chosen)
    whole = prepare(content, chosen["outputs"])
    source = onnx.ModelProto.FromString(whole.SerializeToString())
    equalise(whole, largest(whole, pictures.ranges), **settings["equalise"])
    for name, error in errors(whole, source, chosen["outputs"], pictures.others):
        if error > 1e-3:  # it must not change what is computed
            raise SystemExit(f"{name}: equalised channels change it by {error}")
    made = quantise(whole, pictures, chosen["power"])
    if chosen["biases"]:
        correct_biases(made, whole, pictures, chosen["biases"])
    for heat in chosen.get("heats", []):
        level(made, whole, heat, pictures.ranges)
    args.out.write_bytes(made.SerializeToString())
    print(
        f"{args.out}: {args.out.stat().st_size} bytes,",
        hashlib.sha256(args.out.read_bytes()).hexdigest(),
    )
    for name, error in errors(made, whole, chosen["outputs"], pictures.others):
        print(f"{name}: differs by {error:.3f} of its deviation from its mean")


class Pictures:
    """Batches of one picture each: those that set the ranges, and others."""

    def __init__(self, settings: dict[str, Any], chosen: dict[str, Any]) -> None:
        own, every = settings["pictures"], settings["pictures"]["every"]
        found = [data.read(Path(own[name])) for name in chosen["pictures"]]
        self._sides, self._blue_first = own["sides"], chosen.get("blue_first", False)
        self._ranges = [one for each in found for one in each[::every]]
        self._others = [one for each in found for one in each[every // 2 :: 2 * every]]

    def ranges(self) -> Iterator[Tensor]:
        """The pictures that set ranges."""
        return self._batches(self._ranges)

    def some(self, count: int) -> list[Tensor]:
        """About so many of them, from all over the sets."""
        step = max(1, len(self._ranges) // count)
        return list(itertools.islice(self.ranges(), 0, None, step))

    def others(self) -> Iterator[Tensor]:
        """Pictures that do not."""
        return self._batches(self._others)

    def _batches(self, pictures: list[data.Picture]) -> Iterator[Tensor]:
        for number, picture in enumerate(pictures):
            pixels = picture.pixels()
            scale = self._sides[number % len(self._sides)] / max(pixels.shape[:2])
            way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            copy = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=way)
            order = slice(None) if self._blue_first else slice(None, None, -1)
            yield make_batch([np.asarray(copy, np.uint8)], order)


def prepare(content: bytes, outputs: list[str]) -> onnx.ModelProto:
    """The network for any size, its normalisations folded in, and each node with a name."""
    model = onnx.load_from_string(free_sizes(content, outputs))
    if model.opset_import[0].version < 13:  # steps for each channel
        model = onnx.version_converter.convert_version(model, 13)
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "before.onnx", Path(folder) / "after.onnx"
        onnx.save(model, before)
        quant_pre_process(before, after, skip_symbolic_shape=True)
        model = onnx.load(after)
    for number, node in enumerate(model.graph.node):
        node.name = f"{node.op_type}_{number}"
    return model


def largest(model: onnx.ModelProto, batches: Any) -> Ranges:
    """The largest value of each channel behind the rectifiers that stand between convolutions."""
    names = [rectifier.output[0] for _, rectifier, _ in pairs(model.graph)]
    if not names:
        return {}
    session, found = open_session(model, names), {}
    for batch in batches():
        for name, values in zip(names, run(session, names, batch), strict=True):
            here = values[0].max(axis=(1, 2))
            found[name] = np.maximum(found.get(name, 0), here)
    return found


def quantise(model: onnx.ModelProto, pictures: Pictures, power: float) -> onnx.ModelProto:
    """The network with 8 bits from its first convolution to those before its last ones."""
    image = model.graph.input[0].name

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.batches = itertools.islice(pictures.ranges(), 1)  # the ranges are known

        def get_next(self) -> dict[str, Tensor] | None:
            batch = next(self.batches, None)
            return None if batch is None else {image: batch}

    found = watch(model, pictures)
    seen = before_convolutions(model.graph)
    slopes = leaks(model.graph)
    chosen = {
        name: (values.low, values.high)
        if name in seen
        else values.best_range(power, slopes.get(name, 1.0))
        for name, values in found.items()
    }
    overrides = {
        name: [{"rmin": np.float32(low), "rmax": np.float32(high)}]
        for name, (low, high) in chosen.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "before.onnx", Path(folder) / "after.onnx"
        onnx.save(model, before)
        quantize_static(
            before,
            after,
            Reader(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=RECTIFIERS_AND_SUMS,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=sorted(ends(model.graph)),
            extra_options={"TensorQuantOverrides": overrides},
        )
        return onnx.load(after)


def watch(model: onnx.ModelProto, pictures: Pictures) -> dict[str, Values]:
    """What all feature maps take that are to be whole numbers."""
    last = ends(model.graph)
    weights = {one.name for one in model.graph.initializer}
    chosen = (
        name
        for node in model.graph.node
        if node.op_type in RECTIFIERS_AND_SUMS and node.name not in last
        for name in (node.input[0], node.output[0])
        if name not in weights
    )
    image = model.graph.input[0].name
    names = [name for name in dict.fromkeys(chosen) if name != image]
    session = open_session(model, names)
    found = collect(names, pictures.ranges, lambda batch: run(session, names, batch))
    return {image: Values(0.0, 255.0, np.ones(BINS)), **found}


def leaks(graph: Any) -> dict[str, float]:
    """By the names of the values that go into leaky rectifiers alone, their slopes."""
    return {
        name: onnx.helper.get_node_attr_value(after[0], "alpha")
        for name, after in users_of(graph).items()
        if len(after) == 1 and after[0].op_type == "LeakyRelu"
    }


def before_convolutions(graph: Any) -> set[str]:
    """Names of the values that are the picture in another measure: nothing of them is cut off."""
    found = {one.name for one in graph.input}
    for node in graph.node:
        if node.op_type != "Conv" and found & set(node.input):
            found.update(node.output)
    return found


def ends(graph: Any) -> set[str]:
    """Names of the last convolutions and of all that comes after them."""
    wanted, found = {one.name for one in graph.output}, set()
    for node in reversed(list(graph.node)):
        if wanted & set(node.output):
            found.add(node.name)
            if node.op_type != "Conv":
                wanted |= set(node.input)
    return found


def correct_biases(
    model: onnx.ModelProto, whole: onnx.ModelProto, pictures: Pictures, count: int
) -> None:
    """Shifts each convolution's bias so that each channel's mean is what it was, first ones first.

    Rounding shifts means, and shifts add up from layer to layer (Nagel et al., ICCV 2019).
    """
    batches = pictures.some(count)
    stored = {one.name: one for one in model.graph.initializer}
    makers = {name: node for node in model.graph.node for name in node.output}
    for node in (one for one in model.graph.node if one.op_type == "Conv"):
        if len(node.input) < 3 or node.input[2] not in makers:
            continue  # one of the last
        source = next(one for one in whole.graph.node if one.name == node.name)
        wanted, own = (
            channel_means(each, name, batches)
            for each, name in ((whole, source.output[0]), (model, node.output[0]))
        )
        unpack = makers[node.input[2]]
        bias, step = stored[unpack.input[0]], numpy_helper.to_array(stored[unpack.input[1]])
        moved = numpy_helper.to_array(bias) + np.rint((wanted - own) / step)
        bias.CopyFrom(numpy_helper.from_array(moved.astype(np.int32), bias.name))


def channel_means(model: onnx.ModelProto, name: str, batches: list[Tensor]) -> Tensor:
    """The mean of each channel of one value."""
    session = open_session(model, [name])
    means = [run(session, [name], batch)[0].mean(axis=(0, 2, 3)) for batch in batches]
    return np.asarray(np.mean(means, axis=0), np.float32)


def level(model: onnx.ModelProto, whole: onnx.ModelProto, heat: str, batches: Any) -> None:
    """Shifts the biases behind a map of scores, so that what is seen is as likely as before.

    The map is the sigmoid of a convolution's first channels.
    """
    sums, channels = np.zeros(2), 0
    sessions = [open_session(one) for one in (whole, model)]
    for batch in batches():
        wanted, own = (run(one, [heat], batch)[0].clip(1e-6, 1 - 1e-6) for one in sessions)
        there, channels = wanted > 0.05, wanted.shape[1]
        sums += (_logit(wanted[there]) - _logit(own[there])).sum(), there.sum()
    makers = {name: node for node in model.graph.node for name in node.output}
    last = makers[heat]
    while last.op_type != "Conv":
        last = makers[last.input[0]]
    bias = next(one for one in model.graph.initializer if one.name == last.input[2])
    moved = numpy_helper.to_array(bias).copy()
    moved[:channels] += np.float32(sums[0] / max(sums[1], 1))
    bias.CopyFrom(numpy_helper.from_array(moved, bias.name))
    print(f"{heat}: shifted by {sums[0] / max(sums[1], 1):+.4f}")


def _logit(values: Tensor) -> Tensor:
    return np.asarray(np.log(values / (1 - values)), np.float32)


def errors(
    model: onnx.ModelProto, whole: onnx.ModelProto, outputs: list[str], batches: Any
) -> Iterator[tuple[str, float]]:
    """For each output, the root of its mean squared error by that of its variance."""
    wrong, power = np.zeros(len(outputs)), np.zeros(len(outputs))
    sessions = [open_session(one) for one in (whole, model)]
    for batch in batches():
        both = zip(*(run(one, outputs, batch) for one in sessions), strict=True)
        for place, (wanted, own) in enumerate(both):
            wrong[place] += np.square(own - wanted).sum()
            power[place] += np.square(wanted - wanted.mean()).sum()
    yield from zip(outputs, np.sqrt(wrong / power), strict=True)


def open_session(
    model: onnx.ModelProto, values: Sequence[str] | None = None
) -> ort.InferenceSession:
    """The network, computed by the processor; it gives these values in place of its outputs."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    if values is not None:
        model = onnx.ModelProto.FromString(model.SerializeToString())
        del model.graph.output[:]
        model.graph.output.extend(
            onnx.helper.make_tensor_value_info(one, onnx.TensorProto.FLOAT, None) for one in values
        )
    return ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def run(session: ort.InferenceSession, outputs: list[str], batch: Tensor) -> list[Tensor]:
    """Its outputs."""
    found: list[Tensor] = session.run(outputs, {session.get_inputs()[0].name: batch})
    return found


if __name__ == "__main__":
    main()
