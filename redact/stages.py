"""The stages of a job after its analysis, on an opened source: render, check, extend, prove."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from redact import pipeline
from redact.core.edits.checks import CORRECT
from redact.core.extent import UNKNOWN, Extent
from redact.core.interfaces import Progress, Source, Style
from redact.core.names import quarantine
from redact.core.notes import Note
from redact.core.plan import Plan, Result
from redact.detect.detectors import load
from redact.detect.detectors.devices import requested_device
from redact.detect.schedule import PassRunner
from redact.errors import PlanError, RedactError, VerificationError
from redact.hide.extent import ExtentMeter
from redact.media.drafts import draft
from redact.media.files import fingerprint
from redact.media.formats import (
    find_copies,
    find_faults,
    find_notes,
    has_sound,
    open_sink,
    open_source,
)
from redact.track import make_tracker
from redact.verify.result import Checking, Leak, Verification
from redact.verify.rounds import hold_back, naming_errors, render_in_rounds

if TYPE_CHECKING:
    from redact.detect.cache import DetectionCache
    from redact.hide.covers import CoverPicture
    from redact.hide.proof import Proof
    from redact.media.video.smart_rendering import Copies
    from redact.span_rendering import SpanRendering
    from redact.verify.compare import Compared


@dataclass(frozen=True, slots=True)
class Rendering:
    """How a result is written.

    Args:
        cover: The picture that the style `cover` draws.
        force: Whether an existing output may be replaced.
        ffmpeg: Another ffmpeg program than the one that came with redact.
        progress: Called with the stage, frames done and frames expected.
        finer: How many steps finer than usual pictures are encoded.
        in_spans: Whether others may encode spans of a long video that is checked.
    """

    cover: CoverPicture | None
    force: bool
    ffmpeg: str | None
    progress: Progress
    finer: int = 0
    in_spans: bool = False


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
        notes: What is not as the source has it, although nothing was refused.
        extent: How much of the picture is hidden.
        spans: In how many spans of it other machines ran detection passes.
        spans_checked: In how many spans of its drafts they ran passes of the check.
        spans_rendered: How many spans of its drafts they rendered.
    """

    source: Path
    output: Path
    plan: Plan
    frames: int
    seconds: float = 0.0
    verification: Verification | None = None
    copied: int = 0
    notes: tuple[Note, ...] = ()
    extent: Extent = UNKNOWN
    spans: int = 0
    spans_checked: int = 0
    spans_rendered: int = 0


def render(
    source: Source, output: Path, plan: Plan, how: Rendering,
    *, copying: bool = True, spans: SpanRendering | None = None,
) -> Outcome:  # fmt: skip
    """Write the source with everything hidden that the plan says; the result is not compared.

    Args:
        source: What the plan was made from.
        output: Appears only when complete.
        plan: Edited or not.
        how: How it is written.
        copying: Whether coded pictures may be copied where nothing is hidden.
        spans: If a long video is encoded in spans, where.

    Raises:
        RedactError: Any of the family; then there is no output.
    """
    from redact.hide.covers import style_of

    plan.check(source)
    if plan.mutes and not has_sound(source.path):
        raise PlanError("there is no sound that could be silenced", source.path, CORRECT)
    style = style_of(plan, how.cover)
    copies = find_copies(output, source, plan) if copying else None
    try:
        extent = _write(source, output, plan, style, how, copies, spans)
    except RedactError:
        if copies is None and spans is None:
            raise
        copies = None  # what is wrong with the source or the place goes wrong once more
        if spans is not None:
            spans.clear()
        extent = _write(source, output, plan, style, how, None)
    frames = plan.source.frames
    how.progress("verify", frames, frames)  # the sink named its file, so it was checked
    finished = replace(plan, result=Result(fingerprint(output), unchecked=True))
    copied = 0 if copies is None else copies.frames
    notes = find_notes(output, source, plan)
    return Outcome(source.path, output, finished, frames, copied=copied, notes=notes, extent=extent)


def _write(
    source: Source, output: Path, plan: Plan, style: Style, how: Rendering, copies: Copies | None,
    spans: SpanRendering | None = None,
) -> Extent:  # fmt: skip
    """Hide and encode every frame that is not copied; gives how much is hidden."""
    frames, meter = plan.source.frames, ExtentMeter()
    sink = open_sink(output, source, plan, how.force, how.ffmpeg, copies, how.finer)
    if spans is not None:
        extent = spans.write(sink, output, source, plan, how.cover, copies, how.finer, how.progress)
        if extent is not None:
            return extent
    with sink:
        if copies is not None and copies.whole:
            how.progress("render", frames, frames)
            return Extent(frames)
        pipeline.render(source, plan.cover(), style, sink, frames, how.progress, meter.add)
    return meter.result()


def render_checked(
    source: Source,
    output: Path,
    plan: Plan,
    how: Rendering,
    checking: Checking | None,
    cache: DetectionCache | None = None,
) -> Outcome:
    """Render into a draft, check it, and give it its name only if nobody shows.

    What the check finds is hidden too, and the source rendered again: see `verify.rounds`. Without
    a check nothing is copied either, as whatever is copied must be decoded and compared.

    Args:
        source: What the plan was made from.
        output: Appears only when complete and checked.
        plan: Edited or not.
        how: How it is written.
        checking: How it is checked; None for not at all.
        cache: Of the analysis that made the plan; by it other machines help with the check.

    Raises:
        LeakError: Somebody may still show; the result has a name with `.quarantine` in it.
        VerificationError: The result is not what the plan says.
        RedactError: Any other of the family; then there is no output.
    """
    from redact.span_rendering import choose_spans

    if checking is None:
        return render(source, output, plan, how, copying=False)
    with (
        draft(output, source=source.path, force=how.force) as held,
        naming_errors(held, output),
    ):
        done: Outcome
        spans = choose_spans(held, cache, how.in_spans)
        look = partial(
            check, source, held, checking=checking, cover=how.cover, progress=how.progress,
            cache=cache, compared={},
        )  # fmt: skip

        def attempt(plan: Plan, finer: int) -> tuple[Plan, Verification]:
            nonlocal done
            again = replace(how, force=True, finer=finer)  # an earlier round left the draft
            done, found = _render_and_check(source, held, plan, again, spans, look)
            return done.plan, found

        extend_by = partial(extend, source, progress=how.progress)
        last, found = render_in_rounds(plan, attempt, extend_by, checking, how.progress)
        if found.problems or (found.leaks and not checking.report_only):
            error = hold_back(held, output, last, found)
            error.held = replace(done, output=quarantine(output), verification=found)
            raise error
    rendered = spans.elsewhere if spans else 0
    assert done.plan.result is not None
    passed = replace(done.plan, result=replace(done.plan.result, unchecked=False))
    return replace(done, output=output, plan=passed, verification=found, spans_rendered=rendered)


def _render_and_check(
    source: Source,
    held: Path,
    plan: Plan,
    how: Rendering,
    spans: SpanRendering | None,
    look: Callable[[Plan], Verification],
) -> tuple[Outcome, Verification]:
    """Render into a draft and check it; once more, all here and in one piece, if that may help."""
    known, elsewhere = source.notes, spans.elsewhere if spans else 0
    done = render(source, held, plan, how, spans=spans)
    found = look(done.plan)
    helped = spans is not None and (spans.elsewhere != elsewhere or bool(found.changed))
    if found.problems and (done.copied or helped or source.notes != known):
        done = render(source, held, plan, how, copying=False)
        found = look(done.plan)
    return replace(done, notes=find_notes(held, source, done.plan)), found


def extend(
    source: Source, plan: Plan, leaks: Sequence[Leak], number: int, *, progress: Progress
) -> Plan:
    """The plan with leaks hidden too.

    Args:
        source: What the plan was made from.
        plan: What was hidden.
        leaks: What the check of the result found.
        number: Of the round, from 1; in each, things are held for longer.
        progress: Called for every frame.
    """
    from redact.verify.extend import extend_plan

    holding = replace(plan.recipe, coverage=plan.recipe.coverage.with_longer_holds(number))
    tracker = make_tracker(holding, pages=source.info.pages)
    return extend_plan(plan, leaks, source, PassRunner((), load), tracker, progress)


def check(
    source: Source,
    output: Path,
    plan: Plan | None,
    checking: Checking,
    cover: CoverPicture | None,
    progress: Progress,
    cache: DetectionCache | None = None,
    compared: Compared | None = None,
) -> Verification:
    """Compare a finished file with its source: whole files, all frames, and who still shows.

    Args:
        source: The original.
        output: What was rendered from it.
        plan: What it was rendered with, if known.
        checking: How.
        cover: The picture that the style `cover` drew.
        progress: Called for every frame.
        cache: By which other machines help; None if it is nobody else's draft.
        compared: What was found in frames of earlier drafts; what is found is added.

    Raises:
        PlanError: The plan is of another source, or an edit in it can do nothing.
        InputError: One of the files cannot be read.
        VerificationError: Their pictures differ in size.
        EngineError: A detector failed.
    """
    from redact.hide.covers import style_of
    from redact.verify.compare import verify
    from redact.verify.second_opinion import SecondOpinion, check_passes

    finished = open_source(output)
    faults = _file_faults(source, finished, plan)
    style = None if plan is None else style_of(plan, cover)
    structured = plan is not None and "cover" in plan.styles
    used = {one.detector for one in plan.recipe.passes} if plan else set()
    second_opinion = SecondOpinion(used, load)
    others = None
    if cache is not None:
        passes, size = [asdict(one) for one in check_passes(used)], finished.info.size
        others = cache.share_draft(output, passes, size, requested_device())
    try:
        found = verify(
            source,
            finished,
            plan,
            second_opinion,
            checking,
            progress,
            style,
            structured=structured,
            cache=others,
            compared=compared,
        )
    except VerificationError as error:
        raise VerificationError(error.problem, output) from error
    faults += [f"it does not play as it should: {note.text}" for note in finished.notes]
    return replace(found, faults=(*faults, *found.faults))


def _file_faults(source: Source, finished: Source, plan: Plan | None) -> list[str]:
    """What is wrong with a file as a whole.

    Raises:
        PlanError: The plan is of another source, or an edit in it can do nothing.
    """
    faults = find_faults(source, finished, plan)
    if plan is not None:
        plan.check(source)
        if plan.result is not None and finished.fingerprint != plan.result.fingerprint:
            what = "this is not the file that the plan was last rendered to"
            faults.append(f"{what}: it was changed, or the plan was rendered again")
    return faults


def prove(source: Source, plan: Plan, cover: CoverPicture | None, progress: Progress) -> Proof:
    """Show that what is drawn does not depend on what is hidden.

    Raises:
        PlanError: The plan is of another source, or an edit in it can do nothing.
        VerificationError: The source has more or fewer frames than the plan says.
    """
    from redact.hide.covers import style_of
    from redact.hide.proof import prove

    plan.check(source)
    proof = prove(source, plan.cover(), partial(style_of, plan, cover), progress)
    if proof.frames != plan.source.frames:
        raise VerificationError(
            f"{proof.frames} frames came instead of {plan.source.frames}", source.path
        )
    return proof
