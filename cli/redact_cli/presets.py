"""Presets: choices of one's own with a name, from `redact.toml` here or in the configuration.

    [presets.court]
    style = "solid"
    color = "20242a"
    audio = "drop"

A preset holds what an analysis, its styles, the encoding and the check know, and whether there is a
report. It can neither name programs nor allow that something is replaced: a folder of footage may
come from anybody.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import typer

from redact.errors import RecipeError, RedactError, printable

FILE = "redact.toml"


@dataclass(frozen=True, slots=True)
class Preset:
    """Choices with a name.

    Args:
        name: As it is called.
        path: The file that holds it.
        choices: From the names of options, as a command's parameters are called, to values.
    """

    name: str
    path: Path
    choices: dict[str, Any]

    def in_words(self) -> str:
        """One line: what it chooses, and where it comes from."""
        said = ", ".join(f"{_option(name)} {_value(it)}" for name, it in self.choices.items())
        return f"preset {self.name} of {printable(self.path)}: {said or 'nothing'}"


def places() -> tuple[Path, Path]:
    """The project's file, which comes first, and the user's."""
    return Path(FILE), Path(typer.get_app_dir("redact")) / FILE


def load_presets() -> dict[str, Preset]:
    """All presets by name; the project's stand before the user's of the same name.

    Raises:
        RecipeError: A file cannot be read, or holds what is no preset.
    """
    found: dict[str, Preset] = {}
    for path in places():
        if path.is_file():
            for preset in _read(path):
                found.setdefault(preset.name, preset)
    return found


def find_preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        RecipeError: There is none, or a file cannot be used.
    """
    presets = load_presets()
    if name not in presets:
        known = ", ".join(presets) or f"none; write [presets.{name}] in {printable(places()[0])}"
        raise RecipeError(f"there is no preset {name!r}", remedy=f"there are: {known}")
    return presets[name]


def take_preset(context: typer.Context, name: str | None) -> str | None:
    """Make the choices of a preset the defaults of a command; what is said on the line counts more.

    Raises:
        RecipeError: There is no such preset, or a value is of the wrong kind.
    """
    if name is None or context.resilient_parsing:
        return name
    preset = find_preset(name)
    options = {option.name: option for option in context.command.params}
    known = {key: value for key, value in preset.choices.items() if key in options}
    for key, value in known.items():
        _check_value(preset, key, value, options[key])
    context.default_map = known
    return name


def names_in_words() -> str:
    """For the help: the names of all presets, or why there are none."""
    try:
        names = ", ".join(load_presets()) or "none yet"
    except RedactError as error:
        names = str(error)
    return f"Here: {names}."


def _read(path: Path) -> Iterator[Preset]:
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise RecipeError(f"the presets cannot be read: {why}", path, "mend the file") from error
    tables = content.pop("presets", {})
    if content or not isinstance(tables, dict):
        problem = f"unknown entry {next(iter(content), 'presets')!r}"
        raise RecipeError(problem, path, "write each preset under [presets.NAME]")
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise RecipeError(f"preset {name!r} is no table", path, f"begin it [presets.{name}]")
        choices = {key.replace("-", "_"): value for key, value in table.items()}
        for key in choices.keys() - _choices():
            known = ", ".join(sorted(map(_option, _choices())))
            raise RecipeError(
                f"preset {name!r} has an unknown entry {_option(key)!r}",
                path,
                f"there are: {known}",
            )
        for key in ("cover", "zones"):
            if isinstance(choices.get(key), str):
                choices[key] = str(path.parent / str(choices[key]))
        yield Preset(name, path, choices)


def _choices() -> set[str]:
    from redact_cli.by_hand import ByHand
    from redact_cli.options import Check, Encoding, Reach, Search, Style

    groups = (Search, Reach, Style, Encoding, Check, ByHand)
    return {field.name for group in groups for field in fields(group)} - {"preset"} | {"report"}


def _check_value(preset: Preset, key: str, value: object, option: Any) -> None:
    """What typer would turn into something else without a word."""
    listed = isinstance(value, list) and all(isinstance(item, str) for item in value)
    if option.is_flag:
        fits, wanted = isinstance(value, bool), "true or false"
    elif option.multiple:
        fits, wanted = listed, "a list of texts"
    else:
        fits = isinstance(value, str | int | float) and not isinstance(value, bool)
        wanted = "a text or a number"
    if not fits:
        problem = f"{_option(key)} of preset {preset.name!r} is {value!r}"
        raise RecipeError(problem, preset.path, f"write {wanted}")


def _option(name: str) -> str:
    return name.replace("_", "-")


def _value(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
