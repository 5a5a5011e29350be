"""The commands of `redact`; each builds its choices, calls the library once, and ends."""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from redact.errors import MissingEngineError, RedactError, printable
from redact_cli import options, texts
from redact_cli.exit_codes import INTERRUPTED, SOME_FAILED, UNFORESEEN, code_for

app = typer.Typer(
    name="redact",
    help=texts.REDACT,
    epilog=texts.EXAMPLES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_Input = Annotated[Path, typer.Argument(metavar="INPUT", show_default=False)]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"redact {version('redact-video')}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Tell the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error of redact itself happened.")
    ] = False,
) -> None: ...


@app.command(help=texts.RUN, epilog=texts.RUN_EXAMPLE)
def run(
    context: typer.Context,
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT...",
            show_default=False,
            help="Videos (mp4 mov mkv webm avi ts), pictures (jpeg png gif webp tiff bmp heic "
            "avif), and folders, which are searched to the bottom; hidden files are left alone.",
        ),
    ],
    out: options.OutDir = None,
    profile: options.Profile = "balanced",
    detect: options.Detect = None,
    detector: options.Detectors = None,
    pad: options.Pad = None,
    before: options.Before = None,
    after: options.After = None,
    uncertain: options.Unsure = None,
    style: options.Style = None,
    cover: options.Picture = None,
    color: options.Colour = None,
    encoder: options.Encoder = None,
    quality: options.Quality = None,
    audio: options.Sound = None,
    keep: options.Keep = None,
    verify: options.Verify = True,
    every_frame: options.EveryFrame = False,
    strict: options.Strict = False,
    report_only: options.ReportOnly = False,
    ffmpeg: options.Ffmpeg = None,
    device: options.Device = "auto",
    jobs: options.Jobs = 1,
    resume: options.Resume = False,
    force: options.Force = False,
    report: options.Page = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Redact videos and pictures: find, hide, write NAME.redacted.EXT, and check the result."""
    _check_engines()
    options.use_device(device)
    recipe = options.make_recipe(
        profile,
        style=style,
        cover=cover,
        colour=color,
        encoder=encoder,
        quality=quality,
        audio=audio,
        keep=keep,
        detect=detect,
        detectors=detector,
        uncertain=uncertain,
        coverage={"pad": pad, "before": before, "after": after},
    )
    from redact.jobs.batch import find_jobs
    from redact_cli.passes import check_cover
    from redact_cli.working import redact_all

    check_cover(recipe, cover)
    checking = options.make_checking(verify, every_frame, strict, report_only)
    found = find_jobs(
        inputs,
        out,
        recipe,
        force=force,
        resume=resume,
        ffmpeg=ffmpeg,
        checking=checking,
        report=report,
        cover=cover,
    )
    debug = bool(context.parent and context.parent.params.get("debug"))
    raise typer.Exit(redact_all(found, jobs, as_json=as_json, quiet=quiet, debug=debug))


@app.command(help=texts.ANALYSE, epilog="Example: redact analyse clip.mp4 --plan clip.redact.json")
def analyse(
    source: _Input,
    plan: Annotated[
        Path | None,
        typer.Option(
            "-p", "--plan", metavar="PLAN", help="Where to write; NAME.redact.json if not said."
        ),
    ] = None,
    profile: options.Profile = "balanced",
    detect: options.Detect = None,
    detector: options.Detectors = None,
    pad: options.Pad = None,
    before: options.Before = None,
    after: options.After = None,
    uncertain: options.Unsure = None,
    style: options.Style = None,
    cover: options.Picture = None,
    color: options.Colour = None,
    encoder: options.Encoder = None,
    quality: options.Quality = None,
    audio: options.Sound = None,
    keep: options.Keep = None,
    device: options.Device = "auto",
    resume: options.GoOn = False,
    force: options.Force = False,
    quiet: options.Quiet = False,
) -> None:
    """Find what must be hidden and write it down in a plan, without touching a picture."""
    _check_engines()
    options.use_device(device)
    recipe = options.make_recipe(
        profile,
        style=style,
        cover=cover,
        colour=color,
        encoder=encoder,
        quality=quality,
        audio=audio,
        keep=keep,
        detect=detect,
        detectors=detector,
        uncertain=uncertain,
        coverage={"pad": pad, "before": before, "after": after},
    )
    from redact_cli.passes import check_cover, write_plan

    with _interruptible("; --resume goes on within a long video"):
        check_cover(recipe, cover)
        write_plan(source, plan, recipe, force=force, resume=resume, quiet=quiet)


@app.command(help=texts.RENDER, epilog="Example: redact render clip.mp4 --plan clip.redact.json")
def render(
    source: _Input,
    plan: Annotated[
        Path, typer.Option("-p", "--plan", metavar="PLAN", help="What `redact analyse` wrote.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="OUTPUT", help="NAME.redacted.EXT beside it if not said."
        ),
    ] = None,
    cover: options.Picture = None,
    verify: options.Verify = True,
    every_frame: options.EveryFrame = False,
    strict: options.Strict = False,
    report_only: options.ReportOnly = False,
    ffmpeg: options.Ffmpeg = None,
    force: options.Force = False,
    report: options.Page = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Hide what a plan says, write a finished file, and check it."""
    _check_engines()
    from redact_cli.passes import follow_plan

    checking = options.make_checking(verify, every_frame, strict, report_only)
    with _interruptible():
        follow_plan(
            source,
            plan,
            output,
            checking,
            cover=cover,
            force=force,
            ffmpeg=ffmpeg,
            report=report,
            as_json=as_json,
            quiet=quiet,
        )


@app.command(help=texts.VERIFY, epilog="Example: redact verify clip.mp4 clip.redacted.mp4")
def verify(
    original: Annotated[Path, typer.Argument(metavar="ORIGINAL", show_default=False)],
    redacted: Annotated[Path, typer.Argument(metavar="REDACTED", show_default=False)],
    plan: Annotated[
        Path | None,
        typer.Option(
            "-p", "--plan", metavar="PLAN", help="What it was made with; NAME.redact.json if there."
        ),
    ] = None,
    cover: options.Picture = None,
    every_frame: options.EveryFrame = False,
    strict: options.Strict = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Check a finished file against its original."""
    _check_engines()
    from redact_cli.passes import check_result

    checking = options.make_checking(True, every_frame, strict, False)
    with _interruptible():
        raise typer.Exit(
            check_result(
                original, redacted, plan, checking, cover=cover, as_json=as_json, quiet=quiet
            )
        )


@app.command(help=texts.PROVE, epilog="Example: redact prove clip.mp4 --plan clip.redact.json")
def prove(
    source: _Input,
    plan: Annotated[
        Path | None,
        typer.Option(
            "-p", "--plan", metavar="PLAN", help="What is hidden; found anew if not said."
        ),
    ] = None,
    profile: options.Profile = "balanced",
    style: options.Style = None,
    cover: options.Picture = None,
    color: options.Colour = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Show that what is drawn does not depend on what is hidden."""
    _check_engines()
    from redact_cli.passes import prove_irreversible

    recipe = options.make_recipe(profile, style=style, cover=cover, colour=color)
    with _interruptible():
        code = prove_irreversible(
            source, plan, recipe, style, cover=cover, as_json=as_json, quiet=quiet
        )
    raise typer.Exit(code)


@app.command(help=texts.DOCTOR)
def doctor(
    ffmpeg: options.Ffmpeg = None,
    as_json: options.Json = False,
    clean: Annotated[
        Path | None,
        typer.Option(
            "--clean",
            metavar="DIR",
            file_okay=False,
            help="Only remove what killed runs left in this folder and below it: drafts of "
            "results, whose process is gone (the next run does so in its own folders), and what "
            "--resume would go on with in a long video.",
        ),
    ] = None,
) -> None:
    """Tell versions, encoders, weights and checksums, and in words what is missing."""
    if clean is not None:
        from redact_cli.findings import as_removed, removed_below

        typer.echo(as_removed(removed_below(clean)))
        return
    from redact.doctor import examine
    from redact_cli.findings import as_json_text, as_text

    examination = examine(ffmpeg)
    typer.echo(as_json_text(examination) if as_json else as_text(examination))
    raise typer.Exit(SOME_FAILED if examination.problems else 0)


def _check_engines() -> None:
    """Say in one line what the system lacks, where an engine's import would fail."""
    from redact.doctor import missing_libraries

    missing = missing_libraries()
    if missing is not None:
        raise MissingEngineError(missing)


@contextmanager
def _interruptible(advice: str = "") -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        _say(f"interrupted: nothing was written{advice}")
        raise typer.Exit(INTERRUPTED) from None


def main(arguments: Sequence[str] | None = None) -> None:
    """The command `redact`: every ending has its exit code, and none is a traceback."""
    said = sys.argv[1:] if arguments is None else list(arguments)
    _unwind_on_signals()
    try:
        app(said)
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    except RedactError as error:
        _say(str(error))
        raise SystemExit(code_for(error)) from None
    except ImportError as error:
        _say(f"a library cannot be loaded: {error}; run `redact doctor`, or reinstall redact")
        raise SystemExit(code_for(MissingEngineError(""))) from None
    except OSError as error:
        _say(_words(error))
        raise SystemExit(code_for(error)) from None
    except Exception as error:
        _say(
            f"unforeseen {type(error).__name__}: {error}; please report it, with what --debug says"
        )
        if "--debug" in said:
            traceback.print_exc()
        raise SystemExit(UNFORESEEN) from None


def _unwind_on_signals() -> None:
    """Let the signals that end a program end it cleanly: drafts are removed, workers stopped."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores one
            signal.signal(number, _leave)


def _leave(number: int, _: object) -> None:
    """Unwind, once: a second signal would cut the tidying short."""
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)


def _words(error: OSError) -> str:
    name = error.filename
    where = f"{printable(Path(name))}: " if isinstance(name, str) and name else ""
    return f"{where}{error.strerror or error}"


def _say(text: str) -> None:
    from redact_cli.console import escaped, say

    say(f"redact: {escaped(text)}", "red")
