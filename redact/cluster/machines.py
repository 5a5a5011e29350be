"""What a machine is, and whether it would find in a file what another finds."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import redact
from redact.cluster.messages import Machine
from redact.core.parallel import WORKERS
from redact.detect.weights import catalogue
from redact.doctor import LIBRARIES, installed_providers, missing_libraries
from redact.errors import MissingEngineError

_RUNTIMES = ("onnxruntime", *(f"onnxruntime-{kind}" for kind in ("directml", "gpu", "openvino")))


def describe_machine() -> Machine:
    """This machine, in what matters for the work."""
    missing = missing_libraries()
    return Machine(
        platform.node() or "nameless",
        _versions(),
        f"{platform.system()} {platform.release()} {platform.machine()}",
        WORKERS,
        _memory(),
        installed_providers(),
        () if missing is None else (missing,),
    )


def differences(here: Machine, there: Machine) -> Iterator[str]:
    """In words, how another machine's versions and weights differ from this one's."""
    for name in sorted({*here.versions, *there.versions}):
        ours, theirs = here.versions.get(name, "none"), there.versions.get(name, "none")
        if ours != theirs:
            yield f"{name} is {theirs} there and {ours} here"
    yield from there.problems


@cache
def _versions() -> dict[str, str]:
    found = {
        "redact": _version("redact-video"),
        "the code of redact": _code(),
        "dask": _version("dask"),
        "distributed": _version("distributed"),
        "python": ".".join(platform.python_version_tuple()[:2]),
    }
    runtimes = [name for name in _RUNTIMES if _version(name) != "none"]
    found["onnxruntime"] = _version(runtimes[0]) if runtimes else "none"
    found |= {name: _version(name) for name in LIBRARIES if name != "onnxruntime"}
    return found | {f"the weights {name}": state for name, state in _weights()}


def _weights() -> Iterator[tuple[str, str]]:
    for item in catalogue().values():
        try:
            item.read()
        except MissingEngineError:
            yield item.name, "missing or damaged"
        else:
            yield item.name, item.sha256[:16]


def _code() -> str:
    """A digest of the library's modules: versions are not raised with every change."""
    top = Path(redact.__file__).parent
    found = hashlib.sha256()
    for path in sorted(top.rglob("*.py")):
        found.update(f"{path.relative_to(top).as_posix()}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "none"


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # a system that does not tell
        return 0
