"""ONNX networks, run by onnxruntime."""

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
from redact.detect.detectors.devices import (
    CPU,
    make_with_first_working,
    provider_lists,
    requested_device,
)
from redact.detect.detectors.graphs import compute_in_floats, computes_in_8_bits, free_sizes
from redact.detect.weights import catalogue
from redact.errors import EngineError, MissingEngineError

ort.disable_telemetry_events()  # again, for whoever imported onnxruntime before redact

Tensor: TypeAlias = NDArray[np.float32]

STRIDE = 32
"""The networks halve their input five times, so sides must be multiples of this."""


class Session:
    """One network, in 8 bits on the processor if it was made so, else in floating point.

    Args:
        weights: A name of the weights catalogue.
        outputs: Names of the graph's outputs that are wanted, in this order.
        side: Pixels across and down the smallest picture that it takes.

    Raises:
        MissingEngineError: The weights are absent or damaged, or onnxruntime refuses them.
    """

    def __init__(self, weights: str, outputs: Sequence[str], side: int = STRIDE) -> None:
        source = catalogue()[weights]
        graph = free_sizes(source.read(), outputs)
        in_8_bits = computes_in_8_bits(graph)
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1  # frames run side by side instead: twice as cheap
        options.log_severity_level = 3
        options.enable_mem_pattern = False  # plans kept for each size of picture only cost memory
        if not in_8_bits:  # weights that are stored in 8 bits are unpacked once
            options.add_session_config_entry("session.disable_quant_qdq", "1")
        options.add_session_config_entry("session.use_env_allocators", _share_allocator())
        tries = provider_lists(requested_device(), ort.get_available_providers())

        def make(providers: list[str]) -> ort.InferenceSession:
            here = compute_in_floats(graph) if in_8_bits and providers != [CPU] else graph
            made = ort.InferenceSession(here, options, providers=providers, enable_fallback=0)
            if providers[0] not in made.get_providers():  # it logs that, and goes on without
                raise MissingEngineError(f"{providers[0]} does not work on this machine")
            return made

        try:  # onnxruntime's errors share no public parent
            self._session = make_with_first_working(tries, make, Exception)
        except Exception as error:
            raise MissingEngineError(f"onnxruntime refuses it: {error}", source.path) from error
        self._input = self._session.get_inputs()[0].name
        self._outputs = list(outputs)
        finalizer = weakref.finalize(self, _release_memory, self._session, self._input, side)
        finalizer.atexit = False

    def run(self, batch: Tensor) -> list[Tensor]:
        """The wanted outputs for a batch of shape (n, 3, height, width)."""
        try:
            found: list[Any] = self._session.run(self._outputs, {self._input: batch})
        except Exception as error:
            raise EngineError(f"onnxruntime failed: {error}") from error
        if not all(np.isfinite(tensor).all() for tensor in found):
            raise EngineError("the network gave values that are not finite")
        return found


def _release_memory(session: ort.InferenceSession, name: str, side: int) -> None:
    """Release what the shared arena keeps for later; only a run can ask for that, so a tiny one."""
    options = ort.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    with suppress(Exception):  # what is left is only not free yet
        session.run(None, {name: np.zeros((1, 3, side, side), np.float32)}, options)


@cache
def _share_allocator() -> str:
    """Let all networks share one arena that grows by what is requested: half the memory.

    Each would otherwise keep one of its own, doubled whenever it is short.
    """
    kind = ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    place = ort.OrtMemoryInfo("Cpu", kind, 0, ort.OrtMemType.DEFAULT)
    as_requested = {"arena_extend_strategy": 1, "initial_chunk_size_bytes": 1 << 20}
    ort.create_and_register_allocator(place, ort.OrtArenaCfg(as_requested))
    return "1"


def make_batch(pictures: Sequence[Rgb], channels: slice) -> Tensor:
    """Pictures of one size as (n, 3, height, width), padded on the right and below with black.

    Args:
        pictures: Each (height, width, 3), red first.
        channels: `slice(None)` keeps red first, `slice(None, None, -1)` puts blue first.
    """
    height, width = pictures[0].shape[:2]
    shape = (len(pictures), 3, _padded_side(height), _padded_side(width))
    batch = np.zeros(shape, np.float32)
    for place, picture in zip(batch, pictures, strict=True):
        place[:, :height, :width] = picture.transpose(2, 0, 1)[channels]
    return batch


def _padded_side(side: int) -> int:
    return -(-side // STRIDE) * STRIDE
