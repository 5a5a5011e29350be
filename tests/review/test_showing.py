"""Which frames are asked for ahead, in which order, and where a crop is taken."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import pytest

from redact.core.coverage import Cover
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box
from redact.core.plan import load
from redact.errors import PlanError
from redact.review import media_worker, outlines
from redact.review.doubts import quick_and_sure
from redact.review.frames import FrameRequest, Opened, Pictures
from redact.review.media_worker import MediaWorker, PictureCache
from redact.review.session import Session
from redact.review.showing import Showing
from tests.review.material import FRAMES, RATE, make_plan, track_of

TIMES = tuple(Fraction(i, RATE) for i in range(FRAMES))


class Recording:
    """Notes what is asked for; answers when told to."""

    def __init__(self) -> None:
        self.cache = PictureCache()
        self.source: Path | None = None
        self.asked: list[tuple[str, FrameRequest, Future[Pictures]]] = []
        self.hurried: list[Future[Pictures]] = []
        self.opened: list[tuple[str, int, int]] = []

    def wake(self) -> None:
        """Nothing to do."""

    def open(self, source: Path, _: object) -> Future[Opened]:
        self.source = source
        opened: Future[Opened] = Future()
        opened.set_result(Opened(TIMES, ((320, 180),), (0, 50)))
        return opened

    def pictures(self, request: FrameRequest) -> Future[Pictures]:
        return self._note("urgent", request)

    def prefetch(self, request: FrameRequest) -> Future[Pictures]:
        return self._note("soon", request)

    def hurry(self, future: Future[Pictures]) -> None:
        self.hurried.append(future)

    def forget_prefetching(self) -> None:
        for _, _, future in self.asked:
            future.cancel()

    def _note(self, how: str, request: FrameRequest) -> Future[Pictures]:
        future: Future[Pictures] = Future()
        self.asked.append((how, request, future))
        return future

    def take(self) -> list[tuple[str, int, int]]:
        """What was asked for since the last time; it is answered."""
        taken = [(how, request.first, request.count) for how, request, _ in self.asked]
        for _, request, future in self.asked:
            if not future.done():
                future.set_result(Pictures((b"x",) * request.count))
        self.asked.clear()
        return taken


class Slow:
    """A worker process that waits before its first answer, and notes which frames it gave."""

    pid, connection = 1, object()

    def __init__(self) -> None:
        self.begun, self.free = threading.Semaphore(0), threading.Event()
        self.asked: list[int] = []

    def start(self, _: object, request: Any, __: object) -> Future[Any]:
        self.begun.release()
        self.free.wait(10)
        answer: Future[Any] = Future()
        if isinstance(request, FrameRequest):
            self.asked.append(request.first)
            answer.set_result(Pictures((b"x",)))
        else:
            answer.set_result(Opened(TIMES, ((320, 180),), (0, 50)))
        return answer

    def relay(self) -> None:
        """Nothing to tell."""

    stop = close = relay


@pytest.fixture
def media() -> Recording:
    return Recording()


@pytest.fixture
def showing(clip: Path, media: Recording) -> Showing:
    session = Session(clip, make_plan(clip, [track_of(1, "red", range(100))]))
    made = Showing(cast(MediaWorker, cast(Any, media)))
    made.open(0, session)
    media.opened = media.take()
    return made


def test_onwards_a_few_frames_come_at_once(showing: Showing, media: Recording) -> None:
    showing.picture(0, 10, 160, "original")
    assert media.take() == [("urgent", 10, 1), ("soon", 11, 2)]
    showing.picture(0, 11, 160, "original")
    assert media.take() == [("soon", 13, 2)]
    showing.picture(0, 98, 160, "original")
    assert media.take() == [("urgent", 98, 1), ("soon", 99, 1)]


def test_the_first_frame_comes_before_the_page_asks_for_it(
    showing: Showing, media: Recording
) -> None:
    assert media.opened == [("soon", 0, 1)]
    assert showing.picture(0, 0, 960, "original") == b"x"
    assert ("urgent", 0, 1) not in media.take()


def test_on_the_way_back_many_come_from_one_key_frame_on(
    showing: Showing, media: Recording
) -> None:
    showing.picture(0, 60, 160, "original", back=True)
    first, *ahead = media.take()
    assert first == ("urgent", 60, 1)
    assert ahead == [("soon", start, 2) for start in range(36, 60, 2)]  # in order of decoding
    for index in range(59, 45, -1):
        showing.picture(0, index, 160, "original", back=True)
    assert media.take() == [("soon", start, 2) for start in range(12, 36, 2)]


def test_what_comes_already_is_hurried_and_not_asked_for_twice(
    showing: Showing, media: Recording
) -> None:
    showing.picture(0, 10, 160, "original")
    coming = media.asked[1][2]
    waiting = showing.picture(0, 12, 160, "original")
    assert media.hurried == [coming]
    assert ("urgent", 12, 1) not in media.take()
    assert isinstance(waiting, Future)
    assert waiting.result(1) == b"x"


def test_a_jump_drops_what_was_prefetched_elsewhere(showing: Showing, media: Recording) -> None:
    showing.picture(0, 10, 160, "original")
    before = media.asked[1][2]
    showing.picture(0, 90, 160, "original")
    assert before.cancelled()
    showing.picture(0, 12, 160, "original")  # asked for anew
    assert media.take()[-2:] == [("urgent", 12, 1), ("soon", 13, 2)]


def test_a_turn_drops_what_was_prefetched_the_other_way(showing: Showing, media: Recording) -> None:
    showing.picture(0, 60, 160, "original", back=True)
    behind = [future for how, _, future in media.asked if how == "soon"]
    showing.picture(0, 61, 160, "original")
    assert len(behind) > 3
    assert all(future.cancelled() for future in behind)
    assert media.take()[-2:] == [("urgent", 61, 1), ("soon", 62, 2)]


def test_a_jump_drops_what_was_waited_for_elsewhere(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would be decoded from another key frame, and nobody looks at it now."""
    monkeypatch.setattr(media_worker, "sandboxed_worker", lambda *_: Slow())
    worker = media_worker.MediaWorker()
    plan = load(make_plan(clip, [track_of(1, "red", range(100))]))
    worker.open(clip, plan)

    def frame(index: int) -> FrameRequest:
        return FrameRequest(clip, index, 1, 160, "original")

    slow = cast(Slow, cast(Any, worker._worker))
    slow.begun.acquire(timeout=10)  # the opening: all else waits
    coming = worker.prefetch(frame(11))
    worker.hurry(coming)
    dropped = [worker.pictures(frame(10)), coming, worker.prefetch(frame(12))]
    worker.forget_prefetching()
    crop, jump = worker.later(frame(50)), worker.pictures(frame(90))
    slow.free.set()
    crop.result(10)
    assert jump.done()
    assert all(one.cancelled() for one in dropped)
    assert slow.asked == [90, 50]
    worker.close()


def test_another_file_than_the_open_one_has_no_frames(showing: Showing) -> None:
    for act in (lambda: showing.picture(1, 0, 160, "original"), lambda: showing.crop(1, 1)):
        with pytest.raises(PlanError, match="not open"):
            act()


def test_a_crop_is_taken_soon_after_a_key_frame_if_it_is_nearly_as_good() -> None:
    box = Box(0, 0, 40, 40)
    seen = [Sighting(i, TIMES[i], box, 0.9 if i < 60 else 0.8) for i in range(20, 80)]
    assert quick_and_sure(seen, (0, 30, 70)).frame == 30
    seen[10] = Sighting(30, TIMES[30], box, 0.1)  # hardly seen there
    assert quick_and_sure(seen, (0, 30, 70)).frame == 70
    assert quick_and_sure(seen, ()).frame == 20


@pytest.mark.parametrize("carried", [False, True])
@pytest.mark.parametrize("kind", [Kind.FACE, Kind.PERSON])
def test_outlines_are_the_same_however_many_are_asked_for(
    clip: Path, carried: bool, kind: Kind
) -> None:
    """Of long tracks only a part is prepared; nothing may show that."""
    count = 300
    times = [Fraction(i, RATE) for i in range(count)]
    scores = [0.0 if carried and 20 < i < 90 else 0.3 + i % 7 / 10 for i in range(count)]
    seen = (
        Sighting(i, times[i], Box(20 + i / 4, 40, 50 + i / 4 + i % 5, 70 + i % 3), scores[i])
        for i in range(count)
        if not 40 < i < 47
    )
    tracks = [Track(1, kind, tuple(seen)), track_of(2, "blue", (3, 99))]
    plan = load(make_plan(clip, tracks, frames=count))
    whole = outlines.outlines(plan, times, 0, count)
    for length in (31, 150):
        starts = range(0, count, length)
        parts = [outlines.outlines(plan, times, i, length) for i in starts]
        found = [sorted(frame) for part in parts for frame in part]
        for frame, other in zip(found, map(sorted, whole), strict=True):
            assert [it[:3] for it in frame] == [it[:3] for it in other]
            assert [it[3:] for it in frame] == [pytest.approx(it[3:], abs=0.11) for it in other]
    cover = Cover(plan.tracks, plan.cuts, plan.recipe.coverage)
    hidden = [cover.hidden(i, times[i]) for i in range(count)]
    assert [len(frame) for frame in whole] == [len(frame) for frame in hidden]


def test_a_description_does_not_change_by_what_is_remembered(clip: Path) -> None:
    tracks = [track_of(n, "red", range(n * 10, n * 10 + 9)) for n in range(1, 5)]
    session = Session(clip, make_plan(clip, tracks))
    session.times = TIMES
    acts = [
        [{"edit": "split", "track": 2, "frame": 25}],
        [{"edit": "show", "track": 5}],
        [{"edit": "trim", "track": 1, "from": 10, "to": 12}],
    ]

    def check() -> None:
        said = outlines.describe(session.plan, TIMES, session.memory)
        assert said == outlines.describe(session.plan, TIMES, outlines.Memory())

    check()
    for act in acts:
        session.act(session.revision, act, "")
        check()
    for _ in acts:
        session.undo(session.revision)
        check()
