"""What is wrong with an option's value, without the words of the library that reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer


@contextmanager
def in_own_words() -> Iterator[None]:
    """Tell a value that does not fit as redact tells everything else."""
    try:
        yield
    except typer.BadParameter as error:
        error.message = _plainly(error.message, _value(error.__cause__))
        raise


def _value(cause: Any) -> str:
    """What was said, as far as the library tells it."""
    errors = cause.errors() if callable(getattr(cause, "errors", None)) else []
    return repr(errors[0]["input"]) if errors and "input" in errors[0] else "it"


def _plainly(said: str, value: str) -> str:
    """The library's sentence without its prefix and its doubled reason."""
    said = re.sub(r"^(?:Value|Assertion) error, ", "", said)
    said = re.sub(r"^Input should be ", f"{value} should be ", said)
    return re.sub(r", unable to (?:parse|interpret) .*$", "", said)
