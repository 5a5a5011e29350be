"""What is uncertain and lies inside what is hidden is not called visible; all else is."""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction

import pytest

from redact.core.edits.values import Hide
from redact.core.exposure import covered_tracks, style_notes
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box, Size
from redact.core.plan import ChangeStyle, Edit, HideBox, Plan, Show, SourceId
from redact.core.recipe import recipe

FACE, TEETH = Box(100, 100, 200, 220), Box(130, 180, 170, 200)
CORNER = Box(66, 60, 76, 70)  # in the bounds of what hides the face, and not in its oval
FRAMES = 50


def seen(
    number: int,
    box: Box,
    frames: range = range(10, 20),
    *,
    uncertain: bool = False,
    kind: Kind = Kind.FACE,
) -> Track:
    sightings = tuple(Sighting(i, Fraction(i, 25), box, 0.5) for i in frames)
    return Track(number, kind, sightings, uncertain)


def teeth(box: Box = TEETH, frames: range = range(10, 20)) -> Track:
    return seen(2, box, frames, uncertain=True, kind=Kind.PLATE)


def plan_of(*tracks: Track, edits: tuple[Edit, ...] = ()) -> Plan:
    times = Fraction(0), Fraction(FRAMES - 1, 25)
    source = SourceId("sha256:" + 64 * "0", Size(640, 480), FRAMES, *times)
    return Plan(source, recipe("balanced"), tracks=tracks, edits=edits)


def test_teeth_in_a_hidden_face_are_covered() -> None:
    assert covered_tracks(plan_of(seen(1, FACE), teeth())) == {2}


@pytest.mark.parametrize("frames", [range(12, 45), range(20), range(12, 50, 37)])
def test_what_shows_in_a_part_of_its_frames_is_not(frames: range) -> None:
    """Also between two sightings, both of which something hides."""
    hidden = [seen(1, FACE, range(12, 20)), seen(3, FACE, range(48, 50))]
    assert not covered_tracks(plan_of(*hidden, teeth(frames=frames)))


def test_several_may_cover_it_by_turns() -> None:
    hidden = [seen(1, FACE, range(10, 20)), seen(3, FACE, range(20, 40))]
    assert covered_tracks(plan_of(*hidden, teeth(frames=range(10, 40)))) == {2}


@pytest.mark.parametrize("box", [CORNER, FACE.grown(0.6), TEETH.shifted(100, 0), Box(0, 0, 20, 9)])
def test_what_is_not_wholly_inside_the_shape_is_not(box: Box) -> None:
    (region,) = plan_of(seen(1, FACE)).regions(15, Fraction(15, 25))
    assert region.box.contains(CORNER)
    assert not covered_tracks(plan_of(seen(1, FACE), teeth(box)))


def test_what_covers_must_be_hidden_itself() -> None:
    assert not covered_tracks(plan_of(seen(1, FACE, uncertain=True), teeth()))
    assert not covered_tracks(plan_of(seen(1, FACE), teeth(), edits=(Show(1),)))
    late = Show(1, start=Fraction(15, 25))
    assert not covered_tracks(plan_of(seen(1, FACE), teeth(), edits=(late,)))


def test_what_a_person_hides_covers_and_a_polygon_is_never_sure() -> None:
    box = Box(90, 90, 210, 230)
    assert covered_tracks(plan_of(teeth(), edits=(HideBox(box),))) == {2}
    polygon = HideBox(box, outline=((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))
    assert not covered_tracks(plan_of(teeth(), edits=(polygon,)))


def test_only_what_is_uncertain_and_not_hidden_is_asked_about() -> None:
    plan = plan_of(seen(1, FACE), teeth())
    assert not covered_tracks(replace(plan, recipe=replace(plan.recipe, uncertain="hide")))
    assert not covered_tracks(replace(plan, edits=(Hide(2),)))
    assert not covered_tracks(plan_of())


def test_thousands_of_tracks_cost_little() -> None:
    """Most are seen to be visible in their first frame, and are asked about no more."""
    many = [
        seen(10 + i, Box(i % 600, 300, i % 600 + 9, 309), range(100), uncertain=True)
        for i in range(1000)
    ]
    began = time.process_time()
    assert not covered_tracks(plan_of(seen(1, FACE), *many))
    assert time.process_time() - began < 5


def test_a_style_that_can_be_reversed_is_told_and_no_other() -> None:
    plan = plan_of(seen(1, FACE))
    for style, weak in {"blur": 0, "solid": 0, "pixelate": 0, "gaussian": 1, "mosaic": 1}.items():
        drawn = replace(plan, recipe=replace(plan.recipe, style=style))
        notes = style_notes(drawn)
        assert len(notes) == weak, style
        assert all(f"{style} CAN BE REVERSED" in note.text for note in notes)
        assert all("blur, cover, pixelate, solid cannot be undone" in note.text for note in notes)
        assert not style_notes(replace(drawn, tracks=()))  # nothing is drawn
    assert style_notes(replace(plan, edits=(ChangeStyle("mosaic", track=1),)))
