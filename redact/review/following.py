"""Following a drawn box while the page shows how far it is: begun, told, and cancelled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from redact.core.geometry import Box
from redact.errors import RedactError
from redact.review.frames import FollowRequest
from redact.review.media_worker import MediaWorker

_NUMBERS = count(1)


@dataclass(slots=True)
class Following:
    """How far a following is.

    Args:
        file: The number of the file.
        region: What is followed, as the page calls it.
        sightings: Frame, left, top, right and bottom of what came since the last telling.
        ends: Why a way ended, and where; the way onwards comes first. All that are known so far.
        done: Whether it is at its end.
        message: What went wrong, if something did.
    """

    file: int
    region: str
    sightings: tuple[tuple[int, float, float, float, float], ...] = ()
    ends: tuple[tuple[str, int], ...] = ()
    done: bool = False
    message: str = ""


@dataclass(slots=True)
class Follower:
    """Follows one box at a time.

    Args:
        media_of: Gives what decodes and follows, by the number of the file.
    """

    media_of: Callable[[int], MediaWorker]
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(
        self,
        source: Path,
        box: Box,
        frame: int,
        state: Following,
        tell: Callable[[Following], None],
    ) -> None:
        """Follow a box in a thread; the one before is cancelled.

        Args:
            source: What is open.
            box: In pixels of the upright picture.
            frame: The index of the frame that it was drawn in.
            state: Given to `tell` each time, with what is new.
            tell: Called from that thread.
        """
        with self._lock:
            self._now = number = next(_NUMBERS)
        request = FollowRequest(source, number, box, frame)
        work = self.media_of(state.file), request, state, tell
        threading.Thread(target=self._work, args=work, daemon=True).start()

    def cancel(self) -> None:
        """Stop; what came so far was told."""
        with self._lock:
            self._now = 0

    def _work(
        self,
        media: MediaWorker,
        request: FollowRequest,
        state: Following,
        tell: Callable[[Following], None],
    ) -> None:
        while not state.done and self._now == request.number:
            try:
                found = media.follow(request).result()
            except CancelledError:
                return
            except RedactError as error:
                state.sightings, state.done, state.message = (), True, error.problem
            else:
                state.sightings, state.done = found.sightings, found.done
                state.ends += found.ends
            if self._now == request.number:
                tell(replace(state))
