"""Rounds of rendering and checking, and what is held back in the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from redact import api, stages
from redact.core.geometry import Box, Size
from redact.core.names import default_output, quarantine
from redact.core.plan import HideBox, Plan, SourceId, load
from redact.core.recipe import recipe
from redact.errors import (
    LeakError,
    UnreadableInputError,
    UnwritableOutputError,
    VerificationError,
)
from redact.media.files import fingerprint
from redact.verify.result import Checking, Leak, Spot, Verification
from redact.verify.rounds import naming_errors, render_in_rounds

PLAN = Plan(SourceId("sha256:0", Size(40, 30), 1), recipe("fast"))
LEAK = Leak((Spot(0, Fraction(0), Box(1, 1, 9, 9), (("mediapipe", 0.9),)),))


def found(*leaks: Leak, faults: Sequence[str] = ()) -> Verification:
    return Verification(1, 1, ("mediapipe", "yunet"), tuple(faults), leaks)


def more(plan: Plan, leaks: Sequence[Leak], nth: int) -> Plan:
    assert nth == len(plan.edits) + 1
    hidden = tuple(HideBox(s.box, s.time, s.time) for leak in leaks for s in leak.spots)
    return Plan(plan.source, plan.recipe, edits=plan.edits + hidden)


@pytest.mark.parametrize(
    ("leaky", "attempts", "left"), [(0, 1, 0), (1, 2, 0), (3, 4, 0), (9, 4, 1)]
)
def test_rounds_go_on_while_there_is_something_to_hide(
    leaky: int, attempts: int, left: int
) -> None:
    tried: list[int] = []

    def attempt(plan: Plan, _finer: int) -> tuple[Plan, Verification]:
        tried.append(len(plan.edits))
        return plan, found(*[LEAK] * (len(tried) <= leaky))

    plan, last = render_in_rounds(PLAN, attempt, more, Checking())
    assert len(tried) == attempts
    assert len(last.leaks) == left
    assert len(last.hidden) == len(plan.edits) == attempts - 1
    assert last.rounds == last.as_object()["rounds"] == attempts


def test_only_reporting_neither_hides_nor_tries_again() -> None:
    plan, last = render_in_rounds(
        PLAN, lambda p, _: (p, found(LEAK)), more, Checking(report_only=True)
    )
    assert (plan, last.hidden, last.leaks) == (PLAN, (), (LEAK,))


def test_a_fault_ends_it_at_once() -> None:
    with pytest.raises(VerificationError, match="frames are missing"):
        render_in_rounds(
            PLAN, lambda p, _: (p, found(faults=["frames are missing"])), more, Checking()
        )


SHOWN = Spot(0, Fraction(1), Box(10, 10, 20, 20), (("resemblance", 0.8),))


def test_what_resembles_its_source_is_drawn_plainly_and_rendered_again() -> None:
    plans: list[Plan] = []

    def attempt(plan: Plan, finer: int) -> tuple[Plan, Verification]:
        assert finer == 0
        plans.append(plan)
        return plan, replace(found(), shows=(SHOWN,) * (len(plans) == 1))

    _, last = render_in_rounds(PLAN, attempt, more, Checking(report_only=True))
    (plain,) = plans[1].plain
    assert plain.box.contains(SHOWN.box)
    assert plain.box.area > SHOWN.box.area
    assert plain.start < SHOWN.time < plain.end
    assert (len(plans), last.mended, last.passed) == (2, 1, True)


def test_damaged_surroundings_are_encoded_finer_and_finer() -> None:
    tried: list[int] = []

    def attempt(plan: Plan, finer: int) -> tuple[Plan, Verification]:
        tried.append(finer)
        return plan, replace(found(), changed=((3, Fraction(1)),) * (finer < 2))

    plan, last = render_in_rounds(PLAN, attempt, more, Checking())
    assert tried == [0, 1, 2]
    assert plan == PLAN
    assert (last.mended, last.passed) == (2, True)


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        ({"shows": (SHOWN,)}, "somebody may still show"),
        ({"changed": ((3, Fraction(1)),)}, "damage"),
    ],
    ids=["shows", "changed"],
)
def test_what_cannot_be_mended_is_held_back_and_not_lost(
    picture: Path, monkeypatch: pytest.MonkeyPatch, problem: dict[str, Any], words: str
) -> None:
    verdicts(monkeypatch, replace(found(), **problem))
    with pytest.raises(LeakError, match=words):
        api.redact_file(picture, recipe=recipe("fast"), checking=Checking(report_only=True))
    held = quarantine(default_output(picture))
    plan = held.with_name("picture.redacted.quarantine.png.redact.json")
    assert {path.name for path in picture.parent.iterdir()} == {picture.name, held.name, plan.name}
    assert len(load(plan).plain) == 3 * ("shows" in problem)  # one more in each round


def test_errors_about_the_draft_speak_of_the_output(tmp_path: Path) -> None:
    draft, output = tmp_path / ".x.part" / "draft.mp4", tmp_path / "out.mp4"
    with pytest.raises(UnreadableInputError) as caught, naming_errors(draft, output):
        raise UnreadableInputError("odd", draft)
    assert caught.value.path == output


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    noise = np.random.default_rng(1).integers(100, 104, (60, 80, 3), np.uint8)
    Image.fromarray(noise).save(path)
    return path


def verdicts(monkeypatch: pytest.MonkeyPatch, verification: Verification) -> None:
    def verify(*_: object, **__: object) -> Verification:
        return verification

    monkeypatch.setattr(stages, "check", verify)
    monkeypatch.setattr(stages, "extend", lambda _source, plan, *_, **__: plan)


def test_what_may_still_show_somebody_never_gets_the_name(
    picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdicts(monkeypatch, found(LEAK))
    with pytest.raises(LeakError, match="held back") as caught:
        api.redact_file(picture, recipe=recipe("fast"))
    held = quarantine(default_output(picture))
    assert caught.value.path == held
    plan = held.with_name("picture.redacted.quarantine.png.redact.json")
    assert {path.name for path in picture.parent.iterdir()} == {picture.name, held.name, plan.name}
    assert load(plan).result is not None


def test_two_held_back_results_of_one_stem_keep_a_plan_and_a_page_each(
    picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from redact.report import reporting_leaks

    other = picture.with_suffix(".bmp")
    Image.open(picture).save(other)
    verdicts(monkeypatch, found(LEAK))
    for path in (picture, other):
        with pytest.raises(LeakError), reporting_leaks():
            api.redact_file(path, recipe=recipe("fast"))
    for path in (picture, other):
        held = quarantine(default_output(path))
        plan = load(held.with_name(f"{held.name}.redact.json"))
        assert plan.source.fingerprint == fingerprint(path)
        assert held.with_name(f"{held.name}.redact.html").exists()


def test_each_further_round_is_told_with_what_was_found(
    picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int, int | None]] = []
    verdicts(monkeypatch, replace(found(LEAK), shows=(SHOWN,)))
    with pytest.raises(LeakError):
        api.redact_file(picture, recipe=recipe("fast"), progress=lambda *it: told.append(it))
    assert [it for it in told if it[0] == "again"] == [("again", 2, 3)] * 3
    first = told.index(("again", 2, 3))
    assert {stage for stage, *_ in told[:first]} >= {"analyse", "render", "verify"}
    told.clear()
    verdicts(monkeypatch, found())
    api.redact_file(picture, recipe=recipe("fast"), progress=lambda *it: told.append(it))
    assert "again" not in {stage for stage, *_ in told}


@pytest.mark.parametrize("edits", [(), (HideBox(Box(1, 1, 9, 9), Fraction(0), Fraction(1)),)])
def test_what_a_plan_is_rendered_to_is_checked_whether_edited_or_not(
    picture: Path, monkeypatch: pytest.MonkeyPatch, edits: tuple[HideBox, ...]
) -> None:
    plan = replace(api.analyse_file(picture, recipe("fast")), edits=edits)
    output = picture.with_name("out.png")
    verdicts(monkeypatch, found(LEAK))
    with pytest.raises(LeakError) as caught:
        api.render_file(picture, output, plan)
    assert not output.exists()
    assert caught.value.held.output == quarantine(output)
    accepted = api.render_file(picture, output, plan, checking=Checking(report_only=True))
    assert accepted.verification is not None
    assert accepted.output == output


def test_a_page_tells_about_what_is_held_back(
    picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from redact.report import reporting_leaks

    verdicts(monkeypatch, found(LEAK))
    with pytest.raises(LeakError), reporting_leaks():
        api.redact_file(picture, recipe=recipe("fast"))
    page = picture.with_name("picture.redacted.quarantine.png.redact.html").read_text(
        encoding="utf-8"
    )
    assert "Possible leaks left" in page
    assert "mediapipe 0.90" in page
    assert 'class="leak"' in page
    assert picture.with_name("picture.redacted.quarantine.png.redact.report.json").exists()


def test_a_page_that_cannot_be_written_hides_no_leak(
    picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from redact import report

    def full(*_: object) -> None:
        raise UnwritableOutputError("no space left", picture)

    verdicts(monkeypatch, found(LEAK))
    monkeypatch.setattr(report, "write_report", full)
    with (
        pytest.raises(LeakError, match=r"held back.*no report: .*no space"),
        report.reporting_leaks(),
    ):
        api.redact_file(picture, recipe=recipe("fast"))


@pytest.mark.parametrize(
    ("verification", "checking", "error"),
    [
        (found(faults=["frames are missing"]), Checking(), VerificationError),
        (found(LEAK), Checking(report_only=True), None),
        (found(), Checking(), None),
        (found(LEAK), None, None),
    ],
)
def test_the_name_appears_only_when_nothing_speaks_against_it(
    picture: Path,
    monkeypatch: pytest.MonkeyPatch,
    verification: Verification,
    checking: Checking | None,
    error: type[Exception] | None,
) -> None:
    verdicts(monkeypatch, verification)
    if error is None:
        done = api.redact_file(picture, recipe=recipe("fast"), checking=checking)
        assert done.output == default_output(picture)
        assert (done.verification is None) == (checking is None)
    else:
        with pytest.raises(error) as caught:
            api.redact_file(picture, recipe=recipe("fast"), checking=checking)
        assert caught.type is error
    names = {path.name for path in picture.parent.iterdir()}
    assert names == {picture.name} | ({"picture.redacted.png"} if error is None else set())
