from __future__ import annotations

from itertools import product

import pytest

from redact.core.frames import Colour

BLACK, WHITE, GREY = (0, 0, 0), (255, 255, 255), (128, 128, 128)
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)

LIMITED = {
    ("bt601", 8, BLACK): (16, 128, 128),
    ("bt601", 8, WHITE): (235, 128, 128),
    ("bt601", 8, RED): (81, 90, 240),
    ("bt601", 8, GREEN): (145, 54, 34),
    ("bt601", 8, BLUE): (41, 240, 110),
    ("bt709", 8, WHITE): (235, 128, 128),
    ("bt709", 8, RED): (63, 102, 240),
    ("bt709", 8, GREEN): (173, 42, 26),
    ("bt709", 8, BLUE): (32, 240, 118),
    ("bt2020", 8, RED): (74, 97, 240),
    ("bt2020", 8, GREEN): (164, 47, 25),
    ("bt2020", 8, BLUE): (29, 240, 119),
    ("bt709", 10, BLACK): (64, 512, 512),
    ("bt709", 10, WHITE): (940, 512, 512),
    ("bt709", 10, RED): (250, 409, 960),
    ("bt2020", 10, RED): (294, 387, 960),
}
"""Worked out by hand from the equations of ITU-T H.273."""

FULL = {
    ("bt601", 8, BLACK): (0, 128, 128),
    ("bt601", 8, WHITE): (255, 128, 128),
    ("bt601", 8, GREY): (128, 128, 128),
    ("bt601", 8, RED): (76, 85, 255),
    ("bt601", 8, GREEN): (150, 44, 21),
    ("bt601", 8, BLUE): (29, 255, 107),
    ("bt709", 10, WHITE): (1023, 512, 512),
    ("bt709", 10, RED): (217, 395, 1023),
    ("bt2020", 10, GREEN): (694, 143, 42),
}


def yuv(colour: Colour, rgb: tuple[int, int, int]) -> tuple[int, ...]:
    return tuple(colour.sample(channel, rgb) for channel in "yuv")


@pytest.mark.parametrize(("given", "values"), LIMITED.items(), ids=str)
def test_limited_range(given: tuple, values: tuple[int, int, int]) -> None:
    matrix, bits, rgb = given
    assert yuv(Colour(bits, False, matrix), rgb) == values


@pytest.mark.parametrize(("given", "values"), FULL.items(), ids=str)
def test_full_range(given: tuple, values: tuple[int, int, int]) -> None:
    matrix, bits, rgb = given
    assert yuv(Colour(bits, True, matrix), rgb) == values


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_red_green_and_blue_fill_the_scale(bits: int) -> None:
    colour = Colour(bits)
    assert colour.top == 2**bits - 1
    assert [colour.sample(c, (255, 0, 255)) for c in "rgb"] == [colour.top, 0, colour.top]


def test_eight_bits_are_kept_as_they_are() -> None:
    assert all(Colour().sample("g", (0, value, 0)) == value for value in range(256))


@pytest.mark.parametrize("bits", [8, 10])
def test_whatever_is_drawn_is_opaque(bits: int) -> None:
    assert Colour(bits).sample("a", BLACK) == 2**bits - 1


@pytest.mark.parametrize("matrix", ["bt601", "bt709", "bt2020"])
@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("bits", [8, 10, 12])
def test_no_colour_leaves_the_scale(matrix: str, full: bool, bits: int) -> None:
    colour = Colour(bits, full, matrix)
    unit = 1 << (bits - 8)
    foot, luma, chroma = (
        (0, colour.top, colour.top) if full else (16 * unit, 235 * unit, 240 * unit)
    )
    for rgb in product((0, 17, 128, 255), repeat=3):
        y, u, v = yuv(colour, rgb)
        assert foot <= y <= luma
        assert foot <= u <= chroma
        assert foot <= v <= chroma
