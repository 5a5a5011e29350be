"""What became of files, in words for people and as JSON for scripts."""

from __future__ import annotations

from mimetypes import guess_type
from pathlib import Path

from redact.core.findings import Kind
from redact.core.notes import as_objects
from redact.errors import printable
from redact.jobs.batch import Batch, Report
from redact.verify.result import Verification


def report_in_words(report: Report) -> str:
    """Frames, what was hidden, what the check found, and how long it took."""
    words = [number_of(report.frames, "frame") + copied_in_words(report.copied)]
    counts = ((Kind.FACE, report.faces), (Kind.PLATE, report.plates))
    only = len(report.searched) == 1  # then even none is worth saying
    for kind, count in counts:
        if count or (kind in report.searched and (only or kind is Kind.FACE)):
            words.append(number_of(count, kind))
    others = report.tracks - report.faces - report.plates
    words += [number_of(others, "other thing")] if others else []
    words += [f"{report.uncertain} uncertain and not hidden"] if report.uncertain else []
    words += [verification_in_words(report.verification)] if report.verification else []
    last = "finished earlier" if report.status == "resumed" else f"{report.seconds:.1f} s"
    place = f"; plan {printable(report.plan)}" if report.plan else ""
    return ", ".join([*words, last]) + place


def verification_in_words(found: Verification) -> str:
    """What the check of a result found, in a few words."""
    words = [f"{number_of(len(found.leaks), 'possible leak').upper()} LEFT"] if found.leaks else []
    words += [f"{number_of(len(found.hidden), 'possible leak')} found and hidden"] * bool(
        found.hidden
    )
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
    return text


def _is_unlike_media(path: Path) -> bool:
    """False for what somebody may miss, such as a video of a kind that redact does not know."""
    kind = guess_type(path.name)[0] or ""
    return not kind.startswith(("video/", "image/"))


def number_of(count: int, thing: str) -> str:
    """`1 frame`, `2 frames`."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def report_object(report: Report) -> dict[str, object]:
    """The report as a script reads it."""
    failure = report.failure
    return {
        "source": str(report.source),
        "output": None if report.output is None else str(report.output),
        "plan": None if report.plan is None else str(report.plan),
        "status": report.status,
        "frames": report.frames,
        "copied": report.copied,
        "faces": report.faces,
        "plates": report.plates,
        "tracks": report.tracks,
        "uncertain": report.uncertain,
        "seconds": round(report.seconds, 3),
        "notes": as_objects(report.notes),
        "verification": report.verification and report.verification.as_object(),
        "error": failure and {"kind": failure.kind, "message": failure.message},
    }
