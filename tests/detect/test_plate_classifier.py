"""The network that looks again at plates, on painted cars and streets."""

from __future__ import annotations

import numpy as np
import pytest

from redact.core.geometry import Box
from redact.detect.detectors import load_plate_classifier
from tests.cars import car, plate_box, street


def score(picture: np.ndarray, box: Box) -> float:
    return load_plate_classifier().score(picture, box)


def test_a_plate_is_one_and_a_wheel_and_a_bonnet_are_none() -> None:
    assert score(car(), plate_box(165, 180)) > 0.6
    assert score(street(), plate_box(208, 160, 12)) > 0.6
    wheel = Box.around(165 - 0.7 * 4.6 * 24, 180 + 2.4 * 24, 40, 30)
    assert score(car(), wheel) < 0.3
    assert score(car(), Box.around(165, 100, 60, 20)) < 0.6


@pytest.mark.parametrize("high", [6, 12, 24, 60])
def test_it_is_the_same_plate_near_and_far(high: int) -> None:
    picture = car(int(12 * high), int(14 * high), 7 * high, 7 * high, high)
    assert score(picture, plate_box(7 * high, 7 * high, high)) > 0.5


def test_a_box_at_the_rim_is_seen_with_black_around() -> None:
    assert 0 <= score(car()[170:, 110:], Box(0, 0, 165 + 55.2 - 110, 192 - 170)) <= 1
    assert 0 <= score(car()[:1, :1], Box(0, 0, 1, 1)) <= 1


def test_what_is_around_a_plate_is_seen_too() -> None:
    """The same lettering in the middle of nothing is less surely a plate than on a car."""
    box = plate_box(165, 180)
    alone = np.full_like(car(), 255)
    top, bottom, left, right = (round(v) for v in (box.top, box.bottom, box.left, box.right))
    alone[top:bottom, left:right] = car()[top:bottom, left:right]
    assert score(alone, box) < score(car(), box)
