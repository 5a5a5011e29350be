"""What became of files, in words for people and as JSON for scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from mimetypes import guess_type
from pathlib import Path

from redact.core.findings import Kind
from redact.core.kinds import KINDS, USUAL, in_words
from redact.core.names import quarantine, report_paths
from redact.core.notes import as_objects
from redact.core.recipe import Recipe
from redact.errors import LeakError, printable
from redact.jobs.batch import Batch, Job, Report
from redact.verify.result import Verification, doubts_in_words
from redact_cli.time_left import clock


def report_in_words(report: Report, job: Job, *, by_plan: bool = False) -> list[str]:
    """What was done, hidden, left visible, checked and written, a line each; the first names it.

    Args:
        report: What became of a file.
        job: What was asked for.
        by_plan: Whether a plan was rendered, and what is hidden is chosen there.
    """
    output = job.output if report.output is None else report.output
    files = f"{printable(report.source)} -> {printable(output)}"
    if report.status == "resumed":
        return [f"{files}: done before, left as it is"]
    made = number_of(report.frames, "frame") + copied_in_words(report.copied)
    counts = (report.spans, "it"), (report.spans_checked, "the result")
    helped = [f"{number_of(count, 'span')} of {what}" for count, what in counts if count]
    made += f", {' and '.join(helped)} searched by other workers" if helped else ""
    rendered = number_of(report.spans_rendered, "span")
    made += f", {rendered} rendered by other workers" if report.spans_rendered else ""
    lines = [f"hidden: {_hidden(report)}"]
    lines += [_shown(report.shown)] if report.shown is not None else []
    lines += [_uncertain(report, _BY_PLAN if by_plan else _BY_OPTION)] if report.uncertain else []
    lines += [f"MUCH HIDDEN: {said}; look there" for said in report.extent.in_words()]
    lines += [f"check: {_check(report.verification)}", *_sound(report, job.recipe)]
    plan = report.plan or job.plan
    lines += [f"plan: {printable(plan)}{_page(job, plan)}"]
    return [f"{files}: {made}, {report.seconds:.1f} s", *(f"  {line}" for line in lines)]


def analysis_in_words(report: Report, plan: Path, sheet: Path | None) -> list[str]:
    """What was found and would stay visible, and what comes next, a line each."""
    made = f"{number_of(report.frames, 'frame')}, {report.seconds:.1f} s"
    lines = [f"to hide: {_hidden(report)}"]
    lines += [_uncertain(report, _BY_OPTION)] if report.uncertain else []
    lines += [note.text for note in report.notes]
    if sheet is not None:
        lines += [f"sheet: {printable(sheet)}, PRIVATE: it shows faces in clear; delete it in time"]
    lines += ["next: change the plan if you want, then `redact render` makes the result"]
    return [
        f"{printable(report.source)} -> {printable(plan)}: {made}",
        *(f"  {line}" for line in lines),
    ]


_BY_OPTION = "look there (--report shows pictures), or hide them all with --uncertain hide --force"
_BY_PLAN = 'look there, or hide them all: in the plan\'s recipe, "uncertain" is "hide"'


def _hidden(report: Report) -> str:
    """Tracks by what they hold, and what was not looked for; a still has things, not tracks."""
    counts = {Kind.FACE: report.faces, Kind.PLATE: report.plates, **dict(report.further)}
    looked_for = {*report.searched, *dict(report.further)}
    video = report.frames > 1
    words = []
    for kind, count in counts.items():
        if kind in looked_for and video:
            words.append(f"{number_of(count, 'track')} of {KINDS[kind].names}")
        elif kind in looked_for:
            words.append(f"{count} {KINDS[kind].name if count == 1 else KINDS[kind].names}")
    others = report.tracks - sum(counts.values())
    words += [number_of(others, "other thing")] if others else []
    words += [f"{number_of(report.drawn, 'region')} drawn by hand"] if report.drawn else []
    left_out = [
        f"{KINDS[kind].names} were not looked for" for kind in USUAL if kind not in looked_for
    ]
    several = ["one person may be several tracks"] if video and report.faces > 1 else []
    return "; ".join([", ".join(words), *several, *left_out])


def _shown(tracks: int) -> str:
    """Whom photographs left visible; that it is nobody must be said, too."""
    if not tracks:
        return "VISIBLE by choice: nobody, as nobody is clear enough"
    what = f"{number_of(tracks, 'track')} of faces, while it is clear"
    return f"VISIBLE by choice: {what}; the plan says when, and look-alikes are confused"


def _uncertain(report: Report, remedy: str) -> str:
    """What stays visible although it may be somebody: when, where to see it, how to hide it.

    A still has things, not tracks, and no times.
    """
    moments = list(dict.fromkeys(clock(second) for second in report.uncertain_at))
    more = ", ..." if len(moments) > 5 else ""
    still = report.frames == 1
    tracks = number_of(report.uncertain, "thing" if still else "track")
    if report.uncertain_plates:
        plates = f"{report.uncertain_plates} {'like' if still else 'of'} {KINDS[Kind.PLATE].names}"
        tracks += f" ({plates})"
    if still:
        return f"uncertain and VISIBLE: {tracks}; {remedy}"
    return f"uncertain and VISIBLE: {tracks}, at {', '.join(moments[:5])}{more}; {remedy}"


def _check(found: Verification | None) -> str:
    if found is None:
        return "none, as --no-verify was said"
    rounds = "" if found.rounds == 1 else f", in {found.rounds} rounds"
    searched = _searched(found)
    searched += f" (no second opinion on {in_words(found.unsearched)})" * bool(found.unsearched)
    mended = f", {number_of(found.mended, 'place')} rendered again, in doubt" * bool(found.mended)
    left = "" if found.leaks or found.hidden or found.doubts else "nothing found"
    said = left or verification_in_words(found)
    return f"{number_of(found.frames, 'frame')} compared, {searched}: {said}{mended}{rounds}"


def _searched(found: Verification) -> str:
    """In how many frames what was looked for."""
    others = in_words([kind for kind in found.searched if kind is not Kind.FACE])
    if not found.detectors:
        return f"{found.closely} searched for {others}" if others else "none searched"
    faces = f"{found.examined} searched for {in_words([Kind.FACE])}"
    return f"{faces}, {found.closely} of them for {others}" if others else faces


def _sound(report: Report, recipe: Recipe) -> Iterator[str]:
    if report.sound:
        yield f"sound: {SOUND[recipe.audio]}"


SOUND = {
    "keep": "kept; voices identify people as faces do; see --audio drop and --audio disguise",
    "drop": "left out",
    "disguise": "disguised; that makes recognising harder, not impossible",
}


def _page(job: Job, plan: Path) -> str:
    page = report_paths(job.output, plan)[0]
    if job.report:
        return f"; report: {printable(page)}"
    old = f"; {printable(page)} is of an earlier result: delete it, or make it anew with --report"
    return old if page.exists() else ""


def recipe_in_words(recipe: Recipe) -> str:
    """What is looked for and how, what is drawn, and what is kept: one line."""
    names = dict.fromkeys(f"{one.detector} at {one.side}" for one in recipe.passes)
    passes = ", ".join(names)
    words = [f"looks for {_kinds(recipe)} ({passes})", f"style {recipe.style}"]
    words += [f"uncertain tracks are {'hidden' if recipe.uncertain == 'hide' else 'listed'}"]
    words += [f"sound {recipe.audio}", f"encoder {recipe.encoder or 'chosen by the file'}"]
    words += [f"keeps {' and '.join(recipe.extras)}"] if recipe.extras else []
    return "; ".join(words)


def choices_in_words(job: Job) -> str:
    """The recipe of a job, and whether its result is checked: one line."""
    checked = "not checked" if job.checking is None else "checked"
    return f"{recipe_in_words(job.recipe)}{_people(job)}; {checked}"


def _people(job: Job) -> str:
    """Who is hidden by choice, without a word on the photographs."""
    if job.people is None:
        return ""
    whom = {"only": "hides only", "except": "hides everybody but"}[job.people.mode]
    return f"; {whom} the people of {number_of(len(job.people.photos), 'photograph')}"


def _kinds(recipe: Recipe) -> str:
    return in_words({one.kind for one in recipe.passes})


def advice(reports: Sequence[Report]) -> str:
    """What a person must do with results before they are published; nothing if there are none."""
    done = [report for report in reports if report.failure is None]
    if not done:
        return ""
    what = "it" if len(done) == 1 else "each of them"
    if all(report.frames == 1 for report in done):
        return f"Look at {what} before you publish it."
    return f"Watch {what} from the first frame to the last before you publish it."


def verification_in_words(found: Verification) -> str:
    """What the check of a result found, in a few words."""
    words = [f"{number_of(len(found.leaks), 'possible leak').upper()} LEFT"] if found.leaks else []
    words += [f"{number_of(len(found.hidden), 'possible leak')} found and hidden"] * bool(
        found.hidden
    )
    words += [doubts_in_words(found.doubts)] if found.doubts else []
    return ", ".join(words) or "verified"


def copied_in_words(frames: int) -> str:
    """How many frames were copied as they are coded, in a few words."""
    return f" ({frames} copied)" if frames else ""


def skipped_in_words(found: Batch) -> str:
    """What was left out in folders, to follow another sentence."""
    text = ""
    if found.skipped:
        likely = sorted(found.skipped, key=_is_unlike_media)
        names = ", ".join(printable(path) for path in likely[:5])
        more = ", ..." if len(likely) > 5 else ""
        text += f"; skipped, neither video nor picture: {len(likely)} ({names}{more})"
    if found.linked:
        names = ", ".join(map(printable, found.linked))
        text += f"; links to folders, searched only when they are named: {names}"
    if found.excluded:
        names = ", ".join(printable(path) for path in found.excluded[:5])
        more = ", ..." if len(found.excluded) > 5 else ""
        text += f"; left out by --exclude: {len(found.excluded)} ({names}{more})"
    return text


def _is_unlike_media(path: Path) -> bool:
    """False for what somebody may miss, such as a video of a kind that redact does not know."""
    kind = guess_type(path.name)[0] or ""
    return not kind.startswith(("video/", "image/"))


def number_of(count: int, thing: str) -> str:
    """`1 track`, `2 tracks`."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _written(report: Report) -> Path | None:
    """The result; of a file that failed what is held back, if anything is."""
    if report.failure is None or report.output is None:
        return report.output
    held = quarantine(report.output)
    return held if report.failure.kind == LeakError.__name__ and held.is_file() else None


def report_object(report: Report) -> dict[str, object]:
    """The report as a script reads it."""
    failure, output = report.failure, _written(report)
    return {
        "source": str(report.source),
        "output": None if output is None else str(output),
        "plan": None if report.plan is None else str(report.plan),
        "status": report.status,
        "frames": report.frames,
        "copied": report.copied,
        "spans": report.spans,
        "spans_checked": report.spans_checked,
        "spans_rendered": report.spans_rendered,
        "faces": report.faces,
        "plates": report.plates,
        **{KINDS[kind].option: count for kind, count in report.further},
        "tracks": report.tracks,
        "drawn": report.drawn,
        "uncertain": report.uncertain,
        "shown": report.shown,
        "uncertain_plates": report.uncertain_plates,
        "uncertain_at": [round(second, 3) for second in report.uncertain_at],
        "sound": report.sound,
        "hidden": report.extent.as_object(),
        "seconds": round(report.seconds, 3),
        "notes": as_objects(report.notes),
        "verification": report.verification and report.verification.as_object(),
        "error": failure and {"kind": failure.kind, "message": failure.message},
    }
