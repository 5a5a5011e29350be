"""Names with `*`, `?` or `[...]` that a shell handed on as they were, as PowerShell and cmd do."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from redact.jobs.naming import is_companion, is_result


def expand_patterns(inputs: Iterable[Path]) -> list[Path]:
    """The inputs, with the files that a pattern means in its place; a file's name is no pattern.

    Hidden files and, unless they are all that fits, results of redact are left alone. A pattern
    that nothing fits stays as it is, so that it is told as missing.
    """
    return [path for given in inputs for path in _expand(given)]


def _expand(given: Path) -> Iterator[Path]:
    text = str(given)
    if os.path.lexists(given) or not glob.has_magic(text):
        yield given
        return
    found = [Path(name) for name in sorted(glob.glob(text, recursive=True))]  # noqa: PTH207
    originals = [path for path in found if not is_result(path)]
    media = [path for path in originals or found if not is_companion(path)]
    yield from media or [given]
