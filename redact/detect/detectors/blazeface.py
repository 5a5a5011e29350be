"""BlazeFace, full range, through mediapipe's FaceDetector (Bazarevsky et al., arXiv 1907.05047)."""

from __future__ import annotations

import atexit
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
from redact.detect.detectors.boxes import suppress_non_maxima
from redact.detect.weights import catalogue
from redact.errors import EngineError, MissingEngineError

_TILE = 256
"""Pixels of a tile's side: the network sees 192, and no face under a tenth of that."""
_TILE_OVERLAP = 80
"""Pixels that neighbouring tiles have in common, so that a face is whole in one of them."""
_MAX_IOU = 0.3


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
        weakref.finalize(self, _ABANDONED.append, self._engines).atexit = False
        _LIVING.add(self)

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        """Faces per picture, in its own pixels, each with at least that score."""
        return [self._detect_one(picture, threshold) for picture in pictures]

    def _detect_one(self, picture: Rgb, threshold: float) -> list[Detection]:
        tiles = _tiles(picture)
        rows = [row for tile in tiles for row in self._detect_tile(picture, tile, threshold)]
        table = np.array(rows, np.float32).reshape(-1, 5)
        return suppress_non_maxima(table[:, :4], table[:, 4], Kind.FACE, _MAX_IOU)

    def _detect_tile(
        self, picture: Rgb, tile: tuple[int, int, int, int], threshold: float
    ) -> Iterator[tuple[float, ...]]:
        """Left, top, right, bottom and score of each face, in pixels of the whole picture."""
        left, top, right, bottom = tile
        view = np.ascontiguousarray(picture[top:bottom, left:right])
        mp = _import_mediapipe()
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
            self._engines[threshold] = _load_engine(self._weights, threshold)
        return self._engines[threshold]


_ABANDONED: list[dict[float, Any]] = []
"""Engines whose detector is gone. They are closed later and not where it went: garbage is collected
in the middle of anything, and closing waits for locks that the same thread may hold just then."""

_LIVING: weakref.WeakSet[BlazeFace] = weakref.WeakSet()


def _close_abandoned() -> None:
    while _ABANDONED:
        with suppress(IndexError):  # another thread was quicker
            _close_engines(_ABANDONED.pop())


@atexit.register
def _close_all() -> None:
    """Close what is open when the program ends; mediapipe complains otherwise."""
    _ABANDONED.extend(detector._engines for detector in list(_LIVING))
    _close_abandoned()


def _close_engines(engines: dict[float, Any]) -> None:
    if not engines:
        return
    with suppress(RuntimeError), _silence_stderr():  # its threads may be gone already
        for engine in engines.values():
            engine.close()
    engines.clear()


def _load_engine(weights: bytes, threshold: float) -> Any:
    mp = _import_mediapipe()
    _close_abandoned()
    try:
        with _silence_stderr():
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
def _import_mediapipe() -> Any:
    try:
        with _silence_stderr(), _stub_modules(*_UNUSED_MODULES):
            import mediapipe
    except (ImportError, OSError) as error:
        raise MissingEngineError(f"mediapipe cannot be loaded: {error}") from error
    return mediapipe


_UNUSED_MODULES = ("matplotlib", "matplotlib.pyplot", "sounddevice")
"""What mediapipe imports to draw charts and to listen: most of the time that importing it takes."""


@contextmanager
def _stub_modules(*names: str) -> Iterator[None]:
    """Put empty modules in place of these for a while, unless they are imported already.

    For one thread at a time: to be used while `_silence_stderr` keeps others out.
    """
    stubs = {name: ModuleType(name) for name in names if name not in sys.modules}
    sys.modules.update(stubs)
    try:
        yield
    finally:
        for name, stub in stubs.items():
            if sys.modules.get(name) is stub:
                del sys.modules[name]


_STDERR_LOCK = RLock()
"""If two threads replaced stderr at once, one would restore the other's null device for good."""


@contextmanager
def _silence_stderr() -> Iterator[None]:
    """Send stderr to nowhere: mediapipe's native part logs there while it loads and first runs."""
    with _STDERR_LOCK:
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
    """Left, top, right and bottom of each tile; the first is the whole picture if it is larger."""
    height, width = picture.shape[:2]
    if max(height, width) > _TILE:
        yield 0, 0, width, height
    for top in _tile_starts(height):
        for left in _tile_starts(width):
            yield left, top, min(width, left + _TILE), min(height, top + _TILE)


def _tile_starts(side: int) -> list[int]:
    if side <= _TILE:
        return [0]
    count = -(-(side - _TILE_OVERLAP) // (_TILE - _TILE_OVERLAP))
    return [round(i * (side - _TILE) / (count - 1)) for i in range(count)]
