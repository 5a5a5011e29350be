"""The commands of `redact`; each builds its choices, calls the library once, and ends."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from redact.errors import MissingEngineError, RedactError
from redact_cli import arguments, help_texts, options
from redact_cli.by_hand import ByHand, make_wishes
from redact_cli.cluster_options import Cluster
from redact_cli.command_line import DEBUG, CommandLine, take_debug
from redact_cli.commands import cluster as clusters
from redact_cli.exit_codes import INTERRUPTED, SOME_FAILED, UNFORESEEN, code_for
from redact_cli.help_format import Command, tell_man_page, tell_version
from redact_cli.option_groups import Only, takes_groups
from redact_cli.people import People, choose_people
from redact_cli.surroundings import (
    check_engines,
    interruptible,
    os_error_in_words,
    say_error,
    say_preset,
    unwind_on_signals,
)

app = typer.Typer(
    name="redact",
    cls=CommandLine,
    help=help_texts.REDACT,
    epilog=help_texts.EXAMPLES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

command = partial(app.command, cls=Command)

TOLD = ("as_json", "quiet", "verbose", "log")
"""What all commands can be asked to tell."""


@app.callback()
def _common(
    version: Annotated[  # noqa: ARG001 - its callback ends the program
        bool,
        typer.Option(
            "-V", "--version", callback=tell_version, is_eager=True, help="Tell the version."
        ),
    ] = False,
    man: Annotated[  # noqa: ARG001 - so does this one's
        bool,
        typer.Option(
            "--man",
            callback=tell_man_page,
            is_eager=True,
            help="Write all help as a man page.",
        ),
    ] = False,
    debug: Annotated[
        bool,
        typer.Option(
            DEBUG,
            help="Show where an error of redact itself happened, and what native libraries say; "
            "anywhere on the line.",
        ),
    ] = False,
) -> None:
    if debug:
        os.environ["REDACT_DEBUG"] = "1"  # worker processes read it


@command(help=help_texts.RUN, epilog=help_texts.RUN_EXAMPLE)
@takes_groups
def run(
    context: typer.Context,
    inputs: arguments.Inputs,
    search: options.Search,
    people: People,
    reach: options.Reach,
    style: options.Style,
    encoding: options.Encoding,
    by_hand: ByHand,
    check: options.Check,
    output: options.Output,
    machine: options.Machine,
    cluster: Annotated[Cluster, Only("cluster", "certificates")],
) -> None:
    """Redact videos and pictures: find, hide, write NAME.redacted.EXT, and check the result."""
    check_engines()
    from redact.jobs.batch import find_jobs
    from redact_cli.commands.run import foresee_all, redact_all
    from redact_cli.inputs import expand_patterns
    from redact_cli.journal import logging_to
    from redact_cli.recipes import check_cover, make_checking, make_recipe, use_device

    use_device(machine.device)
    opener = clusters.cluster_opener(cluster, machine)
    recipe = make_recipe(search, reach, style, encoding)
    check_cover(recipe, style.cover)
    found = find_jobs(
        expand_patterns(inputs),
        output.out,
        recipe,
        force=output.force,
        resume=output.resume,
        ffmpeg=machine.ffmpeg,
        checking=make_checking(check),
        report=output.report,
        cover=style.cover,
        skip_unsupported=output.skip_unsupported,
        name=output.name,
        exclude=output.exclude or (),
        edits=make_wishes(by_hand),
    )
    found = choose_people(found, people, search, output)
    debug = bool(context.parent and context.parent.params.get("debug"))
    with logging_to(output.log):
        say_preset(search, output)
        if output.dry_run:
            raise typer.Exit(foresee_all(found, output))
        raise typer.Exit(redact_all(found, machine.jobs, output, opener, debug=debug))


@command(help=help_texts.ANALYSE, epilog="Example: redact analyse clip.mp4 --plan clip.redact.json")
@takes_groups
def analyse(
    source: arguments.Input,
    search: options.Search,
    reach: options.Reach,
    style: options.Style,
    encoding: options.Encoding,
    by_hand: ByHand,
    output: Annotated[options.Output, Only("resume", "force", *TOLD)],
    machine: Annotated[options.Machine, Only("device")],
    sheet: arguments.Sheet = False,
    plan: Annotated[
        Path | None,
        arguments.plan_option(
            "Where to write it; by default NAME.redact.json, or NAME.EXT.redact.json."
        ),
    ] = None,
) -> None:
    """Find what must be hidden and write it down in a plan, without touching a picture."""
    check_engines()
    from redact_cli.commands.analyse import write_plan
    from redact_cli.recipes import check_cover, make_recipe, use_device

    use_device(machine.device)
    recipe = make_recipe(search, reach, style, encoding)
    say_preset(search, output)
    with interruptible(
        output, "interrupted: nothing was written; --resume goes on within a long video"
    ):
        check_cover(recipe, style.cover)
        write_plan(source, plan, recipe, output, sheet=sheet, edits=make_wishes(by_hand))


@command(help=help_texts.RENDER, epilog="Example: redact render clip.mp4 --plan clip.redact.json")
@takes_groups
def render(
    source: arguments.Input,
    style: Annotated[options.Style, Only("cover")],
    check: options.Check,
    output: Annotated[options.Output, Only("force", "report", *TOLD)],
    machine: Annotated[options.Machine, Only("ffmpeg")],
    plan: Annotated[
        Path | None,
        arguments.plan_option(
            "What `redact analyse` wrote; by default the input's plan beside it."
        ),
    ] = None,
    place: arguments.Place = None,
) -> None:
    """Hide what a plan says, write a finished file, and check it."""
    check_engines()
    from redact_cli.commands.render import render_plan
    from redact_cli.recipes import make_checking

    checking = make_checking(check)
    with interruptible(output):
        render_plan(source, plan, place, checking, output, cover=style.cover, ffmpeg=machine.ffmpeg)


@app.command(cls=Command, help=help_texts.REVIEW, epilog="Example: redact review clip.mp4")
@takes_groups
def review(
    inputs: arguments.Inputs,
    search: options.Search,
    style: Annotated[options.Style, Only("style", "color")],
    check: options.Check,
    output: Annotated[options.Output, Only("quiet", "verbose", "log")],
    machine: Annotated[options.Machine, Only("device")],
    browser: arguments.Browser = True,
    likeness: arguments.Likeness = True,
    idle: arguments.Idle = 15.0,
) -> None:
    """See, correct, render and sign what is hidden, on a page of your own computer."""
    check_engines()
    from redact.jobs.batch import find_jobs
    from redact_cli.commands.review import review_all
    from redact_cli.inputs import expand_patterns
    from redact_cli.recipes import make_checking, make_recipe, use_device

    use_device(machine.device)
    recipe = make_recipe(search, style=style)
    found = find_jobs(expand_patterns(inputs), None, recipe, force=True)
    with interruptible(output, "the review has ended; what was decided is in the plan"):
        checking, idle = make_checking(check), idle * 60
        review_all(found, recipe, checking, output, browser=browser, likeness=likeness, idle=idle)


@command(help=help_texts.VERIFY, epilog="Example: redact verify clip.mp4 clip.redacted.mp4")
@takes_groups
def verify(
    original: arguments.Original,
    redacted: arguments.Redacted,
    style: Annotated[options.Style, Only("cover")],
    check: Annotated[options.Check, Only("every_frame", "strict")],
    output: Annotated[options.Output, Only(*TOLD)],
    plan: Annotated[
        Path | None,
        arguments.plan_option(
            "What it was made with; by default the plan beside it, if there is one."
        ),
    ] = None,
    sign: arguments.Sign = None,
) -> None:
    """Check a finished file against its original."""
    check_engines()
    from redact_cli.commands.verify import verify_result
    from redact_cli.recipes import make_checking

    with interruptible(output):
        checking = make_checking(check)
        code = verify_result(
            original, redacted, plan, checking, output, cover=style.cover, sign=sign
        )
    raise typer.Exit(code)


@command(help=help_texts.PROVE, epilog="Example: redact prove clip.mp4 --plan clip.redact.json")
@takes_groups
def prove(
    context: typer.Context,
    source: arguments.Input,
    search: Annotated[options.Search, Only("profile")],
    style: options.Style,
    output: Annotated[options.Output, Only(*TOLD)],
    plan: Annotated[
        Path | None,
        arguments.plan_option(
            "What is hidden; by default the input's plan beside it. It is found anew where there "
            "is none, or --profile is said."
        ),
    ] = None,
) -> None:
    """Show that what is drawn does not depend on what is hidden."""
    check_engines()
    from redact_cli.commands.prove import prove_irreversible
    from redact_cli.recipes import make_recipe

    recipe = make_recipe(search, style=style)
    said = context.get_parameter_source("profile")
    anew = said is not None and said.name == "COMMANDLINE"
    with interruptible(output):
        code = prove_irreversible(source, plan, recipe, style, output, anew=anew)
    raise typer.Exit(code)


@app.command(cls=Command, help=help_texts.EDIT, epilog=help_texts.EDIT_EXAMPLE)
@takes_groups
def edit(
    plan: arguments.PlanFile,
    action: arguments.Action = "list",
    edits: arguments.Edits = None,
    by: arguments.By = "",
    reason: arguments.Reason = "",
    *,
    output: Annotated[options.Output, Only("as_json", "quiet")],
) -> None:
    """List the edits of a plan, add one, undo the last or bring it back."""
    from redact_cli.commands.edit import edit_plan

    edit_plan(plan, action, edits or [], by, reason, as_json=output.as_json, quiet=output.quiet)


@command(help=help_texts.DOCTOR)
@takes_groups
def doctor(
    machine: Annotated[options.Machine, Only("ffmpeg")],
    output: Annotated[options.Output, Only("as_json")],
    cluster: Cluster,
    clean: arguments.Clean = None,
) -> None:
    """Tell versions, encoders, weights and checksums, and in words what is missing."""
    from redact_cli.commands import doctor as tools

    if clean is not None:
        typer.echo(tools.removed_in_words(*tools.remove_leftovers(clean)))
        return
    if cluster.cluster is not None:
        raise typer.Exit(clusters.tell_cluster(cluster, output))
    from redact.doctor import examine

    examination = examine(machine.ffmpeg)
    tell = tools.examination_json if output.as_json else tools.examination_in_words
    typer.echo(tell(examination))
    raise typer.Exit(SOME_FAILED if examination.problems else 0)


app.command(cls=Command, help=help_texts.WORKER)(clusters.worker)
app.add_typer(clusters.app, name="cluster")


def main(arguments: Sequence[str] | None = None) -> None:
    """The command `redact`: every ending has its exit code, and none is a traceback."""
    said = sys.argv[1:] if arguments is None else list(arguments)
    unwind_on_signals()
    try:
        app(said, prog_name="redact")  # whatever the program file is called
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    except RedactError as error:
        say_error(str(error))
        raise SystemExit(code_for(error)) from None
    except ImportError as error:
        say_error(f"a library cannot be loaded: {error}; run `redact doctor`, or reinstall redact")
        raise SystemExit(code_for(MissingEngineError(""))) from None
    except OSError as error:
        say_error(os_error_in_words(error))
        raise SystemExit(code_for(error)) from None
    except Exception as error:
        say_error(
            f"unforeseen {type(error).__name__}: {error}; please report it, with what --debug says"
        )
        if take_debug(said)[0]:
            traceback.print_exc()
        raise SystemExit(UNFORESEEN) from None
