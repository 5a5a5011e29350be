"""Zones and silences in a few characters: read exactly, or refused in words."""

from __future__ import annotations

from fractions import Fraction

import pytest

from redact.core.edits.values import HideBox, Mute
from redact.core.edits.zones import made_by_options, parse_mute, parse_zone, read_zones
from redact.core.geometry import Box, Size
from redact.errors import RecipeError

SIZE = Size(640, 360)


@pytest.mark.parametrize(
    ("text", "box", "span"),
    [
        ("10,20,30,40", Box(10, 20, 40, 60), (None, None)),
        (" 10.5, -20 ,30,40 ", Box(10.5, -20, 40.5, 20), (None, None)),
        ("10%,50%,25%,50%", Box(64, 180, 224, 360), (None, None)),
        ("0,50%,100,10", Box(0, 180, 100, 190), (None, None)),
        ("0,0,9,9@1.5-3", Box(0, 0, 9, 9), (Fraction(3, 2), Fraction(3))),
        ("0,0,9,9@1:05-", Box(0, 0, 9, 9), (Fraction(65), None)),
        ("0,0,9,9@-0:01:00.1", Box(0, 0, 9, 9), (None, Fraction(601, 10))),
        ("0,0,9,9@2-2", Box(0, 0, 9, 9), (Fraction(2), Fraction(2))),
    ],
)
def test_a_zone_is_read_as_it_is_meant(text, box, span) -> None:
    edit = parse_zone(text).for_size(SIZE)
    assert edit == HideBox(box, *span, reason=f"--zone {text.strip()}")
    assert made_by_options([edit, HideBox(box)]) == [edit]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a zone is written"),
        ("1,2,3", "a zone is written"),
        ("1,2,3,4,5", "a zone is written"),
        ("a,2,3,4", "a zone is written"),
        ("1,2,3,4@5", "a zone is written"),
        ("1,2,3,4@five-6", "a zone is written"),
        ("1,2,nan,4", "a zone is written"),
        ("1,2,1e9,4", "a zone is written"),
        ("1,2,0,4", "has no width or no height"),
        ("1,2,5%,-4", "has no width or no height"),
        ("1,2,3,4@6-5", "ends before it starts"),
        ("٣,2,3,4", "a zone is written"),
    ],
)
def test_what_is_no_zone_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        parse_zone(text).for_size(SIZE)


@pytest.mark.parametrize(
    ("text", "mute"),
    [
        ("1.25-3", Mute(Fraction(5, 4), Fraction(3))),
        ("1:05-1:07.2:tone", Mute(Fraction(65), Fraction(336, 5), tone=True)),
    ],
)
def test_a_silence_is_read_as_it_is_meant(text: str, mute: Mute) -> None:
    found = parse_mute(text)
    assert (found.start, found.end, found.tone) == (mute.start, mute.end, mute.tone)
    assert found.reason == f"--mute {text}"


@pytest.mark.parametrize("text", ["", "5", "5-", "-5", "7-6", "5-5", "1-2:beep", "a-b"])
def test_what_is_no_silence_is_refused_in_words(text: str) -> None:
    with pytest.raises(RecipeError):
        parse_mute(text)


def test_a_file_of_zones_has_one_a_line() -> None:
    lines = ["# gate camera", "", "0,0,10,10  # clock", "5%,5%,10%,10%@0-9"]
    assert [zone.text for zone in read_zones(lines)] == ["0,0,10,10", "5%,5%,10%,10%@0-9"]
    with pytest.raises(RecipeError, match=r"^line 3: a zone is written"):
        read_zones(["0,0,1,1", "", "0,0,1"])
