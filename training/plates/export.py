"""Writes the trained network as ONNX and checks it against PyTorch."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from . import config
from .network import Decoded, Network


def write(
    module: nn.Module, shape: tuple[int, ...], axes: dict[str, dict[int, str]], target: Path
) -> None:
    """Writes ONNX, and checks it.

    Args:
        module: Takes RGB pictures.
        shape: Of an input.
        axes: Names of the axes that are free, of the input `image` and then of each output.
        target: The file.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            (torch.zeros(*shape),),
            str(target),
            input_names=["image"],
            output_names=[name for name in axes if name != "image"],
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )
    onnx.checker.check_model(onnx.load(target))


def export(network: Network, target: Path) -> None:
    """Any batch, any height and width that are multiples of 32."""
    points = {0: "batch", 1: "points"}
    axes = {"image": {0: "batch", 2: "height", 3: "width"}, "boxes": points, "scores": points}
    write(Decoded(network), (1, 3, 96, 128), axes, target)


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
