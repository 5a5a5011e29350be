"""One suite for every detector, with its real weights."""

from __future__ import annotations

import gc
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from threading import Event, Thread
from typing import Any

import cv2
import numpy as np
import pytest

from redact.core.findings import Detection, Kind
from redact.core.frames import Rgb
from redact.core.geometry import Box, Size
from redact.core.interfaces import Detector
from redact.core.passes import Pass
from redact.detect.detectors import DETECTORS, blazeface, load
from redact.detect.detectors.plates import _combine_scales, _reduce, calibrate_scores
from redact.errors import RecipeError
from tests.cars import car, plate_box
from tests.figures import figures

LOW = 0.05
"""A threshold so low that generated pictures give something to compare."""

FACES = Path(__file__).parents[2].parent / "shared" / "data" / "faces_wider"


@cache
def detector(name: str) -> Detector:
    return load(name)


@pytest.fixture(scope="module", autouse=True)
def _engines_end_with_these_tests() -> Iterator[None]:
    """One that lives on until the interpreter ends complains there."""
    yield
    detector.cache_clear()
    gc.collect()


@pytest.fixture(params=sorted(DETECTORS))
def engine(request: pytest.FixtureRequest) -> Detector:
    return detector(request.param)


FACE_FINDERS = sorted(name for name in DETECTORS if Pass(name, 640, 0.5).kind is Kind.FACE)
SURE_FACE_FINDERS = [name for name in FACE_FINDERS if name != "near_faces"]
"""Those that need no head and shoulders; `test_near_faces` is for the other."""


@pytest.fixture(params=SURE_FACE_FINDERS)
def face_engine(request: pytest.FixtureRequest) -> Detector:
    return detector(request.param)


def noise(height: int, width: int, seed: int = 0) -> Rgb:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def disc(
    picture: Rgb, x: float, y: float, across: float, down: float, colour: Sequence[int]
) -> None:
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
    picture[((columns - x) / across) ** 2 + ((rows - y) / down) ** 2 <= 1] = colour


def doll(height: int = 160, width: int = 160, x: float = 80, y: float = 80) -> Rgb:
    """A painted head with hair, eyes, nose and mouth, nobody's."""
    picture = np.full((height, width, 3), (120, 150, 180), np.uint8)
    disc(picture, x, y - 12, 40, 48, (60, 40, 30))
    disc(picture, x, y, 34, 44, (224, 180, 150))
    for side in (-14, 14):
        disc(picture, x + side, y - 10, 8, 4, (250, 250, 250))
        disc(picture, x + side, y - 10, 4, 4, (40, 30, 30))
        disc(picture, x + side, y - 20, 9, 2, (70, 45, 35))
    disc(picture, x, y + 6, 4, 8, (200, 150, 125))
    disc(picture, x, y + 24, 13, 4, (180, 70, 70))
    return picture


def alike(one: Sequence[Detection], other: Sequence[Detection]) -> bool:
    def table(found: Sequence[Detection]) -> list[list[float]]:
        rows = [[d.score, d.box.left, d.box.top, d.box.right, d.box.bottom] for d in found]
        return sorted(rows, key=lambda row: [round(value, 1) for value in row[1:]])

    return len(one) == len(other) and np.allclose(table(one), table(other), atol=0.05)


def test_an_unknown_detector_names_the_known_ones() -> None:
    with pytest.raises(RecipeError, match="hawkeye") as caught:
        load("hawkeye")
    assert all(name in (caught.value.remedy or "") for name in DETECTORS)


def test_no_pictures_give_no_detections(engine: Detector) -> None:
    assert engine.detect([], 0.3) == []


def close_up() -> Rgb:
    """A painted person, from the chest up, so near that points of the face are known."""
    return cv2.resize(figures(False, half=20)[0][:160], None, fx=1.5, fy=1.5)


MIXED = [
    doll(),
    car(160, 200, 100, 110, 16),
    figures(False, True, half=10)[0],
    noise(64, 96),
    noise(64, 96, 1),
    noise(96, 64, 3),
    doll(200, 120, 60, 100),
    close_up(),
    noise(33, 31),
    noise(64, 96, 2),
]


def test_a_batch_of_mixed_sizes_equals_one_by_one(engine: Detector) -> None:
    together = engine.detect(MIXED, LOW)
    assert any(together), "nothing was compared"
    alone = [engine.detect([picture], LOW)[0] for picture in MIXED]
    assert len(together) == len(MIXED)
    assert all(map(alike, together, alone))


def test_each_picture_of_a_batch_gets_its_own_detections(engine: Detector) -> None:
    seen = False
    for thing in (doll(), car(160, 200, 100, 110, 16), figures(True, half=10)[0], close_up()):
        batch = [np.zeros_like(thing), thing, np.ascontiguousarray(thing[:, ::-1])]
        together = engine.detect(batch, LOW)
        assert all(map(alike, together, [engine.detect([picture], LOW)[0] for picture in batch]))
        seen |= bool(together[1])
    assert seen, "nothing was compared"


def test_a_batch_keeps_its_order(engine: Detector) -> None:
    forwards = engine.detect(MIXED, LOW)
    backwards = engine.detect(MIXED[::-1], LOW)
    assert all(map(alike, forwards, backwards[::-1]))


def test_detection_runs_on_many_pictures_of_one_size(engine: Detector) -> None:
    pictures = [noise(64, 64, seed) for seed in range(19)]
    found = engine.detect(pictures, LOW)
    assert len(found) == 19
    assert alike(found[18], engine.detect([pictures[18]], LOW)[0])


def test_nothing_is_remembered_between_pictures(engine: Detector) -> None:
    first = engine.detect([doll()], LOW)
    engine.detect([noise(64, 96)], LOW)
    engine.detect([np.zeros((160, 160, 3), np.uint8)], LOW)
    assert all(map(alike, engine.detect([doll()], LOW), first))


def test_pictures_are_not_altered(engine: Detector) -> None:
    pictures = [picture.copy() for picture in MIXED]
    for picture in pictures:
        picture.flags.writeable = False
    engine.detect(pictures, LOW)
    assert all(map(np.array_equal, pictures, MIXED))


@pytest.mark.parametrize("threshold", [0.02, 0.3, 0.9])
@pytest.mark.parametrize("name", sorted(DETECTORS))
def test_scores_reach_the_threshold_and_end_at_one(name: str, threshold: float) -> None:
    found = [d for here in detector(name).detect(MIXED, threshold) for d in here]
    assert all(threshold - 1e-6 <= d.score <= 1 + 1e-6 for d in found)
    assert all(d.kind is Pass(name, 640, threshold).kind for d in found)


@pytest.mark.parametrize("picture", [doll(), car()])
def test_a_lower_threshold_loses_no_detection_of_a_high_score(
    engine: Detector, picture: Rgb
) -> None:
    sure = engine.detect([picture], 0.5)[0]
    all_of_them = engine.detect([picture], LOW)[0]
    assert all(any(a.box.iou(b.box) > 0.5 for b in all_of_them) for a in sure)


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 300), (300, 1), (2, 3), (31, 33), (33, 31), (97, 257), (256, 256)]
)
@pytest.mark.parametrize("paint", ["black", "white", "noise"])
def test_odd_pictures_give_finite_boxes_near_the_picture(
    engine: Detector, shape: tuple[int, int], paint: str
) -> None:
    picture = noise(*shape)
    if paint != "noise":
        picture[:] = 0 if paint == "black" else 255
    (found,) = engine.detect([picture], LOW)
    for one in found:
        sides = (one.box.left, one.box.top, one.box.right, one.box.bottom)
        assert all(map(math.isfinite, (*sides, one.score)))
        assert one.box.grown(1).extended(1, 1).touches(Size(*shape[::-1]))


def test_a_view_that_is_not_contiguous_is_taken(engine: Detector) -> None:
    wide = doll(320, 320, 80, 80)
    view = wide[:160, :160]
    assert alike(engine.detect([view], LOW)[0], engine.detect([view.copy()], LOW)[0])


def test_several_threads_may_detect_at_once(engine: Detector) -> None:
    expected = [engine.detect([picture], LOW)[0] for picture in MIXED]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda p: engine.detect([p], LOW)[0], MIXED * 3))
    assert all(map(alike, found, expected * 3))


@pytest.mark.parametrize(("x", "y"), [(80, 80), (240, 80), (80, 200), (250, 190)])
def test_a_painted_head_is_found_where_it_is(face_engine: Detector, x: float, y: float) -> None:
    (found,) = face_engine.detect([doll(280, 330, x, y)], LOW)
    head = Box(x - 34, y - 44, x + 34, y + 44)
    assert any(head.grown(0.3).contains(Box(*d.box.centre, *d.box.centre)) for d in found)
    assert any(d.box.iou(head) > 0.3 for d in found)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("x", "y", "high"), [(165, 180, 24), (150, 80, 24), (230, 200, 16)])
def test_a_painted_plate_is_found_where_it_is(x: float, y: float, high: float, dark: bool) -> None:
    (found,) = detector("plates").detect([car(280, 330, x, y, high, dark=dark)], 0.5)
    assert found
    assert all(d.box.iou(plate_box(x, y, high)) > 0.35 for d in found)
    assert max(d.box.iou(plate_box(x, y, high)) for d in found) > 0.6


def test_a_large_plate_needs_a_higher_score() -> None:
    raw = np.full(4, 0.5, np.float32)
    corners = [(30, 10), (100, 50), (500, 300), (640, 480)]
    sides = np.array([[0, 0, *corner] for corner in corners], np.float32)
    small, middle, large, whole = calibrate_scores(raw, sides, 640 * 480)
    assert 1 > small > middle > large > whole == 0


def test_a_tiny_plate_may_have_a_lower_score() -> None:
    raw = np.full(4, 0.3, np.float32)
    widths = np.array([60, 20, 8, 0], np.float32)
    sides = np.stack([0 * widths, 0 * widths, widths, widths / 3], 1)
    middle, small, tiny, point = calibrate_scores(raw, sides, 640 * 480)
    assert 0 < middle < small < tiny < point < 1
    ten = 0.15  # what a factor of ten in area is worth
    (same,) = calibrate_scores(raw[:1] + ten, sides[:1], 640 * 480)
    (tenth,) = calibrate_scores(raw[:1], sides[:1] / np.sqrt(10), 640 * 480)
    assert same == pytest.approx(tenth, abs=0.01)


def test_a_large_plate_must_be_detected_at_both_scales() -> None:
    area, large = 640 * 480, np.array([[100, 100, 300, 180]], np.float32)
    nothing = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
    seen = large, np.array([0.7], np.float32)
    aside = large + 200, np.array([0.7], np.float32)
    (both,) = _combine_scales(seen, seen, area, 0.05)
    assert both.score > 0.8
    for reduced in (nothing, aside):
        assert all(d.score < 0.3 for d in _combine_scales(seen, reduced, area, 0.05))
    small = np.array([[100, 100, 140, 112]], np.float32), np.array([0.7], np.float32)
    assert _combine_scales(small, nothing, area, 0.5)
    assert not _combine_scales(nothing, small, area, 0.05)


@pytest.mark.parametrize("shape", [(480, 640), (427, 639), (360, 641)])
def test_the_reduced_copy_shows_the_same_smaller(shape: tuple[int, int]) -> None:
    def ramp(height: int, width: int) -> Rgb:
        y, x = np.mgrid[:height, :width] + 0.5
        sides = x * 255 / width, y * 255 / height, 0 * x + 90
        return np.stack(sides, axis=2).astype(np.uint8)

    small = _reduce(ramp(*shape))
    assert small.shape[:2] == tuple(round(side * 0.35) for side in shape)
    assert np.abs(small.astype(int) - ramp(*small.shape[:2])).max() <= 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 2)])
def test_the_smallest_pictures_have_a_reduced_copy(shape: tuple[int, int]) -> None:
    assert min(_reduce(np.zeros((*shape, 3), np.uint8)).shape[:2]) >= 1


# Real faces, where they are at hand: they may not be copied into the project


@cache
def clear_faces() -> list[tuple[str, list[Box]]]:
    """A few pictures with the large, sharp, unhidden faces in them."""
    labels = FACES / "labels.jsonl"
    if not labels.is_file():
        return []
    found = []
    for line in labels.read_text("utf-8").splitlines():
        record: dict[str, Any] = json.loads(line)
        boxes = [
            Box(*face["box"])
            for face in record["faces"]
            if not any(face[flaw] for flaw in ("blur", "occlusion", "pose", "invalid"))
            and not (face["illumination"] or face["expression"])
            and 70 <= face["box"][3] - face["box"][1] <= 300
        ]
        if boxes and len(record["faces"]) <= 6:
            found.append((record["image"], boxes))
    return found[:8]


@pytest.mark.slow
def test_large_clear_faces_are_found(face_engine: Detector) -> None:
    import PIL.Image

    if not clear_faces():
        pytest.skip("the labelled pictures of ../shared/data/faces_wider are not here")
    missed, asked = [], 0
    for name, boxes in clear_faces():
        with PIL.Image.open(FACES / name) as image:
            picture = np.asarray(image.convert("RGB"))
        (found,) = face_engine.detect([picture], 0.3)
        asked += len(boxes)
        missed += [(name, b) for b in boxes if all(d.box.iou(b) < 0.35 for d in found)]
    assert asked >= 8
    assert len(missed) <= asked // 8, missed


def test_stderr_is_back_however_threads_load_mediapipe() -> None:
    def load(wait: float) -> None:
        time.sleep(wait)
        with blazeface._silence_stderr():
            time.sleep(0.1)

    before = os.fstat(2)
    threads = [Thread(target=load, args=(wait,)) for wait in (0.0, 0.05)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = os.fstat(2)
    assert (before.st_dev, before.st_ino) == (after.st_dev, after.st_ino)


_TALK = """
import gc, sys
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from redact.detect.detectors import load
picture = np.random.default_rng(1).integers(0, 255, (300, 400, 3), np.uint8)
both = [load("mediapipe"), load("mediapipe")]
with ThreadPoolExecutor(4) as pool:
    list(pool.map(lambda n: both[n % 2].detect([picture], 0.1 + n / 40), range(8)))
both.clear()
gc.collect()
print("an error", file=sys.stderr)
"""


class Engine:
    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


@pytest.mark.timeout(20)
def test_a_detector_that_is_collected_in_the_middle_of_anything_waits_for_nobody() -> None:
    """Garbage is collected in any thread, while it or another holds any lock."""
    engine = Engine()
    detector = blazeface.BlazeFace()
    detector._engines[0.5] = engine
    held, done = Event(), Event()

    def hold() -> None:
        with blazeface._silence_stderr():
            held.set()
            done.wait(30)

    holder = Thread(target=hold, daemon=True)
    holder.start()
    held.wait()
    del detector
    gc.collect()  # did not return
    assert not engine.closed
    done.set()
    holder.join()
    blazeface._close_abandoned()
    assert engine.closed == 1


def test_mediapipe_writes_nothing_on_stderr_but_errors_come_through() -> None:
    said = subprocess.run([sys.executable, "-c", _TALK], capture_output=True, text=True, check=True)
    assert said.stderr == "an error\n"


_WHAT_IS_LEFT_OUT = """
import sys
import numpy as np
from redact.detect.detectors import blazeface, load
if "early" in sys.argv:
    import matplotlib
    early = matplotlib
load("mediapipe").detect([np.zeros((300, 300, 3), np.uint8)], 0.5)
print(*(name for name in blazeface._UNUSED_MODULES if name in sys.modules))
import matplotlib
print(matplotlib.__version__, "early" not in sys.argv or matplotlib is early)
"""


def test_modules_that_mediapipe_does_not_need_are_not_imported_and_can_be_afterwards() -> None:
    said = {
        how: subprocess.run(
            [sys.executable, "-c", _WHAT_IS_LEFT_OUT, how],
            capture_output=True, text=True, check=True,
        ).stdout.splitlines()
        for how in ("late", "early")
    }  # fmt: skip
    assert said["late"][0] == ""
    assert said["early"][0] == "matplotlib"
    assert all(lines[1].endswith(" True") for lines in said.values())


_USE_AND_LET_GO = """
import os
import numpy as np
from redact.detect.detectors import load

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20

detector = load("centerface")
loaded = resident()
detector.detect([np.zeros((1536, 2048, 3), np.uint8)], 0.5)
used = resident()
del detector
print(loaded, used, resident())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process holds now")
def test_memory_is_released_with_the_last_detector() -> None:
    command = [sys.executable, "-c", _USE_AND_LET_GO]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded, used, left = map(int, done.stdout.split())
    assert used - loaded > 100
    assert left - loaded < (used - loaded) / 2
