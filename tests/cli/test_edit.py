"""`redact edit`, and what is hidden by hand in every file of a run."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from redact import api
from redact.core import storage
from redact.core.edits.values import HideBox, Show, Split, Trim
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box, Size
from redact.core.history import add
from redact.core.plan import Plan, SourceId, load, save
from redact.core.recipe import recipe
from redact.jobs import batch, sandbox
from redact_cli.app import main
from tests.cli import fake_redact

PLAN = "clip.redact.json"
SHOW = '{"edit": "show", "track": 1}'
ZONE = '{"edit": "hide", "box": [1, 2, 9, 8], "name": "sign"}'


def seen(number: int) -> Track:
    face = (Sighting(f, Fraction(f, 25), Box(1, 1, 9, 9), 0.9) for f in range(5))
    return Track(number, Kind.FACE, tuple(face))


@pytest.fixture(autouse=True)
def _plan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_redact.install(monkeypatch.setattr)
    for owner in (sandbox, batch):
        monkeypatch.setattr(owner, "sandboxed_worker", fake_redact.worker_here)
    monkeypatch.setattr("redact_cli.app.unwind_on_signals", lambda: None)
    monkeypatch.chdir(tmp_path)
    source = SourceId("sha256:1", Size(64, 48), 5, Fraction(0), Fraction(4, 25))
    save(Plan(source, recipe("fast"), tracks=(seen(1), seen(2))), PLAN)


def redact(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def kinds() -> list[str]:
    return [edit.edit for edit in load(PLAN).edits]


def test_edits_are_added_listed_undone_and_done_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert redact("edit", PLAN, "add", SHOW, "--by", "Ana", "--reason", "spokesman") == 0
    (edit,) = load(PLAN).edits
    assert isinstance(edit, Show)
    assert (edit.track, edit.by, edit.reason, edit.at[-1]) == (1, "Ana", "spokesman", "Z")
    assert redact("edit", PLAN, "add", ZONE) == 0
    capsys.readouterr()
    assert redact("edit", PLAN) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("1: track 1 is shown (Ana, 20")
    assert first.endswith(": spokesman")
    assert second.startswith("2: the region sign at 1, 2, 9, 8 is hidden (20")
    assert redact("edit", PLAN, "undo") == 0
    assert kinds() == ["show"]
    assert redact("edit", PLAN, "list") == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("undone: the region sign")
    assert redact("edit", PLAN, "redo") == 0
    assert kinds() == ["show", "hide"]


def test_several_edits_are_one_act() -> None:
    assert redact("edit", PLAN, "add", SHOW, ZONE) == 0
    assert redact("edit", PLAN, "undo") == 0
    assert kinds() == []


def test_edits_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"[{SHOW}, {ZONE}]"))
    assert redact("edit", PLAN, "add", "-") == 0
    assert kinds() == ["show", "hide"]


def test_new_parts_get_the_next_free_numbers() -> None:
    parts = (
        '{"edit": "split", "track": 1, "time": 0.1}',
        '{"edit": "trim", "track": 2, "end": 0.1}',
    )
    assert redact("edit", PLAN, "add", *parts) == 0
    one, other = load(PLAN).edits
    assert isinstance(one, Split)
    assert isinstance(other, Trim)
    assert (one.new, other.new) == (3, 4)


@pytest.mark.parametrize("new", ['"x"', "null", "[1]"])
def test_a_number_that_is_none_is_said(new: str, capsys: pytest.CaptureFixture[str]) -> None:
    edit = f'{{"edit": "split", "track": 1, "time": "1/25", "new": {new}}}'
    assert redact("edit", PLAN, "add", edit) == 3
    assert "new" in capsys.readouterr().err
    assert kinds() == []


def test_json_is_what_a_plan_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert redact("edit", PLAN, "add", SHOW, "--json", "--by", "Ana") == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (told["action"], told["edits"][0]["by"]) == ("add", "Ana")
    assert redact("edit", PLAN, "undo", "--json") == 0
    capsys.readouterr()
    assert redact("edit", PLAN, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["edits"] == []
    assert told["undone"][0]["track"] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["add"], 2, "there is no edit to add"),
        (["add", '{"edit": "show", "track": 7}'], 3, "edit 1: it shows track 7"),
        (["add", '{"edit": "blur"}'], 3, '"edit" must be show, hide'),
        (["add", "show 1"], 3, "this is no edit"),
        (["add", '{"edit": "show", "track": 1, "track": 2}'], 3, "a key stands twice"),
        (["undo"], 3, "there is no edit to undo"),
        (["redo"], 3, "nothing was undone"),
        (["undo", SHOW], 2, "`undo` takes nothing more"),
        (["forget"], 2, "forget"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Path(PLAN).read_bytes()
    assert redact("edit", PLAN, *arguments) == code
    assert said in capsys.readouterr().err
    assert Path(PLAN).read_bytes() == before


def test_a_video_in_place_of_its_plan_leads_to_it(capsys: pytest.CaptureFixture[str]) -> None:
    Path("b.mp4").write_text("redact b.mp4")
    for action in ([], ["add", SHOW], ["undo"]):
        assert redact("edit", "b.mp4", *action) == 3
        said = capsys.readouterr().err
        assert "b.mp4: this is a video or a picture, and no plan; write one with `redact a" in said
    assert redact("run", "b.mp4") == 0
    for name in ("b.mp4", "b.redacted.mp4"):
        assert redact("edit", name) == 3
        assert "its plan lies beside it: redact edit b.redact.json" in capsys.readouterr().err
    Path("clip.mp4").write_text("another than the plan is of")
    assert redact("edit", "clip.mp4") == 3
    assert "beside it" not in capsys.readouterr().err
    assert redact("edit", "absent.mp4") == 4


def test_a_plan_that_is_missing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert redact("edit", "absent.json") == 3
    assert "there is no plan file" in capsys.readouterr().err


# Zones on `run` and `analyse`

FAKE = Box(0.0, 0.0, 2.0, 1.0)  # of pictures of 4x4 pixels


@pytest.mark.parametrize("command", ["run", "analyse"])
def test_zones_are_hidden_in_every_file(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.jpg").write_text("redact")
    Path("camera.txt").write_text("# gate\n50%,50%,50%,50%@0-9\n")
    assert redact(command, "a.jpg", "--zone", "0,0,2,25%", "--zones", "camera.txt") == 0
    edits = load("a.redact.json").edits
    assert edits == (
        HideBox(FAKE, reason="--zone 0,0,2,25%"),
        HideBox(Box(2, 2, 4, 4), Fraction(0), Fraction(9), reason="--zone 50%,50%,50%,50%@0-9"),
    )
    assert "2 regions drawn by hand" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--zone", "1,2,3"], 2, "a zone is written X,Y,WIDTH,HEIGHT"),
        (["--zones", "absent.txt"], 4, "the file of zones cannot be read"),
        (["--zones", "bad.txt"], 2, "bad.txt: line 2: a zone is written"),
    ],
)
def test_zones_that_are_none_are_refused_before_any_work(
    options: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.jpg").write_text("redact")
    Path("bad.txt").write_text("1,1,1,1\nx\n")
    assert redact("run", "a.jpg", *options) == code
    assert said in capsys.readouterr().err
    assert not Path("a.redacted.jpg").exists()


def test_a_finished_file_is_done_again_with_other_zones() -> None:
    Path("a.jpg").write_text("redact")
    assert redact("run", "a.jpg", "--zone", "0,0,2,2") == 0
    written = Path("a.redacted.jpg").stat().st_mtime_ns
    assert redact("run", "a.jpg", "--resume", "--zone", "0,0,2,2") == 0
    assert Path("a.redacted.jpg").stat().st_mtime_ns == written
    assert redact("run", "a.jpg", "--resume", "--zone", "0,0,3,3") == 8  # not made so
    assert redact("run", "a.jpg", "--resume") == 8
    assert redact("run", "a.jpg", "--resume", "--force", "--zone", "0,0,3,3") == 0
    (edit,) = load("a.redact.json").edits
    assert isinstance(edit, HideBox)
    assert edit.box == Box(0, 0, 3, 3)


def test_a_plan_with_zones_alone_is_no_work_of_a_persons() -> None:
    Path("a.jpg").write_text("redact")
    assert redact("run", "a.jpg", "--zone", "0,0,2,2") == 0
    Path("a.redacted.jpg").unlink()
    assert redact("run", "a.jpg", "--zone", "0,0,2,2") == 0
    Path("a.redacted.jpg").unlink()
    assert redact("edit", "a.redact.json", "add", SHOW) == 0
    assert redact("run", "a.jpg", "--zone", "0,0,2,2") == 8


ADD = """
import sys
from redact_cli.app import main
main(["edit", sys.argv[1], "add", sys.argv[2]])
"""


def test_no_edit_is_lost_where_several_are_added_at_once() -> None:
    """Each said that it is done; one of them may hide somebody."""
    zones = [f'{{"edit": "hide", "box": [{n}, 2, 60, 8]}}' for n in range(6)]
    added = [subprocess.Popen([sys.executable, "-c", ADD, PLAN, zone]) for zone in zones]
    assert [one.wait(60) for one in added] == [0] * 6
    lefts = {edit.box.left for edit in load(PLAN).edits if isinstance(edit, HideBox)}
    assert lefts == set(range(6))
    assert [path.name for path in Path().iterdir()] == [PLAN]


def test_a_plan_that_another_process_writes_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_PATIENCE", 0.1)
    before = load(PLAN)
    with storage.writing_alone(Path(PLAN)):
        assert redact("edit", PLAN, "add", SHOW) != 0
    assert load(PLAN) == before
    assert redact("edit", PLAN, "add", SHOW) == 0


def test_what_is_edited_while_a_plan_is_rendered_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.jpg").write_text("redact", encoding="utf-8")
    plan = fake_redact.analyse_file(Path("a.jpg"))
    save(plan, PLAN)

    def rendering(*given: Any, **named: Any) -> api.Outcome:
        save(add(load(PLAN), HideBox(Box(0, 0, 2, 2))), PLAN)
        return fake_redact.render_file(*given, **named)

    monkeypatch.setattr(api, "render_file", rendering)
    assert redact("render", "a.jpg", "--plan", PLAN) != 0
    assert not Path("a.redacted.jpg").exists()
    assert kinds() == ["hide"]
    monkeypatch.setattr(api, "render_file", fake_redact.render_file)
    assert redact("render", "a.jpg", "--plan", PLAN) == 0
