"""Real weights on real pictures, where the evaluation data lies beside the project."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from redact.api import redact_file
from redact.core.frames import Frame, Rgb
from redact.core.geometry import Box, Size
from redact.core.recipe import Recipe, recipe

DATA = Path(__file__).parents[2].parent / "shared" / "data"
DARK = 60
"""Brightness, 0 to 255, that black has at most after lossy coding."""
ENOUGH = 0.9

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (DATA / "faces_wider").is_dir() or not (DATA / "clips_truth").is_dir(),
        reason="the evaluation data in ../shared/data is not here",
    ),
]


def records(path: Path) -> Iterator[dict[str, Any]]:
    return map(json.loads, path.read_text("utf-8").splitlines())


def black() -> Recipe:
    return recipe("fast", style="solid", colour="#000000")


def dark_share(picture: Rgb, box: Box) -> float:
    """How much of a box is black."""
    rows = slice(max(0, round(box.top)), round(box.bottom))
    columns = slice(max(0, round(box.left)), round(box.right))
    return float((picture[rows, columns].max(axis=2) <= DARK).mean())


def clear(face: dict[str, Any], side: float) -> bool:
    flaws = ("blur", "occlusion", "pose", "invalid")
    left, top, right, bottom = face["box"]
    return min(right - left, bottom - top) >= side and not any(face[flaw] for flaw in flaws)


def pictures_of_large_faces() -> list[tuple[str, list[Box]]]:
    if not (DATA / "faces_wider" / "labels.jsonl").is_file():
        return []
    found = []
    for record in records(DATA / "faces_wider" / "labels.jsonl"):
        faces = [Box(*face["box"]) for face in record["faces"] if clear(face, 60)]
        if faces and len(faces) == len(record["faces"]):
            found.append((record["image"], faces))
    return found[:2]


@pytest.mark.parametrize("number", range(2))
def test_a_picture_comes_out_with_its_faces_black(number: int, tmp_path: Path) -> None:
    from redact.media.stills import StillSource

    name, faces = pictures_of_large_faces()[number]
    source = DATA / "faces_wider" / name
    output = tmp_path / f"out{source.suffix}"
    outcome = redact_file(source, output, black())
    assert outcome.frames == 1
    assert [p.name for p in tmp_path.iterdir()] == [output.name]
    before, after = (next(StillSource(p).frames()) for p in (source, output))
    assert whole(before).shape == whole(after).shape
    assert all(dark_share(whole(after), face) >= ENOUGH for face in faces)
    assert dark_share(whole(after), Box(0, 0, *whole(after).shape[1::-1])) < 0.8


def whole(frame: Frame) -> Rgb:
    picture = frame.picture
    return picture.rgb(picture.turn.upright_size(picture.stored_size))


def test_a_clip_comes_out_with_its_frames_its_times_and_its_faces_black(tmp_path: Path) -> None:
    from redact.media.video.source import VideoSource

    source = DATA / "clips_truth" / "pandev_01_motionblur.mp4"
    output = tmp_path / "out.mp4"
    outcome = redact_file(source, output, black())
    assert [p.name for p in tmp_path.iterdir()] == [output.name]
    truth = {
        record["frame"]: [
            Box(*face["box"])
            for face in record["faces"]
            if not face["invalid"]
            and face["px"] >= 80
            and face["inside"] == face["opacity"] == 1
            and not (face["occluded"] or face["occlusion"] or face["pose"] or face["blur"])
        ]
        for record in records(source.with_suffix(".truth.jsonl"))
    }
    times, shown, asked = [], 0, 0
    for frame in VideoSource(output).frames():
        times.append(frame.time)
        picture = whole(frame)
        shares = [dark_share(picture, face) for face in truth[frame.index]]
        asked += len(shares)
        shown += sum(share < ENOUGH for share in shares)
    assert times == [frame.time for frame in VideoSource(source).frames()]
    assert outcome.frames == len(times) == len(truth)
    assert asked > 0
    assert shown == 0


def test_numpy_pictures_are_redacted_in_a_copy() -> None:
    import PIL.Image

    from redact.api import redact_picture

    name, faces = pictures_of_large_faces()[0]
    with PIL.Image.open(DATA / "faces_wider" / name) as image:
        picture = np.asarray(image.convert("RGB")).copy()
    untouched = picture.copy()
    after = redact_picture(picture, black())
    assert np.array_equal(picture, untouched)
    assert Size(*after.shape[1::-1]) == Size(*picture.shape[1::-1])
    assert all(dark_share(after, face) >= ENOUGH for face in faces)


def test_what_one_family_misses_another_finds_and_it_ends_hidden(tmp_path: Path) -> None:
    from redact.api import verify_file
    from redact.core.passes import Pass
    from redact.media.stills import StillSource
    from redact.verify.result import Checking

    name, faces = pictures_of_large_faces()[0]
    source = DATA / "faces_wider" / name
    blind = recipe("fast", passes=(Pass("yunet", 640, 0.99),), style="solid", colour="#000000")
    output = tmp_path / f"out{source.suffix}"
    seen = redact_file(source, output, blind, checking=Checking(report_only=True))
    assert seen.verification is not None
    assert len(seen.verification.leaks) >= len(faces)
    assert not verify_file(source, output, seen.plan).passed
    done = redact_file(source, output, blind, force=True)
    assert done.verification is not None
    assert done.verification.passed
    assert len(done.verification.hidden) >= len(faces)
    picture = whole(next(StillSource(output).frames()))
    assert all(dark_share(picture, face) >= ENOUGH for face in faces)
    assert verify_file(source, output, done.plan).passed
