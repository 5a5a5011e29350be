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
    from redact.api import (
        Outcome,
        analyse_file,
        find_in_picture,
        prove_file,
        redact_file,
        redact_picture,
        render_file,
        verify_file,
    )
    from redact.coverage import Coverage
    from redact.errors import RedactError
    from redact.findings import Detection, Kind, Sighting, Track
    from redact.geometry import Box, Size
    from redact.plan import Plan
    from redact.recipe import PROFILES, Pass, Recipe
    from redact.verification import Checking, Leak, Verification

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # without it onnxruntime reports to its makers

_HOMES = {
    "redact.api": (
        "Outcome",
        "analyse_file",
        "find_in_picture",
        "prove_file",
        "redact_file",
        "redact_picture",
        "render_file",
        "verify_file",
    ),
    "redact.coverage": ("Coverage",),
    "redact.errors": ("RedactError",),
    "redact.findings": ("Detection", "Kind", "Sighting", "Track"),
    "redact.geometry": ("Box", "Size"),
    "redact.plan": ("Plan",),
    "redact.recipe": ("PROFILES", "Pass", "Recipe"),
    "redact.verification": ("Checking", "Leak", "Verification"),
}

__all__ = [
    "PROFILES",
    "Box",
    "Checking",
    "Coverage",
    "Detection",
    "Kind",
    "Leak",
    "Outcome",
    "Pass",
    "Plan",
    "Recipe",
    "RedactError",
    "Sighting",
    "Size",
    "Track",
    "Verification",
    "analyse_file",
    "find_in_picture",
    "prove_file",
    "redact_file",
    "redact_picture",
    "render_file",
    "verify_file",
]


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module 'redact' has no attribute {name!r}")
