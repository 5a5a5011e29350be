"""What a review works on: files by number, the open one's pictures, and a rendering."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redact.core.geometry import Box
from redact.core.names import default_output
from redact.errors import PlanError, RedactError, printable
from redact.review.doubts import largest_and_surest
from redact.review.following import Follower
from redact.review.frames import FrameRequest, Pictures, View
from redact.review.media_worker import MediaWorker, PictureCache
from redact.review.rendering import changed_plan, render
from redact.review.session import Session
from redact.verify.result import Checking, Verification

WIDTHS = (160, 480, 960, 1440, 1920, 4096)
"""Longer sides in which pictures are given; others would fill the cache with the same ones."""

_AHEAD = {"original": 4, "published": 2}
"""Frames in a row that are prefetched at once."""
_MOST_AHEAD = 48
"""Frames after the last that was asked for that are prefetched, at most."""


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
    """

    def __init__(
        self,
        files: Sequence[tuple[Path, Path]],
        output_of: Callable[[Path], Path] = default_output,
        checking: Checking | None = Checking(),  # noqa: B008 - frozen
        media: MediaWorker | None = None,
    ) -> None:
        self.sessions: list[Session] = []
        self._output_of = output_of
        self._checking = checking
        self.job: Job | None = None
        self.on_progress: Callable[[Job], None] = lambda _: None
        self._open: int | None = None
        self._last: tuple[int, int] = (-1, -1)
        self._busy: dict[Any, Future[Pictures]] = {}
        self._lock = threading.Lock()
        try:
            for source, plan in files:
                session = Session(source, plan)
                session.lock()
                self.sessions.append(session)
            self._lent = media is not None
            self.media = media or MediaWorker()
            self.aside = media or MediaWorker()  # what takes long, while frames are wanted
            self.follower = Follower(self.aside)
        except BaseException:
            self._release()
            raise

    def close(self) -> None:
        """End the worker process, and let others have the plans."""
        if not self._lent:
            self.media.close()
            self.aside.close()
        self._release()

    def _release(self) -> None:
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
        with self._lock:
            if self._open != number or self.media.source != session.source:
                self._open = None
                if not self._lent:
                    self.aside.open(session.source, session.plan)
                opened = self.media.open(session.source, session.plan).result()
                session.times, session.sizes = opened.times, opened.sizes
                if len(opened.times) != session.plan.source.frames:
                    problem = f"{len(opened.times)} frames came, and its plan knows "
                    problem += f"{session.plan.source.frames}"
                    raise PlanError(problem, session.source, "analyse it again")
                self._open = number
                self._busy.clear()
        return session

    def picture(self, number: int, index: int, longer: int, view: View) -> bytes | Future[bytes]:
        """One frame as a JPEG, at once if it is kept, and the ones around it soon.

        Raises:
            PlanError: There is no such frame.
        """
        session = self._opened(number)
        if not 0 <= index < len(session.times):
            raise PlanError("there is no such frame")
        longer = next((width for width in WIDTHS if width >= longer), WIDTHS[-1])
        key = self._key(session, number, index, longer, view)
        self._prefetch(session, number, index, longer, view)
        found = self.media.cache.get(key)
        if found is not None:
            return found
        coming = self._busy.get(key)  # prefetched at this very moment
        if coming is not None and coming.running():
            return _when_kept(coming, key, self.media.cache)
        future = self._ask(session, number, index, 1, longer, view, urgent=True)
        return _when_kept(future, key, self.media.cache)

    def crop(self, number: int, track: int) -> bytes | Future[bytes]:
        """A track where it is best to be seen.

        Raises:
            PlanError: There is no such track.
        """
        session = self._opened(number)
        things = session.plan.things
        thing = things.by_id.get(track)
        seen = [] if thing is None else things.sightings(thing)
        if not seen:
            raise PlanError("there is no such track")
        best = largest_and_surest(seen)
        key = ("crop", number, best.frame, best.box)
        found = self.media.cache.get(key)
        if found is not None:
            return found
        request = FrameRequest(session.source, best.frame, 1, WIDTHS[0], "original", box=best.box)
        future = self.aside.later(request)
        future.add_done_callback(lambda done: self._keep(done, [key]))
        return _when_kept(future, key, self.media.cache)

    def _opened(self, number: int) -> Session:
        session = self.session(number)
        if number != self._open or self.media.source != session.source:
            raise PlanError("this file is not open")
        return session

    def _key(self, session: Session, number: int, index: int, longer: int, view: View) -> Any:
        revision = session.revision if view == "published" else 0
        return (view, number, revision, index, longer)

    def _prefetch(self, session: Session, number: int, index: int, longer: int, view: View) -> None:
        """Ask for what comes next in the direction in which frames are asked for."""
        before, self._last = self._last, (number, index)
        if before[0] != number or abs(index - before[1]) > _MOST_AHEAD:
            self.media.forget_prefetching()
            self._busy.clear()
        step = -1 if before[0] == number and before[1] > index else 1
        chunk, last = _AHEAD[view], len(session.times) - 1
        for away in range(1, _MOST_AHEAD // 2):
            wanted = index + step * away
            if not 0 <= wanted <= last:
                return
            key = self._key(session, number, wanted, longer, view)
            if key in self.media.cache or key in self._busy:
                continue
            first = wanted if step > 0 else max(0, wanted - chunk + 1)
            count = min(chunk, last - first + 1)
            self._ask(session, number, first, count, longer, view, urgent=False)
            return

    def _ask(
        self,
        session: Session,
        number: int,
        first: int,
        count: int,
        longer: int,
        view: View,
        *,
        urgent: bool,
    ) -> Future[Pictures]:
        keys = [self._key(session, number, first + i, longer, view) for i in range(count)]
        edits = session.plan.edits if view == "published" else ()
        request = FrameRequest(session.source, first, count, longer, view, edits)
        future = (self.media.pictures if urgent else self.media.prefetch)(request)
        for key in keys:
            self._busy[key] = future
        future.add_done_callback(lambda done: self._keep(done, keys))
        return future

    def _keep(self, done: Future[Pictures], keys: Sequence[Any]) -> None:
        for key in keys:
            if self._busy.get(key) is done:
                del self._busy[key]
        if not done.cancelled() and done.exception() is None:
            for key, picture in zip(keys, done.result().files, strict=False):
                self.media.cache.put(key, picture)

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
                if session.plan is not plan:
                    raise PlanError("the plan was edited meanwhile", None, "render it again")
                session.take_rendered(changed_plan(plan, made))
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


def _when_kept(future: Future[Pictures], key: Any, cache: PictureCache) -> Future[bytes]:
    """The picture of that key, once what brings it has ended; its callback has kept it by then."""
    picture: Future[bytes] = Future()
    picture.set_running_or_notify_cancel()  # whoever waits may go away, and that is no error

    def pass_on(done: Future[Pictures]) -> None:
        found = None if done.cancelled() or done.exception() else cache.get(key)
        if found is not None:
            picture.set_result(found)
        else:
            error = None if done.cancelled() else done.exception()
            gone = PlanError("this frame is not wanted any more")
            picture.set_exception(gone if error is None else error)

    future.add_done_callback(pass_on)
    return picture


def _checked(found: Verification | None) -> str:
    if found is None:
        return "not checked"
    return "checked: every frame compared with the source, nobody found who still shows"


def _leaks(found: Verification | None) -> tuple[tuple[int, float, list[float]], ...]:
    leaks = () if found is None else found.leaks
    spots = (leak.best for leak in leaks)
    return tuple((s.frame, float(s.time), _sides(s.box)) for s in spots)


def _sides(box: Box) -> list[float]:
    return [box.left, box.top, box.right, box.bottom]
