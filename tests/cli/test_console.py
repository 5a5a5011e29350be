"""What people see while they wait."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from redact_cli import console, time_left
from redact_cli.console import Bars, Lines
from redact_cli.time_left import Pace, Total, clock, remaining

A, B = Path("a.mp4"), Path("[b]\n.mp4")


def terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=120, markup=False, emoji=False)


def shown(screen: Console) -> str:
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def test_bars_show_frames_speed_time_left_and_all_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_left, "_MOMENT", 0.0)
    screen = terminal()
    with Bars(screen, Total({A: 100, B: 100}, 0.0)) as bars:
        bars.tell(A, "analyse", 50, 100)
        bars.tell(B, "render", 5, None)
        bars._bars.refresh()
        bars.end(A, worked=True)
        bars.say("a.mp4 is done [x]")
        bars._bars.refresh()
    said = shown(screen)
    for word in ("a.mp4", "analyse 50/100 frames", "fps", "left", "render 5 frames", r"[b]\n.mp4"):
        assert word in said
    for word in ("0/2 files", "1/2 files", "a.mp4 is done [x]"):
        assert word in said


def test_nothing_that_is_said_commands_a_terminal() -> None:
    """A file, or a process that it took over, may have chosen the words."""
    spoken = "\x1b]52;c;ZXZpbA==\x07 is what\nb.mp4\u202e says"
    for display in (Bars, Lines):
        screen = terminal()
        with display(screen, Total({A: 100}, 0.0)) as made:
            made.say(spoken)
            made.tell(A, "\x1b[8m", 50, 100)
            if isinstance(made, Bars):
                made._bars.refresh()
        said = shown(screen)
        assert r"\x1b]52;c;ZXZpbA==\x07 is what" in said
        assert r"b.mp4\u202e says" in said
        for command in ("\x1b]52", "\x07", "\x1b[8m", "\u202e"):
            assert command not in said


def test_one_file_has_no_bar_for_all() -> None:
    screen = terminal()
    with Bars(screen, Total({A: 100}, 0.0)) as bars:
        bars.tell(A, "analyse", 50, 100)
        bars._bars.refresh()
    assert "all files" not in shown(screen)


def test_lines_come_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(console, "monotonic", lambda: now[0])
    screen = Console(file=io.StringIO(), width=40)
    with Lines(screen, Total({A: 100, B: 300}, 0.0)) as lines:
        for second in range(1, 25):
            now[0] = float(second)
            lines.tell(A, "analyse", second * 10, 1000)
    assert shown(screen).splitlines() == [
        "a.mp4: analyse 100/1000 frames, 11.1 fps, 2:51 left; all: 0/2 files, 13:10 left",
        "a.mp4: analyse 200/1000 frames, 10.5 fps, 2:51 left; all: 0/2 files, 13:00 left",
    ]


def test_stages_add_up_to_the_whole_file() -> None:
    pace = Pace(0.0)
    fractions = []
    for at, stage in enumerate(("analyse", "render", "verify")):
        for done in (0, 50, 100):
            pace.update(stage, done, 100, float(at * 100 + done))
            fractions.append(pace.fraction)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_a_stage_has_its_own_speed() -> None:
    pace = Pace(0.0)
    pace.update("analyse", 100, 100, 10.0)
    assert pace.rate == pytest.approx(10)
    pace.update("render", 0, 100, 10.0)
    pace.update("render", 40, 100, 11.0)
    assert pace.rate == pytest.approx(40)


def test_what_an_earlier_run_did_says_nothing_about_the_speed() -> None:
    pace = Pace(0.0)
    pace.update("resume", 1, 100, 0.1)
    pace.update("resume", 40, 100, 2.0)
    assert not pace.goes_on
    pace.update("analyse", 51, 100, 2.0)
    assert (pace.goes_on, pace.spared) == (True, 50)
    pace.update("analyse", 61, 100, 7.0)
    assert not pace.goes_on
    assert pace.rate == pytest.approx(11 / 5)
    assert pace.left(7.0) == pytest.approx(5 * (1 - 0.305) / 0.05)
    pace.update("render", 10, 100, 8.0)
    assert pace.spared == 0


def test_a_file_that_is_done_at_once_has_no_time_left() -> None:
    pace = Pace(0.0)
    pace.update("resume", 3, 3, 1.0)
    pace.update("verify", 3, 3, 1.0)
    assert pace.left(2.0) is None


@pytest.mark.parametrize("kind", [Lines, Bars])
def test_from_where_an_interrupted_file_goes_on_is_said(kind: type[Lines] | type[Bars]) -> None:
    screen = terminal()
    with kind(screen, Total({A: 1}, 0.0)) as display:
        for stage, done in (("resume", 1), ("resume", 8), ("analyse", 9), ("analyse", 10)):
            display.tell(A, stage, done, 20)
    assert shown(screen).count("a.mp4: goes on where an earlier run ended: analyse, frame 9") == 1


def test_an_unknown_stage_or_length_says_nothing() -> None:
    pace = Pace(0.0)
    pace.update("polish", 5, None, 1.0)
    assert pace.fraction == 0
    assert pace.left(1.0) is None


def test_resumed_files_say_nothing_about_the_speed() -> None:
    total = Total({A: 100, B: 300}, 0.0)
    total.end(A, worked=False)
    assert (total.ended, total.fraction) == (1, 0.0)
    total.tell(B, "render", 0, 10, 6.0)
    assert total.left(6.0) == pytest.approx(6.0)
    total.end(B, worked=True)
    assert total.fraction == 1.0


def test_nothing_left_is_all_done() -> None:
    total = Total({A: 1}, 0.0)
    total.end(A, worked=False)
    assert total.fraction == 1.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-:--"), (0, "0:00"), (8.4, "0:08"), (750, "12:30"), (3723, "1:02:03")],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert clock(seconds) == text


def test_no_time_left_is_made_up_from_the_first_moment() -> None:
    pace = Pace(began=10.0)
    pace.update("analyse", 1, 9, 10.05)  # the detectors were being loaded before
    assert pace.left(10.05) is None
    pace.update("analyse", 3, 9, 12.0)
    assert pace.left(12.0) == pytest.approx(10.0)


def test_time_left() -> None:
    assert remaining(0.25, 10) == pytest.approx(30)
    assert remaining(0.0, 10) is None


# Rounds


def play(pace: Pace, *told: tuple[str, int, int, float]) -> None:
    for stage, done, expected, now in told:
        pace.update(stage, done, expected, now)


FIRST = (
    ("analyse", 100, 100, 50.0),
    ("render", 0, 100, 50.0),
    ("render", 100, 100, 80.0),
    ("verify", 100, 100, 80.0),
    ("verify", 50, 100, 90.0),
    ("verify", 100, 100, 100.0),
)


@pytest.mark.parametrize("follows", [True, False])
def test_another_round_is_expected_to_take_as_long_as_the_last(follows: bool) -> None:
    pace = Pace(0.0)
    play(pace, *FIRST)
    assert pace.left(100.0) == 0
    if follows:
        play(pace, ("follow", 50, 100, 102.0))
    play(pace, ("again", 2, 3, 102.0))
    assert (pace.rounds, pace.finds) == (2, 2)
    assert pace.left(102.0) == pytest.approx(52, abs=1)
    play(pace, ("render", 0, 100, 102.0), ("render", 100, 100, 132.0))
    assert pace.finds is None
    assert pace.left(132.0) == pytest.approx(20, abs=2)
    play(pace, ("verify", 100, 100, 152.0), ("again", 1, 3, 152.0))
    assert pace.rounds == 3
    assert pace.left(152.0) == pytest.approx(50, abs=1)


@pytest.mark.parametrize("kind", [Lines, Bars])
def test_another_round_is_told(kind: type[Lines] | type[Bars]) -> None:
    screen = terminal()
    with kind(screen, Total({A: 1}, 0.0)) as display:
        for stage, done, expected, _ in FIRST:
            display.tell(A, stage, done, expected)
        display.tell(A, "again", 2, 3)
        if isinstance(display, Bars):
            display._bars.refresh()
        display.tell(A, "render", 1, 100)
        if isinstance(display, Bars):
            display._bars.refresh()
    line = "a.mp4: the check found 2 things, rendering again, round 2 of at most 4"
    assert shown(screen).count(line) == 1
    assert kind is Lines or "render (round 2) 1/100 frames" in shown(screen)


def test_a_file_that_is_rendered_is_not_done_before_its_frames_are_compared() -> None:
    pace = Pace(0.0)
    play(pace, ("analyse", 100, 100, 50.0), ("render", 100, 100, 80.0), ("verify", 100, 100, 80.0))
    assert pace.left(80.0) == pytest.approx(20)
    play(pace, ("verify", 50, 100, 90.0))
    assert pace.left(90.0) == pytest.approx(10)
    play(pace, ("verify", 100, 100, 100.0))
    assert pace.left(100.0) == 0
