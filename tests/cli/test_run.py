from __future__ import annotations

import json
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from redact import api, doctor
from redact.core.extent import Extent
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box
from redact.core.plan import Plan, load
from redact.errors import RecipeError
from redact.jobs import batch, sandbox
from redact.jobs.worker_process import SHOW_CHATTER
from redact.verify.result import Checking, Verification
from redact_cli import exit_codes
from redact_cli.app import main
from tests.cli import fake_redact


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_redact.install(monkeypatch.setattr)
    for owner in (sandbox, batch):
        monkeypatch.setattr(owner, "sandboxed_worker", fake_redact.worker_here)
    monkeypatch.setattr("redact_cli.app.unwind_on_signals", lambda: None)
    monkeypatch.chdir(tmp_path)


def write(name: str, order: str = "redact") -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(order, encoding="utf-8")


def redact(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def here() -> set[str]:
    return {path.as_posix() for path in Path().rglob("*") if path.is_file()}


def test_a_file_is_redacted_beside_itself(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.jpg")
    assert redact("run", "a.jpg") == 0
    assert here() == {"a.jpg", "a.redacted.jpg", "a.redact.json"}
    said = capsys.readouterr()
    assert "a.jpg -> a.redacted.jpg: 3 frames, " in said.err
    assert "  hidden: 1 track of faces, 1 track of number plates\n" in said.err
    assert not said.out


def test_the_tree_is_kept() -> None:
    write("in/b/a.jpg")
    write("in/c.mp4")
    assert redact("run", "in", "-o", "out") == 0
    assert {"out/b/a.redacted.jpg", "out/c.redacted.mp4", "out/c.redact.json"} <= here()


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ("break", 5),
        ("change", 7),
        ("fail", 10),
        ("unlink", 11),
        ("differ", 12),
        ("stumble", exit_codes.UNFORESEEN),
        ("forbid", exit_codes.SOME_FAILED),
    ],
)
def test_a_failure_has_its_code_its_reason_and_no_output(
    order: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    write("a.jpg", order)
    assert redact("run", "a.jpg") == code
    assert here() == {"a.jpg"}
    said = capsys.readouterr().err
    assert "NOT REDACTED a.jpg: " in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("name", "code"), [("absent.mp4", 4), ("notes.txt", 5), ("empty.mp4", 5), ("-a.mp4", 4)]
)
def test_an_input_that_cannot_be_used(
    name: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    write("notes.txt")
    Path("empty.mp4").touch()
    before = here()
    assert redact("run", "--", name) == code
    assert name in capsys.readouterr().err
    assert here() == before


@pytest.mark.parametrize("command", ["run", "analyse", "verify", "prove"])
def test_an_address_is_told_as_one(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    there = "https://example.org/clip.mp4?x=1"
    assert redact(command, there, *["a.mp4"] * (command == "verify")) == 4
    said = capsys.readouterr().err
    assert f"{there}: this is an address" in said
    assert "download it first" in said


def test_an_output_that_would_be_the_input_or_of_no_kind(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write("a.mp4")
    assert redact("run", "a.mp4", "-o", "a.mp4") == exit_codes.USAGE
    assert (
        "a.mp4: its result would be written over it; give the result another"
        in capsys.readouterr().err
    )
    assert redact("run", "a.mp4", "-o", "out.xyz") == exit_codes.USAGE
    assert "out.xyz: redact writes no .xyz files; end the name" in capsys.readouterr().err
    assert here() == {"a.mp4"}
    assert redact("run", "a.mp4", "-o", "out.xyz/") == 0
    assert {"out.xyz/a.redacted.mp4"} < here()


def test_an_output_that_exists() -> None:
    write("a.jpg")
    write("a.redacted.jpg", "mine")
    assert redact("run", "a.jpg") == 8
    assert Path("a.redacted.jpg").read_text() == "mine"
    assert redact("run", "--force", "a.jpg") == 0


def test_nothing_to_do_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    write("in/notes.txt")
    assert redact("run", "in") == 4
    assert "notes.txt" in capsys.readouterr().err


def test_some_of_many_failed(capsys: pytest.CaptureFixture[str]) -> None:
    write("in/a.jpg")
    write("in/b.jpg", "break")
    write("in/notes.txt")
    assert redact("run", "in", "absent.jpg") == exit_codes.SOME_FAILED
    assert {"in/a.redacted.jpg"} == {name for name in here() if ".redacted." in name}
    last = capsys.readouterr().err.splitlines()[-4:]
    assert last[0].startswith("NOT REDACTED absent.jpg: ")
    assert last[1] == "NOT REDACTED in/b.jpg: damaged"
    assert "2 failed" in last[3]
    assert "1 redacted" in last[3]
    assert "in/notes.txt" in last[3]


def test_json_is_one_object_per_file(capsys: pytest.CaptureFixture[str]) -> None:
    write("in/a.jpg")
    write("in/b.jpg", "fail")
    assert redact("run", "in", "absent.jpg", "--json") == exit_codes.SOME_FAILED
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    by_name: dict[str, dict[str, Any]] = {item["source"]: item for item in objects}
    assert set(by_name) == {"in/a.jpg", "in/b.jpg", "absent.jpg"}
    good = by_name["in/a.jpg"]
    assert good.pop("seconds") >= 0
    assert good == {
        "source": "in/a.jpg",
        "output": "in/a.redacted.jpg",
        "plan": "in/a.redact.json",
        "status": "redacted",
        "frames": 3,
        "copied": 0,
        "spans": 0,
        "spans_checked": 0,
        "spans_rendered": 0,
        "faces": 1,
        "plates": 1,
        "tracks": 2,
        "uncertain": 0,
        "shown": None,
        "uncertain_plates": 0,
        "uncertain_at": [],
        "sound": False,
        "drawn": 0,
        "hidden": Extent().as_object(),
        "notes": [],
        "verification": Verification(3, 2, ("mediapipe", "yunet")).as_object(),
        "error": None,
    }
    assert by_name["in/b.jpg"]["error"] == {
        "kind": "EngineError",
        "message": "the detector failed; try another",
    }
    assert by_name["in/b.jpg"]["output"] is None
    assert by_name["absent.jpg"]["output"] is None


def test_the_reasons_come_before_the_count(capsys: pytest.CaptureFixture[str]) -> None:
    for name, order in {"a.jpg": "redact", "b.jpg": "fail", "c.jpg": "stumble"}.items():
        write(f"in/{name}", order)
    assert redact("run", "in") == exit_codes.SOME_FAILED
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("1 redacted, 2 failed in 0:0")
    begins = ["NOT REDACTED in/b.jpg", "NOT REDACTED in/c.jpg", "what was unforeseen", "Watch it"]
    assert all(line.startswith(begin) for line, begin in zip(lines[-5:-1], begins, strict=True)), (
        lines
    )


NOTE = [{"kind": "oddity", "count": 2, "text": "strange"}]
"""What the fake job says of a file whose second word is `strange`."""


def test_notes_are_in_the_summary_and_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    write("in/a.jpg", "redact strange")
    assert redact("run", "in/a.jpg", "--json") == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["notes"] == NOTE
    assert "in/a.jpg: strange" in said.err.splitlines()
    assert redact("run", "in/a.jpg", "--force", "--quiet") == 0
    assert capsys.readouterr().err == ""


def test_notes_are_told_by_render(capsys: pytest.CaptureFixture[str]) -> None:
    write("in/a.jpg", "redact strange")
    assert redact("analyse", "in/a.jpg") == 0
    capsys.readouterr()
    assert redact("render", "in/a.jpg", "--plan", "in/a.redact.json") == 0
    assert "in/a.jpg: strange" in capsys.readouterr().err.splitlines()
    again = ["render", "in/a.jpg", "--plan", "in/a.redact.json", "--force", "--json"]
    assert redact(*again) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == NOTE


@pytest.mark.parametrize("style", ["gaussian", "mosaic"])
def test_a_style_that_can_be_reversed_is_said(
    style: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("a.jpg")
    said = f"the style {style} CAN BE REVERSED"
    assert redact("run", "a.jpg", "--style", style, "--json") == 0
    shown = capsys.readouterr()
    assert said in shown.err
    assert [note["kind"] for note in json.loads(shown.out)["notes"]] == ["reversible_style"]
    assert redact("run", "a.jpg", "--style", style, "--resume") == 0
    assert said in capsys.readouterr().err
    assert redact("render", "a.jpg", "--force") == 0
    assert said in capsys.readouterr().err
    passed = Verification(3, 2, ("mediapipe", "yunet"))
    monkeypatch.setattr(api, "verify_file", lambda *_, **__: passed)
    assert redact("verify", "a.jpg", "a.redacted.jpg", "--json") == 0
    shown = capsys.readouterr()
    assert "nothing left" in shown.err
    assert said in shown.err
    assert [note["kind"] for note in json.loads(shown.out)["notes"]] == ["reversible_style"]
    Path("a.redact.json").unlink()
    assert redact("analyse", "a.jpg", "--style", style) == 0
    assert said in capsys.readouterr().err


def test_of_a_style_that_cannot_be_reversed_nothing_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write("a.jpg")
    assert redact("run", "a.jpg", "--json") == 0
    shown = capsys.readouterr()
    assert "REVERSED" not in shown.err
    assert json.loads(shown.out)["notes"] == []


def test_quiet_tells_errors_only(capsys: pytest.CaptureFixture[str]) -> None:
    write("in/a.jpg")
    assert redact("run", "in/a.jpg", "--quiet") == 0
    assert capsys.readouterr() == ("", "")
    write("in/b.jpg", "fail")
    redact("run", "in/b.jpg", "--quiet")
    assert capsys.readouterr().err == ("NOT REDACTED in/b.jpg: the detector failed; try another\n")


def test_media_that_a_folder_run_cannot_read_count_and_are_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write("folder/a.jpg")
    write("folder/b.dng")
    assert redact("run", "folder", "--quiet", "--json") == 1
    told = capsys.readouterr()
    assert "NOT REDACTED folder/b.dng: a camera's raw file cannot be read" in told.err
    assert "--skip-unsupported" in told.err
    statuses = {Path(o["source"]).name: o["status"] for o in map(json.loads, told.out.splitlines())}
    assert statuses == {"a.jpg": "redacted", "b.dng": "failed"}
    assert redact("run", "folder", "--quiet", "--force", "--skip-unsupported") == 0
    assert capsys.readouterr().err == ""


def test_a_batch_goes_on_where_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    write("in/a.jpg")
    assert redact("run", "in") == 0
    write("in/b.jpg")
    assert redact("run", "in", "--resume", "--json") == 0
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {item["source"]: item["status"] for item in objects} == {
        "in/a.jpg": "resumed",
        "in/b.jpg": "redacted",
    }


def test_names_play_no_tricks(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["[bold red]x[/]\n\x1b[31m.jpg", ":smile: [b].jpg", os.fsdecode(b"\xff.jpg")]
    for name in names:
        write(name)
    assert redact("run", "--json", "--", *names) == 0
    said = capsys.readouterr()
    assert {json.loads(line)["source"] for line in said.out.splitlines()} == set(names)
    assert r"[bold red]x[/]\n\x1b[31m.jpg -> " in said.err
    assert ":smile: [b].jpg -> " in said.err
    assert r"\udcff.jpg -> " in said.err


def test_an_interruption(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    write("a.jpg")
    monkeypatch.setattr(fake_redact, "obey", interrupted)
    assert redact("run", "a.jpg") == exit_codes.INTERRUPTED
    assert "interrupted" in capsys.readouterr().err
    assert here() == {"a.jpg"}


@pytest.mark.parametrize("command", [["run"], ["analyse"], ["render", "--plan", "a.redact.json"]])
def test_missing_system_libraries_are_named(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("a.jpg")
    monkeypatch.setattr(doctor, "missing_libraries", lambda: "install libgl1")
    assert redact(*command, "a.jpg") == 11
    assert capsys.readouterr().err == "redact: install libgl1\n"
    assert here() == {"a.jpg"}


# A plan, then a result


def test_analyse_then_render() -> None:
    write("a.jpg")
    assert redact("analyse", "a.jpg", "--style", "solid", "--color", "ff0000") == 0
    assert here() == {"a.jpg", "a.redact.json"}
    assert redact("render", "a.jpg", "--plan", "a.redact.json", "-o", "b.jpg") == 0
    plan = load(Path("a.redact.json"))
    assert (plan.recipe.style, plan.recipe.colour) == ("solid", "#ff0000")
    assert plan.result is not None
    assert "b.jpg" in here()


def test_a_plan_that_the_check_changed_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Track(7, Kind.FACE, (Sighting(0, Fraction(0), Box(0, 0, 2, 2), 0.9),))
    asked: list[Checking | None] = []

    def render(
        source: Path, output: Path, plan: Plan, *, checking: Checking | None, **_: object
    ) -> api.Outcome:
        asked.append(checking)
        done = fake_redact.render_file(source, output, plan)
        return replace(done, plan=replace(done.plan, tracks=(*plan.tracks[:2], seen)))

    write("a.jpg")
    redact("analyse", "a.jpg")
    monkeypatch.setattr(api, "render_file", render)
    assert redact("render", "a.jpg", "--plan", "a.redact.json", "--strict") == 0
    assert "is hidden by track 7;" in capsys.readouterr().err
    assert 7 in {track.id for track in load(Path("a.redact.json")).tracks}
    assert redact("render", "a.jpg", "--plan", "a.redact.json", "--no-verify", "-o", "b.jpg") == 0
    assert asked == [Checking(strict=True), None]
    capsys.readouterr()
    assert redact("render", "a.jpg", "--plan", "a.redact.json", "-o", "c.jpg", "--json") == 0
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert (told["source"], told["output"], told["added"]) == ("a.jpg", "c.jpg", [])
    assert told["frames"] == load(Path("a.redact.json")).source.frames
    assert "frames" not in said.err
    assert redact("render", "a.jpg", "--plan", "a.redact.json", "--no-verify", "--strict") == 2


def test_a_plan_is_not_replaced_unasked() -> None:
    write("a.jpg")
    write("mine.json", "mine")
    assert redact("analyse", "a.jpg", "-p", "mine.json") == 8
    assert Path("mine.json").read_text() == "mine"
    assert redact("analyse", "a.jpg", "-p", "mine.json", "--force") == 0


def test_a_plan_of_another_file(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.jpg")
    write("b.jpg", "redact another")
    redact("analyse", "a.jpg")
    assert redact("render", "b.jpg", "--plan", "a.redact.json") == 3
    assert "b.jpg" in capsys.readouterr().err
    assert "b.redacted.jpg" not in here()


def test_a_plan_that_is_none() -> None:
    write("a.jpg")
    write("a.redact.json", "{}")
    assert redact("render", "a.jpg", "--plan", "a.redact.json") == 3
    assert redact("render", "a.jpg", "--plan", "absent.json") == 3


# Endings


def test_what_is_unforeseen_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble() -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(doctor, "missing_libraries", stumble)
    assert redact("run", "a.jpg") == exit_codes.UNFORESEEN
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "please report" in said
    assert redact("--debug", "run", "a.jpg") == exit_codes.UNFORESEEN
    assert "Traceback" in capsys.readouterr().err


def test_debug_lets_worker_processes_speak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ) | {SHOW_CHATTER: ""})
    write("a.jpg")
    assert redact("run", "a.jpg") == 0
    assert not os.environ[SHOW_CHATTER]
    assert redact("run", "a.jpg", "--force", "--debug") == 0
    assert os.environ[SHOW_CHATTER]


def test_debug_shows_where_a_file_failed(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.jpg", "stumble")
    redact("run", "a.jpg")
    assert "Traceback" not in capsys.readouterr().err
    redact("--debug", "run", "a.jpg")
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (PermissionError(13, "Permission denied", "a\nb"), 1, r"redact: a\nb: Permission denied"),
        (ImportError("libGL.so.1"), 11, "redact: a library cannot be loaded: libGL.so.1"),
        (RecipeError("no such thing"), 2, "redact: no such thing"),
    ],
)
def test_what_ends_a_command_is_one_line(
    error: Exception,
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(doctor, "missing_libraries", fail)
    assert redact("run", "a.jpg") == code
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(said)


@pytest.mark.parametrize(
    "options",
    [
        ["--profile", "careless"],
        ["--color", "ff0000"],
        ["--style", "solid", "--color", "red"],
        ["--detector", "yunet"],
        ["--detector", "eyes:640:0.3"],
        ["--detector", "yunet:640:2"],
        ["--encoder", "vhs"],
        ["--pad", "5000"],
    ],
)
def test_choices_that_do_not_exist(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    write("a.jpg")
    assert redact("run", *options, "a.jpg") == exit_codes.USAGE
    assert "Traceback" not in capsys.readouterr().err
    assert here() == {"a.jpg"}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("--style blurr", "'--style': 'blurr' is not one of 'blur', 'solid', 'pixelate', 'cover',"),
        ("--audio loud", "'--audio': 'loud' is not one of 'keep', 'drop', 'disguise'."),
        ("--pad wide", "'--pad': 'wide' should be a valid number"),
        ("--quality best", "'--quality': 'best' should be a valid integer"),
        ("--before -1", "'--before': '-1' should be greater than or equal to 0"),
    ],
)
def test_a_value_that_does_not_fit_is_told_without_a_librarys_words(
    said: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write("a.jpg")
    assert redact("run", "a.jpg", *said.split()) == exit_codes.USAGE
    shown = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert words in shown
    for foreign in ("Value error", "Input should", "unable to parse"):
        assert foreign not in shown


def test_an_action_that_does_not_exist_is_told_so_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert redact("edit", "a.redact.json", "change") == exit_codes.USAGE
    assert "Value error" not in capsys.readouterr().err


def test_results_that_collide() -> None:
    write("one/a.jpg")
    write("two/a.jpg")
    assert redact("run", "one", "two", "-o", "out") == exit_codes.USAGE
    assert not Path("out").exists()
