"""Detection passes: which detector looks for what, how large, and how often, by profile."""

from __future__ import annotations

from dataclasses import dataclass, replace

from redact.core.findings import Kind
from redact.core.kinds import kind_of_detector
from redact.errors import RecipeError

REFERENCE_RATE = 25
"""Frames a second that a pass's `every` is meant for."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One detection pass: one detector, at one scale of the picture.

    Args:
        detector: A name of `redact.detect.detectors.DETECTORS`.
        side: Longer side, in pixels, to which the picture is scaled for this pass.
        threshold: The confidence threshold: detections with a lower score are dropped.
        quarters: Clockwise quarter turns given to the picture before detection.
        turned_threshold: The threshold while the upright picture shows faces as well as the turned
            one: then the picture stands upright, and turned faces are rare.
        every: Run on each `every`-th frame of a video of 25 a second, else as often in time.
        enlarge: Whether a picture smaller than `side` is scaled up to it.
        most: How many times its size a picture is scaled up at most; 0 for no such bound.
        above: Longer side of a picture, in pixels, above which the pass runs.
        largest: Detections above this share of the picture are dropped: see another pass. A box
            that leaves the picture may be larger than it.
        scale: If not 0, the picture is scaled by this, whatever its size, and the detector sees it
            in overlapping tiles whose longer side is at most `side` pixels.
        stills: Whether the pass runs on stills and pages only, which are seen once.
        loose: Whether its boxes are loose: what other passes of the frame see it only confirms.
    """

    detector: str
    side: int
    threshold: float
    quarters: int = 0
    every: int = 1
    enlarge: bool = True
    most: float = 0.0
    above: int = 0
    largest: float = 100.0
    turned_threshold: float = 0.0
    scale: float = 0.0
    stills: bool = False
    loose: bool = False

    def __post_init__(self) -> None:
        if not 32 <= self.side <= 16384:
            raise RecipeError(f"a detector's longer side goes from 32 to 16384, not {self.side}")
        if not 0 < self.threshold < 1:
            raise RecipeError(f"a threshold lies between 0 and 1, not at {self.threshold}")
        if self.quarters not in range(4) or self.every < 1:
            raise RecipeError("quarter turns go from 0 to 3, and `every` starts at 1")
        if self.above < 0 or not self.largest > 0 or not (self.most == 0 or self.most >= 1):
            raise RecipeError("`above` starts at 0, `largest` above it, `most` at 1 if not 0")
        if not 0 <= self.turned_threshold < 1:
            raise RecipeError(f"a threshold lies between 0 and 1, not at {self.turned_threshold}")
        if not 0 <= self.scale <= 1:
            raise RecipeError(f"the scale of tiles lies between 0 and 1, not at {self.scale}")

    @property
    def kind(self) -> Kind:
        """What its detector finds."""
        return kind_of_detector(self.detector)


def _turned(upright: Pass) -> tuple[Pass, ...]:
    """A pass over the picture turned by each other quarter."""
    return tuple(replace(upright, quarters=quarters) for quarters in (1, 2, 3))


_TILE = 1024
"""Longer side of a tile, in pixels: larger ones cost memory, smaller ones overlap more."""
_PLATES_CLOSELY = (
    Pass("plates", _TILE, 0.22, scale=0.7, above=2048, largest=0.01, stills=True),
    Pass("plates", _TILE, 0.22, scale=0.35, above=4096, largest=0.005, every=24),
)
"""At 0.7 of the picture's size as many plates of 20 px are found as at all of it, at half cost."""
# At 640 pixels large plates on light cars are missed, and of some only a part is found; not at 320.
_PLATES_FAST = (
    Pass("plates", 640, 0.41, every=4),
    Pass("plates", 320, 0.3, every=8),
)
_PLATES_BALANCED = (
    Pass("plates", 640, 0.41, every=3),
    Pass("plates", 320, 0.3, every=6),
    Pass("plates", 1280, 0.47, every=8, above=900, largest=0.01),
    *_PLATES_CLOSELY,
)
_PLATES_THOROUGH = (
    Pass("plates", 640, 0.28, every=2),
    Pass("plates", 320, 0.28, every=4),
    Pass("plates", 960, 0.28, every=4, largest=0.01),
    Pass("plates", 1920, 0.28, every=4, above=1200, enlarge=False, largest=0.01),
    Pass("plates", 4096, 0.28, every=12, above=2400, enlarge=False, largest=0.002),
    *_PLATES_CLOSELY,
    Pass("plates", _TILE, 0.22, scale=1, above=4096, largest=0.01, stills=True),
)
_FAST = (
    Pass("yunet", 1024, 0.45, every=2),
    Pass("centerface", 960, 0.15, every=6),
    Pass("near_faces", 352, 0.2, every=6, loose=True),
)
_BALANCED = (
    Pass("centerface", 960, 0.12, every=3),
    Pass("centerface", 640, 0.155, every=6),
    Pass("centerface", 2048, 0.13, every=24, most=2.2),
    Pass("near_faces", 352, 0.2, every=6, loose=True),
    *_turned(Pass("centerface", 960, 0.2, turned_threshold=0.7, every=24)),
    *_turned(Pass("yunet", 352, 0.7, turned_threshold=0.85, every=12)),
    Pass("centerface", _TILE, 0.13, scale=1, above=2048, stills=True),
    Pass("centerface", _TILE, 0.13, scale=0.5, above=4096, every=24),
    Pass("centerface", _TILE, 0.2, scale=0.25, above=8192, every=24),
)
_THOROUGH = (
    Pass("centerface", 960, 0.09, every=2),
    Pass("centerface", 640, 0.12, every=4),
    Pass("centerface", 2048, 0.09, every=8),
    Pass("centerface", 1440, 0.09, every=24),
    Pass("near_faces", 352, 0.2, every=4, loose=True),
    Pass("yunet", 640, 0.6, every=4),
    Pass("yunet", 320, 0.6, every=8),
    *_turned(Pass("centerface", 960, 0.15, turned_threshold=0.6, every=12)),
    *_turned(Pass("centerface", 640, 0.2, turned_threshold=0.7, every=24)),
    *_turned(Pass("yunet", 352, 0.7, turned_threshold=0.85, every=8)),
    Pass("centerface", _TILE, 0.09, scale=1, above=2048, stills=True),
    Pass("centerface", _TILE, 0.09, scale=0.5, above=4096, every=8),
    Pass("centerface", _TILE, 0.13, scale=0.25, above=8192, every=8),
)


def _closely(detector: str, threshold: float, above: int = 2048) -> tuple[Pass, Pass]:
    """Tiles for what is small in large pictures; `above` is that of stills."""
    tile = Pass(detector, _TILE, threshold, largest=0.05)
    still = replace(tile, scale=1, above=above, stills=True)
    return still, replace(tile, scale=0.5, above=2048, every=24)


_PEOPLE_CLOSELY, _HEADS_CLOSELY = _closely("people", 0.3), _closely("heads", 0.3)
_SCREENS = (Pass("screens", 416, 0.2, every=12), Pass("screens", 832, 0.2, every=24))
_TEXT_CLOSELY = (
    Pass("text", 2560, 0.4, stills=True, most=3),
    *_closely("text", 0.5, above=1280),
)
USUAL_PASSES: dict[str, tuple[Pass, ...]] = {
    "fast": _FAST + _PLATES_FAST,
    "balanced": _BALANCED + _PLATES_BALANCED,
    "thorough": _THOROUGH + _PLATES_THOROUGH,
}
"""By profile: how the kinds are looked for that are looked for if nothing is said."""
FURTHER_PASSES: dict[str, tuple[Pass, ...]] = {
    "fast": (
        Pass("heads", 640, 0.3, every=4),
        Pass("heads", 352, 0.3, every=12),
        Pass("people", 640, 0.25, every=4),
        Pass("screens", 416, 0.3, every=12),
        Pass("text", 960, 0.5, every=24, enlarge=False),
    ),
    "balanced": (
        Pass("heads", 640, 0.25, every=4),
        *(Pass("heads", side, 0.25, every=12) for side in (352, 1280)),
        *_HEADS_CLOSELY,
        Pass("people", 416, 0.2, every=4),
        Pass("people", 832, 0.2, every=8),
        *_PEOPLE_CLOSELY,
        *_SCREENS,
        *_closely("screens", 0.4),
        Pass("text", 1280, 0.4, every=24, enlarge=False),
        *_TEXT_CLOSELY,
    ),
    "thorough": (
        Pass("heads", 640, 0.2, every=2),
        *(Pass("heads", side, 0.2, every=8) for side in (352, 960, 1280)),
        *_HEADS_CLOSELY,
        Pass("people", 416, 0.15, every=2),
        Pass("people", 832, 0.15, every=4),
        Pass("people", 1280, 0.15, every=8),
        *_PEOPLE_CLOSELY,
        *_SCREENS,
        *_closely("screens", 0.4),
        Pass("text", 1280, 0.3, every=8, enlarge=False),
        Pass("text", 1920, 0.3, every=16, above=1280, enlarge=False),
        *_TEXT_CLOSELY,
    ),
}
"""By profile: how kinds are looked for that are not looked for if nothing is said."""
