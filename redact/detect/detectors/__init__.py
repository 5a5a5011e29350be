"""Detectors by name; an engine is imported only when its detector is loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from redact.core.interfaces import Detector
from redact.errors import RecipeError

if TYPE_CHECKING:
    from redact.detect.detectors.objects import Objects
    from redact.detect.detectors.plate_classifier import PlateClassifier


def _load_yunet() -> Detector:
    from redact.detect.detectors.yunet import YuNet

    return YuNet()


def _load_centerface() -> Detector:
    from redact.detect.detectors.centerface import CenterFace

    return CenterFace()


def _load_mediapipe() -> Detector:
    from redact.detect.detectors.blazeface import BlazeFace

    return BlazeFace()


def _load_plates() -> Detector:
    from redact.detect.detectors.plates import Plates

    return Plates()


def _load_people() -> Detector:
    from redact.detect.detectors.objects import People

    return People()


def _load_heads() -> Detector:
    from redact.detect.detectors.heads import Heads

    return Heads()


def _load_near_faces() -> Detector:
    from redact.detect.detectors.near_faces import NearFaces

    return NearFaces()


def _load_screens() -> Detector:
    from redact.detect.detectors.objects import Screens

    return Screens()


def _load_text() -> Detector:
    from redact.detect.detectors.text import Text

    return Text()


DETECTORS: dict[str, Callable[[], Detector]] = {
    "centerface": _load_centerface,
    "heads": _load_heads,
    "mediapipe": _load_mediapipe,
    "near_faces": _load_near_faces,
    "people": _load_people,
    "plates": _load_plates,
    "screens": _load_screens,
    "text": _load_text,
    "yunet": _load_yunet,
}
"""From a name to a function that loads the engine and its weights."""


def load(name: str) -> Detector:
    """Load a detector with its weights.

    Raises:
        RecipeError: There is no detector of that name.
        EngineError: Its library or its weights cannot be used.
    """
    if name not in DETECTORS:
        known = ", ".join(DETECTORS)
        raise RecipeError(f"there is no detector {name!r}", remedy=f"choose {known}")
    return DETECTORS[name]()


def load_objects() -> Objects:
    """Load the network of everyday objects by all its classes, for what is around plates.

    Raises:
        EngineError: Its library or its weights cannot be used.
    """
    from redact.detect.detectors.objects import Objects

    return Objects()


def load_plate_classifier() -> PlateClassifier:
    """Load the network that looks again at what was found as a plate.

    Raises:
        EngineError: Its library or its weights cannot be used.
    """
    from redact.detect.detectors.plate_classifier import PlateClassifier

    return PlateClassifier()
