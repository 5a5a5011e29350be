"""Every block of README and docs that a reader copies does what it says, on generated material."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import socket
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image

from redact.core.findings import Detection, Kind, Sighting, Track
from redact.core.frames import Rgb
from redact.core.geometry import Box
from redact.core.plan import dumps, load
from redact.detect.detectors import DETECTORS
from redact.jobs import batch, sandbox
from redact_cli.app import app, main
from redact_cli.presets import FILE as PRESETS
from tests import clips
from tests.cli.fake_redact import worker_here
from tests.doc_blocks import Block, Command, commands, find_blocks, not_here, results, sessions

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "bench" / "README.md"]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
BLOCKS = [block for page in PAGES if page.exists() for block in find_blocks(page, ROOT)]

pytestmark = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="an archive without docs")


def of_kind(*kinds: str) -> list[Block]:
    return [block for block in BLOCKS if block.kind in kinds]


SESSIONS = [
    pytest.param(session, id=f"{block} {' '.join(session[0].words)}")
    for block in of_kind("shell")
    for session in sessions(block)
]


# Material: what the documents call their files


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder with a file of every name that the documents use."""
    folder = tmp_path_factory.mktemp("material")
    _film(folder / "clip.mp4")
    _film(folder / "march.mov", "pcm_s16le")
    _film(folder / "interview.mp4", "aac")
    for name in ("street", "speech", "crowd"):
        shutil.copy(folder / "clip.mp4", folder / f"{name}.mp4")
    _spoken(folder)
    picture = np.random.default_rng(1).integers(100, 104, (60, 80, 3), np.uint8)
    Image.fromarray(picture).save(folder / "photo.jpg")
    Image.fromarray(picture).save(folder / "mask.png")
    (folder / "footage" / "monday").mkdir(parents=True)
    shutil.copy(folder / "clip.mp4", folder / "footage" / "monday" / "first.mp4")
    shutil.copy(folder / "photo.jpg", folder / "footage" / "second.jpg")
    return folder


def _film(path: Path, sound: str = "") -> None:
    """Four frames, in which nobody is to be seen."""
    inputs = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=0.4")
    heard = ("-f", "lavfi", "-i", "sine=d=0.4:r=48000", "-c:a", sound) if sound else ()
    clips.run(*inputs, *heard, "-pix_fmt", "yuv420p", path)


def _spoken(folder: Path) -> None:
    words = folder / "words.srt"
    words.write_text("1\n00:00:00,000 --> 00:00:00,900\nGood evening.\n")
    inputs = ("-i", folder / "interview.mp4", "-i", words, "-map", "0", "-map", "1")
    clips.run(*inputs, "-c", "copy", "-c:s", "srt", folder / "interview.mkv")
    words.unlink()


@pytest.fixture
def folder(material: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the material, in which commands are called.

    Their work is done in this process, without a network, and with detectors that see nobody: the
    real ones, in worker processes, are in test_end_to_end.
    """
    place = tmp_path / "here"
    shutil.copytree(material, place)
    monkeypatch.chdir(place)
    for owner in (sandbox, batch):
        monkeypatch.setattr(owner, "sandboxed_worker", worker_here)
    for name in DETECTORS:
        monkeypatch.setitem(DETECTORS, name, SeesNobody)
    monkeypatch.setattr("redact_cli.app.unwind_on_signals", lambda: None)
    monkeypatch.setattr(socket, "socket", _refuse_connections)
    before = dict(os.environ)
    yield place
    os.environ.clear()
    os.environ.update(before)


class SeesNobody:
    """A detector."""

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        assert threshold > 0
        return [[] for _ in pictures]


def _refuse_connections(*_: object, **__: object) -> None:
    raise AssertionError("redact sends nothing anywhere")


def redact(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert isinstance(ended.value.code, int)
    return ended.value.code


# What is done with each kind of block


def faults_of(session: list[Command], folder: Path) -> list[str]:
    """Run the calls in their order; what is not as it should be."""
    faults = []
    for command in session:
        words = command.words
        missing = [] if words[0] in ("analyse", "verify", "prove") else results(words, folder)
        if code := redact(*words):
            faults.append(f"redact {' '.join(words)}: exit code {code}")
        missing = [path for path in missing if not path.exists()]
        missing += [folder / name for name in command.named if not (folder / name).exists()]
        faults += [f"redact {' '.join(words)}: no {path.relative_to(folder)}" for path in missing]
    return faults


@pytest.mark.parametrize("session", SESSIONS)
def test_a_command_does_what_it_says(session: list[Command], folder: Path) -> None:
    if "cuda" in session[0].words and not _has_cuda():
        assert redact(*session[0].words) != 0, "a device that is not here is refused"
        return
    assert not faults_of(session, folder)


def _has_cuda() -> bool:
    import onnxruntime

    return "CUDAExecutionProvider" in onnxruntime.get_available_providers()


def add_tracks(path: Path, count: int) -> None:
    """Write so many tracks into a plan, since the detectors here see nobody."""
    seen = Sighting(0, Fraction(0), Box(10, 10, 40, 40), 0.9)
    tracks = tuple(Track(number, Kind.FACE, (seen,)) for number in range(1, count + 1))
    path.write_text(dumps(replace(load(path), tracks=tracks)))


@pytest.mark.parametrize("block", of_kind("python"), ids=str)
def test_a_program_runs(block: Block, folder: Path) -> None:
    script = folder / "program.py"
    script.write_text(block.text)
    if 'load("clip.redact.json")' in block.text:
        assert redact("analyse", "clip.mp4") == 0
        add_tracks(folder / "clip.redact.json", 3)
    runpy.run_path(str(script), run_name="__main__")
    assert (folder / "clip.redacted.mp4").exists() == ("redact_file(" in block.text)
    for name in re.findall(r'save\([^)]*"([^"]+)"\)', block.text):
        assert (folder / name).exists(), name


@pytest.mark.parametrize("block", of_kind("edits"), ids=str)
def test_the_edits_that_are_shown_fit_a_plan(block: Block, folder: Path) -> None:
    """They go where the page says: in place of the empty list that `redact analyse` writes."""
    clips.run("-f", "lavfi", "-i", "testsrc=s=320x240:r=2:d=4", folder / "long.mp4")
    assert redact("analyse", "long.mp4", "--profile", "fast") == 0
    path = folder / "long.redact.json"
    add_tracks(path, 1)
    text = path.read_text()
    assert '"edits": [],' in text
    path.write_text(text.replace('"edits": [],', block.text))
    assert redact("render", "long.mp4") == 0
    assert len(load(path).edits) == 3
    assert load(path).style == "solid"


@pytest.mark.parametrize("block", of_kind("toml"), ids=str)
def test_the_presets_that_are_shown_are_taken(block: Block, folder: Path) -> None:
    (folder / PRESETS).write_text(block.text)
    for name in tomllib.loads(block.text)["presets"]:
        assert redact("run", "--preset", name, "march.mov") == 0
    assert load(folder / "march.redact.json").style == "solid"


@pytest.mark.parametrize("block", of_kind("json"), ids=str)
def test_json_that_is_shown_is_json(block: Block) -> None:
    assert json.loads(block.text)


ELSEWHERE_RUN = [
    pytest.param(line, id=f"{block} {line}")
    for block in of_kind("shell")
    for line in commands(block.text)
    if not_here(line)
]


@pytest.mark.parametrize("line", ELSEWHERE_RUN)
def test_a_line_that_cannot_be_run_here_names_what_is_there(line: str) -> None:
    """Scripts and their options are compared; then it is skipped with its reason."""
    for script in re.findall(r"\b(?:bench|training)/[\w/]+\.py", line):
        source = (ROOT / script).read_text("utf-8")
        for option in re.findall(r"(?<=\s)--[a-z][\w-]*", line):
            assert f'"{option}"' in source, f"{script} has no {option}"
    pytest.skip(f"{line}: {not_here(line)}")


# Commands and options in the prose


def _options() -> dict[str, set[str]]:
    """The options of each command, `redact` itself among them."""
    whole = typer.main.get_command(app)
    told = {"": {name for option in whole.params for name in option.opts}}
    for name, command in getattr(whole, "commands", {}).items():
        known = {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
        told[name] = known | {"--help", "-h"}
    told[""] |= {"--help", "-h", "--install-completion", "--show-completion"}
    return told


OPTIONS = _options()
ELSEWHERE = {
    "--data", "--cover-tool", "--only", "--sets", "--profiles", "--threshold", "--per-frame",
    "--no-deps", "--turned",
}  # fmt: skip
"""Options of measures and of other programs, in short code of the pages."""


def wrong_options(text: str) -> list[str]:
    """Options in short code that no command has, or not the one before them."""
    wrong = []
    for code in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text):
        words = code.split()
        said = [word.partition("=")[0] for word in words if re.match(r"--?[a-zA-Z]", word)]
        if words[0] == "redact":
            name = next((word for word in words[1:] if word in OPTIONS), "")
            known = OPTIONS[name] | OPTIONS[""] | (OPTIONS["run"] if not name else set())
        elif words[0].startswith("--"):
            known = set().union(*OPTIONS.values())
        else:
            continue
        wrong += [f"`{code}`: {option}" for option in said if option not in known | ELSEWHERE]
    return wrong


USERS = ["README.md", "docs/choices.md", "docs/plans.md", "docs/formats.md"]
USERS += ["docs/what-is-not-hidden.md", "docs/threat-model.md"]


@pytest.mark.parametrize("page", USERS)
def test_every_option_in_the_prose_exists(page: str) -> None:
    assert not wrong_options((ROOT / page).read_text("utf-8"))


# That all this notices something

LINES: list[tuple[str, Callable[[str], bool]]] = [
    ("redact run clip.mp4 --stile solid", lambda said: "exit code 2" in said),
    ("redact run lost.mp4", lambda said: "exit code 4" in said),
    ("redact run photo.jpg  # writes photo.html", lambda said: "no photo.html" in said),
    ("redact run --dry-run photo.jpg", lambda said: "no photo.redacted.jpg" in said),
]


@pytest.mark.parametrize(("line", "is_told"), LINES, ids=[line for line, _ in LINES])
def test_a_wrong_line_is_noticed(line: str, is_told: Callable[[str], bool], folder: Path) -> None:
    page = folder / "page.md"
    page.write_text(f"Do this:\n\n    {line}\n")
    (block,) = find_blocks(page, folder)
    (session,) = sessions(block)
    assert is_told("; ".join(faults_of(session, folder)))


def test_a_wrong_option_in_the_prose_is_noticed() -> None:
    assert wrong_options("say `--audio drop` or `redact verify --jobs 2`") == [
        "`redact verify --jobs 2`: --jobs"
    ]
    assert wrong_options("`--audoi drop`") == ["`--audoi drop`: --audoi"]


def test_no_block_is_of_an_unknown_kind() -> None:
    assert not [str(block) for block in of_kind("unknown")]


def test_a_block_that_nobody_can_run_is_noticed() -> None:
    assert Block("README.md", 1, "", "frobnicate clip.mp4").kind == "unknown"
    assert Block("README.md", 1, "perl", "print 1").kind == "unknown"
