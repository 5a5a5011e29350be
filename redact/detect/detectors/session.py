"""ONNX graphs, run by onnxruntime."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from redact.core.frames import Rgb
from redact.detect.detectors.devices import asked, chosen, first_that_works
from redact.detect.detectors.graphs import prepared
from redact.detect.weights import catalogue
from redact.errors import EngineError, MissingEngineError

ort.disable_telemetry_events()  # again, for whoever imported onnxruntime before redact

Tensor: TypeAlias = NDArray[np.float32]

STRIDE = 32
"""Both networks halve their input five times, so sides must be multiples of this."""


class Session:
    """One network.

    Args:
        weights: A name of the weights catalogue.
        outputs: Names of the graph's outputs that are wanted, in this order.

    Raises:
        MissingEngineError: The weights are absent or damaged, or onnxruntime refuses them.
    """

    def __init__(self, weights: str, outputs: Sequence[str]) -> None:
        source = catalogue()[weights]
        graph = prepared(source.read(), outputs)
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1  # frames run side by side instead: twice as cheap
        options.log_severity_level = 3
        options.enable_mem_pattern = False  # plans kept for each size of picture only cost memory
        options.add_session_config_entry("session.use_env_allocators", _shared_memory())
        tries = chosen(asked(), ort.get_available_providers())

        def make(providers: list[str]) -> ort.InferenceSession:
            made = ort.InferenceSession(graph, options, providers=providers, enable_fallback=0)
            if providers[0] not in made.get_providers():  # it logs that, and goes on without
                raise MissingEngineError(f"{providers[0]} does not work on this machine")
            return made

        try:  # onnxruntime's errors share no public parent
            self._session = first_that_works(tries, make, Exception)
        except Exception as error:
            raise MissingEngineError(f"onnxruntime refuses it: {error}", source.path) from error
        self._input = self._session.get_inputs()[0].name
        self._outputs = list(outputs)
        weakref.finalize(self, _give_back, self._session, self._input).atexit = False

    def run(self, batch: Tensor) -> list[Tensor]:
        """The wanted outputs for a batch of shape (n, 3, height, width)."""
        try:
            found: list[Any] = self._session.run(self._outputs, {self._input: batch})
        except Exception as error:
            raise EngineError(f"onnxruntime failed: {error}") from error
        if not all(np.isfinite(tensor).all() for tensor in found):
            raise EngineError("the network gave values that are not finite")
        return found


def _give_back(session: ort.InferenceSession, name: str) -> None:
    """Return what the shared heap keeps for later; only a run can ask for that, so a tiny one."""
    options = ort.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    with suppress(Exception):  # what is left is only not free yet
        session.run(None, {name: np.zeros((1, 3, STRIDE, STRIDE), np.float32)}, options)


@cache
def _shared_memory() -> str:
    """Let all networks share one heap that grows by what is asked for: half the memory.

    Each would otherwise keep one of its own, doubled whenever it is short.
    """
    kind = ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    place = ort.OrtMemoryInfo("Cpu", kind, 0, ort.OrtMemType.DEFAULT)
    as_asked = {"arena_extend_strategy": 1, "initial_chunk_size_bytes": 1 << 20}
    ort.create_and_register_allocator(place, ort.OrtArenaCfg(as_asked))
    return "1"


def batch_of(pictures: Sequence[Rgb], channels: slice) -> Tensor:
    """Pictures of one size as (n, 3, height, width), padded on the right and below with black.

    Args:
        pictures: Each (height, width, 3), red first.
        channels: `slice(None)` keeps red first, `slice(None, None, -1)` puts blue first.
    """
    height, width = pictures[0].shape[:2]
    shape = (len(pictures), 3, _whole(height), _whole(width))
    batch = np.zeros(shape, np.float32)
    for place, picture in zip(batch, pictures, strict=True):
        place[:, :height, :width] = picture.transpose(2, 0, 1)[channels]
    return batch


def _whole(side: int) -> int:
    return -(-side // STRIDE) * STRIDE
