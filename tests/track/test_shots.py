from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from redact.core.frames import Grey
from redact.track.shots import ShotBoundaryFinder

ROWS, COLUMNS = 90, 160


def scene(seed: int, rows: int = ROWS, columns: int = COLUMNS) -> Grey:
    """Large and small patches, as streets and rooms have."""
    random = np.random.default_rng(seed)
    picture = np.zeros((rows, columns))
    for cell in (5, 15, 45):
        coarse = random.uniform(0, 255, (rows // cell + 2, columns // cell + 2))
        picture += np.kron(coarse, np.ones((cell, cell)))[:rows, :columns] / 3
    return picture.astype(np.uint8)


def mixed(one: Grey, other: Grey, share: float) -> Grey:
    return (one * (1 - share) + other * share).astype(np.uint8)


def noisy(grey: Grey, seed: int, strength: float) -> Grey:
    noise = np.random.default_rng(seed).normal(0, strength, grey.shape)
    return np.clip(grey + noise, 0, 255).astype(np.uint8)


def smeared(grey: Grey, length: int) -> Grey:
    """Blurred by a movement to the side."""
    return np.mean([np.roll(grey, i, axis=1) for i in range(length)], axis=0).astype(np.uint8)


def boundaries(greys: Sequence[Grey]) -> list[int]:
    finder = ShotBoundaryFinder()
    return [index for index, grey in enumerate(greys) if finder.is_boundary(grey)]


def standing(grey: Grey, count: int = 8) -> list[Grey]:
    """A few frames of one picture, as a sensor sees them."""
    return [noisy(grey, seed, 3) for seed in range(count)]


def test_a_still_camera_makes_no_cut() -> None:
    assert boundaries(standing(scene(1), 20)) == []


@pytest.mark.parametrize("seed", range(6))
def test_a_hard_cut_is_found_where_it_is(seed: int) -> None:
    assert boundaries([*standing(scene(seed)), *standing(scene(seed + 50))]) == [8]


def test_every_cut_of_a_row_of_shots_is_found() -> None:
    shots = [grey for seed in range(5) for grey in standing(scene(seed), 6)]
    assert boundaries(shots) == [6, 12, 18, 24]


def test_a_cut_back_to_an_earlier_shot_is_a_cut() -> None:
    assert boundaries([*standing(scene(1)), *standing(scene(2)), *standing(scene(1))]) == [8, 16]


@pytest.mark.parametrize("length", [1, 2, 3])
@pytest.mark.parametrize("share", [0.5, 0.9, 1.0])
def test_a_flash_is_no_cut(length: int, share: float) -> None:
    white = np.full((ROWS, COLUMNS), 255, np.uint8)
    flash = [mixed(scene(3), white, share)] * length
    assert boundaries([*standing(scene(3)), *flash, *standing(scene(3))]) == []


def test_a_change_of_the_light_is_no_cut() -> None:
    assert boundaries([*standing(scene(3)), *standing((scene(3) * 0.4).astype(np.uint8))]) == []


@pytest.mark.parametrize("frames", [8, 12, 25])
def test_a_cross_fade_is_no_cut(frames: int) -> None:
    fade = [mixed(scene(4), scene(5), i / frames) for i in range(1, frames)]
    assert boundaries([*standing(scene(4)), *fade, *standing(scene(5))]) == []


@pytest.mark.parametrize("speed", [5, 15, 30])
def test_a_whip_pan_is_no_cut(speed: int) -> None:
    wide = scene(6, columns=1200)
    steps = [0] * 8 + [speed * i for i in range(1, 13)] + [speed * 12] * 8
    views = [wide[:, step : step + COLUMNS] for step in steps]
    assert (
        boundaries([smeared(v, speed // 2) if 8 <= i < 20 else v for i, v in enumerate(views)])
        == []
    )


def test_a_fade_to_black_and_back_is_no_cut() -> None:
    shares = [*np.linspace(0, 1, 10), 1, 1, *np.linspace(1, 0, 10)]
    black = np.zeros((ROWS, COLUMNS), np.uint8)
    fade = [mixed(scene(7), black, share) for share in shares]
    assert boundaries([*standing(scene(7)), *fade, *standing(scene(7))]) == []


@pytest.mark.parametrize("strength", [10, 30])
def test_noise_is_no_cut(strength: float) -> None:
    assert boundaries([noisy(scene(8), seed, strength) for seed in range(20)]) == []


def test_a_thing_that_crosses_is_no_cut() -> None:
    frames = standing(scene(9), 20)
    for index, frame in enumerate(frames):
        right = (index - 2) * 12
        frame[:, max(0, right - 50) : max(0, right)] = 20
    assert boundaries(frames) == []


@pytest.mark.parametrize("value", [0, 128, 255])
def test_an_empty_picture_is_no_cut(value: int) -> None:
    assert boundaries([np.full((ROWS, COLUMNS), value, np.uint8)] * 10) == []


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 50), (50, 1), (31, 33), (11, 640), (640, 5), (1, 640)]
)
def test_pictures_of_any_size_can_be_compared(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 256, shape).astype(np.uint8)] * 5
    assert boundaries(pictures) == []


def test_two_finders_share_nothing() -> None:
    one, other = ShotBoundaryFinder(), ShotBoundaryFinder()
    found = [
        (one.is_boundary(a), other.is_boundary(b))
        for a, b in zip(standing(scene(1)), standing(scene(2)), strict=True)
    ]
    assert found == [(False, False)] * 8
