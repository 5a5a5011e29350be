"""Signing a result off: into its plan, its report, and a record of all their digests."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from redact.core.edits.json_form import write_edit
from redact.core.edits.values import SignOff
from redact.core.history import add
from redact.core.names import record_path, report_paths
from redact.core.plan import load, save
from redact.core.storage import write_whole
from redact.core.strict_json import parse_json
from redact.errors import PlanError
from redact.media.files import fingerprint
from redact.report.page import SIGNED, signed_section
from redact.verify.signed_record import record_of, write_record


def sign_off(source: Path, output: Path, plan: Path, signature: SignOff) -> Path:
    """Sign a finished file; its check is the caller's business.

    Args:
        source: The original.
        output: What was rendered from the plan as it is.
        plan: The plan's file; it gets the signature.
        signature: Who, when, and what was watched.

    Returns:
        Where the record is: the digests of source, plan, result and report.

    Raises:
        PlanError: The plan is of another source, the result was not rendered from it, or the report
            is about another one.
        InputError: A file cannot be read.
        UnwritableOutputError: There is no space or no permission.
    """
    known = load(plan)
    known.check_source(fingerprint(source), source)
    result = fingerprint(output)
    if known.result is None or known.result.fingerprint != result:
        problem = "it was not rendered from this plan as it is now, so nobody can sign for it"
        raise PlanError(problem, output, "render it again")
    report = _read_report(*report_paths(output, plan), result)
    save(add(known, replace(signature, result=result)), plan)
    paths = {"source": source, "plan": plan, "result": output}
    if report is not None:
        paths |= _sign_report(report, plan, signature)
    place = record_path(output, plan)
    write_record(record_of(signature.by, signature.at, paths), place)
    return place


@dataclass(frozen=True, slots=True)
class _Report:
    """A report that was written before: its page and its facts, and where they lie."""

    page: Path
    data: Path
    text: str
    facts: dict[str, Any]


def _read_report(page: Path, data: Path, result: str) -> _Report | None:
    """The report on a result, None if there is none.

    Raises:
        PlanError: It cannot be read, or is about another result.
    """
    if not (page.is_file() and data.is_file()):
        return None
    try:
        facts = parse_json(data.read_text(encoding="utf-8"))
        about = f"sha256:{facts['output']['sha256']}"
        text = page.read_text(encoding="utf-8")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PlanError(f"the report cannot be signed: {error}", data, "write it again") from error
    if about != result or not SIGNED.search(text):
        raise PlanError("the report is about another result", data, "write it again")
    return _Report(page, data, text, facts)


def _sign_report(report: _Report, plan: Path, signature: SignOff) -> dict[str, Path]:
    """Write the signature, and the plan's digest with it, into a report."""
    said = write_edit(signature)
    facts = {**report.facts, "signed": said}
    before, now = facts["plan"]["sha256"], fingerprint(plan).removeprefix("sha256:")
    facts["plan"] = {**facts["plan"], "sha256": now}
    write_whole(report.data, json.dumps(facts, indent=1))
    section = signed_section(said)
    write_whole(
        report.page, SIGNED.sub(lambda _: section, report.text.replace(before, now), count=1)
    )
    return {"report": report.data, "page": report.page}
