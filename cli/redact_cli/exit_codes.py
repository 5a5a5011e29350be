"""The one table from what happened to the exit code."""

from __future__ import annotations

from collections.abc import Collection

from redact import errors

OK = 0
SOME_FAILED = 1
USAGE = 2
NOT_PROVEN = 14
UNFORESEEN = 70
INTERRUPTED = 130
"""Ctrl-C; another signal that ends the program gives 128 and its number."""

CODES: dict[str, int] = {
    cls.__name__: code
    for cls, code in {
        errors.RedactError: SOME_FAILED,
        errors.RecipeError: USAGE,
        errors.PlanError: 3,
        errors.InputError: 4,
        errors.MissingInputError: 4,
        errors.UnreadableInputError: 5,
        errors.UnsupportedInputError: 6,
        errors.ChangedInputError: 7,
        errors.OutputError: 8,
        errors.OutputExistsError: 8,
        errors.UnwritableOutputError: 9,
        errors.EngineError: 10,
        errors.MissingEngineError: 11,
        errors.VerificationError: 12,
        errors.LeakError: 13,
        errors.ClusterError: 15,
    }.items()
}
"""By the error's class, where it is the only thing that was asked for."""

MEANINGS = (
    (OK, "every file was redacted"),
    (SOME_FAILED, "several files were asked for and some were not redacted"),
    (USAGE, "a choice does not exist or does not fit"),
    (3, "the plan cannot be used"),
    (4, "there is no such input"),
    (5, "the input is empty, damaged, forbidden or no media"),
    (6, "the input holds something that could not be kept"),
    (7, "the input changed"),
    (8, "the output exists already"),
    (9, "the output cannot be written"),
    (10, "a detector, a style or an encoder failed"),
    (11, "a library, a program or weights are missing"),
    (12, "the result was not what was asked for, and was removed"),
    (13, "the result may still show somebody, and was held back under .quarantine"),
    (NOT_PROVEN, "what is drawn depends on what is hidden"),
    (15, "other machines cannot be used"),
    (UNFORESEEN, "an error of redact itself"),
    (INTERRUPTED, "Ctrl-C"),
)
"""The table in words, for the help."""


def code_for(error: BaseException) -> int:
    """The code of a command that ended with that error."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, OSError):
        return SOME_FAILED
    return CODES.get(type(error).__name__, UNFORESEEN)


def code_for_check(faults: Collection[object], leaks: Collection[object]) -> int:
    """The code of a command that checks one finished file."""
    kind = errors.VerificationError if faults else errors.LeakError if leaks else None
    return OK if kind is None else CODES[kind.__name__]


def code_for_all(asked: int, failed: Collection[tuple[str, bool]]) -> int:
    """The code of a command for many files.

    Args:
        asked: How many files were asked for.
        failed: For each that failed the error's class by name, and whether it was unforeseen.
    """
    if not failed:
        return OK
    if asked > 1:
        return SOME_FAILED
    ((kind, unforeseen),) = failed
    return UNFORESEEN if unforeseen else CODES.get(kind, SOME_FAILED)
