"""What this machine has of what redact needs, and in words what is missing."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal, TypeAlias

from redact.detect.weights import Weights, catalogue
from redact.errors import MissingEngineError

LIBRARIES = (
    "av",
    "ffmpeg-python",
    "imageio-ffmpeg",
    "mediapipe",
    "numpy",
    "onnxruntime",
    "opencv-contrib-python",
    "pillow",
    "pillow-heif",
)
"""The distributions that redact works with."""


@dataclass(frozen=True, slots=True)
class SystemLibrary:
    """A library that pip cannot install.

    Args:
        file: The name that the dynamic linker looks for.
        debian: The package that brings it on Debian and Ubuntu.
        fedora: The same on Fedora.
    """

    file: str
    debian: str
    fedora: str


SYSTEM_LIBRARIES = (
    SystemLibrary("libGL.so.1", "libgl1", "libglvnd-glx"),
    SystemLibrary("libEGL.so.1", "libegl1", "libglvnd-egl"),
    SystemLibrary("libGLESv2.so.2", "libgles2", "libglvnd-gles"),
    SystemLibrary("libgthread-2.0.so.0", "libglib2.0-0", "glib2"),
)
"""What OpenCV and mediapipe link to on Linux; elsewhere their wheels need nothing more."""

WANTED_ENCODERS = ("h264",)
"""Without these the default settings cannot work."""

Loader: TypeAlias = Callable[[str], object]
WeightsState: TypeAlias = Literal["intact", "damaged", "missing"]


@dataclass(frozen=True, slots=True)
class Library:
    """A Python library; the version is None where it is not installed."""

    name: str
    version: str | None


@dataclass(frozen=True, slots=True)
class Program:
    """A program and what it says of its version, None where it does not run."""

    path: str
    version: str | None


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One weights file, and whether it is the one that was checked."""

    name: str
    state: WeightsState
    sha256: str
    licence: str
    origin: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, in words, and what to do about it."""

    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found on this machine.

    Args:
        redact: The version of redact.
        python: The version of Python.
        system: The operating system and the processor.
        libraries: The libraries that redact works with.
        providers: Where onnxruntime can compute, best first.
        encoders: Video encoders that can be used, by the names that redact knows them by.
        hardware: Those in hardware, and why they do not work here, None if they do.
        ffmpeg: The program that finishes videos.
        weights: The model files.
        missing: Files of system libraries that cannot be loaded.
        problems: All that keeps redact from working.
    """

    redact: str
    python: str
    system: str
    libraries: tuple[Library, ...]
    providers: tuple[str, ...]
    encoders: tuple[str, ...]
    hardware: dict[str, str | None]
    ffmpeg: Program | None
    weights: tuple[ModelFile, ...]
    missing: tuple[str, ...]
    problems: tuple[Problem, ...]


def examine(ffmpeg: str | None = None) -> Examination:
    """Look at everything that redact needs; nothing that is missing makes this fail.

    Args:
        ffmpeg: The program to look at in place of the one that redact brings.
    """
    libraries = tuple(Library(name, _version(name)) for name in LIBRARIES)
    missing = _missing(ctypes.CDLL)
    providers = installed_providers()
    encoders = _encoders()
    program = _ffmpeg(ffmpeg)
    weights = tuple(_model_file(item) for item in catalogue().values())
    problems = (
        *_library_problems(libraries),
        *_system_problems(missing),
        *_engine_problems(providers, encoders, program),
        *_weights_problems(weights),
    )
    return Examination(
        _version("redact-video") or "not installed",
        platform.python_version(),
        f"{platform.system()} {platform.release()} {platform.machine()}",
        libraries,
        providers,
        encoders,
        _hardware(),
        program,
        weights,
        tuple(item.file for item in missing),
        problems,
    )


def missing_libraries(loader: Loader = ctypes.CDLL) -> str | None:
    """One line that names the system packages to install, None where nothing is missing.

    Args:
        loader: Loads a library by its file's name, or raises `OSError`.
    """
    missing = _missing(loader)
    if not missing:
        return None
    (problem,) = _system_problems(missing)
    return f"{problem.problem}; {problem.remedy}"


def _missing(loader: Loader) -> tuple[SystemLibrary, ...]:
    if sys.platform != "linux":
        return ()
    return tuple(item for item in SYSTEM_LIBRARIES if not _loads(item.file, loader))


def _loads(file: str, loader: Loader) -> bool:
    try:
        loader(file)
    except OSError:
        return False
    return True


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def installed_providers() -> tuple[str, ...]:
    """Where onnxruntime can compute; nothing where it cannot be loaded."""
    try:
        import onnxruntime
    except (ImportError, OSError):
        return ()
    return tuple(onnxruntime.get_available_providers())


def _hardware() -> dict[str, str | None]:
    """A small encode is made with each; nothing where FFmpeg cannot be loaded."""
    try:
        from redact.media.video.encoders import hardware_encoders
    except (ImportError, OSError):
        return {}
    return hardware_encoders()


def _encoders() -> tuple[str, ...]:
    try:
        from redact.media.video.encoders import software_encoders
    except (ImportError, OSError):
        return ()
    return tuple(name for name, there in software_encoders().items() if there)


def _ffmpeg(named: str | None) -> Program | None:
    path = named or _bundled_ffmpeg()
    return None if path is None else Program(path, _ffmpeg_version(path))


def _bundled_ffmpeg() -> str | None:
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, OSError, RuntimeError):  # the wheel says RuntimeError if it has none
        return None


def _ffmpeg_version(path: str) -> str | None:
    command = [path, "-hide_banner", "-version"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    words = said.stdout.split()
    return words[2] if words[:2] == ["ffmpeg", "version"] and len(words) > 2 else None


def _model_file(weights: Weights) -> ModelFile:
    state: WeightsState = "intact"
    try:
        weights.read()
    except MissingEngineError:
        state = "damaged" if Path(weights.path).exists() else "missing"
    return ModelFile(weights.name, state, weights.sha256, weights.licence, weights.origin)


def _library_problems(libraries: tuple[Library, ...]) -> Iterator[Problem]:
    for library in libraries:
        if library.version is None:
            yield Problem(f"{library.name} is not installed", f"pip install {library.name}")


def _system_problems(missing: tuple[SystemLibrary, ...]) -> Iterator[Problem]:
    if missing:
        files = ", ".join(item.file for item in missing)
        debian = " ".join(item.debian for item in missing)
        fedora = " ".join(item.fedora for item in missing)
        yield Problem(
            f"OpenCV and mediapipe need {files}, which this system lacks",
            f"install them with `apt install {debian}` (Debian, Ubuntu) "
            f"or `dnf install {fedora}` (Fedora)",
        )


def _engine_problems(
    providers: tuple[str, ...], encoders: tuple[str, ...], program: Program | None
) -> Iterator[Problem]:
    if not providers:
        yield Problem("onnxruntime cannot be loaded", "pip install --force-reinstall onnxruntime")
    for name in WANTED_ENCODERS:
        if name not in encoders:
            yield Problem(
                f"the video encoder {name} is missing", "pip install --force-reinstall av"
            )
    if program is None:
        remedy = "pip install --force-reinstall imageio-ffmpeg, or name one with --ffmpeg"
        yield Problem("there is no ffmpeg program", remedy)
    elif program.version is None:
        yield Problem(f"{program.path} does not run as ffmpeg", "name another with --ffmpeg")


def _weights_problems(weights: tuple[ModelFile, ...]) -> Iterator[Problem]:
    for item in weights:
        if item.state != "intact":
            yield Problem(f"the weights {item.name} are {item.state}", "reinstall redact")
