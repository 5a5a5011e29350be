"""Number plates from a picture or a video to its redacted file, with the real weights."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from redact.api import redact_file, redact_picture
from redact.core.findings import Kind
from redact.core.geometry import Box
from redact.core.plan import dumps, loads
from redact.core.recipe import PROFILES, StyleName, recipe
from redact.hide.styles import STYLES
from tests.cars import car, plate_box


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
