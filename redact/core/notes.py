"""Notes: what had to be decided about a file, and what of it was left out, told in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that is not as the source has it, although nothing was refused.

    Args:
        kind: A short name for scripts, as `times_moved`.
        count: Of how many frames, tracks or the like it is said.
        text: The same for people, in words, with the count in it.
    """

    kind: str
    count: int
    text: str


def as_objects(notes: Iterable[Note]) -> list[dict[str, object]]:
    """The notes as a script reads them."""
    return [asdict(note) for note in notes]
