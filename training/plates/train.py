"""Trains the detector; an interrupted run goes on from its last checkpoint."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from . import config, data, warm
from .crops import CropMaker
from .loss import detection_loss, points_of
from .network import Network

SETTLING = 6  # batches whose statistics a warm start takes
Batch = tuple[Tensor, list[tuple[Tensor, Tensor]]]


class Batches(IterableDataset[Batch]):
    """Endless batches; each depends on the seed and its number alone."""

    def __init__(self, settings: dict[str, Any], start: int) -> None:
        self.settings, self.start = settings, start
        self.maker: CropMaker | None = None

    def __iter__(self) -> Iterator[Batch]:
        cv2.setNumThreads(0)
        if self.maker is None:
            self.maker = CropMaker(data.split(self.settings)[0], self.settings)
        number = self.start
        while True:
            yield self.batch(number)
            number += 1

    def batch(self, number: int) -> Batch:
        """The batch of one iteration."""
        assert self.maker is not None
        rng = np.random.default_rng([self.settings["train"]["seed"], number])
        made = [self.maker.make(rng) for _ in range(self.settings["train"]["batch"])]
        crops = np.stack([crop for crop, _, _ in made])
        labels = [(torch.from_numpy(boxes), torch.from_numpy(kinds)) for _, boxes, kinds in made]
        return torch.from_numpy(crops), labels


def rate_at(progress: float, iteration: int, settings: dict[str, Any]) -> float:
    """Share of the full learning rate: a warm-up, then a cosine down to a hundredth."""
    warm = min(1.0, (iteration + 1) / settings["warmup"])
    return warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def follow(average: dict[str, Tensor], network: nn.Module, iteration: int, ema: float) -> None:
    """Moves the average towards the network, faster at the start."""
    keep = min(ema, (1 + iteration) / (20 + iteration))
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                average[name].lerp_(value, 1 - keep)
            else:
                average[name].copy_(value)


class Run:
    """Network, its running average, optimiser and clock."""

    def __init__(self, settings: dict[str, Any]) -> None:
        torch.manual_seed(settings["train"]["seed"])
        self.settings = settings["train"]
        self.path = Path(settings["paths"]["work"]) / "checkpoint.pt"
        self.network = Network(settings["network"]).to(memory_format=torch.channels_last)
        self.average = {k: v.clone() for k, v in self.network.state_dict().items()}
        matrices = [p for p in self.network.parameters() if p.ndim > 1]
        others = [p for p in self.network.parameters() if p.ndim <= 1]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": self.settings["decay"]},
                {"params": others, "weight_decay": 0.0},
            ],
            lr=self.settings["rate"],
        )
        self.grid = points_of(settings["crops"]["size"])
        self.iteration, self.seconds = 0, 0.0
        if self.path.exists():
            self.resume()
        elif self.settings["start"]:
            self.take_over(settings)
        self.freeze(self.settings["frozen"])

    def freeze(self, count: int) -> None:
        """Leaves that many of the first, costliest parts (stem, stages) as they are."""
        for part in [self.network.stem, *self.network.stages][:count]:
            part.eval().requires_grad_(False)

    def resume(self) -> None:
        """Takes over the last checkpoint."""
        state = torch.load(self.path, map_location="cpu", weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average = state["average"]
        self.iteration, self.seconds = state["iteration"], state["seconds"]

    def take_over(self, settings: dict[str, Any]) -> None:
        """Starts from an exported network instead of from nothing."""
        batches = Batches(settings, 0)
        images = [crops.permute(0, 3, 1, 2).float() for crops, _ in islice(batches, SETTLING)]
        warm.start(self.network, Path(self.settings["start"]), images)
        self.average = {k: v.clone() for k, v in self.network.state_dict().items()}

    def save(self) -> None:
        """Writes the checkpoint in one move."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        state = {
            "network": self.network.state_dict(),
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
            "iteration": self.iteration,
            "seconds": self.seconds,
        }
        fresh = self.path.with_suffix(".new")
        torch.save(state, fresh)
        fresh.replace(self.path)

    def progress(self) -> float:
        """How much of the run is done, by iterations or by the clock."""
        done = self.iteration / self.settings["iterations"]
        minutes = self.settings["minutes"]
        return max(done, self.seconds / 60 / minutes) if minutes > 0 else done

    def step(self, batch: Batch) -> tuple[float, float]:
        """One iteration; the score and the box loss."""
        crops, labels = batch
        progress = self.progress()
        rate = self.settings["rate"] * rate_at(progress, self.iteration, self.settings)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        images = crops.permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)
        # half-width arithmetic: twice as fast where the processor has it
        with torch.autocast("cpu", torch.bfloat16):
            logits, boxes = self.network(images)
        spare = progress > self.settings["trust_after"]
        weight = self.settings["box_weight"]
        losses = detection_loss(logits, boxes, labels, self.grid, spare, weight)
        self.optimiser.zero_grad()
        (losses[0] + losses[1]).backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.iteration += 1
        follow(self.average, self.network, self.iteration, self.settings["ema"])
        return losses[0].item(), losses[1].item()


def main() -> None:
    """Trains until the iterations or the minutes are used up."""
    settings = config.load(config.parser(__doc__ or "").parse_args())
    torch.set_num_threads(1)
    run = Run(settings)
    workers = settings["train"]["workers"]
    loader = DataLoader(Batches(settings, run.iteration), batch_size=None, num_workers=workers)
    sums, last = np.zeros(2), time.perf_counter()
    for seen, batch in enumerate(loader, 1):
        sums += run.step(batch)
        now = time.perf_counter()
        run.seconds += now - last
        last = now
        done = run.progress() >= 1.0
        if seen % 50 == 0:
            score, box = sums / 50
            print(
                f"{run.iteration} {100 * run.progress():.1f} % score {score:.3f} box {box:.3f} "
                f"{run.seconds / 60:.1f} min",
                flush=True,
            )
            sums[:] = 0
        if done or run.iteration % settings["train"]["save_every"] == 0:
            run.save()
        if done:
            break


if __name__ == "__main__":
    main()
