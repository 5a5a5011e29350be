"""The network of everyday objects, with its real weights."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from redact.core.findings import ObjectDetection
from redact.core.frames import Rgb
from redact.core.geometry import Box
from redact.detect.detectors.objects import _BINS, CLASSES, SIDE, Objects, _decode_level
from tests.cars import plate_box, street
from tests.networks import colours_of_red

VEHICLES = ("car", "motorcycle", "bus", "truck")


@cache
def network() -> Objects:
    return Objects()


def best(picture: Rgb, classes: tuple[str, ...] = VEHICLES) -> ObjectDetection:
    (found,) = network().detect([picture], 0.2, classes)
    return found[0]


def test_a_painted_car_is_a_vehicle_around_its_plate() -> None:
    for x, y, high in ((208, 160, 12), (110, 180, 16)):
        found = best(street(256, SIDE, x, y, high))
        assert found.score > 0.4
        assert found.box.contains(plate_box(x, y, high))
        assert found.box.iou(Box.around(x, y - 0.7 * 2.3 * high, 12.2 * high, 10.9 * high)) > 0.7


def test_the_network_gets_blue_first(monkeypatch: pytest.MonkeyPatch) -> None:
    assert colours_of_red(network(), monkeypatch) == [0, 0, 200]


def test_only_the_classes_that_are_asked_for_are_found() -> None:
    (found,) = network().detect([street()], 0.05)
    assert {one.name for one in found} - set(VEHICLES)
    (found,) = network().detect([street()], 0.05, VEHICLES)
    assert {one.name for one in found} <= set(VEHICLES)
    assert network().detect([street()], 0.05, ("unicorn",)) == [[]]
    assert network().detect([], 0.05) == []


def test_scores_reach_the_threshold_and_the_best_comes_first() -> None:
    (found,) = network().detect([street()], 0.1)
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= 0.1
    assert max(scores) <= 1


def test_a_batch_equals_one_by_one_and_any_size_is_taken() -> None:
    pictures = [street(), np.zeros((256, SIDE, 3), np.uint8), street(300, 330), street()[:1, :1]]
    together = network().detect(pictures, 0.2)
    for there, picture in zip(together, pictures, strict=True):
        (alone,) = network().detect([picture], 0.2)
        assert [one.name for one in there] == [one.name for one in alone]
        assert all(
            a.score == pytest.approx(b.score, abs=1e-3) for a, b in zip(there, alone, strict=True)
        )
    assert together[0]
    assert not together[1]


def test_one_object_is_found_once_in_its_class() -> None:
    (found,) = network().detect([street()], 0.05)
    for i, one in enumerate(found):
        same = [other for other in found[:i] if other.name == one.name]
        assert all(other.box.iou(one.box) <= 0.61 for other in same)


def test_sides_are_the_means_of_their_distributions() -> None:
    scores = np.zeros((80, 2, 3), np.float32)
    scores[2, 1, 2] = 0.5
    logs = np.full((4, _BINS, 2, 3), -50, np.float32)
    for side, bin_ in enumerate((1, 2, 3, 10)):
        logs[side, bin_] = 0
    logs[0, 2] = 0  # half at 1, half at 2
    level = _decode_level(8, scores, logs.reshape(-1, 2, 3), 0.4, range(80))
    (sides,), (score,), (class_,) = level
    assert sides == pytest.approx([20 - 12, 12 - 16, 20 + 24, 12 + 80], abs=1e-3)
    assert score == 0.5
    assert CLASSES[class_] == "car"
