"""What others find in a draft while it is checked: which draft that is, and how their spans count.

The draft lies beside the output, where all machines of a cluster see it. A file in the folder of
the detection cache names it. As with a source, a result counts for the very same picture alone; so
whoever searches another draft has worked in vain, and nothing else.
"""

from __future__ import annotations

import re
import secrets
from concurrent.futures import Future
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from redact.core.findings import Detection
from redact.core.frames import Frame
from redact.core.storage import is_private, write_private
from redact.detect.sealed import read_sealed, seal, unseal
from redact.detect.spans import Plausible, SpansFoundElsewhere

_NAME = "draft.json"
_PLACE = re.compile(r"\.[^/\\\0]+\.part/draft\.[0-9A-Za-z]+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class SharedDraft:
    """The draft of a result that is checked, as a file in the folder of a cache names it.

    Args:
        folder: Its own folder, beside the output.
        name: Its name in that.
        token: Of this check alone; spans of an earlier draft have another, and so another key.
    """

    folder: str
    name: str
    token: str


def share_draft(folder: Path, draft: Path) -> str:
    """Tell whoever sees the folder of a cache which draft is checked; gives the token.

    Raises:
        OSError: It cannot be written.
    """
    token = secrets.token_hex(16)
    write_private(folder / _NAME, seal(SharedDraft(draft.parent.name, draft.name, token)))
    return token


def find_draft(folder: Path) -> tuple[Path, str] | None:
    """The draft that is checked, and its token; None if nothing says so."""
    try:
        if not is_private(folder.lstat()):
            return None
        said = unseal(read_sealed(folder / _NAME, 1 << 12), SharedDraft)
        if _PLACE.fullmatch(f"{said.folder}/{said.name}") is None:
            return None
        return folder.parent / said.folder / said.name, said.token
    except Exception:  # whatever is wrong with it: the file's own worker does it all
        return None


class SpansOfDraft:
    """What others find in a draft while it is checked; a cache of the check's passes.

    Args:
        folder: Where spans lie.
        key: What their key must be.
        plausible: What the check's passes can find.
        seconds: How long a span is.
    """

    def __init__(self, folder: Path, key: str, plausible: Plausible, seconds: int) -> None:
        self._folder, self._key, self._plausible = folder, key, plausible
        self._seconds, self._found = seconds, SpansFoundElsewhere()
        self._start: Fraction | None = None
        self._number = -1

    @property
    def used(self) -> int:
        """How many spans spared passes."""
        return self._found.used

    def advance(self, frame: Frame) -> None:
        """Go on to the next frame; times grow."""
        if self._start is None:
            self._start = frame.time
        number = int((frame.time - self._start) // self._seconds)
        if number != self._number:
            self._number = number
            self._found.enter(self._folder, self._key, number, self._plausible)

    def recall(self, frame: Frame, pass_index: int, result: Future[list[Detection]]) -> bool:
        """Set the result if another found it, and that can be used."""
        return self._found.recall(frame, pass_index, result)
