"""What the documents promise, sentence by sentence."""

from __future__ import annotations

import re
from pathlib import Path

PROMISE = re.compile(
    r"\b(?:refuse[sd]?|never|every|each|only|nothing|none|nobody|stays?|kept|keeps?|left out|"
    r"leaves|exit code|errors?|removes?|removed|all|no|any|same|exact(?:ly)?|becomes?)\b",
    re.IGNORECASE,
)
"""Words of which a sentence that promises something has one."""


def even(text: str) -> str:
    """Text with single spaces, and without the marks of lists and of emphasis."""
    return re.sub(r"\s+", " ", text.replace("**", "")).strip()


def sentences(page: Path) -> list[str]:
    """The sentences of a page's prose, of its lists, and of its tables cell by cell."""
    text = page.read_text("utf-8")
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^ {4}\S.*$", "", text, flags=re.MULTILINE)
    found = []
    for block in re.split(r"\n\s*\n|\n(?=\s*[-|#])", text):
        if block.lstrip().startswith("#"):
            continue
        cells = re.split(r"(?<!\\)\|", block) if block.lstrip().startswith("|") else [block]
        for cell in cells:
            said = even(re.sub(r"^\s*-\s", "", cell))
            found += re.split(r"(?<=[.!?])\s+(?=[A-Z`\[0-9])", said)
    return [sentence for sentence in found if sentence]


def where(reference: str, root: Path) -> tuple[Path, str]:
    """The file and the name of a test: `room/file::name` is in `tests/room/test_file.py`."""
    place, _, name = reference.partition("::")
    room, _, file = place.rpartition("/")
    return root / "tests" / room / f"test_{file}.py", f"test_{name}"
