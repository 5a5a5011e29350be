from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redact.core.coverage import Cover, Coverage
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box, Region
from tests.scripted import hidden_share, holds

FACE = Box(100, 100, 140, 150)
NOTHING = Coverage(pad=0, before=0, after=0, bridge=0, drift=0)

RATES = {
    "24": [Fraction(i, 24) for i in range(200)],
    "60": [Fraction(i, 60) for i in range(400)],
    "uneven": [Fraction(i * i % 7 + 10 * i, 300) for i in range(200)],
}


def track(
    times: Sequence[Fraction],
    seen: Sequence[int],
    box: Box = FACE,
    number: int = 1,
    score: float = 0.4,
) -> Track:
    """Not seen so clearly that its margin would be less."""
    return Track(number, Kind.FACE, tuple(Sighting(i, times[i], box, score) for i in seen))


def regions(
    tracks: Sequence[Track],
    times: Sequence[Fraction],
    coverage: Coverage,
    cuts: Sequence[int] = (),
) -> list[list[Region]]:
    cover = Cover(tracks, cuts, coverage)
    return [[h.region for h in cover.hidden(i, time)] for i, time in enumerate(times)]


def hidden_frames(found: Sequence[Sequence[Region]]) -> list[int]:
    return [index for index, here in enumerate(found) if here]


boxes = st.builds(
    Box.around, st.floats(-50, 400), st.floats(-50, 400), st.floats(1, 90), st.floats(1, 90)
)
coverages = st.builds(
    Coverage,
    pad=st.floats(0, 1),
    before=st.floats(0, 1),
    after=st.floats(0, 1),
    bridge=st.floats(0, 2),
    drift=st.floats(0, 2),
)
frame_times = st.lists(
    st.fractions(Fraction(1, 120), 1, max_denominator=120), min_size=1, max_size=14
).map(lambda gaps: [sum(gaps[:i], Fraction(0)) for i in range(len(gaps) + 1)])


@st.composite
def tracks_in(draw: st.DrawFn, times: Sequence[Fraction], number: int = 1) -> Track:
    seen = sorted(draw(st.sets(st.integers(0, len(times) - 1), min_size=1)))
    sightings = tuple(Sighting(i, times[i], draw(boxes), 0.5) for i in seen)
    return Track(number, Kind.FACE, sightings)


@settings(max_examples=60, deadline=None)
@given(frame_times, coverages, st.data())
def test_every_sighting_is_hidden_in_its_frame(
    times: list[Fraction], coverage: Coverage, data: st.DataObject
) -> None:
    tracks = [data.draw(tracks_in(times, number)) for number in (1, 2)]
    found = regions(tracks, times, coverage)
    for sighting in (s for t in tracks for s in t.sightings):
        box = sighting.box
        corners = [(x, y) for x in (box.left, box.right) for y in (box.top, box.bottom)]
        here = found[sighting.frame]
        assert any(all(holds(region, *corner) for corner in corners) for region in here)


@settings(max_examples=60, deadline=None)
@given(frame_times, coverages, st.data())
def test_one_more_track_never_shrinks_what_is_hidden(
    times: list[Fraction], coverage: Coverage, data: st.DataObject
) -> None:
    first, second = (data.draw(tracks_in(times, number)) for number in (1, 2))
    fewer = regions([first], times, coverage)
    more = regions([first, second], times, coverage)
    assert all(set(few) <= set(many) for few, many in zip(fewer, more, strict=True))


@settings(max_examples=60, deadline=None)
@given(frame_times, coverages, st.data())
def test_one_more_sighting_uncovers_no_frame_that_was_seen(
    times: list[Fraction], coverage: Coverage, data: st.DataObject
) -> None:
    whole = data.draw(tracks_in(times))
    dropped = data.draw(st.sampled_from(whole.sightings))
    rest = tuple(s for s in whole.sightings if s is not dropped)
    if not rest:
        return
    fewer = regions([replace(whole, sightings=rest)], times, coverage)
    more = regions([whole], times, coverage)
    assert set(hidden_frames(fewer)) <= set(hidden_frames(more))
    for sighting in rest:
        (before,), (after,) = fewer[sighting.frame], more[sighting.frame]
        assert after.box.extended(1e-6, 1e-6).contains(before.box)


def test_padding_grows_every_side_by_its_share() -> None:
    times = RATES["24"]
    (plain,) = regions([track(times, [5])], times, replace(NOTHING, pad=0.0))[5]
    (padded,) = regions([track(times, [5])], times, replace(NOTHING, pad=0.25))[5]
    assert plain.box == FACE
    assert padded.box == FACE.grown(0.25)
    assert not holds(plain, FACE.left - 5, FACE.centre[1])
    assert holds(padded, FACE.left - 5, FACE.centre[1])


def test_what_is_clearly_seen_has_less_of_a_margin_and_more_above() -> None:
    coverage, times = Coverage(), RATES["24"]
    whole = coverage.region(Kind.FACE, FACE)
    clear = coverage.region(Kind.FACE, FACE, 0.9)
    assert whole.box.contains(clear.box)
    assert clear.box.area < 0.67 * whole.box.area
    corners = [(x, y) for x in (FACE.left, FACE.right) for y in (FACE.top, FACE.bottom)]
    assert all(holds(clear, *corner) for corner in corners)
    assert FACE.top - clear.box.top > clear.box.bottom - FACE.bottom + 1
    (found,) = regions([track(times, [5], score=0.9)], times, coverage)[5]
    assert found == clear
    assert coverage.region(Kind.PLATE, FACE, 0.9) == coverage.region(Kind.PLATE, FACE)


def test_a_margin_does_not_jump_with_the_score() -> None:
    coverage = Coverage()
    areas = [coverage.region(Kind.FACE, FACE, n / 1000).box.area for n in range(1001)]
    assert all(0 <= one - other < 0.01 * one for one, other in pairwise(areas))
    assert areas[0] == areas[600]
    assert areas[800] == areas[1000]


@pytest.mark.parametrize(
    ("scores", "frames"),
    [
        ({0: 0.9, 10: 0.9}, range(-9, 30)),  # too far apart: nothing between or beyond is clear
        ({0: 0.9, 4: 0.4}, range(-9, 30)),  # a doubtful look near a clear one
        ({0: 0.9, 4: 0.9}, (-1, 5)),  # before the first and after the last
    ],
)
def test_where_nothing_is_clearly_seen_the_margin_is_whole(
    scores: dict[int, float], frames: Sequence[int]
) -> None:
    times = RATES["24"]
    sightings = tuple(Sighting(30 + i, times[30 + i], FACE, s) for i, s in scores.items())
    coverage = Coverage(drift=0, bridge=9)
    found = regions([Track(1, Kind.FACE, sightings)], times, coverage)
    clear = {30 + i for i, s in scores.items() if s > 0.5 and 4 not in scores}
    for index in (30 + i for i in frames):
        if index not in clear and found[index]:
            assert found[index] == [coverage.region(Kind.FACE, FACE)], index


def test_between_two_clear_looks_the_margin_is_less() -> None:
    times = RATES["24"]
    coverage = Coverage(drift=0)
    found = regions([track(times, [30, 34], score=0.9)], times, coverage)
    assert all(found[i] == [coverage.region(Kind.FACE, FACE, 0.9)] for i in range(30, 35))


def test_a_plate_has_its_own_margin_and_keeps_its_corners() -> None:
    coverage = Coverage(pad=0.4, plate_pad=0.1)
    assert coverage.region(Kind.PLATE, FACE) == Region(FACE.grown(0.1), text=True)
    assert coverage.region(Kind.FACE, FACE) == Region.holding(FACE, 0.4)
    plate = replace(track(RATES["24"], [5]), kind=Kind.PLATE)
    (hidden,) = regions([plate], RATES["24"], coverage)[5]
    assert hidden == coverage.region(Kind.PLATE, FACE)


def test_the_coverage_of_every_day_pads() -> None:
    times = RATES["24"]
    (region,) = regions([track(times, [5])], times, Coverage())[5]
    assert hidden_share(FACE.grown(0.05), [region]) > 0.98


@pytest.mark.parametrize("times", RATES.values(), ids=RATES)
@pytest.mark.parametrize(("before", "after"), [(0.4, 0.0), (0.0, 0.4), (0.25, 0.5)])
def test_holds_last_their_seconds_at_any_rate(
    times: list[Fraction], before: float, after: float
) -> None:
    seen = len(times) // 2
    coverage = replace(NOTHING, before=before, after=after)
    expected = [i for i, t in enumerate(times) if -before <= t - times[seen] <= after]
    assert hidden_frames(regions([track(times, [seen])], times, coverage)) == expected
    assert len(expected) > 4


@pytest.mark.parametrize("times", RATES.values(), ids=RATES)
def test_a_gap_within_the_bridge_is_filled(times: list[Fraction]) -> None:
    last = next(i for i, t in enumerate(times) if t - times[3] > 0.9)
    found = regions([track(times, [3, last])], times, replace(NOTHING, bridge=1.0))
    assert hidden_frames(found) == list(range(3, last + 1))


@pytest.mark.parametrize("times", RATES.values(), ids=RATES)
def test_a_longer_gap_is_only_held_from_both_ends(times: list[Fraction]) -> None:
    last = next(i for i, t in enumerate(times) if t - times[3] > 1.1)
    coverage = replace(NOTHING, bridge=1.0, before=0.2, after=0.3)
    found = hidden_frames(regions([track(times, [3, last])], times, coverage))
    expected = [
        i
        for i, t in enumerate(times)
        if -0.2 <= t - times[3] <= 0.3 or -0.2 <= t - times[last] <= 0.3
    ]
    assert found == expected


def test_a_bridge_leads_straight_from_one_end_to_the_other() -> None:
    times = [Fraction(i, 10) for i in range(5)]
    ends = (Sighting(0, times[0], FACE, 0.4), Sighting(4, times[4], FACE.shifted(40, 20), 0.4))
    found = regions([Track(1, Kind.FACE, ends)], times, replace(NOTHING, bridge=1.0))
    for index, (region,) in enumerate(found):
        expected = FACE.shifted(10 * index, 5 * index)
        assert region.box.iou(expected) == pytest.approx(1)


def test_what_is_unseen_grows_with_time() -> None:
    times = [Fraction(i, 10) for i in range(9)]
    coverage = Coverage(pad=0, before=0.35, after=0.35, bridge=1, drift=0.5)
    found = regions([track(times, [3, 5])], times, coverage)
    areas = [here[0].box.area if here else 0.0 for here in found]
    assert areas[3] == areas[5] == FACE.area
    assert areas[0] > areas[1] > areas[2] > areas[3]
    assert areas[4] > areas[3]
    assert areas[8] > areas[7] > areas[6] > areas[5]
    assert all(here[0].box.extended(1e-9, 1e-9).contains(FACE) for here in found if here)


@pytest.mark.parametrize("cut", [5, 6, 7, 10, 11, 12])
def test_nothing_is_held_across_a_cut(cut: int) -> None:
    times = [Fraction(i, 25) for i in range(20)]
    coverage = Coverage(before=0.2, after=0.2)
    seen = [8, 9]
    without = hidden_frames(regions([track(times, seen)], times, coverage))
    assert without == list(range(3, 15))
    found = hidden_frames(regions([track(times, seen)], times, coverage, cuts=[cut]))
    same_shot = [i for i in without if (i >= cut) == (seen[0] >= cut)]
    assert found == same_shot


def test_a_frame_between_two_cuts_keeps_its_own() -> None:
    times = [Fraction(i, 25) for i in range(9)]
    found = regions([track(times, [4])], times, Coverage(), cuts=[4, 5])
    assert hidden_frames(found) == [4]


@settings(max_examples=60, deadline=None)
@given(frame_times, coverages, st.data())
def test_a_decision_depends_on_nothing_beyond_the_reach(
    times: list[Fraction], coverage: Coverage, data: st.DataObject
) -> None:
    whole = data.draw(tracks_in(times))
    index = data.draw(st.integers(0, len(times) - 1))
    known = tuple(s for s in whole.sightings if s.time - times[index] <= coverage.reach)
    found = regions([whole], times, coverage)[index]
    cut_off = [replace(whole, sightings=known)] if known else []
    assert regions(cut_off, times, coverage)[index] == found


@pytest.mark.parametrize("name", ["pad", "plate_pad", "before", "after", "bridge", "drift"])
@pytest.mark.parametrize("bad", [-0.1, float("nan"), float("inf"), 1e9])
def test_senseless_values_are_refused(name: str, bad: float) -> None:
    with pytest.raises(ValueError, match=name):
        Coverage(**{name: bad})


def test_rules_that_are_left_out_count_with_all_that_they_say() -> None:
    one = Coverage(rules=(replace(Coverage().rule(Kind.PERSON), before=0.1, after=0.1),))
    assert one.longest_before >= one.rule(Kind.TEXT).before
    assert one.longest_after >= one.rule(Kind.TEXT).after
    assert one.with_holds(before=9.0).rule(Kind.TEXT).before == 9.0
    assert one.with_longer_holds(2).rule(Kind.TEXT).after == 4 * one.rule(Kind.TEXT).after
