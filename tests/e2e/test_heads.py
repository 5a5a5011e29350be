"""Whole heads, also from behind, from a picture or a video to its redacted file; real weights."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from redact.api import analyse_file, redact_picture
from redact.core.findings import Kind
from redact.core.geometry import Box
from redact.core.plan import dumps, loads
from redact.core.recipe import PROFILES
from redact.hide.masks import size_mask
from redact.verify.second_opinion import SecondOpinion
from tests.figures import figures
from tests.films import write_film

HEADS = PROFILES["fast"].detecting({Kind.HEAD})


def inner(head: Box) -> tuple[slice, slice]:
    """Rows and columns well inside of a head."""
    box = head.grown(-0.2)
    return slice(round(box.top), round(box.bottom)), slice(round(box.left), round(box.right))


def test_heads_are_hidden_from_any_side_if_they_are_asked_for() -> None:
    picture, heads = figures(False, True, half=12)
    after = redact_picture(picture, HEADS)
    for head in heads:
        place = inner(head)
        assert (after[place] != picture[place]).any(axis=2).mean() > 0.95
    faces = redact_picture(picture, PROFILES["fast"].detecting({Kind.FACE}))
    behind = inner(heads[1])
    assert np.array_equal(faces[behind], picture[behind])
    assert np.array_equal(after[-60:], picture[-60:])  # their feet


def test_who_turns_away_and_back_is_hidden_in_every_frame(tmp_path: Path) -> None:
    turns = [6 <= i < 16 for i in range(22)]
    pictures, boxes = zip(*(figures(behind, half=10) for behind in turns), strict=True)
    source = tmp_path / "turn.mp4"
    write_film(source, list(pictures), 10)
    plan = analyse_file(source, HEADS)
    assert {track.kind for track in plan.hidden_tracks} == {Kind.HEAD}
    assert loads(dumps(plan)) == plan
    cover, size = plan.cover(), plan.source.size
    for i, (head,) in enumerate(boxes):
        mask = size_mask(cover(i, Fraction(i, 10)), size)
        assert mask[inner(head)].mean() > 0.9, i


def test_the_check_looks_for_faces_where_heads_were_to_be_hidden() -> None:
    loaded: list[str] = []
    names = SecondOpinion({"heads"}, loaded.append).names  # type: ignore[arg-type]
    assert len(names) == 2
    assert {*names, "heads"} == set(loaded)
    assert SecondOpinion({"plates", "heads"}, lambda _: None).names  # type: ignore[arg-type,return-value]
    assert not SecondOpinion({"plates"}, lambda _: None).names  # type: ignore[arg-type,return-value]
