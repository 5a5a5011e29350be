"""How an output is checked, and what the check found: values without pictures."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from redact.core.findings import Kind, Sighting
from redact.core.geometry import Box
from redact.core.kinds import in_words

BETWEEN = "hidden before or after"
"""Why a spot counts that no detector saw, between two sightings of the thing."""

AT_AN_END = "like what is hidden before or after"
"""The same before its first sighting and after its last, where it most probably is gone."""


@dataclass(frozen=True, slots=True)
class Checking:
    """How an output is checked and what follows from it.

    Args:
        every_frame: Whether detectors examine every frame, not a few each second.
        strict: Whether a spot counts too that detectors only suspect.
        report_only: Whether leaks are told, but neither hidden nor held back.
        rounds: How often the plan may be extended and rendered again; each time things are held
            for longer.
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
        scores: Pairs of a detector's name and its score, 0 to 1; or of `resemblance` and the
            correlation with what is hidden there before or after.
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
        """The best one."""
        return max(score for _, score in self.scores)


@dataclass(frozen=True, slots=True)
class Leak:
    """What may still show somebody: spots that follow each other and seem to be one thing."""

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

    def as_object(self) -> dict[str, Any]:
        """As JSON holds it: times in seconds, the best spot's box in pixels, upright."""
        best = self.best
        box = (best.box.left, best.box.top, best.box.right, best.box.bottom)
        return {
            "kind": str(best.kind),
            "start": float(self.start),
            "end": float(self.end),
            "frame": best.frame,
            "box": [round(side, 1) for side in box],
            "height": round(best.box.height),
            "scores": dict(best.scores),
            "why": best.why,
        }


@dataclass(frozen=True, slots=True)
class Verification:
    """What the check of one output found.

    Args:
        frames: How many frames were compared with the source.
        examined: How many of them were examined by detectors.
        detectors: Names of those; the first did not take part in the analysis.
        faults: What is wrong with the structure, in words; none is expected.
        leaks: What still looks like a face or a plate outside of what is hidden.
        inside: Largest correlation of source and output inside any region, of their fine structure.
        outside: Largest change of any block outside, in steps of 255.
        hidden: Leaks of earlier rounds that were hidden and rendered again.
        shows: Regions that resemble what they should hide, by the correlation of their fine
            structure; none is expected.
        changed: Index and seconds of the frames in which what is not hidden is changed; none is
            expected.
        mended: How many such regions and frames of earlier rounds were rendered again.
        rounds: How often it was rendered and checked, also the first time.
        doubts: What resembles something at an end of its track, is not hidden, and is no leak: it
            is a large part of the picture, and no detector sees anything there.
        searched: The kinds that detectors looked for: faces those of other families, other kinds
            the analysis' own at another scale.
        unsearched: Kinds that are hidden and for which there is no second opinion.
        closely: How many frames were examined for all kinds; the others for faces alone.
    """

    frames: int
    examined: int
    detectors: tuple[str, ...]
    faults: tuple[str, ...] = ()
    leaks: tuple[Leak, ...] = ()
    inside: float = 0.0
    outside: float = 0.0
    hidden: tuple[Leak, ...] = ()
    shows: tuple[Spot, ...] = ()
    changed: tuple[tuple[int, Fraction], ...] = ()
    mended: int = 0
    rounds: int = 1
    doubts: tuple[Leak, ...] = ()
    searched: tuple[Kind, ...] = ()
    unsearched: tuple[Kind, ...] = ()
    closely: int = 0

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems and not self.leaks

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with structure or pixels, in words; of each kind of pixels the first."""
        shows = (f"what the plan hides shows {_place(s.frame, s.time)}" for s in self.shows[:1])
        changed = (
            f"what the plan does not hide is changed {_place(*moment)}"
            for moment in self.changed[:1]
        )
        return (*self.faults, *shows, *changed)

    def as_object(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "passed": self.passed,
            "frames": self.frames,
            "examined": self.examined,
            "examined_closely": self.closely,
            "detectors": list(self.detectors),
            "searched": [str(kind) for kind in self.searched],
            "no_second_opinion": [str(kind) for kind in self.unsearched],
            "faults": list(self.problems),
            "mended": self.mended,
            "rounds": self.rounds,
            "inside": round(self.inside, 4),
            "outside": round(self.outside, 2),
            "leaks": [leak.as_object() for leak in self.leaks],
            "hidden": [leak.as_object() for leak in self.hidden],
            "doubts": [leak.as_object() for leak in self.doubts],
        }

    def in_words(self) -> str:
        """One line."""
        if self.problems:
            return "; ".join(self.problems)
        said = f"{self.frames} frames compared, "
        who = " and ".join(self.detectors)
        said += f"{self.examined} examined by {who}" if who else "faces not looked for"
        others = in_words([kind for kind in self.searched if kind is not Kind.FACE])
        said += f", {others} looked for at another scale in {self.closely}" if others else ""
        said += f", no second opinion on {in_words(self.unsearched)}" if self.unsearched else ""
        if self.hidden:
            said += f", {_count(self.hidden)} found and hidden"
        if self.mended:
            said += f", {self.mended} rendered again since their pixels were in doubt"
        if self.doubts:
            said += f", {doubts_in_words(self.doubts)}"
        if self.leaks:
            worst = ", ".join(f"{float(leak.start):.2f} s" for leak in self.leaks[:5])
            more = ", ..." if len(self.leaks) > 5 else ""
            return f"{said}: {_count(self.leaks)} left, at {worst}{more}"
        return f"{said}: nothing else left" if self.doubts else f"{said}: nothing left"


def doubts_in_words(doubts: tuple[Leak, ...]) -> str:
    """Where something large looks like what is hidden before or after; to follow other words."""
    moments = ", ".join(f"{float(doubt.start):.2f} s" for doubt in doubts[:5])
    more = ", ..." if len(doubts) > 5 else ""
    what = "something looks" if len(doubts) == 1 else f"{len(doubts)} things look"
    return f"{what} like what is hidden before or after and is NOT hidden, at {moments}{more}"


def _place(frame: int, time: Fraction) -> str:
    return f"at {float(time):.2f} s (frame {frame})"


def _count(leaks: tuple[Leak, ...]) -> str:
    return f"{len(leaks)} possible leak" + ("" if len(leaks) == 1 else "s")
