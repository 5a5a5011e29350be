"""Names at the limit of the file system, and names that are no UTF-8."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from redact.core.names import default_output, held_plan_path, longest_name, plan_path, quarantine
from redact.core.storage import write_whole

LETTERS = {"latin": "a", "cyrillic": "ж", "emoji": "😀", "no UTF-8": os.fsdecode(b"\xe9")}


def longest_source(letter: str, folder: Path) -> Path:
    """A source whose result has the longest name that the folder takes."""
    room = longest_name(folder) - len(".redacted.jpg")
    return folder / (letter * (room // len(os.fsencode(letter))) + ".jpg")


@pytest.mark.parametrize("letter", LETTERS.values(), ids=LETTERS)
def test_whatever_is_beside_a_result_fits(tmp_path: Path, letter: str) -> None:
    output = default_output(longest_source(letter, tmp_path))
    held = quarantine(output)
    assert held.stem.endswith(".redacted.quarantine")
    assert held.suffix == output.suffix
    for path in (output, plan_path(output), held, held_plan_path(held)):
        write_whole(path, "text")
        assert path.read_text() == "text"
        path.unlink()
    assert not list(tmp_path.iterdir())


def test_two_long_names_are_held_back_under_two(tmp_path: Path) -> None:
    one, two = (tmp_path / f"{'a' * 240}{end}.jpg" for end in "bc")
    assert quarantine(one) != quarantine(two)


def test_names_that_fit_are_not_cut() -> None:
    assert quarantine(Path("clip.redacted.mp4")) == Path("clip.redacted.quarantine.mp4")
    assert quarantine(Path("clip.mp4")) == Path("clip.quarantine.mp4")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
@pytest.mark.parametrize("private", [False, True])
def test_no_link_that_another_put_there_is_written_through(tmp_path: Path, private: bool) -> None:
    """The draft's name can be guessed, in a folder in which others can write."""
    path, theirs = tmp_path / "clip.redact.json", tmp_path / "profile"
    theirs.write_text("what a login does")
    names: list[Path] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Path, "replace", lambda draft, _: names.append(draft))
        write_whole(path, "text", private=private)
    (draft,) = names
    draft.symlink_to(theirs)
    write_whole(path, "text", private=private)
    assert theirs.read_text() == "what a login does"
    assert path.read_text() == "text"
    assert not path.is_symlink()


@pytest.mark.skipif(sys.platform == "win32", reason="open files are not moved there")
def test_what_is_private_is_in_no_file_that_another_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the moment in which a draft was there and empty, another could put a file in its place."""
    path, theirs = tmp_path / "clip.redact.private.html", tmp_path / "theirs"
    made = os.open

    def raced(place: Any, *arguments: Any) -> int:
        handle = made(place, *arguments)
        if str(place).endswith(".part"):
            theirs.touch()
            theirs.rename(place)
        return handle

    monkeypatch.setattr(os, "open", raced)
    write_whole(path, "faces", private=True)
    assert path.read_text() == ""
