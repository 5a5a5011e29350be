"""The table of kinds, and the rules that a recipe has for each."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from redact.core.coverage import Cover, Coverage
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box
from redact.core.kinds import FURTHER_RULES, KINDS, USUAL, Rule, in_words, kind_of_detector
from redact.core.passes import Pass
from redact.core.recipe import PROFILES
from redact.detect.detectors import DETECTORS

RATE = 25


def test_every_kind_has_one_row_and_a_rule() -> None:
    assert set(KINDS) == set(Kind)
    assert {rule.kind for rule in FURTHER_RULES} == set(Kind) - set(USUAL)
    for name in ("option", "name", "colour"):
        values = [getattr(facts, name) for facts in KINDS.values()]
        assert len(set(values)) == len(values), name


def test_every_detector_finds_one_kind_and_every_kind_has_one() -> None:
    named = [name for facts in KINDS.values() for name in facts.detectors]
    assert sorted(named) == sorted(DETECTORS)
    for kind, facts in KINDS.items():
        assert all(kind_of_detector(name) is kind for name in facts.detectors)
        assert all(Pass(name, 640, 0.3).kind is kind for name in facts.detectors)


def lightness(colour: str) -> float:
    """Relative luminance, as WCAG has it."""
    parts = [value / 255 for value in bytes.fromhex(colour[1:])]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("kind", Kind)
def test_the_mark_of_a_kind_is_seen_on_light_and_on_dark(kind: Kind) -> None:
    own = lightness(KINDS[kind].colour)
    assert (1 + 0.05) / (own + 0.05) >= 3
    assert (own + 0.05) / (lightness("#24413a") + 0.05) >= 2  # a chosen card in the dark
    assert (own + 0.05) / (lightness("#1c2027") + 0.05) >= 3


def test_kinds_in_words() -> None:
    assert in_words([Kind.PERSON]) == "people"
    assert in_words([Kind.PLATE, Kind.FACE]) == "faces and number plates"
    assert in_words([Kind.PERSON, Kind.PLATE, Kind.FACE]) == "faces, number plates and people"


@pytest.mark.parametrize("value", [-0.1, 1000.0, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["pad", "before", "after"])
def test_a_rule_with_a_value_that_cannot_be_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        replace(FURTHER_RULES[0], **{name: value})


def test_a_threshold_beyond_a_score_and_a_way_of_drawing_that_is_none_are_refused() -> None:
    with pytest.raises(ValueError, match="threshold"):
        replace(FURTHER_RULES[0], threshold=1.5)
    with pytest.raises(ValueError, match="there is no 'sticker'"):
        replace(FURTHER_RULES[0], drawn="sticker")  # type: ignore[arg-type]


def test_nothing_is_drawn_in_a_weaker_way_than_its_kind_allows() -> None:
    assert Rule(Kind.FACE, None, 0.1, 0, 0, "plain")
    assert Rule(Kind.PERSON, None, 0.1, 0, 0, "plain")
    for kind, weaker in ((Kind.PERSON, "any"), (Kind.PLATE, "any"), (Kind.PLATE, "fill")):
        with pytest.raises(ValueError, match="never"):
            Rule(kind, None, 0.1, 0, 0, weaker)  # type: ignore[arg-type]


def test_two_rules_for_one_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="two rules"):
        Coverage(rules=(*FURTHER_RULES, FURTHER_RULES[0]))


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_has_its_own_margin_holds_and_threshold(kind: Kind) -> None:
    own = Rule(kind, 0.77, 0.5, 1.0, 2.0, "plain")
    coverage = replace(Coverage(), bridge=0, drift=0).with_rule(own)
    chosen = replace(PROFILES["balanced"], coverage=coverage)
    for other in Kind:
        one = Track(1, other, (Sighting(100, Fraction(100, RATE), Box(50, 50, 90, 150), 0.5),))
        cover = Cover([one], (), coverage)
        found = [cover.hidden(i, Fraction(i, RATE)) for i in range(200)]
        frames = [i for i, here in enumerate(found) if here]
        rule = coverage.rule(other)
        assert frames[0] == 100 - int(Fraction(rule.before) * RATE)
        assert frames[-1] == 100 + int(Fraction(rule.after) * RATE)
        assert (rule == own) == (other is kind)
        usual = PROFILES["balanced"].track_threshold_of(other)
        assert chosen.track_threshold_of(other) == (0.77 if other is kind else usual)
        width = found[100][0].region.box.width
        assert (width == pytest.approx(80)) == (other is kind)
        if other is kind:
            assert found[100][0].region.text


def test_a_person_is_hidden_as_a_rounded_hull_and_in_no_reversible_way() -> None:
    box = Box(100, 100, 140, 200)
    region = Coverage().region(Kind.PERSON, box, 0.9)
    assert region.box.contains(box)
    assert 0.3 < region.roundness < 1
    assert region.fill
    assert not region.text


def test_holds_that_are_said_or_made_longer_are_those_of_every_kind() -> None:
    said = Coverage().with_holds(before=2.0)
    longer = Coverage().with_longer_holds(2)
    for kind in Kind:
        rule = Coverage().rule(kind)
        assert (said.rule(kind).before, said.rule(kind).after) == (2.0, rule.after)
        assert longer.rule(kind).before == 4 * rule.before
        assert longer.rule(kind).after == 4 * rule.after
        assert longer.follow >= longer.rule(kind).after


def test_the_longest_holds_are_those_of_any_kind() -> None:
    coverage = Coverage().with_rule(replace(FURTHER_RULES[0], before=7.0, after=9.0))
    assert (coverage.longest_before, coverage.longest_after) == (7.0, 9.0)
    assert coverage.reach >= 9
