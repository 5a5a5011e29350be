"""Pictures of odd shapes, from the file to the checked result."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from redact.api import redact_file
from redact.core.passes import Pass
from redact.core.recipe import Recipe

SIZES = [(1, 1), (1, 4000), (4000, 1), (600, 10), (3, 2000), (1200, 25)]
QUICK = Recipe(passes=(Pass("yunet", 320, 0.5),))


def noise(size: tuple[int, int], seed: int) -> Image.Image:
    width, height = size
    samples = np.random.default_rng(seed).integers(0, 256, (height, width, 3))
    return Image.fromarray(samples.astype(np.uint8))


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_thin_and_tiny_pictures_are_redacted(size: tuple[int, int], tmp_path: Path) -> None:
    noise(size, 0).save(path := tmp_path / "thin.png")
    done = redact_file(path, tmp_path / "out.png")
    with Image.open(done.output) as written:
        assert written.size == size
    assert done.verification is not None
    assert not done.verification.leaks


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("suffix", [".png", ".gif"])
def test_thin_and_tiny_animations_are_redacted(
    size: tuple[int, int], suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"thin{suffix}"
    first, *others = (noise(size, seed) for seed in range(4))
    first.save(path, save_all=True, append_images=others, duration=100)
    done = redact_file(path, tmp_path / f"out{suffix}", QUICK)
    assert done.frames == 4
    with Image.open(done.output) as written:
        assert written.size == size
