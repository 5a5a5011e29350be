"""Painted things before painted backgrounds, tracked with the real flow and the real tracker.

The unit that counts: no frame in which a thing that is to be seen lies less than nine tenths
inside what is hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from redact.core.coverage import Cover, Coverage
from redact.core.findings import Detection, Kind, Track
from redact.core.frames import Grey
from redact.core.geometry import Box, Region, Size
from redact.core.interfaces import OpticalFlow, View
from redact.track.association import find_candidate_pairs, proximity
from redact.track.optical_flow import LucasKanadeFlow
from redact.track.templates import extract_templates
from redact.track.tracker import PictureTracker
from tests.scripted import StaticFlow, hidden_share

GREY = Size(320, 180)
PICTURE = Size(640, 360)
SCALE = 2
RATE = 25
COVERAGE = Coverage(pad=0.25, before=0.4, after=0.4, bridge=1.5, drift=0.4)
ENOUGH = 0.9

Canvas = NDArray[np.float64]


def texture(seed: int, rows: int, columns: int, cells: Sequence[int] = (4, 10, 30)) -> Canvas:
    """Soft patches of several sizes, 0 to 255."""
    random = np.random.default_rng(seed)
    total = np.zeros((rows, columns))
    for cell in cells:
        coarse = random.uniform(0, 255, (rows // cell + 2, columns // cell + 2))
        total += np.kron(coarse, np.ones((cell, cell)))[:rows, :columns] / len(cells)
    soft = sum(np.roll(total, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)) / 9
    return (soft - soft.min()) / np.ptp(soft) * 255


@dataclass
class Thing:
    """Something painted that is to be hidden.

    Args:
        where: Its centre in pixels of the grey canvas, by frame.
        seed: Of its texture.
        side: Its width in pixels of the grey picture; it is a quarter higher.
        seen: Whether the detector finds it, by frame.
        shown: Whether a viewer could see it, by frame.
    """

    where: Callable[[int], tuple[float, float]]
    seed: int
    side: int = 32
    seen: Callable[[int], bool] = lambda _: True
    shown: Callable[[int], bool] = lambda _: True

    def box(self, index: int, camera: float = 0) -> Box:
        """In pixels of the grey picture."""
        x, y = self.where(index)
        return Box.around(x - camera, y, self.side, self.side * 1.25)


@dataclass
class Scene:
    """A painted clip.

    Args:
        count: Of frames.
        things: In order of painting.
        seed: Of the background.
        camera: How far the camera has turned to the right, by frame.
        finish: What is done to each picture at the end.
    """

    count: int
    things: Sequence[Thing]
    seed: int = 1
    camera: Callable[[int], float] = lambda _: 0.0
    finish: Callable[[int, Canvas], Canvas] = lambda _, picture: picture
    first: int = 0
    background: Canvas = field(init=False)

    def __post_init__(self) -> None:
        self.background = texture(self.seed, GREY.height, GREY.width * 4)

    def grey(self, index: int) -> Grey:
        turned = round(self.camera(index))
        picture = self.background[:, turned : turned + GREY.width].copy()
        for thing in self.things:
            _paint(picture, thing, thing.box(index, turned))
        picture = self.finish(index, picture)
        noise = np.random.default_rng(index).normal(0, 2, picture.shape)
        return np.clip(picture + noise, 0, 255).astype(np.uint8)

    def truth(self, index: int) -> list[Box]:
        """Where things are, seen or not, in pixels of the full picture."""
        camera = round(self.camera(index))
        return [thing.box(index, camera).scaled(SCALE, SCALE) for thing in self.things]

    def view(self, index: int) -> View:
        random = np.random.default_rng(index + 1000)
        found = []
        for thing, box in zip(self.things, self.truth(index), strict=True):
            if thing.seen(index):
                jitter = random.normal(0, 0.02, 2) * box.width
                found.append(Detection(Kind.FACE, box.shifted(*map(float, jitter)), 0.8))
        at = self.first + index
        return View(at, Fraction(at, RATE), PICTURE, self.grey(index), tuple(found))


def _paint(picture: Canvas, thing: Thing, box: Box) -> None:
    patch = texture(thing.seed, round(box.height), round(box.width), (3, 6, 12))
    rows, columns = patch.shape
    top, left = round(box.top), round(box.left)
    down, across = np.mgrid[top : top + rows, left : left + columns]
    round_part = ((down - box.centre[1]) / rows) ** 2 + ((across - box.centre[0]) / columns) ** 2
    inside = (
        (round_part <= 0.25)
        & (down >= 0)
        & (down < GREY.height)
        & (across >= 0)
        & (across < GREY.width)
    )
    picture[down[inside], across[inside]] = patch[inside]


@dataclass
class Result:
    """What became of a scene: tracks, cuts, and the regions of each frame."""

    tracks: list[Track]
    cuts: list[int]
    regions: list[list[Region]]


def track_views(
    views: Sequence[View], coverage: Coverage = COVERAGE, flow: OpticalFlow | None = None
) -> Result:
    tracker = PictureTracker(coverage, 0.5, flow or LucasKanadeFlow())
    for view in views:
        tracker.update(view)
    tracks, cuts = tracker.tracks(), tracker.cuts()
    cover = Cover(tracks, cuts, coverage)
    regions = [[h.region for h in cover.hidden(v.index, v.time)] for v in views]
    return Result(tracks, cuts, regions)


def run(*scenes: Scene) -> Result:
    return track_views([scene.view(index) for scene in scenes for index in range(scene.count)])


def exposed(scene: Scene, result: Result, number: int = 0) -> list[int]:
    """Frames in which the thing can be seen and is not hidden."""
    thing = scene.things[number]
    found = []
    for index in range(scene.count):
        box = scene.truth(index)[number]
        inside = Box(0, 0, PICTURE.width, PICTURE.height).overlap(box) / box.area
        regions = result.regions[scene.first + index]
        share = hidden_share(box, regions, PICTURE)
        if thing.shown(index) and inside >= 0.5 and share < ENOUGH:
            found.append(index)
    return found


def among(*frames: int) -> Callable[[int], bool]:
    return lambda index: index in frames


def outside(frames: Collection[int]) -> Callable[[int], bool]:
    return lambda index: index not in frames


def walking(speed: float = 3.0, start: float = 50) -> Callable[[int], tuple[float, float]]:
    return lambda index: (start + speed * index, 90 + 6 * np.sin(index / 4))


def test_a_thing_that_is_always_detected_is_one_track() -> None:
    scene = Scene(30, [Thing(walking(), 11)])
    result = run(scene)
    assert exposed(scene, result) == []
    assert len(result.tracks) == 1
    assert result.cuts == []


@pytest.mark.parametrize("seed", range(4))
def test_a_thing_that_is_detected_now_and_then_stays_hidden(seed: int) -> None:
    random = np.random.default_rng(seed)
    seen = sorted({5, *map(int, random.choice(np.arange(6, 45), 6, replace=False)), 44})
    scene = Scene(50, [Thing(walking(4.0), 11 + seed, seen=among(*seen))], seed=seed)
    result = run(scene)
    assert exposed(scene, result) == []
    assert len(result.tracks) == 1


def test_a_thing_that_turns_round_while_unseen_is_followed_not_interpolated() -> None:
    def there_and_back(index: int) -> tuple[float, float]:
        return 60 + 5 * min(index, 40 - index), 90

    scene = Scene(41, [Thing(there_and_back, 12, seen=among(3, 4, 36, 37))])
    assert exposed(scene, run(scene)) == []


def test_a_thing_that_comes_nearer_while_unseen_stays_hidden() -> None:
    @dataclass
    class Nearing(Thing):
        def box(self, index: int, camera: float = 0) -> Box:
            return Box.around(160 - camera, 90, 30 + 0.8 * index, 36 + index)

    scene = Scene(25, [Nearing(walking(), 13, seen=outside(range(6, 18)))])
    assert exposed(scene, run(scene)) == []


def test_a_thing_that_is_detected_only_in_its_last_frame_was_hidden_before() -> None:
    frames = int(COVERAGE.before * RATE)
    scene = Scene(frames + 1, [Thing(walking(5.0), 14, seen=among(frames))])
    assert exposed(scene, run(scene)) == []


def test_a_thing_that_is_detected_only_in_its_first_frame_is_hidden_after() -> None:
    frames = int(COVERAGE.after * RATE)
    scene = Scene(frames + 1, [Thing(walking(5.0), 14, seen=among(0))])
    assert exposed(scene, run(scene)) == []


@pytest.mark.parametrize("seen", [0, 30])
def test_a_thing_detected_once_is_followed_while_the_flow_is_reliable(seen: int) -> None:
    assert COVERAGE.follow * RATE > 30 > 2 * COVERAGE.after * RATE
    scene = Scene(31, [Thing(lambda index: (50 + 4.0 * index, 90.0), 14, 48, seen=among(seen))])
    assert exposed(scene, run(scene)) == []


@pytest.mark.parametrize("seen", [0, 40])
def test_a_box_that_no_longer_matches_its_template_is_not_followed_far(seen: int) -> None:
    """The flow may be reliable on the background behind a thing that has gone."""
    thing = Thing(lambda _: (160.0, 90.0), 14, seen=among(seen))

    def hide(index: int, picture: Canvas) -> Canvas:
        if abs(index - seen) >= 4:
            picture[60:120, 130:190] = texture(5, 60, 60)
        return picture

    scene = Scene(41, [thing], finish=hide)
    regions = track_views([scene.view(i) for i in range(41)], flow=StaticFlow()).regions
    hidden = [index for index in range(41) if regions[index]]
    held = max(COVERAGE.after, COVERAGE.before) * RATE
    assert held - 1 <= len(hidden) <= held + 2


def test_a_thing_behind_an_occluder_is_hidden_before_and_after() -> None:
    def pillar(index: int, picture: Canvas) -> Canvas:
        picture[:, 120:165] = texture(77, GREY.height, 45)
        return picture

    def free(index: int) -> bool:
        left = walking()(index)[0] - 16
        return not 120 - 16 < left < 165 - 16

    def detected(index: int) -> bool:
        left = walking()(index)[0] - 16
        return not 120 - 34 < left < 165 + 2

    scene = Scene(60, [Thing(walking(), 15, seen=detected, shown=free)], finish=pillar)
    assert not all(free(i) for i in range(60))
    assert exposed(scene, run(scene)) == []


def test_a_whip_pan_loses_nobody() -> None:
    def camera(index: int) -> float:
        return float(np.interp(index, [10, 18], [0, 160]))

    def smear(index: int, picture: Canvas) -> Canvas:
        length = 14 if 10 <= index < 18 else 1
        return np.asarray(sum(np.roll(picture, i - length // 2, 1) for i in range(length)) / length)

    thing = Thing(lambda _: (250.0, 90.0), 16, seen=outside(range(9, 19)))
    scene = Scene(30, [thing], camera=camera, finish=smear)
    result = run(scene)
    assert result.cuts == []
    assert exposed(scene, result) == []


def test_a_camera_that_shakes_loses_nobody() -> None:
    thing = Thing(lambda _: (160.0, 90.0), 17, seen=lambda index: index % 6 == 0)
    scene = Scene(30, [thing], camera=lambda index: 20 + 12 * np.sin(index * 1.3))
    assert exposed(scene, run(scene)) == []


def test_a_thing_is_hidden_while_it_enters_and_leaves() -> None:
    def across(index: int) -> tuple[float, float]:
        return -30 + 8 * index, 80

    def whole(index: int) -> bool:
        return 20 <= across(index)[0] <= GREY.width - 20

    scene = Scene(50, [Thing(across, 18, seen=whole)])
    result = run(scene)
    assert exposed(scene, result) == []


def test_what_has_left_is_not_hidden_for_ever() -> None:
    leaving = Thing(lambda index: (160 + 12 * index, 80.0), 18, seen=lambda index: index < 14)
    scene = Scene(90, [leaving])
    assert run(scene).regions[-1] == []


def crossing(seen: Callable[[int], bool] = lambda _: True) -> Scene:
    right = Thing(lambda index: (60 + 5.0 * index, 86), 19, shown=outside(range(17, 23)), seen=seen)
    left = Thing(lambda index: (260 - 5.0 * index, 94), 20)
    return Scene(40, [right, left])


@pytest.mark.parametrize("hidden_by_the_other", [range(0), range(17, 23), range(14, 26)])
def test_things_that_cross_keep_their_own_coverage(hidden_by_the_other: range) -> None:
    scene = crossing(outside(hidden_by_the_other))
    result = run(scene)
    assert exposed(scene, result, 0) == []
    assert exposed(scene, result, 1) == []


def test_a_flash_ends_nothing() -> None:
    def flash(index: int, picture: Canvas) -> Canvas:
        return picture * 0.05 + 240 if index in (12, 13, 24) else picture

    thing = Thing(walking(), 21, seen=outside({12, 13, 24}))
    scene = Scene(36, [thing], finish=flash)
    result = run(scene)
    assert result.cuts == []
    assert exposed(scene, result) == []


def test_a_white_frame_ends_nothing() -> None:
    def flash(index: int, picture: Canvas) -> Canvas:
        return np.full_like(picture, 255) if index in (12, 13) else picture

    thing = Thing(walking(), 21, seen=outside(range(11, 15)))
    scene = Scene(30, [thing], finish=flash)
    result = run(scene)
    assert result.cuts == []
    assert exposed(scene, result) == []


def test_a_cross_fade_hides_both_sides() -> None:
    old = Scene(40, [Thing(walking(), 22)], seed=5)
    new = Scene(40, [Thing(walking(-2.0, 280), 23)], seed=6)

    def opacity(index: int) -> float:
        return float(np.interp(index, [14, 26], [0, 1]))

    def faded(index: int) -> View:
        one, other, share = old.view(index), new.view(index), opacity(index)
        grey = (one.grey * (1 - share) + other.grey * share).astype(np.uint8)
        found = [*one.detections] if share < 0.4 else []
        found += [*other.detections] if share > 0.6 else []
        return replace(one, grey=grey, detections=tuple(found))

    result = track_views([faded(index) for index in range(40)])
    assert [i for i in exposed(old, result) if opacity(i) <= 0.5] == []
    assert [i for i in exposed(new, result) if opacity(i) >= 0.5] == []


def shots() -> tuple[Scene, Scene]:
    old = Scene(20, [Thing(lambda _: (60.0, 60.0), 24, seen=among(10, 18))], seed=7)
    new = Scene(20, [Thing(lambda _: (250.0, 120.0), 25, seen=among(2, 12))], seed=8, first=20)
    return old, new


def test_everything_is_hidden_up_to_a_hard_cut_and_from_it_on() -> None:
    old, new = shots()
    result = run(old, new)
    assert result.cuts == [20]
    assert exposed(old, result) == []
    assert exposed(new, result) == []


def test_nothing_is_carried_over_a_hard_cut() -> None:
    old, new = shots()
    result = run(old, new)
    old_place, new_place = old.truth(0)[0], new.truth(0)[0]
    assert all(hidden_share(new_place, here) == 0 for here in result.regions[:20])
    assert all(hidden_share(old_place, here) == 0 for here in result.regions[20:])
    assert all(
        {s.frame < 20 for s in track.sightings} in ({True}, {False}) for track in result.tracks
    )


def test_a_thing_in_the_same_place_after_a_cut_is_another_track() -> None:
    old = Scene(12, [Thing(lambda _: (100.0, 90.0), 26)], seed=7)
    new = Scene(12, [Thing(lambda _: (100.0, 90.0), 27)], seed=8, first=12)
    assert len(run(old, new).tracks) == 2


def test_every_track_has_its_own_number_and_at_most_one_sighting_a_frame() -> None:
    random = np.random.default_rng(3)
    things = [
        Thing(
            (lambda x, y, v: lambda index: (x + v * index, y))(
                random.uniform(20, 300), random.uniform(30, 150), random.uniform(-4, 4)
            ),
            seed,
            24,
            seen=(lambda kept: lambda index: bool(kept[index]))(random.random(30) < 0.5),
        )
        for seed in range(30, 36)
    ]
    tracks = run(Scene(30, things)).tracks
    numbers = [track.id for track in tracks]
    assert len(set(numbers)) == len(numbers)
    assert all(t.sightings for t in tracks)  # Track itself refuses two in one frame


def test_two_trackers_are_independent() -> None:
    one = [Scene(20, [Thing(walking(), 40)], seed=2).view(i) for i in range(20)]
    other = [Scene(20, [Thing(walking(-3, 280), 41)], seed=3).view(i) for i in range(20)]
    first = PictureTracker(COVERAGE, 0.5, LucasKanadeFlow())
    second = PictureTracker(COVERAGE, 0.5, LucasKanadeFlow())
    for a, b in zip(one, other, strict=True):
        first.update(a)
        second.update(b)
    assert first.tracks() == track_views(one).tracks
    assert second.tracks() == track_views(other).tracks


def test_asking_for_tracks_changes_nothing() -> None:
    views = [Scene(20, [Thing(walking(), 42, seen=among(5, 12))]).view(i) for i in range(20)]
    asked = PictureTracker(COVERAGE, 0.5, LucasKanadeFlow())
    for view in views:
        asked.update(view)
        asked.tracks()
        asked.cuts()
    assert asked.tracks() == track_views(views).tracks


def tracks_of(found: Mapping[int, Sequence[Detection]], count: int) -> list[Track]:
    """Without any movement, at ten frames a second."""
    grey = texture(50, 36, 64).astype(np.uint8)
    tracker = PictureTracker(COVERAGE, 0.5, StaticFlow())
    for index in range(count):
        here = tuple(found.get(index, ()))
        tracker.update(View(index, Fraction(index, 10), Size(640, 360), grey, here))
    return tracker.tracks()


HERE = Box(100, 100, 140, 150)


def test_every_detection_becomes_a_sighting_weak_or_strong() -> None:
    random = np.random.default_rng(4)
    found = {
        index: [
            Detection(Kind.FACE, HERE.shifted(*random.uniform(-90, 90, 2)), float(score))
            for score in random.uniform(0.05, 1, 3)
        ]
        for index in range(12)
    }
    sightings = {(s.frame, s.box) for t in tracks_of(found, 12) for s in t.sightings if s.score}
    assert sightings == {(index, d.box) for index, here in found.items() for d in here}


def test_a_weak_detection_keeps_a_track_alive() -> None:
    scores = (0.9, 0.1, 0.2, 0.9)
    found = {i: [Detection(Kind.FACE, HERE, score)] for i, score in enumerate(scores)}
    (track,) = tracks_of(found, 4)
    assert [s.score for s in track.sightings] == [*scores]


def test_a_face_and_a_plate_in_one_place_are_two_tracks() -> None:
    both = [Detection(Kind.FACE, HERE, 0.9), Detection(Kind.PLATE, HERE, 0.9)]
    tracks = tracks_of({0: both, 1: both[::-1]}, 2)
    assert sorted((t.kind, len(t.sightings)) for t in tracks) == [("face", 2), ("plate", 2)]


def test_what_comes_back_after_long_is_another_track() -> None:
    found = {0: [Detection(Kind.FACE, HERE, 0.9)], 40: [Detection(Kind.FACE, HERE, 0.9)]}
    assert len(tracks_of(found, 41)) == 2


def test_each_of_two_things_keeps_its_own_track() -> None:
    there = HERE.shifted(200, 100)
    found = {i: [Detection(Kind.FACE, box, 0.9) for box in (HERE, there)] for i in range(8)}
    one, other = tracks_of(found, 8)
    assert {sighting.box for sighting in one.sightings} == {HERE}
    assert {sighting.box for sighting in other.sightings} == {there}


# all boxes at once

boxes = st.builds(Box.around, *[st.floats(-20, 120)] * 2, *[st.floats(0.5, 60)] * 2)


@given(st.lists(boxes, max_size=6), st.lists(boxes, max_size=6))
def test_no_pair_that_could_match_is_left_out(ones: list[Box], others: list[Box]) -> None:
    near = set(find_candidate_pairs(ones, others))
    for i, one in enumerate(ones):
        for j, other in enumerate(others):
            assert (i, j) in near or (one.iou(other) == 0 and proximity(one, other) == 0)


@given(st.lists(boxes, max_size=8), st.integers(0, 2**31))
def test_a_template_does_not_depend_on_the_other_boxes(some: list[Box], seed: int) -> None:
    grey = np.random.default_rng(seed).integers(0, 256, (36, 64)).astype(np.uint8)
    view = View(0, Fraction(0), Size(128, 72), grey, ())
    for box, together in zip(some, extract_templates(view, some), strict=True):
        (alone,) = extract_templates(view, [box])
        assert (together is None) == (alone is None)
        assert together is None or np.array_equal(together, alone)
        if together is not None:
            assert abs(together.mean()) < 1e-4
            assert together.std() < 1 + 1e-4


def test_a_box_outside_the_picture_has_no_template() -> None:
    view = View(0, Fraction(0), Size(128, 72), np.zeros((36, 64), np.uint8), ())
    out = [Box(-30, 0, -5, 20), Box(0, -30, 20, -5), Box(130, 0, 150, 20), Box(0, 80, 20, 90)]
    partly = [Box(-10, -10, 10, 10), Box(118, 62, 138, 82)]
    missing = [one is None for one in extract_templates(view, out + partly)]
    assert missing == [True] * 4 + [False] * 2
