"""What a check of an output looks at, and what it found: values without pictures."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from redact.core.findings import Kind, Sighting
from redact.core.geometry import Box


@dataclass(frozen=True, slots=True)
class Checking:
    """How an output is checked and what follows from it.

    Args:
        every_frame: Whether the detectors look at every frame, not at a few each second.
        strict: Whether a spot that only one detector suspects counts too.
        report_only: Whether candidates are told, but neither hidden nor held back.
        rounds: How often coverage may be extended and rendered again; each time for longer.
    """

    every_frame: bool = False
    strict: bool = False
    report_only: bool = False
    rounds: int = 3


@dataclass(frozen=True, slots=True)
class Spot:
    """A place of one frame that looks like a face or a plate and is not hidden.

    Args:
        frame: The frame's index.
        time: Its time in seconds.
        box: In pixels of the upright picture.
        scores: Each detector's best word on it, 0 to 1, by the detector's name; or `resemblance`
            to what is hidden there before or after.
        why: What made it count.
        kind: What it looks like.
    """

    frame: int
    time: Fraction
    box: Box
    scores: tuple[tuple[str, float], ...]
    why: str = ""
    kind: Kind = Kind.FACE

    @property
    def score(self) -> float:
        """The best word."""
        return max(score for _, score in self.scores)


@dataclass(frozen=True, slots=True)
class Leak:
    """A candidate for a leak: spots of consecutive looks that seem to be one thing."""

    spots: tuple[Spot, ...]

    @property
    def start(self) -> Fraction:
        """Seconds at which it was first seen."""
        return self.spots[0].time

    @property
    def end(self) -> Fraction:
        """Seconds at which it was last seen."""
        return self.spots[-1].time

    @property
    def best(self) -> Spot:
        """The spot with the highest score."""
        return max(self.spots, key=lambda spot: spot.score)

    @property
    def sightings(self) -> tuple[Sighting, ...]:
        """Where it was, as a track says it."""
        return tuple(Sighting(s.frame, s.time, s.box, s.score) for s in self.spots)


@dataclass(frozen=True, slots=True)
class Verification:
    """What the check of one output found.

    Args:
        frames: How many frames were compared with the source.
        looked: At how many of them the detectors looked.
        witnesses: Those detectors, by name; the first did not take part in the analysis.
        faults: What is wrong with structure or pixels, in words; none is expected.
        leaks: What still looks like a face or a plate outside of what is hidden.
        inside: Largest correlation of source and output inside any region.
        outside: Largest change of any block outside, in steps of 255.
        hidden: Candidates of earlier rounds that were hidden and rendered again.
    """

    frames: int
    looked: int
    second_opinion: tuple[str, ...]
    faults: tuple[str, ...] = ()
    leaks: tuple[Leak, ...] = ()
    inside: float = 0.0
    outside: float = 0.0
    hidden: tuple[Leak, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults and not self.leaks

    def in_words(self) -> str:
        """One line."""
        if self.faults:
            return "; ".join(self.faults)
        said = f"{self.frames} frames compared, "
        who = " and ".join(self.second_opinion)
        said += f"{self.looked} looked at by {who}" if who else "faces not looked for"
        if self.hidden:
            said += f", {_count(self.hidden)} found and hidden"
        if self.leaks:
            worst = ", ".join(f"{float(leak.start):.2f} s" for leak in self.leaks[:5])
            more = ", ..." if len(self.leaks) > 5 else ""
            return f"{said}: {_count(self.leaks)} left, at {worst}{more}"
        return f"{said}: nothing left"


def _count(leaks: tuple[Leak, ...]) -> str:
    return f"{len(leaks)} possible leak" + ("" if len(leaks) == 1 else "s")
