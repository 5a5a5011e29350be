"""What docs/cluster.md shows: its commands work, and what other systems are told is right."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
import yaml

from redact_cli.app import app
from tests.cli import fake_redact
from tests.cluster.test_cluster import free_port
from tests.doc_blocks import CLUSTER, Block, find_blocks

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not (ROOT / CLUSTER).is_file(), reason="an archive without docs")


def blocks(language: str) -> list[Block]:
    return [it for it in find_blocks(ROOT / CLUSTER, ROOT) if it.language == language]


def calls() -> list[list[str]]:
    """Every call of redact in the blocks."""
    found = [call for block in blocks("sh") for call in block.text.split(" && ")]
    found = [call.partition("--wrap ")[2].strip("'") or call for call in found]
    (deployment,) = blocks("yaml")
    (container,) = yaml.safe_load(deployment.text)["spec"]["template"]["spec"]["containers"]
    return [*map(shlex.split, found), container["command"]]


@pytest.mark.parametrize("words", calls(), ids=" ".join)
def test_every_call_has_the_options_of_its_command(words: list[str]) -> None:
    program, *rest = words
    assert program == "redact"
    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[rest.pop(0)]
    command.make_context("redact", rest)


def test_the_program_for_slurm_compiles() -> None:
    (program,) = blocks("py")
    compile(program.text, CLUSTER, "exec")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell")
def test_the_two_commands_for_one_machine_redact_a_folder(tmp_path: Path) -> None:
    """With fake detectors, and another port, as the usual one may be taken."""
    serve, use = (block.text for block in blocks("sh")[:2])
    port = free_port()
    serve = f"{serve} --port {port}"
    use = use.replace(":8786", f":{port}")
    (tmp_path / "footage").mkdir()
    for name in "ab":
        (tmp_path / "footage" / f"{name}.jpg").write_text("redact")
    fake = f'redact() {{ {shlex.quote(sys.executable)} {shlex.quote(fake_redact.__file__)} "$@"; }}'
    serving = subprocess.Popen(
        ["bash", "-c", f"{fake}; {serve}"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert serving.stderr is not None
    try:
        assert b"listens at tls://127.0.0.1" in serving.stderr.readline()
        done = subprocess.run(
            ["bash", "-c", f"{fake}; {use}"], cwd=tmp_path, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        for name in "ab":
            assert (tmp_path / "footage" / f"{name}.redacted.jpg").exists()
    finally:
        assert end_group(serving), "it does not end when it is told to"
        serving.stderr.close()


def end_group(leader: subprocess.Popen[bytes]) -> bool:
    """Ask a process and its children to end; whether they did so by themselves."""
    until = time.monotonic() + 30
    os.killpg(leader.pid, signal.SIGTERM)
    try:
        while time.monotonic() < until:
            leader.poll()
            os.killpg(leader.pid, 0)
            time.sleep(0.05)
        os.killpg(leader.pid, signal.SIGKILL)
    except ProcessLookupError:
        return True
    return False
