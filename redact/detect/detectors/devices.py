"""The device that networks run on: an accelerator that onnxruntime supports, else the processor."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from redact.errors import MissingEngineError, RecipeError

Session = TypeVar("Session")

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

_NOT_AUTOMATIC = {DEVICES["openvino"], CPU}
"""Not tried before the processor: OpenVINO computes there too, and is not quicker."""

_WHEELS = {
    "cuda": "onnxruntime-gpu",
    "directml": "onnxruntime-directml",
    "openvino": "onnxruntime-openvino",
}
"""The package that has a provider, in place of onnxruntime."""


def requested_device() -> str:
    """The device that the environment names, `auto` where it names none."""
    return os.environ.get(VARIABLE) or "auto"


def provider_lists(device: str, installed: Collection[str]) -> list[list[str]]:
    """Lists of providers to try one after the other; each ends with the processor.

    Args:
        device: `auto` or a name of `DEVICES`. A device that is named is used or refused.
        installed: The providers that onnxruntime says it has.

    Raises:
        RecipeError: There is no such device.
        MissingEngineError: It is not installed.
    """
    if device == "auto":
        available = [p for p in DEVICES.values() if p in installed and p not in _NOT_AUTOMATIC]
        return [[provider, CPU] for provider in available] + [[CPU]]
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


def make_with_first_working(
    tries: Sequence[list[str]], make: Callable[[list[str]], Session], refused: type[Exception]
) -> Session:
    """A session on the first providers that work; if none does, the last error is raised.

    Args:
        tries: From `provider_lists`.
        make: Makes a session, or raises: a driver may be missing that the wheel was built for.
        refused: The error that it raises then.
    """
    for providers in tries[:-1]:
        try:
            return make(providers)
        except refused:
            continue
    return make(tries[-1])
