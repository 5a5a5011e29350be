"""Mending: a plan in which what resembles its source is drawn in one colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from redact.core.plan import Plain, Plan
from redact.verify.result import Spot

_GROWTH = 0.1
"""Of a box on each side, in its sides."""

_AROUND = Fraction(1, 10)
"""Seconds before and after."""


def draw_plainly(plan: Plan, shows: Sequence[Spot]) -> Plan:
    """The plan with those regions, grown, in one colour for a moment before and after.

    Args:
        plan: What the output was rendered with.
        shows: Regions that resemble what they should hide, in pixels of the upright picture.
    """
    if not shows:
        return plan
    new = (Plain(s.box.grown(_GROWTH), s.time - _AROUND, s.time + _AROUND) for s in shows)
    return replace(plan, plain=(*plan.plain, *new), result=None)
