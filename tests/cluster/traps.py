"""What a process that a file has taken over sends; a module of its own, as it starts quicker."""

from __future__ import annotations

import os
from pathlib import Path

from redact.core.interfaces import Progress
from redact.jobs.jobs import Job, Report


class Trap:
    """What a process that a file has taken over would like others to read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self._folder}/sprung",)


def trap(job: Job, tell: Progress) -> Report:
    """Send what is no report, or a report of what is no report's."""
    wrong: dict[str, object] = {
        "a": Trap(job.source.parent),
        "b": Report(job.source, job.output, "redacted", notes=(Trap(job.source.parent),)),  # type: ignore[arg-type]
        "c": Report(job.source, job.output, "redacted", frames={"os": "system"}),  # type: ignore[arg-type]
    }
    if job.source.stem == "d":
        tell(["no", "stage"] * 9, 1, 1)  # type: ignore[arg-type]
        return Report(job.source, None, "redacted")
    return wrong[job.source.stem]  # type: ignore[return-value]
