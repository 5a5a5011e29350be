"""What became of files, in words for people and as JSON for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from redact.core.notes import as_objects
from redact.errors import printable
from redact.jobs.batch import Report
from redact.verify.result import Verification


def report_in_words(report: Report) -> str:
    """Frames, what was hidden, what the check found, and how long it took."""
    words = [_number_of(report.frames, "frame") + copied_in_words(report.copied)]
    words += [_number_of(report.faces, "face")]
    words += [_number_of(report.plates, "plate")] if report.plates else []
    others = report.tracks - report.faces - report.plates
    words += [_number_of(others, "other thing")] if others else []
    words += [f"{report.uncertain} uncertain and not hidden"] if report.uncertain else []
    words += [verification_in_words(report.verification)] if report.verification else []
    last = "finished earlier" if report.status == "resumed" else f"{report.seconds:.1f} s"
    return ", ".join([*words, last])


def verification_in_words(found: Verification) -> str:
    """What the check of a result found, in a few words."""
    words = [f"{_number_of(len(found.leaks), 'POSSIBLE LEAK')} LEFT"] if found.leaks else []
    words += [f"{_number_of(len(found.hidden), 'possible leak')} found and hidden"] * bool(
        found.hidden
    )
    return ", ".join(words) or "verified"


def copied_in_words(frames: int) -> str:
    """How many frames were copied as they are coded, in a few words."""
    return f" ({frames} copied)" if frames else ""


def skipped_in_words(skipped: Sequence[Path]) -> str:
    """The files of folders that are neither video nor picture, to follow another sentence."""
    if not skipped:
        return ""
    names = ", ".join(printable(path) for path in skipped[:5])
    more = ", ..." if len(skipped) > 5 else ""
    return f"; skipped, neither video nor picture: {len(skipped)} ({names}{more})"


def _number_of(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def report_object(report: Report) -> dict[str, object]:
    """The report as a script reads it."""
    failure = report.failure
    return {
        "source": str(report.source),
        "output": None if report.output is None else str(report.output),
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
