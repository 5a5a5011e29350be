"""A picture of one's own: read, refused, kept in the plan by its digest, and drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from redact import api
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box
from redact.core.plan import ChangeStyle, Plan, SourceId, dumps, loads
from redact.core.recipe import recipe
from redact.errors import InputError, RecipeError
from redact.hide.covers import CoverPicture, prepare_cover, with_cover
from redact.hide.proof import Proof
from redact.media import formats
from redact.verify.result import Checking
from tests import clips
from tests.cars import car

FACE = Box(10, 8, 40, 44)
FACELESS = replace(
    recipe("fast"), passes=tuple(p for p in recipe("fast").passes if p.kind != "face")
)


def read(path: Path) -> CoverPicture:
    return CoverPicture(path, *formats.read_cover(path))


def drawing(folder: Path, name: str = "cover.png", mode: str = "RGB", seed: int = 0) -> Path:
    """A picture with much fine structure."""
    folder.mkdir(exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (90, 70, 4), np.uint8)
    Image.fromarray(noise, "RGBA").convert(mode).save(folder / name)
    return folder / name


def planned(path: Path, cover: Path) -> Plan:
    """Hides one box in all frames."""
    source = formats.open_source(path)
    times = [(frame.index, frame.time) for frame in source.frames()]
    seen = tuple(Sighting(index, time, FACE, 0.9) for index, time in times)
    identity = SourceId(source.fingerprint, source.info.size, len(times))
    return Plan(identity, with_cover(FACELESS, read(cover)), tracks=(Track(1, Kind.FACE, seen),))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "CMYK", "I;16"])
def test_every_layout_becomes_red_green_and_blue(tmp_path: Path, mode: str) -> None:
    name = "cover.tif" if mode == "CMYK" else "cover.png"
    if mode == "I;16":
        Image.fromarray(np.full((9, 7), 40000, np.uint16)).save(tmp_path / name)
    else:
        drawing(tmp_path, name, mode)
    chosen = with_cover(recipe(), read(tmp_path / name))
    picture = prepare_cover(chosen, chosen.style, read(tmp_path / name))
    assert picture is not None
    assert (picture.dtype, picture.shape[2]) == (np.uint8, 3)


def test_what_is_transparent_shows_the_colour(tmp_path: Path) -> None:
    samples = np.zeros((4, 6, 4), np.uint8)
    samples[:, :3] = (10, 200, 30, 255)
    Image.fromarray(samples, "RGBA").save(tmp_path / "c.png")
    cover = read(tmp_path / "c.png")
    picture = prepare_cover(with_cover(recipe(colour="#4060a0"), cover), "cover", cover)
    assert picture is not None
    assert tuple(picture[0, 0]) == (10, 200, 30)
    assert tuple(picture[0, 5]) == (0x40, 0x60, 0xA0)


def test_a_large_one_is_made_smaller(tmp_path: Path) -> None:
    Image.new("RGB", (3000, 10)).save(tmp_path / "c.png")
    cover = read(tmp_path / "c.png")
    picture = prepare_cover(with_cover(recipe(), cover), "cover", cover)
    assert picture is not None
    assert picture.shape == (3, 1024, 3)


@pytest.mark.parametrize("kind", ["words", "cut", "animated", "video", "unknown"])
def test_what_covers_nothing_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / {"animated": "c.gif", "video": "c.mp4", "unknown": "c.xyz"}.get(kind, "c.png")
    if kind == "cut":
        whole = drawing(tmp_path).read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "animated":
        pages = [Image.new("RGB", (8, 8), (n, 0, 0)) for n in (0, 99)]
        pages[0].save(path, save_all=True, append_images=pages[1:])
    else:
        path.write_bytes(b"these are words")
    with pytest.raises(RecipeError, match=path.name):
        read(path)


def test_a_missing_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "absent.png")


def test_the_plan_names_it_by_its_digest_alone(tmp_path: Path) -> None:
    path = clips.make(tmp_path, "plain")
    cover = drawing(tmp_path / "elsewhere")
    plan = planned(path, cover)
    text = dumps(plan)
    assert loads(text) == plan
    assert "elsewhere" not in text
    for wrong, said in ((None, "--cover"), (drawing(tmp_path, "other.png", seed=5), "not the pic")):
        with pytest.raises(RecipeError, match=said):
            api.render_file(path, tmp_path / "out.mp4", plan, cover=wrong)
        with pytest.raises(RecipeError, match=said):
            api.verify_file(path, path, plan, cover=wrong)
    blurred = replace(plan, edits=(ChangeStyle("blur"),))
    with pytest.raises(RecipeError, match="covers nothing"):
        api.render_file(path, tmp_path / "out.mp4", blurred, cover=cover)
    unnamed = replace(plan, recipe=recipe("fast"), edits=(ChangeStyle("cover"),))
    with pytest.raises(RecipeError, match="no picture is named"):
        api.render_file(path, tmp_path / "out.mp4", unnamed, cover=cover)
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("name", ["plain", "ten_bit", "444"])
def test_clips_are_covered_checked_and_proven(tmp_path: Path, name: str) -> None:
    path = clips.make(tmp_path, name)
    cover = drawing(tmp_path)
    plan = planned(path, cover)
    output = tmp_path / f"out{path.suffix}"
    done = api.render_file(path, output, plan, cover=cover)
    assert done.verification is not None
    assert done.verification.passed
    assert done.verification.inside < 0.3
    proof = api.prove_file(path, plan, cover=cover)
    assert isinstance(proof, Proof)
    assert proof.holds
    assert proof.regions


def test_a_source_that_shows_through_a_cover_is_a_fault(tmp_path: Path) -> None:
    """The cover's own structure is left out of the comparison, the source's is not."""
    noise = np.random.default_rng(3).integers(0, 256, (60, 60, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    cover = drawing(tmp_path)
    plan = planned(tmp_path / "a.png", cover)
    api.render_file(tmp_path / "a.png", tmp_path / "b.png", plan, cover=cover)
    hidden = np.asarray(Image.open(tmp_path / "b.png")).astype(float)
    mixed = (hidden * 0.5 + noise * 0.5).round().astype(np.uint8)
    Image.fromarray(mixed).save(tmp_path / "c.png")
    found = api.verify_file(tmp_path / "a.png", tmp_path / "c.png", plan, cover=cover)
    assert any("shows" in fault for fault in found.problems)


def test_a_file_is_redacted_under_it(tmp_path: Path) -> None:
    Image.new("RGB", (80, 60), (90, 90, 90)).save(tmp_path / "a.png")
    cover = drawing(tmp_path)
    done = api.redact_file(
        tmp_path / "a.png", recipe=FACELESS, cover=cover, checking=Checking(report_only=True)
    )
    assert done.plan.recipe == with_cover(FACELESS, read(cover))


def test_a_picture_in_memory_is_hidden_under_it(tmp_path: Path) -> None:
    Image.new("RGB", (9, 9), (250, 0, 250)).save(tmp_path / "c.png")
    scene = car()
    drawn = api.redact_picture(scene, FACELESS, cover=tmp_path / "c.png")
    changed = (drawn != scene).any(axis=2)
    assert changed.any()
    assert (drawn[changed] == (250, 0, 250)).all()
