"""What can be said on the command line, and what becomes of it."""

from __future__ import annotations

import pytest

from redact.errors import RecipeError
from redact.recipe import Pass
from redact_cli.options import make_recipe, parse_pass


def test_choices_reach_the_recipe() -> None:
    made = make_recipe(
        "fast",
        style="solid",
        colour="00ff00",
        encoder="hevc",
        quality=20,
        audio="drop",
        detectors=["yunet:640:0.3", "centerface:1024:.5"],
        coverage={"pad": 0.5, "before": None, "after": 1.0},
    )
    assert made.passes == (Pass("yunet", 640, 0.3), Pass("centerface", 1024, 0.5))
    assert (made.style, made.colour, made.encoder) == ("solid", "#00ff00", "hevc")
    assert (made.quality, made.audio) == (20, "drop")
    assert (made.coverage.pad, made.coverage.before, made.coverage.after) == (0.5, 0.4, 1.0)


def test_a_detector_in_words() -> None:
    assert parse_pass("mediapipe:128:0.6") == Pass("mediapipe", 128, 0.6)


@pytest.mark.parametrize(
    "text", ["yunet", "yunet:640", "yunet:a:0.3", "yunet:640:-1", "yunet:1:0.3"]
)
def test_a_detector_in_the_wrong_words(text: str) -> None:
    with pytest.raises(RecipeError):
        parse_pass(text)
