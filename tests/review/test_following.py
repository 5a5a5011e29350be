"""What is told of a box on its way, part by part."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any, cast

from redact.core.geometry import Box
from redact.review.following import Follower, Following
from redact.review.frames import Followed, FollowRequest
from redact.review.media_worker import MediaWorker

PARTS = (
    Followed(((5, 0.0, 0.0, 9.0, 9.0),), (("lost", 6),), False),
    Followed(((3, 0.0, 0.0, 9.0, 9.0),), (), False),
    Followed(((2, 0.0, 0.0, 9.0, 9.0),), (("video", 0),), True),
)


class InParts:
    """Follows in three parts: the way onwards ends in the first, the way back in the last."""

    def __init__(self) -> None:
        self._parts = iter(PARTS)

    def follow(self, _: FollowRequest) -> Future[Followed]:
        found: Future[Followed] = Future()
        found.set_result(next(self._parts))
        return found


def test_the_ends_of_both_ways_are_told_with_the_last_part() -> None:
    told: list[Following] = []
    over = threading.Event()

    def tell(state: Following) -> None:
        told.append(state)
        if state.done:
            over.set()

    parts = cast(Any, InParts())
    follower = Follower(lambda _: cast(MediaWorker, parts))
    follower.start(Path("clip.mp4"), Box(0, 0, 9, 9), 4, Following(1, "sign"), tell)
    assert over.wait(10)
    assert [state.sightings for state in told] == [part.sightings for part in PARTS]
    assert told[-1].ends == (("lost", 6), ("video", 0))
