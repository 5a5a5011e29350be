"""Kinds: what redact looks for, one row each: what it is called, and how far hiding it reaches."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from redact.core.findings import Kind

Drawn: TypeAlias = Literal["any", "fill", "plain"]
"""In the run's style; in it, but never computed from what is hidden; or in one colour always."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How one kind is told from a false alarm, and how far hiding it reaches.

    Args:
        kind: Which one.
        threshold: The confidence threshold of a track in a video: with a lower best score it is
            uncertain. None for that of the recipe.
        pad: Margin on each side, as a share of the box's width and height.
        before: Hidden before a track's first detection, in seconds.
        after: Hidden after a track's last detection, in seconds.
        drawn: In which styles: see `Drawn`.
    """

    kind: Kind
    threshold: float | None
    pad: float
    before: float
    after: float
    drawn: Drawn = "any"

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise ValueError(f"a threshold goes from 0 to 1, not to {self.threshold}")
        for name in ("pad", "before", "after"):
            if not 0 <= getattr(self, name) < 1000:
                raise ValueError(f"{name} must be 0 or more, not {getattr(self, name)}")
        if self.drawn not in get_args(Drawn):
            known = ", ".join(get_args(Drawn))
            raise ValueError(f"there is no {self.drawn!r}; choose {known}")
        weakest = KINDS[self.kind].drawn
        if get_args(Drawn).index(self.drawn) < get_args(Drawn).index(weakest):
            names = KINDS[self.kind].names
            raise ValueError(f"{names} are drawn {weakest}, and never {self.drawn}")


@dataclass(frozen=True, slots=True)
class KindFacts:
    """What is the same in every recipe.

    Args:
        option: What `--detect` calls it.
        name: One of them, in words.
        names: Several.
        told: What the option means, in words, where its name does not say enough.
        colour: Of its marks in report and review, `#rrggbb`, seen on white and on black.
        detectors: Names of the detectors that find it.
        growth: Times the width and height of the detections beside it: no box without a detection
            is larger.
        drawn: The weakest way in which it may be drawn.
        glides: Whether its box is smoothed over time, so that it does not move with steps.
        slope: How much the confidence threshold of a detection rises with each doubling of its
            height beyond `knee`; that of faces is the recipe's.
        knee: Height, as a share of the picture's longer side.
    """

    option: str
    name: str
    names: str
    told: str
    colour: str
    detectors: frozenset[str]
    growth: float
    drawn: Drawn = "any"
    glides: bool = False
    slope: float = 0.0
    knee: float = 1.0


_FACES = frozenset({"yunet", "centerface", "mediapipe", "near_faces"})

KINDS: dict[Kind, KindFacts] = {
    Kind.FACE: KindFacts("faces", "face", "faces", "", "#3b82c4", _FACES, 2.0),
    Kind.PLATE: KindFacts(
        "plates", "number plate", "number plates", "number plates", "#8a5fd0",
        frozenset({"plates"}), 1.5, "plain",
    ),
    Kind.HEAD: KindFacts(
        "heads", "head", "heads", "whole heads with their hair, from any side", "#2f8f5b",
        frozenset({"heads"}), 2.0,
    ),
    Kind.PERSON: KindFacts(
        "people", "person", "people", "whole people, from any side", "#c2478f",
        frozenset({"people"}), 1.25, "fill", glides=True, slope=0.1, knee=0.3,
    ),
    Kind.SCREEN: KindFacts(
        "screens", "screen", "screens", "televisions, laptops and telephones, whole", "#8a7a2f",
        frozenset({"screens"}), 1.5, "plain", slope=0.1, knee=0.1,
    ),
    Kind.TEXT: KindFacts(
        "text", "line of text", "lines of text", "lines of it; nothing is read", "#6b7688",
        frozenset({"text"}), 1.5, "plain",
    ),
}  # fmt: skip
"""One row a kind, in the order in which they are told."""

USUAL = (Kind.FACE, Kind.PLATE)
"""What is looked for if nothing is said."""

FURTHER_RULES = (
    Rule(Kind.HEAD, 0.5, 0.4, 0.4, 0.4),
    Rule(Kind.PERSON, 0.4, 0.05, 0.4, 0.4, "fill"),
    Rule(Kind.SCREEN, 0.4, 0.1, 1.0, 1.0, "plain"),
    Rule(Kind.TEXT, 0.6, 0.05, 1.0, 1.0, "plain"),
)
"""The rules of all kinds but the usual ones, whose values have fields of their own in a recipe."""


def kind_of_detector(detector: str) -> Kind:
    """What a detector finds; a name that nobody knows is refused where it is loaded."""
    found = (kind for kind, facts in KINDS.items() if detector in facts.detectors)
    return next(found, Kind.FACE)


def in_words(kinds: Collection[Kind]) -> str:
    """`faces`, `faces and people`, `faces, number plates and people`, in the table's order."""
    names = [facts.names for kind, facts in KINDS.items() if kind in kinds]
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
