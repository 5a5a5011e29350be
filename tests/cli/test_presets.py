"""Presets: read from two places, told, checked, and weaker than what is on the line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from redact.core.plan import load
from redact_cli import exit_codes, presets
from tests.cli.test_run import _fakes, here, redact, write

__all__ = ["_fakes"]

COURT = '[presets.court]\nstyle = "solid"\ncolor = "20242a"\naudio = "drop"\nevery-frame = true\n'


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The user's configuration, away from the project's folder."""
    folder = tmp_path.with_name(f"{tmp_path.name}.home")
    folder.mkdir()
    monkeypatch.setattr(presets, "places", lambda: (Path("redact.toml"), folder / "redact.toml"))
    return folder


def test_a_preset_chooses_and_the_line_counts_more(capsys: pytest.CaptureFixture[str]) -> None:
    write("redact.toml", COURT)
    write("a.jpg")
    assert redact("run", "a.jpg", "--preset", "court") == 0
    made = load(Path("a.redact.json")).recipe
    assert (made.style, made.colour, made.audio) == ("solid", "#20242a", "drop")
    said = capsys.readouterr().err
    assert "preset court of redact.toml: style solid, color 20242a, audio drop, every-frame" in said
    line = ("run", "a.jpg", "--force", "--preset", "court", "--audio", "keep", "--color", "ff0000")
    assert redact(*line) == 0
    made = load(Path("a.redact.json")).recipe
    assert (made.style, made.colour, made.audio) == ("solid", "#ff0000", "keep")


def test_the_project_stands_before_the_user(home: Path) -> None:
    (home / "redact.toml").write_text('[presets.court]\nstyle = "pixelate"\n[presets.mine]\n')
    assert presets.find_preset("court").choices == {"style": "pixelate"}
    write("redact.toml", COURT)
    assert presets.find_preset("court").choices["style"] == "solid"
    assert sorted(presets.load_presets()) == ["court", "mine"]


def test_a_preset_of_a_report_is_nothing_to_an_analysis() -> None:
    write("redact.toml", '[presets.a]\nreport = true\nstyle = "pixelate"\n')
    write("a.jpg")
    assert redact("analyse", "a.jpg", "--preset", "a") == 0
    assert load(Path("a.redact.json")).recipe.style == "pixelate"
    assert not list(Path().glob("*.html"))  # least of all the page that shows faces in clear


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "there is no preset 'a'"),
        ("[presets.a\n", "cannot be read"),
        ("[preset.a]\n", "'preset'"),
        ("[presets]\na = 1\n", "no table"),
        ('[presets.a]\nffmpeg = "./evil"\n', "'ffmpeg'"),
        ("[presets.a]\nforce = true\n", "'force'"),
        ("[presets.a]\nstlye = 1\n", "'stlye'"),
        ('[presets.a]\nstyle = ["solid"]\n', "a text or a number"),
        ('[presets.a]\nstrict = "no"\n', "true or false"),
        ('[presets.a]\nkeep = "subtitles"\n', "a list of texts"),
        ('[presets.a]\nstyle = "invisible"\n', "invisible"),
    ],
)
def test_a_preset_that_cannot_be_used_stops_the_run(
    text: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write("redact.toml", text)
    write("a.jpg")
    assert redact("run", "a.jpg", "--preset", "a") == exit_codes.USAGE
    assert word in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert here() == {"redact.toml", "a.jpg"}


def test_a_file_of_presets_does_nothing_unasked() -> None:
    write("redact.toml", "[presets.a\n")
    write("a.jpg")
    assert redact("run", "a.jpg") == 0


def test_presets_are_listed_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    write("redact.toml", f"{COURT}\n[presets.'[bold]x']\n")
    assert redact("run", "--help") == 0
    assert "Here: court, [bold]x." in " ".join(capsys.readouterr().out.replace("│", " ").split())
    write("redact.toml", "[presets.a\n")
    assert redact("run", "--help") == 0
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "cannot be read" in said
    assert "court" not in said


# What a run would do, and what it did


def test_a_dry_run_tells_outputs_and_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    write("in/a.jpg")
    write("in/b.jpg")
    write("in/c.jpg")
    write("in/b.redacted.jpg", "mine")
    before = here()
    assert redact("run", "in", "-o", "out", "--dry-run") == 0
    said = capsys.readouterr()
    assert str(Path("in/a.jpg -> out/a.redacted.jpg, plan out/a.redact.json")) in said.out
    assert "nothing was written" in said.err
    assert redact("run", "in", "--dry-run", "--json") == exit_codes.SOME_FAILED
    told = {it["source"]: it for it in map(json.loads, capsys.readouterr().out.splitlines())}
    assert told["in/a.jpg"]["status"] == "planned"
    assert told["in/b.jpg"]["error"]["kind"] == "OutputExistsError"
    assert here() == before
    assert redact("run", "in/a.jpg") == 0
    capsys.readouterr()
    assert redact("run", "in/a.jpg", "--resume", "--dry-run") == 0
    assert "done before" in capsys.readouterr().out
    assert redact("run", "absent.jpg", "--dry-run") == 4


def test_what_exists_offers_to_resume_and_what_is_done_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write("in/a.jpg")
    assert redact("run", "in") == 0
    capsys.readouterr()
    assert redact("run", "in") == 8
    said = capsys.readouterr().err
    told = "exists already; replace it with --force, or do only what is not done yet with --resume"
    assert told in said
    write("in/b.jpg")
    assert redact("run", "in", "--resume") == 0
    said = capsys.readouterr().err
    assert "in/a.redacted.jpg: done before, left as it is" in said
    assert "1 done before, 1 redacted in 0:0" in said
    assert "resumed" not in said


def test_more_is_told_if_asked_and_the_log_has_all_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write("a.mp4")
    assert redact("run", "a.mp4", "--log", "redact.log") == 0
    assert "analyse: 3 frames in" not in capsys.readouterr().err
    assert redact("run", "a.mp4", "--force", "-v") == 0
    said = capsys.readouterr().err
    for line in ("choices: looks for faces", "a.mp4: analyse: 3 frames in", "a.mp4: verify: 3"):
        assert line in said
    write("b.jpg", "stumble")
    assert redact("run", "b.jpg", "-q", "--log", "redact.log") == exit_codes.UNFORESEEN
    assert "Traceback" not in capsys.readouterr().err
    log = Path("redact.log").read_text("utf-8")
    for line in ("choices: looks for", "a.mp4: analyse: 3", "sound: kept", "NOT REDACTED b.jpg",
                 "Traceback"):  # fmt: skip
        assert line in log
    assert Path("redact.log").stat().st_mode & 0o077 == 0


def test_a_log_that_cannot_be_written_or_would_damage_an_original(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write("a.jpg")
    assert redact("run", "a.jpg", "--log", "none/redact.log") == 9
    assert "--log" in capsys.readouterr().err
    write("b.jpg")
    assert redact("run", "a.jpg", "--log", "b.jpg") == exit_codes.USAGE
    assert Path("b.jpg").read_text() == "redact"
    assert here() == {"a.jpg", "b.jpg"}


def test_a_pattern_that_a_shell_left_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("in/a.jpg", "in/b.jpg", "in/c.png", "in/[x].jpg"):
        write(name)
    assert redact("run", "in/*.jpg") == 0
    assert "3 redacted" in capsys.readouterr().err
    assert redact("run", "in/*.jpg", "--resume") == 0
    assert "3 done before" in capsys.readouterr().err
    assert redact("run", "in/[x].jpg", "--force") == 0
    assert redact("run", "in/*.mkv") == 4
    assert not [name for name in here() if ".redacted.redacted" in name]


def test_names_of_ones_own_on_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.jpg")
    write("in/b.jpg")
    write("in/raw/c.jpg")
    assert redact("run", "a.jpg", "-o", "new/one.jpg") == 0
    assert redact("run", "in", "-o", "out", "--name", "{stem}-safe{ext}", "--exclude", "raw") == 0
    assert "left out by --exclude: 1 (in/raw)" in capsys.readouterr().err
    assert redact("analyse", "a.jpg") == 0
    Path("folder").mkdir()
    assert redact("render", "a.jpg", "--plan", "a.redact.json", "-o", "folder") == 0
    made = {name for name in here() if not name.endswith(".json")}
    assert made == {"a.jpg", "in/b.jpg", "in/raw/c.jpg", "new/one.jpg", "out/b-safe.jpg",
                    "folder/a.redacted.jpg"}  # fmt: skip
