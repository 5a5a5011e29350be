"""Heads from every side, with the network's real weights, and the boxes made of points."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from redact.core.geometry import Box
from redact.detect.detectors.heads import Heads, drop_doubles, measure_head
from tests.figures import figures, paint_figure
from tests.networks import colours_of_red

FRONT, BEHIND = False, True


@cache
def network() -> Heads:
    return Heads()


@pytest.mark.parametrize("half", [8, 10, 14])
def test_painted_heads_are_found_from_before_and_from_behind(half: float) -> None:
    picture, heads = figures(FRONT, BEHIND, half=half)
    (found,) = network().detect([picture], 0.3)
    for head in heads:
        best = max(found, key=lambda one: one.box.iou(head))
        assert best.box.iou(head) > 0.4
        assert best.box.overlap(head) > 0.75 * head.area
        assert abs(best.box.centre[0] - head.centre[0]) < half


def test_nothing_is_found_where_nobody_is() -> None:
    ground = figures()[0]
    noise = np.random.default_rng(5).integers(0, 256, (200, 300, 3), np.uint8)
    assert network().detect([ground, noise], 0.3) == [[], []]


def test_a_person_is_found_once() -> None:
    picture, heads = figures(FRONT, half=14)
    (found,) = network().detect([picture], 0.1)
    assert len([one for one in found if one.box.overlap(heads[0])]) == 1


def test_scores_reach_the_threshold_and_the_best_comes_first() -> None:
    (found,) = network().detect([figures(FRONT, BEHIND)[0]], 0.2)
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)
    assert 0.2 <= min(scores) <= max(scores) <= 1


def test_the_network_gets_red_first(monkeypatch: pytest.MonkeyPatch) -> None:
    assert colours_of_red(network(), monkeypatch) == [200, 0, 0]


def test_a_head_lies_where_it_lies_in_the_picture() -> None:
    picture = np.full((320, 640, 3), (120, 140, 110), np.uint8)
    head = paint_figure(picture, 493, 61, 12, behind=FRONT)
    (found,) = network().detect([picture], 0.5)
    assert max(one.box.iou(head) for one in found) > 0.4


METRE = 400.0
"""Pixels to a metre in the points below: ears 62 pixels apart."""

FROM_BEFORE = {0: (0, 0.02), 1: (0.033, -0.02), 2: (-0.033, -0.02), 3: (0.0775, 0), 4: (-0.0775, 0),
               5: (0.18, 0.26), 6: (-0.18, 0.26)}  # fmt: skip
"""Metres across and down from the middle between the ears."""


def measured(
    points: dict[int, tuple[float, float]], quarters: int = 0, scores: float = 0.9
) -> Box | None:
    places = np.zeros((7, 2), np.float32)
    given = np.zeros(7, np.float32)
    for point, (across, down) in points.items():
        for _ in range(quarters):
            across, down = -down, across  # clockwise
        places[point] = 1000 + METRE * across, 1000 + METRE * down
        given[point] = scores
    found = measure_head(places, given)
    return found and found.box


def test_a_head_is_as_large_as_its_points_say() -> None:
    box = measured(FROM_BEFORE)
    assert box is not None
    assert box.width == pytest.approx(0.23 * METRE, rel=0.02)
    assert box.height == pytest.approx(0.28 * METRE, rel=0.02)
    assert box.centre[0] == pytest.approx(1000, abs=1)
    assert box.centre[1] == pytest.approx(1000 - 0.018 * METRE, abs=1)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_tilted_head_has_a_tilted_box(quarters: int) -> None:
    box, upright = measured(FROM_BEFORE, quarters), measured(FROM_BEFORE)
    assert box is not None
    assert upright is not None
    sides = (upright.width, upright.height)[:: -1 if quarters % 2 else 1]
    assert (box.width, box.height) == pytest.approx(sides, rel=0.02)
    across, down = {1: (1, 0), 2: (0, 1), 3: (-1, 0)}[quarters]
    rise = 0.018 * METRE
    assert box.centre == pytest.approx((1000 + across * rise, 1000 + down * rise), abs=1)


def test_from_behind_ears_and_shoulders_are_enough() -> None:
    behind = {3: (-0.0775, 0), 4: (0.0775, 0), 5: (-0.18, 0.26), 6: (0.18, 0.26)}
    box = measured(behind)
    assert box is not None
    assert box.iou(Box.around(1000, 993, 0.23 * METRE, 0.28 * METRE)) > 0.95
    one_ear = measured({point: at for point, at in behind.items() if point != 4})
    assert one_ear is not None
    assert one_ear.iou(box) > 0.8


def test_from_the_side_the_head_lies_behind_the_face() -> None:
    box = measured({0: (0.11, 0.02), 1: (0.09, -0.02), 3: (0, 0), 5: (-0.02, 0.27)})
    assert box is not None
    face = Box(1000, 1000 - 0.05 * METRE, 1000 + 0.1 * METRE, 1000 + 0.08 * METRE)
    assert box.overlap(face) > 0.9 * face.area
    assert box.left < 1000 - 0.05 * METRE


def test_points_of_neighbours_do_not_make_a_giant() -> None:
    mixed = {**FROM_BEFORE, 3: (0.9, 0)}
    box = measured(mixed)
    assert box is not None
    assert box.area < 2.5**2 * 0.23 * 0.28 * METRE**2  # twice as large, and tilted


def test_a_single_point_is_no_head_and_a_weak_one_does_not_fail() -> None:
    assert measured({0: (0, 0)}) is None
    assert measured({0: (0, 0)}, scores=0.1) is None
    assert measured(FROM_BEFORE, scores=0.1) is not None


def test_heads_side_by_side_are_two_and_doubles_are_one() -> None:
    picture, _ = figures(FRONT, half=14)
    (found,) = network().detect([picture], 0.3)
    moved = [
        type(one)(one.kind, one.box.shifted(share * one.box.width, 0), one.score - 0.1)
        for one in found[:1]
        for share in (0.2, 0.9)
    ]
    assert drop_doubles([*moved, found[0]]) == [found[0], moved[1]]
