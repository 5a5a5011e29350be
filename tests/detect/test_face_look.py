"""How surely another network sees a face: over sizes, at its place, in any turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from redact.core.findings import Detection, Kind
from redact.core.frames import Rgb
from redact.core.geometry import Box
from redact.detect.face_look import look_for_face

FACE = Box(150, 60, 180, 100)


def picture() -> Rgb:
    """Bright above the face's middle, dark below."""
    made = np.full((240, 320, 3), 40, np.uint8)
    made[:80] = 200
    return made


class Network:
    """Finds what it is told in each view, and remembers these."""

    def __init__(self, find: Callable[[Rgb], list[Detection]]) -> None:
        self._find = find
        self.views: list[Rgb] = []

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        assert threshold == 0.1
        self.views += pictures
        return [self._find(view) for view in pictures]


def middle(width: float, height: float, score: float = 0.8) -> Detection:
    return Detection(Kind.FACE, Box.around(128, 128, width, height), score)


def test_the_mean_over_sizes_counts() -> None:
    network = Network(lambda _: [middle(66, 88), middle(66, 88, 0.5)])
    assert look_for_face(network, picture(), FACE, 1, (0,)) == pytest.approx(0.8)
    assert [view.shape for view in network.views] == [(256, 256, 3)] * 3
    once = Network(lambda _: [middle(96, 128)])  # too large for the smallest of them
    assert look_for_face(once, picture(), FACE, 1, (0,)) == pytest.approx(0.8 * 2 / 3)


def test_what_is_seen_elsewhere_is_no_answer() -> None:
    aside = Detection(Kind.FACE, Box.around(30, 30, 66, 88), 0.9)
    assert look_for_face(Network(lambda _: [aside]), picture(), FACE, 1) == 0
    assert look_for_face(Network(lambda _: []), picture(), FACE, 1) == 0


@pytest.mark.parametrize("quarters", range(4))
def test_the_best_turn_counts(quarters: int) -> None:
    """It sees a face only where what is bright lies above."""
    turned = np.ascontiguousarray(np.rot90(picture(), -quarters))
    height, width = picture().shape[:2]
    face = FACE
    for _ in range(quarters):  # clockwise, as the picture
        face = Box(height - face.bottom, face.left, height - face.top, face.right)
        height, width = width, height
    seeing = Network(
        lambda view: [middle(66, 88)] if view[100].mean() > view[156].mean() + 50 else []
    )
    assert look_for_face(seeing, turned, face, 1) == pytest.approx(0.8)
    others = [turn for turn in range(4) if turn != quarters]
    assert look_for_face(seeing, turned, face, 1, others) == 0


def test_what_is_enough_ends_the_look() -> None:
    network = Network(lambda _: [middle(66, 88, 0.4)])
    assert look_for_face(network, picture(), FACE, 0.1) == pytest.approx(0.4 / 3)
    assert len(network.views) == 1
    weak = Network(lambda _: [middle(66, 88, 0.2)])
    assert look_for_face(weak, picture(), FACE, 0.1) == pytest.approx(0.4 / 3)
    assert len(weak.views) == 2
    nothing = Network(lambda _: [])
    assert look_for_face(nothing, picture(), FACE, 0.1) == 0
    assert len(nothing.views) == 12
