"""YuNet: a very small face detector (Wu, Peng and Yu, Machine Intelligence Research, 2023)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from redact.core.findings import Detection, Kind
from redact.core.frames import Rgb
from redact.detect.detectors.boxes import detect_in_batches, suppress_non_maxima
from redact.detect.detectors.session import Session, Tensor, make_batch

_STRIDES = (8, 16, 32)
_MAX_IOU = 0.45
_BLUE_FIRST = slice(None, None, -1)


class YuNet:
    """Finds faces of about 8 pixels and more, in pictures of any size."""

    def __init__(self) -> None:
        heads = ("cls", "obj", "bbox")
        self._session = Session("yunet.onnx", [f"{h}_{s}" for h in heads for s in _STRIDES])

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        """Faces per picture, in its own pixels, each with at least that score."""
        return detect_in_batches(pictures, lambda batch: self._detect_batch(batch, threshold))

    def _detect_batch(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        batch = make_batch(pictures, _BLUE_FIRST)
        outputs = self._session.run(batch)
        levels = [
            decode_level(outputs[i::3], stride, batch.shape[3] // stride, threshold)
            for i, stride in enumerate(_STRIDES)
        ]
        return [
            suppress_non_maxima(
                np.concatenate([sides[where == n] for sides, _, where, _ in levels]),
                np.concatenate([scores[where == n] for _, scores, where, _ in levels]),
                Kind.FACE,
                _MAX_IOU,
            )
            for n in range(len(pictures))
        ]


def decode_level(
    heads: Sequence[Tensor], stride: int, columns: int, threshold: float
) -> tuple[Tensor, Tensor, NDArray[np.intp], NDArray[np.intp]]:
    """One stride's candidates: sides (k, 4), and scores, picture and cell of each, (k,)."""
    cls, obj, bbox = heads
    scores = np.sqrt(np.clip(cls[..., 0], 0, 1) * np.clip(obj[..., 0], 0, 1))
    where, cell = np.nonzero(scores >= threshold)
    across, down, width, height = bbox[where, cell].T
    centre = (cell % columns + across) * stride, (cell // columns + down) * stride
    half = np.exp(width) * stride / 2, np.exp(height) * stride / 2
    sides = [centre[0] - half[0], centre[1] - half[1], centre[0] + half[0], centre[1] + half[1]]
    return np.stack(sides, axis=1).astype(np.float32), np.asarray(scores[where, cell]), where, cell
