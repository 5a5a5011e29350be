"""What a new user reads, and which plan each command takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from redact.core.findings import Kind
from redact.core.plan import Plan, dumps, load
from redact.hide.proof import Proof
from redact.jobs import batch, reports, sandbox
from redact.jobs.batch import Batch, Report
from redact.verify.result import Verification
from redact_cli.app import main
from redact_cli.console import detail
from redact_cli.summary import report_in_words, skipped_in_words, verification_in_words
from redact_cli.time_left import Pace
from tests.cli import fake_redact


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_redact.install(monkeypatch.setattr)
    for owner in (sandbox, batch):
        monkeypatch.setattr(owner, "sandboxed_worker", fake_redact.worker_here)
    monkeypatch.setattr("redact_cli.app.unwind_on_signals", lambda: None)
    monkeypatch.chdir(tmp_path)


def write(name: str, order: str = "redact") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{order} {name}", encoding="utf-8")
    return path


def redact(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """With which plans `verify` and `prove` worked."""
    seen: dict[str, Any] = {}

    def verify(source: Path, output: Path, plan: Plan | None, *_: object, **__: object) -> Any:
        seen["verify"] = plan
        return Verification(3, 3, (), (), (), 0.0, 0.0)

    def prove(source: Path, plan: Plan | None, *_: object, **__: object) -> Proof:
        seen["prove"] = plan
        return Proof(3, 1, 1)

    monkeypatch.setattr("redact.api.verify_file", verify)
    monkeypatch.setattr("redact.api.prove_file", prove)
    return seen


# Plans


def test_of_namesakes_each_command_finds_the_plan_of_its_file(
    capsys: pytest.CaptureFixture[str], asked: dict[str, Any]
) -> None:
    for name in ("sub.mp4", "sub.mov"):
        write(name)
    assert redact("run", "sub.mp4", "sub.mov") == 0
    said = capsys.readouterr().err
    for suffix in ("mp4", "mov"):
        plan = Path(f"sub.{suffix}.redact.json")
        assert f"  plan: {plan}\n" in said
        assert redact("verify", f"sub.{suffix}", f"sub.redacted.{suffix}") == 0
        assert asked["verify"] == load(plan)
        assert redact("prove", f"sub.{suffix}") == 0
        assert asked["prove"] == load(plan)
        assert redact("render", f"sub.{suffix}", "-o", f"again.{suffix}", "--json") == 0
        assert json.loads(capsys.readouterr().out.splitlines()[-1])["plan"] == str(plan)


def test_analyse_names_plans_as_run_does() -> None:
    write("sub.mp4")
    assert redact("analyse", "sub.mp4") == 0
    before = Path("sub.redact.json").read_bytes()
    write("sub.mov")
    assert redact("analyse", "sub.mov", "--force") == 0
    assert Path("sub.redact.json").read_bytes() == before
    assert Path("sub.mov.redact.json").exists()
    assert redact("run", "sub.mp4", "sub.mov") == 0
    assert {path.name for path in Path().glob("*.redact.json")} == {
        "sub.redact.json",
        "sub.mov.redact.json",
    }


def test_no_command_writes_over_the_plan_of_another_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write("a.jpg")
    write("b.jpg")
    assert redact("analyse", "a.jpg") == 0
    before = Path("a.redact.json").read_bytes()
    assert redact("analyse", "b.jpg", "-p", "a.redact.json", "--force") == 8
    assert "a.redact.json: this is the plan of another file" in capsys.readouterr().err
    assert redact("render", "b.jpg", "-p", "a.redact.json", "--force") == 3
    assert Path("a.redact.json").read_bytes() == before


def test_render_without_a_plan_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.jpg")
    write("a.redacted.jpg")
    for words in (("-p", "absent.json"), ()):
        assert redact("render", "a.jpg", *words) == 3
        said = capsys.readouterr().err
        assert "there is no plan" in said
        assert "a.redacted.jpg" not in said
    assert "a.redact.json or a.jpg.redact.json; write one with `redact analyse`" in said


def test_render_and_verify_take_no_plan_of_another_file(
    capsys: pytest.CaptureFixture[str], asked: dict[str, Any]
) -> None:
    write("a.jpg")
    assert redact("analyse", "a.jpg") == 0
    write("a.jpg", "redact once more")
    assert redact("render", "a.jpg") == 3
    write("a.redacted.jpg")
    assert redact("verify", "a.jpg", "a.redacted.jpg") == 0
    assert asked["verify"] is None
    assert "without a plan" in capsys.readouterr().err


def test_an_edit_that_does_not_fit_is_refused_by_its_number(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write("a.jpg")
    redact("analyse", "a.jpg")
    plan = Path("a.redact.json")
    edit = '[{"edit": "hide", "box": [0, 0, 2, 2], "start": 3, "end": "2"}]'
    plan.write_text(dumps(load(plan)).replace('"edits": []', f'"edits": {edit}'))
    assert redact("render", "a.jpg") == 3
    said = capsys.readouterr().err
    assert "a.redact.json: edit 1: it ends at 2 s before it starts at 3 s; correct it" in said
    assert not Path("a.redacted.jpg").exists()


# Inputs


def test_one_unreadable_file_among_the_arguments_does_not_stop_the_others(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("a.jpg")
    write("b.jpg", "break")
    real = os.access  # root may read everything
    monkeypatch.setattr(
        os, "access", lambda path, mode: "b.jpg" not in str(path) and real(path, mode)
    )
    assert redact("run", "a.jpg", "b.jpg") == 1
    assert Path("a.redacted.jpg").exists()
    assert "NOT REDACTED b.jpg: damaged" in capsys.readouterr().err
    for command in ("analyse", "render", "prove"):
        assert redact(command, "b.jpg") != 2


def test_what_is_no_media_has_the_code_of_the_help() -> None:
    write("notes.txt")
    write("a.jpg")
    assert redact("run", "notes.txt") == 5
    assert redact("verify", "notes.txt", "a.jpg") == 5


def test_verify_blames_the_file_that_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.jpg")
    for name, code in (("absent.jpg", 4), ("empty.jpg", 5), ("broken.jpg", 5)):
        if name != "absent.jpg":
            Path(name).write_text("" if name == "empty.jpg" else "no picture")
        Path("a.jpg").write_bytes(PIXEL)
        assert redact("verify", "a.jpg", name) == code, name
        assert capsys.readouterr().err.startswith(f"redact: {name}: ")
    assert redact("verify", "absent.jpg", "a.jpg") == 4
    assert capsys.readouterr().err.startswith("redact: absent.jpg: ")


def _pixel() -> bytes:
    import io

    from PIL import Image

    held = io.BytesIO()
    Image.new("RGB", (16, 16)).save(held, "JPEG")
    return held.getvalue()


PIXEL = _pixel()


def test_a_link_to_a_folder_is_told_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    write("elsewhere/a.jpg")
    write("in/b.jpg")
    Path("in/link").symlink_to(Path("elsewhere").absolute())
    assert redact("run", "in") == 0
    said = capsys.readouterr().err
    assert "links to folders, searched only when they are named: in/link" in said
    assert "neither video nor picture" not in said
    assert redact("run", "in/link") == 0
    assert Path("elsewhere/a.redacted.jpg").exists()


def test_a_skipped_video_does_not_vanish_among_other_files() -> None:
    notes = tuple(Path(f"{number:02}.txt") for number in range(30))
    said = skipped_in_words(Batch(skipped=(*notes, Path("z.flv"), Path("z.redacted.mp4"))))
    assert "32 (z.flv, z.redacted.mp4, 00.txt" in said


# What two passes tell


def test_analyse_and_render_tell_what_run_tells(capsys: pytest.CaptureFixture[str]) -> None:
    keys = ("source", "frames", "faces", "plates", "tracks", "uncertain", "uncertain_plates")
    keys += ("uncertain_at", "error")
    write("a.jpg")
    assert redact("run", "a.jpg", "--json", "--quiet") == 0
    run = json.loads(capsys.readouterr().out)
    assert (run["faces"], run["plates"]) == (1, 1)
    assert redact("analyse", "a.jpg", "--json", "--force") == 0
    said = capsys.readouterr()
    analysed = json.loads(said.out)
    assert said.err == ""
    assert {key: analysed[key] for key in keys} == {key: run[key] for key in keys}
    assert (analysed["status"], analysed["output"], analysed["sheet"]) == ("analysed", None, None)
    assert redact("render", "a.jpg", "--json", "--force") == 0
    rendered = json.loads(capsys.readouterr().out)
    assert {key: rendered[key] for key in keys} == {key: run[key] for key in keys}
    assert set(run) | {"added"} == set(rendered)
    assert redact("render", "a.jpg", "--force") == 0
    lines = [line.strip() for line in capsys.readouterr().err.splitlines()]
    assert lines[0].startswith("a.jpg -> a.redacted.jpg: 3 frames, ")
    assert lines[1] == "hidden: 1 track of faces, 1 track of number plates"
    assert lines[2] == "check: 3 frames compared, 2 searched for faces: nothing found"
    assert "plan: a.redact.json" in lines
    assert lines[-1] == "Watch it from the first frame to the last before you publish it."


@pytest.mark.parametrize("command", ["analyse", "render", "verify", "prove"])
def test_every_command_has_a_log_and_tells_more_if_asked(
    capsys: pytest.CaptureFixture[str], asked: dict[str, Any], command: str
) -> None:
    assert not asked
    write("a.jpg")
    assert redact("run", "a.jpg") == 0
    capsys.readouterr()
    words = [command, "a.jpg", *(["a.redacted.jpg"] if command == "verify" else [])]
    words += ["--force"] if command in ("analyse", "render") else []
    assert redact(*words, "-v") == 0
    more = capsys.readouterr().err
    assert redact(*words, "--quiet", "--log", "redact.log") == 0
    assert capsys.readouterr().err == ""
    log = Path("redact.log").read_text("utf-8")
    assert Path("redact.log").stat().st_mode & 0o777 == 0o600
    if command in ("analyse", "render"):
        assert "choices: looks for faces and number plates" in more
        assert "choices: looks for faces and number plates" in log
        assert "a.jpg -> " in log
    if command == "render":
        assert "a.jpg: render: 3 frames in" in more
        assert "a.jpg: render: 3 frames in" in log
    Path("a.jpg").unlink()
    assert redact(*words, "--log", "redact.log") == 4
    assert "redact: a.jpg: there is no such" in Path("redact.log").read_text("utf-8")


# Proof and tidying


def test_a_proof_that_fails_has_its_own_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    proof = Proof(3, 1, 1, leaking=1, first=2, worst=1)
    monkeypatch.setattr("redact.api.prove_file", lambda *_, **__: proof)
    write("a.jpg")
    assert redact("prove", "a.jpg", "--quiet") == 14
    assert capsys.readouterr().out.startswith("a.jpg: ")


def test_a_profile_is_proven_and_not_the_plan_that_lies_there(
    capsys: pytest.CaptureFixture[str], asked: dict[str, Any]
) -> None:
    write("a.jpg")
    assert redact("analyse", "a.jpg") == 0
    assert redact("prove", "a.jpg", "--profile", "balanced") == 0
    assert asked["prove"] is None
    assert "(analysed anew)" in capsys.readouterr().out
    assert redact("prove", "a.jpg", "--profile", "fast", "--plan", "a.redact.json") == 2
    assert "a plan has its own profile" in capsys.readouterr().err
    assert redact("prove", "a.jpg") == 0
    assert asked["prove"] == load(Path("a.redact.json"))


def test_what_is_cleaned_away_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                          capture_output=True, text=True, check=True).stdout.strip()  # fmt: skip
    place = Path("in/deep")
    cache = place / ".a.redacted.mp4.0123abcd.detections"
    old = place / f".a.redacted.mp4.{dead}.0123abcd.part"
    fresh = place / f".b.redacted.mp4.{dead}.0123abcd.part"
    for folder in (cache, old, fresh):
        folder.mkdir(parents=True)
        (folder / "content").write_text("kept")
    os.utime(old, (1, 1))
    assert redact("doctor", "--clean", "in") == 0
    said = capsys.readouterr().out
    assert said.splitlines()[:2] == [f"removed {old}", f"removed {cache}"]
    assert f"left {fresh}: " in said
    assert not cache.exists()
    assert not old.exists()
    assert redact("doctor", "--clean", "in") == 0
    assert not capsys.readouterr().out.startswith("removed")
    (fresh / "content").unlink()
    fresh.rmdir()
    assert redact("doctor", "--clean", "in") == 0
    assert capsys.readouterr().out == "There was nothing to remove.\n"


# Words

JOB = batch.Job(Path("a.png"), Path("b.png"), Path("b.redact.json"))


def test_one_is_not_many(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(Path("a.png"), Path("b.png"), "redacted", 1, searched=(Kind.FACE,))
    first, hidden, *_ = report_in_words(report, JOB)
    assert first.startswith("a.png -> b.png: 1 frame, ")
    assert hidden.strip().startswith("hidden: 0 faces;")
    leaks: Any = (None, None)
    found = Verification(1, 1, (), (), leaks, 0.0, 0.0)
    assert verification_in_words(found) == "2 POSSIBLE LEAKS LEFT"
    write("a.jpg")
    redact("analyse", "a.jpg")
    said = capsys.readouterr().err
    assert "a.jpg -> a.redact.json: 3 frames" in said
    assert "to hide: 1 track of faces, 1 track of number plates\n" in said


@pytest.mark.parametrize(
    ("searched", "said", "unsaid"),
    [
        ((Kind.FACE, Kind.PLATE), "0 tracks of faces, 0 tracks of number plates", "not looked for"),
        ((Kind.FACE,), "0 tracks of faces; number plates were not looked for", "of number plates"),
        ((Kind.PLATE,), "0 tracks of number plates; faces were not looked for", "of faces"),
    ],
)
def test_what_was_not_looked_for_is_not_counted(
    searched: tuple[Kind, ...], said: str, unsaid: str
) -> None:
    report = Report(Path("a.png"), Path("b.png"), "redacted", 9, searched=searched)
    words = report_in_words(report, JOB)[1]
    assert said in words
    assert unsaid not in words


def test_voices_are_spoken_of_only_where_there_is_sound(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for sound in (True, False):
        monkeypatch.setattr(reports, "has_sound", lambda _, sound=sound: sound)
        write("a.mp4")
        assert redact("run", "a.mp4", "--force") == 0
        assert ("voices identify people" in capsys.readouterr().err) is sound


def test_what_run_cannot_do_is_advised_with_the_command_that_can(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write("a.mp4", "rename")
    assert redact("run", "a.mp4") == 6
    said = capsys.readouterr().err
    assert "name the output .mkv (`redact render -o` names an output)" in said


def test_no_speed_is_made_up_from_one_frame() -> None:
    pace = Pace(began=0.0)
    pace.update("render", 1, 10, 0.001)
    assert "fps" not in detail(pace)
    pace.update("render", 5, 10, 1.0)
    assert "5.0 fps" in detail(pace)
