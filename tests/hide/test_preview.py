"""The preview of a frame is the frame that is rendered, bit by bit."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redact.core.plan import Plan
from redact.hide.covers import style_of
from redact.hide.preview import preview
from tests.edit_strategies import FRAMES, RATE, SIZE, edited_plans
from tests.painted import painted, same


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(edited_plans(most=5), st.lists(st.integers(0, FRAMES - 1), min_size=1, max_size=3))
def test_the_preview_of_any_frame_is_what_rendering_draws(plan: Plan, asked: list[int]) -> None:
    plan = replace(plan, source=replace(plan.source, frames=FRAMES + 1))  # none is refused
    pictures = [painted(SIZE, "yuv420p", seed=index) for index in range(FRAMES)]
    style, cover = style_of(plan), plan.cover()
    rendered = {}
    for index in range(FRAMES):
        regions = cover(index, Fraction(index, RATE))
        if index in asked:
            style.hide(copy := pictures[index].copy(), regions)
            rendered[index] = copy
    for index in asked:  # in any order
        preview(shown := pictures[index].copy(), plan, index, Fraction(index, RATE))
        assert same(shown, rendered[index])
