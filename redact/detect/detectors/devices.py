"""Where networks compute: on an accelerator that onnxruntime has, else on the processor."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from redact.errors import MissingEngineError, RecipeError

Made = TypeVar("Made")

VARIABLE = "REDACT_DEVICE"
"""The environment's variable that names a device; processes that are started inherit it."""

CPU = "CPUExecutionProvider"
DEVICES = {
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "cpu": CPU,
}
"""onnxruntime's providers by the name that a user says, the best first."""

_UNASKED = {DEVICES["openvino"], CPU}
"""Not tried before the processor: OpenVINO computes there too, and is not quicker."""

_WHEELS = {
    "cuda": "onnxruntime-gpu",
    "directml": "onnxruntime-directml",
    "openvino": "onnxruntime-openvino",
}
"""What brings a provider, in place of onnxruntime."""


def asked() -> str:
    """The device that the environment names, `auto` where it names none."""
    return os.environ.get(VARIABLE) or "auto"


def chosen(device: str, installed: Collection[str]) -> list[list[str]]:
    """Lists of providers to try one after the other; each ends with the processor.

    Args:
        device: `auto` or a name of `DEVICES`. What is asked for by name is used or refused.
        installed: What onnxruntime says that it has.

    Raises:
        RecipeError: There is no such device.
        MissingEngineError: It is not installed.
    """
    if device == "auto":
        there = [p for p in DEVICES.values() if p in installed and p not in _UNASKED]
        return [[provider, CPU] for provider in there] + [[CPU]]
    if device not in DEVICES:
        known = ", ".join(["auto", *DEVICES])
        raise RecipeError(f"there is no device {device!r}", remedy=f"choose {known}")
    if DEVICES[device] not in installed:
        wheel = _WHEELS.get(device)
        other = f"replace onnxruntime by {wheel}, or " if wheel else ""
        raise MissingEngineError(
            f"the device {device} is not part of this onnxruntime",
            remedy=f"{other}choose --device auto",
        )
    return [[CPU] if device == "cpu" else [DEVICES[device], CPU]]


def first_that_works(
    tries: Sequence[list[str]], make: Callable[[list[str]], Made], refused: type[Exception]
) -> Made:
    """What the first providers that work make; the last failure is the one that is told.

    Args:
        tries: From `chosen`.
        make: Makes a session, or raises: a driver may be missing that the wheel was built for.
        refused: What it raises then.
    """
    for providers in tries[:-1]:
        try:
            return make(providers)
        except refused:
            continue
    return make(tries[-1])
