"""The record of a signature: which source, plan, result and report somebody answers for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redact.core.names import record_path
from redact.core.storage import write_whole
from redact.core.strict_json import parse_json
from redact.errors import InputError, printable
from redact.media.files import fingerprint

_NAMES = ("source", "plan", "result", "report", "page")
_LARGEST = 1 << 20
"""Bytes; a record above this is refused unread."""


@dataclass(frozen=True, slots=True)
class SignedRecord:
    """Who answers for what.

    Args:
        by: Who.
        at: When, in ISO 8601 with a time zone.
        files: By what they are (`source`, `plan`, `result`, and `report` and `page` if there are
            any), their names without folders and their digests.
    """

    by: str
    at: str
    files: Mapping[str, tuple[str, str]]

    @property
    def seal(self) -> str:
        """A digest of all of it; it notices changes, and proves nobody's identity."""
        told = json.dumps([self.by, self.at, sorted(self.files.items())])
        return f"sha256:{hashlib.sha256(told.encode()).hexdigest()}"


def record_of(by: str, at: str, paths: Mapping[str, Path]) -> SignedRecord:
    """The record of these files as they are now.

    Raises:
        InputError: One of them cannot be read.
    """
    files = {what: (printable(Path(p.name)), fingerprint(p)) for what, p in paths.items()}
    return SignedRecord(by, at, files)


def write_record(record: SignedRecord, place: Path) -> None:
    """Write it; its name appears only when complete.

    Raises:
        UnwritableOutputError: There is no space or no permission.
    """
    files = {what: {"name": name, "sha256": mark} for what, (name, mark) in record.files.items()}
    data = {"version": 1, "by": record.by, "at": record.at, **files, "seal": record.seal}
    write_whole(place, json.dumps(data, indent=1) + "\n")


def read_record(place: Path) -> SignedRecord:
    """The record that `write_record` wrote.

    Raises:
        ValueError: It is none, or was changed.
    """
    try:
        if place.stat().st_size > _LARGEST:
            raise ValueError("it is too large")
        data: dict[str, Any] = parse_json(place.read_text(encoding="utf-8"))
        files = {w: (data[w]["name"], data[w]["sha256"]) for w in _NAMES if w in data}
        record = SignedRecord(data["by"], data["at"], files)
        unknown = set(data) - {"version", "by", "at", "seal", *_NAMES}
        if data["version"] != 1 or unknown or not {"source", "plan", "result"} <= set(files):
            raise ValueError("it is of another kind")
    except (OSError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"it cannot be read: {error}") from error
    told = [record.by, record.at, *(text for pair in record.files.values() for text in pair)]
    if not all(isinstance(text, str) for text in told):
        raise ValueError("it is of another kind")
    if data.get("seal") != record.seal:
        raise ValueError("it was changed after it was signed")
    return record


def check_record(
    source: Path, output: Path, plan: Path, folder: Path
) -> tuple[SignedRecord | None, list[str]]:
    """Compare what was signed with what is there.

    Args:
        source: The original.
        output: The finished file.
        plan: Its plan.
        folder: Where report and page lie.

    Returns:
        The record, None if there is none, and what does not fit, in words.
    """
    place = record_path(output, plan)
    if not place.exists():
        return None, []
    try:
        record = read_record(place)
    except ValueError as error:
        return None, [f"the signed record {printable(Path(place.name))} cannot be trusted: {error}"]
    paths = {"source": source, "plan": plan, "result": output}
    faults = []
    for what, (name, mark) in record.files.items():
        path = paths.get(what, folder / name)
        try:
            fits = Path(name).name == name and fingerprint(path) == mark
        except InputError:
            fits = False
        if not fits:
            faults.append(f"the {what} is not the one that {record.by} signed at {record.at}")
    return record, faults
