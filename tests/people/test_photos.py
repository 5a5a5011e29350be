"""Photographs that cannot be used, and the whole way on labelled pictures where they are there."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import redact
from redact.core.plan import Plan, dumps
from redact.detect.likeness.portraits import Portraitist
from redact.detect.likeness.sface import SFace, align
from redact.errors import RecipeError
from redact.people.choice import REASONS, Mode, PhotoChoice
from redact.people.photos import PhotoChooser
from redact.people.suggestions import suggest_people

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "identities_lfw"
labelled = pytest.mark.skipif(not DATA.is_dir(), reason="the labelled pictures are not here")


@cache
def pictures(name: str) -> list[Any]:
    return [np.asarray(Image.open(path).convert("RGB")) for path in sorted(DATA.glob(f"{name}/*"))]


def head(picture: Any) -> Any:
    return picture[30:225, 45:205]


def save(path: Path, samples: Any) -> Path:
    Image.fromarray(np.ascontiguousarray(samples)).save(path)
    return path


def wall(path: Path) -> Path:
    return save(path, np.full((90, 120, 3), 99, np.uint8))


def test_a_photograph_without_a_face_is_refused_before_any_work(tmp_path: Path) -> None:
    source, photo = wall(tmp_path / "source.png"), wall(tmp_path / "photo.png")
    told: list[str] = []
    choice = PhotoChoice("except", (photo,))
    with pytest.raises(RecipeError, match="no face is found in this photograph"):
        redact.redact_file(
            source, recipe="fast", people=choice, progress=lambda stage, *_: told.append(stage)
        )
    assert told == []
    assert {path.name for path in tmp_path.iterdir()} == {"source.png", "photo.png"}


def test_what_is_no_photograph_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "photo.png"
    text.write_text("no picture")
    cases = {
        text: "cannot be used as a photograph",
        tmp_path / "gone.jpg": "cannot be used as a photograph",
        tmp_path / "clip.mp4": "a video is no photograph",
    }
    for path, why in cases.items():
        with pytest.raises(RecipeError, match=why) as caught:
            PhotoChooser(PhotoChoice("only", (path,)))
        assert caught.value.path == path
    with pytest.raises(RecipeError, match="no photograph"):
        PhotoChooser(PhotoChoice("only", ()))


def test_a_vector_has_length_1_and_depends_on_the_face() -> None:
    network, dice = SFace(), np.random.default_rng(0)
    one, other = (dice.integers(0, 255, (112, 112, 3)).astype(np.uint8) for _ in range(2))
    vectors = [network.vector(one), network.vector(other), network.vector(one)]
    assert [float(np.linalg.norm(v)) for v in vectors] == pytest.approx([1, 1, 1])
    assert np.array_equal(vectors[0], vectors[2])
    assert not np.allclose(vectors[0], vectors[1])


def test_landmarks_in_one_line_are_no_error() -> None:
    picture, points = np.zeros((50, 50, 3), np.uint8), np.full((5, 2), 20, np.float32)
    assert align(picture, points).shape == (112, 112, 3)


@labelled
def test_a_photograph_of_several_or_unclear_is_refused(tmp_path: Path) -> None:
    face = head(pictures("Fidel_Castro")[0])
    two = save(tmp_path / "two.png", np.hstack([face, face]))
    small = save(tmp_path / "small.png", np.asarray(Image.fromarray(face).resize((40, 48))))
    for path, why in ((two, "2 faces are found"), (small, "smaller than 32 pixels")):
        with pytest.raises(RecipeError, match=why):
            PhotoChooser(PhotoChoice("only", (path,)))


@labelled
def test_people_are_told_apart() -> None:
    artist = Portraitist()
    castro, sandler = ([artist.find(head(p)) for p in pictures(name)[:2]] for name in NAMES)
    vectors = [found[0].vector for found in (*castro, *sandler) if found[0] is not None]
    assert len(vectors) == 4
    alike = np.stack(vectors) @ np.stack(vectors).T
    assert min(alike[0, 1], alike[2, 3]) > 0.48
    assert max(alike[0, 2], alike[0, 3], alike[1, 2], alike[1, 3]) < 0.18


NAMES = ("Fidel_Castro", "Adam_Sandler")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Plan]:
    """A picture of two people, and its plan."""
    both = np.full((300, 640, 3), 120, np.uint8)
    both[20:270, 20:270], both[20:270, 350:600] = (pictures(name)[0] for name in NAMES)
    path = save(tmp_path_factory.mktemp("pair") / "pair.png", both)
    return path, redact.analyse_file(path, "fast")


@labelled
@pytest.mark.parametrize("mode", ["except", "only"])
@pytest.mark.parametrize("meant", [0, 1, None])
def test_a_picture_of_two_shows_whom_the_photograph_lets(
    pair: tuple[Path, Plan], tmp_path: Path, mode: Mode, meant: int | None
) -> None:
    name = "Christine_Gregoire" if meant is None else NAMES[meant]
    photo = save(tmp_path / "photo.png", head(pictures(name)[1]))
    source, plan = pair
    chosen = PhotoChooser(PhotoChoice(mode, (photo,)))(_open(source), plan, lambda *_: None)
    shown = {edit.track for edit in chosen.edits}
    left, right = sorted(plan.tracks, key=lambda track: track.sightings[0].box.left)
    everybody = {left.id, right.id}
    same = set() if meant is None else {(left, right)[meant].id}
    assert shown == (same if mode == "except" else everybody - same)
    assert all(edit.reason == REASONS[mode] for edit in chosen.edits)
    assert len(dumps(chosen)) - len(dumps(plan)) < 300 * max(1, len(shown))  # no vector in it


@labelled
def test_the_whole_way_the_check_passes_and_the_right_one_shows(
    pair: tuple[Path, Plan], tmp_path: Path
) -> None:
    source, _ = pair
    photo = save(tmp_path / "photo.png", head(pictures(NAMES[0])[1]))
    choice = PhotoChoice("except", (photo,))
    done = redact.redact_file(source, tmp_path / "out.png", "fast", people=choice)
    assert done.verification is not None
    assert done.verification.passed
    before, after = (np.asarray(Image.open(p)).astype(int) for p in (source, done.output))
    away = np.abs(before - after).max(axis=2)
    assert away[60:220, 90:220].max() <= 2  # his face as it was
    assert away[60:220, 420:530].mean() > 10  # and nobody else's
    assert len(done.plan.hidden_tracks) == 1


@labelled
def test_the_same_face_at_two_times_is_suggested(pair: tuple[Path, Plan]) -> None:
    source, plan = pair
    assert suggest_people(_open(source), plan).groups == ()
    left, right = plan.tracks
    twice = replace(left, id=7, sightings=(replace(left.sightings[0], frame=1),))
    frame = next(iter(_open(source).frames()))
    several = replace(plan, tracks=(left, right, twice))
    likeness = suggest_people(
        _open(source), several, frame_at=lambda index: replace(frame, index=index)
    )
    (found,) = likeness.groups
    assert likeness.compared == {left.id, right.id, 7}
    assert set(found.tracks) == {left.id, 7}


def _open(path: Path) -> Any:
    from redact.media.formats import open_source

    return open_source(path)
