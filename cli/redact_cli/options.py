"""Options that several commands share, declared once, and the recipe that they make."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from redact.core.findings import Kind
from redact.core.recipe import PROFILES, Audio, Pass, Recipe, StyleName, Uncertain, recipe
from redact.errors import RecipeError
from redact.media.files import fingerprint
from redact.verify.result import Checking

_LOOKS = "What is looked for"
_HIDES = "How it is hidden"
_CHECKS = "How the result is checked"
_FILES = "Files"
_TELLS = "What is told"

Profile: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="|".join(PROFILES),
        help="Choices that belong together: fast misses more small faces, thorough finds more and "
        "takes longer.",
        rich_help_panel=_LOOKS,
    ),
]
Detect: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="faces,plates",
        help="What is hidden: faces, plates (number plates), or both (the default).",
        rich_help_panel=_LOOKS,
    ),
]
Detectors: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--detector",
        metavar="NAME:SIDE:THRESHOLD",
        help="One look at every picture, in place of the profile's looks for the same kind of "
        "thing; say it again for more looks. NAME is yunet, centerface or mediapipe for faces, "
        "plates for number plates; the picture's longer side is scaled to SIDE "
        "pixels; detections below THRESHOLD (0 to 1) are dropped. Example: yunet:1920:0.3",
        rich_help_panel=_LOOKS,
    ),
]
Pad: TypeAlias = Annotated[
    float | None,
    typer.Option(
        help="Margin around each face, as a share of its size; plates keep the profile's.",
        rich_help_panel=_LOOKS,
        min=0,
    ),
]
Before: TypeAlias = Annotated[
    float | None,
    typer.Option(help="Seconds hidden before it is first seen.", rich_help_panel=_LOOKS, min=0),
]
After: TypeAlias = Annotated[
    float | None,
    typer.Option(help="Seconds hidden after it is last seen.", rich_help_panel=_LOOKS, min=0),
]
Unsure: TypeAlias = Annotated[
    Uncertain | None,
    typer.Option(
        help="What becomes of tracks of a video that were never clearly a face or a plate: list "
        "names them in the plan only (the default), hide hides them too.",
        rich_help_panel=_LOOKS,
    ),
]
Style: TypeAlias = Annotated[
    StyleName | None,
    typer.Option(
        help="blur (the default), solid, pixelate and cover (see --cover) draw nothing that "
        "depends on the hidden pixels: they cannot be undone. gaussian and mosaic CAN BE "
        "REVERSED: published attacks recognise people behind them. Use those two for looks only, "
        "never to protect anyone. "
        "Number plates get one colour in any style but cover.",
        rich_help_panel=_HIDES,
    ),
]
Colour: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--color",
        metavar="RRGGBB",
        help="What --style solid draws, and what shows through a --cover; black if not said.",
        rich_help_panel=_HIDES,
    ),
]
Picture: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--cover",
        metavar="PICTURE",
        help="A picture of your own over everything that is hidden, number plates too, stretched "
        "to its box. It cannot be undone. What is transparent in it shows --color.",
        rich_help_panel=_HIDES,
        dir_okay=False,
    ),
]
Encoder: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Video encoder: h264, hevc, vp9, av1, ..., or one in hardware, such as h264_nvenc, "
        "hevc_qsv, h264_amf, hevc_videotoolbox; chosen by container and source if not said, and "
        "never in hardware then. `redact doctor` lists those that work here.",
        rich_help_panel=_HIDES,
    ),
]
Quality: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="CRF",
        help="Constant quality of the video, lower is better; no visible loss if not said.",
        rich_help_panel=_HIDES,
        min=0,
        max=63,
    ),
]
Sound: TypeAlias = Annotated[
    Audio | None,
    typer.Option(
        "--audio",
        help="keep (the default, for what is said is often the story, and only you know who may be "
        "heard) copies the sound: VOICES IDENTIFY people as faces do. drop leaves it out. "
        "disguise makes every voice a monotonous one by amounts that wander and are forgotten: it "
        "makes recognising harder, not impossible, and does not hide what is said.",
        rich_help_panel=_HIDES,
    ),
]
Keep: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--keep",
        metavar="subtitles,languages",
        help="What videos keep beside pictures and sound, nothing unless said: subtitles (their "
        "words and times; WORDS NAME PEOPLE AND PLACES: read them) and languages (which language "
        "sound and subtitles are in). Nothing that tells place or time can be kept.",
        rich_help_panel=_HIDES,
    ),
]
Verify: TypeAlias = Annotated[
    bool,
    typer.Option(
        help="Compare every frame of the result with the source, and let detectors that did not "
        "decide look at it. What they find is hidden too; what cannot be is held back.",
        rich_help_panel=_CHECKS,
    ),
]
EveryFrame: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--every-frame",
        help="Let them look at every frame, not at eight each second.",
        rich_help_panel=_CHECKS,
    ),
]
Strict: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="Take every suspicion for a find; expect false alarms.",
        rich_help_panel=_CHECKS,
    ),
]
ReportOnly: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--report-only",
        help="Tell what they find, but neither hide it nor hold the result back.",
        rich_help_panel=_CHECKS,
    ),
]
Ffmpeg: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="PROGRAM",
        help="The ffmpeg that finishes videos, in place of the one that redact brings.",
        rich_help_panel=_FILES,
    ),
]
Device: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        envvar="REDACT_DEVICE",
        show_envvar=False,
        help="Where networks compute: auto (the best that onnxruntime has and that works, else "
        "the processor), cpu, cuda, openvino, directml, coreml. `redact doctor` tells.",
        rich_help_panel=_FILES,
    ),
]
OutDir: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--out",
        metavar="DIR",
        help="Write there, with the tree of each folder kept, and not beside the originals.",
        rich_help_panel=_FILES,
        file_okay=False,
    ),
]
Force: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--force", help="Replace results that exist; never an original.", rich_help_panel=_FILES
    ),
]
Resume: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Leave files alone that an earlier run finished: same source, same choices, and the "
        "result untouched since. Go on in a long video whose analysis was interrupted.",
        rich_help_panel=_FILES,
    ),
]
GoOn: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on in a long video where an interrupted run with the same choices ended.",
        rich_help_panel=_FILES,
    ),
]
Jobs: TypeAlias = Annotated[
    int,
    typer.Option(
        metavar="N",
        help="Files that are done side by side; 0 for as many as fit this machine.",
        rich_help_panel=_FILES,
        min=0,
    ),
]
Page: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--report",
        help="Write NAME.redact.html beside each result: what was found and hidden, what is "
        "uncertain, and what the check says, for whoever signs it off; and the same as JSON.",
        rich_help_panel=_TELLS,
    ),
]
Json: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--json", help="One JSON object per file on standard output.", rich_help_panel=_TELLS
    ),
]
Quiet: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="Only errors.", rich_help_panel=_TELLS)
]


def make_checking(
    verify: bool, every_frame: bool, strict: bool, report_only: bool
) -> Checking | None:
    """How the result is checked, None for not at all.

    Raises:
        RecipeError: The choices contradict each other.
    """
    if not verify and (every_frame or strict or report_only):
        raise RecipeError("without a check there is nothing to choose", remedy="drop --no-verify")
    return Checking(every_frame, strict, report_only) if verify else None


def make_recipe(
    profile: str,
    *,
    style: StyleName | None = None,
    cover: Path | None = None,
    colour: str | None = None,
    encoder: str | None = None,
    quality: int | None = None,
    audio: Audio | None = None,
    keep: Sequence[str] | None = None,
    detect: str | None = None,
    detectors: Sequence[str] | None = None,
    uncertain: Uncertain | None = None,
    coverage: dict[str, float | None] | None = None,
) -> Recipe:
    """A profile with what was said on the command line replaced.

    Raises:
        RecipeError: Something does not exist or does not fit.
    """
    if encoder is not None:
        _check_encoder(encoder)
    if cover is not None and style not in (None, "cover"):
        raise RecipeError(f"either a cover or {style}", remedy="take --style or --cover away")
    if cover is None and style == "cover":
        raise RecipeError("there is no picture to cover with", remedy="give one with --cover")
    if colour is not None and style != "solid" and cover is None:
        raise RecipeError("only solid and cover have a colour", remedy="add --style solid")
    choices = {
        "style": style if cover is None else "cover",
        "cover": None if cover is None else fingerprint(cover),
        "colour": None if colour is None else _hexadecimal(colour),
        "encoder": encoder,
        "quality": quality,
        "audio": audio,
        "extras": parse_extras(keep or ()) or None,
        "uncertain": uncertain,
    }
    chosen = recipe(
        profile, **{name: value for name, value in choices.items() if value is not None}
    )
    chosen = _looking(chosen, tuple(map(parse_pass, detectors or ())), parse_kinds(detect))
    return _covering(chosen, coverage or {})


def _looking(chosen: Recipe, said: tuple[Pass, ...], wanted: frozenset[Kind]) -> Recipe:
    """With the passes said in place of the recipe's of their kind, and none of unwanted kinds."""
    replaced = {look.kind for look in said}
    for kind in replaced - wanted:
        raise RecipeError(
            f"--detector names a look for a {kind}, but --detect leaves {kind}s out",
            remedy=f"add {kind}s to --detect, or take the detector away",
        )
    kept = tuple(look for look in chosen.passes if look.kind not in replaced)
    return replace(chosen, passes=said + kept).detecting(wanted)


def parse_kinds(text: str | None) -> frozenset[Kind]:
    """The kinds that `faces`, `plates` or `faces,plates` stand for, all if nothing is said.

    Raises:
        RecipeError: It is neither.
    """
    if text is None:
        return frozenset(Kind)
    kinds = {f"{kind}s": kind for kind in Kind}
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in kinds]
    if unknown:
        raise RecipeError(
            f"nothing called {unknown[0]!r} can be detected", remedy=f"choose {', '.join(kinds)}"
        )
    return frozenset(kinds[name] for name in names)


def parse_extras(said: Sequence[str]) -> tuple[str, ...]:
    """The names of what is to be kept, each once; the recipe says if they can be."""
    names = (name.strip().lower() for text in said for name in text.split(","))
    return tuple(sorted({name for name in names if name}))


def _covering(chosen: Recipe, limits: dict[str, float | None]) -> Recipe:
    said = {name: value for name, value in limits.items() if value is not None}
    try:
        return replace(chosen, coverage=replace(chosen.coverage, **said))
    except ValueError as error:
        raise RecipeError(str(error)) from error


def _hexadecimal(colour: str) -> str:
    """With the sign that a shell would take for the start of a comment."""
    return f"#{colour}" if re.fullmatch("[0-9a-fA-F]{6}", colour) else colour


def parse_pass(text: str) -> Pass:
    """The look that `NAME:SIDE:THRESHOLD` stands for.

    Raises:
        RecipeError: It is not of that form, or there is no such detector.
    """
    match = re.fullmatch(r"([^:]+):(\d{1,5}):(\d*\.?\d+)", text)
    if match is None:
        raise RecipeError(
            f"a detector is written NAME:SIDE:THRESHOLD, not {text!r}",
            remedy="write for example yunet:1920:0.3",
        )
    name, side, threshold = match.groups()
    _check_detector(name)
    return Pass(name, int(side), float(threshold))


def _check_detector(name: str) -> None:
    from redact.detect.detectors import DETECTORS  # not at the start: `redact --help` must be quick

    if name not in DETECTORS:
        known = ", ".join(DETECTORS)
        raise RecipeError(f"there is no detector {name!r}", remedy=f"choose {known}")


def _check_encoder(name: str) -> None:
    from redact.media.video.table import ENCODERS  # not at the start either

    if name not in {*ENCODERS, *(encoder.name for encoder in ENCODERS.values())}:
        known = ", ".join(ENCODERS)
        raise RecipeError(f"there is no encoder {name!r}", remedy=f"choose {known}")


def use_device(name: str) -> None:
    """Let this process and those that it starts compute there.

    Raises:
        RecipeError: There is no such device.
        MissingEngineError: It is not installed.
    """
    from redact.detect.detectors.devices import VARIABLE, provider_lists
    from redact.doctor import installed_providers

    if name != "auto":
        provider_lists(name, installed_providers())
    os.environ[VARIABLE] = name
