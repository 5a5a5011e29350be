"""Every option that is not one command's own, declared once, in groups."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from redact.core.recipe import Audio, StyleName, Uncertain
from redact_cli import completion, kind_help
from redact_cli.presets import take_preset


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for, and how."""

    PANEL: ClassVar[str] = "What to find"

    profile: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Choices that belong together: fast, balanced or thorough. fast misses more small "
            "faces, thorough finds more and takes longer.",
            autocompletion=completion.profiles,
        ),
    ] = "balanced"
    detect: Annotated[
        str | None,
        typer.Option(
            metavar="KINDS",
            help=kind_help.of_kinds(),
            autocompletion=completion.kinds,
        ),
    ] = None
    detector: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PASS",
            help=kind_help.of_passes(),
        ),
    ] = None
    uncertain: Annotated[
        Uncertain | None,
        typer.Option(
            metavar="list|hide",
            help="What becomes of tracks of a video that were never clearly what is looked for: "
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
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Choices of your own, the table presets.NAME of redact.toml in this folder or in "
            "your configuration; what else is on the line counts more.",
            callback=take_preset,
            is_eager=True,
            autocompletion=completion.presets,
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class Reach:
    """How much is hidden around what was found, in space and in time."""

    PANEL: ClassVar[str] = "How far hiding reaches"

    pad: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Margin around each face, as a share of its size; other kinds keep the profile's.",
            min=0,
        ),
    ] = None
    before: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Hidden before it is first seen.", min=0),
    ] = None
    after: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Hidden after it is last seen.", min=0),
    ] = None
    rule: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RULE",
            help=kind_help.of_rules(),
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class Style:
    """What is drawn over what is hidden."""

    PANEL: ClassVar[str] = "How it is hidden"

    style: Annotated[
        StyleName | None,
        typer.Option(
            metavar="NAME",
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
            autocompletion=completion.encoders,
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
            metavar="WHAT",
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
            metavar="WHAT",
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
        str | None,  # a path forgets the slash at its end
        typer.Option(
            "-o",
            "--out",
            metavar="PLACE",
            help="Write into that folder, with the tree of each folder kept, and not beside the "
            "originals; or, for one file, the result itself, such as out/clip.mp4. A name that "
            "ends with / is a folder's.",
        ),
    ] = None
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="PATTERN",
            help="How results are called: {stem} is the input's name, {ext} its suffix with the "
            "point; {stem}.redacted{ext} by default.",
        ),
    ] = None
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude",
            metavar="PATTERN",
            help="Leave out what is called so, such as '*.avi' or 'raw/*', below a folder too; "
            "repeat the option for more. Quote it, as your shell knows patterns, too.",
        ),
    ] = None
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Tell what would be done, with which outputs, and end."),
    ] = False
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
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", "-v", help="Also what is looked for and how, and how long each stage took."
        ),
    ] = False
    log: Annotated[
        Path | None,
        typer.Option(
            "--log",
            metavar="FILE",
            help="Add all that is told, with the time, to this file, also with --quiet and all "
            "that --verbose tells. It names your files: keep it to yourself.",
        ),
    ] = None

    @property
    def is_silent(self) -> bool:
        """Whether nothing is told to people while one file is worked on."""
        return self.quiet or self.as_json

    @property
    def shows_more(self) -> bool:
        """Whether also choices and times are shown."""
        return self.verbose and not self.is_silent


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
            autocompletion=completion.devices,
        ),
    ] = "auto"
    ffmpeg: Annotated[
        str | None,
        typer.Option(
            metavar="PROGRAM",
            help="The ffmpeg that finishes videos, in place of the one that redact brings.",
        ),
    ] = None
