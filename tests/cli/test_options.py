"""What can be said on the command line, and what becomes of it."""

from __future__ import annotations

import pytest

from redact.core.findings import Kind
from redact.core.recipe import PROFILES, Pass
from redact.errors import RecipeError
from redact_cli.options import Encoding, Reach, Search, Style
from redact_cli.recipes import make_recipe, parse_pass


def test_choices_reach_the_recipe() -> None:
    made = make_recipe(
        Search("fast", detector=["yunet:640:0.3", "centerface:1024:.5"]),
        Reach(pad=0.5, after=1.0),
        Style("solid", color="00ff00"),
        Encoding(encoder="hevc", quality=20, audio="drop"),
    )
    faces = [one for one in made.passes if one.kind is Kind.FACE]
    assert faces == [Pass("yunet", 640, 0.3), Pass("centerface", 1024, 0.5)]
    assert set(PROFILES["fast"].passes) - set(faces) >= set(made.passes) - set(faces)
    assert (made.style, made.colour, made.encoder) == ("solid", "#00ff00", "hevc")
    assert (made.quality, made.audio) == (20, "drop")
    assert (made.coverage.pad, made.coverage.before, made.coverage.after) == (0.5, 0.4, 1.0)


def test_damage_is_refused_only_if_asked_for() -> None:
    assert make_recipe(Search("fast", strict_input=True)).strict_input
    assert not make_recipe(Search("fast")).strict_input


def test_a_detector_in_words() -> None:
    assert parse_pass("mediapipe:128:0.6") == Pass("mediapipe", 128, 0.6)


@pytest.mark.parametrize(
    "text", ["yunet", "yunet:640", "yunet:a:0.3", "yunet:640:-1", "yunet:1:0.3"]
)
def test_a_detector_in_the_wrong_words(text: str) -> None:
    with pytest.raises(RecipeError):
        parse_pass(text)


@pytest.mark.parametrize("profile", PROFILES)
def test_faces_and_plates_are_both_looked_for_unless_one_is_named(profile: str) -> None:
    def kinds(**said: str) -> set[Kind]:
        return {one.kind for one in make_recipe(Search(profile, **said)).passes}

    assert kinds() == kinds(detect="faces,plates") == kinds(detect="plates, faces") == set(Kind)
    assert kinds(detect="faces") == {Kind.FACE}
    assert kinds(detect="plates") == {Kind.PLATE}


def test_a_detector_replaces_the_passes_for_its_own_kind() -> None:
    made = make_recipe(Search("thorough", detector=["plates:1280:0.3"]))
    plates = [one for one in made.passes if one.kind is Kind.PLATE]
    assert plates == [Pass("plates", 1280, 0.3)]
    faces = [one for one in PROFILES["thorough"].passes if one.kind is Kind.FACE]
    assert [one for one in made.passes if one.kind is Kind.FACE] == faces


@pytest.mark.parametrize("text", ["", "face", "faces;plates", "faces,", "cars", "none"])
def test_what_cannot_be_detected_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="can be detected") as caught:
        make_recipe(Search("fast", detect=text))
    assert "faces, plates" in (caught.value.remedy or "")


def test_a_detector_of_a_kind_that_is_left_out_is_refused() -> None:
    with pytest.raises(RecipeError, match="leaves faces out"):
        make_recipe(Search("fast", detect="plates", detector=["yunet:640:0.3"]))


def test_what_is_kept_is_named_one_by_one() -> None:
    assert make_recipe(Search("fast")).extras == ()
    both = ("languages", "subtitles")
    assert (
        make_recipe(Search("fast"), encoding=Encoding(keep=["subtitles,languages"])).extras == both
    )
    assert (
        make_recipe(
            Search("fast"), encoding=Encoding(keep=["Subtitles", " languages, subtitles"])
        ).extras
        == both
    )


@pytest.mark.parametrize(("name", "why"), [
    ("gps", "where and when"), ("telemetry", "where and when"), ("timecode", "where and when"),
    ("chapters", "name people"), ("attachments", "very pictures"), ("voices", "choose subtitles"),
])  # fmt: skip
def test_what_is_never_kept_is_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(RecipeError) as caught:
        make_recipe(Search("fast"), encoding=Encoding(keep=[f"subtitles,{name}"]))
    assert name in str(caught.value)
    assert why in str(caught.value)
