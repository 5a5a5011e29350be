"""What is drawn does not depend on what is hidden: real files, painted pictures, planted faults."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from redact.api import prove_file
from redact.core.frames import Picture
from redact.core.geometry import Box, Region, Size
from redact.core.interfaces import Source
from redact.core.plan import HideBox, Plan, SourceId
from redact.core.recipe import IRREVERSIBLE, recipe
from redact.errors import PlanError
from redact.hide.proof import Proof, prove
from redact.hide.styles import STYLES
from redact.media.formats import open_source
from tests import clips
from tests.painted import LAYOUTS, TURNS, painted
from tests.scripted import PaintedSource

DRAWN = sorted(IRREVERSIBLE & set(STYLES))
"""Of a recipe alone; covers have tests of their own."""

CLIPS = ("plain", "ten_bit", "422", "444", "odd", "rgb", "grey", "alpha", "full_range", "avi_mjpeg")
BOXES = (Box(10, 8, 30, 33), Box(-5, -5, 9, 12), Box(40, 20, 41, 21), Box(55, 40, 90, 80))


def plan_for(source: Source, style: str, frames: int) -> Plan:
    edits = tuple(HideBox(box, Fraction(0), Fraction(60)) for box in BOXES)
    identity = SourceId(source.fingerprint, source.info.size, frames)
    return Plan(identity, recipe("fast", style=style), edits=edits)


def proven(path: Path, style: str) -> Proof:
    source = open_source(path)
    frames = sum(1 for _ in source.frames())
    return prove_file(path, plan_for(source, style, frames))


@pytest.mark.parametrize("style", DRAWN)
@pytest.mark.parametrize("name", CLIPS)
def test_irreversible_styles_are_proven_on_every_kind_of_clip(
    name: str, style: str, tmp_path: Path
) -> None:
    proof = proven(clips.make(tmp_path, name), style)
    assert proof.holds
    assert proof.regions == len(BOXES) * proof.frames
    assert proof.samples > 0
    assert proof.in_words().startswith("PROVEN")


@pytest.mark.parametrize("style", ["gaussian", "mosaic"])
@pytest.mark.parametrize("name", ["plain", "ten_bit", "rgb"])
def test_reversible_styles_are_not(name: str, style: str, tmp_path: Path) -> None:
    proof = proven(clips.make(tmp_path, name), style)
    assert not proof.holds
    assert proof.first == 0
    assert proof.leaking == proof.frames
    assert proof.in_words().startswith("NOT PROVEN")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "I;16"])
def test_stills(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "still.png"
    channels = {"RGB": 3, "RGBA": 4}.get(mode)
    shape = (48, 64, channels) if channels else (48, 64)
    kind = np.uint16 if mode == "I;16" else np.uint8
    noise = np.random.default_rng(0).integers(0, 250, shape).astype(kind)
    Image.fromarray(noise).save(path)
    assert all(proven(path, style).holds for style in DRAWN)
    assert not proven(path, "mosaic").holds


def test_another_source_is_refused(tmp_path: Path) -> None:
    plan = plan_for(open_source(clips.make(tmp_path, "plain")), "blur", 10)
    with pytest.raises(PlanError, match="not the file"):
        prove_file(clips.make(tmp_path, "444"), plan)


def test_nothing_hidden_is_said_to_be_no_proof() -> None:
    source = PaintedSource([Fraction(0)], [painted(Size(20, 20))])
    proof = prove(source, lambda *_: [], lambda: STYLES["blur"](recipe()), lambda *_: None)
    assert "nothing to prove" in proof.in_words()


class Peeking:
    """Solid, but for one sample that takes its last bit from one hidden pixel."""

    def __init__(self, plane: int, row: int, column: int) -> None:
        self._at = plane, row, column

    def hide(self, picture: Picture, regions: Sequence[Region]) -> None:
        number, row, column = self._at
        plane = picture.planes()[number].samples
        peeked = int(plane[row, column].flat[0]) if plane.ndim > 2 else int(plane[row, column])
        STYLES["solid"](recipe(style="solid")).hide(picture, regions)
        plane[0, 0] = peeked


class Remembering:
    """Draws what an earlier frame hid: no frame by itself tells."""

    def __init__(self) -> None:
        self._kept = 0

    def hide(self, picture: Picture, regions: Sequence[Region]) -> None:
        plane = picture.planes()[0].samples
        kept, self._kept = self._kept, int(plane[10, 10])
        STYLES["solid"](recipe(style="solid")).hide(picture, regions)
        plane[10, 10] = kept


REGION = Region(Box(6, 6, 20, 20))


@pytest.mark.parametrize("layout", ["yuv420p", "yuv422p", "yuv444p", "gbrp", "rgb"])
@pytest.mark.parametrize("bits", [8, 10])
def test_one_hidden_sample_that_is_used_is_found(layout: str, bits: int) -> None:
    picture = painted(Size(31, 27), layout, bits)
    source = PaintedSource([Fraction(0)], [picture])
    for number, plane in enumerate(picture.planes()):
        row, column = 12 // plane.step[1], 12 // plane.step[0]
        proof = prove(
            source,
            lambda *_: [REGION],
            lambda n=number, r=row, c=column: Peeking(n, r, c),
            lambda *_: None,
        )
        assert not proof.holds


def test_what_is_carried_from_frame_to_frame_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = [painted(Size(30, 30), "gray", seed=i) for i in range(3)]
    source = PaintedSource([Fraction(i) for i in range(3)], pictures)
    monkeypatch.setattr("redact.core.parallel.WORKERS", 1)
    proof = prove(source, lambda *_: [REGION], Remembering, lambda *_: None)
    assert not proof.holds


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_it_holds_for_any_layout_size_and_shape(data: st.DataObject) -> None:
    size = Size(data.draw(st.integers(1, 70)), data.draw(st.integers(1, 70)))
    layout = data.draw(st.sampled_from(sorted(LAYOUTS)))
    bits = data.draw(st.sampled_from([8, 10]))
    turn = data.draw(st.sampled_from(TURNS))
    picture = painted(size, layout, bits, turn, seed=data.draw(st.integers(0, 99)))
    place = st.floats(-30, 90, allow_nan=False)
    side = st.floats(0, 60, allow_nan=False)
    regions = []
    for _ in range(data.draw(st.integers(1, 4))):
        left, top = data.draw(place), data.draw(place)
        box = Box(left, top, left + data.draw(side), top + data.draw(side))
        regions.append(Region(box, data.draw(st.floats(0, 1))))
    style = data.draw(st.sampled_from(DRAWN))
    proof = prove(
        PaintedSource([Fraction(0)], [picture]),
        lambda *_: regions,
        lambda: STYLES[style](recipe(style=style)),
        lambda *_: None,
    )
    assert proof.holds
