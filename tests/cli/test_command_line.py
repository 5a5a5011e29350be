"""What people type: a command or none, options before and after, mistyped words, completion."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from redact_cli import exit_codes
from redact_cli.app import app, main
from redact_cli.command_line import take_debug
from redact_cli.option_groups import Only, takes_groups
from redact_cli.options import Output
from tests.cli.test_start import plain


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Gives what the command that a line means is called with, and the command's name."""
    group: Any = typer.main.get_command(app)
    called: list[tuple[str, dict[str, Any]]] = []

    def take(name: str) -> Any:
        return lambda **said: called.append((name, said))

    for name, command in group.commands.items():
        command.callback = take(name)
    monkeypatch.chdir(tmp_path)

    def type_in(*arguments: str) -> tuple[str, dict[str, Any]]:
        group.main(list(arguments), standalone_mode=False)
        (name, said), *more = called
        assert not more
        called.clear()
        return name, said

    return type_in


@pytest.mark.parametrize(
    ("line", "inputs", "said"),
    [
        (["clip.mp4"], ["clip.mp4"], {}),
        (["clip.mp4", "-o", "out"], ["clip.mp4"], {"out": "out"}),
        (["--style", "solid", "clip.mp4"], ["clip.mp4"], {"style": "solid"}),
        (["--style=solid", "clip.mp4", "b.mp4"], ["clip.mp4", "b.mp4"], {"style": "solid"}),
        (["-o", "run", "clip.mp4"], ["clip.mp4"], {"out": "run"}),
        (["-qo", "verify", "a.mp4"], ["a.mp4"], {"quiet": True, "out": "verify"}),
        (["-oout", "a.mp4"], ["a.mp4"], {"out": "out"}),
        (["--style", "solid", "run", "clip.mp4"], ["clip.mp4"], {"style": "solid"}),
        (["--no-verify", "clip.mp4", "run"], ["clip.mp4", "run"], {"verify": False}),
        (["run", "run"], ["run"], {}),
        (["./run"], ["run"], {}),
        (["--", "-a.mp4"], ["-a.mp4"], {}),
        (["-q", "--", "-a.mp4", "--debug"], ["-a.mp4", "--debug"], {"quiet": True}),
        (["footage/march"], ["footage/march"], {}),
    ],
)
def test_a_line_without_a_command_runs(
    typed: Any, line: list[str], inputs: list[str], said: dict[str, Any]
) -> None:
    command, found = typed(*line)
    assert command == "run"
    assert found["inputs"] == [Path(name) for name in inputs]
    assert {name: found[name] for name in said} == said


@pytest.mark.parametrize(
    ("line", "command", "said"),
    [
        (["analyse", "a.mp4"], "analyse", {"source": Path("a.mp4")}),
        (["-p", "b", "render", "a.mp4"], "render", {"plan": Path("b")}),
        (["--quiet", "verify", "a.mp4", "b.mp4"], "verify", {"quiet": True}),
        (["--", "doctor"], "doctor", {}),
    ],
)
def test_a_first_word_that_names_a_command_is_it(
    typed: Any, line: list[str], command: str, said: dict[str, Any]
) -> None:
    Path(command).touch()
    name, found = typed(*line)
    assert name == command
    assert {name: found[name] for name in said} == said


def test_a_file_or_folder_without_a_suffix_is_run(typed: Any) -> None:
    Path("analize").mkdir()
    assert typed("analize")[0] == "run"


def test_the_help_says_how_a_file_with_a_command_s_name_is_named() -> None:
    assert "./run" in plain(CliRunner().invoke(app, ["--help"]).stdout)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["analize", "clip.mp4"], "Did you mean `analyse`?"),
        (["Render", "clip.mp4"], "Did you mean `render`?"),
        (["--style", "solid", "verfy", "clip.mp4"], "Did you mean `verify`?"),
        (["conjure"], "Commands: run, analyse, render, review, verify, prove, edit, doctor, "),
    ],
)
def test_a_mistyped_command_is_named_and_corrected(
    line: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(app, line)
    assert ended.exit_code == exit_codes.USAGE
    assert "There is no command and no file called" in plain(ended.output)
    assert said in plain(ended.output)


def test_a_file_that_is_not_there_is_no_mistyped_command(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("redact_cli.app.unwind_on_signals", lambda: None)
    with pytest.raises(SystemExit) as ended:
        main(["absent.mp4"])
    assert ended.value.code == 4
    assert "absent.mp4: there is no such file" in capsys.readouterr().err


def test_a_file_whose_name_reads_as_an_option_is_told_from_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-dash.jpg").touch()
    for line in (["-dash.jpg"], ["run", "--quiet", "-dash.jpg"]):
        ended = CliRunner().invoke(app, line)
        assert ended.exit_code == 2
        assert "write ./-dash.jpg" in " ".join(plain(ended.stderr).split())


@pytest.mark.parametrize("line", [["--style", "solid"], ["--quiet"]])
def test_options_alone_miss_an_input(line: list[str]) -> None:
    ended = CliRunner().invoke(app, line)
    assert ended.exit_code == exit_codes.USAGE
    assert "INPUT" in ended.output


def test_no_words_at_all_show_the_help() -> None:
    ended = CliRunner().invoke(app, [])
    assert ended.exit_code == exit_codes.USAGE
    assert "Examples:" in ended.output


@pytest.mark.parametrize(
    "line",
    [["--debug", "run", "a"], ["run", "--debug", "a"], ["run", "a", "--debug"]],
)
def test_debug_counts_anywhere_but_among_files(line: list[str]) -> None:
    assert take_debug(line) == (True, ["run", "a"])
    assert take_debug(["run", "--", "--debug"]) == (False, ["run", "--", "--debug"])


# Completion


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Gives what bash is told to offer for the last word of a line."""
    monkeypatch.setattr("redact_cli.app.unwind_on_signals", lambda: None)
    monkeypatch.setattr(sys, "argv", ["redact"])
    monkeypatch.setenv("_REDACT_COMPLETE", "complete_bash")

    def offer(line: str) -> list[str]:
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(line.count(" ")))
        with pytest.raises(SystemExit):
            main()
        return capsys.readouterr().out.split()

    return offer


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("redact ver", ["verify"]),
        ("redact run --sty", ["--style"]),
        ("redact --sty", ["--style"]),
        ("redact clip.mp4 --sty", ["--style"]),
        ("redact run --style s", ["solid"]),
        ("redact --style p", ["pixelate"]),
        ("redact clip.mp4 --style m", ["mosaic"]),
        ("redact analyse --profile t", ["thorough"]),
        ("redact run --audio d", ["drop", "disguise"]),
        ("redact run --encoder h264_v", ["h264_videotoolbox"]),
        ("redact run --device c", ["cpu", "cuda", "coreml"]),
        ("redact run --detect p", ["people", "plates"]),
        ("redact run --keep l", ["languages"]),
        ("redact analize --pro", ["--profile"]),
    ],
)
def test_a_shell_is_told_what_fits(complete: Any, line: str, offered: list[str]) -> None:
    assert sorted(complete(line)) == sorted(offered)


def test_the_completion_of_a_shell_can_be_shown_and_installed(tmp_path: Path) -> None:
    names = {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    start = "import sys; sys.argv[0] = 'redact'; from redact_cli.app import main; main()"

    def ask(*arguments: str) -> str:
        said = subprocess.run(
            [sys.executable, "-c", start, *arguments],
            env=os.environ | names,
            capture_output=True,
            text=True,
            check=True,
        )
        return said.stdout

    assert "_REDACT_COMPLETE=complete_bash" in ask("--show-completion", "bash")
    assert "completion installed" in ask("--install-completion", "bash")
    assert list(tmp_path.rglob("redact.sh"))


# Groups of options


def test_a_group_gives_one_option_each_and_keeps_the_defaults_of_those_left_out() -> None:
    told: list[Output] = []
    small = typer.Typer()

    @small.command()
    @takes_groups
    def tell(output: Annotated[Output, Only("quiet")]) -> None:
        told.append(output)

    assert CliRunner().invoke(small, ["--quiet"]).exit_code == 0
    assert told == [Output(quiet=True)]
    assert CliRunner().invoke(small, ["--force"]).exit_code == exit_codes.USAGE
    assert Output.PANEL in CliRunner().invoke(small, ["--help"]).output


def test_a_wrong_group_is_refused_at_the_start() -> None:
    def unknown(output: Annotated[Output, Only("loud")]) -> None: ...

    def twice(one: Output, other: Annotated[Output, Only("quiet")]) -> None: ...

    with pytest.raises(TypeError, match="no option loud"):
        takes_groups(unknown)
    with pytest.raises(TypeError, match="twice"):
        takes_groups(twice)
