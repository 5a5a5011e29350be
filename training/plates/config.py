"""Reads settings.toml and the command line's changes to it."""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path
from typing import Any

DEFAULT = Path(__file__).with_name("settings.toml")


def parser(description: str, settings: Path = DEFAULT) -> argparse.ArgumentParser:
    """A command's parser with the options that all commands share; `settings` is read if none is said."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--settings", type=Path, default=settings)
    made.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="e.g. train.batch=8"
    )
    return made


def load(args: argparse.Namespace) -> dict[str, Any]:
    """The settings file with the changes of --set."""
    settings = tomllib.loads(args.settings.read_text(encoding="utf-8"))
    for change in args.set:
        key, _, text = change.partition("=")
        place = settings
        *parents, last = key.split(".")
        for name in parents:
            place = place[name]
        if last not in place:
            raise SystemExit(f"no setting is called {key}")
        place[last] = text if isinstance(place[last], str) else tomllib.loads(f"x={text}")["x"]
    return settings
