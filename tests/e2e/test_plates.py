"""Number plates from a picture or a video to its redacted file, with the real weights."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import pytest

from redact.api import analyse_file, redact_file, redact_picture
from redact.core.findings import Kind
from redact.core.geometry import Box
from redact.core.plan import dumps, loads
from redact.core.recipe import PROFILES, StyleName, recipe
from redact.hide.styles import STYLES
from tests.cars import car, plate_box, street


def inside(picture: np.ndarray, box: Box) -> np.ndarray:
    return picture[round(box.top) : round(box.bottom), round(box.left) : round(box.right)]


@pytest.mark.parametrize("name", sorted(STYLES))
def test_a_plate_gets_one_colour_in_every_style(name: StyleName) -> None:
    picture = car()
    after = redact_picture(picture, recipe("fast", style=name))
    part = inside(after, plate_box(165, 180))
    assert (part == part[0, 0]).all()
    assert not (inside(picture, plate_box(165, 180)) == part[0, 0]).all()
    assert np.array_equal(after[:60], picture[:60])


def test_only_what_is_asked_for_is_hidden() -> None:
    picture = car()
    assert np.array_equal(redact_picture(picture, PROFILES["fast"].detecting({Kind.FACE})), picture)
    only = redact_picture(picture, PROFILES["fast"].detecting({Kind.PLATE}))
    assert np.array_equal(only, redact_picture(picture, PROFILES["fast"]))
    assert not np.array_equal(only, picture)


def test_a_picture_file_comes_out_with_its_plate_black(tmp_path: Path) -> None:
    source = tmp_path / "car.png"
    PIL.Image.fromarray(car(560, 660, 330, 360, 30)).save(source)
    done = redact_file(source, tmp_path / "out.png", recipe(style="solid"))
    assert [track.kind for track in done.plan.hidden_tracks] == [Kind.PLATE]
    assert loads(dumps(done.plan)) == done.plan
    with PIL.Image.open(done.output) as image:
        after = np.asarray(image.convert("RGB"))
    assert (inside(after, plate_box(330, 360, 30)) == 0).all()


def test_a_plate_that_drives_by_is_hidden_in_every_frame(tmp_path: Path) -> None:
    import av

    places = [(150 + 4 * i, 150 + 2 * i, 18 + 0.3 * i) for i in range(40)]
    source = tmp_path / "car.mp4"
    with av.open(str(source), "w") as made:
        stream = made.add_stream("h264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 480, 360, "yuv420p"
        for index, place in enumerate(places):
            frame = av.VideoFrame.from_ndarray(car(360, 480, *place), "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    done = redact_file(source, tmp_path / "out.mp4", recipe("fast", style="solid"))
    assert {track.kind for track in done.plan.hidden_tracks} == {Kind.PLATE}
    with av.open(str(done.output)) as opened:
        shown = [frame.to_ndarray(format="rgb24") for frame in opened.decode(video=0)]
    assert len(shown) == len(places)
    exposed = [
        index
        for index, (picture, place) in enumerate(zip(shown, places, strict=True))
        if (inside(picture, plate_box(*place)).max(axis=2) > 60).mean() > 0.02
    ]
    assert exposed == []


def sign(x: float) -> np.ndarray:
    """A street without vehicles, and a word on a light label that the network takes for a plate."""
    picture = PIL.Image.new("RGB", (640, 360), (140, 150, 160))
    draw = PIL.ImageDraw.Draw(picture)
    font = PIL.ImageFont.load_default(11.2)
    half = draw.textlength("toggle", font=font) / 2 + 5.6
    draw.rounded_rectangle((x - half, 171.6, x + half, 188.4), 2.8, (245, 245, 240))
    draw.text((x, 180), "toggle", (20, 20, 20), font, anchor="mm")
    return np.asarray(picture)


def write(path: Path, pictures: list[np.ndarray]) -> Path:
    import av

    height, width = pictures[0].shape[:2]
    with av.open(str(path), "w") as made:
        stream = made.add_stream("h264", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    return path


def test_a_word_on_a_sign_is_doubted_and_the_plan_says_why(tmp_path: Path) -> None:
    source = write(tmp_path / "sign.mp4", [sign(200 + 3 * i) for i in range(12)])
    plates = PROFILES["fast"].detecting({Kind.PLATE})
    plan = analyse_file(source, plates)
    (track,) = plan.tracks
    assert max(s.score for s in track.sightings) > plates.plate_track_threshold
    assert track.uncertain
    assert "looks like part of a screen" in track.doubt
    assert loads(dumps(plan)) == plan
    assert '"doubt": "no vehicle' in dumps(plan)
    assert not plan.hidden_tracks
    assert replace(plan, recipe=replace(plates, uncertain="hide")).hidden_tracks


def test_the_plate_of_a_car_is_believed(tmp_path: Path) -> None:
    source = write(tmp_path / "car.mp4", [street(256, 416, 150 + 3 * i) for i in range(12)])
    plan = analyse_file(source, PROFILES["fast"].detecting({Kind.PLATE}))
    assert [track.doubt for track in plan.tracks if not track.uncertain] == [""]
    assert '"doubt"' not in dumps(plan)
