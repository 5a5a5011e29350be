"""While a review runs, no clear pixel is written anywhere: all that was written is searched."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from redact.core.recipe import recipe
from redact_cli.commands import review
from redact_cli.options import Output
from tests.review.material import make_plan, track_of

SLICE = 48
"""Bytes of a served picture that are looked for, from several places of it."""

START = "from redact_cli.app import main; main()"


def slices(picture: bytes) -> Iterator[bytes]:
    """Parts of a JPEG's coded data, which nothing else holds."""
    body = picture[picture.rindex(b"\xff\xda") :]
    for place in range(32, len(body) - SLICE, max(1, len(body) // 3)):
        yield body[place : place + SLICE]


class Watcher:
    """Keeps a copy of every file that is ever seen under some folders, however briefly."""

    def __init__(self, folders: list[Path]) -> None:
        self._folders = folders
        self._known: dict[Path, tuple[int, int]] = {}
        self.contents: list[tuple[str, bytes]] = []

    def look(self) -> None:
        for folder in self._folders:
            for root, _, names in os.walk(folder):
                for name in names:
                    self._read(Path(root, name))

    def _read(self, path: Path) -> None:
        try:
            found = path.lstat()
            state = (found.st_mtime_ns, found.st_size)
            if self._known.get(path) != state and path.is_file() and not path.is_symlink():
                self._known[path] = state
                self.contents.append((str(path), path.read_bytes()))
        except OSError:
            pass


def test_nothing_clear_is_written(
    clip: Path, tmp_path: Path, playwright: Any, chromium: str, request: pytest.FixtureRequest
) -> None:
    """Neither by the server and its worker process, nor by the browser into its profile."""
    make_plan(
        clip, [track_of(1, "red", range(100)), track_of(2, "blue", range(100), uncertain=True)]
    )
    home = tmp_path / "home"
    home.mkdir()
    temporary = Path(tempfile.mkdtemp(prefix="r"))  # a browser's socket needs a short name
    request.addfinalizer(lambda: shutil.rmtree(temporary, ignore_errors=True))
    surroundings = {
        **os.environ, "HOME": str(home), "TMPDIR": str(temporary),
        "XDG_CACHE_HOME": str(home / "cache"), "XDG_CONFIG_HOME": str(home / "config"),
    }  # fmt: skip
    source = clip.read_bytes()
    watcher = Watcher([home, temporary, clip.parent, Path("/dev/shm")])
    watcher.look()
    watcher.contents.clear()
    command = [sys.executable, "-c", START, "review", "--no-browser", clip.name]
    running = subprocess.Popen(
        command, cwd=clip.parent, env=surroundings, stdout=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    served: list[bytes] = []
    try:
        address = running.stdout.readline().strip()
        profile = home / "profile"
        window: Any = playwright.chromium.launch_persistent_context(
            str(profile), executable_path=chromium, args=["--no-sandbox"], env=surroundings
        )
        page = window.pages[0]
        asked: list[str] = []
        page.on("request", lambda made: asked.append(made.url))
        page.goto(address)
        page.wait_for_selector("body[data-ready]")
        for key in ("2", "3", "End", "Home", "ArrowRight", "s", "Space", "Space"):
            page.keyboard.press(key)
            page.wait_for_timeout(250)
            watcher.look()
        until = time.monotonic() + 60
        while not any(place.endswith("/plan") for place in asked):  # faces were compared
            assert time.monotonic() < until
            page.wait_for_timeout(100)
            watcher.look()
        places = [place for place in dict.fromkeys(asked) if re.search("/(frames|crops)/", place)]
        served = [window.request.get(place).body() for place in places]  # the same once more
        window.close()
        watcher.look()
    finally:
        running.send_signal(signal.SIGTERM)
        rest = running.stdout.read()
        running.stdout.close()
        running.wait(30)
    time.sleep(0.1)
    watcher.look()
    assert rest == ""  # the address was the only line
    assert len(served) > 10
    wanted = {part for picture in served for part in slices(picture)}
    assert len(wanted) > 20
    assert watcher.contents
    for name, content in watcher.contents:
        assert content != source, name
        assert not any(part in content for part in wanted), name
    kept = {path.name for path in clip.parent.iterdir()}
    assert kept == {"street.mp4", "street.redact.json"}
    assert json.loads((clip.parent / "street.redact.json").read_text("utf-8"))["edits"]


def test_the_search_would_find_a_picture_that_is_written(tmp_path: Path) -> None:
    picture = b"head\xff\xda" + bytes(range(256)) * 20
    (tmp_path / "cache").write_bytes(b"junk" + picture + b"junk")
    watcher = Watcher([tmp_path])
    watcher.look()
    assert all(any(part in content for _, content in watcher.contents) for part in slices(picture))


@pytest.mark.parametrize("end", ["idle", "told"])
def test_it_ends_when_idle_or_told(clip: Path, end: str) -> None:
    make_plan(clip, [track_of(1, "red", range(100))])
    idle = "0.05" if end == "idle" else "10"
    command = [sys.executable, "-c", START, "review", "--no-browser", "--idle", idle, str(clip)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stdout is not None
    address = running.stdout.readline().strip()
    assert address.startswith("http://127.0.0.1:")
    if sys.platform == "linux":
        limits = Path(f"/proc/{running.pid}/limits").read_text()
        assert re.search(r"Max core file size +0 ", limits)  # no picture of its memory on disk
    if end == "told":
        with httpx.Client() as client:
            page = client.get(address).text.partition("url=")[2].partition('"')[0]
            origin = address.partition("/open")[0]
            told = client.post(f"{origin}{page}end", content="{}", headers={"origin": origin})
            assert told.status_code == 200
    out, said = running.communicate(timeout=60)
    assert running.returncode == 0
    assert out == ""
    assert "street.redact.json" in said
    assert {path.name for path in clip.parent.iterdir()} == {"street.mp4", "street.redact.json"}


def test_what_has_no_plan_is_analysed_first(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    analysed: list[Path] = []

    def write_plan(source: Path, *_: object, sheet: bool) -> None:
        assert not sheet  # it would show faces in clear
        analysed.append(source)
        make_plan(source, [])

    monkeypatch.setattr(review, "write_plan", write_plan)
    result = clip.with_name("street.redacted.mp4")
    for _ in range(2):
        plan = review._plan_of(clip, result, recipe("fast"), Output())
        assert plan == clip.with_name("street.redact.json")
    assert analysed == [clip]
