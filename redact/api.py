"""Whole jobs: analyse, render, redact, verify and prove a file, or redact a picture in memory."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, overload

from redact import stages
from redact.analysis import analyse
from redact.core.edits.zones import Wish
from redact.core.findings import Detection
from redact.core.frames import Samples
from redact.core.interfaces import Progress
from redact.core.names import default_output
from redact.core.plan import Plan, load
from redact.core.recipe import PROFILES, Recipe
from redact.core.recipe import recipe as profile
from redact.detect.cache import DetectionCache
from redact.errors import MissingInputError, PlanError, RecipeError
from redact.media.drafts import check_output
from redact.media.formats import check_choices, open_source, read_cover
from redact.people.choice import PhotoChoice, make_chooser
from redact.stages import Outcome, Rendering
from redact.verify.result import Checking, Verification

if TYPE_CHECKING:
    from PIL.Image import Image

    from redact.hide.covers import CoverPicture
    from redact.hide.proof import Proof


def analyse_file(
    source: Path | str,
    recipe: Recipe | str | None = None,
    *,
    edits: Sequence[Wish] = (),
    cache: DetectionCache | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Find and track everything that is to be hidden, and write nothing.

    Args:
        source: A video or a still.
        recipe: The choices, or a profile's name; the balanced profile if not said.
        edits: What the plan is to hide, show or silence besides, zones among it.
        cache: Where a long video's detections are kept meanwhile, so that another run can go on.
        progress: Called with the stage, frames done and frames expected.

    Raises:
        InputError: The source cannot be used.
        RecipeError: The recipe or a zone asks for what the source does not allow.
        PlanError: An edit can do nothing.
        EngineError: A detector failed.
    """
    recipe = _as_recipe(recipe)
    opened = open_source(_as_path(source), strict=recipe.strict_input)
    return analyse(opened, recipe, cache, progress or _silent, edits)


def render_file(
    source: Path | str,
    output: Path | str,
    plan: Plan | Path | str,
    *,
    checking: Checking | None = Checking(),  # noqa: B008 - frozen
    cover: Path | str | None = None,
    force: bool = False,
    ffmpeg: str | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Write the source with everything hidden that the plan says, and check the result.

    What the check finds is hidden too, and the source rendered again. Only what an edit of the plan
    shows stays visible.

    Args:
        source: What the plan was made from.
        output: Appears only when complete and checked.
        plan: From `analyse_file`, edited or not; or its file's name.
        checking: How the result is checked; None for not at all.
        cover: A picture to hide everything under, for the style `cover`.
        force: Whether an existing output may be replaced.
        ffmpeg: Another ffmpeg program than the one that came with redact.
        progress: Called with the stage, frames done and frames expected.

    Raises:
        LeakError: Somebody may still show; the result has a name with `.quarantine` in it.
        RedactError: Any other of the family; then there is no output.
    """
    started = time.monotonic()
    how = Rendering(_read_cover(cover), force, ffmpeg, progress or _silent)
    known = _as_plan(plan)
    opened = open_source(_as_path(source), strict=known.recipe.strict_input)
    check_choices(opened, known.recipe, _as_path(output), ffmpeg)  # refused now, not later
    done = stages.render_checked(opened, _as_path(output), known, how, checking)
    return replace(done, seconds=time.monotonic() - started)


def redact_file(
    source: Path | str,
    output: Path | str | None = None,
    recipe: Recipe | str | None = None,
    *,
    edits: Sequence[Wish] = (),
    checking: Checking | None = Checking(),  # noqa: B008 - frozen
    cover: Path | str | None = None,
    force: bool = False,
    resume: bool = False,
    people: PhotoChoice | None = None,
    ffmpeg: str | None = None,
    progress: Progress | None = None,
    in_spans: bool = False,
) -> Outcome:
    """Find everything, hide it, check the result, and write a finished file.

    Args:
        source: A video or a still.
        output: Where to write; `NAME.redacted.EXT` beside the source if not said.
        recipe: The choices, or a profile's name; the balanced profile if not said.
        edits: What is hidden, shown or silenced besides, zones among it.
        checking: How the result is checked; None for not at all.
        cover: A picture to hide everything under, for the style `cover`.
        force: Whether an existing output may be replaced.
        resume: Whether the analysis of a long video goes on where an interrupted one ended.
        people: Photographs that say who is hidden; what is unsure is, uncertain tracks too.
        ffmpeg: Another ffmpeg program than the one that came with redact.
        progress: Called with the stage, frames done and frames expected.
        in_spans: Whether other machines may encode spans of a long video.

    Raises:
        LeakError: Somebody may still show; the result has a name with `.quarantine` in it.
        RedactError: Any other of the family; then there is no output.
    """
    started = time.monotonic()
    source = _as_path(source)
    output = _as_path(output) if output else default_output(source)
    check_output(output, source=source, force=force)
    recipe = _as_recipe(recipe)
    opened = open_source(source, strict=recipe.strict_input)
    check_choices(opened, recipe, output, ffmpeg)  # refused now, before anything heavy is loaded
    how = Rendering(_read_cover(cover), force, ffmpeg, progress or _silent, in_spans=in_spans)
    recipe = _apply_cover(recipe, how.cover)
    choose = make_chooser(people)
    if people is not None:
        recipe = replace(recipe, uncertain="hide")
    with DetectionCache(output, resume) as cache:
        plan = analyse(opened, recipe, cache, how.progress, edits)
        plan = choose(opened, plan, how.progress)
        done = stages.render_checked(opened, output, plan, how, checking, cache)
    spans, checked = cache.elsewhere.used, cache.spans_checked
    took = time.monotonic() - started
    return replace(done, seconds=took, spans=spans, spans_checked=checked)


def verify_file(
    source: Path | str,
    output: Path | str,
    plan: Plan | Path | str | None = None,
    checking: Checking | None = None,
    *,
    cover: Path | str | None = None,
    progress: Progress | None = None,
) -> Verification:
    """Check a finished file against its source, frame by frame, with detectors of other families.

    Args:
        source: The original.
        output: What was rendered from it.
        plan: What it was rendered with; without one, what differs is taken for what is hidden.
        checking: How; only its `every_frame` and `strict` count here, as nothing is rendered.
        cover: The picture that the output was covered with, if the style was `cover`.
        progress: Called for every frame.

    Returns:
        What was found; faults and leaks are told there, not raised.

    Raises:
        PlanError: The plan is of another source, or an edit in it can do nothing.
        InputError: One of the files cannot be read.
        VerificationError: Their pictures differ in size.
        EngineError: A detector failed.
    """
    opened, checking = open_source(_as_path(source)), checking or Checking()
    covering, progress = _read_cover(cover), progress or _silent
    known = None if plan is None else _as_plan(plan)
    return stages.check(opened, _as_path(output), known, checking, covering, progress)


def prove_file(
    source: Path | str,
    plan: Plan | Path | str | None = None,
    recipe: Recipe | str | None = None,
    *,
    cover: Path | str | None = None,
    progress: Progress | None = None,
) -> Proof:
    """Show on a file that what is drawn does not depend on what is hidden.

    Args:
        source: A video or a still.
        plan: What is hidden and how; made by an analysis if not given.
        recipe: The choices of that analysis, or a profile's name; the balanced profile if not said.
        cover: The picture for the style `cover`, if plan or recipe name it.
        progress: Called with the stage, frames done and frames expected.

    Returns:
        What was found; whether it holds is told there, not raised.

    Raises:
        RedactError: Any of the family; then nothing is proven.
    """
    opened, progress = open_source(_as_path(source)), progress or _silent
    known = _as_plan(plan or analyse(opened, _as_recipe(recipe), None, progress))
    return stages.prove(opened, known, _read_cover(cover), progress)


def find_in_picture(
    picture: Samples | Image, recipe: Recipe | str | None = None
) -> list[Detection]:
    """What would be hidden in one picture in memory.

    Args:
        picture: (height, width) or (height, width, channels), uint8 or uint16: grey, grey and
            opacity, red green blue, or these and opacity. Or a picture of Pillow's.
        recipe: The choices, or a profile's name; the balanced profile if not said.

    Raises:
        UnsupportedInputError: It is no such picture.
        EngineError: A detector failed.
    """
    from redact import pictures

    return pictures.find_in_picture(picture, _as_recipe(recipe))


@overload
def redact_picture(
    picture: Samples, recipe: Recipe | str | None = None, *, cover: Path | str | None = None
) -> Samples: ...


@overload
def redact_picture(
    picture: Image, recipe: Recipe | str | None = None, *, cover: Path | str | None = None
) -> Image: ...


def redact_picture(
    picture: Samples | Image,
    recipe: Recipe | str | None = None,
    *,
    cover: Path | str | None = None,
) -> Samples | Image:
    """A copy of one picture in memory with everything hidden.

    Args:
        picture: (height, width) or (height, width, channels), uint8 or uint16: grey, grey and
            opacity, red green blue, or these and opacity. Or a picture of Pillow's.
        recipe: The choices, or a profile's name; the balanced profile if not said.
        cover: A picture to hide everything under, for the style `cover`.

    Returns:
        An array of the same shape and type; for a picture of Pillow's another, upright, in mode L,
        LA, RGB, RGBA or I;16 and without tags.

    Raises:
        UnsupportedInputError: It is no such picture.
        RecipeError: The style needs a picture, and there is none.
        EngineError: A detector failed.
    """
    from redact import pictures

    covering = _read_cover(cover)
    choices = _apply_cover(_as_recipe(recipe), covering)
    hidden: Samples | Image = pictures.hide_in_picture(picture, choices, covering)
    return hidden


def _as_recipe(recipe: Recipe | str | None) -> Recipe:
    """The choices that were meant.

    Raises:
        RecipeError: It is neither a recipe nor the name of a profile.
    """
    if recipe is None or isinstance(recipe, str):
        return profile("balanced" if recipe is None else recipe)
    if not isinstance(recipe, Recipe):
        what = f"a {type(recipe).__name__} is no recipe"
        raise RecipeError(what, remedy=f"give a Recipe, or one of {', '.join(PROFILES)}")
    return recipe


def _as_plan(plan: Plan | Path | str) -> Plan:
    """The plan, read if its name is given.

    Raises:
        PlanError: It is none.
    """
    if isinstance(plan, str | os.PathLike):
        return load(plan)
    if not isinstance(plan, Plan):
        raise PlanError(f"a {type(plan).__name__} is no plan", remedy="give a Plan, or its path")
    return plan


def _as_path(path: Path | str) -> Path:
    """The path that was meant.

    Raises:
        MissingInputError: It is no path.
    """
    if not isinstance(path, str | os.PathLike):
        what = f"a {type(path).__name__} is no path to a file"
        raise MissingInputError(what, None, "pictures in memory go to redact_picture")
    return Path(path)


def _read_cover(cover: Path | str | None) -> CoverPicture | None:
    """The picture that the style `cover` draws, if one is given."""
    if cover is None:
        return None
    from redact.hide.covers import CoverPicture

    place = _as_path(cover)
    return CoverPicture(place, *read_cover(place))


def _apply_cover(recipe: Recipe, cover: CoverPicture | None) -> Recipe:
    """The recipe with that picture over everything, if there is one.

    Raises:
        RecipeError: The style needs a picture, and there is none.
    """
    from redact.hide.covers import choose_style, with_cover

    recipe = recipe if cover is None else with_cover(recipe, cover)
    choose_style(recipe, cover=cover)
    return recipe


def _silent(stage: str, done: int, expected: int | None) -> None:
    """Progress for callers who do not ask for it."""
