"""Teaches the pruned network to answer as CenterFace does; an interrupted run goes on."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from training.plates import config
from training.plates.train import follow

from . import SETTINGS
from .crops import CropMaker
from .network import Network


class Batches(IterableDataset[Tensor]):
    """Endless batches; each depends on the seed and its number alone."""

    def __init__(self, settings: dict[str, Any], start: int) -> None:
        self.settings, self.number = settings, start

    def __iter__(self) -> Iterator[Tensor]:
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        maker = CropMaker(self.settings)
        chosen = self.settings["distil"]
        while True:
            rng = np.random.default_rng([chosen["seed"], self.number])
            crops = np.stack([maker.make(rng) for _ in range(chosen["batch"])])
            yield torch.from_numpy(crops)
            self.number += 1


class Run:
    """Teacher, student, the student's running average, and the clock."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings, paths = settings["distil"], settings["paths"]
        self.work = Path(paths["work"])
        self.teacher = Network(Path(paths["teacher"]))
        self.student = Network(self.work / "pruned.onnx")
        for network in (self.teacher, self.student):
            network.to(memory_format=torch.channels_last)
        ends = [block.end for block in self.teacher.blocks()]
        known = {node.output[0] for node in self.student.nodes}
        self.within = [end for end in ends if end in known]
        self.average = {k: v.clone() for k, v in self.student.state_dict().items()}
        # normalisations are folded in, so weights differ by orders: each moves in its own measure
        self.rates = [
            float(one.detach().square().mean().sqrt()) for one in self.student.parameters()
        ]
        self.optimiser = torch.optim.Adam([{"params": [p]} for p in self.student.parameters()])
        self.iteration, self.seconds = 0, 0.0
        self.checkpoint = self.work / "distil.pt"
        if self.checkpoint.exists():
            state = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
            self.student.load_state_dict(state["student"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.average = state["average"]
            self.iteration, self.seconds = state["iteration"], state["seconds"]

    def progress(self) -> float:
        """How much of the time is used up."""
        return self.seconds / 60 / float(self.settings["minutes"])

    def step(self, crops: Tensor) -> tuple[float, ...]:
        """One iteration; the losses."""
        warm = min(1.0, (self.iteration + 1) / self.settings["warmup"])
        rate = warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, self.progress()))))
        for group, own in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = self.settings["rate"] * rate * own
        images = crops.permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            wanted = self.teacher(images, self.within)
        losses = self.compare(wanted, self.student(images, self.within))
        weights = [self.settings[name] for name in ("heat", "boxes", "within")]
        total = sum(weight * loss for weight, loss in zip(weights, losses, strict=True))
        assert isinstance(total, Tensor)
        self.optimiser.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), 2.0)
        self.optimiser.step()
        self.iteration += 1
        follow(self.average, self.student, self.iteration, self.settings["ema"])
        return tuple(float(loss) for loss in losses)

    def compare(self, wanted: dict[str, Tensor], own: dict[str, Tensor]) -> tuple[Tensor, ...]:
        """Losses of the heat map, of boxes where there are faces, and of the maps within."""
        heat, scale, offset = self.teacher.outputs
        target = torch.sigmoid(wanted[heat])
        apart = functional.binary_cross_entropy_with_logits(own[heat], target, reduction="none")
        floor = functional.binary_cross_entropy(target, target, reduction="none")
        # as in focal losses, what is easy counts little: most of a picture is none of a face's
        hard = (torch.sigmoid(own[heat].detach()) - target).abs().sqrt() + target
        found = target * (target > 0.05)
        count = found.sum() + 1
        score = ((apart - floor) * hard).sum() / count
        box = sum(
            (functional.smooth_l1_loss(own[name], wanted[name], reduction="none") * found).sum()
            for name in (scale, offset)
        )
        within = sum(
            (own[name] - wanted[name]).square().mean() / wanted[name].var().clamp(min=1e-6)
            for name in self.within
        )
        assert isinstance(box, Tensor) and isinstance(within, Tensor)
        return score, box / count, within / len(self.within)

    def save(self, path: Path) -> None:
        """Writes the checkpoint in one move, and the average as a network."""
        fresh = self.checkpoint.with_suffix(".new")
        state = {
            "student": self.student.state_dict(),
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
            "iteration": self.iteration,
            "seconds": self.seconds,
        }
        torch.save(state, fresh)
        fresh.replace(self.checkpoint)
        made = Network(self.work / "pruned.onnx")
        made.load_state_dict(self.average)
        made.export(path, half=True)


def main() -> None:
    """Trains until the minutes are used up, and writes the network."""
    settings = config.load(config.parser(__doc__ or "", SETTINGS).parse_args())
    torch.manual_seed(settings["distil"]["seed"])
    run, path = Run(settings), Path(settings["paths"]["onnx"])
    loader = DataLoader(Batches(settings, run.iteration), batch_size=None, num_workers=1)
    sums, last = np.zeros(3), time.perf_counter()
    for seen, crops in enumerate(loader, 1):
        sums += run.step(crops)
        now = time.perf_counter()
        run.seconds += now - last
        last = now
        if seen % 20 == 0:
            score, box, within = sums / 20
            print(
                f"{run.iteration} {100 * run.progress():.1f} % heat {score:.4f} boxes {box:.4f} "
                f"within {within:.4f}",
                flush=True,
            )
            sums[:] = 0
        if run.progress() >= 1 or run.iteration % settings["distil"]["save_every"] == 0:
            run.save(path)
        if run.progress() >= 1:
            break


if __name__ == "__main__":
    main()
