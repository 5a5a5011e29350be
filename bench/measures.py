"""Runs `cover.py` over labels and outputs, and reads what it prints."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_ROW = re.compile(r" *(\d+) (?:to (\d+)|and more) *px: +(\d+) of +(\d+) hidden, +[\d.]+ %")
_ALL = re.compile(r"all: (\d+) of (\d+) hidden, [\d.]+ %")
_PICTURES = re.compile(
    r"hidden in vain: ([\d.]+) % of the picture; pictures (\d+), not written (\d+)"
)
_VIDEO = re.compile(
    r"identities of ([\d.]+) px or more: (\d+), exposed in any frame: (\d+); "
    r"exposed frames: (\d+) of (\d+); hidden in vain: ([\d.]+) % of the picture; frames (\d+)"
)


class ParseError(Exception):
    """What cover.py printed is not what it is known to print."""


class RefusedError(Exception):
    """An output cannot be compared with its original: frames or size differ."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many: `part` of `whole`."""

    part: int = 0
    whole: int = 0

    def __add__(self, other: Share) -> Share:
        return Share(self.part + other.part, self.whole + other.whole)


@dataclass(frozen=True, slots=True)
class Pictures:
    """What was hidden in a set of pictures.

    Args:
        bins: Boxes hidden, by the least height of their bin.
        hidden: Boxes hidden, all heights.
        false_area: Percent of the picture hidden where nobody is, mean over pictures.
        pictures: How many there are.
        missing: How many were not written.
    """

    bins: Mapping[int, Share] = field(default_factory=dict)
    hidden: Share = Share()
    false_area: float = 0.0
    pictures: int = 0
    missing: int = 0

    def from_height(self, least: int) -> Share:
        """Boxes hidden in all bins from a height on."""
        return sum((s for height, s in self.bins.items() if height >= least), Share())


@dataclass(frozen=True, slots=True)
class Clip:
    """What was hidden in one video.

    Args:
        bins: Boxes hidden, by the least height of their bin.
        people: Identities with any exposed frame, of those seen.
        boxes: Exposed frames of those identities, of all their frames.
        false_area: Percent of the picture hidden where nobody is, mean over frames.
        frames: How many there are.
    """

    bins: Mapping[int, Share]
    people: Share
    boxes: Share
    false_area: float
    frames: int


@dataclass(frozen=True, slots=True)
class Cover:
    """The measure.

    Args:
        program: Where cover.py lies.
    """

    program: Path

    def pictures(
        self, labels: Path, originals: Path, redacted: Path, field: str = "faces"
    ) -> Pictures:
        """Measure pictures that lie under one folder.

        Raises:
            RefusedError: An output has another size than its original.
            ParseError: The measure failed, or speaks another language.
        """
        lines = self._run(redacted, "pictures", labels, originals, redacted, "--field", field)
        bins, hidden = _table(lines[:-1])
        found = _match(_PICTURES, lines[-1])
        return Pictures(bins, hidden, float(found[1]), int(found[2]), int(found[3]))

    def clip(self, truth: Path, original: Path, redacted: Path, smallest: int) -> Clip:
        """Measure one video, counting identities from a height on.

        Raises:
            RefusedError: The output has other frames than its original.
            ParseError: The measure failed, or speaks another language.
        """
        said = ("video", truth, original, redacted, "--smallest", smallest)
        lines = self._run(redacted, *said)
        bins, _ = _table(lines[:-1])
        found = _match(_VIDEO, lines[-1])
        if float(found[1]) != smallest:
            raise ParseError(f"asked for {smallest} px: {lines[-1]}")
        people, boxes = Share(int(found[3]), int(found[2])), Share(int(found[4]), int(found[5]))
        return Clip(bins, people, boxes, float(found[6]), int(found[7]))

    def _run(self, redacted: Path, *arguments: object) -> list[str]:
        command = [sys.executable, str(self.program), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            if last.startswith(str(redacted)):
                raise RefusedError(last)
            raise ParseError(f"{' '.join(command)} ended with {done.returncode}: {last}")
        lines = done.stdout.splitlines()
        if len(lines) < 2:
            raise ParseError(f"{' '.join(command)} printed {done.stdout!r}")
        return lines


def _table(lines: list[str]) -> tuple[dict[int, Share], Share]:
    bins: dict[int, Share] = {}
    for line in lines[:-1]:
        found = _match(_ROW, line)
        bins[int(found[1])] = Share(int(found[3]), int(found[4]))
    found = _match(_ALL, lines[-1])
    total = Share(int(found[1]), int(found[2]))
    if total != sum_of(bins.values()) or len(bins) != len(lines) - 1:
        raise ParseError(f"the rows do not add up to {total}: {lines}")
    return bins, total


def sum_of(shares: Iterable[Share]) -> Share:
    """All shares as one."""
    return sum(shares, Share())


def _match(pattern: re.Pattern[str], line: str) -> re.Match[str]:
    found = pattern.fullmatch(line)
    if found is None:
        raise ParseError(f"not understood: {line!r}")
    return found
