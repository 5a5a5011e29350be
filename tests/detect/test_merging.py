from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from redact.core.findings import Detection, Kind
from redact.core.geometry import Box
from redact.detect.merging import confirm, merge_detections


def face(box: Box, score: float, kind: Kind = Kind.FACE) -> Detection:
    return Detection(kind, box, score)


def test_detections_that_lie_apart_are_not_merged() -> None:
    found = [face(Box(0, 0, 10, 10), 0.4), face(Box(50, 0, 60, 10), 0.8)]
    assert merge_detections(found) == found[::-1]


def test_no_detections_merge_to_none() -> None:
    assert merge_detections([]) == []


def test_overlapping_detections_become_one_that_holds_them() -> None:
    (one,) = merge_detections([face(Box(0, 0, 10, 10), 0.5), face(Box(1, 1, 12, 11), 0.5)])
    assert one.box == Box(0, 0, 12, 11)
    assert 0.5 <= one.score <= 1


def test_two_kinds_are_not_merged() -> None:
    box = Box(0, 0, 10, 10)
    assert len(merge_detections([face(box, 0.5), face(box, 0.5, Kind.PLATE)])) == 2


def test_a_loose_detection_gives_its_score_to_an_exact_one_and_leaves_its_box() -> None:
    exact, loose = face(Box(10, 10, 50, 60), 0.2), face(Box(5, 5, 55, 65), 0.5)
    assert confirm([exact], [loose]) == [face(exact.box, 0.5)]
    assert confirm([face(exact.box, 0.7)], [loose]) == [face(exact.box, 0.7)]


def test_a_loose_detection_counts_itself_where_nothing_is_as_sure() -> None:
    loose, inside = face(Box(0, 0, 100, 100), 0.5), Box(60, 60, 90, 90)
    assert confirm([], [loose]) == [loose]
    assert confirm([face(inside, 0.3)], [loose]) == [loose, face(inside, 0.3)]
    assert confirm([face(inside, 0.8)], [loose]) == [face(inside, 0.8)]
    plate = face(loose.box, 0.9, Kind.PLATE)
    assert confirm([plate], [loose]) == [plate, loose]


detections = st.builds(
    Detection,
    st.sampled_from(Kind),
    st.builds(Box.around, st.floats(0, 60), st.floats(0, 60), st.floats(5, 40), st.floats(5, 40)),
    st.floats(0.01, 1),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(detections, max_size=7))
def test_merging_loses_nothing(found: list[Detection]) -> None:
    after = merge_detections(found)
    assert len(after) <= len(found)
    for one in found:
        assert any(
            a.kind == one.kind and a.box.contains(one.box) and one.score - 1e-9 <= a.score <= 1
            for a in after
        )


@settings(max_examples=60, deadline=None)
@given(st.lists(detections, max_size=5), st.lists(detections, max_size=4))
def test_confirming_loses_nothing_and_widens_nothing(
    exact: list[Detection], loose: list[Detection]
) -> None:
    after = confirm(exact, loose)
    assert [a.score for a in after] == sorted((a.score for a in after), reverse=True)
    assert {a.box for a in after} <= {d.box for d in (*exact, *loose)}
    for one in exact:
        assert any(a.box == one.box and a.kind == one.kind and a.score >= one.score for a in after)
    for one in loose:
        near = [a for a in after if a.kind == one.kind and a.box.overlap(one.box) > 0]
        assert any(a.score >= one.score for a in near)


@settings(max_examples=60, deadline=None)
@given(st.lists(detections, max_size=7), st.randoms())
def test_merging_does_not_depend_on_the_order(
    found: list[Detection], random: np.random.Generator
) -> None:
    found = [Detection(d.kind, d.box, d.score - i * 1e-4) for i, d in enumerate(found)]
    found = [d for d in found if d.score > 0]
    shuffled = [*found]
    random.shuffle(shuffled)
    assert merge_detections(shuffled) == merge_detections(found)
