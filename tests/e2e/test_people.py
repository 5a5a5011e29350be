"""Whole people from a picture or a video to its redacted file, with the real weights."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from redact.api import redact_file, redact_picture
from redact.core.findings import Kind
from redact.core.geometry import Box, Region, Size
from redact.core.plan import dumps, loads
from redact.core.recipe import PROFILES, recipe
from redact.hide.masks import size_mask
from tests.films import write_film
from tests.walkers import walker, walker_box

PEOPLE = PROFILES["fast"].detecting({Kind.PERSON})


def hidden_share(regions: Sequence[Region], box: Box, size: Size) -> float:
    mask = size_mask(regions, size)
    rows = slice(max(0, round(box.top)), round(box.bottom))
    return float(mask[rows, max(0, round(box.left)) : round(box.right)].mean())


def test_people_are_hidden_only_if_they_are_asked_for() -> None:
    picture = walker()
    assert np.array_equal(
        redact_picture(picture, PROFILES["fast"].detecting({Kind.PLATE})), picture
    )
    after = redact_picture(picture, PEOPLE)
    inner = walker_box(200, 128, 160).grown(-0.3)
    rows, columns = (
        slice(int(inner.top), int(inner.bottom)),
        slice(int(inner.left), int(inner.right)),
    )
    assert (after[rows, columns] != picture[rows, columns]).any(axis=2).all()
    assert np.array_equal(after[:, :100], picture[:, :100])


@pytest.mark.parametrize("style", ["gaussian", "mosaic"])
def test_no_reversible_style_draws_a_person(style: str) -> None:
    after = redact_picture(walker(), recipe("fast", style=style).detecting({Kind.PERSON}))
    inner = walker_box(200, 128, 160).grown(-0.3)
    rows, columns = (
        slice(int(inner.top), int(inner.bottom)),
        slice(int(inner.left), int(inner.right)),
    )
    assert (after[rows, columns] == 128).all()


def test_who_walks_by_is_hidden_in_every_frame_and_the_region_does_not_walk(tmp_path: Path) -> None:
    rate, frames = 12, 30
    places = [(70 + 9 * i, 128, 140, i / rate) for i in range(frames)]
    film = tmp_path / "walk.mp4"
    write_film(film, [walker(256, 416, *place) for place in places], rate)
    done = redact_file(film, tmp_path / "out.mp4", PEOPLE, checking=None)
    assert {track.kind for track in done.plan.hidden_tracks} == {Kind.PERSON}
    assert loads(dumps(done.plan)) == done.plan
    cover, widths = done.plan.cover(), []
    for i, (x, y, high, step) in enumerate(places):
        regions = cover(i, Fraction(i, rate))
        assert hidden_share(regions, walker_box(x, y, high, step), done.plan.source.size) > 0.9, i
        widths.append(max(region.box.width for region in regions))
    inner = widths[8:22]
    assert max(inner) - min(inner) < 0.06 * 140
