"""Screens and lines of text from a picture or a video to its redacted file, with real weights."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from redact.api import analyse_file, redact_picture
from redact.core.findings import Kind
from redact.core.frames import Rgb
from redact.core.geometry import Box
from redact.core.plan import dumps, loads
from redact.core.recipe import PROFILES, recipe
from redact.hide.masks import size_mask
from redact.hide.styles import STYLES
from tests.films import write_film
from tests.rooms import page, room, screen_box

SCREENS = recipe("fast").detecting({Kind.SCREEN})
TEXT = recipe("fast").detecting({Kind.TEXT})


def inside(picture: Rgb, box: Box) -> Rgb:
    return picture[round(box.top) : round(box.bottom), round(box.left) : round(box.right)]


@pytest.mark.parametrize("style", sorted(STYLES))
def test_a_screen_is_one_colour_as_a_whole_in_every_style(style: str) -> None:
    picture, box = room(), screen_box(208, 100, 150)
    after = redact_picture(picture, recipe("fast", style=style).detecting({Kind.SCREEN}))
    assert (inside(after, box) == inside(after, box)[0, 0]).all()
    assert np.array_equal(after[220:], picture[220:])


@pytest.mark.parametrize("style", sorted(STYLES))
def test_lines_are_one_colour_in_every_style(style: str) -> None:
    picture, lines = page()
    after = redact_picture(picture, recipe("fast", style=style).detecting({Kind.TEXT}))
    for line in lines:
        assert (inside(after, line) == inside(after, line)[0, 0]).all()
    assert np.array_equal(after[:24], picture[:24])


def test_screens_and_text_are_hidden_only_if_they_are_asked_for() -> None:
    for picture in (room(), page()[0]):
        assert np.array_equal(redact_picture(picture, recipe("fast")), picture)
    assert np.array_equal(redact_picture(room(), TEXT), room())
    assert np.array_equal(redact_picture(page()[0], SCREENS), page()[0])


def test_a_page_that_scrolls_is_hidden_line_by_line_in_every_frame(tmp_path: Path) -> None:
    rate = 12
    shown = [page(256, 416, 190 - 6 * i, 16) for i in range(28)]
    film = write_film(tmp_path / "page.mp4", [picture for picture, _ in shown], rate)
    plan = analyse_file(film, PROFILES["balanced"].detecting({Kind.TEXT}))
    assert {track.kind for track in plan.hidden_tracks} == {Kind.TEXT}
    assert loads(dumps(plan)) == plan
    cover, size = plan.cover(), plan.source.size
    for i, (_, lines) in enumerate(shown):
        mask = size_mask(cover(i, Fraction(i, rate)), size)
        for line in lines:
            part = inside(mask, line)  # type: ignore[arg-type]
            if part.size and line.top >= 0 and line.bottom <= size.height:
                assert part.mean() > 0.98, (i, line)


def test_a_plan_holds_no_word_of_a_text(tmp_path: Path) -> None:
    film = write_film(tmp_path / "page.mp4", [page()[0]] * 3, 12)
    said = dumps(analyse_file(film, TEXT))
    assert "line" not in said
    assert not any(word in said for word in ("Invoice", "Anna", "Harbour", "0171"))
