"""Rounds: render, check, hide what was found, and render again, until nobody shows.

A result in which somebody may still show is held back, in quarantine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from redact.core.interfaces import Progress
from redact.core.names import held_plan_path, quarantine
from redact.core.plan import Plan, save
from redact.errors import LeakError, RedactError, VerificationError
from redact.verify.mend import draw_plainly
from redact.verify.result import Checking, Leak, Verification


def render_in_rounds(
    plan: Plan,
    attempt: Callable[[Plan, int], tuple[Plan, Verification]],
    extend: Callable[[Plan, Sequence[Leak], int], Plan],
    checking: Checking,
    progress: Progress | None = None,
) -> tuple[Plan, Verification]:
    """Render and check until nothing is left, or no round is.

    A region that resembles what it should hide is drawn in one colour; where what is not hidden is
    changed, pictures are encoded finer. Neither is an opinion about what is seen, so both are done
    whatever the checking says.

    Args:
        plan: What is hidden at first.
        attempt: Renders a plan and checks the output; gives the plan with its result. Told how
            many steps finer than usual pictures are to be encoded.
        extend: A plan with leaks hidden too; told the number of the round, from 1.
        checking: How many rounds, and whether anything follows from a leak.
        progress: Called before each further round with `again`, how many things were found, and
            the most further rounds.

    Returns:
        The last plan, and what the check of its output found.

    Raises:
        VerificationError: The output is not what was asked for.
    """
    hidden: tuple[Leak, ...] = ()
    finer = mended = 0
    for number in range(1, checking.rounds + 2):
        last, found = attempt(plan, finer)
        if found.faults:
            raise VerificationError("; ".join(found.faults))
        leaks = () if checking.report_only else found.leaks
        if not (leaks or found.problems) or number > checking.rounds:
            break
        if progress is not None:
            finds = len(leaks) + len(found.shows) + len(found.changed)
            progress("again", finds, checking.rounds)
        plan = draw_plainly(plan, found.shows)
        finer += bool(found.changed)
        mended += len(found.shows) + len(found.changed)
        if leaks:
            plan, hidden = extend(plan, leaks, number), hidden + leaks
    return last, replace(found, hidden=hidden, mended=mended, rounds=number)


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
    kept = held_plan_path(place)
    save(plan, kept)
    draft.replace(place)
    why = "somebody may still show" if found.leaks or found.shows else "its pictures are damaged"
    return LeakError(
        f"held back, since {why}: {found.in_words()}",
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
