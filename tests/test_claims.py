"""What the documents say in figures and names is what the code says."""

from __future__ import annotations

import json
import re
import tomllib
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from redact.core.coverage import Coverage
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box, Size
from redact.core.kinds import FURTHER_RULES, KINDS, USUAL
from redact.core.names import default_output
from redact.core.passes import Pass
from redact.core.plan import Plan, SourceId, dumps
from redact.core.recipe import PROFILES, Recipe
from redact.media.files import STILL_SUFFIXES, UNREADABLE, VIDEO_SUFFIXES
from redact.verify.passes import EXAMINE_EVERY
from redact.verify.result import Checking
from redact_cli.exit_codes import MEANINGS
from tests.claims import even

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="an archive without docs")


def page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def listed(text: str, start: str, end: str) -> set[str]:
    """The short names between two places of a page."""
    part = even(text).partition(start)[2].partition(end)[0]
    return {f".{name.lower()}" for name in re.findall(r"\b[A-Za-z0-9]+\b", part)}


def rows(text: str, first: str) -> list[list[str]]:
    """The cells of the table whose head begins with that cell."""
    table = text[text.index(f"| {first} |") :].partition("\n\n")[0]
    cells = [[c.strip() for c in row.strip(" |").split(" |")] for row in table.splitlines()]
    return [[cell.lstrip("| ") for cell in row] for row in cells[2:]]


def test_the_version_of_python_is_the_packages() -> None:
    project = tomllib.loads(page("pyproject.toml"))["project"]
    assert project["requires-python"] == ">=3.11"
    assert "Python 3.11 or later" in page("README.md")


def test_an_installer_finds_the_command() -> None:
    """What pip and pipx put where a shell looks for commands."""
    scripts = tomllib.loads(page("pyproject.toml"))["project"]["scripts"]
    assert scripts == {"redact": "redact_cli.app:main"}


def test_the_formats_that_are_named_are_those_of_the_code() -> None:
    readme, formats = page("README.md"), page("docs/formats.md")
    same = {s for s in VIDEO_SUFFIXES if default_output(Path(f"a{s}")).suffix == s}
    others = VIDEO_SUFFIXES - same
    assert listed(readme, "Videos: ", ", and twenty older kinds") == same
    assert listed(formats, "Videos: ", ". These") == same
    assert len(others) == 20
    text = even(formats)
    for words, suffix in (
        (text.partition("become mp4: ")[2].partition(";")[0], ".mp4"),
        (text.partition("y4m; ")[2].partition(" become mkv")[0], ".mkv"),
        (text.partition("become mkv, ")[2].partition(" become mov")[0], ".mov"),
        (text.partition("become mov, ")[2].partition(" become ts")[0], ".ts"),
    ):
        named = {f".{name}" for name in re.findall(r"\b[a-z0-9]{2,}\b", words)} - {".and"}
        assert named == {s for s in others if default_output(Path(f"a{s}")).suffix == suffix}
    stills = listed(readme, "Pictures: ", ", animations")
    again = {".jpg", ".jpe", ".jfif", ".heif", ".tif", ".gif", ".apng", ".psd", ".mpo"}
    assert stills | again == STILL_SUFFIXES
    assert default_output(Path("a.psd")).suffix == ".png"
    assert default_output(Path("a.mpo")).suffix == ".jpg"
    assert {".dng", ".cr2", ".jxl", ".jp2"} <= UNREADABLE.keys()


def test_the_table_of_exit_codes_is_the_programs() -> None:
    """Each row names as many codes as it has meanings, in their order."""
    told: dict[int, str] = {}
    for cell, meaning in rows(page("README.md"), "code"):
        numbers = [int(number) for number in re.findall(r"\d+", cell)]
        if " to " in cell:
            numbers = list(range(numbers[0], numbers[1] + 1))
        parts = meaning.partition(": ")[2] if len(numbers) > 2 else meaning
        meanings = parts.split("; ") if len(numbers) > 1 else [meaning]
        assert len(meanings) == len(numbers), cell
        told |= dict(zip(numbers, meanings, strict=True))
    assert list(told) == [code for code, _ in MEANINGS]
    words = dict(MEANINGS)
    for code, key in {3: "plan", 4: "missing", 5: "damaged", 6: "kept", 7: "changed"}.items():
        assert key in told[code]
        assert key in words[code] or code == 4
    for code, key in {8: "exists already", 9: "written", 10: "failed", 11: "missing"}.items():
        assert key in told[code]
        assert key in words[code]


@pytest.mark.parametrize("profile", PROFILES)
def test_the_passes_of_a_profile_are_those_of_the_table(profile: str) -> None:
    (cell,) = [row[1] for row in rows(page("docs/choices.md"), "`--profile`")
               if row[0].startswith(f"`{profile}`")]  # fmt: skip
    passes = [one for one in PROFILES[profile].passes if not one.scale]
    for one in passes:
        assert str(one.side) in cell, one
        rate = {2: "2nd", 3: "3rd"}.get(one.every, f"{one.every}th")
        assert f"every {rate}" in cell or one.kind is Kind.PLATE, one
        assert f"{90 * one.quarters}°" in cell or not one.quarters
    sides = {int(side) for side in re.findall(r"(?<![\d.])(\d{3,4})(?![\d°])", cell)}
    assert sides == {one.side for one in passes}
    assert ("YuNet" in cell) == any(one.detector == "yunet" for one in passes)
    said = even(page("docs/what-is-not-hidden.md"))
    assert "for faces runs on every third frame (`fast` and `thorough`: every second)" in said
    assert "for plates on every third (`fast`: fourth, `thorough`: second)" in said
    most = {kind: min(p.every for p in passes if p.kind is kind) for kind in USUAL}
    wanted = {"fast": (2, 4), "balanced": (3, 3), "thorough": (2, 2)}[profile]
    assert (most[Kind.FACE], most[Kind.PLATE]) == wanted


def tiled(profile: str, kind: Kind) -> dict[tuple[int, float], Pass]:
    """The passes over tiles, by the side above which they run, and by scale."""
    passes = PROFILES[profile].passes
    return {(one.above, one.scale): one for one in passes if one.scale and one.kind is kind}


def test_the_passes_over_tiles_are_those_of_the_table() -> None:
    table = rows(page("docs/choices.md"), "longer side")
    assert [re.findall(r"\d{4}", row[0]) for row in table] == [["2048"], ["4096"], ["8192"]]
    assert "tile by tile: 1024 pixels" in even(page("docs/choices.md"))
    assert not tiled("fast", Kind.FACE)
    assert not tiled("fast", Kind.PLATE)
    for profile, every in (("balanced", 24), ("thorough", 8)):
        faces, plates = tiled(profile, Kind.FACE), tiled(profile, Kind.PLATE)
        assert set(faces) == {(2048, 1), (4096, 0.5), (8192, 0.25)}
        assert set(plates) - {(4096, 1)} == {(2048, 0.7), (4096, 0.35)}
        assert ((4096, 1) in plates) == (profile == "thorough")
        assert all(one.side == 1024 for one in (*faces.values(), *plates.values()))
        assert faces[2048, 1].stills
        assert plates[2048, 0.7].stills
        assert faces[4096, 0.5].every == every
        assert plates[4096, 0.35].every == 24


def test_thresholds_of_tracks_are_those_of_the_table() -> None:
    table = rows(page("docs/what-is-not-hidden.md"), "threshold of a track")
    told = {row[0].split(",")[0]: [float(cell) for cell in row[1:]] for row in table}
    recipes: list[Recipe] = [PROFILES[name] for name in ("fast", "balanced", "thorough")]
    assert told["face"] == [one.track_threshold for one in recipes]
    assert told["more"] == [one.slope for one in recipes]
    assert told["plate"] == [one.plate_track_threshold for one in recipes]
    further = {KINDS[rule.kind].name: rule.kind for rule in FURTHER_RULES}
    assert set(told) == {"face", "more", "plate", *further}
    for name, kind in further.items():
        assert told[name] == [one.track_threshold_of(kind) for one in recipes]


def test_times_of_hiding_are_those_of_the_recipe() -> None:
    usual = Coverage()
    said = even(page("docs/what-is-not-hidden.md"))
    assert f"for {usual.before} s before the first and after the last" in said
    assert usual.before == usual.after
    assert f"up to {usual.follow} s as long as optical flow holds" in said


def test_the_check_searches_as_often_as_is_said() -> None:
    assert round(1 / EXAMINE_EVERY) == 8
    assert "eight times a second" in even(page("README.md"))
    assert Checking().rounds == 3
    assert "three times at most" in even(page("README.md"))


def test_a_plan_holds_nothing_but_what_is_said_of_it() -> None:
    """Numbers, choices and checksums: no text of the source, and nothing as long as a picture."""
    seen = Sighting(0, Fraction(0), Box(1, 2, 3, 4), 0.9)
    source = SourceId("sha256:" + 64 * "0", Size(640, 480), 1)
    plan = Plan(source, PROFILES["thorough"], tracks=(Track(1, Kind.FACE, (seen,)),))

    def words(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [word for one in value.values() for word in words(one)]
        if isinstance(value, list):
            return [word for one in value for word in words(one)]
        return [value] if isinstance(value, str) else []

    made = json.loads(dumps(plan))
    assert max(map(len, words(made))) <= len("sha256:") + 64
    assert set(made) == {"source", "recipe", "cuts", "edits", "result", "version", "tracks"}
