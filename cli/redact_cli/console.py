"""What people see on standard error: bars on a terminal, lines elsewhere, nothing if quiet."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from redact.core.interfaces import Progress as Tell
from redact.errors import printable
from redact_cli.journal import note
from redact_cli.summary import number_of
from redact_cli.time_left import Pace, StageTimes, Total, clock

_REST = 10.0  # seconds between two lines about progress where there is no terminal


class Display(AbstractContextManager["Display"], Protocol):
    """Shows what goes on; a context, because bars must be taken down."""

    def tell(self, path: Path, stage: str, done: int, expected: int | None) -> None:
        """A file is that far."""

    def end(self, path: Path, *, worked: bool) -> None:
        """A file is at its end, with or without work."""

    def say(self, text: str) -> None:
        """One line for people."""


def say(text: str, style: str = "", *, quiet: bool = False) -> None:
    """One line on standard error, unless quiet, and in the log, whatever characters are in it."""
    note(text)
    if not quiet:
        _print(_console(), text, style)


def display(weights: Mapping[Path, int], *, quiet: bool = False, busy: bool = False) -> Display:
    """The display that fits.

    Args:
        weights: The files' sizes in bytes.
        quiet: Show nothing but errors.
        busy: Standard output is being written to as well.
    """
    console = _console()
    if quiet:
        return Silence(Total(weights, monotonic()))
    if console.is_terminal and not (busy and sys.stdout.isatty()):
        return Bars(console, Total(weights, monotonic()))
    return Lines(console, Total(weights, monotonic()))


@contextmanager
def file_progress(source: Path, *, quiet: bool, verbose: bool = False) -> Iterator[Tell]:
    """Show how far the work on one file is; gives what is to be told.

    How long each stage took is added to the log, and shown if `verbose`.
    """
    times = StageTimes()
    with display({source: 1}, quiet=quiet) as shown:

        def more(line: str | None) -> None:
            if line is not None:
                said = f"{printable(source)}: {line}"
                shown.say(said) if verbose else note(said)

        def tell(stage: str, done: int, expected: int | None) -> None:
            shown.tell(source, stage, done, expected)
            more(times.tell(source, stage, done, monotonic()))

        yield tell
        more(times.end(source, monotonic()))


def _console() -> Console:
    return Console(stderr=True, markup=False, highlight=False, emoji=False)


def _print(console: Console, text: str, style: str = "") -> None:
    said = "\n".join(map(escaped, text.split("\n")))  # rich lets a terminal's commands through
    console.print(Text(said, style=style), soft_wrap=True)


def escaped(text: str) -> str:
    """The text on one line, with what could play tricks on a terminal escaped."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class Silence:
    """Shows nothing, and adds to the log what is worth a line."""

    def __init__(self, total: Total) -> None:
        self._total = total

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing to take down."""

    def tell(self, path: Path, stage: str, done: int, expected: int | None) -> None:
        """Not shown."""
        for line in news(path, self._total.tell(path, stage, done, expected, monotonic())):
            self.say(line)

    def end(self, path: Path, *, worked: bool) -> None:
        """Not shown."""
        self._total.end(path, worked=worked)

    def say(self, text: str) -> None:
        """Not shown."""
        note(text)


class Lines(Silence):
    """A line now and then."""

    def __init__(self, console: Console, total: Total) -> None:
        super().__init__(total)
        self._console = console
        self._due = monotonic() + _REST

    def tell(self, path: Path, stage: str, done: int, expected: int | None) -> None:
        """A file is that far; every few seconds that is worth a line."""
        now = monotonic()
        pace = self._total.tell(path, stage, done, expected, now)
        for line in news(path, pace):
            self.say(line)
        if now >= self._due:
            self._due = now + _REST
            self.say(f"{printable(path)}: {detail(pace)}{self._all(now)}")

    def say(self, text: str) -> None:
        """One line."""
        note(text)
        _print(self._console, text)

    def _all(self, now: float) -> str:
        return "" if self._total.files == 1 else f"; all: {overview(self._total, now)}"


class Bars(Silence):
    """A bar for each file in work, and one for all of them."""

    def __init__(self, console: Console, total: Total) -> None:
        super().__init__(total)
        self._tasks: dict[Path, TaskID] = {}
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[detail]}", markup=False),
            console=console,
            transient=True,
            redirect_stdout=False,  # what a script reads must reach it as it is
            redirect_stderr=False,
        )
        self._all = self._bars.add_task(
            "all files", total=1.0, visible=total.files > 1, detail=overview(total, monotonic())
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bars down."""
        self._bars.stop()

    def tell(self, path: Path, stage: str, done: int, expected: int | None) -> None:
        """A file is that far."""
        pace = self._total.tell(path, stage, done, expected, monotonic())
        for line in news(path, pace):
            self.say(line)
        if path not in self._tasks:
            name = printable(Path(path.name))
            self._tasks[path] = self._bars.add_task(name, total=1.0, detail="")
        self._bars.update(self._tasks[path], completed=pace.fraction, detail=escaped(detail(pace)))
        self._update_all()

    def end(self, path: Path, *, worked: bool) -> None:
        """A file is at its end."""
        self._total.end(path, worked=worked)
        if path in self._tasks:
            self._bars.remove_task(self._tasks.pop(path))
        self._update_all()

    def say(self, text: str) -> None:
        """One line above the bars."""
        note(text)
        _print(self._bars.console, text)

    def _update_all(self) -> None:
        said = overview(self._total, monotonic())
        self._bars.update(self._all, completed=self._total.fraction, detail=said)


def detail(pace: Pace) -> str:
    """Stage, frames, speed and time left of one file."""
    frames = f"{pace.done}" if pace.expected is None else f"{pace.done}/{pace.expected}"
    left = clock(pace.left(pace.now))
    if pace.stage == "again":
        return f"rendering again, round {pace.rounds}, {left} left"
    stage = pace.stage if pace.rounds == 1 else f"{pace.stage} (round {pace.rounds})"
    speed = "" if pace.rate is None else f"{pace.rate:.1f} fps, "
    return f"{stage} {frames} frames, {speed}{left} left"


def news(path: Path, pace: Pace) -> Iterator[str]:
    """What is worth a line of its own: where work goes on, and why there is another round."""
    if pace.goes_on:
        at = f"{pace.stage}, frame {pace.done}"
        yield f"{printable(path)}: goes on where an earlier run ended: {at}"
    if pace.finds is not None:
        most = "" if pace.expected is None else f" of at most {pace.expected + 1}"
        yield (
            f"{printable(path)}: the check found {number_of(pace.finds, 'thing')}, "
            f"rendering again, round {pace.rounds}{most}"
        )


def overview(total: Total, now: float) -> str:
    """Files and time left of all."""
    return f"{total.ended}/{total.files} files, {clock(total.left(now))} left"
