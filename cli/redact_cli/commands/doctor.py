"""`redact doctor`: what was found, in words for people and as JSON for scripts."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from redact.detect.cache import remove_caches
from redact.doctor import Examination
from redact.errors import MissingInputError, RedactError, printable
from redact.media.drafts import clean


def examination_json(examination: Examination) -> str:
    """One JSON object."""
    return json.dumps(asdict(examination), indent=2)


def examination_in_words(examination: Examination) -> str:
    """Aligned lines, with the problems last."""
    lines = [f"{name:<12}{value}" for name, value in _rows(examination)]
    return "\n".join([*lines, "", *_problems(examination)])


def _rows(found: Examination) -> Iterator[tuple[str, str]]:
    yield "redact", found.redact
    yield "python", found.python
    yield "system", found.system
    for library in found.libraries:
        yield "library", f"{library.name} {library.version or 'NOT INSTALLED'}"
    yield "providers", ", ".join(found.providers) or "none"
    yield "device", _device(found)
    yield "encoders", ", ".join(found.encoders) or "none"
    for name, why in found.hardware.items():
        yield "hardware", f"{name} {'works' if why is None else f'does not work here: {why}'}"
    yield "ffmpeg", _program(found)
    for item in found.weights:
        yield "weights", f"{item.name} {item.state}, sha256 {item.sha256}, {item.licence}"
    yield "system", ", ".join(f"{file} MISSING" for file in found.missing) or "libraries are there"


def _program(found: Examination) -> str:
    if found.ffmpeg is None:
        return "none"
    return f"{found.ffmpeg.version or 'DOES NOT RUN'}, {found.ffmpeg.path}"


def _device(found: Examination) -> str:
    from redact.detect.detectors.devices import DEVICES, provider_lists, requested_device

    try:
        tries = provider_lists(requested_device(), found.providers)
    except RedactError as error:
        return f"PROBLEM: {error.problem}; {error.remedy}"
    names = {provider: name for name, provider in DEVICES.items()}
    return f"{requested_device()}: " + ", else ".join(names[providers[0]] for providers in tries)


def _problems(found: Examination) -> Iterator[str]:
    if not found.problems:
        yield "Nothing is missing."
    for item in found.problems:
        yield f"PROBLEM: {item.problem}; {item.remedy}"


def remove_leftovers(top: Path) -> tuple[list[Path], list[Path]]:
    """Remove what killed runs left in a folder and below it.

    Returns:
        What was removed, and what looks like it and is still there.

    Raises:
        MissingInputError: There is no such folder.
    """
    if not top.is_dir():
        raise MissingInputError("there is no such folder", top, "check the name")
    own = (".part", ".detections")
    folders = [Path(base) for base, _, _ in os.walk(top) if not base.endswith(own)]
    removed = [path for folder in folders for path in (*clean(folder), *remove_caches(folder))]
    left = [path for folder in folders for ending in own for path in folder.glob(f".*{ending}")]
    return removed, sorted(left)


def removed_in_words(removed: Sequence[Path], left: Sequence[Path]) -> str:
    """A line for each."""
    lines = [f"removed {printable(path)}" for path in removed]
    lines += [
        f"left {printable(path)}: a run uses it, or did less than a minute ago, or it is not "
        "redact's, or may not be removed"
        for path in left
    ]
    return "\n".join(lines) or "There was nothing to remove."
