"""What somebody meets who calls redact from Python: names, pictures in memory, odd arguments."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import redact
from redact import api, pictures
from redact.core.findings import Detection, Kind
from redact.core.frames import Rgb
from redact.core.geometry import Box
from redact.core.passes import Pass
from redact.core.plan import HideBox
from redact.core.recipe import recipe
from redact.errors import MissingInputError, PlanError, RecipeError, UnsupportedInputError
from redact.jobs.jobs import find_jobs

FOUND = Box(20, 12, 40, 36)
CHOICES = recipe(passes=(Pass("centerface", 64, 0.3, enlarge=False),), style="solid")


class Always:
    """Finds a face in the same place of every picture of 64x48 pixels."""

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:  # noqa: ARG002
        for picture in pictures:
            assert picture.dtype == np.uint8
            assert picture.shape == (48, 64, 3)
        return [[Detection(Kind.FACE, FOUND, 0.9)] for _ in pictures]


@pytest.fixture(autouse=True)
def _always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "load", lambda _: Always())
    pictures._runner.cache_clear()
    monkeypatch.setattr(pictures, "_runner", pictures._runner.__wrapped__)


def scene(shape: tuple[int, ...], kind: Any = np.uint8) -> Any:
    """Bright noise everywhere; what is hidden is black."""
    top = np.iinfo(kind).max
    return np.random.default_rng(5).integers(top // 2, top, shape, dtype=kind)


# Names


def fresh(code: str) -> str:
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "code",
    [
        "import redact; print(redact.plan.load, redact.plan.save, redact.plan.HideBox)",
        "import redact.plan; print(redact.plan.load)",
        "from redact.plan import load, save, Show; print(load)",
        "from redact import plan; print(plan.load)",
        "import redact; print(redact.__version__[0])",
    ],
)
def test_public_names_are_there_right_after_the_import(code: str) -> None:
    assert fresh(code)


def test_dir_tells_the_public_names_and_nothing_else() -> None:
    code = "import redact; print(*dir(redact)); import redact.api; print(*dir(redact))"
    first, later = (set(line.split()) for line in fresh(code).splitlines())
    assert first == later
    plain = {name for name in first if not name.startswith("_")}
    assert plain == set(redact.__all__)
    assert {"plan", "Plan", "redact_file"} <= plain
    assert "__version__" in first


# Pictures in memory


@pytest.mark.parametrize("kind", ["uint8", "uint16", ">u2", "<u2"])
@pytest.mark.parametrize("shape", [(48, 64), (48, 64, 1), (48, 64, 2), (48, 64, 3), (48, 64, 4)])
def test_every_documented_array_is_redacted(shape: tuple[int, ...], kind: str) -> None:
    native = np.dtype(kind).newbyteorder("=")
    before = scene(shape, native).astype(kind)
    kept = before.copy()
    after = redact.redact_picture(before, CHOICES)
    assert (after.shape, after.dtype) == (before.shape, before.dtype)
    assert np.array_equal(before, kept)
    colours = after.reshape(48, 64, -1)
    seen = colours if colours.shape[2] in (1, 3) else colours[..., :-1]  # the last is opacity
    assert not seen[14:34, 22:38].any()
    changed = (after != before).reshape(48, 64, -1).any(axis=2)
    assert changed[12:36, 20:40].all()
    assert not changed[:, :8].any()
    (found,) = redact.find_in_picture(before, CHOICES)
    assert found.box.contains(FOUND)


def test_arrays_that_lie_oddly_in_memory_are_redacted() -> None:
    before = scene((64, 48, 3)).transpose(1, 0, 2)[:, ::-1]
    before.flags.writeable = False
    after = redact.redact_picture(before, CHOICES)
    assert np.array_equal(after, redact.redact_picture(before.copy(), CHOICES))
    assert not after[14:34, 22:38].any()


@pytest.mark.parametrize(
    ("mode", "back"),
    [
        ("1", "L"), ("L", "L"), ("LA", "LA"), ("P", "RGB"), ("RGB", "RGB"), ("RGBA", "RGBA"),
        ("CMYK", "RGB"), ("YCbCr", "RGB"), ("HSV", "RGB"), ("I;16", "I;16"),
    ],
)  # fmt: skip
def test_pictures_of_pillow_come_back_as_such(mode: str, back: str) -> None:
    if mode == "I;16":
        before = Image.fromarray(scene((48, 64), np.uint16))
    else:
        before = Image.fromarray(scene((48, 64, 3))).convert(mode)
    assert before.mode == mode
    after = redact.redact_picture(before, CHOICES)
    assert isinstance(after, Image.Image)
    assert (after.mode, after.size) == (back, (64, 48))
    hidden = np.array(after.convert("RGB") if back != "I;16" else after)[14:34, 22:38]
    assert not hidden.any()


def test_a_picture_of_pillow_is_turned_upright_and_loses_its_tags(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "where it was taken"
    Image.fromarray(scene((64, 48, 3))).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as lying:
        assert lying.size == (48, 64)
        after = redact.redact_picture(lying, CHOICES)
    assert after.size == (64, 48)
    assert not after.info
    assert not after.getexif()


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        *(
            (np.zeros((48, 64, 3), kind), f"of type {kind}, not uint8 or uint16")
            for kind in ("int64", "int32", "int16", "int8", "bool", "float32", "float64", "uint32")
        ),
        (np.zeros((48, 64, 3), object), "of type object"),
        (np.zeros((0, 64, 3), np.uint8), "has no pixels"),
        (np.zeros((48, 64, 0), np.uint8), "has no pixels"),
        (np.zeros((3, 48, 64), np.uint8), "put the channels last"),
        (np.zeros((48, 64, 5), np.uint8), "has not the shape"),
        (np.zeros((2, 48, 64, 3), np.uint8), "one picture at a time"),
        (np.zeros(48, np.uint8), "has not the shape"),
        ("photo.jpg", "this is a path and no picture; call redact_file"),
        (Path("photo.jpg"), "this is a path and no picture"),
        ([[0, 0], [0, 0]], "a list is no picture"),
        (None, "a NoneType is no picture"),
        (b"\x00" * 9, "a bytes is no picture"),
        (Image.new("F", (64, 48)), "pictures of mode F are not known"),
        (Image.new("I", (64, 48)), "pictures of mode I are not known"),
        (Image.new("RGB", (0, 48)), "a picture of no pixels"),
    ],
)
def test_whatever_is_no_documented_picture_is_refused(picture: Any, said: str) -> None:
    for job in (redact.redact_picture, redact.find_in_picture):
        with pytest.raises(UnsupportedInputError) as caught:
            job(picture, CHOICES)
        assert said in str(caught.value)


def test_a_damaged_picture_of_pillow_is_refused(tmp_path: Path) -> None:
    Image.fromarray(scene((48, 64, 3))).save(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "b.png").write_bytes(whole[: len(whole) // 2])
    with Image.open(tmp_path / "b.png") as damaged, pytest.raises(UnsupportedInputError):
        redact.redact_picture(damaged, CHOICES)


# Other arguments


def test_a_profiles_name_is_a_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(pictures, "find_in_picture", lambda _, choices: asked.append(choices))
    for name in ("fast", "thorough"):
        redact.find_in_picture(scene((48, 64, 3)), name)
    redact.find_in_picture(scene((48, 64, 3)))
    assert asked == [redact.PROFILES[name] for name in ("fast", "thorough", "balanced")]


@pytest.mark.parametrize("odd", ["careless", "", 7, {"style": "solid"}, b"fast"])
def test_what_is_no_recipe_is_refused(odd: Any, tmp_path: Path) -> None:
    Image.new("RGB", (64, 48)).save(tmp_path / "a.png")
    jobs = (redact.analyse_file, redact.redact_file, redact.prove_file)
    for job in jobs:
        with pytest.raises(RecipeError, match="fast"):
            job(tmp_path / "a.png", recipe=odd)
    with pytest.raises(RecipeError, match="fast"):
        redact.redact_picture(scene((48, 64, 3)), odd)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("odd", [7, None, scene((4, 4, 3)), b"a.png", ["a.png"]])
def test_what_is_no_path_is_refused(odd: Any, tmp_path: Path) -> None:
    Image.new("RGB", (64, 48)).save(tmp_path / "a.png")
    for job in (redact.analyse_file, redact.redact_file, redact.prove_file):
        with pytest.raises(MissingInputError, match="is no path to a file"):
            job(odd)
    with pytest.raises(MissingInputError, match="is no path to a file"):
        redact.verify_file(tmp_path / "a.png", odd)


def test_strings_are_taken_where_paths_are(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48), (90, 90, 90)).save(tmp_path / "a.png")
    picture, output = str(tmp_path / "a.png"), str(tmp_path / "b.png")
    plan = str(tmp_path / "a.redact.json")
    made = redact.analyse_file(picture, "fast")
    drawn = HideBox(Box(4, 4, 24, 24), Fraction(0), Fraction(0))
    redact.plan.save(replace(made, edits=(drawn,)), plan)
    assert redact.plan.load(plan).edits == (drawn,)
    done = redact.render_file(picture, output, plan, checking=None)
    assert done.output == tmp_path / "b.png"
    assert redact.prove_file(picture, plan).regions == 1
    assert redact.verify_file(picture, output, plan).faults == ()
    (job,) = find_jobs(picture, str(tmp_path / "out")).jobs
    assert (job.source, job.output) == (tmp_path / "a.png", tmp_path / "out/a.redacted.png")
    with pytest.raises(PlanError, match="a dict is no plan"):
        api.render_file(picture, output, {}, force=True)  # type: ignore[arg-type]


def test_a_job_writes_its_result_alone(tmp_path: Path) -> None:
    """`redact run` keeps a plan beside it; whoever calls the library decides."""
    Image.new("RGB", (64, 48), (90, 90, 90)).save(tmp_path / "a.png")
    outcome = redact.redact_file(tmp_path / "a.png", recipe="fast")
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", outcome.output.name}


def test_a_result_is_unchecked_until_a_check_lets_it_pass(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    Image.new("RGB", (64, 48), (90, 90, 90)).save(picture)
    drawn = HideBox(Box(4, 4, 24, 24), Fraction(0), Fraction(0))
    plan = replace(redact.analyse_file(picture, "fast"), edits=(drawn,))
    for checking, unchecked in ((None, True), (redact.Checking(), False)):
        done = redact.render_file(picture, tmp_path / "b.png", plan, checking=checking, force=True)
        assert done.plan.result is not None
        assert done.plan.result.unchecked is unchecked
        text = redact.plan.dumps(done.plan)
        assert ('"unchecked": true' in text) is unchecked
        assert ("unchecked" in text) is unchecked
        assert redact.plan.loads(text) == done.plan


def test_a_plan_knows_the_last_file_that_it_was_rendered_to(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    Image.new("RGB", (64, 48), (90, 90, 90)).save(picture)
    drawn = HideBox(Box(4, 4, 24, 24), Fraction(0), Fraction(0))
    plan = replace(redact.analyse_file(picture, "fast"), edits=(drawn,))
    first = redact.render_file(picture, tmp_path / "b.png", plan, checking=None)
    solid = replace(first.plan, recipe=replace(plan.recipe, style="solid"))
    second = redact.render_file(picture, tmp_path / "c.png", solid, checking=None)
    for plan, right, wrong in ((first.plan, "b", "c"), (second.plan, "c", "b")):
        assert redact.verify_file(picture, tmp_path / f"{right}.png", plan).faults == ()
        (fault, *_) = redact.verify_file(picture, tmp_path / f"{wrong}.png", plan).faults
        assert "not the file that the plan was last rendered to" in fault
