"""An output beside its source: structure, pixels, second opinion, and what a find leads to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
import pytest

from redact.core.findings import Detection, Kind, Sighting, Track
from redact.core.frames import Frame, Grey, Rgb
from redact.core.geometry import Box, Size
from redact.core.interfaces import MovedBox, View
from redact.core.plan import Plan, Show, SourceId
from redact.core.recipe import recipe
from redact.errors import EngineError, VerificationError
from redact.track.tracker import PictureTracker
from redact.verify.compare import verify
from redact.verify.extend import extend_plan
from redact.verify.passes import EXAMINE_EVERY
from redact.verify.result import Checking, Leak, Spot, Verification
from redact.verify.second_opinion import SETTINGS, SecondOpinion
from tests.painted import PaintedPicture, painted
from tests.scripted import PaintedSource, StaticFlow, even_times

SIZE = Size(160, 120)
COUNT = 30
FACE = Box(40, 30, 80, 80)
ELSEWHERE = Box(100, 60, 130, 95)


@dataclass
class Pointing:
    """A detector that sees what it was told to, in the frames whose first row is so bright."""

    where: dict[int, float] = field(default_factory=dict)
    box: Box = ELSEWHERE
    fails: bool = False
    calls: int = 0

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        if self.fails:
            raise EngineError("the detector failed")
        return [self._one(picture, threshold) for picture in pictures]

    def _one(self, picture: Rgb, threshold: float) -> list[Detection]:
        height, width = picture.shape[:2]
        if (height, width) == (256, 256):  # an enlarged view: the spot is in its middle
            score = max(self.where.values(), default=0)
            found = [Detection(Kind.FACE, Box.around(128, 128, s, s), score) for s in (45, 75, 110)]
        else:
            self.calls += 1
            score = self.where.get(round(float(picture[0, 0, 0]) / 8), 0)
            scale = width / SIZE.width, height / SIZE.height
            found = [Detection(Kind.FACE, self.box.scaled(*scale), score)]
        return [d for d in found if d.score >= threshold]


@pytest.fixture(autouse=True)
def _small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, settings in SETTINGS.items():
        monkeypatch.setitem(SETTINGS, name, replace(settings, side=SIZE.width))


def numbered(index: int) -> PaintedPicture:
    """A picture whose first block tells the frame's index."""
    picture = painted(SIZE, "rgb", seed=index)
    picture.planes()[0].samples[:16, :16] = index * 8
    return picture


PICTURES = [numbered(index) for index in range(COUNT)]
TRACK = Track(1, Kind.FACE, tuple(Sighting(i, Fraction(i, 25), FACE, 0.9) for i in range(COUNT)))
PLAN = Plan(SourceId("sha256:painted", SIZE, COUNT), recipe(style="solid"), tracks=(TRACK,))


def rendered(plan: Plan, leave: Sequence[int] = ()) -> list[PaintedPicture]:
    from redact.hide.styles import STYLES

    cover, outputs = plan.cover(), []
    for index, picture in enumerate(PICTURES):
        copy, regions = picture.copy(), cover(index, Fraction(index, 25))
        if index not in leave:
            STYLES[plan.style](plan.recipe).hide(copy, regions)
        outputs.append(copy)
    return outputs


def check(
    output: list[PaintedPicture],
    one: Pointing | None = None,
    other: Pointing | None = None,
    *,
    plan: Plan | None = PLAN,
    times: list[Fraction] | None = None,
    checking: Checking = Checking(),  # noqa: B008
) -> Verification:
    fakes = {"mediapipe": one or Pointing(), "yunet": other or Pointing()}
    times = times or even_times(len(output))
    return verify(
        PaintedSource(even_times(COUNT), PICTURES),
        PaintedSource(times, output),
        plan,
        SecondOpinion({"centerface"}, fakes.__getitem__),
        checking,
        lambda *_: None,
    )


def test_a_faithful_output_passes() -> None:
    found = check(rendered(PLAN))
    assert found.passed
    assert found.frames == COUNT
    assert found.detectors == ("mediapipe", "yunet")
    usual = [i for i in range(COUNT) if i % (25 * EXAMINE_EVERY) == 0]
    assert found.examined == len({*usual, COUNT - 1})  # players go on showing the last one


@pytest.mark.parametrize("left", range(0, COUNT, 7))
def test_one_frame_in_which_a_region_was_not_drawn_is_a_fault(left: int) -> None:
    found = check(rendered(PLAN, leave=[left]))
    assert any(f"(frame {left})" in fault for fault in found.problems)


def test_missing_and_added_frames_are_faults() -> None:
    output = rendered(PLAN)
    assert "fewer frames" in check(output[:-1]).in_words()
    assert "more frames" in check([*output, output[-1]]).in_words()


def test_a_shifted_time_is_a_fault_and_a_constant_shift_is_none() -> None:
    times = even_times(COUNT)
    later = [time + 1 for time in times]
    assert check(rendered(PLAN), times=later).passed
    later[7] += Fraction(1, 100)
    assert "frame 7" in check(rendered(PLAN), times=later).in_words()


def test_another_size_is_refused() -> None:
    with pytest.raises(VerificationError, match="not 160x120"):
        check([painted(Size(80, 60), "rgb") for _ in range(COUNT)])


def test_damage_outside_is_a_fault() -> None:
    output = rendered(PLAN)
    output[4].planes()[0].samples[80:112, 112:144] = 0
    assert "changed at 0.16 s (frame 4)" in check(output).in_words()


def seen_in(frames: range | list[int], score: float = 0.9) -> Pointing:
    return Pointing(dict.fromkeys(frames, score))


def test_what_both_witnesses_see_is_one_leak() -> None:
    found = check(rendered(PLAN), seen_in(range(COUNT)), seen_in(range(COUNT)))
    (leak,) = found.leaks
    assert (leak.start, leak.end) == (0, Fraction(COUNT - 1, 25))  # the last one is examined, too
    assert leak.best.box.iou(ELSEWHERE) > 0.9
    assert not found.passed


def test_what_they_see_where_it_is_hidden_is_none() -> None:
    where = dict.fromkeys(range(COUNT), 0.9)
    assert check(rendered(PLAN), Pointing(where, FACE), Pointing(where, FACE)).passed


def test_a_single_frame_is_seen_if_every_frame_is_looked_at() -> None:
    one = [seen_in([13]), seen_in([13])]
    assert check(rendered(PLAN), *one).passed
    found = check(rendered(PLAN), *one, checking=Checking(every_frame=True))
    assert [spot.frame for leak in found.leaks for spot in leak.spots] == [13]
    assert found.examined == COUNT


def test_a_suspicion_counts_only_if_strict() -> None:
    weak = [seen_in([]), seen_in([12], 0.7)]
    weak[1].where[99] = 0.7
    assert check(rendered(PLAN), *weak).passed
    found = check(rendered(PLAN), *weak, checking=Checking(strict=True))
    assert [leak.best.why for leak in found.leaks] == ["suspected"]


def test_a_track_that_a_person_shows_is_no_leak() -> None:
    plan = replace(PLAN, edits=(Show(1),))
    where = dict.fromkeys(range(COUNT), 0.9)
    assert check(rendered(plan), Pointing(where, FACE), Pointing(where, FACE), plan=plan).passed
    bare = replace(PLAN, tracks=())
    assert not check(rendered(bare), Pointing(where, FACE), Pointing(where, FACE), plan=bare).passed


@pytest.mark.parametrize(("kind", "silent"), [(Kind.PERSON, True), (Kind.SCREEN, False)])
def test_who_shows_a_thing_shows_no_other_kind_on_it(kind: Kind, silent: bool) -> None:
    """Nobody decided on a face on a screen; on that of a person who is shown, somebody did."""
    around = tuple(replace(s, box=FACE.grown(0.5)) for s in TRACK.sightings)
    shown = Track(9, kind, around)
    plan = replace(PLAN, tracks=(shown,), edits=(Show(9),))
    where = dict.fromkeys(range(COUNT), 0.9)
    found = check(rendered(plan), Pointing(where, FACE), Pointing(where, FACE), plan=plan)
    assert found.passed is silent


def test_without_a_plan_what_differs_counts_as_hidden() -> None:
    where = dict.fromkeys(range(COUNT), 0.9)
    assert check(rendered(PLAN), Pointing(where, FACE), Pointing(where, FACE), plan=None).passed
    found = check(PICTURES, Pointing(where, FACE), Pointing(where, FACE), plan=None)
    assert len(found.leaks) == 1


def test_nobody_is_asked_for_faces_where_only_plates_are_hidden() -> None:
    def load(name: str) -> Pointing:
        raise AssertionError(name)

    source, output = (PaintedSource(even_times(COUNT), p) for p in (PICTURES, rendered(PLAN)))
    found = verify(
        source, output, PLAN, SecondOpinion({"plates"}, load), Checking(), lambda *_: None
    )
    assert found.passed
    assert (found.examined, found.detectors) == (0, ())


def test_a_witness_that_fails_ends_the_check() -> None:
    with pytest.raises(EngineError, match="the detector failed"):
        check(rendered(PLAN), Pointing(), Pointing(fails=True))


def spot(index: int, box: Box = ELSEWHERE) -> Spot:
    return Spot(index, Fraction(index, 25), box, (("yunet", 0.9),))


def see(frame: Frame) -> View:
    size = frame.picture.turn.upright_size(frame.picture.stored_size)
    grey = np.asarray(frame.picture.rgb(size)[..., 1], np.uint8)
    return View(frame.index, frame.time, size, grey, ())


def extend(plan: Plan, *spots: Spot) -> Plan:
    source = PaintedSource(even_times(COUNT), [PICTURES[0]] * COUNT)
    tracker = PictureTracker(plan.recipe.coverage, plan.recipe.high_threshold, StaticFlow())
    said: list[str] = []
    progress: Callable[[str, int, int | None], None] = lambda stage, *_: said.append(stage)  # noqa: E731
    plan = extend_plan(plan, [Leak(spots)], source, see, tracker, progress)
    assert set(said) == {"follow"}
    return plan


def test_a_leak_is_hidden_before_and_after_it_was_seen() -> None:
    plan = extend(PLAN, spot(10), spot(15))
    assert [track.id for track in plan.tracks] == [1, 2]
    cover = plan.cover()
    hidden = [
        any(region.box.contains(ELSEWHERE) for region in cover(index, Fraction(index, 25)))
        for index in range(COUNT)
    ]
    assert all(hidden[0:25])  # 0.4 s before the first spot, and after the last


class Astray(StaticFlow):
    """Follows nothing: everything stays where it was, and the picture gives no hold."""

    def move_boxes(self, before: Grey, after: Grey, boxes: Sequence[Box]) -> list[MovedBox]:
        followed = super().move_boxes(before, after, boxes)
        return [replace(one, reliable=False) for one in followed]


@pytest.mark.parametrize(("nth", "reach"), [(1, 10), (2, 40), (3, 160)])
def test_what_is_found_again_is_held_for_longer_each_time(nth: int, reach: int) -> None:
    count, at = 400, 200
    longer = PLAN.recipe.coverage.with_longer_holds(nth)
    tracker = PictureTracker(longer, PLAN.recipe.high_threshold, Astray())
    source = PaintedSource(even_times(count), [PICTURES[0]] * count)
    plan = extend_plan(PLAN, [Leak((spot(at),))], source, see, tracker, lambda *_: None)
    cover = plan.cover()
    hidden = [
        index
        for index in range(count)
        if any(region.box.contains(ELSEWHERE) for region in cover(index, Fraction(index, 25)))
    ]
    assert hidden == list(range(at - reach, at + reach + 1))


def test_an_uncertain_track_that_a_leak_lies_on_is_hidden_as_a_whole() -> None:
    doubtful = replace(TRACK, id=5, uncertain=True)
    plan = extend(replace(PLAN, tracks=(doubtful,)), spot(20, FACE.grown(-0.05)))
    assert [track.uncertain for track in plan.tracks if track.id == 5] == [False]
    other = extend(replace(PLAN, tracks=(doubtful,)), spot(20, ELSEWHERE))
    assert [track.uncertain for track in other.tracks if track.id == 5] == [True]
