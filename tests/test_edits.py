"""Edits that can do nothing are refused by every job, on every kind of file."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image

from redact import api
from redact.core.geometry import Box, Size
from redact.core.plan import HideBox, Plan, SourceId
from redact.core.recipe import recipe
from redact.errors import PlanError
from redact.media.files import fingerprint
from redact.media.formats import open_source
from tests import clips

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
