from __future__ import annotations

import builtins
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from redact import doctor
from redact.detect.weights import catalogue
from redact.doctor import SYSTEM_LIBRARIES, examine, missing_libraries

linux = pytest.mark.skipif(sys.platform != "linux", reason="wheels elsewhere need no more")


def lacking(*files: str) -> Callable[[str], object]:
    def load(file: str) -> object:
        if file in files:
            raise OSError(f"{file}: cannot open shared object file")
        return object()

    return load


def test_nothing_is_missing() -> None:
    assert missing_libraries(lacking()) is None


@linux
@pytest.mark.parametrize("library", SYSTEM_LIBRARIES, ids=lambda library: library.file)
def test_a_missing_library_is_one_line_with_its_packages(
    library: doctor.SystemLibrary,
) -> None:
    said = missing_libraries(lacking(library.file))
    assert said is not None
    assert "\n" not in said
    for word in (library.file, f"apt install {library.debian}`", f"dnf install {library.fedora}`"):
        assert word in said


@linux
def test_several_are_installed_at_once() -> None:
    said = missing_libraries(lacking("libGL.so.1", "libEGL.so.1", "libGLESv2.so.2"))
    assert said is not None
    assert "apt install libgl1 libegl1 libgles2`" in said


def test_other_systems_need_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert missing_libraries(lacking(*(item.file for item in SYSTEM_LIBRARIES))) is None


def test_an_examination_tells_everything_and_is_json() -> None:
    found = examine()
    assert {library.name for library in found.libraries} == set(doctor.LIBRARIES)
    assert "CPUExecutionProvider" in found.providers
    assert "h264" in found.encoders
    assert {item.name for item in found.weights} == set(catalogue())
    assert found.ffmpeg is not None
    assert found.ffmpeg.version
    assert json.loads(json.dumps(asdict(found)))["python"] == found.python


def problems(monkeypatch: pytest.MonkeyPatch, name: str, answer: object) -> list[str]:
    monkeypatch.setattr(doctor, name, lambda *_: answer)
    return [f"{item.problem}; {item.remedy}" for item in examine().problems]


@pytest.mark.parametrize(
    ("name", "answer", "word"),
    [
        ("_version", None, "mediapipe is not installed; pip install mediapipe"),
        ("installed_providers", (), "onnxruntime cannot be loaded"),
        ("_encoders", (), "encoder h264 is missing"),
        ("_bundled_ffmpeg", None, "there is no ffmpeg program"),
        ("_bundled_ffmpeg", "/no/such/program", "does not run as ffmpeg"),
        ("_missing", SYSTEM_LIBRARIES[:1], "apt install libgl1"),
    ],
)
def test_each_problem_is_said(
    monkeypatch: pytest.MonkeyPatch, name: str, answer: object, word: str
) -> None:
    assert any(word in line for line in problems(monkeypatch, name, answer))


def test_a_program_that_is_not_ffmpeg() -> None:
    found = examine(ffmpeg=sys.executable)
    assert found.ffmpeg is not None
    assert found.ffmpeg.version is None


@pytest.mark.parametrize("state", ["damaged", "missing"])
def test_weights_are_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state: str) -> None:
    name, good = next(iter(catalogue().items()))
    bad = replace(good, path=tmp_path / name)
    if state == "damaged":
        bad.path.write_bytes(b"changed")
    said = problems(monkeypatch, "catalogue", {name: bad})
    assert f"the weights {name} are {state}; reinstall redact" in said


@pytest.mark.parametrize("absent", ["onnxruntime", "redact.media.video.encoders", "imageio_ffmpeg"])
def test_what_cannot_be_imported_is_a_problem_and_no_error(
    monkeypatch: pytest.MonkeyPatch, absent: str
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object) -> object:
        if name == absent:
            raise ImportError(f"libGL.so.1 wanted by {name}")
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    assert examine().problems
