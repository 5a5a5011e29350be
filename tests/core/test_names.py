"""Names at the limit of the file system, and names that are no UTF-8."""

from __future__ import annotations

import os
from pathlib import Path

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
