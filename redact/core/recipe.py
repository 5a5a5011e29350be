"""Recipe: the choices of one run, frozen, picklable and stored in the plan."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from math import log2
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from redact.core.coverage import Coverage
from redact.core.findings import Detection, Kind
from redact.core.geometry import Size
from redact.core.kinds import KINDS, USUAL, kind_of_detector
from redact.errors import RecipeError

if TYPE_CHECKING:  # numpy, which `redact --help` does not need
    from redact.core.frames import VideoInfo

StyleName: TypeAlias = Literal["blur", "solid", "pixelate", "cover", "gaussian", "mosaic"]
Audio: TypeAlias = Literal["keep", "drop", "disguise"]
Uncertain: TypeAlias = Literal["hide", "list"]
Extra: TypeAlias = Literal["subtitles", "languages"]

REFERENCE_RATE = 25
"""Frames a second that a pass's `every` is meant for."""

KNEE = 1 / 24
"""Height, as a share of the picture's longer side, from which a face's threshold rises."""
TRACK_KNEE = 1 / 45
"""The same for the threshold of a track, which has had many chances to be seen clearly."""

IRREVERSIBLE: frozenset[str] = frozenset({"blur", "solid", "pixelate", "cover"})
"""Styles that draw nothing that depends on the hidden pixels."""

_TELEMETRY = "that tells where and when it was filmed"
_UNSEEN_WORDS = "words that nobody sees while watching may name people and places"
_UNSEEN_PICTURES = "that may hold the very pictures that are hidden"
NEVER: dict[str, str] = {
    **dict.fromkeys(("gps", "location", "places", "telemetry", "data", "gpmf", "camm", "mebx",
                     "timecode", "times", "dates", "serials", "exif", "xmp"), _TELEMETRY),
    **dict.fromkeys(("chapters", "titles", "tags", "metadata", "comments", "names", "handlers",
                     "captions", "everything", "all"), _UNSEEN_WORDS),
    **dict.fromkeys(("attachments", "fonts", "thumbnails", "artwork", "motionphoto", "depth"),
                    _UNSEEN_PICTURES),
}  # fmt: skip
"""What users ask to keep and redact never keeps, and why."""


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


@dataclass(frozen=True, slots=True)
class Recipe:
    """All choices of one run.

    Args:
        profile: The name that the choices started from.
        passes: The detection passes whose detections are merged (non-maximum suppression).
        high_threshold: Detections of at least this score are matched to tracks first.
        track_threshold: The confidence threshold of a face's track in a video: with a lower best
            score it is uncertain, probably a false positive.
        plate_track_threshold: The same for a plate's track: a plate is clear sooner or later.
        slope: How much the confidence threshold of a face rises with each doubling of its height
            beyond `KNEE`, and that of its track beyond `TRACK_KNEE`: large faces are detected with
            high scores, and large false positives hide most of the picture for nothing.
        doubts_faces: Whether a face of a video that is never clear needs a person around it.
        uncertain: Whether uncertain tracks are hidden too, or only listed in the plan.
        coverage: How far hiding reaches beyond what was seen.
        style: How a region is hidden.
        colour: What `solid` draws, and what a cover's transparent parts show, as `#rrggbb`.
        cover: The picture that `cover` draws, as `sha256:` and the digest of its file.
        encoder: A video encoder's name, None to choose by container and source.
        quality: A video encoder's constant quality (crf), None for its visually lossless one.
        audio: Whether sound is copied, left out or made another voice's.
        extras: What a video keeps beside pictures and sound, such as the words of subtitles.
        strict_input: Whether a damaged source is refused, and not redacted as far as it is whole.
    """

    profile: str = "balanced"
    passes: tuple[Pass, ...] = ()
    high_threshold: float = 0.5
    track_threshold: float = 0.22
    plate_track_threshold: float = 0.5
    slope: float = 0.05
    doubts_faces: bool = True
    uncertain: Uncertain = "list"
    coverage: Coverage = field(default_factory=Coverage)
    style: StyleName = "blur"
    colour: str = "#000000"
    encoder: str | None = None
    quality: int | None = None
    audio: Audio = "keep"
    cover: str | None = None
    extras: tuple[Extra, ...] = ()
    strict_input: bool = False

    def __post_init__(self) -> None:
        named = ((self.style, StyleName), (self.audio, Audio), (self.uncertain, Uncertain))
        for value, known in ((value, get_args(names)) for value, names in named):
            if value not in known:
                raise RecipeError(f"there is no {value!r}", remedy=f"choose {', '.join(known)}")
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", self.colour):
            raise RecipeError(f"a colour is written #rrggbb, not {self.colour!r}")
        if self.cover is not None and not re.fullmatch(r"sha256:[0-9a-f]{64}", self.cover):
            raise RecipeError(f"a cover is named by sha256: and 64 digits, not {self.cover!r}")
        for name in self.extras:
            _check_extra(name)
        if not self.passes:
            raise RecipeError("a recipe needs at least one detector pass")

    def detecting(self, kinds: Collection[Kind]) -> Recipe:
        """The same recipe with the passes that look for these kinds, and no others.

        Passes for a kind that is not looked for if nothing is said are its profile's.

        Raises:
            RecipeError: No pass is left, or the profile has none for such a kind.
        """
        known = {p.kind for p in self.passes}
        more = (p for p in FURTHER_PASSES.get(self.profile, ()) if p.kind not in known)
        passes = tuple(p for p in (*self.passes, *more) if p.kind in kinds)
        if missing := set(kinds) - set(USUAL) - {p.kind for p in passes}:
            raise RecipeError(f"there is no detection pass for {KINDS[missing.pop()].names}")
        return replace(self, passes=passes)

    def passes_for(self, info: VideoInfo) -> tuple[Pass, ...]:
        """The passes that run on a source: some are for stills and pages only."""
        return tuple(p for p in self.passes if info.is_still or not p.stills)

    def track_threshold_of(self, kind: Kind) -> float:
        """The confidence threshold for the best score of a track of that kind."""
        own = self.coverage.rule(kind).threshold
        usual = self.plate_track_threshold if kind is Kind.PLATE else self.track_threshold
        return usual if own is None else own

    @property
    def rgb(self) -> tuple[int, int, int]:
        """The colour as three values from 0 to 255."""
        red, green, blue = bytes.fromhex(self.colour[1:])
        return red, green, blue


_TILE = 1024
"""Longer side of a tile, in pixels: larger ones cost memory, smaller ones overlap more."""
_PLATES_CLOSELY = (
    Pass("plates", _TILE, 0.22, scale=0.7, above=2048, largest=0.01, stills=True),
    Pass("plates", _TILE, 0.22, scale=0.35, above=4096, largest=0.005, every=24),
)
"""At 0.7 of the picture's size as many plates of 20 px are found as at all of it, at half cost."""
_PLATES_FAST = (Pass("plates", 640, 0.41, every=4),)
_PLATES_BALANCED = (
    Pass("plates", 640, 0.41, every=3),
    Pass("plates", 1280, 0.47, every=8, above=900, largest=0.01),
    *_PLATES_CLOSELY,
)
_PLATES_THOROUGH = (
    Pass("plates", 640, 0.28, every=2),
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
    *(Pass("centerface", 960, 0.2, quarters=q, turned_threshold=0.7, every=24) for q in (1, 2, 3)),
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
    *(Pass("centerface", 960, 0.15, quarters=q, turned_threshold=0.6, every=12) for q in (1, 2, 3)),
    *(Pass("centerface", 640, 0.2, quarters=q, turned_threshold=0.7, every=24) for q in (1, 2, 3)),
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
_TEXT_CLOSELY = (Pass("text", 1920, 0.4, stills=True), *_closely("text", 0.5, above=1280))
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
PROFILES: dict[str, Recipe] = {
    "fast": Recipe(profile="fast", passes=_FAST + _PLATES_FAST, track_threshold=0.4, slope=0.0),
    "balanced": Recipe(profile="balanced", passes=_BALANCED + _PLATES_BALANCED),
    "thorough": Recipe(
        profile="thorough",
        passes=_THOROUGH + _PLATES_THOROUGH,
        track_threshold=0.2,
        plate_track_threshold=0.4,
        slope=0.08,
        doubts_faces=False,
        coverage=Coverage(pad=0.42, plate_pad=0.2),
    ),
}
"""Choices that belong together, by name."""


def _check_extra(name: str) -> None:
    if name in NEVER:
        raise RecipeError(f"{name} cannot be kept: {NEVER[name]}", remedy="leave it out of --keep")
    if name not in get_args(Extra):
        known = ", ".join(get_args(Extra))
        raise RecipeError(f"there is nothing called {name!r} to keep", remedy=f"choose {known}")


def size_penalty(found: Detection, size: Size, slope: float, knee: float = KNEE) -> float:
    """How much a detection's confidence threshold rises with its size.

    Args:
        found: In pixels of the upright picture.
        size: Of that picture.
        slope: Of faces, see `Recipe`; other kinds have their own, see `KindFacts`.
        knee: Height of a face, as a share of the picture's longer side, from which it rises.
    """
    if found.kind is not Kind.FACE:
        slope, knee = KINDS[found.kind].slope, KINDS[found.kind].knee
    return slope * log2(max(1.0, found.box.height / size.longer / knee))


def recipe(profile: str = "balanced", **choices: object) -> Recipe:
    """A profile with some choices replaced.

    Args:
        profile: A name of `PROFILES`.
        **choices: Fields of `Recipe`.

    Raises:
        RecipeError: The profile, a field or a value does not exist.
    """
    if profile not in PROFILES:
        known = ", ".join(PROFILES)
        raise RecipeError(f"there is no profile {profile!r}", remedy=f"choose {known}")
    try:
        return replace(PROFILES[profile], **choices)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise RecipeError(str(error)) from error
