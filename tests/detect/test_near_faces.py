"""Near faces: a nose and an eye that belong together, with the network's real weights."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest

from redact.core.findings import Kind
from redact.core.frames import Rgb
from redact.core.geometry import Box
from redact.core.recipe import PROFILES
from redact.detect.detectors.near_faces import NearFaces
from redact.detect.detectors.posenet import LEFT_EYE, NOSE, RIGHT_EAR, RIGHT_EYE
from tests.figures import figures
from tests.networks import colours_of_red

FRONT, BEHIND = False, True


@cache
def network() -> NearFaces:
    return NearFaces()


def near(*, behind: bool, half: float = 20, times: float = 1.5) -> tuple[Rgb, Box]:
    """A painted person, enlarged: larger than they are painted networks take none for one."""
    picture, (head,) = figures(behind, half=half)
    return cv2.resize(picture, None, fx=times, fy=times), head.scaled(times, times)


@pytest.mark.parametrize(("half", "times"), [(16, 2), (20, 1.5)])
def test_a_painted_face_is_found_and_lies_in_its_head(half: float, times: float) -> None:
    picture, head = near(behind=FRONT, half=half, times=times)
    half *= times
    (found,) = network().detect([picture], 0.2)
    (face,) = [one for one in found if one.box.overlap(head)]
    assert face.kind is Kind.FACE
    features = Box.around(head.centre[0], head.centre[1] + 0.2 * half, half, half)
    assert face.box.contains(features)
    assert head.extended(0.1 * half, 0.5 * half).contains(face.box)


def test_a_face_that_the_rim_cuts_is_found() -> None:
    picture, head = near(behind=FRONT)
    cut = np.ascontiguousarray(picture[:, : round(head.centre[0] + 12)])
    (found,) = network().detect([cut], 0.3)
    assert [one for one in found if one.box.iou(head) > 0.3]


def test_a_head_from_behind_shows_no_face() -> None:
    picture, _ = near(behind=BEHIND)
    assert network().detect([picture], 0.2) == [[]]


def test_a_small_face_is_left_to_others() -> None:
    picture, _ = figures(FRONT, half=20)
    assert network().detect([picture], 0.1) == [[]]


def test_nothing_is_found_where_nobody_is() -> None:
    noise = np.random.default_rng(5).integers(0, 256, (200, 300, 3), np.uint8)
    assert network().detect([figures()[0], noise], 0.2) == [[], []]


def test_the_score_is_that_of_the_less_clear_point_and_never_a_clear_face(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    picture, _ = near(behind=FRONT)
    (people,) = network()._network.people([picture], 0.2)
    places, _ = people[0]
    scores = np.zeros(7, np.float32)
    scores[[NOSE, LEFT_EYE, RIGHT_EYE, RIGHT_EAR]] = 0.45, 0.2, 0.9, 0.9
    for nose, seen in ((0.45, 0.243), (0.9, 0.486), (0.2, None)):
        scores[NOSE] = nose
        person = (places, scores.copy())
        monkeypatch.setattr(network()._network, "people", lambda *_, found=person: [[found]])
        (found,) = network().detect([picture], 0.2)
        assert [one.score for one in found] == ([] if seen is None else [pytest.approx(seen)])


def test_the_network_gets_red_first(monkeypatch: pytest.MonkeyPatch) -> None:
    assert colours_of_red(network(), monkeypatch) == [200, 0, 0]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_looks_for_near_faces_when_it_looks_for_others(profile: str) -> None:
    (near,) = [p for p in PROFILES[profile].passes if p.detector == "near_faces"]
    others = [p for p in PROFILES[profile].passes if p.kind is Kind.FACE and not p.quarters]
    assert near.loose
    assert near.every % min(p.every for p in others) == 0
