"""Finds faces in video and pictures, and hides them irreversibly.

    import redact
    redact.redact_file("clip.mp4")

Names are loaded when they are first used, so that `import redact` is quick.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redact import plan
    from redact.api import (
        analyse_file,
        find_in_picture,
        prove_file,
        redact_file,
        redact_picture,
        render_file,
        verify_file,
    )
    from redact.core.coverage import Coverage
    from redact.core.findings import Detection, Kind, Sighting, Track
    from redact.core.geometry import Box, Size
    from redact.core.passes import Pass
    from redact.core.plan import Plan
    from redact.core.recipe import PROFILES, Recipe
    from redact.errors import RedactError
    from redact.following import follow_file
    from redact.people.choice import PhotoChoice
    from redact.stages import Outcome
    from redact.track.follow import End, Ended
    from redact.verify.result import Checking, Leak, Verification

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # without it onnxruntime reports to its makers

_HOMES = {
    "redact.api": (
        "analyse_file",
        "find_in_picture",
        "prove_file",
        "redact_file",
        "redact_picture",
        "render_file",
        "verify_file",
    ),
    "redact.core.coverage": ("Coverage",),
    "redact.errors": ("RedactError",),
    "redact.following": ("follow_file",),
    "redact.people.choice": ("PhotoChoice",),
    "redact.core.findings": ("Detection", "Kind", "Sighting", "Track"),
    "redact.core.geometry": ("Box", "Size"),
    "redact.core.plan": ("Plan",),
    "redact.core.passes": ("Pass",),
    "redact.core.recipe": ("PROFILES", "Recipe"),
    "redact.stages": ("Outcome",),
    "redact.track.follow": ("End", "Ended"),
    "redact.verify.result": ("Checking", "Leak", "Verification"),
}

__version__: str

__all__ = [
    "PROFILES",
    "Box",
    "Checking",
    "Coverage",
    "Detection",
    "End",
    "Ended",
    "Kind",
    "Leak",
    "Outcome",
    "Pass",
    "PhotoChoice",
    "Plan",
    "Recipe",
    "RedactError",
    "Sighting",
    "Size",
    "Track",
    "Verification",
    "analyse_file",
    "find_in_picture",
    "follow_file",
    "plan",
    "prove_file",
    "redact_file",
    "redact_picture",
    "render_file",
    "verify_file",
]

_MODULES = ("plan",)
"""Modules that are part of the public face: `redact.plan.load`, `save`, and the edits."""


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"redact.{name}")
    if name == "__version__":
        return _version()
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module 'redact' has no attribute {name!r}")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("redact-video")
    except PackageNotFoundError:  # a copy of the source that nobody installed
        return "unknown"


def __dir__() -> list[str]:
    return [*__all__, "__doc__", "__file__", "__name__", "__path__", "__version__"]
