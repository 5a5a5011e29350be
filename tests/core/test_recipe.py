from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, replace
from fractions import Fraction

import pytest

from redact.core.findings import Detection, Kind
from redact.core.frames import VideoInfo
from redact.core.geometry import Box, Size
from redact.core.kinds import USUAL
from redact.core.passes import Pass
from redact.core.recipe import IRREVERSIBLE, PROFILES, Recipe, recipe, size_penalty
from redact.detect.detectors import DETECTORS
from redact.errors import RecipeError
from redact.hide.styles import STYLES

PASS = Pass("yunet", 640, 0.3)


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_whole_and_hides_for_good(name: str) -> None:
    profile = PROFILES[name]
    assert profile.profile == name
    assert {p.detector for p in profile.passes} <= set(DETECTORS)
    assert profile.style in IRREVERSIBLE
    assert profile.coverage.pad > 0


def test_what_is_reversible_is_not_called_irreversible() -> None:
    assert {*STYLES, "cover"} > IRREVERSIBLE
    assert not IRREVERSIBLE & {"gaussian", "mosaic"}
    assert Recipe(passes=(PASS,)).style in IRREVERSIBLE


@pytest.mark.parametrize("name", PROFILES)
def test_recipes_travel_between_processes(name: str) -> None:
    assert pickle.loads(pickle.dumps(PROFILES[name])) == PROFILES[name]


def test_recipes_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        PROFILES["fast"].style = "solid"  # type: ignore[misc]
    recipe("fast", style="solid")
    assert PROFILES["fast"].style in IRREVERSIBLE - {"solid"}


def test_choices_replace_those_of_the_profile() -> None:
    made = recipe("fast", style="solid", colour="#10ff00", audio="drop")
    assert (made.profile, made.style, made.audio) == ("fast", "solid", "drop")
    assert made.rgb == (16, 255, 0)
    assert made.passes == PROFILES["fast"].passes


def test_a_profile_that_does_not_exist_names_those_that_do() -> None:
    with pytest.raises(RecipeError, match="quick") as caught:
        recipe("quick")
    assert all(name in (caught.value.remedy or "") for name in PROFILES)


def test_a_choice_that_does_not_exist_is_refused() -> None:
    with pytest.raises(RecipeError, match="sticker"):
        recipe("fast", sticker="cat")


@pytest.mark.parametrize(
    "colour",
    ["black", "#000", "#00000g", "#0000000", "000000", "", "#000000\n", "#" + "\u0660" * 6],
)
def test_a_colour_is_written_in_one_way(colour: str) -> None:
    with pytest.raises(RecipeError, match="#rrggbb"):
        recipe(colour=colour)


def test_a_recipe_that_would_find_nothing_is_refused() -> None:
    with pytest.raises(RecipeError, match="at least one"):
        recipe(passes=())


@pytest.mark.parametrize(
    "choice", [{"style": "sticker"}, {"audio": "louder"}, {"uncertain": "maybe"}]
)
def test_a_value_that_does_not_exist_is_refused(choice: dict[str, str]) -> None:
    with pytest.raises(RecipeError):
        recipe(**choice)


@pytest.mark.parametrize(
    "change",
    [
        {"above": -1},
        {"largest": 0.0},
        {"largest": float("nan")},
        {"side": 31},
        {"side": 16385},
        {"threshold": 0.0},
        {"threshold": 1.0},
        {"threshold": float("nan")},
        {"quarters": 4},
        {"quarters": -1},
        {"every": 0},
        {"turned_threshold": 1.0},
        {"turned_threshold": -0.1},
    ],
    ids=str,
)
def test_a_pass_that_makes_no_sense_is_refused(change: dict[str, float]) -> None:
    with pytest.raises(RecipeError):
        Pass(**{"detector": "yunet", "side": 640, "threshold": 0.3, **change})  # type: ignore[arg-type]


def test_a_pass_knows_what_its_detector_finds() -> None:
    assert {name for name in DETECTORS if Pass(name, 640, 0.3).kind is Kind.PLATE} == {"plates"}


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_looks_for_faces_and_plates_and_can_look_for_more(name: str) -> None:
    assert {p.kind for p in PROFILES[name].passes} == set(USUAL)
    assert {p.kind for p in PROFILES[name].detecting(Kind).passes} == set(Kind)
    for kind in Kind:
        only = PROFILES[name].detecting({kind})
        assert {p.kind for p in only.passes} == {kind}
        assert replace(only, passes=PROFILES[name].passes) == PROFILES[name]
        assert set(only.passes) < set(PROFILES[name].detecting(Kind).passes)


def test_passes_of_ones_own_are_kept_for_their_kind() -> None:
    own = recipe("balanced", passes=(Pass("people", 320, 0.5),))
    assert own.detecting({Kind.PERSON}).passes == own.passes
    assert not {p.kind for p in own.detecting(Kind).passes} & set(USUAL)  # taken out on purpose


def test_a_kind_that_nothing_looks_for_is_refused() -> None:
    own = replace(PROFILES["balanced"], profile="of my own")
    assert own.detecting(USUAL).passes == own.passes
    with pytest.raises(RecipeError, match="no detection pass for people"):
        own.detecting({Kind.FACE, Kind.PERSON})


def test_detecting_nothing_is_refused() -> None:
    with pytest.raises(RecipeError, match="at least one"):
        PROFILES["fast"].detecting(())


def asked(height: float, kind: Kind = Kind.FACE, slope: float = 0.05) -> float:
    box = Box(0, 0, height, height)
    return size_penalty(Detection(kind, box, 0.5), Size(960, 540), slope)


def test_a_large_face_must_be_seen_more_clearly() -> None:
    assert asked(10) == asked(40) == 0
    assert asked(80) == pytest.approx(0.05)
    assert asked(320) == pytest.approx(0.15)


def test_a_person_who_fills_the_picture_must_be_seen_more_clearly() -> None:
    assert asked(200, Kind.PERSON) == asked(288, Kind.PERSON) == 0
    assert asked(576, Kind.PERSON) == pytest.approx(0.1)
    assert asked(576, Kind.PERSON, slope=0.0) == pytest.approx(0.1)  # which is that of faces


def test_a_large_screen_must_be_seen_more_clearly() -> None:
    """Windows and boards look like screens, and hiding them hides the picture."""
    assert asked(96, Kind.SCREEN) == 0
    assert asked(192, Kind.SCREEN) == pytest.approx(0.1)
    assert asked(384, Kind.SCREEN, slope=0.5) == pytest.approx(0.2)


def test_size_says_nothing_about_plates_or_without_a_slope() -> None:
    assert asked(320, Kind.PLATE) == 0
    assert asked(320, slope=0.0) == 0


VIDEO = VideoInfo(Size(4096, 2160), frames=50, rate=Fraction(25))


@pytest.mark.parametrize(
    ("info", "still"),
    [
        (VideoInfo(Size(10, 10), frames=1), True),
        (VideoInfo(Size(10, 10), frames=3, pages=True), True),
        (VIDEO, False),
        (VideoInfo(Size(10, 10)), False),
        (VideoInfo(Size(10, 10), frames=1, rate=Fraction(25)), False),
    ],
)
def test_stills_and_pages_get_passes_of_their_own(info: VideoInfo, still: bool) -> None:
    own = Pass("yunet", 512, 0.5, scale=1, stills=True)
    made = Recipe(passes=(PASS, own))
    assert made.passes_for(info) == ((PASS, own) if still else (PASS,))


@pytest.mark.parametrize("name", PROFILES)
def test_a_video_of_up_to_4k_is_not_seen_in_tiles(name: str) -> None:
    tiled = [p for p in PROFILES[name].passes_for(VIDEO) if p.scale]
    assert all(p.above >= VIDEO.size.longer and p.every >= 8 for p in tiled)


@pytest.mark.parametrize("name", ["balanced", "thorough"])
@pytest.mark.parametrize("kind", Kind)
def test_a_still_is_seen_at_no_less_than_0_7_of_its_size(name: str, kind: Kind) -> None:
    """So that 20 pixels are at least 14 for a detector, whatever the size of the picture."""
    still = VideoInfo(Size(8660, 5774), frames=1)
    passes = PROFILES[name].detecting({kind}).passes_for(still)
    closest = max(passes, key=lambda p: p.scale)
    assert closest.scale >= (0.7 if kind is Kind.PLATE else 1)
    assert closest.above <= 2048 or any(p.scale >= 0.7 and p.above <= 2048 for p in passes)


@pytest.mark.parametrize("scale", [-0.1, 1.1, float("nan")])
def test_tiles_are_not_enlarged(scale: float) -> None:
    with pytest.raises(RecipeError, match="scale"):
        Pass("yunet", 512, 0.5, scale=scale)
