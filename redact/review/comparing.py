"""Comparing the faces of a plan while a person works: in a process of its own, in memory."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from math import inf
from pathlib import Path
from time import monotonic, sleep

from redact.core.findings import Kind
from redact.core.interfaces import Progress
from redact.core.plan import load
from redact.errors import RedactError
from redact.jobs.sandbox import Task, run_in_sandbox
from redact.media.formats import open_source
from redact.people.groups import Suggestion
from redact.people.suggestions import Likeness, suggest_people
from redact.review.readers import make_reader
from redact.review.session import Session

_POLL = 0.1  # seconds
_NICE = 15
"""Nobody waits for it, and a jump takes two processors."""
QUIET = 2.0
"""Seconds in which nobody waited for a frame, before it begins."""
PATIENCE = 30.0
"""Seconds after which it begins all the same."""
_NUMBERS = count(1)


@dataclass(slots=True)
class Comparer:
    """Compares the faces of one file at a time, the one that is open.

    Args:
        on_found: Called from another thread with a file's number once its faces were compared, and
            what went wrong, if something did.
        quiet: Gives the seconds since somebody last asked for a frame.
    """

    on_found: Callable[[int, str], None] = lambda *_: None
    quiet: Callable[[], float] = lambda: inf
    _now: int = 0
    _file: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, number: int, session: Session) -> None:
        """Compare a file's faces, unless that was done or is being done; the one before is left."""
        with self._lock:
            if self._file == number:
                return
            self._file, self._now = number, next(_NUMBERS)
            mine = self._now
        faces = sum(track.kind is Kind.FACE for track in session.plan.tracks)
        if faces > 1 and not session.memory.likeness.compared:
            threading.Thread(target=self._work, args=(mine, number, session), daemon=True).start()

    def stop(self) -> None:
        """Leave it."""
        with self._lock:
            self._now, self._file = 0, None

    def _work(self, mine: int, number: int, session: Session) -> None:
        def tell(*_: object) -> None:
            if self._now != mine:
                raise CancelledError  # ends the process

        said, latest = "", monotonic() + PATIENCE
        while self._now == mine and self.quiet() < QUIET and monotonic() < latest:
            sleep(_POLL)
        if self._now != mine:
            return
        try:
            found = compare(session.source, session.path, tell)
        except (RedactError, CancelledError) as error:
            said = f"nobody is suggested by likeness: {getattr(error, 'problem', 'cancelled')}"
        else:
            session.memory.likeness = found
        if self._now == mine:
            self.on_found(number, said)


def compare(source: Path, plan: Path, progress: Progress) -> Likeness:
    """Which faces look alike, from a process that can do little else and is gone afterwards.

    Args:
        source: In clear.
        plan: The file of its plan, which is read there: it may be large.
        progress: Called for every frame that is read; what it raises ends the process.

    Raises:
        RedactError: They could not be compared.
    """
    task = Task(_compare, source, None, (source, plan))
    groups, compared = run_in_sandbox(task, progress)
    suggestions = tuple(Suggestion(tuple(tracks), likeness) for tracks, likeness in groups)
    return Likeness(suggestions, frozenset(compared))


def _compare(
    source: Path, plan_path: Path, tell: Progress
) -> tuple[tuple[tuple[tuple[int, ...], float], ...], tuple[int, ...]]:
    """In the sandbox: as plain values."""
    if hasattr(os, "nice"):
        os.nice(_NICE)
    plan = load(plan_path)
    opened = open_source(source, strict=plan.recipe.strict_input)
    with closing(make_reader(opened, plan.source, tell)) as reader:
        found = suggest_people(opened, plan, frame_at=reader.frame, progress=tell)
    groups = tuple((group.tracks, group.likeness) for group in found.groups)
    return groups, tuple(found.compared)
