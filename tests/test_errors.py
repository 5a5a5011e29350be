from __future__ import annotations

import inspect
import pickle
import re
from pathlib import Path

import pytest

from redact import errors
from redact.errors import EngineError, RedactError, address, class_named, printable


def family() -> dict[str, type[RedactError]]:
    return {
        name: member
        for name, member in inspect.getmembers(errors, inspect.isclass)
        if issubclass(member, RedactError)
    }


def drawn() -> dict[str, str | None]:
    """Each name of the tree in the module's docstring, with the name it hangs from."""
    parents: dict[str, str | None] = {}
    line_of_descent: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"([│├└─ ]*)([A-Z]\w*Error)\b", line)
        if not found:
            continue
        depth, name = len(found[1]) // 4, found[2]
        line_of_descent[depth:] = [name]
        parents[name] = line_of_descent[depth - 1] if depth else None
    return parents


def test_the_tree_in_the_docstring_is_the_tree_of_classes() -> None:
    parents = {
        name: None if member is RedactError else member.__bases__[0].__name__
        for name, member in family().items()
    }
    assert drawn() == parents


def test_each_error_has_one_parent_and_says_what_it_means() -> None:
    for member in family().values():
        assert len(member.__bases__) == 1
        assert inspect.getdoc(member)


@pytest.mark.parametrize("kind", family().values(), ids=family())
def test_errors_travel_between_processes(kind: type[RedactError]) -> None:
    sent = kind("it is empty", Path("a b.mp4"), "choose another")
    came = pickle.loads(pickle.dumps(sent))
    assert type(came) is kind
    assert (came.problem, came.path, came.remedy) == (sent.problem, sent.path, sent.remedy)
    assert str(came) == str(sent)


@pytest.mark.parametrize("kind", family().values(), ids=family())
def test_another_process_names_a_class_of_errors(kind: type[RedactError]) -> None:
    assert class_named(kind.__name__) is kind


@pytest.mark.parametrize(
    "name", ["printable", "Path", "Any", "__doc__", "annotations", "ValueError", ""]
)
def test_what_is_no_class_of_errors_is_not_taken_for_one(name: str) -> None:
    assert class_named(name) is EngineError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (RedactError("it is empty"), "it is empty"),
        (RedactError("it is empty", Path("a.mp4")), "a.mp4: it is empty"),
        (RedactError("it is empty", remedy="try b"), "it is empty; try b"),
        (RedactError("it is empty", Path("a.mp4"), "try b"), "a.mp4: it is empty; try b"),
    ],
)
def test_the_message_is_one_line_of_place_problem_and_remedy(error: RedactError, text: str) -> None:
    assert str(error) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plain name.mp4", "plain name.mp4"),
        ("été 東京.mp4", "été 東京.mp4"),
        ("a\nb", r"a\nb"),
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("a\u202eb", r"a\u202eb"),
        ("a\udcffb", r"a\udcffb"),
    ],
)
def test_what_a_terminal_would_obey_or_choke_on_is_escaped(name: str, text: str) -> None:
    assert printable(Path(name)) == text
    assert str(RedactError("it is empty", Path(name))) == f"{text}: it is empty"


def test_an_address_has_both_its_slashes_and_a_path_is_none() -> None:
    assert address(Path("https://example.org/a b")) == "https://example.org/a b"
    assert printable(Path("RTSP://host/live")) == "RTSP://host/live"
    for path in ("a/https:/b", "C:/a.mp4", "clip.mp4", "https", "take 1: https"):
        assert address(Path(path)) is None
        assert printable(Path(path)) == path
