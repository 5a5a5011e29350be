"""Adding, undoing and redoing edits of every kind, and what a plan file keeps of it."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redact import plan as plans
from redact.core.edits.values import Accept, Hide, HideBox, Note, Show, SignOff
from redact.core.geometry import Box
from redact.core.history import add, redo, signature, undo
from redact.core.plan import Plan, Result, dumps, loads
from redact.errors import PlanError
from tests import edit_strategies
from tests.edit_strategies import FRAMES, RATE, edited_plans

quick = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))

NOW = "2026-11-28T14:00:00Z"
SIGNED = SignOff(by="Ana", at=NOW)


def regions(plan: Plan) -> list[list[object]]:
    return [list(plan.regions(i, Fraction(i, RATE))) for i in range(0, FRAMES, 3)]


@quick
@given(edited_plans())
def test_a_plan_with_edits_of_every_kind_survives_its_round_trip(plan: Plan) -> None:
    back = loads(dumps(plan))
    assert back == plan
    assert repr(back) == repr(plan)


@quick
@given(edited_plans(), st.data())
def test_undo_takes_an_act_back_and_redo_brings_it_again(plan: Plan, data: st.DataObject) -> None:
    edit = data.draw(edit_strategies.edits(plan))
    added = add(plan, edit, by="Ana", at=NOW)
    assert added.edits[:-1] == plan.edits
    assert (added.edits[-1].by, added.edits[-1].at) == (edit.by or "Ana", edit.at or NOW)
    undone = loads(dumps(undo(added)))  # as after a reload
    assert undone.edits == plan.edits
    assert regions(undone) == regions(plan)
    again = redo(undone)
    assert again == added
    assert regions(again) == regions(added)


@quick
@given(edited_plans(most=5))
def test_everything_can_be_undone_and_done_again(plan: Plan) -> None:
    bare = plan
    while bare.edits:
        bare = loads(dumps(undo(bare)))
    assert regions(bare) == regions(replace(plan, edits=()))
    while bare.undone:
        bare = redo(bare)
    assert bare == plan


@quick
@given(edited_plans())
def test_any_frame_alone_has_the_regions_that_it_has_in_order(plan: Plan) -> None:
    cover = plan.cover()
    for index in range(FRAMES - 1):  # at the last one, edits between two frames are refused
        time = Fraction(index, RATE)
        assert cover(index, time) == plan.regions(index, time)


def one_plan() -> Plan:
    track = edit_strategies.Track(
        1,
        edit_strategies.Kind.FACE,
        (edit_strategies.Sighting(3, Fraction(3, 25), Box(1, 1, 30, 30), 0.9),),
    )
    source = plans.SourceId("sha256:1", edit_strategies.SIZE, FRAMES, Fraction(0), Fraction(39, 25))
    recipe = edit_strategies.Recipe(passes=(edit_strategies.Pass("yunet", 640, 0.3),))
    return Plan(source, recipe, tracks=(track,), result=Result("sha256:2"))


BOX = HideBox(Box(0, 0, 9, 9))


def test_edits_of_one_act_are_undone_and_done_again_together() -> None:
    plan = add(one_plan(), Note("before"))
    both = add(plan, Show(1), BOX, Hide(1))
    assert [edit.continues for edit in both.edits] == [False, False, True, True]
    assert undo(both).edits == plan.edits
    assert redo(undo(both)) == replace(both, undone=())
    assert redo(redo(undo(undo(both)))).edits == both.edits


def test_what_was_undone_is_gone_once_something_else_is_added() -> None:
    plan = add(undo(add(one_plan(), Show(1))), BOX)
    assert plan.undone == ()
    with pytest.raises(PlanError, match="nothing was undone"):
        redo(plan)


def test_nothing_can_be_undone_or_added_where_there_is_nothing() -> None:
    with pytest.raises(PlanError, match="no edit to undo"):
        undo(one_plan())
    with pytest.raises(PlanError, match="no edit to add"):
        add(one_plan())


def test_a_plan_whose_result_would_be_another_one_forgets_it() -> None:
    kept = add(one_plan(), Note("seen"), Accept(1), SIGNED)
    assert kept.result == Result("sha256:2")
    assert undo(kept).result == Result("sha256:2")
    assert add(kept, Show(1)).result is None


def test_a_signature_holds_until_something_is_edited() -> None:
    """Or rendered: a result that nobody looked at is not signed by who signed the one before."""
    signed = add(one_plan(), replace(SIGNED, result="sha256:2"))
    assert signature(one_plan()) is None
    assert signature(add(one_plan(), SIGNED)) is None  # it names no result
    assert signature(signed) is not None
    assert signature(replace(signed, result=Result("sha256:3"))) is None
    alone = add(replace(one_plan(), result=None), SIGNED)
    assert signature(alone) is not None
    assert signature(replace(alone, result=Result("sha256:2"))) is None
    assert signature(add(signed, Note("well done"))) is not None
    assert signature(add(signed, Accept(1))) is None
    assert signature(add(signed, Show(1))) is None
    assert signature(undo(add(signed, Show(1)))) is not None


def test_an_edit_that_was_undone_by_hand_is_judged_when_it_returns() -> None:
    data = json.loads(dumps(undo(add(one_plan(), Show(1)))))
    data["undone"][0]["track"] = 7
    with pytest.raises(PlanError, match="edit 1: it shows track 7"):
        redo(loads(json.dumps(data)))


def test_a_plan_of_version_1_is_read_and_upgraded() -> None:
    data = json.loads(dumps(one_plan()))
    data["version"] = 1
    data["edits"] = [
        {"edit": "show", "track": 1},
        {"edit": "hide", "box": [0, 0, 9, 9], "start": 0.5, "end": "1"},
        {"edit": "style", "style": "solid"},
    ]
    plan = loads(json.dumps(data))
    assert plan.version == 2
    assert json.loads(dumps(plan))["version"] == 2
    assert plan.edits == (
        Show(1),
        HideBox(Box(0, 0, 9, 9), Fraction(1, 2), Fraction(1)),
        plans.ChangeStyle("solid"),
    )
    assert plan.style == "solid"


def test_each_edit_has_its_own_line() -> None:
    plan = add(one_plan(), BOX, Show(1))
    lines = dumps(plan).splitlines()
    assert '    {"edit": "show", "continues": true, "track": 1}]' in [x.rstrip(",") for x in lines]


@pytest.mark.parametrize("edit", [Show(1, reason="spokesman"), BOX, SIGNED], ids=lambda e: e.edit)
def test_an_edit_is_read_as_it_is_written(edit: plans.Edit) -> None:
    assert plans.read_edit(json.loads(json.dumps(plans.write_edit(edit)))) == edit


@pytest.mark.parametrize("value", [None, [], {"edit": "show"}, {"edit": "hide", "box": [1]}, "x"])
def test_what_is_no_edit_is_refused_in_words(value: object) -> None:
    with pytest.raises(PlanError, match=r"no edit|is missing|no box"):
        plans.read_edit(value)
