"""Every error that redact raises on purpose.

RedactError
├── RecipeError                 a choice that does not exist or does not fit
├── PlanError                   a plan that is damaged, from another version, or of another source
├── InputError                  the source cannot be used
│   ├── MissingInputError       nothing there, or not a regular file
│   ├── UnreadableInputError    empty, truncated, damaged, forbidden, or no media at all
│   ├── UnsupportedInputError   readable, but something in it could not be kept
│   └── ChangedInputError       it changed while redact was reading it
├── OutputError                 the result cannot be written
│   ├── OutputExistsError       the name is taken, or it is the source itself
│   └── UnwritableOutputError   no space, no permission, no such folder
├── EngineError                 a detector, a style or an encoder failed
│   └── MissingEngineError      a library, a program or a weights file is absent or damaged
├── ClusterError                other machines cannot be used, or what they say cannot
└── VerificationError           what was written is not what was asked for
    └── LeakError               somebody may still show in it, so it was held back
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any


class RedactError(Exception):
    """Root of the family: one line that says what is wrong, with which file, and what to do.

    Args:
        problem: What is wrong, without the file's name and without a full stop.
        path: The file that it is about.
        remedy: What the reader can do about it, as an imperative.
    """

    def __init__(self, problem: str, path: Path | None = None, remedy: str | None = None) -> None:
        super().__init__(problem, path, remedy)  # the three args survive pickling between workers
        self.problem = problem
        self.path = path
        self.remedy = remedy

    def __str__(self) -> str:
        where = "" if self.path is None else f"{printable(self.path)}: "
        what_next = "" if self.remedy is None else f"; {self.remedy}"
        return f"{where}{self.problem}{what_next}"


class RecipeError(RedactError):
    """A choice that does not exist or does not fit the others."""


class PlanError(RedactError):
    """A plan file that cannot be trusted to describe this source."""


class InputError(RedactError):
    """The source cannot be used."""


class MissingInputError(InputError):
    """There is no regular file of that name."""


class UnreadableInputError(InputError):
    """Empty, truncated, damaged, forbidden, or not media."""


class UnsupportedInputError(InputError):
    """Readable, but redact could not keep something of it, so it refuses."""


class ChangedInputError(InputError):
    """The source is no longer the file that was opened or planned."""


class OutputError(RedactError):
    """The result cannot be written."""


class OutputExistsError(OutputError):
    """The output's name is taken, or it is the source itself."""


class UnwritableOutputError(OutputError):
    """No space, no permission, or no such folder."""


class EngineError(RedactError):
    """A detector, a style or an encoder failed."""


class MissingEngineError(EngineError):
    """A library, a program or a weights file is absent or damaged."""


class ClusterError(RedactError):
    """Other machines cannot be used: no link, no encryption, or no worker that fits."""


class VerificationError(RedactError):
    """What was written is not what was asked for, so it was taken back."""


class LeakError(VerificationError):
    """The result may still show somebody; it was held back under another name.

    Attributes:
        held: The `redact.stages.Outcome` that was held back, for a report; stays in its process.
    """

    held: Any = None


def class_named(name: str) -> type[RedactError]:
    """The class of errors of that name, as another process told it; an `EngineError` for others."""
    found = globals().get(name)
    if isinstance(found, type) and issubclass(found, RedactError):
        return found
    return EngineError


_ADDRESS = re.compile(r"(?i)(https?|ftps?|sftp|rtsps?|rtmps?|srt|s3|gs|smb):[/\\]+")


def address(path: Path) -> str | None:
    """The address that was taken for a path, with the slash that a path does not keep."""
    found = _ADDRESS.match(str(path))
    return None if found is None else f"{found[1]}://{str(path)[found.end() :]}"


def printable(path: Path) -> str:
    """The path as text for one terminal line: control and undecodable characters are escaped."""
    text = address(path) or str(path)
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
