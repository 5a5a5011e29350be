"""Every option that is not one command's own, declared once, in groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from redact.core.findings import Kind
from redact.core.recipe import PROFILES, Audio, StyleName, Uncertain


def _profiles() -> list[str]:
    return list(PROFILES)


def _kinds() -> list[str]:
    kinds = [f"{kind}s" for kind in Kind]
    return [*kinds, ",".join(kinds)]


def _encoders() -> Iterator[str]:
    from redact.media.video.encoder_table import (
        ENCODERS,  # not at the start: `redact --help` must be quick
    )

    yield from ENCODERS


def _devices() -> Iterator[str]:
    from redact.detect.detectors.devices import DEVICES  # not at the start either

    yield from ("auto", *DEVICES)


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for, and how."""

    PANEL: ClassVar[str] = "What to find"

    profile: Annotated[
        str,
        typer.Option(
            metavar="|".join(PROFILES),
            help="Choices that belong together: fast misses more small faces, thorough finds more "
            "and takes longer.",
            autocompletion=_profiles,
        ),
    ] = "balanced"
    detect: Annotated[
        str | None,
        typer.Option(
            metavar="faces,plates",
            help="What is hidden: faces, plates (number plates), or both (the default).",
            autocompletion=_kinds,
        ),
    ] = None
    detector: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME:SIDE:THRESHOLD",
            help="One detection pass over the pictures, in place of the profile's passes for the "
            "same kind of thing; repeat the option for more passes. NAME is yunet, centerface or "
            "mediapipe for faces, plates for number plates; the picture's longer side is scaled "
            "to SIDE pixels; detections that score below THRESHOLD (0 to 1) are dropped. "
            "Example: yunet:1920:0.3",
        ),
    ] = None
    uncertain: Annotated[
        Uncertain | None,
        typer.Option(
            help="What becomes of tracks of a video that were never clearly a face or a plate: "
            "list names them in the plan only (the default), hide hides them too.",
        ),
    ] = None
    strict_input: Annotated[
        bool,
        typer.Option(
            "--strict-input",
            help="Refuse a damaged video. If not said, frames that are damaged, or predicted from "
            "damaged ones, are hidden as a whole, and the summary says how many.",
        ),
    ] = False


@dataclass(frozen=True, slots=True)
class Reach:
    """How much is hidden around what was found, in space and in time."""

    PANEL: ClassVar[str] = "How far hiding reaches"

    pad: Annotated[
        float | None,
        typer.Option(
            help="Margin around each face, as a share of its size; plates keep the profile's.",
            min=0,
        ),
    ] = None
    before: Annotated[
        float | None, typer.Option(help="Seconds hidden before it is first seen.", min=0)
    ] = None
    after: Annotated[
        float | None, typer.Option(help="Seconds hidden after it is last seen.", min=0)
    ] = None


@dataclass(frozen=True, slots=True)
class Style:
    """What is drawn over what is hidden."""

    PANEL: ClassVar[str] = "How it is hidden"

    style: Annotated[
        StyleName | None,
        typer.Option(
            help="blur (the default), solid, pixelate and cover (see --cover) draw nothing that "
            "depends on the hidden pixels: they cannot be undone. gaussian and mosaic CAN BE "
            "REVERSED: published attacks recognise people behind them. Use those two for looks "
            "only, never to protect anyone. "
            "Number plates get one colour in any style but cover.",
        ),
    ] = None
    cover: Annotated[
        Path | None,
        typer.Option(
            metavar="PICTURE",
            help="A picture of your own over everything that is hidden, number plates too, "
            "stretched to its box. It cannot be undone. What is transparent in it shows --color.",
            dir_okay=False,
        ),
    ] = None
    color: Annotated[
        str | None,
        typer.Option(
            metavar="RRGGBB",
            help="What --style solid draws, and what shows through a --cover; black by default.",
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the result is encoded, and what it keeps beside its pictures."""

    PANEL: ClassVar[str] = "Encoding and sound"

    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Video encoder: h264, hevc, vp9, av1, ..., or one in hardware, such as "
            "h264_nvenc, hevc_qsv, h264_amf, hevc_videotoolbox. By default it is chosen by "
            "container and source, and never in hardware. `redact doctor` lists those that work "
            "here.",
            autocompletion=_encoders,
        ),
    ] = None
    quality: Annotated[
        int | None,
        typer.Option(
            metavar="CRF",
            help="Constant quality of the video, lower is better; no visible loss by default.",
            min=0,
            max=63,
        ),
    ] = None
    audio: Annotated[
        Audio | None,
        typer.Option(
            help="keep (the default, for what is said is often the story, and only you know who "
            "may be heard) copies the sound: VOICES IDENTIFY people as faces do. drop leaves it "
            "out. disguise makes every voice a monotonous one by amounts that wander and are "
            "forgotten: it makes recognising harder, not impossible, and does not hide what is "
            "said.",
        ),
    ] = None
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="subtitles,languages",
            help="What videos keep beside pictures and sound, nothing by default: subtitles (their "
            "words and times; WORDS NAME PEOPLE AND PLACES: read them) and languages (which "
            "language sound and subtitles are in). Nothing that tells place or time can be kept.",
            autocompletion=lambda: ["subtitles", "languages", "subtitles,languages"],
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class Check:
    """How the result is checked."""

    PANEL: ClassVar[str] = "How the result is checked"

    verify: Annotated[
        bool,
        typer.Option(
            help="Compare every frame of the result with the source, and let second-opinion "
            "detectors search it for faces that still show. What they find is hidden too; a "
            "result in which something remains is held back.",
        ),
    ] = True
    every_frame: Annotated[
        bool,
        typer.Option("--every-frame", help="Let them search every frame, not eight each second."),
    ] = False
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Take every suspicion for a find; expect false alarms."),
    ] = False
    report_only: Annotated[
        bool,
        typer.Option(
            "--report-only",
            help="Tell what they find, but neither hide it nor hold the result back.",
        ),
    ] = False


@dataclass(frozen=True, slots=True)
class Output:
    """What is written, what may be replaced, and what is told meanwhile."""

    PANEL: ClassVar[str] = "Output and progress"

    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            metavar="DIR",
            help="Write there, with the tree of each folder kept, and not beside the originals.",
            file_okay=False,
        ),
    ] = None
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on where an earlier run with the same choices was interrupted, also within a "
            "long video. Finished files are left alone if neither source nor result changed since.",
        ),
    ] = False
    skip_unsupported: Annotated[
        bool,
        typer.Option(
            "--skip-unsupported",
            help="Leave out videos and pictures in folders that redact does not read. Without it "
            "each is an error.",
        ),
    ] = False
    force: Annotated[
        bool, typer.Option("--force", help="Replace what exists already; never an original.")
    ] = False
    report: Annotated[
        bool,
        typer.Option(
            "--report",
            help="Write NAME.redact.html beside each result: what was found and hidden, what is "
            "uncertain, and what the check says, for whoever signs it off; and the same as JSON.",
        ),
    ] = False
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object per file on standard output.")
    ] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors.")] = False


@dataclass(frozen=True, slots=True)
class Machine:
    """What of this computer does the work."""

    PANEL: ClassVar[str] = "This computer"

    jobs: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="How many files are done side by side; 0 for as many as fit this computer.",
            min=0,
        ),
    ] = 1
    device: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            envvar="REDACT_DEVICE",
            show_envvar=False,
            help="Where detectors compute: auto (the best that onnxruntime has and that works, "
            "else the processor), cpu, cuda, openvino, directml, coreml. `redact doctor` tells.",
            autocompletion=_devices,
        ),
    ] = "auto"
    ffmpeg: Annotated[
        str | None,
        typer.Option(
            metavar="PROGRAM",
            help="The ffmpeg that finishes videos, in place of the one that redact brings.",
        ),
    ] = None
