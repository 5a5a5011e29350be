"""CenterFace: an anchor-free face detector (Xu, Yan et al., arXiv 1911.03599)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from redact.core.findings import Detection, Kind
from redact.core.frames import Rgb
from redact.detect.detectors.boxes import detect_in_batches, suppress_non_maxima
from redact.detect.detectors.session import Session, Tensor, make_batch

_STRIDE = 4
_MAX_IOU = 0.3
_RED_FIRST = slice(None)


class CenterFace:
    """Finds faces of about 6 pixels and more, in pictures of any size."""

    def __init__(self) -> None:
        self._session = Session("centerface.onnx", ("537", "538", "539"))

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        """Faces per picture, in its own pixels, each with at least that score."""
        return detect_in_batches(pictures, lambda batch: self._detect_batch(batch, threshold))

    def _detect_batch(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        outputs = self._session.run(make_batch(pictures, _RED_FIRST))
        return [_decode(maps, threshold) for maps in zip(*outputs, strict=True)]


def _decode(maps: Sequence[Tensor], threshold: float) -> list[Detection]:
    """Faces from the heat map and the maps of sizes and offsets, each (channels, rows, columns)."""
    heat, scale, offset = maps
    rows, columns = np.nonzero(heat[0] >= threshold)
    down, across = (offset[:, rows, columns] + np.stack([rows, columns]) + 0.5) * _STRIDE
    height, width = np.exp(scale[:, rows, columns]) * _STRIDE
    sides = [across - width / 2, down - height / 2, across + width / 2, down + height / 2]
    scores = heat[0, rows, columns]
    table = np.stack(sides, axis=1).astype(np.float32)
    return suppress_non_maxima(table, scores, Kind.FACE, _MAX_IOU)
