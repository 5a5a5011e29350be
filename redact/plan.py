"""Plans for those who call redact from Python: `redact.plan.load`, `save`, and the edits."""

from __future__ import annotations

from redact.core.plan import (
    LARGEST,
    VERSION,
    ChangeStyle,
    Edit,
    HideBox,
    Plan,
    Result,
    ShowTrack,
    SourceId,
    dumps,
    load,
    loads,
    save,
)

__all__ = [
    "LARGEST",
    "VERSION",
    "ChangeStyle",
    "Edit",
    "HideBox",
    "Plan",
    "Result",
    "ShowTrack",
    "SourceId",
    "dumps",
    "load",
    "loads",
    "save",
]
