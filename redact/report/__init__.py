"""Pages for people: the report on a result, to sign it off by, and the contact sheet of a plan."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redact.core.names import held_plan_path, report_paths, sheet_path
from redact.core.storage import write_whole
from redact.errors import LeakError, RedactError
from redact.report.facts import collect_facts
from redact.report.page import build_page
from redact.report.sheet import write_sheet
from redact.report.signing import sign_off
from redact.report.snapshots import take_snapshots
from redact.stages import Outcome


def write_report(outcome: Outcome, plan: Path) -> Path:
    """Write the page, and the same facts as JSON beside it.

    Args:
        outcome: What became of the file.
        plan: Where its plan was saved.

    Returns:
        Where the page is.

    Raises:
        InputError: The output cannot be read.
        UnwritableOutputError: There is no space or no permission.
    """
    facts = collect_facts(outcome, plan)
    place, data = report_paths(outcome.output, plan)
    write_whole(data, json.dumps(facts, indent=1))
    write_whole(place, build_page(facts, take_snapshots(outcome)))
    return place


@contextmanager
def reporting_leaks() -> Iterator[None]:
    """Write a report about a result that is held back, too; the error goes on its way."""
    try:
        yield
    except LeakError as error:
        if error.held is not None:
            try:
                write_report(error.held, held_plan_path(error.held.output))
            except RedactError as other:
                told = f"{error.problem}; and there is no report: {other}"
                raise LeakError(told, error.path, error.remedy) from other
        raise


__all__ = [
    "build_page",
    "collect_facts",
    "report_paths",
    "reporting_leaks",
    "sheet_path",
    "sign_off",
    "take_snapshots",
    "write_report",
    "write_sheet",
]
