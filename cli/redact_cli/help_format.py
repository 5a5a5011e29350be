"""How the help of a command looks: the names of values, no types; and the same as a man page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import typer
from rich.markup import escape
from typer.core import TyperCommand, TyperGroup

from redact_cli.presets import names_in_words
from redact_cli.usage_errors import in_own_words


class Command(TyperCommand):
    """A command whose help tells no types of Python, and which presets there are."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters; flags and arguments have no column for a type."""
        return without_types(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the line; what is wrong with a value is told in words of redact."""
        with in_own_words():
            return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help; presets are looked for only now."""
        params: list[Any] = [param for param in self.params if param.name == "preset"]
        before = [param.help for param in params]
        for param in params:
            param.help = f"{param.help} {escape(names_in_words())}"
        super().format_help(ctx, formatter)
        for param, text in zip(params, before, strict=True):
            param.help = text


class Group(TyperGroup):
    """Commands under one name, the help of which tells no types of Python."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters; flags have no column for a type."""
        return without_types(super().get_params(ctx))


def without_types(params: Iterable[Any]) -> list[Any]:
    """The parameters; flags and arguments have no column for a type in the help."""
    known = list(params)
    for param in known:
        if param.param_type_name == "argument" or getattr(param, "is_flag", False):
            param.display_type_rich = _no_type
    return known


def _no_type(ctx: Any) -> str:  # noqa: ARG001 - as typer calls it
    return ""


def tell_version(wanted: bool) -> None:
    """What `--version` does."""
    if wanted:
        typer.echo(f"redact {_installed_version()}")
        raise typer.Exit


def tell_man_page(context: typer.Context, wanted: bool) -> None:
    """What `--man` does."""
    if wanted and not context.resilient_parsing:
        typer.echo(man_page(context.command, context, _installed_version()), nl=False)
        raise typer.Exit


def _installed_version() -> str:
    from importlib.metadata import version

    return version("redact-video")


def man_page(group: Any, ctx: Any, version: str) -> str:
    """All help as one man page, for `man -l` or a folder `man1`.

    Args:
        group: The command `redact` with its commands.
        ctx: Its context.
        version: Of redact.
    """
    return "\n".join(_man_lines(group, ctx, version)) + "\n"


def _man_lines(group: Any, ctx: Any, version: str) -> Iterator[str]:
    yield f'.TH REDACT 1 "" "redact {version}"'
    yield ".SH NAME"
    yield "redact \\- find faces and number plates in videos and pictures, and hide them"
    yield ".SH SYNOPSIS"
    commands = dict(_commands(group))
    yield from (f".B redact {name}\n{_synopsis(it)}\n.br" for name, it in commands.items())
    yield ".SH DESCRIPTION"
    yield from _paragraphs(group.help)
    yield ".SH OPTIONS OF REDACT"
    yield from _parameters(group, ctx)
    for name, command in commands.items():
        yield f".SH REDACT {name.upper()}"
        yield from _paragraphs(command.help)
        yield from _parameters(command, ctx)
        yield from _paragraphs(command.epilog)
    yield ".SH EXAMPLES AND EXIT CODES"
    yield from _paragraphs(group.epilog)


def _commands(group: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """All commands, those of groups by both names."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{above}{name} ")
        else:
            yield f"{above}{name}", command


def _synopsis(command: Any) -> str:
    words = [one for one in command.params if one.param_type_name == "argument"]
    return " ".join(["[OPTIONS]", *(w.metavar + "..." * (w.nargs == -1) for w in words)])


def _parameters(command: Any, ctx: Any) -> Iterator[str]:
    for param in command.get_params(ctx):
        if getattr(param, "hidden", False):
            continue
        flag = getattr(param, "is_flag", False)
        argument = param.param_type_name == "argument"
        names = [] if argument else [*param.opts, *param.secondary_opts]
        value = "" if flag or not param.metavar else f" {param.metavar}"
        yield f".TP\n.B {_roff(', '.join(names) + value).strip()}"
        yield _roff(" ".join((param.help or "").split()))


def _paragraphs(text: str | None) -> Iterator[str]:
    for part in re.split(r"\n\s*\n", text or ""):
        if part.strip():
            yield f".PP\n{_roff(' '.join(part.split()))}"


def _roff(text: str) -> str:
    """The text with what roff would take for a command escaped."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
