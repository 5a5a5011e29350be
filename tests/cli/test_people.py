"""`--only` and `--except`: what they refuse, what they tell, and that nothing of them is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_run import _fakes, here, redact, write  # noqa: F401

PHOTO = "anna-7Q.jpg"


@pytest.mark.parametrize("option", ["--only", "--except"])
def test_the_choice_is_told_and_nothing_of_the_photograph_is_kept(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write("a.mp4")
    write(PHOTO)
    arguments = ("run", "a.mp4", option, PHOTO, option, PHOTO, "--json", "-v", "--log", "log")
    assert redact(*arguments) == 0
    said = capsys.readouterr()
    whom = "only" if option == "--only" else "everybody but"
    assert f"hides {whom} the people of 2 photographs" in said.err
    assert "uncertain tracks are hidden" in said.err
    assert json.loads(said.out)["shown"] == 1
    assert PHOTO.partition(".")[0] not in said.out + said.err
    for name in here() - {PHOTO}:
        assert b"anna-7Q" not in Path(name).read_bytes()
    plan = json.loads(Path("a.redact.json").read_text("utf-8"))
    assert [edit["track"] for edit in plan["edits"]] == [1]
    assert option in plan["edits"][0]["reason"]


def test_the_summary_says_who_is_visible(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.mp4")
    assert redact("run", "a.mp4", "--except", PHOTO) == 0
    assert "VISIBLE by choice: 1 track of faces, while it is clear" in capsys.readouterr().err
    assert redact("run", "a.mp4", "--force") == 0
    assert "by choice" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--only", PHOTO, "--except", PHOTO), "--only and --except contradict each other"),
        (("--only", PHOTO, "--uncertain", "list"), "--only hides what is uncertain"),
        (("--except", PHOTO, "--resume"), "nothing of photographs is kept"),
    ],
)
def test_choices_that_contradict_are_refused(
    arguments: tuple[str, ...], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write("a.mp4")
    assert redact("run", "a.mp4", *arguments) == 2
    assert why in capsys.readouterr().err
    assert here() == {"a.mp4"}


def test_a_result_that_photographs_made_is_not_done_for_a_run_without_them() -> None:
    """Somebody shows in it; and a run that hides everybody must not leave it alone."""
    write("a.mp4")
    assert redact("run", "a.mp4", "--except", PHOTO) == 0
    assert redact("run", "a.mp4", "--resume", "--uncertain", "hide") != 0
    assert redact("run", "a.mp4", "--resume", "--uncertain", "hide", "--force") == 0
    assert not json.loads(Path("a.redact.json").read_text("utf-8"))["edits"]
