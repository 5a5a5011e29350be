"""Detectors by name; each engine is imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable

from redact.core.interfaces import Detector
from redact.errors import RecipeError


def _yunet() -> Detector:
    from redact.detect.detectors.yunet import YuNet

    return YuNet()


def _centerface() -> Detector:
    from redact.detect.detectors.centerface import CenterFace

    return CenterFace()


def _mediapipe() -> Detector:
    from redact.detect.detectors.blazeface import BlazeFace

    return BlazeFace()


def _plates() -> Detector:
    from redact.detect.detectors.plates import Plates

    return Plates()


DETECTORS: dict[str, Callable[[], Detector]] = {
    "centerface": _centerface,
    "mediapipe": _mediapipe,
    "plates": _plates,
    "yunet": _yunet,
}
"""From a name to a function that loads the engine and its weights."""


def load(name: str) -> Detector:
    """A ready detector.

    Raises:
        RecipeError: There is no detector of that name.
        EngineError: Its library or its weights cannot be used.
    """
    if name not in DETECTORS:
        known = ", ".join(DETECTORS)
        raise RecipeError(f"there is no detector {name!r}", remedy=f"choose {known}")
    return DETECTORS[name]()
