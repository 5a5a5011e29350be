from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from redact.core.frames import Grey
from redact.detect.stillness import StillnessWatch, has_changed

ROWS, COLUMNS = 180, 320


def room(seed: int = 1) -> Grey:
    """A picture with structure everywhere."""
    coarse = np.random.default_rng(seed).integers(60, 190, (ROWS // 20, COLUMNS // 20))
    return np.kron(coarse, np.ones((20, 20))).astype(np.uint8)


def with_patch(picture: Grey, side: int, step: int, top: int = 90, left: int = 150) -> Grey:
    """A square made brighter."""
    other = picture.copy()
    other[top : top + side, left : left + side] += np.uint8(step)
    return other


def find_changes(pictures: Sequence[Grey], max_age: float = 1.5, gain: float = 1.0) -> list[bool]:
    watch = StillnessWatch(max_age)
    return [watch.is_new(grey, Fraction(n, 25), gain) for n, grey in enumerate(pictures)]


def test_a_picture_that_stays_is_new_once_and_whenever_the_time_is_over() -> None:
    runs = np.flatnonzero(find_changes([room()] * 200))
    assert runs[0] == 0
    assert len(runs) > 1
    assert np.diff(runs).max() <= 1.5 * 25


def test_no_gap_is_longer_than_the_bound_for_a_pass_over_every_few_frames() -> None:
    watch = StillnessWatch(1.5)
    times = [Fraction(n * 12, 25) for n in range(30)]
    runs = [time for time in times if watch.is_new(room(), time)]
    assert max(b - a for a, b in pairwise(runs)) <= Fraction(3, 2)
    assert len(runs) < len(times)


def test_without_a_bound_nothing_is_left_out() -> None:
    assert all(find_changes([room()] * 5, max_age=0.0))


@pytest.mark.parametrize(("top", "left"), [(0, 0), (0, COLUMNS - 4), (ROWS - 4, COLUMNS - 4)])
def test_what_appears_in_a_corner_is_a_change(top: int, left: int) -> None:
    assert find_changes([room(), with_patch(room(), 4, 25, top, left)])[1]


@pytest.mark.parametrize("side", [2, 3, 5, 40])
def test_a_face_of_any_size_is_a_change(side: int) -> None:
    assert find_changes([room(), with_patch(room(), side, 20)])[1]


def test_what_fades_in_slowly_is_a_change_before_it_is_clear() -> None:
    fading = [with_patch(room(), 16, step) for step in range(30)]
    assert any(find_changes(fading)[1:10])
    soft = [with_patch(room(), 16, step // 5) for step in range(36)]
    assert any(find_changes(soft)[1:30]), "a fifth of a step a frame"


def test_what_fades_out_and_in_again_is_compared_with_the_last_run() -> None:
    steps = [0, 20, 20, 0, 0]
    assert find_changes([with_patch(room(), 8, step) for step in steps]) == [
        True,
        True,
        False,
        True,
        False,
    ]


def test_a_flicker_is_a_change_and_so_is_its_end() -> None:
    bright = (room() + 3).astype(np.uint8)
    assert find_changes([room(), bright, room(), room()]) == [True, True, True, False]


def test_a_still_picture_written_by_an_encoder_is_no_change() -> None:
    random = np.random.default_rng(5)
    noise = [np.rint(random.normal(0, 0.8, room().shape)) for _ in range(6)]
    assert find_changes([(room() + n).astype(np.uint8) for n in noise])[1:] == [False] * 5


def test_noise_is_always_a_change() -> None:
    random = np.random.default_rng(5)
    noise = [np.rint(random.normal(0, 3, room().shape)) for _ in range(6)]
    assert all(find_changes([(room() + n).astype(np.uint8) for n in noise]))


def test_in_the_dark_a_smaller_change_counts() -> None:
    dark = (room() // 10).astype(np.uint8)
    pair = [dark, with_patch(dark, 6, 3)]
    assert find_changes(pair) == [True, False]
    assert find_changes(pair, gain=6.0) == [True, True]


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (9, 17), (360, 640)])
def test_pictures_of_any_shape_are_compared_to_their_last_pixel(shape: tuple[int, int]) -> None:
    before = np.full(shape, 100, np.uint8)
    after = before.copy()
    assert not has_changed(before, after)
    after[-1, -1] = 120
    assert has_changed(before, after)
    assert has_changed(after, before)
