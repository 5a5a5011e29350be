"""What must work before any engine is there: help, version, usage errors."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from redact import errors
from redact_cli import exit_codes
from redact_cli.app import app

HEAVY = ("PIL", "av", "cv2", "ffmpeg", "mediapipe", "numpy", "onnx", "onnxruntime")


def test_no_engine_is_loaded_at_the_start() -> None:
    code = f"import sys, redact_cli.app; print(*[m for m in {HEAVY} if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == []


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]])
def test_help_loads_no_engine(arguments: list[str]) -> None:
    code = (
        "import atexit, sys\n"
        f"atexit.register(lambda: print('LOADED', *[m for m in {HEAVY} if m in sys.modules]))\n"
        "from redact_cli.app import main\n"
        f"main({arguments})"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[-1].split() == ["LOADED"]


def plain(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


def test_help_says_what_is_not_hidden() -> None:
    said = plain(CliRunner().invoke(app, ["--help"]).stdout)
    for word in ("does NOT HIDE voices", "gaussian and mosaic can be reversed", "redact run"):
        assert word in said


def test_help_of_run_warns_of_styles_and_voices() -> None:
    said = plain(CliRunner().invoke(app, ["run", "--help"], terminal_width=200).stdout)
    for word in ("CAN BE REVERSED", "VOICES IDENTIFY", "--resume", "--detector", "--jobs"):
        assert word in said


def test_help_names_every_exit_code() -> None:
    said = plain(CliRunner().invoke(app, ["--help"]).stdout)
    for code, meaning in exit_codes.MEANINGS:
        assert f"{code} {meaning}" in said


def test_every_error_has_a_code() -> None:
    family = {errors.RedactError}
    while found := {cls for known in family for cls in known.__subclasses__()} - family:
        family |= found
    ours = {cls.__name__ for cls in family if cls.__module__ == "redact.errors"}
    assert ours == set(exit_codes.CODES)
    explained = {code for code, _ in exit_codes.MEANINGS}
    assert set(exit_codes.CODES.values()) <= explained


def test_version() -> None:
    said = CliRunner().invoke(app, ["--version"])
    assert said.exit_code == 0
    assert said.stdout.startswith("redact ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["run", "--style", "invisible", "a.jpg"],
        ["run", "--jobs", "-1", "a.jpg"],
        ["run", "--no-such-option", "a.jpg"],
        ["render"],
        ["conjure"],
    ],
)
def test_usage_errors(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == exit_codes.USAGE


COMMANDS: Any = typer.main.get_command(app)


@pytest.mark.parametrize("name", [*COMMANDS.commands, "cluster scheduler", "cluster certificates"])
@pytest.mark.parametrize("columns", [80, 120])
def test_the_help_of_a_command_tells_no_types_and_breaks_no_value(name: str, columns: int) -> None:
    command = COMMANDS
    for word in name.split():
        command = command.commands[word]
    ended = CliRunner().invoke(app, [*name.split(), "--help"], env={"COLUMNS": str(columns)})
    assert ended.exit_code == 0
    assert not re.findall(r"<\w[^>=]*>|list\[", ended.stdout)
    for param in command.params:
        assert (param.help or "").strip(), param.name
        assert getattr(param, "is_flag", False) or (param.metavar or "") in ended.stdout
        for long in param.opts if param.param_type_name == "option" else ():
            assert long in ended.stdout


def test_the_help_of_redact_itself_tells_no_types() -> None:
    ended = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "100"})
    assert "--install-completion" in ended.stdout
    assert not re.findall(r"<\w[^>=]*>|list\[", ended.stdout)


def test_short_for_the_version() -> None:
    assert CliRunner().invoke(app, ["-V"]).stdout == CliRunner().invoke(app, ["--version"]).stdout


def test_the_man_page_holds_all_help() -> None:
    ended = CliRunner().invoke(app, ["--man"])
    assert ended.exit_code == 0
    page = ended.stdout.replace("\\-", "-")
    assert page.startswith(".TH REDACT 1")
    assert "redact run [OPTIONS] INPUT..." in page.replace("\n[", " [")
    for command in COMMANDS.commands.values():
        for param in command.params:
            assert " ".join(param.help.split()) in page
            assert param.param_type_name == "argument" or param.opts[-1] in page
    for code, meaning in exit_codes.MEANINGS:
        assert f"{code} {meaning}" in page
    requests = {line.split()[0] for line in page.splitlines() if line.startswith((".", "'"))}
    assert requests == {".TH", ".SH", ".B", ".br", ".PP", ".TP"}
