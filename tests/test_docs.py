"""The documents: short where they promise it, and true in what they name."""

from __future__ import annotations

import ast
import importlib
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

import redact
from tests.claims import PROMISE, even, sentences, where

ROOT = Path(__file__).parents[1]
CARDS = ("bench/README.md", "training/plates/README.md", "redact/detect/weights/plates.md")
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
PAGES += [ROOT / card for card in CARDS if (ROOT / card).is_file()]
GENERATED = ("redact/detect/weights/files", "bench/out")
"""Folders that are filled by a build or a run."""
CLAIMS = tomllib.loads((ROOT / "tests" / "claims.toml").read_text("utf-8"))
"""By page: what stands there, and which tests hold it to that."""


pytestmark = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="an archive without docs")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(path: Path) -> str:
    """The page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """The names that a browser jumps to: headings in small letters, spaces as dashes."""
    headings = re.findall(r"^#+ (.+)$", prose(path), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def blocks(path: Path, language: str = "") -> list[str]:
    """The fenced blocks of code in that language."""
    found = re.findall(r"^```(\w*)\n(.*?)^```", path.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [text for said, text in found if said == language]


def drawn(layout: str) -> list[Path]:
    """The files that a drawing of folders names: a folder's depth is its indentation."""
    files, folders = [], list[str]()
    for line in layout.splitlines():
        names, depth = line.strip().split("  ")[0].split(), (len(line) - len(line.lstrip())) // 2
        for item in names:
            if item.endswith("/"):
                folders[depth:] = [item.rstrip("/")]
            else:
                files.append(ROOT.joinpath(*folders[:depth], item))
    return files


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        place, _, anchor = target.partition("#")
        file = (page.parent / place) if place else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_named_file_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    for path in re.findall(r"`((?:redact|tests|bench|cli|docs|training)/[\w/.]*)`", text):
        assert path.startswith(GENERATED) or "NAME" in path or (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_named_part_of_redact_can_be_imported(page: Path) -> None:
    """`redact.plan.save` and its like: as far as it is a module, then attributes of it."""
    for dotted in set(re.findall(r"(?<![\w.])redact(?:\.[A-Za-z]\w*)+", "\n".join(code_in(page)))):
        here: object = redact
        path = "redact"
        for part in dotted.split(".")[1:]:
            path = f"{path}.{part}"
            loaded = getattr(here, part, None)
            here = importlib.import_module(path) if loaded is None else loaded


def code_in(page: Path) -> list[str]:
    """Blocks of Python, and short code in the prose that can be Python."""
    short = re.findall(r"`(redact\.[\w.]+)(?:\([^`]*\))?`", prose(page))
    files = (".py", ".json", ".html", ".md", ".part", ".toml")
    return [*blocks(page, "python"), *(code for code in short if not code.endswith(files))]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_shown_python_compiles(page: Path) -> None:
    for text in blocks(page, "python"):
        compile(text, name(page), "exec")


def test_the_layout_names_every_module_once_and_nothing_else() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    layout = page[page.index("## Layout") :]
    (block, *_) = re.findall(r"^```\n(redact/.*?)^```", layout, re.DOTALL | re.MULTILINE)
    named = sorted(name(path) for path in drawn(block) if path.suffix == ".py")
    files = sorted(name(path) for path in (ROOT / "redact").rglob("*.py"))
    assert named == files
    assert all(path.exists() for path in drawn(block))


def test_the_layout_test_notices_what_is_missing_or_invented() -> None:
    layout = "redact/   \n  errors.py api.py  two\n  core/\n    plan.py  what\n  pipeline.py\n"
    files = ("errors.py", "api.py", "core/plan.py", "pipeline.py")
    assert drawn(layout) == [ROOT / "redact" / file for file in files]


# What the pages promise


@cache
def names_of_tests(path: Path) -> frozenset[str]:
    """The names of a file's tests."""
    tree = ast.parse(path.read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def missing(reference: str) -> bool:
    """Whether what a claim names does not exist."""
    if reference in ("limit", "words"):
        return False
    if reference.startswith("bench/"):
        return not (ROOT / reference).is_file()
    path, test = where(reference, ROOT)
    return not path.is_file() or test not in names_of_tests(path)


def unheld(page: str, said: list[str]) -> list[str]:
    """Sentences with a word that promises something, of which no quote is a part."""
    quotes = [even(quote) for quote in CLAIMS[page]]
    promises = [sentence for sentence in said if PROMISE.search(sentence)]
    return [s for s in promises if not any(quote in s or s in quote for quote in quotes)]


@pytest.mark.parametrize("page", CLAIMS)
def test_every_promise_has_a_test(page: str) -> None:
    text = even(re.sub(r"^\s*-\s", "", (ROOT / page).read_text("utf-8"), flags=re.MULTILINE))
    lost = [quote for quote in CLAIMS[page] if even(quote) not in text]
    assert not lost, f"{page} does not say this any more: change tests/claims.toml with it"
    untested = {q: [r for r in named if missing(r)] for q, named in CLAIMS[page].items()}
    assert not {quote: refs for quote, refs in untested.items() if refs}
    assert all(CLAIMS[page].values()), "a promise without a test"
    held = unheld(page, sentences(ROOT / page))
    assert not held, f"{page} promises this: name its tests in tests/claims.toml"


def test_a_promise_without_a_test_is_noticed() -> None:
    assert missing("media/sink::nothing_like_it")
    assert missing("media/nowhere::turns_are_kept")
    assert missing("bench/nowhere.py")
    assert not missing("media/sink::turns_are_kept")
    promise = "Every cat is kept."
    assert unheld("README.md", [promise, "Cats sleep."]) == [promise]
