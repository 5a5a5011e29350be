"""What people decided in a plan, act by act and in words, the last one first."""

from __future__ import annotations

from typing import Any

from redact.core.edits.json_form import write_edit
from redact.core.edits.things import in_force
from redact.core.edits.values import SignOff
from redact.core.plan import Plan
from redact.report.words import edit_in_words


def acts(plan: Plan) -> list[dict[str, Any]]:
    """Each act: its edits in words, whether one counts, and the numbers of what can be taken back.

    Args:
        plan: With its edits.
    """
    counting = {number for number, _ in in_force(plan.edits)}
    found: list[dict[str, Any]] = []
    for number, edit in enumerate(plan.edits, 1):
        if not edit.continues:
            found.append({"numbers": [], "words": [], "counts": False, "open": False})
        act = found[-1]
        act["words"].append(f"{number}: {edit_in_words(write_edit(edit))}")
        if number in counting:
            act["numbers"].append(number)
            act["counts"] = True
            act["open"] = not isinstance(edit, SignOff)
    return found[::-1]
