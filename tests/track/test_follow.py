"""Boxes that a person drew, followed through painted scenes with the real flow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import pytest

from redact.core.findings import Sighting
from redact.core.geometry import Box
from redact.core.interfaces import View
from redact.errors import RedactError
from redact.track.follow import End, Ended, follow
from redact.track.optical_flow import LucasKanadeFlow
from tests.track.test_tracker import GREY, Canvas, Scene, Thing, texture, walking

HOLD = 1.5
ENOUGH = 0.9


@dataclass
class Path:
    """What became of a drawn box."""

    boxes: dict[int, Box] = field(default_factory=dict)
    end: Ended | None = None

    def uncovered(self, scene: Scene, frames: Sequence[int], number: int = 0) -> list[int]:
        """Frames in which the thing lies less than nine tenths in the box, or there is none."""
        truth = {index: scene.truth(index)[number] for index in frames}
        return [
            i for i, box in truth.items()
            if i not in self.boxes or self.boxes[i].overlap(box) < ENOUGH * box.area
        ]  # fmt: skip


def followed(
    scene: Scene, start: int, step: int = 1, cuts: Sequence[int] = (), number: int = 0
) -> Path:
    indices = range(start, scene.count if step > 0 else -1, step)
    box = scene.truth(start)[number].grown(0.05)
    path = Path()
    for item in follow(box, map(scene.view, indices), LucasKanadeFlow(), cuts, HOLD):
        if isinstance(item, Ended):
            assert path.end is None
            path.end = item
        else:
            assert item.score == 0
            path.boxes[item.frame] = item.box
    return path


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("start", "step"), [(0, 1), (49, -1)])
def test_a_drawn_box_goes_with_what_it_was_drawn_around(seed: int, start: int, step: int) -> None:
    scene = Scene(50, [Thing(walking(3.5), 20 + seed)], seed=seed)
    path = followed(scene, start, step)
    others = [i for i in range(50) if i != start]
    assert path.uncovered(scene, others) == []
    assert list(path.boxes) == sorted(others, reverse=step < 0)
    assert path.end == Ended(End.VIDEO, 49 - start)
    widest = max(box.width for box in path.boxes.values())
    assert widest < 1.6 * scene.truth(0)[0].width


@pytest.mark.parametrize("step", [1, -1])
def test_it_goes_with_a_thing_that_comes_nearer_or_goes_away(step: int) -> None:
    patch = texture(13, 96, 96, (6, 12, 24))

    def side(index: int) -> int:
        return 40 + index

    def paint(index: int, picture: Canvas) -> Canvas:
        at = np.arange(side(index)) * 96 // side(index)
        picture[40 : 40 + side(index), 60 + index : 60 + index + side(index)] = patch[at][:, at]
        return picture

    @dataclass
    class Nearing(Thing):
        def box(self, index: int, camera: float = 0) -> Box:  # noqa: ARG002
            return Box(60 + index, 40, 60 + index + side(index), 40 + side(index))

    scene = Scene(40, [Nearing(walking(), 13)], finish=paint)
    path = followed(scene, 0 if step > 0 else 39, step)
    assert path.uncovered(scene, range(1, 39)) == []
    far = path.boxes[39 if step > 0 else 0].width / scene.truth(39 if step > 0 else 0)[0].width
    assert 0.9 < far < 1.5


def pillar(left: int, width: int) -> Scene:
    """A thing walks from x = 50 behind a pillar and out of it again."""

    def paint(_: int, picture: Canvas) -> Canvas:
        picture[:, left : left + width] = texture(77, GREY.height, width)
        return picture

    return Scene(70, [Thing(walking(), 15)], finish=paint)


@pytest.mark.parametrize("width", [18, 45])
def test_it_goes_on_behind_an_occluder(width: int) -> None:
    scene = pillar(120, width)
    path = followed(scene, 0)
    assert path.uncovered(scene, range(1, 70)) == []
    assert path.end == Ended(End.VIDEO, 69)


def test_it_goes_on_behind_an_occluder_while_the_camera_turns() -> None:
    scene = pillar(120, 45)
    scene.camera = lambda index: max(0.0, 1.5 * (index - 25))
    assert followed(scene, 0).uncovered(scene, range(1, 70)) == []


def test_what_does_not_come_back_is_lost_where_it_went() -> None:
    scene = pillar(120, 200)
    path = followed(scene, 0)
    assert path.end is not None
    assert path.end.why == End.LOST
    gone = next(i for i in range(70) if walking()(i)[0] > 120)
    assert gone - 9 <= path.end.frame <= gone + 1
    last = gone + int(HOLD * 25)
    assert list(path.boxes)[-1] <= last
    assert path.uncovered(scene, range(1, gone)) == []


def test_a_box_that_holds_something_else_by_and_by_is_lost() -> None:
    """Little by little, so that each frame looks like the one before."""

    def dissolve(index: int, picture: Canvas) -> Canvas:
        share = min(1.0, index / 60)
        picture[60:120, 130:190] *= 1 - share
        picture[60:120, 130:190] += share * texture(5, 60, 60)
        return picture

    scene = Scene(160, [Thing(lambda _: (160.0, 90.0), 14)], finish=dissolve)
    path = followed(scene, 0)
    assert path.end is not None
    assert path.end.why == End.LOST
    assert 15 <= path.end.frame <= 60


def test_it_says_that_a_thing_left_the_picture() -> None:
    scene = Scene(60, [Thing(lambda index: (200 + 6.0 * index, 90), 16)])
    path = followed(scene, 0)
    assert path.end is not None
    assert path.end.why == End.LEFT
    visible = [i for i in range(1, 60) if 200 + 6 * i < GREY.width]
    assert path.uncovered(scene, visible) == []
    assert len(path.boxes) < len(visible) + 12


@pytest.mark.parametrize(("start", "step", "last"), [(5, 1, 11), (30, -1, 12)])
def test_it_stops_at_a_shot_boundary(start: int, step: int, last: int) -> None:
    scene = Scene(40, [Thing(lambda _: (160.0, 90.0), 16)])
    path = followed(scene, start, step, cuts=(0, 12, 39))
    assert path.end == Ended(End.SHOT, last)
    assert set(path.boxes) == set(range(min(start, last), max(start, last) + 1)) - {start}


def test_of_two_that_cross_it_stays_with_the_one_in_front() -> None:
    behind = Thing(lambda index: (60 + 5.0 * index, 86), 19)
    front = Thing(lambda index: (260 - 5.0 * index, 94), 20)
    scene = Scene(40, [behind, front])
    path = followed(scene, 0, number=1)
    assert path.uncovered(scene, range(1, 40), 1) == []


def test_sightings_come_while_frames_are_read() -> None:
    scene, read = Scene(40, [Thing(walking(), 21)]), []

    def views() -> list[View]:
        for index in range(40):
            read.append(index)
            yield scene.view(index)

    items = follow(scene.truth(0)[0], views(), LucasKanadeFlow(), (), HOLD)
    first = list(islice(items, 3))
    assert [item.frame for item in first if isinstance(item, Sighting)] == [1, 2, 3]
    assert read == [0, 1, 2, 3]


def test_a_flat_wall_is_lost_and_no_error() -> None:
    scene = Scene(60, [], finish=lambda _, picture: np.full_like(picture, 90))
    box = Box(100, 100, 160, 160)
    *_, last = follow(box, map(scene.view, range(60)), LucasKanadeFlow(), (), HOLD)
    assert isinstance(last, Ended)


@pytest.mark.parametrize("box", [Box(700, 0, 720, 40), Box(-90, 10, 2, 40), Box(5, 5, 5, 9)])
def test_a_box_outside_of_the_picture_is_refused(box: Box) -> None:
    scene = Scene(3, [])
    with pytest.raises(RedactError, match="outside of the picture"):
        list(follow(box, map(scene.view, range(3)), LucasKanadeFlow(), (), HOLD))
