"""The whole command on tiny files, with real engines and weights."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from redact import api, stages
from redact.core.plan import load
from redact.media import formats
from redact_cli.app import main

pytestmark = pytest.mark.slow

CANARY = "canary-of-a-witness"
LIMITED = """
import resource, sys
from redact_cli.app import main
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))
main(sys.argv[1:])
"""


def redact(folder: Path, *arguments: str, code: str = "") -> subprocess.CompletedProcess[str]:
    start = code or "import sys; from redact_cli.app import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", start, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def objects(said: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said.stdout.splitlines()]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Nobody is in it, and a little noise keeps results from being tiny."""
    path = tmp_path / "picture.png"
    noise = np.random.default_rng(1).integers(100, 104, (120, 160, 3), np.uint8)
    exif = Image.Exif()
    exif[0x010E] = CANARY
    Image.fromarray(noise).save(path, exif=exif)
    return path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    made = "testsrc2=size=96x64:rate=10:duration=1"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-f", "lavfi", "-i", made]
    command += ["-f", "lavfi", "-i", "sine=duration=1", "-pix_fmt", "yuv420p"]
    command += ["-metadata", f"title={CANARY}", str(path)]
    subprocess.run(command, check=True)
    return path


def test_pictures_and_clips_go_through_and_are_recognised(picture: Path, clip: Path) -> None:
    folder = picture.parent
    said = redact(folder, "run", ".", "--json", "--profile", "fast", "--jobs", "2")
    assert said.returncode == 0, said.stderr
    frames = {Path(item["source"]).name: item["frames"] for item in objects(said)}
    assert frames == {"picture.png": 1, "clip.mp4": 10}
    for name in ("picture.redacted.png", "clip.redacted.mp4"):
        assert CANARY.encode() not in (folder / name).read_bytes()
    assert names(folder) == {
        *("picture.png", "picture.redacted.png", "picture.redact.json"),
        *("clip.mp4", "clip.redacted.mp4", "clip.redact.json"),
    }
    again = redact(folder, "run", ".", "--json", "--profile", "fast", "--resume")
    assert again.returncode == 0, again.stderr
    assert {item["status"] for item in objects(again)} == {"resumed"}
    other = redact(folder, "run", ".", "--json", "--style", "solid", "--resume")
    assert {item["error"]["kind"] for item in objects(other)} == {"OutputExistsError"}


def test_a_report_comes_with_each_result(picture: Path) -> None:
    folder = picture.parent
    said = redact(folder, "run", "picture.png", "--profile", "fast", "--report", "--json")
    assert said.returncode == 0, said.stderr
    assert objects(said)[0]["verification"]["passed"]
    beside = {"picture.redact.json", "picture.redact.html", "picture.redact.report.json"}
    assert names(folder) == {"picture.png", "picture.redacted.png"} | beside
    assert CANARY not in (folder / "picture.redact.html").read_text(encoding="utf-8")
    again = redact(folder, "verify", "picture.png", "picture.redacted.png", "--json")
    assert again.returncode == 0, again.stderr
    assert objects(again)[0]["passed"]
    proof = redact(folder, "prove", "picture.png", "--profile", "fast")
    assert proof.returncode == 0, proof.stderr
    assert "nothing to prove" in proof.stdout


def test_the_parent_reads_no_media(
    picture: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What parses a stranger's file is confined: here, in the parent, all of it is forbidden."""
    assert redact(picture.parent, "run", "picture.png", "--profile", "fast").returncode == 0

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("read by the parent")

    for name in ("open_source", "analyse_file", "render_file", "verify_file", "prove_file"):
        monkeypatch.setattr(api, name, forbidden)
    for owner in (formats, stages):
        monkeypatch.setattr(owner, "open_source", forbidden)
    monkeypatch.chdir(picture.parent)
    plan = ("--plan", "picture.redact.json", "--quiet")
    for command in (
        ("verify", "picture.png", "picture.redacted.png", *plan),
        ("prove", "picture.png", *plan),
        ("render", "picture.png", *plan, "-o", "again.png"),
        ("analyse", "picture.png", "--profile", "fast", "-p", "other.json", "--quiet"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(command)
        assert ended.value.code == 0, (command, capsys.readouterr().err)


def test_a_picture_of_ones_own_covers(picture: Path) -> None:
    folder = picture.parent
    (folder / "own").mkdir()
    Image.new("RGBA", (30, 40), (200, 10, 10, 128)).save(folder / "own" / "cover.png")
    (folder / "own" / "words.png").write_bytes(b"these are words")
    said = redact(folder, "run", "picture.png", "--profile", "fast", "--cover", "own/cover.png")
    assert said.returncode == 0, said.stderr
    plan = ("--plan", "picture.redact.json")
    for command, code in (
        (("verify", "picture.png", "picture.redacted.png", "--cover", "own/cover.png"), 0),
        (("prove", "picture.png", *plan, "--cover", "own/cover.png"), 0),
        (("render", "picture.png", *plan, "-o", "b.png", "--cover", "own/cover.png"), 0),
        (("render", "picture.png", *plan, "-o", "c.png"), 2),
        (("run", "picture.png", "--force", "--cover", "own/words.png"), 2),
        (("run", "picture.png", "--force", "--cover", "own/absent.png"), 4),
        (("run", "picture.png", "--force", "--cover", "own/cover.png", "--style", "blur"), 2),
    ):
        said = redact(folder, *command)
        assert said.returncode == code, (command, said.stderr)
        assert "Traceback" not in said.stderr
        assert code == 0 or said.stderr.count("\n") == 1, said.stderr


def test_no_faces_is_no_error(picture: Path) -> None:
    said = redact(picture.parent, "run", "picture.png", "--json", "--profile", "fast")
    (item,) = objects(said)
    assert (said.returncode, item["status"], item["faces"]) == (0, "redacted", 0)


def test_two_passes_are_as_good_as_one(clip: Path) -> None:
    folder = clip.parent
    assert redact(folder, "analyse", "clip.mp4", "--profile", "fast").returncode == 0
    assert names(folder) == {"clip.mp4", "clip.redact.json"}
    said = redact(folder, "render", "clip.mp4", "--plan", "clip.redact.json")
    assert said.returncode == 0, said.stderr
    assert load(folder / "clip.redact.json").result is not None
    again = redact(folder, "run", "clip.mp4", "--profile", "fast", "--resume", "--json")
    assert [item["status"] for item in objects(again)] == ["resumed"]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("words.mp4", b"these are words\n" * 50, 5),
        ("words.jpg", b"these are words\n" * 50, 5),
        ("empty.mkv", b"", 5),
        ("absent.mp4", None, 4),
    ],
)
def test_bad_input_leaves_nothing(
    tmp_path: Path, name: str, content: bytes | None, code: int
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    before = names(tmp_path)
    said = redact(tmp_path, "run", name, "--profile", "fast")
    assert said.returncode == code, said.stderr
    assert said.stderr.startswith(f"NOT REDACTED {name}: ")
    assert "Traceback" not in said.stderr
    assert names(tmp_path) == before


@pytest.mark.parametrize("suffix", ["mp4", "png"])
def test_a_truncated_file_leaves_nothing(picture: Path, clip: Path, suffix: str) -> None:
    whole = clip if suffix == "mp4" else picture
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    before = names(clip.parent)
    said = redact(clip.parent, "run", whole.name, "--profile", "fast")
    assert said.returncode == 5, said.stderr
    assert names(clip.parent) == before


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
def test_no_space_leaves_nothing(picture: Path) -> None:
    said = redact(picture.parent, "run", "picture.png", "--profile", "fast", code=LIMITED)
    assert said.returncode == 9, said.stderr
    assert "Traceback" not in said.stderr
    assert names(picture.parent) == {"picture.png"}
