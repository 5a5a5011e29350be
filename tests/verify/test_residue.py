"""What an output keeps of its source: nothing inside of what is hidden, everything outside."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from redact.core.geometry import Box, Region, Size, Turn
from redact.core.recipe import recipe
from redact.hide.styles import STYLES
from redact.verify.residue import INSIDE, OUTSIDE, Residue, identical, residue
from tests.painted import PaintedPicture, painted

REGION = Region(Box(40, 30, 120, 110), 0.9)


def hidden(style: str, picture: PaintedPicture) -> PaintedPicture:
    copy = picture.copy()
    STYLES[style](recipe(style=style)).hide(copy, [REGION])
    return copy


def noisy(picture: PaintedPicture, deviation: float) -> PaintedPicture:
    """As a lossy encoder leaves it, about."""
    copy = picture.copy()
    random = np.random.default_rng(9)
    for plane in copy.planes():
        values = plane.samples + random.normal(0, deviation, plane.samples.shape)
        plane.samples[...] = np.clip(values, 0, picture.colour.top).astype(plane.samples.dtype)
    return copy


@pytest.mark.parametrize("style", ["blur", "solid", "pixelate"])
@pytest.mark.parametrize("layout", ["yuv420p", "yuv422p", "yuv444p", "gbrp", "rgb", "gray"])
@pytest.mark.parametrize("bits", [8, 10])
def test_a_redacted_picture_keeps_nothing_inside_and_all_outside(
    style: str, layout: str, bits: int
) -> None:
    picture = painted(Size(160, 140), layout, bits)
    found = residue(picture, noisy(hidden(style, picture), 2.0 * 2 ** (bits - 8)), [REGION])
    assert found.inside < INSIDE
    assert not found.shows
    assert found.outside < OUTSIDE


@pytest.mark.parametrize("turn", [Turn(), Turn(1), Turn(2, mirrored=True), Turn(3)])
def test_a_region_that_was_not_drawn_is_found(turn: Turn) -> None:
    size = turn.upright_size(Size(160, 140))
    picture = painted(size, turn=turn)
    found = residue(picture, noisy(picture, 3), [REGION])
    assert found.inside > INSIDE
    ((box, correlation),) = found.shows
    assert correlation == found.inside
    assert box.iou(REGION.box) > 0.99
    assert residue(picture, noisy(picture, 3), []).inside == 0


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_region_that_is_half_seen_through_is_found(share: float) -> None:
    picture = painted(Size(160, 140), "gray")
    faint = hidden("solid", picture)
    mixed = share * picture.planes()[0].samples + (1 - share) * faint.planes()[0].samples
    faint.planes()[0].samples[...] = mixed.astype(np.uint8)
    assert residue(picture, noisy(faint, 1), [REGION]).inside > INSIDE


def test_a_small_part_that_shows_is_found() -> None:
    picture = painted(Size(160, 140), "gray")
    output = hidden("blur", picture)
    part = (slice(50, 84), slice(60, 94))
    output.planes()[0].samples[part] = picture.planes()[0].samples[part]
    assert residue(picture, noisy(output, 2), [REGION]).inside > INSIDE


@pytest.mark.parametrize(("side", "found"), [(26, False), (80, True)])
def test_a_small_region_that_resembles_the_source_by_chance_is_no_leak(
    side: int, found: bool
) -> None:
    """Of thousands of small regions of a video one or another does, by a half and a little more."""
    picture = dim(8)
    region = Region(Box(40, 30, 40 + side, 30 + side))
    grain = picture.planes()[0].samples - 20.0
    other = np.random.default_rng(5).normal(0, 8, grain.shape)
    output = picture.copy()
    output.planes()[0].samples[...] = np.clip(20 + 0.6 * grain + 0.8 * other, 0, 255)
    left = residue(picture, output, [region])
    assert (left.inside > INSIDE) == found
    assert left.inside > 0.7 * INSIDE  # it is compared
    assert residue(picture, noisy(picture, 3), [region]).inside > INSIDE


def dim(deviation: float) -> PaintedPicture:
    """A picture at dusk: one dark tone, and a grain in it."""
    picture = painted(Size(160, 140), "gray")
    grain = np.random.default_rng(4).normal(0, deviation, picture.planes()[0].samples.shape)
    picture.planes()[0].samples[...] = np.clip(np.rint(20 + grain), 0, 255)
    return picture


def test_what_rounding_leaves_of_a_dim_picture_is_no_leak() -> None:
    picture = dim(1.8)
    output = hidden("solid", picture)
    samples = picture.planes()[0].samples
    output.planes()[0].samples[40:100, 50:110] += samples[40:100, 50:110] > 22  # one step of 255
    assert residue(picture, output, [REGION]).inside == 0


def test_a_dim_region_that_was_not_drawn_is_found() -> None:
    picture = dim(1.8)
    assert residue(picture, picture.copy(), [REGION]).inside > INSIDE


def test_damage_outside_is_found() -> None:
    picture = painted(Size(160, 140), "gray")
    output = hidden("blur", picture)
    output.planes()[0].samples[120:140, 140:160] = 255
    assert residue(picture, output, [REGION]).outside > OUTSIDE


def see_through(layout: str) -> tuple[PaintedPicture, np.ndarray]:
    """A picture of which the right half is transparent, and its opacity."""
    picture = painted(Size(160, 140), layout)
    plane = picture.planes()[-1]
    opacity = plane.samples[..., -1] if plane.samples.ndim == 3 else plane.samples
    opacity[:] = 255
    opacity[:, 80:] = 0
    return picture, opacity


@pytest.mark.parametrize("layout", ["rgba", "ya", "yuva420p"])
def test_what_nobody_sees_may_have_any_colour(layout: str) -> None:
    picture, _ = see_through(layout)
    output = picture.copy()
    samples = output.planes()[0].samples
    (samples[..., :-1] if samples.ndim == 3 else samples)[:, 80:] = 0
    assert residue(picture, output, []).outside == 0
    (samples[..., :-1] if samples.ndim == 3 else samples)[:32, :32] = 0
    assert residue(picture, output, []).outside > OUTSIDE


@pytest.mark.parametrize("layout", ["rgba", "ya", "yuva420p"])
def test_opacity_that_changes_is_found(layout: str) -> None:
    picture, _ = see_through(layout)
    output = picture.copy()
    plane = output.planes()[-1].samples
    (plane[..., -1] if plane.ndim == 3 else plane)[:, 128:] = 255
    assert residue(picture, output, []).outside > OUTSIDE


@pytest.mark.parametrize("size", [Size(160, 140), Size(162, 133)])
def test_damage_in_the_last_corner_is_found_unless_a_region_lies_there(size: Size) -> None:
    picture = painted(size)
    output = picture.copy()
    output.planes()[0].samples[-6:, -6:] ^= 128
    corner = Region(Box(size.width - 8, size.height - 8, size.width, size.height))
    assert residue(picture, output, [REGION]).outside > OUTSIDE
    assert residue(picture, output, [REGION, corner]).outside == 0


@pytest.mark.parametrize("box", [Box(0, 0, 1, 1), Box(-20, -20, 3, 3), Box(158, 0, 200, 140)])
def test_tiny_and_outlying_regions_do_no_harm(box: Box) -> None:
    picture = painted(Size(161, 141))
    residue(picture, picture.copy(), [Region(box)])


@pytest.mark.parametrize("layout", ["yuv420p", "nv12", "yuv444p", "gbrp", "rgb", "gray"])
@pytest.mark.parametrize("bits", [8, 10])
def test_pictures_are_the_same_only_to_the_last_bit_of_every_plane(layout: str, bits: int) -> None:
    picture = painted(Size(35, 29), layout, bits)
    assert identical(picture, picture.copy())
    assert residue(picture, picture.copy(), []) == Residue()
    for number, _ in enumerate(picture.planes()):
        other = picture.copy()
        other.planes()[number].samples[-1, -1] ^= 1
        assert not identical(picture, other)


def test_other_shapes_turns_and_colours_are_not_the_same() -> None:
    picture = painted(Size(35, 29))
    for other in (
        painted(Size(29, 35)),
        painted(Size(35, 29), "yuv444p"),
        painted(Size(35, 29), turn=Turn(2)),
        painted(Size(35, 29), bits=10),
    ):
        assert not identical(picture, other)


@pytest.mark.parametrize("style", ["pixelate", "blur", "solid"])
def test_what_a_style_draws_by_itself_is_not_taken_for_the_source(style: str) -> None:
    """Blocks that lie where a plain face has its shades correlate with it by chance."""
    picture = painted(Size(160, 140), "gray")
    drawn = STYLES[style](recipe())
    output = picture.copy()
    drawn.hide(output, [REGION])
    luck = picture.copy()  # a source that looks as its own fill does
    luck.planes()[0].samples[...] = np.clip(output.planes()[0].samples * 0.7 + 40, 0, 255)
    again = luck.copy()
    drawn.hide(again, [REGION])
    assert residue(luck, noisy(again, 1), [REGION], drawn).inside < INSIDE
    blind = residue(luck, noisy(again, 1), [REGION])
    assert (blind.inside > INSIDE) == (style == "pixelate")


def test_a_leak_is_found_whatever_the_style_draws_there() -> None:
    picture = painted(Size(160, 140), "gray")
    for style in ("pixelate", "blur", "solid"):
        for structured in (False, True):
            found = residue(
                picture,
                noisy(picture, 2),
                [REGION],
                STYLES[style](recipe()),
                structured=structured,
            )
            assert found.inside > INSIDE


@pytest.mark.parametrize("side", [24, 30])
def test_a_soft_leak_is_found_though_its_style_has_a_structure_of_its_own(side: int) -> None:
    """Of a soft picture, what `pixelate` draws is stronger than the fine structure."""
    style = STYLES["pixelate"](recipe(style="pixelate"))
    for seed in range(10):
        random = np.random.default_rng(seed)
        picture = painted(Size(160, 140), "gray")
        soft = cv2.GaussianBlur(random.normal(0, 1, (140, 160)), (0, 0), 4)
        values = 128 + 60 * soft / soft.std() + random.normal(0, 2, soft.shape)
        picture.planes()[0].samples[...] = np.clip(values, 0, 255).astype(np.uint8)
        region = Region(Box(50, 40, 50 + side, 40 + side), 0.9)
        found = residue(picture, noisy(picture, 2), [region], style, structured=True)
        assert found.shows
        drawn = picture.copy()
        style.hide(drawn, [region])
        assert not residue(picture, noisy(drawn, 2), [region], style, structured=True).shows
