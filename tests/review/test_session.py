"""Every act is in the plan file at once, and nobody's work is overwritten."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from redact.core.edits.values import HideBox, HidePath, Show, Span, Split
from redact.core.geometry import Box, Size
from redact.core.history import add, signature
from redact.core.names import default_output
from redact.core.plan import Plan, Result, dumps, load, save
from redact.errors import PlanError, RedactError
from redact.review.media_worker import MediaWorker
from redact.review.rendering import Rendered
from redact.review.session import ChangedOnDiskError, Session, StaleError, with_times
from redact.review.work import Review
from tests.review.material import FRAMES, RATE, make_plan, track_of

TIMES = [Fraction(i, RATE) for i in range(FRAMES)]
RESULT = Result("sha256:" + "1" * 64)


@pytest.fixture
def session(clip: Path) -> Session:
    path = make_plan(clip, [track_of(1, "red", range(100)), track_of(2, "blue", range(50))])
    made = Session(clip, path)
    made.times = TIMES
    return made


def test_each_act_is_on_disk_at_once_and_can_be_undone(session: Session) -> None:
    before = load(session.path)
    session.act(0, [{"edit": "show", "track": 1}, {"edit": "show", "track": 2}], "Ada")
    plan = load(session.path)
    assert [type(edit) for edit in plan.edits] == [Show, Show]
    assert {edit.by for edit in plan.edits} == {"Ada"}
    assert all(edit.at.endswith("Z") for edit in plan.edits)
    assert plan == session.plan
    session.undo(1)
    assert load(session.path).edits == before.edits
    session.redo(2)
    assert load(session.path).edits == plan.edits


def test_an_act_makes_no_text_of_tracks_that_is_there_already(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With thousands of tracks that takes a second."""
    monkeypatch.setattr("redact.review.session.dump_tracks", lambda _: pytest.fail("made anew"))
    session.act(0, [{"edit": "show", "track": 1}], "")
    session.prepare()
    session.undo(1)
    assert load(session.path) == session.plan
    session.reload()
    session.redo(3)
    assert load(session.path) == session.plan


def test_nobody_decides_under_the_name_of_who_reviewed_before(session: Session) -> None:
    session.act(0, [{"edit": "show", "track": 1}], "Ada")
    assert session.by == "Ada"  # a page that is loaded again goes on with it
    assert Session(session.source, session.path).by == ""


def test_frames_become_exact_times(session: Session) -> None:
    path = {"edit": "hide", "keys": [[3, 1, 2, 30, 40], [50, 5, 5, 40, 50]], "from": 2, "to": 60}
    session.act(0, [path, {"edit": "split", "track": 1, "frame": 50}], "")
    drawn, split = session.plan.edits
    assert isinstance(drawn, HidePath)
    assert (drawn.start, drawn.end) == (Fraction(2, RATE), Fraction(60, RATE))
    assert [key.time for key in drawn.keys] == [Fraction(3, RATE), Fraction(2)]
    assert isinstance(split, Split)
    assert (split.time, split.new) == (Fraction(2), 3)


@pytest.mark.parametrize(
    "edit",
    [
        {"edit": "show", "track": 9},
        {"edit": "hide", "box": [1, 2, 3, 4], "from": FRAMES, "to": None},
        {"edit": "hide", "box": [1, 2, 3, 4], "from": -1},
        {"edit": "hide", "box": [1, 2, 3, 4], "from": True},
        {"edit": "hide", "box": [1, 2, 3, 4], "from": "1"},
        {"edit": "hide", "keys": [[1e9, 1, 2, 3, 4]]},
        {"edit": "hide", "keys": [[]]},
        {"edit": "hide", "box": [1, 2, 3, float("nan")]},
        {"edit": "burn", "track": 1},
        "show",
        None,
        [],
    ],
)
def test_what_does_not_fit_changes_nothing(session: Session, edit: object) -> None:
    before = session.path.read_bytes()
    with pytest.raises(PlanError):
        session.act(0, [{"edit": "show", "track": 1}, edit], "")
    assert session.path.read_bytes() == before
    assert session.revision == 0


def test_an_act_for_another_state_is_refused(session: Session) -> None:
    session.act(0, [{"edit": "show", "track": 1}], "")
    for act in (session.undo, session.redo):
        with pytest.raises(StaleError):
            act(0)
    with pytest.raises(StaleError):
        session.act(0, [{"edit": "show", "track": 2}], "")


def test_a_plan_that_was_changed_meanwhile_is_not_overwritten(session: Session) -> None:
    theirs = add(load(session.path), Show(2))
    save(theirs, session.path)
    assert session.changed_on_disk()
    with pytest.raises(ChangedOnDiskError):
        session.act(0, [{"edit": "show", "track": 1}], "")
    assert load(session.path) == theirs
    session.reload()
    assert session.plan == theirs
    session.act(session.revision, [{"edit": "show", "track": 1}], "")
    assert [edit.track for edit in load(session.path).edits] == [2, 1]  # type: ignore[union-attr]


def test_a_plan_that_is_gone_or_of_another_source_is_not_taken(session: Session) -> None:
    text = session.path.read_text("utf-8")
    session.path.write_text(text.replace("sha256:", "sha256:0"), "utf-8")
    with pytest.raises(RedactError):
        session.reload()
    session.path.write_text(text, "utf-8")
    session.reload()
    session.act(1, [{"edit": "show", "track": 1}], "")
    session.path.unlink()
    with pytest.raises(ChangedOnDiskError):
        session.undo(2)
    assert not session.path.exists()


def test_two_reviews_of_one_plan(session: Session, clip: Path) -> None:
    session.lock()
    other = Session(clip, session.path)
    with pytest.raises(PlanError, match="another review"):
        other.lock()
    session.close()
    other.lock()
    other.close()
    assert not list(clip.parent.glob(".*"))


def test_signing_is_for_the_plan_as_it_is(session: Session) -> None:
    session.sign(0, "Ada", session.source)
    assert session.state == "signed"
    assert signature(load(session.path)) is not None
    session.act(1, [{"edit": "hide", "box": [1, 2, 30, 40]}], "Ada")
    assert session.state == "in work"
    assert isinstance(load(session.path).edits[-1], HideBox)
    with pytest.raises(PlanError, match="signs"):
        session.sign(2, "", session.source)


KILLED = """
import os, random, signal, sys, time
from fractions import Fraction
from pathlib import Path
from redact.core.plan import load
from redact.review.media_worker import MediaWorker
from redact.review.session import Session

source, path = Path(sys.argv[1]), Path(sys.argv[2])
chance = random.Random(5)
for _ in range(20):
    before = len(load(path).edits)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        session = Session(source, path)
        session.lock()
        session.times = [Fraction(i, 25) for i in range(100)]
        while True:
            n = session.revision
            session.act(n, [{"edit": "hide", "box": [n % 200, 5, n % 200 + 20, 50]}], "Ada")
            os.write(writing, b".")
    os.close(writing)
    done = len(os.read(reading, 1))
    time.sleep(chance.uniform(0, 0.05))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while told := os.read(reading, 4096):
        done += len(told)
    os.close(reading)
    print(done, len(load(path).edits) - before)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_acts_survive_a_kill_at_any_moment(session: Session, clip: Path) -> None:
    """Whatever was said to be done is in the plan; the plan is whole; the next one may work."""
    command = [sys.executable, "-c", KILLED, str(clip), str(session.path)]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert said.returncode == 0, said.stderr
    counts = [tuple(map(int, line.split())) for line in said.stdout.splitlines()]
    assert len(counts) == 20
    assert sum(told for told, _ in counts) > 40
    assert all(kept in (told, told + 1) for told, kept in counts)  # one may not have been told


def test_other_values_are_left_alone() -> None:
    assert with_times(3, TIMES) == 3
    assert with_times({"edit": "show", "from": None}, TIMES) == {"edit": "show"}
    assert with_times({"keys": 3}, TIMES) == {"keys": 3}


@pytest.mark.parametrize(
    "watched", [None, {}, [None], [[1]], [[2, 1]], [[0, FRAMES]], [[-1, 3]], [[0, True]],
                [[0, 1]] * 2000],
)  # fmt: skip
def test_what_was_not_watched_is_not_signed(session: Session, watched: object) -> None:
    with pytest.raises(PlanError):
        session.sign(0, "Ada", session.source, watched)
    assert session.state == "to do"


def test_watched_spans_are_signed(session: Session) -> None:
    session.sign(0, "Ada", session.source, [[0, 10], [20, 20]])
    signed = signature(load(session.path))
    assert signed is not None
    assert signed.watched == (Span(TIMES[0], TIMES[10]), Span(TIMES[20], TIMES[20]))


def test_a_result_that_is_gone_or_another_one_is_not_signed(session: Session) -> None:
    session.take_rendered(session.plan, replace(session.plan, result=RESULT))
    output = session.path.with_name("result.mp4")
    for content in (None, b"something else"):
        if content is not None:
            output.write_bytes(content)
        with pytest.raises(PlanError):
            session.sign(session.revision, "Ada", output)
        assert session.state == "rendered"
        assert load(session.path) == session.plan


def test_what_is_decided_until_a_rendering_ends_is_kept(session: Session) -> None:
    before = session.plan
    session.act(0, [{"edit": "hide", "box": [1, 2, 30, 40]}], "Ada")
    with pytest.raises(StaleError):
        session.take_rendered(before, replace(before, result=RESULT))
    assert len(load(session.path).edits) == 1
    session.take_rendered(session.plan, replace(session.plan, result=RESULT))
    assert load(session.path).result == RESULT


def test_a_result_that_lacks_what_was_decided_meanwhile_does_not_stay(
    clip: Path, media: MediaWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_plan(clip, [track_of(1, "red", range(100))])

    def render(_: Path, output: Path, plan: Plan, *__: object, **___: object) -> Rendered:
        session.act(session.revision, [{"edit": "hide", "box": [1, 2, 30, 40]}], "Ada")
        output.write_bytes(b"somebody shows")
        return Rendered(output, dumps(replace(plan, tracks=(), result=RESULT)), None, None)

    monkeypatch.setattr("redact.review.work.render", render)
    with closing(Review([(clip, path)], media=media, likeness=False)) as review:
        session = review.session(0)
        job = review.start_rendering(0)
        until = time.monotonic() + 20
        while job.running and time.monotonic() < until:
            time.sleep(0.01)
    assert job.outcome == "failed"
    assert "edited meanwhile" in job.message
    assert not default_output(clip).exists()
    assert len(load(path).edits) == 1


def test_zones_are_copied_to_files_of_the_same_size(clip: Path, media: MediaWorker) -> None:
    files = []
    for number in range(3):
        source = Path(shutil.copy(clip, clip.with_name(f"{number}.mp4")))
        files.append((source, make_plan(source, [track_of(1, "red", range(9))])))
    wide = load(files[2][1])
    save(replace(wide, source=replace(wide.source, size=Size(640, 360))), files[2][1])
    review = Review(files, media=media, likeness=False)
    try:
        with pytest.raises(PlanError, match="no zone"):
            review.copy_zones(0, "Ada")
        first = review.session(0)
        first.times = TIMES
        first.act(0, [{"edit": "hide", "box": [1, 2, 30, 40], "outline": "ellipse"}], "Ada")
        first.act(1, [{"edit": "hide", "box": [5, 2, 30, 40], "from": 3, "to": 9}], "Ada")
        assert review.copy_zones(0, "Ada") == [1]
        assert review.copy_zones(0, "Ada") == []  # they are there
        (zone,) = load(files[1][1]).edits
        assert isinstance(zone, HideBox)
        assert (zone.box, zone.outline, zone.by) == (Box(1, 2, 30, 40), "ellipse", "Ada")
        assert load(files[2][1]).edits == ()
    finally:
        review.close()
