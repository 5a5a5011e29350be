"""Several styles in one picture: each draws its own, and none tells what another hides."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redact.core.geometry import Box, Region, Size
from redact.core.recipe import IRREVERSIBLE, recipe
from redact.hide.masks import plane_masks
from redact.hide.styles import make_style
from tests.painted import TURNS, painted, repainted, same

COVER = np.random.default_rng(8).integers(0, 256, (53, 37, 3), np.uint8)
SIZE = Size(61, 47)
TRIANGLE = ((0.0, 0.0), (1.0, 0.1), (0.3, 1.0))
LEFT, MIDDLE, RIGHT = Box(4, 8, 26, 36), Box(20, 12, 42, 40), Box(38, 6, 58, 34)
STYLES = ("blur", "solid", "pixelate", "cover", "gaussian", "mosaic")


def drawn(picture, regions, name="blur"):
    make_style(recipe(style="solid"), name, COVER).hide(copy := picture.copy(), regions)
    return copy


def leaks(picture, regions, name="blur") -> bool:
    """Whether noise under the irreversible regions changes one bit of what is drawn."""
    secret = [r for r in regions if (r.style or name) in IRREVERSIBLE or r.text]
    noisy = repainted(picture, plane_masks(picture, secret), seed=99)
    return not same(drawn(picture, regions, name), drawn(noisy, regions, name))


@pytest.mark.parametrize(("one", "two"), list(itertools.permutations(STYLES, 2)))
def test_r1_for_every_pair_of_styles_beside_and_over_each_other(one: str, two: str) -> None:
    for layout in ("yuv420p", "rgba"):
        for other in (MIDDLE, RIGHT):
            regions = [Region(LEFT, 0.5, style=one), Region(other, 1.0, style=two)]
            assert not leaks(painted(SIZE, layout), regions), (layout, other)


shares = st.integers(0, 16).map(lambda n: n / 16)


@st.composite
def any_regions(draw: st.DrawFn) -> Region:
    box = Box.around(*(draw(st.floats(low, high)) for low, high in
                       ((-20, 80), (-20, 70), (0, 60), (0, 60))))  # fmt: skip
    corners = draw(st.just(()) | st.lists(st.tuples(shares, shares), min_size=3, max_size=6))
    return Region(
        box,
        draw(st.floats(0, 1)),
        text=draw(st.booleans()),
        corners=tuple(corners),
        style=draw(st.none() | st.sampled_from(STYLES)),
    )


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(IRREVERSIBLE)),
    st.sampled_from(["yuv420p", "nv12", "rgb", "gray"]),
    st.sampled_from(TURNS),
    st.lists(any_regions(), max_size=6),
)
def test_r1_for_any_mixture_of_styles_and_shapes(name, layout, turn, regions) -> None:
    assert not leaks(painted(SIZE, layout, turn=turn), regions, name)


def test_each_region_is_drawn_in_its_own_style_and_the_others_in_the_usual_one() -> None:
    picture = painted(SIZE, "yuv420p")
    boxes = [Box(2, 2, 16, 16), Box(30, 2, 44, 16), Box(2, 28, 16, 42), Box(30, 28, 44, 42)]
    names = [None, "solid", "pixelate", "cover"]
    regions = [Region(box, style=name) for box, name in zip(boxes, names, strict=True)]
    result = drawn(picture, regions)
    for region in regions:
        alone = drawn(picture, [region])
        masks = plane_masks(picture, [region])
        for one, other, mask in zip(result.planes(), alone.planes(), masks, strict=True):
            if region.style in ("solid", "cover"):
                assert np.array_equal(one.samples[mask], other.samples[mask])
            else:
                assert np.abs(one.samples[mask].astype(int) - other.samples[mask]).mean() < 25
    luma, before = (p.planes()[0].samples[2:16, 30:44] for p in (result, picture))
    assert np.ptp(luma) == 0 < np.ptp(before)


@pytest.mark.parametrize("name", ["blur", "solid", "pixelate", "cover", "gaussian", "mosaic"])
def test_one_style_for_all_is_the_same_said_either_way(name: str) -> None:
    picture = painted(SIZE, "yuv420p")
    plain = [Region(LEFT, 0.5), Region(RIGHT, corners=TRIANGLE), Region(MIDDLE, text=True)]
    said = [replace(region, style=name) for region in plain]
    assert same(drawn(picture, plain, name), drawn(picture, said, "blur"))


def test_characters_get_one_colour_in_any_style_of_their_own_but_a_cover() -> None:
    picture = painted(SIZE, "yuv420p")
    for name in ("blur", "pixelate", "gaussian", "mosaic", "solid"):
        result = drawn(picture, [Region(LEFT, text=True, style=name)])
        assert np.ptp(result.planes()[0].samples[10:34, 6:24]) == 0, name
    result = drawn(picture, [Region(LEFT, text=True, style="cover")])
    assert np.ptp(result.planes()[0].samples[10:34, 6:24]) > 50
