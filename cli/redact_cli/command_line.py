"""Understands the line as people type it: `redact clip.mp4` runs, options may stand anywhere.

The rules, in their order:

1. `--debug` counts wherever it stands before a `--`.
2. The first word that is neither an option nor an option's value decides. A command's name is that
   command, also where a file is called so: `./run` is the file.
3. Any other word that can be a file means `run`. A bare word that no file has is taken for a
   mistyped command, and refused with a suggestion.
4. Options before that word belong to the command, but for those of `redact` itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from os import altsep, sep
from pathlib import Path
from typing import Any

from typer.core import TyperGroup

from redact_cli.help_format import without_types

DEBUG = "--debug"
DEFAULT = "run"


class CommandLine(TyperGroup):
    """The commands of `redact`, the default one among them."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Bring the line into the form `redact [OPTIONS] COMMAND [ARGS]...`."""
        debug, args = take_debug(args)
        for arg in args[: args.index("--")] if "--" in args else args:
            if arg.startswith("-") and "." in arg and Path(arg).is_file():
                ctx.fail(f"{arg!r} reads as an option. For the file of that name write ./{arg}")
        if args:
            args = self._with_command(ctx, args)
        return super().parse_args(ctx, [DEBUG] * debug + args)

    def get_params(self, ctx: Any) -> list[Any]:
        """The options of `redact` itself, as its commands show theirs."""
        return without_types(super().get_params(ctx))

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Offer the options of the default command as well, where none is named."""
        offered = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            known = {item.value for item in offered}
            more = self.commands[DEFAULT].shell_complete(ctx, incomplete)
            offered += [item for item in more if item.value not in known]
        return offered

    def _with_command(self, ctx: Any, args: list[str]) -> list[str]:
        own, others, rest = self._split(ctx, args)
        words = rest[1:] if rest[:1] == ["--"] else rest
        if words and words[0] in self.commands:
            return [*own, words[0], *others, *words[1:]]
        if words and not ctx.resilient_parsing and not _can_be_file(words[0]):
            ctx.fail(self._refusal(words[0]))
        if others or words:
            return [*own, DEFAULT, *others, *rest]
        return args

    def _split(self, ctx: Any, args: list[str]) -> tuple[list[str], list[str], list[str]]:
        """Options of `redact` itself, options of a command, and the rest from the first word."""
        own = {name for option in self.get_params(ctx) for name in option.opts}
        with_value = set(self._options_with_value(ctx))
        ours: list[str] = []
        others: list[str] = []
        at = 0
        while at < len(args) and args[at].startswith("-") and args[at] not in {"-", "--"}:
            last = at + _value_follows(args[at], with_value)
            (ours if args[at].partition("=")[0] in own else others).extend(args[at : last + 1])
            at = last + 1
        return ours, others, args[at:]

    def _options_with_value(self, ctx: Any) -> Iterator[str]:
        for command in (self, *self.commands.values()):
            for option in command.get_params(ctx):
                if option.param_type_name == "option" and not getattr(option, "is_flag", False):
                    yield from option.opts

    def _refusal(self, word: str) -> str:
        similar = get_close_matches(word.lower(), self.commands, n=1)
        advice = (
            f"Did you mean `{similar[0]}`?" if similar else f"Commands: {', '.join(self.commands)}."
        )
        return f"There is no command and no file called {word!r}. {advice}"


def take_debug(args: Sequence[str]) -> tuple[bool, list[str]]:
    """Whether `--debug` is said, and the line without it; what follows a `--` are files."""
    end = args.index("--") if "--" in args else len(args)
    said = [arg for arg in args[:end] if arg != DEBUG]
    return len(said) < end, [*said, *args[end:]]


def _can_be_file(word: str) -> bool:
    """Whether it is one, or is written as only files are, so that `run` says what is wrong."""
    separators = {sep, altsep or sep}
    return "." in word or bool(separators & set(word)) or Path(word).exists()


def _value_follows(option: str, with_value: set[str]) -> bool:
    """Whether the next argument is this option's value: `--out`, `-o`, `-qo`, but not `-oDIR`."""
    if option.startswith("--"):
        return option in with_value
    for at, letter in enumerate(option[1:], 2):
        if f"-{letter}" in with_value:
            return at == len(option)
    return False
