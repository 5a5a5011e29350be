"""What a review works on: files by number, the open one's pictures, and a rendering."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redact.core.edits.things import is_ever_hidden
from redact.core.edits.values import HideBox
from redact.core.geometry import Box
from redact.core.names import default_output
from redact.errors import PlanError, RedactError, printable
from redact.review.comparing import Comparer
from redact.review.following import Follower
from redact.review.media_worker import MediaWorker
from redact.review.rendering import changed_plan, render
from redact.review.session import Session
from redact.review.showing import Showing
from redact.verify.result import Checking, Verification


@dataclass(slots=True)
class Job:
    """A rendering.

    Args:
        number: Of the file.
        running: Whether it goes on.
        stage: What is done.
        done: Frames that are done.
        expected: Frames in all.
        outcome: `rendered`, `held back` or `failed` at its end.
        message: For people.
        output: The name of what was written.
        leaks: Frame, seconds and box of what the check found, if it found something.
    """

    number: int
    running: bool = True
    stage: str = "render"
    done: int = 0
    expected: int | None = None
    outcome: str = ""
    message: str = ""
    output: str = ""
    leaks: tuple[tuple[int, float, list[float]], ...] = ()


class Review:
    """Everything that is under review.

    Args:
        files: The plan of each source.
        output_of: Where the result of a source goes.
        checking: How results are checked.
        media: What decodes, if another one's is to be used; it is not closed.
        likeness: Whether faces are compared, to suggest who is the same.
    """

    def __init__(
        self,
        files: Sequence[tuple[Path, Path]],
        output_of: Callable[[Path], Path] = default_output,
        checking: Checking | None = Checking(),  # noqa: B008 - frozen
        media: MediaWorker | None = None,
        likeness: bool = True,
    ) -> None:
        self.sessions: list[Session] = []
        self._output_of = output_of
        self._checking = checking
        self._prepared: set[int] = set()
        self.job: Job | None = None
        self.on_progress: Callable[[Job], None] = lambda _: None
        self.showing = Showing(media)
        self.comparer = Comparer(quiet=self.showing.quiet) if likeness else None
        self.follower = Follower(self.showing.beside)
        try:
            for source, plan in files:
                session = Session(source, plan)
                session.lock()
                self.sessions.append(session)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the worker process, and let others have the plans."""
        if self.comparer is not None:
            self.comparer.stop()
        self.showing.close()
        for session in self.sessions:
            session.close()

    def session(self, number: int) -> Session:
        """The file of that number.

        Raises:
            PlanError: There is none.
        """
        if not 0 <= number < len(self.sessions):
            raise PlanError("there is no file of that number")
        return self.sessions[number]

    def open(self, number: int) -> Session:
        """Make a file the open one; waits until it is.

        Raises:
            RedactError: It cannot be opened.
        """
        session = self.session(number)
        self.showing.open(number, session)
        return session

    def work_ahead(self, number: int) -> None:
        """Do what can be done ahead for a file whose first picture is there.

        Faces are compared if they are to be, and what acts will write is made.
        """
        session = self.session(number)
        if self.comparer is not None:
            self.comparer.start(number, session)
        if number not in self._prepared:
            self._prepared.add(number)
            threading.Thread(target=session.prepare, daemon=True).start()

    def sign(self, number: int, revision: int, by: str, watched: Any) -> None:
        """A person answers for a file; as `Session.sign`."""
        session = self.session(number)
        session.sign(revision, by, self._output_of(session.source), watched)

    def copy_zones(self, number: int, by: str) -> list[int]:
        """Copy a file's zones that are always there to all files of its size.

        Returns:
            The numbers of those that got some.

        Raises:
            PlanError: It has none.
        """
        plan = self.session(number).plan
        drawn = (t.drawn for t in plan.things.regions.values() if is_ever_hidden(t, "hide"))
        zones = [
            HideBox(it.box, outline=it.outline, style=it.style, reason=it.reason)
            for it in drawn
            if isinstance(it, HideBox) and it.start is None and it.end is None
        ]
        if not zones:
            raise PlanError("there is no zone for the whole clip that could be copied")
        others = (
            (other, session)
            for other, session in enumerate(self.sessions)
            if other != number and session.plan.source.size == plan.source.size
        )
        return [other for other, session in others if session.copy_zones(zones, by)]

    def start_rendering(self, number: int) -> Job:
        """Render a file, in a thread; `on_progress` is called from there.

        Raises:
            PlanError: Another rendering goes on.
        """
        if self.job is not None and self.job.running:
            raise PlanError("a rendering goes on already")
        self.job = Job(number)
        threading.Thread(target=self._render, args=(self.job,), daemon=True).start()
        return self.job

    def _render(self, job: Job) -> None:
        session = self.session(job.number)

        def tell(stage: str, done: int, expected: int | None) -> None:
            job.stage, job.done, job.expected = stage, done, expected
            self.on_progress(job)

        plan, output = session.plan, self._output_of(session.source)
        try:
            how = self._checking
            made = render(
                session.source, output, plan, session.path, how, force=True, progress=tell
            )
            job.output = printable(Path(made.output.name))
            if made.held_back is None:
                try:
                    session.take_rendered(plan, changed_plan(plan, made))
                except BaseException:
                    output.unlink(missing_ok=True)  # it lacks what was decided since
                    raise
            job.outcome = "rendered" if made.held_back is None else "held back"
            job.message = made.held_back or _checked(made.verification)
            session.held_back = made.held_back is not None
            job.leaks = _leaks(made.verification)
        except RedactError as error:
            job.outcome, job.message = "failed", str(error)
        except Exception as error:
            job.outcome, job.message = "failed", f"unforeseen {type(error).__name__}: {error}"
        job.running = False
        self.on_progress(job)


def _checked(found: Verification | None) -> str:
    if found is None:
        return "It was not checked."
    return "Checked: every frame compared with the source, nobody found who still shows"


def _leaks(found: Verification | None) -> tuple[tuple[int, float, list[float]], ...]:
    leaks = () if found is None else found.leaks
    spots = (leak.best for leak in leaks)
    return tuple((s.frame, float(s.time), _sides(s.box)) for s in spots)


def _sides(box: Box) -> list[float]:
    return [box.left, box.top, box.right, box.bottom]
