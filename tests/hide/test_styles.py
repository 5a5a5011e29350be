"""Every style on every layout: clipped, local, and irreversible where it says so."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redact.core.coverage import Coverage
from redact.core.findings import Kind
from redact.core.frames import upright
from redact.core.geometry import Box, Region, Size, Turn
from redact.core.interfaces import Style
from redact.core.recipe import IRREVERSIBLE, StyleName, recipe
from redact.errors import RecipeError
from redact.hide.masks import plane_masks, size_mask
from redact.hide.styles import STYLES, make_style
from redact.hide.styles.cover import Cover
from redact.hide.styles.reversible import Gaussian, Mosaic
from tests.painted import (
    LAYOUTS,
    TURNS,
    PaintedPicture,
    flat,
    painted,
    repainted,
    same,
)

REACH = 0.08
"""Share of a region's size within which visible pixels may change."""

SIZE = Size(61, 47)

REGIONS = {
    "inside": [Region.holding(Box(20, 12, 40, 36), 0.25)],
    "border": [Region(Box(-8, -6, 14, 20), 0.7)],
    "corner": [Region(Box(50, 40, 90, 80), 1.0)],
    "pixel": [Region(Box(30, 20, 31, 21))],
    "point": [Region(Box(30.5, 20.5, 30.5, 20.5), 1.0)],
    "last": [Region(Box(60.2, 46.2, 61, 47))],
    "outside": [Region(Box(-30, -30, -2, -2)), Region(Box(200, 5, 240, 30), 1.0)],
    "neighbours": [Region(Box(10, 10, 24, 30)), Region(Box(29, 10, 43, 30), 1.0)],
    "overlapping": [Region(Box(10, 10, 30, 30), 1.0), Region(Box(25, 15, 45, 40), 0.4)],
    "many": [Region(Box(x, y, x + 5, y + 7), 0.8) for x in (2, 20, 41) for y in (3, 25)],
    "whole": [Region(Box(-1, -1, 70, 70))],
    "all but a corner": [Region(Box(-60, -60, 58, 44))],
    "none": [],
}


PICTURE = np.random.default_rng(8).integers(0, 256, (53, 37, 3), np.uint8)
"""What `cover` draws."""

NAMES: tuple[StyleName, ...] = (*STYLES, "cover")  # type: ignore[arg-type]


def made(name: StyleName, colour: str = "#205080") -> Style:
    """The style alone, without its way with characters."""
    return Cover(PICTURE) if name == "cover" else STYLES[name](recipe(style=name, colour=colour))


def whole_style(name: StyleName, colour: str = "#205080") -> Style:
    """The same with it."""
    return make_style(recipe(style=name, colour=colour), cover=PICTURE)


def hidden_by(name: StyleName, picture: PaintedPicture, regions) -> PaintedPicture:
    """A copy with the regions drawn over."""
    drawn = picture.copy()
    made(name).hide(drawn, regions)
    return drawn


def depends_on_hidden(style, picture: PaintedPicture, regions) -> bool:
    """Whether noise under the regions changes one bit of what is drawn."""
    other = repainted(picture, plane_masks(picture, regions), seed=99)
    style.hide(one := picture.copy(), regions)
    style.hide(two := other, regions)
    return not same(one, two)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NAMES)
def test_regions_of_all_kinds_are_drawn_and_the_rest_is_untouched(name: StyleName, layout: str):
    picture = painted(SIZE, layout)
    for case, regions in REGIONS.items():
        drawn = hidden_by(name, picture, regions)
        near = plane_masks(picture, [grown(region) for region in regions])
        for before, after, mask in zip(picture.planes(), drawn.planes(), near, strict=True):
            assert after.samples.dtype == before.samples.dtype
            assert np.array_equal(before.samples[~mask], after.samples[~mask]), case


def grown(region: Region) -> Region:
    """Its box with the soft edge's reach and rounding added."""
    reach = REACH * max(1.0, region.box.area**0.5) + 4
    return Region(region.box.extended(reach, reach))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", sorted(IRREVERSIBLE))
def test_r1_over_layouts_and_regions(name: StyleName, layout: str):
    style = made(name)
    for case, regions in REGIONS.items():
        assert not depends_on_hidden(style, painted(SIZE, layout), regions), case


@pytest.mark.parametrize("bits", [8, 10, 16])
@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("name", sorted(IRREVERSIBLE))
def test_r1_over_depths_and_turns(name: StyleName, turn: Turn, bits: int):
    style = made(name)
    for layout in ("yuv420p", "yuv422p", "rgba"):
        picture = painted(SIZE, layout, bits, turn)
        for regions in REGIONS.values():
            assert not depends_on_hidden(style, picture, regions)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(IRREVERSIBLE)),
    st.sampled_from(["yuv420p", "nv12", "yuv411p", "rgb", "gray"]),
    st.builds(Size, st.integers(1, 90), st.integers(1, 90)),
    st.sampled_from(TURNS),
    st.lists(
        st.builds(
            lambda x, y, w, h, r: Region(Box.around(x, y, w, h), r),
            *(st.floats(-20, 110), st.floats(-20, 110), st.floats(0, 80), st.floats(0, 80)),
            st.floats(0, 1),
        ),
        max_size=5,
    ),
)
def test_r1_for_any_regions(name, layout, size, turn, regions):
    picture = painted(size, layout, turn=turn)
    assert not depends_on_hidden(made(name), picture, regions)


def lettered(regions: Sequence[Region]) -> list[Region]:
    return [replace(region, text=True) for region in regions]


@pytest.mark.parametrize("layout", ["yuv420p", "nv12", "rgba", "gray"])
@pytest.mark.parametrize("name", NAMES)
def test_r1_for_characters_whatever_the_style(name: StyleName, layout: str):
    style = whole_style(name)
    for case, regions in REGIONS.items():
        assert not depends_on_hidden(style, painted(SIZE, layout), lettered(regions)), case


@pytest.mark.parametrize("name", sorted(IRREVERSIBLE))
def test_r1_for_faces_beside_and_over_characters(name: StyleName):
    style = whole_style(name)
    for x in (5, 18, 26, 40):
        mixed = [Region(Box(15, 10, 35, 24), text=True), Region(Box.around(x, 20, 18, 22), 1.0)]
        assert not depends_on_hidden(style, painted(SIZE, "yuv420p"), mixed), x


@pytest.mark.parametrize("name", ["gaussian", "mosaic"])
def test_a_reversible_style_sees_no_characters(name: StyleName):
    picture, plate = painted(SIZE), Region(Box(20, 12, 40, 26), text=True)
    other = repainted(picture, plane_masks(picture, [plate]), seed=99)
    regions = [plate, Region(Box(12, 6, 34, 36), 1.0)]
    whole_style(name).hide(picture, regions)
    whole_style(name).hide(other, regions)
    assert same(picture, other)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NAMES)
def test_r1_for_people_whatever_the_style(name: StyleName, layout: str):
    style = whole_style(name)
    for case, regions in REGIONS.items():
        people = [replace(region, fill=True) for region in regions]
        assert not depends_on_hidden(style, painted(SIZE, layout), people), case


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("name", sorted(IRREVERSIBLE))
def test_r1_for_the_region_of_every_kind(name: StyleName, kind: Kind):
    style, coverage = whole_style(name), Coverage()
    boxes = [Box(20, 12, 34, 32), Box(-4, 30, 9, 60), Box(36, 4, 40, 44)]
    for score in (0.0, 1.0):
        regions = [coverage.region(kind, box, score) for box in boxes]
        for layout in ("yuv420p", "nv12", "rgba", "gray"):
            for turn in TURNS:
                assert not depends_on_hidden(style, painted(SIZE, layout, turn=turn), regions)


@pytest.mark.parametrize("name", STYLES)
def test_characters_get_one_colour_and_faces_the_style(name: StyleName):
    picture, face = painted(SIZE, "rgb", seed=3), Region(Box(40, 20, 58, 44))
    plate = Box(4, 4, 30, 16)
    drawn = picture.copy()
    choices = recipe(style=name, colour="#205080")
    make_style(choices).hide(drawn, [Region(plate, text=True), face])
    part = drawn.painted[0].samples[4:16, 4:30]
    colour = (0x20, 0x50, 0x80) if name == "solid" else (128, 128, 128)
    assert (part == colour).all()
    inside = np.s_[24:40, 44:54]
    alone = hidden_by(name, picture, [face])
    assert np.allclose(drawn.painted[0].samples[inside], alone.painted[0].samples[inside], atol=12)


class OnePixelUsed:
    """A planted fault: the blur, made a little brighter by one hidden pixel."""

    def hide(self, picture, regions):
        masks = plane_masks(picture, regions)
        row, column = np.argwhere(masks[0])[0]
        peeked = int(picture.planes()[0].samples[row, column])
        STYLES["blur"](recipe()).hide(picture, regions)
        picture.planes()[0].samples[row, column] = peeked


def test_the_check_notices_one_hidden_pixel():
    assert depends_on_hidden(OnePixelUsed(), painted(SIZE), REGIONS["inside"])


@pytest.mark.parametrize("name", sorted(set(NAMES) - IRREVERSIBLE))
def test_reversible_styles_depend_on_what_they_hide(name: StyleName):
    assert depends_on_hidden(made(name), painted(SIZE), REGIONS["inside"])


@pytest.mark.parametrize("name", NAMES)
def test_hidden_alpha_becomes_opaque(name: StyleName):
    for layout in ("rgba", "ya", "yuva420p"):
        picture = painted(SIZE, layout)
        drawn = hidden_by(name, picture, REGIONS["inside"])
        plane, mask = drawn.planes()[-1], plane_masks(picture, REGIONS["inside"])[-1]
        alpha = plane.samples if plane.role == "a" else plane.samples[..., -1]
        assert (alpha[mask] == 255).all()


@pytest.mark.parametrize("layout", ["rgb", "yuv420p", "nv12", "gray"])
def test_solid_draws_its_colour_for_the_picture(layout: str):
    drawn = hidden_by("solid", painted(SIZE, layout), REGIONS["inside"])
    masks = plane_masks(drawn, REGIONS["inside"])
    expected = flat(SIZE, (0x20, 0x50, 0x80), layout)
    for plane, like, mask in zip(drawn.planes(), expected.planes(), masks, strict=True):
        assert np.array_equal(plane.samples[mask], like.samples[mask])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["blur", "pixelate", "gaussian", "mosaic"])
def test_one_colour_stays_that_colour(name: StyleName, layout: str):
    picture = flat(SIZE, (180, 90, 40), layout)
    for case, regions in REGIONS.items():
        if not (name in IRREVERSIBLE and case == "whole"):
            assert same(picture, hidden_by(name, picture, regions)), case


@pytest.mark.parametrize("layout", ["rgb", "yuv420p", "gray"])
@pytest.mark.parametrize("name", ["blur", "pixelate"])
def test_a_picture_hidden_as_a_whole_is_mid_grey(name: StyleName, layout: str):
    drawn = hidden_by(name, painted(SIZE, layout), REGIONS["whole"])
    assert same(drawn, flat(SIZE, (128, 128, 128), layout))


def test_blur_is_smooth_and_between_the_surroundings():
    picture = flat(Size(200, 200), (60, 60, 60), "gray")
    picture.planes()[0].samples[:, 100:] = 180
    drawn = hidden_by("blur", picture, [Region(Box(50, 50, 150, 150), 1.0)])
    luma = drawn.planes()[0].samples.astype(int)
    row = luma[100, 55:145]
    assert (np.diff(row) >= 0).all()
    assert np.diff(row).max() <= 6
    assert luma.min() >= 60
    assert luma.max() <= 180


def test_blur_hardly_changes_when_the_region_moves_by_a_pixel():
    random = np.random.default_rng(1)
    picture = flat(Size(300, 300), (120, 120, 120), "gray")
    luma = picture.planes()[0].samples
    luma[:] = np.clip(luma + random.normal(0, 30, luma.shape), 0, 255).astype(np.uint8)
    one, two = (
        hidden_by("blur", picture, [Region(Box(90 + x, 90, 190 + x, 200), 0.8)]).painted[0].samples
        for x in (0, 1)
    )
    core = size_mask([Region(Box(92, 92, 188, 198), 0.8)], Size(300, 300))
    assert np.abs(one.astype(int) - two)[core].mean() < 1.5


def test_pixelates_grid_stays_with_the_picture():
    picture = painted(Size(256, 256), "gray", seed=4)
    edges = []
    for shift in (0, 3, 7):
        region = Region(Box(60.0 + shift, 60, 180 + shift, 180))
        row = hidden_by("pixelate", picture, [region]).painted[0].samples[120, 70:170].astype(int)
        edges.append({int(at) % 16 for at in np.flatnonzero(np.diff(row)) + 71})
    assert set.union(*edges) <= {0}


@pytest.mark.parametrize("sigma", [0.0, 0.05, 0.1099, -1.0, float("nan")])
def test_weak_gaussians_are_refused(sigma: float):
    with pytest.raises(RecipeError, match="Gaussian"):
        Gaussian(sigma)


@pytest.mark.parametrize("cells", [0, 6, 20])
def test_fine_mosaics_are_refused(cells: int):
    with pytest.raises(RecipeError, match="mosaic"):
        Mosaic(cells)


@pytest.mark.parametrize("side", [8, 40, 160])
def test_a_mosaic_has_few_cells_that_move_with_the_region(side: int):
    picture = painted(Size(256, 256), "gray", seed=2)
    for shift in (0, 3):
        region = Region(Box(30.0 + shift, 30, 30.0 + shift + side, 30 + side))
        drawn = hidden_by("mosaic", picture, [region]).painted[0].samples
        inside = drawn[30 : 30 + side, 30 + shift : 30 + shift + side]
        changes = np.flatnonzero((np.diff(inside.astype(int), axis=1) != 0).any(axis=0)) + 1
        assert set(changes.tolist()) <= {side // 4, side // 2, side * 3 // 4}


@pytest.mark.parametrize("side", [20, 80, 240])
def test_a_gaussian_leaves_no_fine_contrast_at_any_size(side: int):
    picture = flat(Size(400, 400), (0, 0, 0), "gray")
    columns = np.arange(400)
    stripes = 128 + 100 * np.sin(columns * 2 * np.pi * 8 / side)  # 8 cycles a face
    picture.planes()[0].samples[:] = stripes.astype(np.uint8)
    region = Region(Box(80, 80, 80 + side, 80 + side))
    drawn = hidden_by("gaussian", picture, [region]).painted[0].samples
    assert np.ptp(drawn[80 + side // 2, 80 : 80 + side].astype(int)) < 12


# A picture of one's own


@pytest.mark.parametrize("turn", TURNS)
def test_a_cover_stands_upright_and_fills_its_box(turn: Turn):
    quarters = np.zeros((64, 64, 3), np.uint8)
    colours = ((250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0))
    corners = (slice(None, 32), slice(32, None))
    for number, colour in enumerate(colours):
        quarters[corners[number // 2], corners[number % 2]] = colour
    picture = painted(Size(80, 60), "rgb", turn=turn)
    box = Box(10, 8, 50, 48)
    Cover(quarters).hide(picture, [Region(box)])
    shown = upright(picture.planes()[0].samples, turn)
    for number, colour in enumerate(colours):
        y, x = (int(box.top) + 5, int(box.bottom) - 6), (int(box.left) + 5, int(box.right) - 6)
        assert tuple(shown[y[number // 2], x[number % 2]]) == colour
    assert tuple(shown[8, 10]) == colours[0]
    assert tuple(shown[47, 49]) == colours[3]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("bits", [8, 10])
def test_a_cover_of_one_colour_is_solid(layout: str, bits: int):
    plain = Cover(np.full((5, 9, 3), (0x20, 0x50, 0x80), np.uint8))
    for case, regions in REGIONS.items():
        one, other = painted(SIZE, layout, bits), painted(SIZE, layout, bits)
        plain.hide(one, regions)
        made("solid").hide(other, regions)
        for a, b in zip(one.planes(), other.planes(), strict=True):
            assert np.abs(a.samples.astype(int) - b.samples).max() <= 1, case


def test_a_cover_moves_with_its_box_without_jumps():
    slope = np.repeat(np.arange(0, 256, 2, np.uint8)[None, :, None], 3, 2).repeat(40, 0)
    rows = []
    for shift in (0.0, 0.25, 0.5, 0.75, 1.0):
        picture = flat(Size(200, 80), (0, 0, 0), "gray")
        Cover(slope).hide(picture, [Region(Box(20 + shift, 10, 150 + shift, 60))])
        rows.append(picture.planes()[0].samples[30, 40:130].astype(int))
    steps = [np.abs(b - a).max() for a, b in itertools.pairwise(rows)]
    assert max(steps) <= 1


def test_without_its_picture_there_is_no_cover():
    with pytest.raises(RecipeError, match="--cover"):
        make_style(recipe(style="cover"))
