"""How results are called: beside their sources or in a folder, by a pattern, or one by its name."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from redact.core.names import WRITTEN_AS, default_output
from redact.errors import RecipeError, printable
from redact.media.files import STILL_SUFFIXES, VIDEO_SUFFIXES

SUFFIXES: frozenset[str] = VIDEO_SUFFIXES | STILL_SUFFIXES
"""Lower-case suffixes of the files that are looked for in folders."""

_SUFFIX = re.compile(r"\.(?=[0-9]*[A-Za-z])[A-Za-z0-9]{1,5}")
"""What looks like the suffix of a file; a folder may be called by a date, such as 2026.11.28."""


@dataclass(frozen=True, slots=True)
class Naming:
    """How results are called.

    Args:
        place: A folder, or the file that the one result becomes; None for beside the source.
        pattern: A name with `{stem}` and `{ext}`; None for `{stem}.redacted{ext}`.
        is_folder: Whether the place is a folder, whatever its name looks like.

    Raises:
        RecipeError: The two contradict each other, or the pattern gives no name of a result.
    """

    place: Path | None = None
    pattern: str | None = None
    is_folder: bool = False

    @classmethod
    def said(cls, place: Path | str | None, pattern: str | None) -> Naming:
        """From what a person says; a text that ends with a slash is a folder."""
        slashes = tuple(filter(None, (os.sep, os.altsep)))
        is_folder = isinstance(place, str) and place.endswith(slashes)
        return cls(None if place is None else Path(place), pattern, is_folder)

    def __post_init__(self) -> None:
        if self.pattern is None:
            return
        if self.is_file:
            problem = "there is a name already in --name"
            raise RecipeError(problem, self.place, "name a folder with -o")
        made = _fill(self.pattern, Path("x.mp4"))
        if Path(made).name != made or "\\" in made or made.startswith("."):
            raise RecipeError(
                f"the pattern {self.pattern!r} is not the name of a file",
                remedy="leave folders to -o, and begin with a letter or {stem}",
            )
        if Path(made).suffix.lower() not in SUFFIXES:
            raise RecipeError(
                f"the pattern {self.pattern!r} names no kind of file", remedy="end it with {ext}"
            )

    @property
    def is_file(self) -> bool:
        """Whether the place is the name of one result."""
        return (
            self.place is not None
            and not self.is_folder
            and self.place.suffix.lower() in SUFFIXES
            and not os.path.isdir(self.place)  # noqa: PTH112 - says no where Path.is_dir raises
        )

    def output(self, source: Path, top: Path) -> Path:
        """The result of a source that was found under `top`, whose tree is kept."""
        if self.place is not None and self.is_file:
            return self.place
        folder = self.place / source.parent.relative_to(top) if self.place else source.parent
        named = default_output(source).name if self.pattern is None else _fill(self.pattern, source)
        return folder / named

    def check_inputs(self, inputs: Sequence[Path]) -> None:
        """Refuse what could not be told apart, or would take the place of something else.

        Raises:
            RecipeError: Several inputs would become one file, or a later search of a folder would
                take its results for originals.
        """
        folders = [path for path in inputs if os.path.isdir(path)]  # noqa: PTH112
        if self.is_file and (folders or len(inputs) > 1):
            problem = "that is the name of one file, and more may come"
            raise RecipeError(problem, self.place, "name a folder with -o, or a pattern by --name")
        if len(inputs) == 1 and not folders:
            self._check_kind(inputs[0])
        if self.pattern is None or is_result(Path(_fill(self.pattern, Path("x.mp4")))):
            return
        for folder in folders:
            if self.place is None or _lies_in(self.place, folder):
                raise RecipeError(
                    f"in it, results called {self.pattern!r} could not be told from originals",
                    folder,
                    "name a folder elsewhere with -o, or end the pattern with .redacted{ext}",
                )

    def _check_kind(self, source: Path) -> None:
        """Refuse a place that looks like the name of a file of a kind that is not written."""
        if self.place is None or self.pattern is not None or self.is_file or self.is_folder:
            return
        looks_so = _SUFFIX.fullmatch(self.place.suffix)
        if looks_so and not os.path.isdir(self.place):  # noqa: PTH112
            containers = " ".join(sorted(s[1:] for s in VIDEO_SUFFIXES - WRITTEN_AS.keys()))
            still = source.suffix.lower() in STILL_SUFFIXES  # which keeps its kind
            end = default_output(source).suffix if still else f"one of {containers}"
            raise RecipeError(
                f"redact writes no {self.place.suffix} files",
                self.place,
                f"end the name with {end}; if it is to be a folder, add a / to it",
            )


def is_result(path: Path) -> bool:
    """Whether a name is that of a result of redact, also of one that was held back."""
    return path.stem.endswith((".redacted", ".quarantine"))


def is_companion(path: Path) -> bool:
    """Whether a name is that of what redact writes beside a result."""
    ends = (".redact.json", ".redact.html", ".redact.report.json", ".redact.signed.json")
    return path.name.endswith(ends)


def matches(path: Path, top: Path, patterns: Sequence[str]) -> bool:
    """Whether a name, or a path below `top`, fits one of the patterns with `*`, `?` and `[...]`."""
    names = {os.path.normcase(path.name)}
    if path.is_relative_to(top):
        names.add(os.path.normcase(path.relative_to(top)))
    folded = [os.path.normcase(pattern).rstrip(os.sep) for pattern in patterns]
    return any(fnmatchcase(name, pattern) for name in names for pattern in folded)


def _fill(pattern: str, source: Path) -> str:
    parts = {"stem": source.stem, "ext": default_output(source).suffix}

    def value(found: re.Match[str]) -> str:
        if found[1] not in parts:
            raise RecipeError(
                f"a name has no part {printable(Path(found[0]))}", remedy="use {stem} and {ext}"
            )
        return parts[found[1]]

    return re.sub(r"\{([^{}]*)\}", value, pattern)


def _lies_in(place: Path, folder: Path) -> bool:
    return Path(os.path.realpath(place)).is_relative_to(os.path.realpath(folder))


def check_collisions(outputs: dict[Path, Path]) -> None:
    """Refuse two results of one name, and a result that has an input's name."""
    sources = {path_key(source): source for source in outputs}
    for source, output in outputs.items():
        other = sources.get(path_key(output))
        if other == source:
            remedy = "give the result another name, or a folder with -o"
            raise RecipeError("its result would be written over it", source, remedy)
        if other is not None:
            remedy = f"redact {printable(other)} in a run of its own"
            raise RecipeError(f"{printable(source)} would be written over an input", other, remedy)
    first: dict[str, Path] = {}
    for source, output in outputs.items():
        other = first.setdefault(path_key(output), source)
        if other != source:
            both = f"{printable(other)} and {printable(source)} would both be written to it"
            raise RecipeError(both, output, "give each its own output folder")


def path_key(path: Path) -> str:
    """The same for one file in one folder, whatever links lead to the folder."""
    folder, name = os.path.split(os.path.abspath(path))  # noqa: PTH100 - a link keeps its name
    return os.path.normcase(os.path.join(os.path.realpath(folder), name))  # noqa: PTH118
