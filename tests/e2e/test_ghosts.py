"""A face that was never seen clearly, where nobody is: it is listed, and not hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from redact import analysis, api
from redact.core.findings import Detection, Kind, ObjectDetection
from redact.core.frames import Rgb
from redact.core.geometry import Box
from redact.core.passes import Pass
from redact.core.plan import Plan
from redact.core.recipe import recipe
from redact.track.face_doubt import NO_PERSON
from tests import clips

FACE = Box(68, 45, 92, 75)


class Tree:
    """Finds the same face in every picture, with a score of its own."""

    def __init__(self, score: float) -> None:
        self._score = score

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        assert threshold < self._score
        return [[Detection(Kind.FACE, FACE, self._score)] for _ in pictures]


class Networks:
    """The one that finds the face, and the other one, which is asked about it."""

    def __init__(self, score: float, other: float) -> None:
        self._networks = {"centerface": Tree(score), "yunet": Other(other)}

    def __call__(self, name: str) -> object:
        return self._networks[name]


class Other:
    """Sees a face in the middle of each view, with a score of its own."""

    def __init__(self, score: float) -> None:
        self._score = score

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        box = Box.around(128, 128, 66, 82)
        found = [Detection(Kind.FACE, box, self._score)] if self._score >= threshold else []
        return [found for _ in pictures]


class Objects:
    """Sees a person in every excerpt, or nobody."""

    def __init__(self, *persons: Box) -> None:
        self.persons = persons
        self.asked = 0

    def detect(
        self, pictures: Sequence[Rgb], threshold: float, classes: Sequence[str]
    ) -> list[list[ObjectDetection]]:
        assert threshold < 0.6
        assert "person" in classes
        self.asked += len(pictures)
        return [[ObjectDetection("person", box, 0.6) for box in self.persons] for _ in pictures]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "tree.mp4"
    picture = ("-f", "lavfi", "-i", "testsrc2=s=160x120:r=10:d=2")
    clips.run(*picture, "-c:v", "libx264", "-pix_fmt", "yuv420p", path)
    return path


def analysed(
    clip: Path, monkeypatch: pytest.MonkeyPatch, objects: Objects, score: float = 0.3, **more: bool
) -> Plan:
    monkeypatch.setattr(analysis, "load", lambda _: Tree(score))
    monkeypatch.setattr(analysis, "load_objects", lambda: objects)
    choices = recipe(passes=(Pass("centerface", 160, 0.1, enlarge=False),), slope=0.0)
    return api.analyse_file(clip, replace(choices, **more))


def test_where_nobody_is_it_is_uncertain(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = Objects()
    (track,) = analysed(clip, monkeypatch, objects).tracks
    assert (track.uncertain, track.doubt) == (True, NO_PERSON)
    assert objects.asked == 12  # three looks at two scales, the first turned four ways


def test_one_look_at_persons_is_enough(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = Objects(Box(170, 105, 246, 380))
    (track,) = analysed(clip, monkeypatch, objects).tracks
    assert not track.uncertain
    assert objects.asked == 8


def test_a_look_that_was_not_made_speaks_for_the_face(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysis, "frames_again", lambda *_: iter(()))
    (track,) = analysed(clip, monkeypatch, Objects()).tracks
    assert not track.uncertain


@pytest.mark.parametrize("case", ["clear", "not asked for"])
def test_it_is_believed_without(clip: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    objects = Objects()
    clear = case == "clear"
    plan = analysed(clip, monkeypatch, objects, 0.8 if clear else 0.3, doubts_faces=clear)
    assert not plan.tracks[0].uncertain
    assert objects.asked == 0


def analysed_still(
    folder: Path, monkeypatch: pytest.MonkeyPatch, objects: Objects, score: float, other: float,
    **more: bool,
) -> Plan:  # fmt: skip
    path = folder / "tree.png"
    clips.run("-f", "lavfi", "-i", "testsrc2=s=160x120", "-frames:v", "1", path)
    monkeypatch.setattr(analysis, "load", Networks(score, other))
    monkeypatch.setattr(analysis, "load_objects", lambda: objects)
    choices = recipe(passes=(Pass("centerface", 160, 0.1, enlarge=False),), slope=0.0)
    return api.analyse_file(path, replace(choices, **more))


@pytest.mark.parametrize(
    ("score", "other", "people", "doubted"),
    [
        (0.3, 0.0, (), True),
        (0.6, 0.0, (), False),  # seen clearly
        (0.3, 0.5, (), False),  # the other network sees a face
        (0.3, 0.0, (Box(170, 105, 246, 380),), False),  # a person is there
    ],
)
def test_in_a_still_a_weak_face_is_doubted_if_nothing_else_speaks_for_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    score: float,
    other: float,
    people: tuple[Box, ...],
    doubted: bool,
) -> None:
    plan = analysed_still(tmp_path, monkeypatch, Objects(*people), score, other)
    assert [track.uncertain for track in plan.tracks] == [doubted]
    assert bool(plan.hidden_tracks) is not doubted
    assert plan.tracks[0].doubt == (NO_PERSON if doubted else "")


def test_in_a_still_thorough_doubts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = analysed_still(tmp_path, monkeypatch, Objects(), 0.3, 0.0, doubts_faces=False)
    assert not plan.tracks[0].uncertain


def test_thorough_hides_it() -> None:
    assert [recipe(name).doubts_faces for name in ("fast", "balanced", "thorough")] == [
        True,
        True,
        False,
    ]
