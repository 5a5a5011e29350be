"""A picture of many colours keeps its look with the few of a GIF's palette."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from redact.core.frames import Samples
from redact.media.stills.palettes import PALETTE_COLOURS, reduce_colours, to_indices


def opaque(colours: Samples) -> Samples:
    return np.dstack([colours, np.full(colours.shape[:2], 255, np.uint8)])


def photograph(seed: int) -> Samples:
    """(128, 160, 3): patches of all colours, soft and rough ones."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (8, 10, 3), np.uint8)
    soft = cv2.resize(small, (160, 128), interpolation=cv2.INTER_CUBIC).astype(np.int64)
    soft[:, 80:] += random.integers(-30, 31, (128, 80, 3))
    return soft.clip(0, 255).astype(np.uint8)


def few_colours(picture: Samples) -> Samples:
    """As a GIF holds it: 200 colours, dithered."""
    found = reduce_colours(opaque(picture))[..., :3]
    commonest = np.unique(found.reshape(-1, 3), axis=0)[::2]
    apart = np.square(picture[:, :, None].astype(int) - commonest[None, None]).sum(axis=3)
    return np.asarray(commonest[apart.argmin(axis=2)], np.uint8)


def means(picture: Samples) -> np.ndarray:
    """Of blocks of 16 pixels."""
    height, width = picture.shape[:2]
    size = width // 16, height // 16
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(int)


@pytest.mark.parametrize("seed", range(4))
def test_areas_keep_their_colour(seed: int) -> None:
    picture = photograph(seed)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 1000
    found = reduce_colours(opaque(picture))
    assert len(np.unique(found.reshape(-1, 4), axis=0)) <= PALETTE_COLOURS
    assert np.abs(means(picture) - means(found[..., :3])).max() <= 6


@pytest.mark.parametrize("seed", range(4))
def test_a_blur_takes_no_colours_from_the_rest(seed: int) -> None:
    """A face that was hidden softly has hundreds of colours that the palette had no room for."""
    picture = few_colours(photograph(seed))
    hidden = picture.copy()
    hidden[32:96, 32:96] = cv2.GaussianBlur(picture[32:96, 32:96], (0, 0), 9)
    found = reduce_colours(opaque(hidden))[..., :3]
    assert np.abs(means(hidden) - means(found)).max() <= 8
    rest = np.ones(picture.shape[:2], bool)
    rest[32:96, 32:96] = False
    changed = np.abs(found.astype(int) - picture).max(axis=2)[rest]
    assert np.mean(changed > 24) < 0.05


def test_few_colours_stay_as_they_are() -> None:
    picture = opaque(few_colours(photograph(1)))
    picture[:20, :20, 3] = 0
    found = reduce_colours(picture)
    assert np.array_equal(found[20:], picture[20:])
    assert not found[:20, :20].any()
    indices, palette = to_indices(found)
    assert (indices[:20, :20] == PALETTE_COLOURS).all()
    colours = np.frombuffer(palette, np.uint8).reshape(-1, 3)
    assert np.array_equal(colours[indices[20:]], picture[20:, :, :3])
