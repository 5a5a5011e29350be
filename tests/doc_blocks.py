"""The blocks of the documents that a reader copies, and what each must do when it is run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLLOWS = ("render", "verify", "prove", "edit")
"""Commands that use what the line before them wrote."""

REASONS = {
    "pip install": "it installs, which needs a network",
    "pip download": "it downloads",
    "npm pack": "it downloads",
    "git clone": "it clones, which needs a network",
    "pipx install": "it installs, which needs a network",
    "python bench/": "it measures for minutes, most of it data that is not part of the project",
    "diff before.txt": "it compares two measures",
    "python training/": "it trains on labelled data, which is not part of the project",
}
"""What a line of a shell says if it cannot be run here, and why."""

SHOWN = ("docs/architecture.md", "CONTRIBUTING.md")
"""Pages whose blocks without a language draw folders and flow, and are run by nobody."""

CLUSTER = "docs/cluster.md"
"""The page whose fenced blocks need several machines or terminals: `tests/cluster` runs them."""


@dataclass(frozen=True, slots=True)
class Block:
    """Text that is set off from the prose.

    Args:
        page: The page, from the project's root.
        line: Where it begins, from 1.
        language: What its fence says, empty for an indented block.
        text: What stands in it.
    """

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def kind(self) -> str:
        """`python`, `toml`, `json`, `edits`, `shell`, `shown`, `cluster`, or `unknown`."""
        if self.language:
            if self.language in ("python", "toml", "json"):
                return self.language
            if self.page == CLUSTER and self.language in ("sh", "py", "yaml"):
                return "cluster"
        elif self.text.startswith('"edits": ['):
            return "edits"
        elif all(_is_command(line) for line in commands(self.text)):
            return "shell"
        elif self.page in SHOWN:
            return "shown"
        return "unknown"


def _is_command(line: str) -> bool:
    return line.startswith(("redact ", "man ")) or not_here(line) is not None


def not_here(line: str) -> str | None:
    """Why a line cannot be run in a test, if so."""
    return next((why for part, why in REASONS.items() if part in line), None)


def commands(text: str) -> list[str]:
    """The lines of a shell, each with its continuation and its remark."""
    whole = text.replace("\\\n", " ")
    return [line.strip() for line in whole.splitlines() if line.strip()]


def find_blocks(page: Path, root: Path) -> Iterator[Block]:
    """Fenced blocks, and those indented by four spaces after an empty line outside of lists."""
    name = page.relative_to(root).as_posix()
    lines = page.read_text("utf-8").splitlines()
    at = 0
    while at < len(lines):
        if lines[at].startswith("```"):
            end = lines.index("```", at + 1)
            yield Block(name, at + 1, lines[at][3:], "\n".join(lines[at + 1 : end]))
            at = end
        elif lines[at].startswith("    ") and at and not lines[at - 1]:
            end = at
            while end < len(lines) and lines[end].startswith("    "):
                end += 1
            yield Block(name, at + 1, "", "\n".join(line[4:] for line in lines[at:end]))
            at = end
        at += 1


@dataclass(frozen=True, slots=True)
class Command:
    """A call of redact in a block.

    Args:
        words: What follows the name `redact`.
        named: Files that the remark beside it says it writes.
    """

    words: tuple[str, ...]
    named: tuple[str, ...]

    @property
    def follows(self) -> bool:
        """Whether it needs what the line before it wrote."""
        return self.words[0] in FOLLOWS or "--resume" in self.words


def read_command(line: str) -> Command:
    """Words as a shell takes them, and the names in the remark."""
    said, _, remark = line.partition("  #")
    named = re.findall(r"[\w.]+\.(?:json|html|mp4|jpg|png)\b", remark)
    return Command(tuple(shlex.split(said)[1:]), tuple(named))


def sessions(block: Block) -> list[list[Command]]:
    """The calls of a block, together with the later ones that use what they wrote."""
    found: list[list[Command]] = []
    for line in commands(block.text):
        if not line.startswith("redact "):
            continue
        command = read_command(line)
        if found and command.follows:
            found[-1].append(command)
        else:
            found.append([command])
    return found


def results(words: tuple[str, ...], folder: Path) -> list[Path]:
    """Where the results of `redact run` lie by the rule of the README."""
    given = list(words[1:] if words[0] == "run" else words)
    out = folder / given[given.index("-o") + 1] if "-o" in given else None
    sources = [folder / word for word in given if (folder / word).exists() and word != "mask.png"]
    expected = []
    for source in sources:
        if out is not None and source == out:
            continue
        files = [p for p in source.rglob("*") if p.is_file()] if source.is_dir() else [source]
        top = source if source.is_dir() else source.parent
        for file in files:
            if ".redact" not in file.name:
                place = file.parent if out is None else out / file.parent.relative_to(top)
                expected.append(place / f"{file.stem}.redacted{file.suffix}")
    return expected
