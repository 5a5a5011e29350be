"""Which time a frame gets, where those of its file do not grow."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import pytest

from redact.media.video.presentation_times import BestEffort, GrowingTimes, Wanted

TICK = Fraction(1, 1000)


def assigned(times: list[int | None]) -> tuple[list[int], GrowingTimes]:
    growing = GrowingTimes(TICK, 40)
    made = growing.assign(Wanted(index, time, 40) for index, time in enumerate(times))
    items, found = zip(*made, strict=True)
    assert list(items) == list(range(len(times)))
    return list(found), growing


@pytest.mark.parametrize(
    ("times", "wanted", "moved", "most"),
    [
        ([0, 40, 80], [0, 40, 80], 0, 0),
        ([0, 0, 40], [0, 1, 40], 1, 1),
        ([0, 0, 0, 0, 40], [0, 1, 2, 3, 40], 3, 3),
        ([0, 40, 80, 80], [0, 40, 80, 81], 1, 1),
        ([0, 40, 30, 120], [0, 40, 41, 120], 1, 11),
        ([0, 40, 700, 120, 160], [0, 40, 119, 120, 160], 1, 581),
        ([0, 400, 440, 100, 480], [0, 400, 440, 441, 480], 1, 341),
        ([0, 400, 440, 480, 100], [0, 400, 440, 480, 481], 1, 381),
        ([-40, 0, 40], [-40, 0, 40], 0, 0),
    ],
)
def test_what_collides_is_moved_by_the_least(
    times: list[int], wanted: list[int], moved: int, most: int
) -> None:
    found, growing = assigned(list(times))
    assert found == wanted
    assert (growing.moved, growing.most) == (moved, most * TICK)
    assert not growing.offsets


def test_times_that_begin_anew_go_on() -> None:
    found, growing = assigned([5000, 5040, 5080, 0, 40, 80, 120, 0, 40])
    assert found == [5000 + 40 * n for n in range(9)]
    assert growing.offsets == [5120 * TICK, 5280 * TICK]
    assert growing.moved == 0


def test_a_missing_time_follows_the_frame_before() -> None:
    assert assigned([None, None, 100, None])[0] == [0, 40, 100, 140]


@dataclass
class Times:
    pts: int | None
    dts: int | None
    duration: int = 40


def best(times: list[tuple[int | None, int | None]]) -> tuple[list[int | None], int]:
    effort = BestEffort()
    return [effort.time(Times(*one)) for one in times], effort.decided


def test_presentation_times_are_believed_while_they_grow() -> None:
    assert best([(0, 5), (40, 45), (80, None)]) == ([0, 40, 80], 0)
    assert best([(0, 0), (0, 0), (30, 30)]) == ([0, 0, 30], 0)


def test_decoding_times_are_better_where_they_alone_grow() -> None:
    assert best([(0, 0), (80, 40), (40, 80), (160, 120)]) == ([0, 80, 80, 120], 2)


def test_decoding_times_stand_in_for_missing_ones() -> None:
    assert best([(None, 1), (2, 2), (None, 3), (None, None)]) == ([1, 2, 3, None], 0)
