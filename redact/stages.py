"""The stages of one job on an opened source: analyse, render, check, extend, prove."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from redact import pipeline
from redact.core.findings import Detection
from redact.core.frames import Frame, Rgb
from redact.core.interfaces import Progress, Source
from redact.core.names import quarantine
from redact.core.plan import Plan, Result, SourceId
from redact.core.recipe import Pass, Recipe
from redact.detect.cache import DetectionCache, cache_key
from redact.detect.detectors import load
from redact.detect.detectors.devices import requested_device
from redact.detect.schedule import PassRunner, VideoSchedule
from redact.errors import RedactError, UnsupportedInputError, VerificationError
from redact.media.drafts import draft
from redact.media.files import fingerprint
from redact.media.formats import check_choices, find_copies, find_faults, open_sink, open_source
from redact.pipeline import EveryFrame
from redact.track import make_tracker
from redact.track.confidence import mark_uncertain
from redact.track.pages import for_every_page
from redact.verify.result import Checking, Leak, Verification
from redact.verify.rounds import hold_back, naming_errors, render_in_rounds

if TYPE_CHECKING:
    from redact.hide.covers import CoverPicture
    from redact.hide.proof import Proof
    from redact.media.video.smart_rendering import Copies


@dataclass(frozen=True, slots=True)
class Rendering:
    """How a result is written.

    Args:
        cover: The picture that the style `cover` draws.
        force: Whether an existing output may be replaced.
        ffmpeg: Another ffmpeg program than the one that came with redact.
        progress: Called with the stage, frames done and frames expected.
    """

    cover: CoverPicture | None
    force: bool
    ffmpeg: str | None
    progress: Progress


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
    seconds: float = 0.0
    verification: Verification | None = None
    copied: int = 0


def analyse(
    source: Source, recipe: Recipe, cache: DetectionCache | None, progress: Progress
) -> Plan:
    """Find and follow everything that is to be hidden."""
    check_choices(source, recipe)
    mark, info = source.fingerprint, source.info
    tracker = make_tracker(recipe, pages=info.pages)
    if info.pages:
        runner = PassRunner(for_every_page(recipe.passes), load, recipe.slope)
        frames = pipeline.analyse(source, EveryFrame(runner), tracker, progress)
    else:
        runner = PassRunner(recipe.passes, load, recipe.slope)
        schedule = VideoSchedule(runner, recipe.coverage.follow, cache)
        key = cache_key(mark, recipe, requested_device())
        with _caching(cache, key, source, recipe, progress) as tell:
            frames = pipeline.analyse(source, schedule, tracker, tell)
    if not frames:
        raise UnsupportedInputError("there is not one frame in it", source.path)
    tracks = tuple(tracker.tracks())
    if frames > 1 and not info.pages:
        tracks = mark_uncertain(tracks, recipe, info.size)
    return Plan(SourceId(mark, info.size, frames), recipe, tuple(tracker.cuts()), tracks)


@contextmanager
def _caching(
    cache: DetectionCache | None, key: str, source: Source, recipe: Recipe, progress: Progress
) -> Iterator[Progress]:
    """Keep detections meanwhile; gives a progress that tells apart what came from the cache."""
    if cache is None:
        yield progress
        return
    cache.begin(key, len(recipe.passes), source.info.size)
    yield lambda _, done, expected: progress(cache.stage(done), done, expected)
    cache.finish()


def render(
    source: Source, output: Path, plan: Plan, how: Rendering, *, copying: bool = True
) -> Outcome:
    """Write the source with everything hidden that the plan says.

    Args:
        source: What the plan was made from.
        output: Appears only when complete.
        plan: Edited or not.
        how: How it is written.
        copying: Whether coded pictures may be copied where nothing is hidden.
    """
    from redact.hide.covers import style_for

    plan.check_source(source.fingerprint, source.path)
    style = style_for(plan.recipe, plan.style, how.cover)
    frames = plan.source.frames

    def write(copies: Copies | None) -> None:
        with open_sink(output, source, plan, how.force, how.ffmpeg, copies) as sink:
            if copies is not None and copies.whole:
                how.progress("render", frames, frames)
            else:
                pipeline.render(source, plan.cover(), style, sink, frames, how.progress)

    copies = find_copies(output, source, plan) if copying else None
    try:
        write(copies)
    except RedactError:
        if copies is None:
            raise
        copies = None
        write(copies)  # what is wrong with the source or the place goes wrong once more
    how.progress("verify", frames, frames)  # the sink named its file, so it was checked
    finished = replace(plan, result=Result(fingerprint(output)))
    copied = 0 if copies is None else copies.frames
    return Outcome(source.path, output, finished, frames, copied=copied)


def covered_recipe(recipe: Recipe, cover: CoverPicture | None) -> Recipe:
    """The recipe with that picture over everything, if there is one.

    Raises:
        RecipeError: The style needs a picture, and there is none.
    """
    from redact.hide.covers import style_for, with_cover

    recipe = recipe if cover is None else with_cover(recipe, cover)
    style_for(recipe, cover=cover)
    return recipe


def render_checked(
    source: Source, output: Path, plan: Plan, how: Rendering, checking: Checking | None
) -> Outcome:
    """Render, and check the result if that is wanted.

    What is not checked is not copied either: whatever is must be decoded and compared.
    """
    if checking is None:
        return render(source, output, plan, how, copying=False)
    return _render_and_check(source, output, plan, how, checking)


def _render_and_check(
    source: Source, output: Path, plan: Plan, how: Rendering, checking: Checking
) -> Outcome:
    """Render into a draft, check it, and give it its name only if nobody shows.

    What the check finds is hidden too, and the source rendered again: see `verify.rounds`.

    Raises:
        LeakError: Somebody may still show; the result has a name with `.quarantine` in it.
        VerificationError: The result is not what the plan says.
    """
    with (
        draft(output, source=source.path, force=how.force) as held,
        naming_errors(held, output),
    ):
        again = replace(how, force=True)
        done: Outcome

        def attempt(plan: Plan) -> tuple[Plan, Verification]:
            nonlocal done
            for copying in (True, False):
                done = render(source, held, plan, again, copying=copying)
                found = check(source, held, done.plan, checking, how.cover, how.progress)
                if not (found.faults and done.copied):
                    break  # else what was copied may be to blame
            return done.plan, found

        extend_by = partial(extend, source, progress=how.progress)
        last, found = render_in_rounds(plan, attempt, extend_by, checking)
        if found.leaks and not checking.report_only:
            error = hold_back(held, output, last, found)
            error.held = replace(done, output=quarantine(output), verification=found)
            raise error
    return replace(done, output=output, verification=found)


def extend(
    source: Source, plan: Plan, leaks: Sequence[Leak], nth: int, *, progress: Progress
) -> Plan:
    """The plan with leaks hidden too, and held longer each further time."""
    from redact.verify.extend import extend_plan

    longer = replace(plan.recipe, coverage=plan.recipe.coverage.with_longer_holds(nth))
    tracker = make_tracker(longer, pages=source.info.pages)
    return extend_plan(plan, leaks, source, PassRunner((), load), tracker, progress)


def check(
    source: Source,
    output: Path,
    plan: Plan | None,
    checking: Checking,
    cover: CoverPicture | None,
    progress: Progress,
) -> Verification:
    """Compare a finished file with its source, frame by frame, and look for who still shows."""
    from redact.hide.covers import style_for
    from redact.verify.compare import verify
    from redact.verify.second_opinion import SecondOpinion

    finished = open_source(output)
    faults = find_faults(source, finished, plan)
    if plan is not None:
        plan.check_source(source.fingerprint, source.path)
        if plan.result is not None and finished.fingerprint != plan.result.fingerprint:
            faults.append("this is not the file that the plan was rendered to")
    used = {one.detector for one in plan.recipe.passes} if plan else set()
    style = None
    if plan is not None and (cover or plan.style == "cover"):
        style = style_for(plan.recipe, plan.style, cover)
    second_opinion = SecondOpinion(used, load)
    try:
        found = verify(source, finished, plan, second_opinion, checking, progress, style)
    except VerificationError as error:
        raise VerificationError(error.problem, output) from error
    return replace(found, faults=(*faults, *found.faults))


def prove(source: Source, plan: Plan, cover: CoverPicture | None, progress: Progress) -> Proof:
    """Show that what is drawn does not depend on what is hidden."""
    from redact.hide.covers import style_for
    from redact.hide.proof import prove

    plan.check_source(source.fingerprint, source.path)
    make = partial(style_for, plan.recipe, plan.style, cover)
    proof = prove(source, plan.cover(), make, progress)
    if proof.frames != plan.source.frames:
        raise VerificationError(
            f"{proof.frames} frames came instead of {plan.source.frames}", source.path
        )
    return proof


def find_in_picture(picture: Rgb, recipe: Recipe) -> list[Detection]:
    """What would be hidden in one picture in memory."""
    from redact.media.stills.picture import StillPicture

    runner = _runner(recipe.passes, recipe.slope)
    return list(runner(Frame(0, Fraction(0), StillPicture(picture))).detections)


@lru_cache(maxsize=2)
def _runner(passes: tuple[Pass, ...], slope: float) -> PassRunner:
    """Kept, since loading networks takes longer than a pass over a picture."""
    return PassRunner(passes, load, slope)


def hide_in_picture(picture: Rgb, recipe: Recipe, cover: CoverPicture | None) -> Rgb:
    """A copy of one picture in memory with everything hidden."""
    from redact.hide.covers import style_for
    from redact.media.stills.picture import StillPicture

    style = style_for(recipe, recipe.style, cover)
    copy = picture.copy()
    found = find_in_picture(picture, recipe)
    style.hide(StillPicture(copy), [recipe.coverage.region(d.kind, d.box) for d in found])
    return copy
