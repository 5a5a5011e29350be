"""What can be said on the command line, and what becomes of it."""

from __future__ import annotations

import pytest

from redact.core.findings import Kind
from redact.core.kinds import KINDS, Rule
from redact.core.passes import Pass
from redact.core.recipe import PROFILES
from redact.errors import RecipeError
from redact_cli import kind_help
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

    assert kinds() == kinds(detect="faces,plates") == kinds(detect="plates, faces")
    assert kinds() == {Kind.FACE, Kind.PLATE}
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


def kinds_of(detect: str, profile: str = "balanced") -> set[Kind]:
    return {one.kind for one in make_recipe(Search(profile, detect=detect)).passes}


@pytest.mark.parametrize("profile", PROFILES)
def test_any_kinds_can_be_asked_for_and_all_of_them(profile: str) -> None:
    assert kinds_of("all", profile) == set(Kind)
    for kind, facts in KINDS.items():
        assert kinds_of(facts.option, profile) == {kind}
        assert kinds_of(f"{facts.option}, plates", profile) == {kind, Kind.PLATE}
    for text in ("all,faces", "people,ghosts", "person"):
        with pytest.raises(RecipeError, match="can be detected"):
            kinds_of(text, profile)


def rule_of(kind: Kind, *said: str) -> Rule:
    return make_recipe(Search(), Reach(rule=list(said))).coverage.rule(kind)


@pytest.mark.parametrize("kind", Kind)
def test_a_rule_speaks_of_one_kind_alone(kind: Kind) -> None:
    option = KINDS[kind].option
    text = f"{option}:threshold=0.6, pad=0.7,before=1,after=2,style=plain"
    assert rule_of(kind, text) == Rule(kind, 0.6, 0.7, 1.0, 2.0, "plain")
    for other in set(Kind) - {kind}:
        assert rule_of(other, text) == rule_of(other)
    assert rule_of(kind, f"{option}:pad=0.7", f"{option}:after=3").pad == 0.7


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("people", "KIND:NAME=VALUE"),
        ("ghosts:pad=1", "KIND:NAME=VALUE"),
        ("people:", "KIND:NAME=VALUE"),
        ("people:size=1", "no value called 'size'"),
        ("people:pad=wide", "does not fit"),
        ("people:pad=nan", "does not fit"),
        ("people:after=-1", "does not fit"),
        ("people:threshold=2", "does not fit"),
        ("people:style=any", "never any"),
        ("plates:style=fill", "never fill"),
        ("faces:style=sticker", "no 'sticker'"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(text: str, why: str) -> None:
    with pytest.raises(RecipeError, match=why):
        rule_of(Kind.FACE, text)


def test_holds_said_for_all_are_those_of_each_kind_unless_a_rule_says_more() -> None:
    made = make_recipe(Search(), Reach(before=2.0, rule=["people:before=3"])).coverage
    assert made.rule(Kind.FACE).before == made.rule(Kind.PLATE).before == 2.0
    assert made.rule(Kind.PERSON).before == 3.0


def test_the_help_tells_each_kind_its_detectors_and_its_values() -> None:
    said = kind_help.of_kinds(), kind_help.of_passes(), kind_help.of_rules()
    for kind, facts in KINDS.items():
        rule = PROFILES["balanced"].coverage.rule(kind)
        assert facts.option in said[0]
        assert all(name in said[1] for name in facts.detectors)
        assert f"{facts.option}:threshold=" in said[2]
        assert f"pad={rule.pad:g},before={rule.before:g}" in said[2]
