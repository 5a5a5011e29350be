"""How fast work goes and how long it will still take: pure arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SHARES: Mapping[str, tuple[float, float]] = {
    "resume": (0.0, 0.5),
    "analyse": (0.0, 0.5),
    "divide": (0.5, 0.0),
    "render": (0.5, 0.3),
    "verify": (0.8, 0.2),
    "follow": (0.45, 0.05),
    "doubt": (0.45, 0.05),
    "people": (0.45, 0.05),
    "again": (0.5, 0.0),
    "prove": (0.5, 0.5),
}
"""Where each stage of a file begins and how much of the file's time it takes, roughly."""


_MOMENT = 0.5
"""Seconds, before which a speed would be made up: a thousand frames a second from one frame."""


@dataclass(slots=True)
class Pace:
    """One file's progress.

    Args:
        began: When the file was begun, in seconds of any clock.
        stage: What is done to it now.
        done: Frames that this stage has done.
        expected: Frames that it will do, None where unknown.
        now: When that was told.
        stage_began: When the stage was begun.
        spared: Frames of this stage that an earlier run had looked at.
        goes_on: Whether that is all of what the earlier run did, as was told just now.
        rounds: How often it is rendered, also the first time.
        finds: What the check found, if a further round was told just now.
    """

    began: float
    stage: str = ""
    done: int = 0
    expected: int | None = None
    now: float = 0.0
    stage_began: float = 0.0
    spared: int = 0
    goes_on: bool = False
    rounds: int = 1
    finds: int | None = None
    _render_began: float | None = None
    _share: float = 0.0

    def update(self, stage: str, done: int, expected: int | None, now: float) -> None:
        """Take in what was told."""
        self.goes_on = self.stage == "resume" != stage
        if stage == "verify" and self.stage == "render" and done == expected:
            done = 0  # the finished file as a whole; its frames are compared next
        self.finds = None
        if stage == "again":
            self.rounds, self.finds = self.rounds + 1, done
        if stage in ("follow", "again") and self._render_began is not None:
            self._begin_round(now, now - self._render_began)
        if stage == "render" != self.stage:
            self._render_began = now
        if stage != self.stage:
            self.stage, self.stage_began = stage, self.now if self.stage else self.began
            self.spared = done - 1 if self.goes_on and stage == "analyse" else 0
        self.done, self.expected, self.now = done, expected, now
        if self.goes_on:  # what was quick says nothing about what is left
            self.began, self._share = now, self.fraction

    def _begin_round(self, now: float, last_round: float) -> None:
        """Expect another round to take as long as the last one did."""
        self.began, self._share, self._render_began = now - last_round, 0.0, None

    @property
    def fraction(self) -> float:
        """How much of the file is done, from 0 to 1."""
        start, share = SHARES.get(self.stage, (0.0, 0.0))
        part = min(1.0, self.done / self.expected) if self.expected else 0.0
        return start + share * part

    @property
    def rate(self) -> float | None:
        """Frames per second in this stage, None until it has gone on for a moment."""
        elapsed = self.now - self.stage_began
        frames = self.done - self.spared
        return frames / max(elapsed, 0.001) if elapsed >= _MOMENT else None

    def left(self, now: float) -> float | None:
        """Seconds to the end of the file, None while nothing is known."""
        if self._share >= 1 or now - self.began < _MOMENT:
            return None
        share = (self.fraction - self._share) / (1 - self._share)
        return remaining(share, now - self.began)


class StageTimes:
    """How long each stage of each file took."""

    def __init__(self) -> None:
        self._now: dict[Path, tuple[str, float, int]] = {}

    def tell(self, key: Path, stage: str, done: int, now: float) -> str | None:
        """Take in how far a file is; gives a line about the stage that ended thereby, if any."""
        before = self._now.get(key)
        if before is not None and before[0] == stage:
            self._now[key] = (stage, before[1], done)
            return None
        line = self.end(key, now)
        self._now[key] = (stage, now, done)
        return line

    def end(self, key: Path, now: float) -> str | None:
        """A file is at its end; gives a line about its last stage, if there was one."""
        before = self._now.pop(key, None)
        if before is None or before[0] == "again":
            return None
        stage, began, done = before
        return f"{stage}: {done} frames in {now - began:.1f} s"


def remaining(fraction: float, elapsed: float) -> float | None:
    """Seconds that are left if it goes on like this, None while too little is done."""
    return elapsed * (1 - fraction) / fraction if fraction > 0.001 else None


def clock(seconds: float | None) -> str:
    """A duration as people read it: `0:08`, `12:30`, `1:02:03`."""
    if seconds is None:
        return "-:--"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Total:
    """A whole batch: files weigh as much as they have bytes.

    Args:
        weights: Bytes of each file, by any key.
        began: When the batch was begun.
    """

    def __init__(self, weights: Mapping[Path, int], began: float) -> None:
        self.files = len(weights)
        self.ended = 0
        self._weights = {key: max(1, weight) for key, weight in weights.items()}
        self._paces: dict[Path, Pace] = {}
        self._done: set[Path] = set()
        self._began = began

    def tell(self, key: Path, stage: str, done: int, expected: int | None, now: float) -> Pace:
        """A file is that far."""
        pace = self._paces.setdefault(key, Pace(now))
        pace.update(stage, done, expected, now)
        return pace

    def end(self, key: Path, *, worked: bool) -> None:
        """A file is at its end; one that cost no work says nothing about the speed."""
        self.ended += 1
        self._paces.pop(key, None)
        if worked:
            self._done.add(key)
        else:
            self._weights.pop(key, None)

    @property
    def fraction(self) -> float:
        """How much of the work is done, from 0 to 1."""
        whole = sum(self._weights.values())
        parts = {key: pace.fraction for key, pace in self._paces.items()}
        parts.update(dict.fromkeys(self._done, 1.0))
        done = sum(self._weights.get(key, 0) * part for key, part in parts.items())
        return done / whole if whole else 1.0

    def left(self, now: float) -> float | None:
        """Seconds to the end of the batch, None while nothing is known."""
        return remaining(self.fraction, now - self._began)
