"""Blends two exports of one network, the second trained on from the first: the mean of weights."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper


def blended(first: onnx.ModelProto, second: onnx.ModelProto, share: float) -> onnx.ModelProto:
    """The second with its weights moved towards the first's: `share` of its own is left.

    Raises:
        ValueError: They are not the same network.
    """
    steps = [
        [(node.op_type, *node.input) for node in model.graph.node] for model in (first, second)
    ]
    if steps[0] != steps[1]:
        raise ValueError("these are two networks: their weights have no mean")
    before = {item.name: numpy_helper.to_array(item) for item in first.graph.initializer}
    mixed = onnx.ModelProto()
    mixed.CopyFrom(second)
    for item in mixed.graph.initializer:
        after = numpy_helper.to_array(item)
        if after.dtype == np.float32:
            mean = (1 - share) * before[item.name] + share * after
            item.CopyFrom(numpy_helper.from_array(mean.astype(np.float32), item.name))
    return mixed


def main() -> None:
    """Writes the blend of two files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--share", type=float, default=0.6, help="how much the second counts")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    onnx.save(blended(onnx.load(args.first), onnx.load(args.second), args.share), args.out)
    print(f"{args.out}: sha256 {hashlib.sha256(args.out.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
