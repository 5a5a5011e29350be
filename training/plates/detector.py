"""Runs the exported detector as a product would: resize, pad, threshold, suppress."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime


def suppress(boxes: np.ndarray, scores: np.ndarray, limit: float) -> np.ndarray:
    """Indices of the boxes kept, best first: no two overlap by more than the limit (IoU)."""
    order, kept = np.argsort(-scores), []
    area = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), 1)
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        low = np.maximum(boxes[best, :2], boxes[order, :2])
        high = np.minimum(boxes[best, 2:], boxes[order, 2:])
        inner = np.prod(np.maximum(high - low, 0), 1)
        order = order[inner <= limit * (area[best] + area[order] - inner)]
    return np.array(kept, int)


class Detector:
    """One thread, any picture."""

    def __init__(self, model: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )

    def one(self, picture: np.ndarray, side: int, floor: float) -> tuple[np.ndarray, np.ndarray]:
        """Boxes in the picture's pixels (BGR) and scores above the floor, at one input size."""
        high, wide = picture.shape[:2]
        scale = side / max(high, wide)
        size = (max(1, round(wide * scale)), max(1, round(high * scale)))
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        small = cv2.resize(picture, size, interpolation=way)
        padded = np.zeros((-size[1] % 32 + size[1], -size[0] % 32 + size[0], 3), np.float32)
        padded[: size[1], : size[0]] = small
        image = np.ascontiguousarray(padded[..., ::-1].transpose(2, 0, 1)[None])  # RGB
        boxes, scores = self.session.run(None, {"image": image})
        good = scores[0] >= floor
        ratio = np.array([wide / size[0], high / size[1]] * 2, np.float32)
        return boxes[0][good] * ratio, scores[0][good]

    def __call__(
        self, picture: np.ndarray, sides: list[int], floor: float, nms: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Boxes and scores of all input sizes together, suppressed."""
        return merge([self.one(picture, side, floor) for side in sides], nms)

    def profile(self, picture: np.ndarray, profile: dict[str, Any]) -> np.ndarray:
        """The boxes of a working point: its passes, a threshold that grows with the box."""
        whole = picture.shape[0] * picture.shape[1]
        found = []
        for side, low, high in profile["passes"]:
            boxes, scores = self.one(picture, side, profile["threshold"])
            share = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), 1) / whole
            steps = np.log10(np.maximum(1.0, share / profile["knee"]))
            kept = (share >= low) & (share < high)
            kept &= scores >= profile["threshold"] + profile["slope"] * steps
            found.append((boxes[kept], scores[kept]))
        return merge(found, profile["nms"])[0]


def merge(found: list[tuple[np.ndarray, np.ndarray]], nms: float) -> tuple[np.ndarray, np.ndarray]:
    """Detections of several passes as one list, suppressed."""
    boxes = np.concatenate([boxes for boxes, _ in found])
    scores = np.concatenate([scores for _, scores in found])
    kept = suppress(boxes, scores, nms)
    return boxes[kept], scores[kept]


def grown(boxes: np.ndarray, margin: float) -> np.ndarray:
    """Boxes with a margin on each side, as a share of their width and height."""
    extra = (boxes[:, 2:] - boxes[:, :2]) * margin
    return np.concatenate((boxes[:, :2] - extra, boxes[:, 2:] + extra), 1)
