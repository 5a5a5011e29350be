"""Trains the network that looks again at what the detector found: plate, or none."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn
from torch.nn import functional

from . import config, warm
from .candidates import VIEW
from .export import write
from .network import MIDDLE, SPREAD, Network, red_first
from .train import follow, rate_at

SURE = 0.3  # score of a find from which the detector is surer than of most


class Classifier(nn.Module):
    """The logit that the thing in the middle of a view is a plate; begins as the detector."""

    def __init__(self, detector: Network, width: int) -> None:
        super().__init__()
        self.stem, self.stages = detector.stem, detector.stages
        self.drop = nn.Dropout(0.1)
        self.out = nn.Linear(2 * width, 1)
        nn.init.zeros_(self.out.weight)

    def forward(self, images: Tensor) -> Tensor:
        """From BGR pixels of 0 to 255."""
        return self.logits((images - MIDDLE) / SPREAD)

    def logits(self, x: Tensor) -> Tensor:
        """The same from what the first convolution takes."""
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        # what is at the middle, and what is around it
        both = torch.cat((x[:, :, 1:-1, 1:-1].mean((2, 3)), x.mean((2, 3))), 1)
        logit: Tensor = self.out(self.drop(both))[:, 0]
        return logit


def augmented(rng: np.random.Generator, view: np.ndarray) -> np.ndarray:
    """Moved, scaled, mirrored or blurred a little; brighter or darker; of fewer colours."""
    side = view.shape[0]
    angle = rng.normal(0, 4)
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), angle, float(np.exp(rng.normal(0, 0.1))))
    matrix[0] *= np.exp(rng.normal(0, 0.08))
    matrix[:, 2] = side / 2 - matrix[:, :2] @ (side / 2, side / 2) + rng.normal(0, 3, 2)
    if rng.random() < 0.5:
        matrix[0] = -matrix[0] + (0, 0, side)
    view = cv2.warpAffine(view, matrix, (side, side), None, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
    if rng.random() < 0.25:
        share = rng.uniform(0.2, 0.7)
        small = cv2.resize(view, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        view = cv2.resize(small, (side, side), interpolation=cv2.INTER_LINEAR)
    gain, shift = np.exp(rng.normal(0, 0.2)), rng.normal(0, 12)
    values = view.astype(np.float32) * gain + shift
    if rng.random() < 0.1:
        values = np.broadcast_to(values.mean(2, keepdims=True), values.shape)
    if rng.random() < 0.3:
        values = values + rng.normal(0, rng.uniform(1, 10), values.shape)
    return np.clip(values, 0, 255).astype(np.uint8)


class Material:
    """Views in memory, drawn half and half.

    Args:
        files: What `candidates.py` wrote.
        sure: How many times more often than others false finds of 0.3 and more are drawn.
    """

    def __init__(self, files: list[Path], sure: float) -> None:
        read = [np.load(file) for file in files]
        self.views, plates, scores = (
            np.concatenate([file[name] for file in read]) for name in ("views", "plates", "scores")
        )
        self.true, self.false = np.flatnonzero(plates), np.flatnonzero(~plates)
        self.chance = np.cumsum(np.where(scores[self.false] >= SURE, sure, 1.0))

    def batch(self, rng: np.random.Generator, half: int) -> Tensor:
        """So many plates, then as many others: [2 * half, 3, VIEW, VIEW], 0 to 255."""
        ours = self.true[rng.integers(len(self.true), size=half)]
        others = self.false[np.searchsorted(self.chance, rng.random(half) * self.chance[-1])]
        made = np.stack([augmented(rng, self.views[i]) for i in (*ours, *others)])
        images = torch.from_numpy(made).permute(0, 3, 1, 2).float()
        return images.contiguous(memory_format=torch.channels_last)


def begin(settings: dict[str, Any], views: np.ndarray) -> Classifier:
    """The detector's own layers, and an end that knows nothing."""
    start = Network(settings["network"])
    images = functional.pad(torch.from_numpy(views).permute(0, 3, 1, 2).float(), (8, 8, 8, 8))
    warm.start(start, Path(settings["classes"]["detector"]), [images])
    net = Classifier(start, settings["network"]["stages"][-1])
    return net.to(memory_format=torch.channels_last)


def train(files: list[Path], minutes: float, settings: dict[str, Any]) -> Classifier:
    """Trains by the clock; the average of its weights."""
    ours = settings["classes"]
    torch.manual_seed(ours["seed"])
    rng = np.random.default_rng(ours["seed"])
    material, half = Material(files, ours["sure"]), ours["batch"] // 2
    net = begin(settings, material.views[rng.integers(len(material.views), size=256)])
    average = {k: v.clone() for k, v in net.state_dict().items()}
    optimiser = torch.optim.AdamW(net.parameters(), lr=ours["rate"], weight_decay=0.03)
    smooth = ours["smooth"]
    wanted = torch.tensor([1 - smooth] * half + [smooth] * half)
    began, step, total = time.perf_counter(), 0, 0.0
    while (progress := (time.perf_counter() - began) / 60 / minutes) < 1:
        for group in optimiser.param_groups:
            group["lr"] = ours["rate"] * rate_at(progress, step, settings["train"])
        with torch.autocast("cpu", torch.bfloat16):
            logits = net(material.batch(rng, half))
        loss = functional.binary_cross_entropy_with_logits(logits.float(), wanted)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        step += 1
        total += loss.item()
        follow(average, net, step, settings["train"]["ema"])
        if step % 200 == 0:
            print(f"{step} {100 * progress:.1f} % {total / 200:.4f}", flush=True)
            total = 0.0
    net.load_state_dict(average)
    return net


class Exported(nn.Module):
    """The network as exported: RGB in, probabilities out."""

    def __init__(self, net: Classifier) -> None:
        super().__init__()
        self.net = red_first(net)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.net.logits(x - MIDDLE))


def export(net: Classifier, target: Path) -> None:
    """Any batch of views."""
    write(
        Exported(net), (1, 3, VIEW, VIEW), {"image": {0: "batch"}, "scores": {0: "batch"}}, target
    )
    session = onnxruntime.InferenceSession(target, providers=["CPUExecutionProvider"])
    noise = np.random.default_rng(0).uniform(0, 255, (3, 3, VIEW, VIEW)).astype(np.float32)
    with torch.no_grad():
        expected = Exported(net).eval()(torch.from_numpy(noise)).numpy()
    (given,) = session.run(None, {"image": noise})
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    print(f"{target}: sha256 {digest}, deviation {np.abs(expected - given).max():.2g}")


def main() -> None:
    """Trains on the files given, and writes the network."""
    parser = config.parser(__doc__ or "")
    parser.add_argument("files", nargs="+", type=Path, help="what candidates.py wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=38)
    given = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    export(train(given.files, given.minutes, config.load(given)), given.out)


if __name__ == "__main__":
    main()
