"""Rounds: render, check, hide what was found, and render again, until nobody shows.

A result in which somebody may still show is held back, in quarantine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from redact.core.names import plan_path, quarantine
from redact.core.plan import Plan, save
from redact.errors import LeakError, RedactError, VerificationError
from redact.verify.result import Checking, Leak, Verification


def render_in_rounds(
    plan: Plan,
    attempt: Callable[[Plan], tuple[Plan, Verification]],
    extend: Callable[[Plan, Sequence[Leak], int], Plan],
    checking: Checking,
) -> tuple[Plan, Verification]:
    """Render and check until nothing is left, or no round is.

    Args:
        plan: What is hidden at first.
        attempt: Renders a plan and checks the output; gives the plan with its result.
        extend: A plan with leaks hidden too; told the number of the round, from 1.
        checking: How many rounds, and whether anything follows from a leak.

    Returns:
        The last plan, and what the check of its output found.

    Raises:
        VerificationError: The output is not what was asked for.
    """
    hidden: tuple[Leak, ...] = ()
    for number in range(1, checking.rounds + 2):
        last, found = attempt(plan)
        if found.faults:
            raise VerificationError("; ".join(found.faults))
        if not found.leaks or checking.report_only or number > checking.rounds:
            break
        plan, hidden = extend(plan, found.leaks, number), hidden + found.leaks
    return last, replace(found, hidden=hidden)


def hold_back(draft: Path, output: Path, plan: Plan, found: Verification) -> LeakError:
    """Move a finished draft into quarantine, and save its plan beside it.

    Args:
        draft: The finished file, under a private name.
        output: The name that it does not get.
        plan: What was hidden.
        found: What the check found.

    Returns:
        The error to raise.
    """
    place = quarantine(output)
    kept = plan_path(place)
    save(plan, kept)
    draft.replace(place)
    return LeakError(
        f"held back, since somebody may still show: {found.in_words()}",
        place,
        f"watch it there; hide more, or show what is no face, with edits of {kept.name} and "
        "`redact render`, or accept it with --report-only",
    )


@contextmanager
def naming_errors(draft: Path, output: Path) -> Iterator[None]:
    """Make errors about the private draft name the output that was asked for."""
    try:
        yield
    except RedactError as error:
        if error.path is None or draft.parent not in error.path.parents:
            raise
        raise type(error)(error.problem, output, error.remedy) from error
