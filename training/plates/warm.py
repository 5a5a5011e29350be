"""Starts a run from an exported file, whose normalisations are folded into its convolutions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from .network import SPREAD, STRIDES, Network


def convolutions(network: Network) -> list[tuple[str, nn.Conv2d]]:
    """Names and modules of all convolutions in the order in which they run, the head thrice."""
    order: list[tuple[str, nn.Conv2d]] = []
    hooks = [
        module.register_forward_hook(lambda m, _i, _o, name=name: order.append((name, m)))
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d)
    ]
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, 64, 64))
    for hook in hooks:
        hook.remove()
    return order


def load(network: Network, source: Path) -> None:
    """Takes over an export's weights; the normalisations only add the folded biases."""
    graph = onnx.load(source).graph
    stored = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer}
    for node in graph.node:  # tensors of equal content are stored once
        if node.op_type == "Identity" and node.input[0] in stored:
            stored[node.output[0]] = stored[node.input[0]]
    nodes = [node for node in graph.node if node.op_type == "Conv"]
    modules = dict(network.named_modules())
    # the first two runs' exports still divide the pixels
    spread = 1.0 if any(node.op_type == "Div" for node in graph.node) else SPREAD
    with torch.no_grad():
        for node, (name, module) in zip(nodes, convolutions(network), strict=True):
            weight, bias = (stored[key] for key in node.input[1:3])
            if module is network.stem[0]:
                weight = weight.flip(1) * spread  # exported for RGB
            module.weight.copy_(weight)
            if module.bias is not None:
                module.bias.copy_(bias)
                continue
            parent, _, last = name.rpartition(".")
            norm = modules[f"{parent}.{int(last) + 1}"]
            norm.running_mean.zero_()
            norm.running_var.fill_(1 - norm.eps)
            norm.weight.fill_(1)
            norm.bias.copy_(bias)
        scales = [v for key, v in stored.items() if v.ndim == 0 and "Mul" in key]
        assert len(scales) == len(STRIDES), "another export: its scales are not where they were"
        network.scale.copy_(torch.stack(scales))


def settle(network: Network, batches: Iterable[Tensor]) -> None:
    """Gives the normalisations the statistics of real inputs, without changing any output."""
    sums: dict[nn.BatchNorm2d, list[Tensor]] = {}

    def note(module: nn.BatchNorm2d, inputs: tuple[Tensor, ...], _output: Tensor) -> None:
        x = inputs[0]
        sums.setdefault(module, []).append(
            torch.stack((x.mean((0, 2, 3)), x.square().mean((0, 2, 3))))
        )

    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    hooks = [norm.register_forward_hook(note) for norm in norms]
    with torch.no_grad():
        for images in batches:
            network.eval()(images)
        for norm in norms:
            mean, square = torch.stack(sums[norm]).mean(0)
            variance = (square - mean.square()).clamp(min=1e-4)
            # before: x + bias; after: gain * (x - mean) / deviation + shift, the same
            norm.bias.add_(mean)
            norm.weight.copy_((variance + norm.eps).sqrt())
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
    for hook in hooks:
        hook.remove()
    network.train()


def start(network: Network, source: Path, batches: Iterable[Tensor]) -> None:
    """Makes a network that does what the exported one does, ready for training."""
    load(network, source)
    settle(network, batches)
