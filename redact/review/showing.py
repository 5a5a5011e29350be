"""The frames and crops of one file at a time, as JPEG: kept, and made before they are asked for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from time import monotonic
from typing import Any

from redact.errors import PlanError
from redact.review.doubts import quick_and_sure
from redact.review.frames import FrameRequest, Pictures, View
from redact.review.media_worker import MediaWorker, PictureCache
from redact.review.session import Session

WIDTHS = (160, 480, 960, 1440, 1920, 4096)
"""Longer sides in which pictures are given; others would fill the cache with the same ones."""

_FIRST = 960
"""Of these the one that a page on an ordinary screen asks for."""
_AHEAD = {"original": 2, "published": 1}
"""Frames in a row that are prefetched at once: whoever jumps away waits for them."""
_FAR_AHEAD = 24
"""Frames beside the one that was asked for that are prefetched, at most."""
_BACK = 24
"""Frames that are prefetched together on the way back: each way there is as long as from a key
frame."""
_MOST_AWAY = 48
"""Frames between two that are asked for after each other that make it no jump."""


class Showing:
    """Shows one file at a time.

    Args:
        media: What decodes, if another one's is to be used; it is not closed.
    """

    def __init__(self, media: MediaWorker | None = None) -> None:
        self._lent = media is not None
        self.media = media or MediaWorker()
        self.aside = media or MediaWorker()  # what takes long, while frames are wanted
        self.media.wake()  # while the plans are read
        self._open: int | None = None
        self._aside_open: int | None = None
        self._session: Session | None = None
        self._last: tuple[int, int, bool] = (-1, -1, False)
        self._asked = 0.0
        self._busy: dict[Any, Future[Pictures]] = {}
        self._lock, self._beside = threading.Lock(), threading.Lock()

    def close(self) -> None:
        """End the worker processes."""
        if not self._lent:
            self.media.close()
            self.aside.close()

    def open(self, number: int, session: Session) -> None:
        """Make a file the open one; waits until it is.

        Args:
            number: What it is called from now on.
            session: Gets the times and sizes of its frames.

        Raises:
            RedactError: It cannot be opened.
        """
        with self._lock:
            if self._open == number and self.media.source == session.source:
                return
            self._open = self._aside_open = None
            opened = self.media.open(session.source, session.plan).result()
            session.times, session.sizes = opened.times, opened.sizes
            session.keys, session.sound = opened.keys, opened.sound
            if len(opened.times) != session.plan.source.frames:
                problem = f"{len(opened.times)} frames came, and its plan knows "
                problem += f"{session.plan.source.frames}"
                raise PlanError(problem, session.source, "analyse it again")
            self._open, self._session = number, session
            self._busy.clear()
            # the page shows it first: it comes while the page is still on its way
            self._ask(session, number, 0, 1, _FIRST, "original", urgent=False)

    def beside(self, number: int) -> MediaWorker:
        """What decodes beside the frames that somebody waits for; opened when first needed.

        Raises:
            PlanError: The file is not open.
        """
        session = self._opened(number)
        with self._beside:
            if not self._lent and self._aside_open != number:
                self.aside.open(session.source, session.plan, beside=True)
                self._aside_open = number
        return self.aside

    def picture(
        self, number: int, index: int, longer: int, view: View, *, back: bool = False
    ) -> bytes | Future[bytes]:
        """One frame as a JPEG, at once if it is kept, and the ones around it soon.

        Args:
            number: Of the file.
            index: Of the frame.
            longer: Its longer side, in pixels; rounded up to one of `WIDTHS`.
            view: As it is, or as it will be published.
            back: Whether the frames before it are wanted next, and not the ones after it.

        Raises:
            PlanError: There is no such frame.
        """
        session = self._opened(number)
        self._asked = monotonic()
        if not 0 <= index < len(session.times):
            raise PlanError("there is no such frame")
        longer = next((width for width in WIDTHS if width >= longer), WIDTHS[-1])
        key = self._key(session, number, index, longer, view)
        self._forget_others(number, index, back)
        found = self.media.cache.get(key)
        coming = self._busy.get(key)
        if found is None and (coming is None or coming.cancelled()):
            coming = self._ask(session, number, index, 1, longer, view, urgent=True)
        elif found is None and coming is not None:
            self.media.hurry(coming)
        self._prefetch(session, number, index, longer, view, back)
        if found is not None:
            return found
        assert coming is not None
        return _when_kept(coming, key, self.media.cache)

    def quiet(self) -> float:
        """Seconds since a frame was asked for."""
        return monotonic() - self._asked

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
        best = quick_and_sure(seen, session.keys)
        key = ("crop", number, best.frame, best.box)
        found = self.media.cache.get(key)
        if found is not None:
            return found
        request = FrameRequest(session.source, best.frame, 1, WIDTHS[0], "original", box=best.box)
        future = self.beside(number).later(request)
        future.add_done_callback(lambda done: self._keep(done, [key]))
        return _when_kept(future, key, self.media.cache)

    def _opened(self, number: int) -> Session:
        session = self._session
        if session is None or number != self._open or self.media.source != session.source:
            raise PlanError("this file is not open")
        return session

    def _key(self, session: Session, number: int, index: int, longer: int, view: View) -> Any:
        revision = session.revision if view == "published" else 0
        return (view, number, revision, index, longer)

    def _forget_others(self, number: int, index: int, back: bool) -> None:
        """Drop what was prefetched for another place, far from this one, or for the other way.

        Frames of both ways in turn would be decoded from the key frame before, each time.
        """
        before, self._last = self._last, (number, index, back)
        if (number, back) != before[::2] or abs(index - before[1]) > _MOST_AWAY:
            self.media.forget_prefetching()

    def _prefetch(
        self, session: Session, number: int, index: int, longer: int, view: View, back: bool
    ) -> None:
        """Ask for the frames after one, a few at once; or for many before it, in good time."""
        chunk, last = _AHEAD[view], len(session.times) - 1

        def missing(frame: int) -> bool:
            key = self._key(session, number, frame, longer, view)
            return 0 <= frame <= last and key not in self.media.cache and key not in self._busy

        if back:
            near = [frame for frame in range(index - 1, index - _BACK // 2, -1) if missing(frame)]
            first, end = (max(0, near[0] - _BACK + 1), near[0] + 1) if near else (0, 0)
        else:
            near = [frame for frame in range(index + 1, index + _FAR_AHEAD) if missing(frame)]
            first, end = (near[0], min(near[0] + chunk, last + 1)) if near else (0, 0)
        for start in range(first, end, chunk):
            count = min(chunk, end - start)
            self._ask(session, number, start, count, longer, view, urgent=False)

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
        self.media.plan = session.plan  # the check of a result may have changed its tracks
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
