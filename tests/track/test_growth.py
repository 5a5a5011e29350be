"""What is followed without being detected grows only so far, whatever the optical flow says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from redact.core.coverage import Cover, Coverage, is_lost
from redact.core.findings import Detection, Kind, Sighting, Track
from redact.core.frames import Grey
from redact.core.geometry import Box, Size
from redact.core.interfaces import MovedBox, OpticalFlow, View
from redact.core.kinds import KINDS
from redact.track.tracker import PictureTracker
from tests.scripted import StaticFlow

SIZE = Size(640, 480)
RATE = 10
LONG = Coverage().with_longer_holds(3)
"""As the third round of extending has it: things are held for 6.4 seconds."""


class SwellingFlow:
    """An optical flow that is sure that everything comes nearer by a tenth a frame."""

    def move_boxes(self, before: Grey, after: Grey, boxes: Sequence[Box]) -> list[MovedBox]:
        assert before.shape == after.shape
        return [MovedBox(box.grown(0.05), reliable=True) for box in boxes]


class LostFlow:
    """An optical flow without any hold."""

    def move_boxes(self, before: Grey, after: Grey, boxes: Sequence[Box]) -> list[MovedBox]:
        assert before.shape == after.shape
        return [MovedBox(box, reliable=False) for box in boxes]


def follow(
    box: Box, flow: OpticalFlow, coverage: Coverage, kind: Kind, seen: tuple[int, ...] = (70,)
) -> Track:
    """One thing that is detected in few of 150 frames, which look alike at every size."""
    tracker = PictureTracker(coverage, 0.5, flow)
    grey = np.tile(np.linspace(0, 255, 320).astype(np.uint8), (240, 1))
    for index in range(150):
        found = (Detection(kind, box, 0.9),) if index in seen else ()
        tracker.update(View(index, Fraction(index, RATE), SIZE, grey, found))
    (track,) = tracker.tracks()
    return track


@pytest.mark.parametrize("kind", [Kind.FACE, Kind.PLATE])
@pytest.mark.parametrize("flow", [SwellingFlow(), LostFlow()])
@pytest.mark.parametrize("coverage", [Coverage(), LONG])
@pytest.mark.parametrize("seen", [(70,), (70, 78)])
def test_a_followed_box_never_outgrows_its_limit(
    kind: Kind, flow: OpticalFlow, coverage: Coverage, seen: tuple[int, ...]
) -> None:
    box = Box(300, 200, 340, 230)
    track = follow(box, flow, coverage, kind, seen)
    most = KINDS[kind].growth
    for sighting in track.sightings:
        assert sighting.box.width <= most * box.width + 1e-6
        assert sighting.box.height <= most * box.height + 1e-6
        assert sighting.box.contains(box)
    held = [s.time - Fraction(70, RATE) for s in track.sightings]
    assert max(held) >= Fraction(coverage.after) - Fraction(1, RATE)  # held all the same
    assert min(held) <= -Fraction(coverage.before) + Fraction(1, RATE)


def test_a_plate_with_its_margin_stays_below_three_times_the_plate() -> None:
    box = Box(300, 200, 340, 210)
    coverage = Coverage()
    track = follow(box, SwellingFlow(), LONG, Kind.PLATE)
    assert max(s.box.area for s in track.sightings) < 3 * box.area
    cover = Cover([track], (), coverage)
    for index in range(150):
        for item in cover.hidden(index, Fraction(index, RATE)):
            assert item.region.box.width < 3 * box.width


def test_a_followed_region_does_not_outgrow_the_picture() -> None:
    box = Box(160, 70, 480, 400)  # as the sheet of paper of a webcam was
    track = follow(box, SwellingFlow(), LONG, Kind.FACE)
    for sighting in track.sightings:
        region = LONG.region(Kind.FACE, sighting.box).box
        known = LONG.region(Kind.FACE, box).box
        assert region.width <= max(SIZE.width, known.width) + 1e-6
        assert region.height <= max(SIZE.height, known.height) + 1e-6


def test_a_box_without_hold_is_no_larger_in_any_frame_of_a_plan() -> None:
    """Also where nothing was followed, and the box is held and bridged alone."""
    box, wild = Box(300, 200, 340, 230), Coverage(pad=0, before=3, after=3, bridge=4, drift=5)
    track = Track(1, Kind.FACE, tuple(Sighting(i, Fraction(i, RATE), box, 0.9) for i in (70, 94)))
    cover = Cover([track], (), wild)
    boxes = [h.region.box for i in range(150) for h in cover.hidden(i, Fraction(i, RATE))]
    assert len(boxes) == 24 + 2 * 30 + 1
    assert max(b.width for b in boxes) == pytest.approx(KINDS[Kind.FACE].growth * box.width)
    assert all(b.contains(box) for b in boxes)


def test_a_box_that_the_flow_blows_up_is_let_go() -> None:
    box = Box(300, 200, 340, 230)
    track = follow(box, SwellingFlow(), Coverage(follow=1.5, after=0.4), Kind.FACE)
    end = float(track.sightings[-1].time) - 70 / RATE
    assert 0.3 <= end < 0.9  # not 1.5, for which a box with hold is followed


def test_a_track_that_ends_in_doubt_is_lost() -> None:
    box, coverage = Box(300, 200, 340, 230), Coverage()
    assert is_lost(follow(box, SwellingFlow(), coverage, Kind.FACE), coverage, SIZE)
    assert not is_lost(follow(box, StaticFlow(), coverage, Kind.FACE), coverage, SIZE)
    seen = follow(box, SwellingFlow(), coverage, Kind.FACE, tuple(range(150)))
    assert not is_lost(seen, coverage, SIZE)


def test_what_lies_far_off_the_line_between_two_detections_is_hidden_where_the_flow_says() -> None:
    """A box of both places would be too large; the flow ends at the second detection."""

    class Roundabout:
        def __init__(self) -> None:
            self.frame = 0

        def move_boxes(self, before: Grey, after: Grey, boxes: Sequence[Box]) -> list[MovedBox]:
            assert before.shape == after.shape
            self.frame += 1
            down = 10 if self.frame <= 5 else -10
            return [MovedBox(box.shifted(0, down), self.frame != 5) for box in boxes]

    box = Box(300, 100, 340, 130)
    track = follow(box, Roundabout(), replace(Coverage(), before=0.0), Kind.FACE, (70, 80))
    lowest = max(track.sightings, key=lambda s: s.box.bottom)
    assert lowest.box.height <= KINDS[Kind.FACE].growth * box.height
    assert lowest.box.contains(box.shifted(0, 100))
