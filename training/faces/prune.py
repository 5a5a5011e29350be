"""Takes hidden channels out of CenterFace's blocks and fits what is left to the old outputs.

    python -m training.faces.prune

A block's output is a linear function of its hidden channels. So what taking one out costs, if the
others make up for it as well as they can, is known in closed form from the channels' second
moments: the least squares that He et al. use (Channel Pruning, ICCV 2017), with the elimination of
Hassibi and Stork (Optimal Brain Surgeon, 1993). Blocks are pruned in the order in which they run,
each on what the pruned ones before it give, against what the whole network gave there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.plates import config

from . import SETTINGS
from .crops import CropMaker
from .network import Block, Network

_BATCH = 8


def main() -> None:
    """Prunes, and writes the network to the folder of work."""
    settings = config.load(config.parser(__doc__ or "", SETTINGS).parse_args())
    torch.manual_seed(0)
    with torch.no_grad():
        prune(settings)


def prune(settings: dict[str, Any]) -> None:
    """Prunes all blocks to the share of multiplications that the settings ask for."""
    teacher, student = (Network(Path(settings["paths"]["teacher"])) for _ in range(2))
    maker, chosen = CropMaker(settings), settings["prune"]
    rng = np.random.default_rng(chosen["seed"])
    blocks = list(teacher.blocks())
    heat, ends = teacher.outputs[0], [block.end for block in blocks]
    wanted, images = [], []
    for _ in range(chosen["pictures"] // _BATCH):
        crops = np.stack([maker.make(rng) for _ in range(_BATCH)])
        images.append(torch.from_numpy(crops).permute(0, 3, 1, 2).float())
        values = teacher.values(images[-1], [heat, *ends])
        values[heat] = 1 + chosen["near"] * torch.sigmoid(values[heat])
        wanted.append(values)
    places = count_places(teacher, images[0].shape[-1])
    costs = [_cost(teacher, block, places) for block in blocks]
    curves = []
    for block in blocks:
        moments, targets, power = sums(teacher, block, images, wanted, heat)
        losses = [loss for _, loss in eliminate(moments, targets)]
        curves.append(np.array(losses) / power)
        print(
            block.end, len(losses), "hidden; error with half of them", _half(curves[-1]), flush=True
        )
    kept = allocate(curves, costs, chosen["share"], chosen["step"])
    for block, count in zip(blocks, kept, strict=True):
        moments, targets, power = sums(student, block, images, wanted, heat)
        order = list(eliminate(moments, targets))
        gone = [channel for channel, _ in order[: len(order) - count]]
        keep(student, block, sorted(set(range(len(order))) - set(gone)), moments, targets)
        error = order[len(gone) - 1][1] / power if gone else 0.0
        print(block.end, f"{len(order)} -> {count}, error {error:.4f}", flush=True)
    path = Path(settings["paths"]["work"]) / "pruned.onnx"
    student.export(path)
    left = multiplications(student, places) / multiplications(teacher, places)
    print("multiplications left:", round(left, 3), path)


def sums(
    network: Network,
    block: Block,
    images: list[Tensor],
    wanted: list[dict[str, Tensor]],
    weights: str,
) -> tuple[Tensor, Tensor, float]:
    """Second moments of a block's hidden channels, with a constant as the last of them.

    Args:
        network: The network that computes them.
        wanted: For each batch what the blocks shall give, and the weights of places.
        weights: The name of these.

    Returns:
        Moments (channels + 1, channels + 1), their products with the wanted outputs of `project`
        (outputs, channels + 1), and the mean power of the block's output about its mean.
    """
    totals: list[Tensor] = []
    for batch, goals in zip(images, wanted, strict=True):
        own = network.values(batch, [block.hidden, *([block.source] if block.source else [])])
        hidden, full = _rows(own[block.hidden]), _rows(goals[block.end])
        hidden = torch.cat([hidden, torch.ones_like(hidden[:1])])
        goal = full - _rows(own[block.source]) if block.source else full
        places = functional.adaptive_max_pool2d(
            goals[weights], own[block.hidden].shape[2:]
        ).flatten()
        weighted = hidden * places
        step = [weighted @ hidden.T, goal @ weighted.T, full @ weighted[-1], full.square() @ places]
        step = [one.double() for one in step]
        totals = [a + b for a, b in zip(totals, step, strict=True)] if totals else step
    count = totals[0][-1, -1]
    moments, targets, mean, square = (one / count for one in totals)
    return moments, targets, float((square - mean.square()).sum())


def _rows(values: Tensor) -> Tensor:
    """As (channels, places)."""
    return values.permute(1, 0, 2, 3).flatten(1)


def _inverse(moments: Tensor) -> Tensor:
    ridge = 1e-6 * moments.diagonal().mean()
    return torch.linalg.inv(moments + ridge * torch.eye(len(moments), dtype=moments.dtype))


def eliminate(moments: Tensor, targets: Tensor) -> Iterator[tuple[int, float]]:
    """The channels, the one that is missed least first, and what is lost once each is gone."""
    inverse = _inverse(moments)
    fitted = targets @ inverse
    alive = torch.ones(len(moments), dtype=torch.bool)
    alive[-1] = False  # the constant stays: it is the bias
    lost = 0.0
    for _ in range(len(moments) - 1):
        price = fitted.square().sum(0) / inverse.diagonal().clamp(min=1e-30)
        price[~alive] = torch.inf
        channel = int(price.argmin())
        lost += float(price[channel])
        yield channel, lost
        alive[channel] = False
        column = inverse[:, channel] / inverse[channel, channel]
        fitted = fitted - torch.outer(fitted[:, channel], column)
        inverse = inverse - torch.outer(column, inverse[channel])
        inverse[channel, channel] = 1.0  # gone: no division by nothing


def allocate(curves: list[np.ndarray], costs: list[float], share: float, step: int) -> list[int]:
    """Channels to keep in each block, so that the errors' sum is small at that share of the cost.

    Args:
        curves: For each block, what is lost once 1, 2, ... channels are gone, as a share.
        costs: Multiplications of one channel of each block.
    """
    kept = [len(curve) for curve in curves]
    budget = share * sum(cost * n for cost, n in zip(costs, kept, strict=True))

    def price(block: int) -> float:
        curve, gone = curves[block], len(curves[block]) - kept[block]
        if kept[block] <= step:
            return np.inf
        before = curve[gone - 1] if gone else 0.0
        return float((curve[gone + step - 1] - before) / (step * costs[block]))

    while sum(cost * n for cost, n in zip(costs, kept, strict=True)) > budget:
        kept[min(range(len(curves)), key=price)] -= step
    return kept


def keep(
    student: Network, block: Block, stays: list[int], moments: Tensor, targets: Tensor
) -> None:
    """Leaves those hidden channels of a block, and fits its projection to the targets."""
    chosen = [*stays, len(moments) - 1]
    fitted = targets[:, chosen] @ _inverse(moments[chosen][:, chosen])
    for name in (block.expand, block.depthwise):
        for place in (1, 2):
            parameter = student.weight(name, place)
            parameter.data = parameter.data[stays].clone()
    kernel, bias = student.weight(block.project, 1), student.weight(block.project, 2)
    kernel.data = fitted[:, :-1, None, None].float().contiguous()
    bias.data = fitted[:, -1].float().contiguous()


def count_places(network: Network, side: int) -> dict[str, int]:
    """Rows times columns of all values, by name, for a picture of that side."""
    names = [node.output[0] for node in network.nodes]
    values = network.values(torch.zeros(1, 3, side, side), names)
    return {name: values[name].shape[2] * values[name].shape[3] for name in names}


def _cost(network: Network, block: Block, places: dict[str, int]) -> float:
    """Multiplications of one hidden channel."""
    made = [network.weight(name, 1) for name in (block.expand, block.depthwise, block.project)]
    inside = places[block.expand] * made[0][0].numel()
    inside += places[block.depthwise] * made[1][0].numel()
    return float(inside + places[block.project] * len(made[2]))


def multiplications(network: Network, places: dict[str, int]) -> float:
    """All multiplications; how many channels there are changes nothing about `places`."""
    total = 0.0
    for node in network.nodes:
        if node.op_type in ("Conv", "ConvTranspose"):
            kernel = network.weight(node.output[0], 1)
            spread = 4 if node.op_type == "ConvTranspose" else 1  # each output has a quarter of it
            total += kernel.numel() * places[node.output[0]] / spread
    return total


def _half(curve: np.ndarray) -> float:
    return round(float(curve[len(curve) // 2 - 1]), 4)


if __name__ == "__main__":
    main()
