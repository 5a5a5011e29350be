"""What the files beside a source are called: its result, its plan, the pages about both."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

_USUAL_LIMIT = 255
"""Bytes of a name, on nearly all file systems."""

_LONGEST_ENDING = ".redact.report.json"
"""Of what is written beside a result."""

WRITTEN_AS: Final = {
    ".psd": ".png",
    ".3g2": ".mp4",
    ".3gp": ".mp4",
    ".asf": ".mkv",
    ".f4v": ".mp4",
    ".flv": ".mp4",
    ".m2p": ".mp4",
    ".m2t": ".ts",
    ".mod": ".mp4",
    ".mpo": ".jpg",
    ".mpe": ".mp4",
    ".mpeg": ".mp4",
    ".mpg": ".mp4",
    ".mxf": ".mov",
    ".ogv": ".mp4",
    ".qt": ".mov",
    ".tod": ".mp4",
    ".tp": ".ts",
    ".trp": ".ts",
    ".vob": ".mp4",
    ".wmv": ".mkv",
    ".y4m": ".mp4",
}
"""The suffix of results by that of sources whose own format is not written; one that holds all."""


def default_output(source: Path) -> Path:
    """`clip.mp4` becomes `clip.redacted.mp4`, beside it; `layout.psd` a PNG."""
    suffix = WRITTEN_AS.get(source.suffix.lower(), source.suffix)
    return source.with_name(f"{source.stem}.redacted{suffix}")


def plan_path(path: Path) -> Path:
    """`clip.mp4` and `clip.redacted.mp4` become `clip.redact.json`, beside it."""
    return path.with_name(path.stem.removesuffix(".redacted") + ".redact.json")


def long_plan_path(path: Path) -> Path:
    """`clip.mp4` and `clip.redacted.mp4` become `clip.mp4.redact.json`, beside it."""
    return path.with_name(f"{path.stem.removesuffix('.redacted')}{path.suffix}.redact.json")


def quarantine(output: Path) -> Path:
    """`clip.redacted.mp4` becomes `clip.redacted.quarantine.mp4`, which nobody takes for done.

    A name that would be too long for its folder, with its plan and report, is cut.
    """
    ending = f"{'.redacted' * output.stem.endswith('.redacted')}.quarantine"
    begin = output.stem.removesuffix(".redacted")
    room = longest_name(output.parent) - len(ending)
    room -= len(_LONGEST_ENDING) + len(os.fsencode(output.suffix))
    if len(os.fsencode(begin)) > room:
        tag = hashlib.sha256(os.fsencode(output.name)).hexdigest()[:8]
        begin = f"{cut_name(begin, room - len(tag) - 1)}~{tag}"
    return output.with_name(f"{begin}{ending}{output.suffix}")


def held_plan_path(held: Path) -> Path:
    """The plan of a result in quarantine, with its suffix: of one stem there may be several."""
    return long_plan_path(held)


def report_paths(output: Path, plan: Path) -> tuple[Path, Path]:
    """`clip.redacted.mp4` gets `clip.redact.html` and `clip.redact.report.json` beside it.

    Where its plan has the long name, `clip.mp4.redact.json`, so have these.
    """
    stem = output.stem.removesuffix(".redacted")
    if plan.name == long_plan_path(output).name:
        stem += output.suffix
    return output.with_name(f"{stem}.redact.html"), output.with_name(f"{stem}.redact.report.json")


def record_path(output: Path, plan: Path) -> Path:
    """`clip.redacted.mp4` gets `clip.redact.signed.json` beside it, by the rule of its report."""
    page, _ = report_paths(output, plan)
    return page.with_name(f"{page.name.removesuffix('.html')}.signed.json")


def sheet_path(plan: Path) -> Path:
    """`clip.redact.json` gets `clip.redact.private.html` beside it."""
    return plan.with_name(f"{plan.name.removesuffix('.json')}.private.html")


def cut_name(name: str, most: int) -> str:
    """The first characters of a name that have at most so many bytes."""
    while len(os.fsencode(name)) > most:
        name = name[:-1]
    return name


def longest_name(folder: Path) -> int:
    """How many bytes a name in that folder may have."""
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):  # Windows, or no such folder
        return _USUAL_LIMIT
