"""Adding edits to a plan, taking them back and bringing them back: from plan to plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

from redact.core.edits.values import Accept, Edit, Note, SignOff, Split, Trim
from redact.core.plan import Plan, Result
from redact.errors import PlanError


def add(plan: Plan, *edits: Edit, by: str = "", at: str = "") -> Plan:
    """The plan with one more act: these edits, which are undone together.

    What was undone before cannot be brought back any more.

    Args:
        plan: As it is.
        *edits: In order; at least one.
        by: Who decided, for edits that do not say it.
        at: When, for edits that do not say it: ISO 8601 with a time zone.

    Raises:
        PlanError: An edit can do nothing.
    """
    if not edits:
        raise PlanError("there is no edit to add")
    made = tuple(
        replace(edit, by=edit.by or by, at=edit.at or at, continues=number > 0)
        for number, edit in enumerate(edits)
    )
    return replace(plan, edits=plan.edits + made, undone=(), result=_result_after(plan, made))


def now() -> str:
    """This moment as edits say it: ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def undo(plan: Plan) -> Plan:
    """The plan without its last act.

    Raises:
        PlanError: There is none.
    """
    if not plan.edits:
        raise PlanError("there is no edit to undo")
    first = max(n for n, edit in enumerate(plan.edits) if not edit.continues)
    left, taken = plan.edits[:first], plan.edits[first:]
    undone = (*plan.undone, *reversed(taken))
    return replace(plan, edits=left, undone=undone, result=_result_after(plan, taken))


def redo(plan: Plan) -> Plan:
    """The plan with the act that was undone last.

    Raises:
        PlanError: Nothing was undone since the last edit was added.
    """
    if not plan.undone:
        raise PlanError("nothing was undone that could be done again")
    left = list(plan.undone)
    brought = [left.pop()]
    while left and left[-1].continues:
        brought.append(left.pop())
    edits = (*plan.edits, *brought)
    result = _result_after(plan, tuple(brought))
    return replace(plan, edits=edits, undone=tuple(left), result=result)


def split(plan: Plan, track: int, time: Fraction) -> Split:
    """The edit that splits a track; the new part gets the next free number."""
    return Split(track, time, free_number(plan))


def trim(plan: Plan, track: int, start: Fraction | None, end: Fraction | None) -> Trim:
    """The edit that trims a track; what is cut off gets the next free number."""
    return Trim(track, free_number(plan), start, end)


def free_number(plan: Plan) -> int:
    """The number after those of all tracks and parts, undone ones included."""
    tracks = (track.id for track in plan.tracks)
    parts = (e.new for e in (*plan.edits, *plan.undone) if isinstance(e, Split | Trim))
    return max((0, *tracks, *parts)) + 1


def signature(plan: Plan) -> SignOff | None:
    """Who answers for the plan as it is: the last sign-off, unless something was edited since.

    For a result that it does not name nobody answers yet.
    """
    for edit in reversed(plan.edits):
        if isinstance(edit, SignOff):
            signed = plan.result is None or plan.result.fingerprint == edit.result
            return edit if signed else None
        if not isinstance(edit, Note):
            return None
    return None


def _result_after(plan: Plan, edits: tuple[Edit, ...]) -> Result | None:
    """The plan's result, if none of these edits makes another one."""
    spoken = all(isinstance(edit, Note | Accept | SignOff) for edit in edits)
    return plan.result if spoken else None
