from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redact.core.frames import Frame
from redact.core.geometry import Box, Size, Turn
from redact.core.interfaces import View
from redact.core.passes import Pass
from redact.detect.copies import ScaledCopies, tile_spans
from redact.detect.schedule import PassRunner
from tests.painted import TURNS, PaintedPicture, flat
from tests.scripted import ScriptedDetector, marked

WIDE = Size(3000, 250)
TILED = Pass("scripted", 512, 0.3, scale=1)
SMALL = 60  # pixels of a side; what is up to an eighth of a tile's side is whole in a tile


def run(picture: PaintedPicture, *passes: Pass, detector: ScriptedDetector | None = None) -> View:
    runner = PassRunner(passes, lambda _: detector or ScriptedDetector())
    return runner(Frame(0, Fraction(0), picture))


def close(one: Box, other: Box, slack: float = 2.5) -> bool:
    return other.extended(slack, slack).contains(one) and one.extended(slack, slack).contains(other)


@settings(deadline=None)
@given(st.integers(1, 30_000), st.integers(32, 2048))
def test_spans_cover_a_side_and_whatever_is_small_lies_whole_in_one(length: int, side: int) -> None:
    spans = tile_spans(length, side)
    assert (spans[0].start, spans[-1].stop) == (0, length)
    assert len({span.stop - span.start for span in spans}) == 1
    assert all(0 < span.stop - span.start <= side for span in spans)
    small = side // 8
    for one, other in pairwise(spans):
        assert one.start < other.start <= one.stop - small


def test_a_side_a_little_longer_than_a_tile_is_not_seen_twice() -> None:
    assert [span.stop - span.start for span in tile_spans(1080, 1024)] == [604, 604]


@pytest.mark.parametrize("left", [0, 333, 395, 420, 441, 470, 512, 1500, 2940])
def test_a_small_thing_is_found_wherever_it_lies(left: int) -> None:
    box = Box(left, 100, left + SMALL, 100 + SMALL)
    view = run(marked(WIDE, box), TILED)
    assert any(close(found.box, box) for found in view.detections)


def test_a_thing_in_two_tiles_is_one_detection() -> None:
    spans = tile_spans(WIDE.width, TILED.side)
    left = spans[1].start + 1  # and 63 pixels before the first one's end
    view = run(marked(WIDE, Box(left, 100, left + 40, 140)), TILED)
    assert len(view.detections) == 1


@pytest.mark.parametrize("turn", TURNS, ids=str)
@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize("scale", [0.5, 1.0])
def test_tiles_of_turned_pictures_map_their_boxes_back(
    turn: Turn, quarters: int, scale: float
) -> None:
    box = Box(1200, 90, 1240, 130)
    picture = marked(WIDE, box)
    turned = PaintedPicture(picture.painted, picture.colour, turn)
    view = run(turned, replace(TILED, quarters=quarters, scale=scale))
    wanted = turn.upright_box(box, WIDE)
    assert any(close(found.box, wanted, 4) for found in view.detections)
    assert all(wanted.extended(4, 4).contains(found.box) for found in view.detections)


def test_tiles_are_cut_from_the_picture_at_its_scale() -> None:
    detector = ScriptedDetector()
    run(flat(Size(1600, 1000), (90, 90, 90)), replace(TILED, scale=0.5), detector=detector)
    assert set(detector.seen) == {Size(432, 500)}
    assert len(detector.seen) == 2


def test_a_tile_shows_the_pixels_of_the_picture() -> None:
    picture = flat(WIDE, (90, 90, 90))
    samples = picture.planes()[0].samples
    samples[:] = np.random.default_rng(0).integers(60, 255, samples.shape)
    tiles = list(ScaledCopies(picture).excerpts(TILED))
    assert len(tiles) > 5
    for tile in tiles:
        rows = slice(tile.top, tile.top + tile.size.height)
        columns = slice(tile.left, tile.left + tile.size.width)
        assert np.array_equal(tile.pixels, samples[rows, columns])


def test_tiles_of_a_dark_picture_are_brightened() -> None:
    picture = marked(WIDE, Box(0, 0, 1500, 125), (40, 40, 40))
    samples = picture.planes()[0].samples
    samples[(samples == 90).all(axis=2)] = 2
    tiles = list(ScaledCopies(picture).excerpts(TILED))
    assert max(int(tile.pixels.max()) for tile in tiles) > 200


def test_what_a_scaled_copy_loses_is_found_in_tiles() -> None:
    box = Box(1995, 100, 2004, 106)
    picture = marked(Size(8000, 400), box)
    assert not run(picture, Pass("scripted", 512, 0.3)).detections
    assert any(close(d.box, box) for d in run(picture, TILED).detections)


@pytest.mark.parametrize("width", [2048, 2049])
def test_tiles_are_for_pictures_above_a_size(width: int) -> None:
    detector = ScriptedDetector()
    run(flat(Size(width, 40), (90, 90, 90)), replace(TILED, above=2048), detector=detector)
    assert bool(detector.seen) is (width > 2048)


@pytest.mark.parametrize("size", [Size(1, 1), Size(1, 4000), Size(4000, 1), Size(600, 10)], ids=str)
def test_thin_and_tiny_pictures_are_seen(size: Size) -> None:
    passes = [TILED, Pass("scripted", 960, 0.3), Pass("scripted", 960, 0.3, quarters=1)]
    view = run(flat(size, (90, 90, 90)), *passes)
    assert view.size == size
    assert view.detections == ()
