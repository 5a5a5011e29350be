"""Edits that can do nothing are refused by every job, on every kind of file."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from redact import api
from redact.core.edits.values import HidePath, Key
from redact.core.edits.zones import parse_mute, parse_zone
from redact.core.geometry import Box, Size
from redact.core.plan import HideBox, Plan, SourceId
from redact.core.recipe import recipe
from redact.errors import PlanError, RecipeError
from redact.hide.preview import preview
from redact.media.files import fingerprint
from redact.media.formats import open_source
from tests import clips
from tests.painted import same

INSIDE = Box(4, 4, 24, 24)
USELESS = {
    "between two frames": HideBox(INSIDE, Fraction(31, 100), Fraction(39, 100)),
    "after the end": HideBox(INSIDE, Fraction(5), Fraction(6)),
    "before the beginning": HideBox(INSIDE, Fraction(-2), Fraction(-1)),
    "outside": HideBox(Box(64, 0, 99, 40), Fraction(0), Fraction(9)),
}


def source(folder: Path, name: str) -> Path:
    if name != "picture":
        return clips.make(folder, name)
    path = folder / "picture.png"
    Image.new("RGB", (64, 48), (90, 90, 90)).save(path)
    return path


def plan_of(path: Path, frames: int) -> Plan:
    """As an older redact wrote it: without the times of the first and the last frame."""
    return Plan(SourceId(fingerprint(path), Size(64, 48), frames), recipe("fast", style="solid"))


@pytest.mark.parametrize("why", USELESS)
@pytest.mark.parametrize("name", ["plain", "grey", "picture"])  # H.264 is surveyed for copying
def test_a_plan_with_a_useless_edit_has_no_result(tmp_path: Path, name: str, why: str) -> None:
    path = source(tmp_path, name)
    good = HideBox(INSIDE, Fraction(0), Fraction(0))
    whole = plan_of(path, 1 if name == "picture" else 10)
    plan = replace(whole, edits=(good, USELESS[why]))
    output = tmp_path / f"out{path.suffix}"
    for checking in (None, api.Checking()):
        with pytest.raises(PlanError, match="edit 2: "):
            api.render_file(path, output, plan, checking=checking)
    assert [item for item in tmp_path.iterdir() if item != path] == []
    with pytest.raises(PlanError, match="edit 2: "):
        api.prove_file(path, plan)
    api.render_file(path, output, replace(whole, edits=(good,)), checking=None)
    with pytest.raises(PlanError, match="edit 2: "):
        api.verify_file(path, output, plan)


@pytest.mark.parametrize("name", ["plain", "late", "picture"])
def test_an_analysis_says_when_its_first_and_last_frames_are(tmp_path: Path, name: str) -> None:
    path = source(tmp_path, name)
    times = [frame.time for frame in open_source(path).frames()]
    plan = api.analyse_file(path, recipe("fast"))
    assert (plan.source.first, plan.source.last) == (times[0], times[-1])
    reaching = HideBox(INSIDE, times[0] - 9, times[0])
    assert api.prove_file(path, replace(plan, edits=(reaching,))).regions
    for start, end in ((times[-1] + 1, times[-1] + 2), (times[0] - 2, times[0] - 1)):
        with pytest.raises(PlanError, match="edit 1: "):
            replace(plan, edits=(HideBox(INSIDE, start, end),))


SHAPES = (
    HideBox(Box(3, 2, 23, 21), outline="ellipse", style="pixelate"),
    HideBox(Box(20, 10, 40, 40), outline=((0, 0), (1, 0.2), (0.4, 1)), style="solid"),
    HidePath((Key(Fraction(0), Box(35, 20, 60, 45)),), outline="ellipse"),
    HideBox(Box(38, 3, 58, 22)),
)


def test_a_rendered_picture_is_what_the_preview_showed_bit_by_bit(tmp_path: Path) -> None:
    path, output = tmp_path / "picture.png", tmp_path / "out.png"
    noise = np.random.default_rng(5).integers(0, 256, (48, 64, 3), np.uint8)
    Image.fromarray(noise).save(path)
    plan = replace(plan_of(path, 1), edits=SHAPES, recipe=recipe("fast"))
    (frame,) = open_source(path).frames()
    preview(frame.picture, plan, frame.index, frame.time)
    api.render_file(path, output, plan)
    (rendered,) = open_source(output).frames()
    assert same(frame.picture, rendered.picture)
    assert not np.array_equal(frame.picture.planes()[0].samples, noise)
    assert api.verify_file(path, output, plan).passed
    assert api.prove_file(path, plan).holds


def test_a_video_with_every_shape_and_style_is_rendered_checked_and_proven(tmp_path: Path) -> None:
    path, output = clips.make(tmp_path, "plain"), tmp_path / "out.mp4"
    plan = replace(plan_of(path, 10), edits=SHAPES, recipe=recipe("fast"))
    done = api.render_file(path, output, plan)
    assert done.verification is not None
    assert done.verification.passed
    assert done.verification.mended == 0
    assert api.prove_file(path, plan).holds


def test_a_zone_outside_of_the_picture_is_refused_before_the_work(tmp_path: Path) -> None:
    path = source(tmp_path, "picture")
    for zone in ("64,0,9,9", "0,-9,64,9", "100%,0,5%,5%"):
        with pytest.raises(RecipeError, match="lies outside of the picture of 64x48 pixels"):
            api.redact_file(path, recipe="fast", edits=[parse_zone(zone)])
    with pytest.raises(RecipeError, match="no sound to silence"):
        api.redact_file(path, recipe="fast", edits=[parse_mute("0-1")])
    assert [item for item in tmp_path.iterdir() if item != path] == []


def test_a_zone_in_percent_fits_every_page(tmp_path: Path) -> None:
    path = tmp_path / "pages.tif"
    first, *others = (Image.new("RGB", size, (90, 90, 90)) for size in ((80, 60), (40, 100)))
    first.save(path, save_all=True, append_images=others)
    zones = [parse_zone("0,0,50%,50%"), parse_zone("50%,50%,50%,50%@1-")]
    plan = api.analyse_file(path, recipe("fast"), edits=zones)
    assert [(e.box, e.start) for e in plan.edits if isinstance(e, HideBox)] == [
        (Box(0, 0, 40, 30), 0),
        (Box(0, 0, 20, 50), 1),
        (Box(20, 50, 40, 100), 1),
    ]
    assert api.prove_file(path, plan).holds
