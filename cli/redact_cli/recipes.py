"""From the options of the command line to a recipe and a check of the library."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from redact.core.coverage import Coverage
from redact.core.findings import Kind
from redact.core.interfaces import Progress
from redact.core.kinds import KINDS, USUAL, Rule
from redact.core.passes import Pass
from redact.core.recipe import Recipe, recipe
from redact.errors import RecipeError
from redact.verify.result import Checking
from redact_cli.options import Check, Encoding, Reach, Search, Style


def make_checking(check: Check) -> Checking | None:
    """How the result is checked, None for not at all.

    Raises:
        RecipeError: The choices contradict each other.
    """
    if check.verify:
        return Checking(check.every_frame, check.strict, check.report_only)
    if check.every_frame or check.strict or check.report_only:
        raise RecipeError("without a check there is nothing to choose", remedy="drop --no-verify")
    return None


def make_recipe(
    search: Search,
    reach: Reach | None = None,
    style: Style | None = None,
    encoding: Encoding | None = None,
) -> Recipe:
    """A profile with what was said on the command line replaced.

    Raises:
        RecipeError: Something does not exist or does not fit.
    """
    encoding = encoding or Encoding()
    if encoding.encoder is not None:
        _check_encoder(encoding.encoder)
    choices: dict[str, object] = {
        **_style_choices(style or Style()),
        "encoder": encoding.encoder,
        "quality": encoding.quality,
        "audio": encoding.audio,
        "extras": parse_extras(encoding.keep or ()) or None,
        "uncertain": search.uncertain,
        "strict_input": search.strict_input,
    }
    chosen = recipe(
        search.profile, **{name: value for name, value in choices.items() if value is not None}
    )
    passes = tuple(map(parse_pass, search.detector or ()))
    chosen = _with_passes(chosen, passes, parse_kinds(search.detect))
    return _with_reach(chosen, reach or Reach())


def _style_choices(said: Style) -> dict[str, str | None]:
    """What is drawn, by the recipe's names.

    Raises:
        RecipeError: The choices contradict each other.
    """
    if said.cover is not None and said.style not in (None, "cover"):
        raise RecipeError(f"either a cover or {said.style}", remedy="take --style or --cover away")
    if said.cover is None and said.style == "cover":
        raise RecipeError("there is no picture to cover with", remedy="give one with --cover")
    if said.color is not None and said.style != "solid" and said.cover is None:
        raise RecipeError("only solid and cover have a colour", remedy="add --style solid")
    from redact.media.files import fingerprint

    return {
        "style": said.style if said.cover is None else "cover",
        "cover": None if said.cover is None else fingerprint(said.cover),
        "colour": None if said.color is None else _with_sign(said.color),
    }


def _with_sign(colour: str) -> str:
    """With the sign that a shell would take for the start of a comment."""
    return f"#{colour}" if re.fullmatch("[0-9a-fA-F]{6}", colour) else colour


def _with_passes(chosen: Recipe, said: tuple[Pass, ...], wanted: frozenset[Kind]) -> Recipe:
    """With the passes said in place of the recipe's of their kind, and none of unwanted kinds."""
    replaced = {detection_pass.kind for detection_pass in said}
    for kind in replaced - wanted:
        option = KINDS[kind].option
        raise RecipeError(
            f"--detector names a pass for {option}, but --detect leaves {option} out",
            remedy=f"add {option} to --detect, or take the detector away",
        )
    kept = tuple(one for one in chosen.passes if one.kind not in replaced)
    return replace(chosen, passes=said + kept).detecting(wanted)


def _with_reach(chosen: Recipe, reach: Reach) -> Recipe:
    coverage = chosen.coverage
    try:
        if reach.pad is not None:
            coverage = replace(coverage, pad=reach.pad)
        coverage = coverage.with_holds(reach.before, reach.after)
    except ValueError as error:
        raise RecipeError(str(error)) from error
    for text in reach.rule or ():
        coverage = parse_rule(text, coverage)
    return replace(chosen, coverage=coverage)


def parse_kinds(text: str | None) -> frozenset[Kind]:
    """The kinds that `faces`, `plates,people` or `all` stand for; the usual ones without a text.

    Raises:
        RecipeError: It names something else.
    """
    if text is None:
        return frozenset(USUAL)
    names = [name.strip() for name in text.split(",")]
    if names == ["all"]:
        return frozenset(_BY_OPTION.values())
    unknown = [name for name in names if name not in _BY_OPTION]
    if unknown:
        remedy = f"choose {', '.join(_BY_OPTION)}, or all"
        raise RecipeError(f"nothing called {unknown[0]!r} can be detected", remedy=remedy)
    return frozenset(_BY_OPTION[name] for name in names)


def parse_rule(text: str, coverage: Coverage) -> Coverage:
    """With what `people:pad=0.2,after=1` says of one kind.

    Raises:
        RecipeError: It is not of that form, or a value does not fit.
    """
    option, _, values = text.partition(":")
    if option.strip() not in _BY_OPTION or not values:
        remedy = f"KIND is one of {', '.join(_BY_OPTION)}; write for example people:pad=0.2"
        raise RecipeError(f"a rule is written KIND:NAME=VALUE, not {text!r}", remedy=remedy)
    rule = coverage.rule(_BY_OPTION[option.strip()])
    for value in values.split(","):
        rule = _with_value(rule, value)
    return coverage.with_rule(rule)


def _with_value(rule: Rule, text: str) -> Rule:
    name, _, value = (part.strip() for part in text.partition("="))
    if name not in RULE_VALUES:
        remedy = f"choose {', '.join(RULE_VALUES)}"
        raise RecipeError(f"a rule has no value called {name!r}", remedy=remedy)
    try:
        given = value if name == "style" else float(value)
        return replace(rule, **{RULE_VALUES[name]: given})  # type: ignore[arg-type]
    except ValueError as error:
        raise RecipeError(f"{text.strip()!r} does not fit: {error}") from error


_BY_OPTION = {facts.option: kind for kind, facts in KINDS.items()}

RULE_VALUES = {name: name for name in ("threshold", "pad", "before", "after")} | {"style": "drawn"}
"""What can be said of a kind, and what a rule calls it."""


def parse_extras(said: Sequence[str]) -> tuple[str, ...]:
    """The names of what is to be kept, each once; the recipe says if they can be."""
    names = (name.strip().lower() for text in said for name in text.split(","))
    return tuple(sorted({name for name in names if name}))


def parse_pass(text: str) -> Pass:
    """The detection pass that `NAME:SIDE:THRESHOLD` stands for.

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
    from redact.detect.detectors import DETECTORS

    if name not in DETECTORS:
        known = ", ".join(DETECTORS)
        raise RecipeError(f"there is no detector {name!r}", remedy=f"choose {known}")


def _check_encoder(name: str) -> None:
    from redact.media.video.encoder_table import ENCODERS

    if name not in {*ENCODERS, *(encoder.name for encoder in ENCODERS.values())}:
        known = ", ".join(ENCODERS)
        raise RecipeError(f"there is no encoder {name!r}", remedy=f"choose {known}")


def check_cover(recipe: Recipe, cover: Path | None) -> None:
    """Refuse a picture that covers nothing before any work; it is read in a sandbox as all media.

    Raises:
        RedactError: It cannot be read, or covers nothing.
    """
    from redact.jobs.sandbox import Task, run_in_sandbox

    if cover is not None:
        run_in_sandbox(Task(_read_cover, cover, None, (recipe, cover)), _ignore_progress)


def _read_cover(recipe: Recipe, cover: Path, _: Progress) -> tuple[int, ...]:
    from redact.hide.covers import CoverPicture, prepare_cover
    from redact.media.formats import read_cover

    picture = prepare_cover(recipe, "cover", CoverPicture(cover, *read_cover(cover)))
    return () if picture is None else picture.shape


def _ignore_progress(stage: str, done: int, expected: int | None) -> None:
    """Nobody listens."""


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
