"""The detector: anchor-free, one class, fully convolutional, strides 8, 16 and 32."""

from __future__ import annotations

import copy
import math
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

Net = TypeVar("Net", bound=Any)  # a module whose first layer is stem[0]

STRIDES = (8, 16, 32)
MIDDLE, SPREAD = 127.5, 64.0  # pixels are made small numbers around 0


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, normalisation, ReLU: what runtimes fuse into one step."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Block(nn.Module):
    """A residual bottleneck. Full convolutions: depthwise ones train slower on a CPU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(width, width // 2, 1), conv(width // 2, width))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class Network(nn.Module):
    """Scores (logits) and boxes of every point of three grids."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__()
        stem, widths, neck = settings["stem"], settings["stages"], settings["neck"]
        self.stem = conv(3, stem, stride=2)
        self.stages = nn.ModuleList()
        before = stem
        for width, depth in zip(widths, (1, 2, 2, 2), strict=True):
            blocks = [Block(width) for _ in range(depth)]
            self.stages.append(nn.Sequential(conv(before, width, stride=2), *blocks))
            before = width
        self.lateral = nn.ModuleList(conv(width, neck, 1) for width in widths[1:])
        self.smooth = nn.ModuleList(conv(neck, neck) for _ in STRIDES)
        self.head = conv(neck, neck)
        self.score = nn.Conv2d(neck, 1, 1)
        self.sides = nn.Conv2d(neck, 4, 1)
        self.scale = nn.Parameter(torch.ones(len(STRIDES)))
        nn.init.constant_(self.score.bias, -math.log(99))
        nn.init.normal_(self.score.weight, std=0.01)
        nn.init.normal_(self.sides.weight, std=0.01)
        nn.init.zeros_(self.sides.bias)

    def pyramid(self, x: Tensor) -> list[Tensor]:
        """Features at strides 8, 16 and 32, the coarse ones added to the fine ones."""
        features = []
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        levels = [made(x) for made, x in zip(self.lateral, features[1:], strict=True)]
        for fine in (1, 0):
            coarse = functional.interpolate(levels[fine + 1], scale_factor=2.0, mode="nearest")
            levels[fine] = levels[fine] + coarse
        return [made(x) for made, x in zip(self.smooth, levels, strict=True)]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """From BGR pixels of 0 to 255 to logits [N, P] and boxes [N, P, 4] in pixels."""
        return self.found((x - MIDDLE) / SPREAD)

    def found(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The same from what the first convolution takes."""
        logits, boxes = [], []
        for index, (level, stride) in enumerate(zip(self.pyramid(x), STRIDES, strict=True)):
            level = self.head(level)
            logits.append(self.score(level).flatten(1).float())
            sides = self.sides(level).flatten(2).float() * self.scale[index]
            sides = torch.exp(sides.clamp(-4.0, 4.0)) * (1.5 * stride)
            points = grid(level, stride)
            boxes.append(torch.cat((points - sides[:, :2], points + sides[:, 2:]), 1))
        return torch.cat(logits, 1), torch.cat(boxes, 2).transpose(1, 2)


def grid(level: Tensor, stride: int) -> Tensor:
    """The centres [1, 2, H * W] of a level's cells, in pixels of the input."""
    height, width = level.shape[2], level.shape[3]
    x = (torch.arange(width, device=level.device) + 0.5) * stride
    y = (torch.arange(height, device=level.device) + 0.5) * stride
    # no reshape to a leading 1: who frees the batch of a graph would take that 1 for it
    x = x.unsqueeze(0) + torch.zeros_like(y).unsqueeze(1)
    y = y.unsqueeze(1) + torch.zeros_like(x)
    return torch.stack((x.flatten(), y.flatten())).unsqueeze(0)


def red_first(network: Net) -> Net:
    """A copy for export, which takes RGB less MIDDLE: trained on BGR; one step less a pixel."""
    made = copy.deepcopy(network)
    first = made.stem[0].weight
    first.data = first.data.flip(1) / SPREAD
    return made


class Decoded(nn.Module):
    """The network as exported: RGB in, boxes and scores of 0 to 1 out."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = red_first(network)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        logits, boxes = self.network.found(x - MIDDLE)
        return boxes, torch.sigmoid(logits)
