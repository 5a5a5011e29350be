"""Passes of the check that others ran: the verdict is the one without them, whatever they sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redact.core.findings import Detection, Kind
from redact.core.frames import Frame, Picture, Rgb
from redact.core.geometry import Box, Size
from redact.core.kinds import kind_of_detector
from redact.core.plan import Plan, SourceId
from redact.core.recipe import recipe
from redact.core.storage import write_private
from redact.detect.draft_spans import SharedDraft, SpansOfDraft, find_draft, share_draft
from redact.detect.sealed import seal
from redact.detect.spans import Plausible, Span, SpanRecorder, encode_span
from redact.errors import EngineError
from redact.spans import LEAD_IN, run_check_passes
from redact.verify.compare import Depths, verify
from redact.verify.other_scale import SCALES
from redact.verify.passes import EXAMINE_EVERY
from redact.verify.result import Checking, Verification
from redact.verify.second_opinion import SETTINGS, SecondOpinion, check_passes
from tests.detect.test_spans import MISCHIEF, change_detections, put
from tests.painted import flat, painted
from tests.scripted import PaintedSource, even_times

SIZE = Size(48, 32)
KEY = "d" * 64
USED = frozenset({"centerface", "people"})
RATE = 10


@pytest.fixture(autouse=True)
def _small_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, chosen in SETTINGS.items():
        monkeypatch.setitem(SETTINGS, name, replace(chosen, side=40 + len(name)))
    monkeypatch.setitem(SCALES, Kind.PERSON, replace(SCALES[Kind.PERSON], side=41))
    monkeypatch.setattr("redact.verify.second_opinion.GLANCE", 42)


class Peculiar:
    """Finds something else in every picture, now and then with a high score."""

    def __init__(self, name: str) -> None:
        self._kind = kind_of_detector(name)

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        found = (self._detect(picture) for picture in pictures)
        return [[d for d in ds if d.score >= threshold] for ds in found]

    def _detect(self, picture: Rgb) -> list[Detection]:
        height, width = picture.shape[:2]
        if height == width:  # an enlarged view: the spot is in its middle
            side = float(max(height, 1)) / 2
            sides = [side * share for share in (0.5, 0.7, 1.0)]
            score = 0.55 + float(picture[0, 0, 0]) / 600
            return [Detection(self._kind, Box.around(side, side, s, s), score) for s in sides]
        seen = crc32(picture.tobytes())
        left, top = float(seen % 23), float(seen // 23 % 11)
        box = Box(left, top, left + 9.5, top + 11)
        return [Detection(self._kind, box, 0.3 + seen % 997 / 1500)] if seen % 4 == 0 else []


class Counting(SecondOpinion):
    """Notes down which passes run."""

    def __init__(self, ran: list[int]) -> None:
        super().__init__(USED, Peculiar)
        self._ran = ran

    def _run(self, index: int, picture: Picture) -> list[Detection]:
        self._ran.append(index)
        return super()._run(index, picture)


def film(seed: int, count: int = 30, standing: int = 0) -> PaintedSource:
    """Pictures that differ, the last few not."""
    pictures = [painted(SIZE, "rgb", seed=seed + min(n, count - standing)) for n in range(count)]
    return PaintedSource(even_times(count, RATE), pictures)


def ignore(stage: str, done: int, expected: int | None) -> None:
    """Nobody wants to know."""


def plan_of(source: PaintedSource) -> Plan:
    return Plan(SourceId("sha256:painted", SIZE, len(source.times)), recipe(style="solid"))


def search(draft: PaintedSource, number: int, every: bool = False, seconds: int = 1) -> Span:
    """What a worker finds in one span of a draft."""
    first, *rest = draft.frames()
    start = first.time + number * seconds
    frames = [f for f in rest if start - LEAD_IN <= f.time < start + seconds]
    recorder = SpanRecorder(start)
    opinion = SecondOpinion(USED, Peculiar)
    run_check_passes([first, *frames], opinion, Depths(every), recorder, ignore)
    return recorder.span(KEY, number)


def check(
    draft: PaintedSource,
    folder: Path | None,
    ran: list[int] | None = None,
    checking: Checking = Checking(),  # noqa: B008 - frozen
) -> tuple[Verification, int]:
    """The verdict on a draft that shows all, and in how many spans others spared passes."""
    source = PaintedSource(draft.times, draft.pictures)
    cache = None
    if folder is not None:
        cache = SpansOfDraft(folder, KEY, Plausible(len(check_passes(USED)), SIZE), 1)
    opinion = Counting([] if ran is None else ran)
    said = verify(source, draft, plan_of(draft), opinion, checking, ignore, cache=cache)
    return said, cache.used if cache else 0


WRONG = MISCHIEF | {
    "another accelerator": change_detections(lambda d: replace(d, box=d.box.shifted(1, 0))),
}


@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 1 << 20),
    st.sampled_from([0, 12]),
    st.booleans(),
    st.dictionaries(st.integers(0, 4), st.sampled_from(sorted(WRONG)), max_size=5),
)
def test_the_verdict_is_that_of_one_machine(
    seed: int, standing: int, every: bool, sent: dict[int, str]
) -> None:
    draft, checking = film(seed, standing=standing), Checking(every_frame=every)
    alone, _ = check(draft, None, checking=checking)
    assert alone.leaks
    with TemporaryDirectory() as place:
        for number, what in sent.items():
            made = WRONG[what](search(draft, number, every))
            key = KEY if made.key.startswith("d") else made.key
            put(Path(place), number, encode_span(replace(made, key=key)))
        divided, _ = check(draft, Path(place), checking=checking)
    assert divided == alone


def test_what_others_found_is_not_searched_again(tmp_path: Path) -> None:
    draft, alone, divided = film(3), list[int](), list[int]()
    whole, _ = check(draft, None, alone)
    for number in (1, 2):
        put(tmp_path, number, encode_span(search(draft, number)))
    found, used = check(draft, tmp_path, divided)
    assert (found, used) == (whole, 2)
    first, tried = len(alone) / 3, 2 * 2 * len(check_passes(USED))
    assert len(divided) <= first + tried < len(alone)


@pytest.mark.parametrize("what", ["another accelerator", "of other passes", "of something else"])
def test_a_span_that_fails_its_trial_is_of_no_use(tmp_path: Path, what: str) -> None:
    draft = film(5)
    whole, _ = check(draft, None)
    put(tmp_path, 1, encode_span(WRONG[what](search(draft, 1))))
    assert check(draft, tmp_path)[0] == whole


def test_spans_of_another_round_are_of_no_use(tmp_path: Path) -> None:
    """A draft that was rendered again has other pictures, under whatever key."""
    draft, ran = film(7), list[int]()
    before = film(1007)
    for number in range(3):
        put(tmp_path, number, encode_span(search(before, number)))
    assert check(draft, tmp_path, ran)[1] == 0
    alone: list[int] = []
    check(draft, None, alone)
    assert sorted(ran) == sorted(alone)


def test_a_detector_that_fails_ends_the_check_and_nobody_waits(tmp_path: Path) -> None:
    """Also where a result of the frame that fails is on trial."""
    draft = film(9)
    put(tmp_path, 0, encode_span(search(draft, 0)))
    bad = draft.pictures[0].rgb(SIZE.fitted(40 + len("mediapipe"))).tobytes()

    class Failing(Peculiar):
        def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
            if any(picture.tobytes() == bad for picture in pictures):
                raise EngineError("the detector failed")
            return super().detect(pictures, threshold)

    cache = SpansOfDraft(tmp_path, KEY, Plausible(4, SIZE), 1)
    source = PaintedSource(draft.times, draft.pictures)
    with pytest.raises(EngineError, match="the detector failed"):
        verify(source, draft, plan_of(draft), SecondOpinion(USED, Failing),
               Checking(every_frame=True), ignore, cache=cache)  # fmt: skip


# how thoroughly frames are examined


def depths_at(rate: Fraction, seconds: int = 6) -> list[tuple[Fraction, str | None]]:
    still = painted(SIZE, "rgb", seed=1)
    depths = Depths(every=False)
    times = [n / rate for n in range(int(seconds * rate))]
    return [(time, depths.due(Frame(0, time, still))) for time in times]


def test_at_25_frames_a_second_every_third_is_examined_in_turn() -> None:
    found = [depth for _, depth in depths_at(Fraction(25))]
    turn = ["both", None, None, "glance", None, None, "quick", None, None, "glance", None, None]
    assert found == (turn * 13)[: len(found)]


@pytest.mark.parametrize(
    "rate", [Fraction(5), Fraction(7), Fraction(15), Fraction(24), Fraction(30000, 1001),
             Fraction(30), Fraction(50), Fraction(60), Fraction(120), Fraction(1)]
)  # fmt: skip
def test_no_half_second_is_left_out_by_either_detector(rate: Fraction) -> None:
    found = depths_at(rate)
    frame = 1 / rate
    for wanted, most in ((("both",), 4), (("both", "quick"), 2), (("both", "quick", "glance"), 1)):
        times = [time for time, depth in found if depth in wanted]
        gaps = [later - time for time, later in pairwise(times)]
        assert max(gaps) <= most * EXAMINE_EVERY + frame
    assert len([d for _, d in found if d]) <= min(len(found), 6 / EXAMINE_EVERY + 1)


def test_frames_between_are_examined_if_the_picture_is_new() -> None:
    depths = Depths(every=False)
    shown = [flat(SIZE, (level, level, level)) for level in (10, 200, 200)]
    found = [depths.due(Frame(n, Fraction(n, 25), picture)) for n, picture in enumerate(shown)]
    assert found == ["both", "both", None]


def test_every_frame_is_examined_where_that_is_asked_for() -> None:
    depths = Depths(every=True)
    assert depths.due(Frame(1, Fraction(1, 1000), painted(SIZE, "rgb"))) == "both"


# which draft that is


def made_private(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    return folder


def test_a_draft_is_found_by_who_sees_the_folder(tmp_path: Path) -> None:
    folder = made_private(tmp_path / ".cache")
    assert find_draft(folder) is None
    draft = tmp_path / ".long.mp4.0123abcd.77.0a1b2c3d.part" / "draft.mp4"
    token = share_draft(folder, draft)
    assert find_draft(folder) == (draft, token)
    assert share_draft(folder, draft) != token


@pytest.mark.parametrize(("folder", "name"), [("films", "a.mp4"), (".a.part", "../../secret"),
                                              ("../.a.part", "a"), (".a.part/..", "b"),
                                              (".a.part", ""), (".a.part", ".."),
                                              (".a.part", "draft.mp4/../a.mp4")])  # fmt: skip
def test_what_is_no_draft_beside_the_output_is_not_opened(
    tmp_path: Path, folder: str, name: str
) -> None:
    """A process that the source has taken over writes that file."""
    cache = made_private(tmp_path / ".cache")
    write_private(cache / "draft.json", seal(SharedDraft(folder, name, "0" * 32)))
    assert find_draft(cache) is None


def test_a_folder_that_others_may_write_in_names_no_draft(tmp_path: Path) -> None:
    folder = made_private(tmp_path / ".cache")
    share_draft(folder, tmp_path / ".a.part" / "draft.mp4")
    folder.chmod(0o777)
    assert find_draft(folder) is None


def test_the_passes_of_a_check_are_those_of_what_was_looked_for() -> None:
    assert [one.detector for one in check_passes(USED)] == ["mediapipe", "yunet", "yunet", "people"]
    assert check_passes({"plates"}) == ()
