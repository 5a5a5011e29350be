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
from redact.core.kinds import KINDS, USUAL
from redact.core.passes import FURTHER_PASSES, USUAL_PASSES, Pass
from redact.errors import RecipeError

if TYPE_CHECKING:  # numpy, which `redact --help` does not need
    from redact.core.frames import VideoInfo

StyleName: TypeAlias = Literal["blur", "solid", "pixelate", "cover", "gaussian", "mosaic"]
Audio: TypeAlias = Literal["keep", "drop", "disguise"]
Uncertain: TypeAlias = Literal["hide", "list"]
Extra: TypeAlias = Literal["subtitles", "languages"]

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
        doubts_faces: Whether a face that is never clear needs a person around it, and in a still
            a plate must be one at other sizes.
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


PROFILES: dict[str, Recipe] = {
    "fast": Recipe(profile="fast", passes=USUAL_PASSES["fast"], track_threshold=0.4, slope=0.0),
    "balanced": Recipe(profile="balanced", passes=USUAL_PASSES["balanced"]),
    "thorough": Recipe(
        profile="thorough",
        passes=USUAL_PASSES["thorough"],
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
