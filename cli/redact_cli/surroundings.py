"""What commands share around their work: what must be there, what is told, how Ctrl-C ends it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from redact.errors import MissingEngineError, printable
from redact_cli import options
from redact_cli.exit_codes import INTERRUPTED


def check_engines() -> None:
    """Say in one line what the system lacks, where an engine's import would fail.

    Raises:
        MissingEngineError: Something is missing.
    """
    from redact.doctor import missing_libraries

    missing = missing_libraries()
    if missing is not None:
        raise MissingEngineError(missing)


def say_preset(search: options.Search, output: options.Output) -> None:
    """What a preset chooses may come from a file that somebody else wrote, so it is told."""
    if search.preset is not None:
        from redact_cli.console import say
        from redact_cli.presets import find_preset

        say(find_preset(search.preset).in_words(), quiet=output.quiet)


def say_error(text: str) -> None:
    """One line about what ended a command."""
    from redact_cli.console import escaped, say

    say(f"redact: {escaped(text)}", "red")


@contextmanager
def interruptible(
    output: options.Output, said: str = "interrupted: nothing was written"
) -> Iterator[None]:
    """Keep the log that was asked for, and end on Ctrl-C with a line that says so."""
    from redact_cli.journal import logging_to

    with logging_to(output.log):
        try:
            yield
        except KeyboardInterrupt:
            say_error(said)
            raise typer.Exit(INTERRUPTED) from None


def unwind_on_signals() -> None:
    """Let the signals that end a program end it cleanly: drafts are removed, workers stopped."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores one
            signal.signal(number, _leave)


def _leave(number: int, _: object) -> None:
    """Unwind, once: a second signal would cut the tidying short."""
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)


def os_error_in_words(error: OSError) -> str:
    """What the system says, and of which file."""
    name = error.filename
    where = f"{printable(Path(name))}: " if isinstance(name, str) and name else ""
    return f"{where}{error.strerror or error}"
