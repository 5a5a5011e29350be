from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from threading import get_ident

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redact.core.findings import Detection, Kind
from redact.core.frames import Frame, Rgb
from redact.core.geometry import Box, Size, Turn
from redact.core.interfaces import View
from redact.core.parallel import run_ahead
from redact.core.passes import REFERENCE_RATE, Pass
from redact.detect.copies import GREY_SIDE
from redact.detect.schedule import (
    PassClock,
    PassRunner,
    VideoSchedule,
)
from tests.painted import TURNS, PaintedPicture, flat
from tests.scripted import ScriptedDetector, marked

SIZE = Size(320, 200)
MARKED = Box(60, 40, 110, 90)


def face(box: Box, score: float, kind: Kind = Kind.FACE) -> Detection:
    return Detection(kind, box, score)


def run_passes(picture: PaintedPicture, *passes: Pass, index: int = 0) -> View:
    return PassRunner(passes, lambda _: ScriptedDetector())(Frame(index, Fraction(index), picture))


def close(one: Box, other: Box, slack: float) -> bool:
    return other.extended(slack, slack).contains(one) and one.extended(slack, slack).contains(other)


# running passes


@pytest.mark.parametrize("side", [80, 160, 320, 640])
def test_boxes_come_in_pixels_of_the_upright_picture_at_any_scale(side: int) -> None:
    view = run_passes(marked(SIZE, MARKED), Pass("scripted", side, 0.3))
    assert view.size == SIZE
    (found,) = view.detections
    assert close(found.box, MARKED, max(1.0, 2 * SIZE.width / side))


@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize("side", [160, 320])
def test_a_turned_pass_maps_its_boxes_back(quarters: int, side: int) -> None:
    view = run_passes(marked(SIZE, MARKED), Pass("scripted", side, 0.3, quarters=quarters))
    (found,) = view.detections
    assert close(found.box, MARKED, SIZE.width / side)


@pytest.mark.parametrize("turn", TURNS, ids=str)
@pytest.mark.parametrize("quarters", [0, 1])
def test_a_stored_turn_is_undone_before_detection(turn: Turn, quarters: int) -> None:
    picture = marked(SIZE, MARKED)
    turned = PaintedPicture(picture.painted, picture.colour, turn)
    view = run_passes(turned, Pass("scripted", 320, 0.3, quarters=quarters))
    (found,) = view.detections
    assert view.size == turn.upright_size(SIZE)
    assert view.grey.shape[::-1] == (view.size.width, view.size.height)
    assert close(found.box, turn.upright_box(MARKED, SIZE), 1)


def test_the_detector_sees_the_turned_and_scaled_picture() -> None:
    detector = ScriptedDetector()
    passes = [Pass("scripted", 160, 0.3), Pass("scripted", 160, 0.3, quarters=1)]
    PassRunner(passes, lambda _: detector)(Frame(0, Fraction(0), marked(SIZE, MARKED)))
    assert detector.seen == [Size(160, 100), Size(100, 160)]


@pytest.mark.parametrize(("enlarge", "seen"), [(True, Size(640, 400)), (False, SIZE)])
def test_a_small_picture_is_enlarged_on_request(enlarge: bool, seen: Size) -> None:
    detector = ScriptedDetector()
    passes = [Pass("scripted", 640, 0.3, enlarge=enlarge)]
    view = PassRunner(passes, lambda _: detector)(Frame(0, Fraction(0), marked(SIZE, MARKED)))
    assert detector.seen == [seen]
    assert close(view.detections[0].box, MARKED, 1)


@pytest.mark.parametrize(
    ("most", "seen"), [(1.5, (480, 300)), (2.0, (640, 400)), (3.0, (640, 400))]
)
def test_a_small_picture_is_enlarged_so_many_times_at_most(
    most: float, seen: tuple[int, int]
) -> None:
    detector = ScriptedDetector()
    passes = [Pass("scripted", 640, 0.3, most=most)]
    view = PassRunner(passes, lambda _: detector)(Frame(0, Fraction(0), marked(SIZE, MARKED)))
    assert detector.seen == [Size(*seen)]
    assert close(view.detections[0].box, MARKED, 1)


def test_a_large_picture_is_made_smaller_either_way() -> None:
    detector = ScriptedDetector()
    passes = [Pass("scripted", 160, 0.3, enlarge=False)]
    PassRunner(passes, lambda _: detector)(Frame(0, Fraction(0), marked(SIZE, MARKED)))
    assert detector.seen == [Size(160, 100)]


def test_a_pass_runs_on_every_so_many_frames() -> None:
    picture = marked(SIZE, MARKED)
    passes = [Pass("scripted", 320, 0.3, every=3)]
    seen = [bool(run_passes(picture, *passes, index=index).detections) for index in range(7)]
    assert seen == [True, False, False, True, False, False, True]


@pytest.mark.parametrize(("above", "finds"), [(0, True), (319, True), (320, False), (4000, False)])
def test_a_pass_may_be_for_large_pictures_alone(above: int, finds: bool) -> None:
    found = run_passes(marked(SIZE, MARKED), Pass("scripted", 320, 0.3, above=above)).detections
    assert bool(found) is finds


@pytest.mark.parametrize(("largest", "finds"), [(0.05, True), (0.03, False)])
@pytest.mark.parametrize("side", [160, 320, 640])
def test_a_pass_may_be_for_small_detections_alone(largest: float, finds: bool, side: int) -> None:
    found = run_passes(
        marked(SIZE, MARKED), Pass("scripted", side, 0.3, largest=largest)
    ).detections
    assert bool(found) is finds  # the mark is 3.9 % of the picture


def test_two_passes_that_agree_make_one_detection_of_no_lower_score() -> None:
    single = run_passes(marked(SIZE, MARKED), Pass("scripted", 320, 0.3))
    double = run_passes(
        marked(SIZE, MARKED), Pass("scripted", 320, 0.3), Pass("scripted", 160, 0.3)
    )
    assert len(double.detections) == 1
    assert double.detections[0].score >= single.detections[0].score


@dataclass
class Standing:
    """Sees what there is with a score that depends on how the picture is turned to it.

    Args:
        scores: Of its detection in a wide picture, and in a tall one, in two places.
        where: What it finds in either.
        given: The pictures.
    """

    scores: tuple[float, float]
    where: Box = field(default_factory=lambda: Box(20, 20, 28, 28))
    given: list[Rgb] = field(default_factory=list)

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        self.given += pictures
        return [self._find(*picture.shape[:2], threshold) for picture in pictures]

    def _find(self, rows: int, columns: int, threshold: float) -> list[Detection]:
        score = self.scores[rows > columns]
        return [face(self.where, score)] if score >= threshold else []


@pytest.mark.parametrize(
    ("upright", "turned", "finds"),
    [
        (0.0, 0.5, True),  # nobody stands upright: the picture lies on its side
        (0.3, 0.5, True),  # what is there looks better from the side
        (0.5, 0.6, False),  # the picture stands upright, and ears are no faces
        (0.5, 0.75, False),
        (0.5, 0.85, True),  # a score that is high enough whichever way the picture stands
    ],
)
def test_a_turned_pass_counts_where_it_shows_clearly_more(
    upright: float, turned: float, finds: bool
) -> None:
    passes = [
        Pass("standing", 320, 0.2),
        Pass("standing", 320, 0.2, quarters=1, turned_threshold=0.8),
    ]
    detector = Standing((upright, turned))
    view = PassRunner(passes, lambda _: detector)(Frame(0, Fraction(0), flat(SIZE, (90, 90, 90))))
    assert (turned in {d.score for d in view.detections}) is finds


def test_a_turned_detection_of_a_face_seen_upright_does_not_widen_its_box() -> None:
    passes = [
        Pass("standing", 40, 0.2),
        Pass("standing", 40, 0.2, quarters=1, turned_threshold=0.6),
    ]
    square = flat(Size(40, 40), (90, 90, 90))  # both detections lie in the middle
    middle = Standing((0.7, 0.7), Box(15, 12, 25, 28))
    view = PassRunner(passes, lambda _: middle)(Frame(0, Fraction(0), square))
    upright = PassRunner(passes[:1], lambda _: middle)(Frame(0, Fraction(0), square))
    assert view.detections == upright.detections


def test_plates_do_not_say_how_faces_stand() -> None:
    passes = [Pass("plates", 320, 0.2), Pass("face", 320, 0.2, quarters=1, turned_threshold=0.9)]
    view = PassRunner(passes, lambda _: Standing((0.8, 0.5)))(
        Frame(0, Fraction(0), flat(SIZE, (90, 90, 90)))
    )
    assert 0.5 in {d.score for d in view.detections}


def brightest(level: int) -> int:
    """What a detector is shown of a picture with a mark of that brightness before black."""
    detector = Standing((0.0, 0.0))
    picture = marked(SIZE, MARKED, (level, level, level))
    picture.planes()[0].samples[:20] //= 10
    dim = picture.planes()[0].samples
    dim[(dim == 90).all(axis=2)] = 9
    PassRunner([Pass("standing", 320, 0.3)], lambda _: detector)(Frame(0, Fraction(0), picture))
    return int(detector.given[0].max())


def test_a_dark_picture_is_brightened_before_detection() -> None:
    assert brightest(60) > 200
    assert brightest(30) > 200


def test_a_bright_picture_goes_to_detectors_as_it_is() -> None:
    detector = Standing((0.0, 0.0))
    picture = marked(SIZE, MARKED, (140, 150, 160))
    PassRunner([Pass("standing", 320, 0.3)], lambda _: detector)(Frame(0, Fraction(0), picture))
    assert (detector.given[0] == picture.rgb(SIZE)).all()


def test_a_black_picture_is_not_brightened() -> None:
    detector = Standing((0.0, 0.0))
    picture = flat(SIZE, (0, 0, 0))
    PassRunner([Pass("standing", 320, 0.3)], lambda _: detector)(Frame(0, Fraction(0), picture))
    assert not detector.given[0].any()


@pytest.mark.parametrize(("slope", "finds"), [(0.0, True), (0.5, False)])
def test_a_large_face_needs_a_higher_score(slope: float, finds: bool) -> None:
    detector = ScriptedDetector(score=0.6)
    seen = PassRunner([Pass("scripted", 320, 0.5)], lambda _: detector, slope)
    view = seen(Frame(0, Fraction(0), marked(SIZE, MARKED)))  # 50 of 320 pixels high
    assert bool(view.detections) is finds


# skipping passes where the picture is still


def test_the_end_of_each_pass_is_told_to_whoever_waits_for_the_view() -> None:
    told: list[int] = []
    passes = [Pass("scripted", side, 0.3) for side in (80, 160, 320)]
    runner = PassRunner(passes, lambda _: ScriptedDetector())
    schedule = VideoSchedule(runner, 1.5, tell=lambda: told.append(get_ident()))
    views_of(schedule, [Frame(0, Fraction(0), marked(SIZE, MARKED))])
    assert told == [get_ident()] * 3


def views_of(schedule: VideoSchedule, frames: Sequence[Frame]) -> list[View]:
    return [view for _, view in run_ahead(schedule.start, schedule.plan_frames(frames))]


def over(
    pictures: Sequence[PaintedPicture], runner: PassRunner, max_age: float = 1.5
) -> list[View]:
    frames = [Frame(n, Fraction(n, 25), picture) for n, picture in enumerate(pictures)]
    return views_of(VideoSchedule(runner, max_age), frames)


def test_what_stays_is_found_in_every_frame_with_few_runs() -> None:
    detector = ScriptedDetector()
    passes = [Pass("scripted", 320, 0.3), Pass("scripted", 160, 0.3, every=3)]
    views = over([marked(SIZE, MARKED)] * 100, PassRunner(passes, lambda _: detector))
    assert len({view.detections for view in views if view.index % 3 == 0}) == 1
    assert all(view.detections for view in views)
    assert 4 <= len(detector.seen) <= 10


def test_passes_run_on_what_moves_as_often_as_ever() -> None:
    pictures = [marked(SIZE, MARKED.shifted(2 * n, 0)) for n in range(20)]
    passes = [Pass("scripted", 320, 0.3), Pass("scripted", 320, 0.3, quarters=1, every=4)]
    plain = PassRunner(passes, lambda _: ScriptedDetector())
    each = [plain(Frame(n, Fraction(n, 25), p)) for n, p in enumerate(pictures)]
    spared = over(pictures, plain)
    assert [v.detections for v in spared] == [v.detections for v in each]
    assert all(np.array_equal(a.grey, b.grey) for a, b in zip(spared, each, strict=True))


def test_what_appears_in_a_still_scene_is_found_at_once() -> None:
    pictures = [marked(SIZE, MARKED if n >= 7 else None) for n in range(12)]
    views = over(pictures, PassRunner([Pass("scripted", 320, 0.3)], lambda _: ScriptedDetector()))
    assert [bool(view.detections) for view in views] == [False] * 7 + [True] * 5


def test_what_disappears_is_not_found_any_more() -> None:
    pictures = [marked(SIZE, None if n >= 7 else MARKED) for n in range(12)]
    views = over(pictures, PassRunner([Pass("scripted", 320, 0.3)], lambda _: ScriptedDetector()))
    assert [bool(view.detections) for view in views] == [True] * 7 + [False] * 5


def test_each_pass_remembers_the_picture_that_it_ran_on() -> None:
    """What appears between two runs of a rare pass is new to it, though not to another."""
    detector = ScriptedDetector()
    passes = [Pass("scripted", 320, 0.3), Pass("scripted", 160, 0.3, every=4)]
    over(
        [marked(SIZE, MARKED if n >= 1 else None) for n in range(5)],
        PassRunner(passes, lambda _: detector),
    )
    assert sorted(size.width for size in detector.seen) == [160, 160, 320, 320]


@given(
    steps=st.lists(st.fractions(Fraction(1, 240), 1), min_size=1, max_size=60),
    start=st.fractions(-3, 3),
    every=st.integers(1, 24),
)
def test_a_pass_runs_as_often_in_time_at_any_rate(
    steps: list[Fraction], start: Fraction, every: int
) -> None:
    times = [start + sum(steps[:n], Fraction(0)) for n in range(len(steps) + 1)]
    clock, due = PassClock(), []
    for time in times:
        clock.advance(time)
        if clock.starts_span(every):
            due.append(time)
    assert due[0] == start
    span = Fraction(every, REFERENCE_RATE)
    assert all((b - start) // span > (a - start) // span for a, b in pairwise(due))
    reached = {(time - start) // span for time in times}
    assert len(due) == len(reached)  # one run in every span in which there is a frame


@pytest.mark.parametrize(("rate", "runs"), [(5, 50), (25, 18), (50, 10)])  # the last one, too
def test_in_faster_videos_passes_run_on_fewer_frames(rate: int, runs: int) -> None:
    detector = ScriptedDetector()
    pictures = [marked(SIZE, MARKED.shifted(2 * n, 0)) for n in range(50)]
    frames = [Frame(n, Fraction(n, rate), picture) for n, picture in enumerate(pictures)]
    views_of(
        VideoSchedule(PassRunner([Pass("scripted", 320, 0.3, every=3)], lambda _: detector), 1.5),
        frames,
    )
    assert len(detector.seen) == runs


def test_whoever_comes_into_the_last_frame_is_seen() -> None:
    def views(count: int) -> list[View]:
        pictures = [marked(SIZE, MARKED if n == 31 else None) for n in range(count)]
        frames = [Frame(n, Fraction(n, 25), picture) for n, picture in enumerate(pictures)]
        passes = [Pass("scripted", 320, 0.3, every=3), Pass("plates", 320, 0.3, every=8)]
        runner = PassRunner(passes, lambda _: ScriptedDetector())
        return views_of(VideoSchedule(runner, 1.5), frames)

    assert [bool(view.detections) for view in views(32)][-2:] == [False, True]
    assert not any(view.detections for view in views(33)[:-1])  # within the stated bound


def test_a_threshold_is_handed_to_its_detector() -> None:
    assert run_passes(marked(SIZE, MARKED), Pass("scripted", 320, 0.95)).detections == ()


def test_each_detector_is_loaded_once() -> None:
    loaded: list[str] = []

    def load(name: str) -> ScriptedDetector:
        loaded.append(name)
        return ScriptedDetector()

    PassRunner([Pass("a", 64, 0.3), Pass("b", 64, 0.3), Pass("a", 96, 0.3, quarters=2)], load)
    assert sorted(loaded) == ["a", "b"]


@pytest.mark.parametrize("size", [Size(1, 1), Size(2000, 3), Size(31, 33), Size(1280, 720)])
def test_the_grey_picture_is_small_and_of_the_same_shape(size: Size) -> None:
    view = run_passes(flat(size, (10, 200, 60)), Pass("scripted", 64, 0.3))
    assert view.grey.dtype == np.uint8
    shape = Size(view.grey.shape[1], view.grey.shape[0])
    assert shape == size.fitted(min(size.longer, GREY_SIDE))
    assert view.grey.max() - view.grey.min() <= 1
    assert abs(int(view.grey[0, 0]) - 127) <= 1


def test_a_view_names_its_frame_and_leaves_the_picture_as_it_was() -> None:
    picture = marked(SIZE, MARKED)
    before = picture.copy()
    frame = Frame(5, Fraction(1, 7), picture)
    view = PassRunner([Pass("scripted", 320, 0.3, quarters=1)], lambda _: ScriptedDetector())(frame)
    assert (view.index, view.time) == (5, Fraction(1, 7))
    assert np.array_equal(before.planes()[0].samples, picture.planes()[0].samples)


@pytest.mark.parametrize("flash", range(9))
def test_a_picture_of_one_frame_is_looked_at_whenever_it_comes(flash: int) -> None:
    """A schedule by the clock alone would look at every third frame and miss two of three."""
    scenes = [marked(Size(64, 48), None) for _ in range(9)]
    scenes[flash] = marked(Size(64, 48), Box(10, 8, 40, 40))
    scenes[flash].planes()[0].samples[:, 40:] = (20, 40, 200)
    runner = PassRunner([Pass("scripted", 64, 0.3, every=3)], lambda _: ScriptedDetector())
    schedule = VideoSchedule(runner, 10.0)
    frames = [Frame(n, Fraction(n, 25), scene) for n, scene in enumerate(scenes)]
    found = [bool(view.detections) for view in views_of(schedule, frames)]
    assert found == [n == flash for n in range(9)]


def test_a_montage_is_restless_and_a_still_scene_is_not() -> None:
    rng = np.random.default_rng(1)

    def scene() -> PaintedPicture:
        picture = flat(Size(64, 48), (0, 0, 0))
        picture.planes()[0].samples[...] = np.kron(
            rng.integers(0, 256, (3, 4, 3)), np.ones((16, 16, 1))
        ).astype(np.uint8)
        return picture

    runner = PassRunner([Pass("scripted", 64, 0.3, every=3)], lambda _: ScriptedDetector())
    for scenes, restless in (([scene() for _ in range(30)], True), ([scene()] * 30, False)):
        schedule = VideoSchedule(runner, 10.0)
        views_of(schedule, [Frame(n, Fraction(n, 25), it) for n, it in enumerate(scenes)])
        assert bool(schedule.restless) == restless
