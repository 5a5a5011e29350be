"""What chance makes of the correlation of two fine structures, and what it does not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from redact.hide.masks import Field
from redact.verify.chance import standard_score


def grain(seed: int, side: int, smooth: float) -> Field:
    """Noise that is smooth over so many pixels, without its slow changes."""
    noise = np.random.default_rng(seed).normal(0, 8, (side, side)).astype(np.float32)
    even = cv2.GaussianBlur(noise, (0, 0), smooth) if smooth else noise
    return np.asarray(even - cv2.blur(even, (5, 5)), np.float32)


@pytest.mark.parametrize(("smooth", "least"), [(0.0, 0.4), (1.0, 0.8), (2.0, 0.8)])
@pytest.mark.parametrize("side", [12, 24, 60])
def test_of_unrelated_fields_the_score_is_standard_whatever_their_size_and_smoothness(
    side: int, smooth: float, least: float
) -> None:
    mask = np.ones((side, side), bool)
    mask[: side // 3, : side // 3] = False
    scores = [
        standard_score(grain(2 * n, side, smooth), grain(2 * n + 1, side, 1.0), mask)
        for n in range(300)
    ]
    assert abs(np.mean(scores)) < 0.2
    assert least < np.std(scores) < 1.2  # white noise is doubted more than it must be
    assert max(scores) < 4.5


@pytest.mark.parametrize(("side", "least"), [(12, 3), (24, 7), (60, 20)])
def test_of_one_field_and_its_noisy_copy_it_is_far_beyond_chance(side: int, least: float) -> None:
    mask = np.ones((side, side), bool)
    for seed in range(20):
        original = grain(seed, side, 0.7)
        copy = original + 0.3 * grain(1000 + seed, side, 0.0)
        assert standard_score(original, copy, mask) > least


def test_a_flat_field_tells_nothing() -> None:
    flat, mask = np.zeros((20, 20), np.float32), np.ones((20, 20), bool)
    assert standard_score(flat, grain(1, 20, 1.0), mask) == 0
    assert standard_score(grain(1, 20, 1.0), flat, mask) == 0
    assert standard_score(grain(1, 20, 1.0), grain(1, 20, 1.0), ~mask) == 0
