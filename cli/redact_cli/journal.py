"""The log: all that redact tells, with the time, in a file that its user asked for."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

from redact.errors import RecipeError, RedactError, UnwritableOutputError
from redact.jobs.naming import SUFFIXES

_LOG = logging.getLogger("redact_cli.journal")
_LOG.propagate = False
_LOG.addHandler(logging.NullHandler())
_LOG.setLevel(logging.INFO)


class _File(logging.FileHandler):
    """A file that is for this user alone, and whose errors are errors."""

    def _open(self) -> TextIOWrapper:
        def private(name: str, flags: int) -> int:
            return os.open(name, flags, 0o600)

        return open(
            self.baseFilename, "a", encoding="utf-8", errors="backslashreplace", opener=private
        )

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's
        raise


@contextmanager
def logging_to(path: Path | None) -> Iterator[None]:
    """Add to the file what is noted meanwhile.

    Raises:
        RecipeError: It is called like a video or a picture.
        UnwritableOutputError: It cannot be written.
    """
    if path is None:
        yield
        return
    if path.suffix.lower() in SUFFIXES:  # to add lines to an original would damage it
        raise RecipeError("the log is called like a video or a picture", path, "call it .log")
    try:
        handler = _File(path)
    except OSError as error:
        raise UnwritableOutputError(
            f"the log cannot be written: {error.strerror}", path, "choose another with --log"
        ) from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    _LOG.addHandler(handler)
    try:
        yield
    except RedactError as error:
        note(f"redact: {error}")  # the last that is told, when the log is closed again
        raise
    finally:
        _LOG.removeHandler(handler)
        handler.close()


def note(text: str) -> None:
    """Add a text to the log, if there is one; no text can look like the next entry."""
    for line in text.splitlines() or [""]:
        _LOG.info("%s", line)
