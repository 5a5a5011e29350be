"""Writes the trained network as ONNX and checks it against PyTorch."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from . import config
from .network import Decoded, Network


def export(network: Network, target: Path) -> None:
    """Any batch, any height and width that are multiples of 32."""
    target.parent.mkdir(parents=True, exist_ok=True)
    axes = {0: "batch", 2: "height", 3: "width"}
    points = {0: "batch", 1: "points"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Decoded(network).eval(),
            (torch.zeros(1, 3, 96, 128),),
            str(target),
            input_names=["image"],
            output_names=["boxes", "scores"],
            dynamic_axes={"image": axes, "boxes": points, "scores": points},
            opset_version=17,
            dynamo=False,
        )
    onnx.checker.check_model(onnx.load(target))


def difference(network: Network, target: Path) -> float:
    """The largest deviation of the file from PyTorch, on noise of two odd sizes."""
    session = onnxruntime.InferenceSession(target, providers=["CPUExecutionProvider"])
    worst = 0.0
    for shape in ((2, 3, 160, 224), (1, 3, 480, 640)):
        noise = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
        with torch.no_grad():
            expected = Decoded(network).eval()(torch.from_numpy(noise))
        for ours, theirs in zip(expected, session.run(None, {"image": noise}), strict=True):
            worst = max(worst, float(np.abs(ours.numpy() - theirs).max()))
    return worst


def main() -> None:
    """Exports the averaged weights of the last checkpoint."""
    args = config.parser(__doc__ or "")
    args.add_argument("--checkpoint", type=Path)
    given = args.parse_args()
    settings = config.load(given)
    source = given.checkpoint or Path(settings["paths"]["work"]) / "checkpoint.pt"
    state = torch.load(source, map_location="cpu", weights_only=True)
    network = Network(settings["network"])
    network.load_state_dict(state["average"])
    target = Path(settings["paths"]["onnx"])
    export(network, target)
    count = sum(p.numel() for p in network.parameters())
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    print(f"{target}: {count} parameters, {target.stat().st_size} bytes, sha256 {digest}")
    print(f"iteration {state['iteration']}, deviation {difference(network, target):.2g}")


if __name__ == "__main__":
    main()
