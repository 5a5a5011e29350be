"""Which providers are tried, told without any hardware."""

from __future__ import annotations

import pytest

from redact.detect.detectors.devices import (
    CPU,
    DEVICES,
    VARIABLE,
    make_with_first_working,
    provider_lists,
    requested_device,
)
from redact.errors import MissingEngineError, RecipeError

CUDA, COREML, OPENVINO = DEVICES["cuda"], DEVICES["coreml"], DEVICES["openvino"]


class RefusedError(Exception):
    """As a driver that is missing makes onnxruntime raise."""


def test_auto_tries_the_best_first_and_the_processor_last() -> None:
    assert provider_lists("auto", [CPU, COREML, "AzureExecutionProvider", CUDA]) == [
        [CUDA, CPU],
        [COREML, CPU],
        [CPU],
    ]
    assert provider_lists("auto", [CPU]) == [[CPU]]


def test_auto_leaves_out_what_is_no_quicker_than_the_processor() -> None:
    assert provider_lists("auto", [CPU, OPENVINO]) == [[CPU]]
    assert provider_lists("openvino", [CPU, OPENVINO]) == [[OPENVINO, CPU]]


def test_a_named_device_is_used_alone_or_refused() -> None:
    assert provider_lists("cuda", [CPU, OPENVINO, CUDA]) == [[CUDA, CPU]]
    assert provider_lists("cpu", [CPU, CUDA]) == [[CPU]]
    with pytest.raises(MissingEngineError, match="cuda is not part") as error:
        provider_lists("cuda", [CPU])
    assert "onnxruntime-gpu" in str(error.value.remedy)
    with pytest.raises(RecipeError, match="no device 'tpu'"):
        provider_lists("tpu", [CPU])


def test_what_does_not_work_gives_way_to_the_next() -> None:
    tried: list[list[str]] = []

    def make(providers: list[str]) -> str:
        tried.append(providers)
        if CUDA in providers:
            raise RefusedError("no driver")
        return providers[0]

    tries = provider_lists("auto", [CPU, CUDA, COREML])
    assert make_with_first_working(tries, make, RefusedError) == COREML
    assert tried == [[CUDA, CPU], [COREML, CPU]]


def test_a_named_device_that_does_not_work_is_an_error() -> None:
    def make(providers: list[str]) -> str:
        raise RefusedError(providers[0])

    with pytest.raises(RefusedError, match=CUDA):
        make_with_first_working(provider_lists("cuda", [CPU, CUDA]), make, RefusedError)


def test_the_environment_names_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert requested_device() == "auto"
    monkeypatch.setenv(VARIABLE, "cuda")
    assert requested_device() == "cuda"
    from redact.detect.detectors import load

    with pytest.raises(MissingEngineError, match="cuda"):
        load("yunet")


def test_a_device_that_onnxruntime_quietly_leaves_out_is_refused_or_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It logs that a driver is missing, and goes on with the processor."""
    import onnxruntime

    from redact.detect.detectors import load

    real = onnxruntime.InferenceSession

    def without(graph: bytes, options: object, **said: object) -> object:
        return real(graph, options, **{**said, "providers": [CPU]})

    monkeypatch.setattr(onnxruntime, "InferenceSession", without)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    monkeypatch.setenv(VARIABLE, "cuda")
    with pytest.raises(MissingEngineError, match="does not work on this machine"):
        load("yunet")
    monkeypatch.setenv(VARIABLE, "auto")
    load("yunet")


def test_what_was_made_for_8_bits_computes_in_floats_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An accelerator would go through every step between whole numbers and others for nothing."""
    import onnxruntime

    from redact.detect.detectors import load
    from redact.detect.detectors.graphs import computes_in_8_bits

    real, seen = onnxruntime.InferenceSession, []

    class Elsewhere:
        def __init__(self, graph: bytes, options: object, **said: list[str]) -> None:
            seen.append(computes_in_8_bits(graph))
            self.said, self.real = said["providers"], real(graph, options, providers=[CPU])

        def get_providers(self) -> list[str]:
            return self.said

        def __getattr__(self, name: str) -> object:
            return getattr(self.real, name)

    monkeypatch.setattr(onnxruntime, "InferenceSession", Elsewhere)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    for device, wanted in (("cuda", False), ("cpu", True)):
        monkeypatch.setenv(VARIABLE, device)
        load("centerface")
        assert seen.pop() is wanted
