"""Whole jobs: analyse, render, redact and verify a file, or redact a picture in memory."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from redact.detectors import load
from redact.detectors.devices import asked
from redact.errors import RedactError, UnsupportedInputError, VerificationError
from redact.files import check_output, draft, fingerprint
from redact.findings import Detection
from redact.formats import (
    check_encoder,
    check_extras,
    copies_for,
    faults_of,
    open_source,
    sink_for,
)
from redact.geometry import Size
from redact.interfaces import Progress, Style, Tracker
from redact.looking import Look, Sparing
from redact.looks import Looks, key_of
from redact.media import Frame, Rgb
from redact.paging import PageTracker, on_every_page
from redact.pipeline import Singly, analyse, render
from redact.plan import Plan, Result, SourceId
from redact.recipe import PROFILES, Pass, Recipe, StyleName
from redact.rounds import held_back, in_rounds, named, quarantine
from redact.styles import style_of
from redact.tracking import PictureTracker, judged
from redact.verification import Checking, Leak, Verification

if TYPE_CHECKING:
    from redact.proving import Proof
    from redact.video.copying import Copies


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file.

    Args:
        source: What was read.
        output: What was written.
        plan: What was hidden; its `result` names the output's digest.
        frames: Frames written.
        seconds: Wall time of the whole job.
        verification: What the check of the output found, None if it was not asked for.
        copied: How many of the frames are the source's own coded pictures, since nothing is hidden
            there.
    """

    source: Path
    output: Path
    plan: Plan
    frames: int
    seconds: float
    verification: Verification | None = None
    copied: int = 0


def default_output(source: Path) -> Path:
    """`clip.mp4` becomes `clip.redacted.mp4`, beside it."""
    return source.with_name(f"{source.stem}.redacted{source.suffix}")


def plan_path(path: Path) -> Path:
    """`clip.mp4` and `clip.redacted.mp4` become `clip.redact.json`, beside it."""
    return path.with_name(path.stem.removesuffix(".redacted") + ".redact.json")


def analyse_file(
    source: Path | str,
    recipe: Recipe | None = None,
    *,
    looks: Looks | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Find and follow everything that is to be hidden.

    Args:
        source: A video or a still.
        recipe: The choices; the balanced profile if not said.
        looks: Where a long video's looks are kept meanwhile, so that another run can go on.
        progress: Called with the stage, frames done and frames expected.

    Raises:
        InputError: The source cannot be used.
        EngineError: A detector failed.
    """
    recipe = recipe or PROFILES["balanced"]
    source = Path(source)
    opened = open_source(source)
    check_extras(opened, recipe)
    mark = opened.fingerprint
    tracker = _tracker(recipe, pages := opened.info.pages)
    tell = progress or _silent
    look = Look(on_every_page(recipe.passes) if pages else recipe.passes, load, recipe.slope)
    if pages:
        frames = analyse(opened, Singly(look), tracker, tell)
    else:
        if looks is not None:
            tell = _begun(looks, mark, recipe, opened.info.size, tell)
        sparing = Sparing(look, recipe.coverage.follow, looks)
        frames = analyse(opened, sparing, tracker, tell)
        if looks is not None:
            looks.finish()
    if not frames:
        raise UnsupportedInputError("there is not one frame in it", source)
    identity = SourceId(mark, opened.info.size, frames)
    tracks = tuple(tracker.tracks())
    if frames > 1 and not pages:
        tracks = judged(tracks, recipe, opened.info.size)
    return Plan(identity, recipe, tuple(tracker.cuts()), tracks)


def _begun(looks: Looks, mark: str, recipe: Recipe, size: Size, tell: Progress) -> Progress:
    """Begin to keep looks; gives a progress that tells spared ones apart."""
    looks.begin(key_of(mark, recipe, asked()), len(recipe.passes), size)

    def told(_: str, done: int, expected: int | None) -> None:
        tell(looks.stage(done), done, expected)

    return told


def render_file(
    source: Path | str,
    output: Path | str,
    plan: Plan,
    *,
    checking: Checking | None = Checking(),  # noqa: B008 - frozen
    cover: Path | str | None = None,
    force: bool = False,
    ffmpeg: str | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Write the source with everything hidden that the plan says, and check the result.

    What the check finds is hidden too, but for tracks that an edit shows: whatever else is left
    visible may be left so by mistake.

    Args:
        source: What the plan was made from.
        output: Appears only when complete and checked.
        plan: From `analyse_file` or `redact.plan.load`, edited or not.
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
    source, output = Path(source), Path(output)
    write = partial(_rendered, source, cover=cover, ffmpeg=ffmpeg, progress=progress)
    if checking is None:  # then nothing is copied: whatever is must be decoded and compared
        done = write(output, plan, force=force, copying=False)
        return replace(done, seconds=time.monotonic() - started)
    with draft(output, source=source, force=force) as held, named(held, output):

        def attempt(plan: Plan) -> tuple[Plan, Verification]:
            nonlocal done
            done = write(held, plan, force=True)
            found = verify_file(source, held, done.plan, checking, cover=cover, progress=progress)
            if found.faults and done.copied:
                done = write(held, plan, force=True, copying=False)
                found = verify_file(
                    source, held, done.plan, checking, cover=cover, progress=progress
                )
            return done.plan, found

        extend = partial(_extended, source, progress=progress or _silent)
        last, found = in_rounds(plan, attempt, extend, checking)
        if found.leaks and not checking.report_only:
            place = quarantine(output)
            error = held_back(held, output, plan_path(place), last, found)
            error.held = replace(done, output=place, verification=found)
            raise error
    seconds = time.monotonic() - started
    return replace(done, output=output, verification=found, seconds=seconds)


def _rendered(
    source: Path,
    output: Path,
    plan: Plan,
    *,
    cover: Path | str | None,
    force: bool,
    ffmpeg: str | None,
    progress: Progress | None,
    copying: bool = True,
) -> Outcome:
    opened = open_source(source)
    plan.check_source(opened.fingerprint, source)
    style = _style(plan.recipe, plan.style, cover)
    tell, frames = progress or _silent, plan.source.frames

    def write(copies: Copies | None) -> None:
        with sink_for(output, opened, plan, force, ffmpeg, copies) as sink:
            if copies is not None and copies.whole:
                tell("render", frames, frames)
            else:
                render(opened, plan.cover(), style, sink, frames, tell)

    copies = copies_for(output, opened, plan) if copying else None
    try:
        write(copies)
    except RedactError:
        if copies is None:
            raise
        copies = None
        write(copies)  # what is wrong with the source or the place goes wrong once more
    tell("verify", frames, frames)  # the sink named its file, so it was checked
    finished = replace(plan, result=Result(fingerprint(output)))
    return Outcome(
        source, output, finished, frames, 0.0, copied=0 if copies is None else copies.frames
    )


def redact_file(
    source: Path | str,
    output: Path | str | None = None,
    recipe: Recipe | None = None,
    *,
    checking: Checking | None = Checking(),  # noqa: B008 - frozen
    cover: Path | str | None = None,
    force: bool = False,
    resume: bool = False,
    ffmpeg: str | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Find everything, hide it, check the result, and write a finished file.

    Args:
        source: A video or a still.
        output: Where to write; `NAME.redacted.EXT` beside the source if not said.
        recipe: The choices; the balanced profile if not said.
        checking: How the result is checked; None for not at all.
        cover: A picture to hide everything under, for the style `cover`.
        force: Whether an existing output may be replaced.
        resume: Whether the analysis of a long video goes on where an interrupted one ended.
        ffmpeg: Another ffmpeg program than the one that came with redact.
        progress: Called with the stage, frames done and frames expected.

    Raises:
        LeakError: Somebody may still show; the result has a name with `.quarantine` in it.
        RedactError: Any other of the family; then there is no output.
    """
    started = time.monotonic()
    source = Path(source)
    output = Path(output) if output else default_output(source)
    check_output(output, source=source, force=force)
    recipe, _ = _covering(recipe or PROFILES["balanced"], cover)  # refused now, not after the work
    check_encoder(source, output, recipe)
    with Looks(output, resume) as looks:
        plan = analyse_file(source, recipe, looks=looks, progress=progress)
        done = render_file(
            source,
            output,
            plan,
            checking=checking,
            cover=cover,
            force=force,
            ffmpeg=ffmpeg,
            progress=progress,
        )
    return replace(done, seconds=time.monotonic() - started)


def _extended(
    source: Path, plan: Plan, leaks: Sequence[Leak], nth: int, *, progress: Progress
) -> Plan:
    from redact.extending import extended

    opened = open_source(source)
    patient = replace(plan.recipe, coverage=plan.recipe.coverage.patient(nth))
    tracker = _tracker(patient, opened.info.pages)
    return extended(plan, leaks, opened, Look((), load), tracker, progress)


def _tracker(recipe: Recipe, pages: bool) -> Tracker:
    if pages:
        return PageTracker()
    from redact.following import Flow

    return PictureTracker(recipe.coverage, recipe.sure, Flow())


def verify_file(
    source: Path | str,
    output: Path | str,
    plan: Plan | None = None,
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
        checking: How.
        cover: What the plan covers things with, if it does.
        progress: Called for every frame.

    Raises:
        ChangedInputError: The plan is of another source.
        InputError: One of the files cannot be read.
        EngineError: A detector failed.
    """
    from redact.verifying import verify
    from redact.witnesses import Witnesses

    source, output = Path(source), Path(output)
    original, finished = open_source(source), open_source(output)
    faults = faults_of(original, finished, plan)
    if plan is not None:
        plan.check_source(original.fingerprint, source)
        if plan.result is not None and finished.fingerprint != plan.result.fingerprint:
            faults.append("this is not the file that the plan was rendered to")
    used = {look.detector for look in plan.recipe.passes} if plan else set()
    witnesses = Witnesses(used, load)
    wanted, tell = checking or Checking(), progress or _silent
    style = None
    if plan is not None and (cover or plan.style == "cover"):
        style = _style(plan.recipe, plan.style, cover)
    try:
        found = verify(original, finished, plan, witnesses, wanted, tell, style)
    except VerificationError as error:
        raise VerificationError(error.problem, output) from error
    return replace(found, faults=(*faults, *found.faults))


def prove_file(
    source: Path | str,
    plan: Plan | None = None,
    recipe: Recipe | None = None,
    *,
    cover: Path | str | None = None,
    progress: Progress | None = None,
) -> Proof:
    """Show on a file that what is drawn does not depend on what is hidden.

    Args:
        source: A video or a still.
        plan: What is hidden and how; analysed first if not given.
        recipe: The choices of that analysis; the balanced profile if not said.
        cover: A picture to hide everything under, for the style `cover`.
        progress: Called for every frame.

    Raises:
        RedactError: Any of the family; then nothing is proven.
    """
    from redact.proving import prove

    source = Path(source)
    plan = plan or analyse_file(source, recipe, progress=progress)
    opened = open_source(source)
    plan.check_source(opened.fingerprint, source)
    make = partial(_style, plan.recipe, plan.style, cover)
    proof = prove(opened, plan.cover(), make, progress or _silent)
    if proof.frames != plan.source.frames:
        raise VerificationError(
            f"{proof.frames} frames came instead of {plan.source.frames}", source
        )
    return proof


def _covering(recipe: Recipe, cover: Path | str | None) -> tuple[Recipe, Style]:
    """The recipe with that cover, if there is one, and its style."""
    if cover is None:
        return recipe, style_of(recipe)
    from redact.covers import with_cover

    recipe = with_cover(recipe, Path(cover))
    return recipe, _style(recipe, recipe.style, cover)


def _style(recipe: Recipe, name: StyleName, cover: Path | str | None) -> Style:
    if name != "cover" and cover is None:
        return style_of(recipe, name)
    from redact.covers import cover_for

    return style_of(recipe, name, cover_for(recipe, name, Path(cover) if cover else None))


def find_in_picture(picture: Rgb, recipe: Recipe | None = None) -> list[Detection]:
    """What would be hidden in one picture in memory.

    Args:
        picture: (height, width, 3), 8 bit, red first.
        recipe: The choices; the balanced profile if not said.
    """
    recipe = recipe or PROFILES["balanced"]
    from redact.stills.picture import StillPicture

    look = _looking(recipe.passes, recipe.slope)
    return list(look(Frame(0, Fraction(0), StillPicture(picture))).detections)


@lru_cache(maxsize=2)
def _looking(passes: tuple[Pass, ...], slope: float) -> Look:
    """Kept, since loading networks takes longer than a look at a picture."""
    return Look(passes, load, slope)


def redact_picture(
    picture: Rgb, recipe: Recipe | None = None, *, cover: Path | str | None = None
) -> Rgb:
    """A copy of one picture in memory with everything hidden.

    Args:
        picture: (height, width, 3), 8 bit, red first.
        recipe: The choices; the balanced profile if not said.
        cover: A picture to hide everything under.
    """
    recipe, style = _covering(recipe or PROFILES["balanced"], cover)
    found = find_in_picture(picture, recipe)
    from redact.stills.picture import StillPicture

    copy = picture.copy()
    regions = [recipe.coverage.region(d.kind, d.box) for d in found]
    style.hide(StillPicture(copy), regions)
    return copy


def _silent(stage: str, done: int, expected: int | None) -> None:
    """The progress of those who do not ask."""
