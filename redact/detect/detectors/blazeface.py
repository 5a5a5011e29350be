"""BlazeFace, full range, through mediapipe's FaceDetector (Bazarevsky et al., arXiv 1907.05047)."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from threading import Lock, RLock
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redact.core.findings import Detection, Kind
from redact.core.frames import Rgb
from redact.detect.detectors.boxes import detections
from redact.detect.weights import catalogue
from redact.errors import EngineError, MissingEngineError

_TILE = 256
"""Pixels of a tile's side: the network sees 192, and no face under a tenth of that."""
_SHARED = 80
"""Pixels that neighbouring tiles share, so that a face is whole in one of them."""
_OVERLAP = 0.3


class BlazeFace:
    """Finds faces on overlapping tiles and on the whole picture.

    Raises:
        MissingEngineError: mediapipe or its weights cannot be loaded.
    """

    def __init__(self) -> None:
        os.environ.setdefault("GLOG_minloglevel", "2")
        self._weights = catalogue()["blazeface_full.tflite"].read()
        self._engines: dict[float, Any] = {}
        self._one_at_a_time = Lock()
        weakref.finalize(self, _close, self._engines)  # mediapipe complains if nobody closes it

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        """Faces per picture, in its own pixels, each with at least that score."""
        return [self._faces(picture, threshold) for picture in pictures]

    def _faces(self, picture: Rgb, threshold: float) -> list[Detection]:
        rows = [row for tile in _tiles(picture) for row in self._look(picture, tile, threshold)]
        table = np.array(rows, np.float32).reshape(-1, 5)
        return detections(table[:, :4], table[:, 4], Kind.FACE, _OVERLAP)

    def _look(
        self, picture: Rgb, tile: tuple[int, int, int, int], threshold: float
    ) -> Iterator[tuple[float, ...]]:
        left, top, right, bottom = tile
        view = np.ascontiguousarray(picture[top:bottom, left:right])
        mp = _mediapipe()
        try:
            with self._one_at_a_time:
                found = self._engine(threshold).detect(mp.Image(mp.ImageFormat.SRGB, view))
        except (RuntimeError, ValueError) as error:
            raise EngineError(f"mediapipe failed: {error}") from error
        for face in found.detections:
            box = face.bounding_box
            x, y = left + box.origin_x, top + box.origin_y
            yield x, y, x + box.width, y + box.height, face.categories[0].score

    def _engine(self, threshold: float) -> Any:
        if threshold not in self._engines:
            self._engines[threshold] = _load(self._weights, threshold)
        return self._engines[threshold]


def _close(engines: dict[float, Any]) -> None:
    if not engines:
        return
    with suppress(RuntimeError), _quiet():  # at the interpreter's end its threads may be gone
        for engine in engines.values():
            engine.close()
    engines.clear()


def _load(weights: bytes, threshold: float) -> Any:
    mp = _mediapipe()
    try:
        with _quiet():
            options = mp.tasks.vision.FaceDetectorOptions(
                base_options=mp.tasks.BaseOptions(model_asset_buffer=weights),
                min_detection_confidence=threshold,
            )
            engine = mp.tasks.vision.FaceDetector.create_from_options(options)
            engine.detect(mp.Image(mp.ImageFormat.SRGB, np.zeros((_TILE, _TILE, 3), np.uint8)))
            return engine
    except (OSError, RuntimeError, ValueError) as error:
        raise MissingEngineError(f"mediapipe cannot be used: {error}") from error


@cache
def _mediapipe() -> Any:
    try:
        with _quiet(), _left_out(*_UNUSED):
            import mediapipe
    except (ImportError, OSError) as error:
        raise MissingEngineError(f"mediapipe cannot be loaded: {error}") from error
    return mediapipe


_UNUSED = ("matplotlib", "matplotlib.pyplot", "sounddevice")
"""What mediapipe imports to draw charts and to listen: most of the time that importing it takes."""


@contextmanager
def _left_out(*names: str) -> Iterator[None]:
    """Meanwhile these modules are empty ones, unless somebody has imported them before.

    For one thread at a time: to be used while `_quiet` keeps others out.
    """
    stands = {name: ModuleType(name) for name in names if name not in sys.modules}
    sys.modules.update(stands)
    try:
        yield
    finally:
        for name, stand in stands.items():
            if sys.modules.get(name) is stand:
                del sys.modules[name]


_QUIETING = RLock()
"""Of two threads that put stderr aside at once, one would put the other's nowhere back for good."""


@contextmanager
def _quiet() -> Iterator[None]:
    """Mediapipe's native part tells its life on stderr while it loads and first runs."""
    with _QUIETING:
        kept = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)


def _tiles(picture: NDArray[np.uint8]) -> Iterator[tuple[int, int, int, int]]:
    height, width = picture.shape[:2]
    if max(height, width) > _TILE:
        yield 0, 0, width, height
    for top in _starts(height):
        for left in _starts(width):
            yield left, top, min(width, left + _TILE), min(height, top + _TILE)


def _starts(side: int) -> list[int]:
    if side <= _TILE:
        return [0]
    count = -(-(side - _SHARED) // (_TILE - _SHARED))
    return [round(i * (side - _TILE) / (count - 1)) for i in range(count)]
