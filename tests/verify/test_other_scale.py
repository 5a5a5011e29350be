"""The second opinion of kinds without another family: their own network at another scale."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest

from redact.core.findings import Detection, Kind
from redact.core.frames import Frame, Rgb
from redact.core.geometry import Box, Size
from redact.core.recipe import PROFILES
from redact.detect.detectors import load
from redact.media.stills.picture import StillPicture
from redact.verify.other_scale import SCALES, OtherScales
from redact.verify.second_opinion import SETTINGS, SecondOpinion, check_passes
from tests.figures import figures
from tests.rooms import page, room, screen_box
from tests.walkers import walker, walker_box

SIZE = Size(416, 256)
ROW, (HEAD_BOX, *_) = figures(*[False] * 5, half=16)
SHOWN = {
    Kind.HEAD: (ROW, HEAD_BOX),
    Kind.PERSON: (walker(), walker_box(200, 128, 160)),
    Kind.SCREEN: (room(), screen_box(208, 100, 150)),
    Kind.TEXT: (page()[0], page()[1][0]),
}


class Marks:
    """Finds whatever is pure red, with a score of its own for the mirrored picture."""

    def __init__(self, kind: Kind, score: float, mirrored: float) -> None:
        self.kind, self.scores, self.calls = kind, (score, mirrored), 0

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        score, self.calls = self.scores[self.calls % 2], self.calls + 1
        found = []
        for picture in pictures:
            rows, columns = np.nonzero((picture == (255, 0, 0)).all(axis=2))
            if len(rows) and score >= threshold:
                box = Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
                found.append([Detection(self.kind, box, score)])
            else:
                found.append([])
        return found


def frame_of(picture: Rgb) -> Frame:
    return Frame(7, Fraction(7, 25), StillPicture(picture.copy()))


def marked() -> Rgb:
    picture = np.full((256, 416, 3), 90, np.uint8)
    picture[60:140, 300:340] = (255, 0, 0)
    return picture


def nothing(_: Box) -> bool:
    return False


@pytest.mark.parametrize("kind", SCALES)
def test_who_shows_is_found_at_another_scale(kind: Kind) -> None:
    picture, box = SHOWN[kind]
    spots = OtherScales({kind}, load).examine(frame_of(picture), nothing)
    assert any(spot.kind is kind and spot.box.iou(box) > 0.5 for spot in spots)
    hidden = OtherScales({kind}, load).examine(frame_of(picture), lambda seen: seen.iou(box) > 0.5)
    assert not any(spot.box.iou(box) > 0.5 for spot in hidden)


@pytest.mark.parametrize("kind", SCALES)
def test_no_profile_looks_at_that_scale(kind: Kind) -> None:
    for profile in ("balanced", "thorough"):
        sides = {p.side for p in PROFILES[profile].detecting({kind}).passes}
        assert SCALES[kind].side not in sides


def test_it_must_be_sure_in_the_mirror_too() -> None:
    for mirrored in (0.1, 0.0):
        marks = Marks(Kind.PERSON, 0.6, mirrored)
        assert not OtherScales({Kind.PERSON}, lambda _, it=marks: it).examine(
            frame_of(marked()), nothing
        )
    sure = Marks(Kind.PERSON, 0.6, 0.6)
    (spot,) = OtherScales({Kind.PERSON}, lambda _: sure).examine(frame_of(marked()), nothing)
    assert spot.box.iou(Box(300, 60, 340, 140)) > 0.8  # to the right, as it is
    assert spot.scores == (("people at 640", 0.6),)


def test_what_is_hidden_costs_no_second_look() -> None:
    marks = Marks(Kind.PERSON, 0.9, 0.9)
    others = OtherScales({Kind.PERSON}, lambda _: marks)
    assert others.examine(frame_of(marked()), lambda _: True) == []
    assert marks.calls == 1


class Nothing:
    """A detector that sees nothing, and says that it was asked."""

    def __init__(self, asked: list[str], name: str) -> None:
        self.asked, self.name = asked, name

    def detect(self, pictures: Sequence[Rgb], _: float) -> list[list[Detection]]:
        self.asked.append(self.name)
        return [[] for _ in pictures]


def asked_with(used: set[str], depth: str = "both") -> tuple[SecondOpinion, set[str]]:
    asked: list[str] = []
    opinion = SecondOpinion(used, lambda name: Nothing(asked, name))
    opinion.examine(frame_of(marked()), nothing, depth)  # type: ignore[arg-type]
    return opinion, set(asked)


def test_only_what_is_hidden_is_looked_for() -> None:
    assert asked_with({"people"})[1] == {"people", "mediapipe", "yunet"}  # whose faces may show
    assert asked_with({"centerface", "plates"})[1] <= set(SETTINGS)
    assert asked_with({"text", "screens"})[1] == {"text", "screens"}
    assert asked_with({"plates"})[1] == set()


def test_other_kinds_are_looked_for_where_faces_are_looked_for_thoroughly() -> None:
    for depth in ("quick", "glance"):
        assert "people" not in asked_with({"centerface", "people"}, depth)[1]
    assert "people" in asked_with({"centerface", "people"})[1]


def test_a_kind_without_a_second_opinion_is_named() -> None:
    opinion = asked_with({"centerface", "plates", "people"})[0]
    assert opinion.searched == (Kind.FACE, Kind.PERSON)
    assert opinion.unsearched == (Kind.PLATE,)
    assert asked_with({"plates"})[0].searched == ()
    assert asked_with({"centerface"})[0].unsearched == ()


@pytest.mark.parametrize(
    ("longer", "quick"), [(320, 960), (640, 960), (960, 1440), (1920, 1920), (3840, 1920)]
)
def test_a_check_enlarges_pictures_no_more_than_shows_more_faces(longer: int, quick: int) -> None:
    passes = check_passes({"centerface", "people", "text"})
    size = Size(longer, longer // 2)
    seen = {(one.detector, one.depths): one.size(size) for one in passes}
    assert seen["mediapipe", ("both",)] == Size(640, 320)
    assert seen["yunet", ("both", "quick")] == Size(quick, quick // 2)
    assert seen["yunet", ("glance",)] == Size(960, 480)
    assert seen["text", ("both",)] == size.fitted(min(800, longer))
    assert seen["people", ("both",)] == Size(640, 320)
