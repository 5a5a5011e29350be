"""A drawn box is followed through a source both ways, and lets go of the source."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import pytest

from redact import following
from redact.core.findings import Sighting
from redact.core.frames import Frame, Plane, VideoInfo
from redact.core.geometry import Box, Size
from redact.core.plan import Plan, SourceId
from redact.core.recipe import recipe
from redact.errors import PlanError, UnreadableInputError
from redact.following import follow_box
from redact.track.follow import End, Ended
from tests.painted import PaintedPicture, flat
from tests.scripted import PaintedSource, even_times
from tests.track.test_tracker import GREY, Scene, Thing, walking

COUNT = 24
SCENE = Scene(COUNT, [Thing(walking(), 11)])
PICTURES = [PaintedPicture((Plane(SCENE.grey(index), "y"),)) for index in range(COUNT)]
FRAME = 10
BOX = SCENE.things[0].box(FRAME)
PLAN = Plan(
    SourceId("sha256:painted", GREY, COUNT, Fraction(0), Fraction(COUNT - 1, 25)), recipe("fast")
)


def source(**options: int) -> PaintedSource:
    return PaintedSource(even_times(COUNT), PICTURES, **options)


def test_it_goes_onwards_and_then_back_and_closes_the_source() -> None:
    painted = source()
    *onwards, end = list(follow_box(painted, PLAN, BOX, FRAME))[: COUNT - FRAME]
    *back, start = list(follow_box(painted, PLAN, BOX, FRAME))[COUNT - FRAME :]
    assert [s.frame for s in onwards if isinstance(s, Sighting)] == list(range(FRAME + 1, COUNT))
    assert [s.frame for s in back if isinstance(s, Sighting)] == list(range(FRAME - 1, -1, -1))
    assert (end, start) == (Ended(End.VIDEO, COUNT - 1), Ended(End.VIDEO, 0))
    for found in onwards + back:
        assert isinstance(found, Sighting)
        assert found.time == Fraction(found.frame, 25)
        truth = SCENE.things[0].box(found.frame)
        assert found.box.overlap(truth) >= 0.9 * truth.area
    assert painted.open == 0


def test_the_way_back_is_the_same_in_small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = list(follow_box(source(), PLAN, BOX, FRAME))
    monkeypatch.setattr(following, "_WINDOW", 4 * GREY.width * GREY.height)
    painted = source()
    assert list(follow_box(painted, PLAN, BOX, FRAME)) == whole
    assert painted.readings > 3


def test_it_stays_within_its_shot_and_reads_no_further() -> None:
    painted = source()
    found = list(follow_box(painted, replace(PLAN, cuts=(7, 15)), BOX, FRAME))
    assert [s.frame for s in found if isinstance(s, Sighting)] == [11, 12, 13, 14, 9, 8, 7]
    assert [e for e in found if isinstance(e, Ended)] == [Ended(End.SHOT, 14), Ended(End.SHOT, 7)]
    assert painted.given <= 16 + FRAME + 1


def test_frames_may_come_another_way() -> None:
    asked = []

    def frame_at(index: int) -> Frame:
        asked.append(index)
        return Frame(index, Fraction(index, 25), PICTURES[index])

    painted = source()
    found = list(follow_box(painted, PLAN, BOX, FRAME, frame_at=frame_at))
    assert found == list(follow_box(source(), PLAN, BOX, FRAME))
    assert painted.readings == 0
    assert asked == [*range(FRAME, COUNT), *range(FRAME + 1)]


def test_it_can_be_cancelled() -> None:
    painted = source()
    given = list(follow_box(painted, PLAN, BOX, FRAME, cancelled=lambda: painted.given > 13))
    assert [s.frame for s in given if isinstance(s, Sighting)] == [11, 12, 13]
    assert len(given) == 3
    assert painted.open == 0


def test_whoever_stops_asking_closes_the_source() -> None:
    painted = source()
    items = follow_box(painted, PLAN, BOX, FRAME)
    next(items)
    assert painted.open == 1
    items.close()
    assert painted.open == 0


def test_a_small_box_is_followed_in_a_larger_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    sides = []
    real = following.grey_copy
    monkeypatch.setattr(following, "grey_copy", lambda p, side: sides.append(side) or real(p, side))
    size = Size(1920, 1080)
    large = replace(PLAN, source=replace(PLAN.source, size=size, frames=2))
    wall = PaintedSource(even_times(2), [flat(size, (90, 90, 90), "gray")] * 2)
    list(follow_box(wall, large, Box(500, 500, 540, 540), 0))
    list(follow_box(wall, large, Box(500, 500, 900, 900), 0))
    assert sides[0] > 1000
    assert sides[-1] == 640


@pytest.mark.parametrize("frame", [-1, COUNT])
def test_a_frame_that_does_not_exist_is_refused(frame: int) -> None:
    with pytest.raises(PlanError, match=f"there is no frame {frame}"):
        list(follow_box(source(), PLAN, BOX, frame))


@pytest.mark.parametrize("box", [Box(400, 0, 420, 20), Box(10, 10, 10, 30)])
def test_a_box_outside_of_the_picture_is_refused(box: Box) -> None:
    with pytest.raises(PlanError, match="outside of the picture"):
        list(follow_box(source(), PLAN, box, FRAME))


def test_another_source_is_refused() -> None:
    other = replace(PLAN, source=replace(PLAN.source, fingerprint="sha256:other"))
    with pytest.raises(PlanError, match="not the file that the plan was made from"):
        list(follow_box(source(), other, BOX, FRAME))


def test_a_frame_that_cannot_be_read_is_an_error_after_what_was_seen() -> None:
    items = follow_box(source(fails_at=14), PLAN, BOX, FRAME)
    assert [item.frame for item in islice(items, 3)] == [11, 12, 13]
    with pytest.raises(UnreadableInputError):
        next(items)


def test_pages_have_no_neighbours() -> None:
    class Pages(PaintedSource):
        @property
        def info(self) -> VideoInfo:
            return VideoInfo(GREY, COUNT, pages=True)

    pages = Pages(even_times(COUNT), PICTURES)
    assert list(follow_box(pages, PLAN, BOX, FRAME)) == [Ended(End.SHOT, FRAME)] * 2


def test_a_file_is_followed(tmp_path: Path) -> None:
    import redact
    from tests.clips import make

    clip = make(tmp_path, "plain")
    plan = redact.analyse_file(clip, "fast")
    found = list(redact.follow_file(clip, plan, Box(10, 10, 40, 40), 3))
    assert {item.frame for item in found if isinstance(item, Sighting)} >= {2, 4}
    assert isinstance(found[-1], redact.Ended)
