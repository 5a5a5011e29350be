"""What is new in a picture, and what has merely moved."""

from __future__ import annotations

import numpy as np
import pytest

from redact.core.frames import Grey
from redact.core.passes import Pass
from redact.core.recipe import PROFILES
from redact.detect.novelty import NoveltyWatch, find_restless, main_passes


def scene(seed: int, height: int = 360, width: int = 640, contrast: int = 255) -> Grey:
    """A picture of large patches, as of things."""
    patches = np.random.default_rng(seed).integers(0, contrast, (height // 72, width // 80))
    sharp = np.kron(patches, np.ones((72, 80)))
    soft = np.mean([np.roll(sharp, n, (0, 1)) for n in range(-24, 25, 4)], axis=0)
    return soft.astype(np.uint8)


def is_new(before: Grey, after: Grey, gain: float = 1.0) -> bool:
    watch = NoveltyWatch()
    watch.take(before)
    return watch.is_new(after, gain)


def test_the_first_picture_is_new() -> None:
    assert NoveltyWatch().is_new(scene(1))


@pytest.mark.parametrize("size", [(360, 640), (640, 360), (90, 640), (36, 48), (5, 640), (1, 1)])
def test_another_scene_is_new_and_the_same_is_not(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (*size, 2)).astype(np.uint8)
    smooth = [np.sort(noise[..., n], axis=1) for n in (0, 1)]
    assert not is_new(smooth[0], smooth[0])
    assert is_new(np.full(size, 40, np.uint8), np.full(size, 90, np.uint8))


@pytest.mark.parametrize("moved", [(0, 30), (24, 0), (-18, -36)])
def test_what_moved_a_little_is_nothing_new(moved: tuple[int, int]) -> None:
    before = scene(1)
    assert not is_new(before, np.roll(before, moved, (0, 1)))


@pytest.mark.parametrize(("share", "new"), [(0.05, False), (0.5, True), (1.0, True)])
def test_it_takes_much_that_is_new(share: float, new: bool) -> None:
    before, after = scene(1), scene(1)
    columns = round(share * 640)
    after[:, :columns] = scene(2)[:, :columns]
    assert is_new(before, after) == new


def test_dark_pictures_are_compared_as_detectors_see_them() -> None:
    dark, other = scene(1, contrast=24), scene(2, contrast=24)
    assert not is_new(dark, other)
    assert is_new(dark, other, gain=10.0)


def test_a_picture_is_compared_with_the_last_one_that_was_taken() -> None:
    watch = NoveltyWatch()
    watch.take(scene(1))
    assert watch.is_new(scene(2))
    assert not watch.is_new(scene(1))
    watch.take(scene(2))
    assert not watch.is_new(scene(2))


@pytest.mark.parametrize(("profile", "every"), [("fast", 2), ("balanced", 3), ("thorough", 2)])
def test_the_most_frequent_pass_of_each_kind_is_run(profile: str, every: int) -> None:
    faces, plates = main_passes(PROFILES[profile].passes)
    assert (str(faces.kind), faces.every, faces.quarters) == ("face", every, 0)
    assert (str(plates.kind), plates.above) == ("plate", 0)


def test_without_such_a_pass_there_is_none() -> None:
    assert main_passes([Pass("yunet", 320, 0.5, quarters=1)]) == []


def test_only_frames_amid_new_ones_are_restless() -> None:
    compared = [(n, 30 <= n < 90) for n in range(120) if n % 3]
    restless = find_restless(compared)
    assert {*range(45, 75)} <= restless
    assert not restless & {*range(20), *range(100, 120)}
    assert find_restless([]) == frozenset()
    assert find_restless([(1, True), (2, True)]) == frozenset()  # too few to say so


def test_a_fast_ride_is_not_restless() -> None:
    assert not find_restless([(n, n % 2 == 0) for n in range(100)])
