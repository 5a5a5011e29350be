"""How much of the picture is hidden, counted on frames and through whole jobs."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from redact.api import render_file
from redact.core.extent import MUCH_OF_FRAME, Extent
from redact.core.findings import Kind, Sighting, Track
from redact.core.frames import Frame
from redact.core.geometry import Box, Region, Size, Turn
from redact.core.plan import Plan, SourceId
from redact.core.recipe import recipe
from redact.hide.extent import ExtentMeter
from redact.media.formats import open_source
from tests.painted import TURNS, flat

SIZE = Size(200, 100)
HALF = Region(Box(0, 0, 100, 100))


def measure(*frames: list[Region]) -> Extent:
    meter = ExtentMeter()
    for index, regions in enumerate(frames):
        meter.add(Frame(index, Fraction(index, 10), flat(SIZE, (90, 90, 90))), regions)
    return meter.result()


def test_frames_of_which_much_is_hidden_are_named_in_runs() -> None:
    found = measure([], [HALF], [HALF], [], [HALF, HALF], [Region(Box(0, 0, 10, 10))])
    assert found.frames == 6
    assert found.mostly == 3
    assert found.spans == ((0.1, 0.2), (0.4, 0.4))
    assert found.mean == pytest.approx((3 * 0.5 + 100 / 20000) / 6)


def test_what_lies_outside_and_what_overlaps_counts_once() -> None:
    outside = Region(Box(-300, -300, 60, 100))
    assert measure([outside, outside]).mean == pytest.approx(0.3)
    assert measure([outside]).mostly == 0
    assert pytest.approx(0.4) == MUCH_OF_FRAME


def test_an_oval_is_no_box() -> None:
    assert measure([Region(Box(0, 0, 200, 100), 1.0)]).mean == pytest.approx(np.pi / 4, abs=0.02)


@pytest.mark.parametrize("turn", TURNS)
def test_regions_are_those_of_the_upright_picture(turn: Turn) -> None:
    picture = flat(SIZE, (90, 90, 90))
    turned = type(picture)(picture.painted, picture.colour, turn)
    upright = turn.upright_size(SIZE)
    meter = ExtentMeter()
    meter.add(Frame(0, Fraction(0), turned), [Region(Box(0, 0, upright.width / 4, upright.height))])
    assert meter.result().mean == pytest.approx(0.25)


def test_a_large_picture_is_measured_in_blocks() -> None:
    meter = ExtentMeter()
    large = flat(Size(4000, 1000), (90, 90, 90))
    meter.add(Frame(0, Fraction(0), large), [Region(Box(0, 0, 1000, 1000))])
    assert meter.result().mean == pytest.approx(0.25, abs=0.01)


def test_a_job_says_how_much_it_hid(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.full((100, 200, 3), 90, np.uint8)).save(path)
    source = open_source(path)
    seen = Sighting(0, Fraction(0), Box(20, 0, 180, 100), 0.9)
    identity = SourceId(source.fingerprint, source.info.size, 1)
    plan = Plan(identity, recipe("fast"), tracks=(Track(1, Kind.FACE, (seen,)),))
    done = render_file(path, tmp_path / "b.png", plan, checking=None)
    assert done.extent.mean > 0.9
    assert "of the picture is hidden" in done.extent.in_words()[0]
