"""A signature covers source, plan, result and report, and any change of these is noticed."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from redact import api
from redact.core.edits.values import Accept, HideBox, Show, SignOff, Span
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box, Size
from redact.core.history import add, signature, undo
from redact.core.names import record_path, report_paths
from redact.core.plan import Plan, SourceId, load, save
from redact.core.recipe import recipe
from redact.errors import PlanError
from redact.jobs import sandbox
from redact.media.files import fingerprint
from redact.report import sign_off, write_report
from redact.verify.signed_record import check_record, read_record
from redact_cli.app import main
from tests.cli.fake_redact import worker_here

SIGN = SignOff(
    by="Ana <b>", at="2026-11-28T14:00:00Z", watched=(Span(Fraction(0), Fraction(7, 2)),)
)


def track(number: int, uncertain: bool) -> Track:
    seen = Sighting(0, Fraction(0), Box(5 * number, 5, 5 * number + 12, 18), 0.9)
    return Track(number, Kind.FACE, (seen,), uncertain)


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Path]:
    """A picture with its result, plan and report."""
    source, output = tmp_path / "a.png", tmp_path / "a.redacted.png"
    noise = np.random.default_rng(5).integers(0, 256, (48, 64, 3), np.uint8)
    Image.fromarray(noise).save(source)
    identity = SourceId(fingerprint(source), Size(64, 48), 1, Fraction(0), Fraction(0))
    tracks = (track(1, False), track(2, False), track(3, True), track(4, True))
    plan = Plan(identity, recipe("fast"), tracks=tracks)
    plan = add(plan, Show(1, reason="spokesman"), HideBox(Box(40, 20, 50, 30)), by="Ana")
    plan = add(plan, Accept(3), by="Bea", at="2026-11-28T13:00:00Z")
    done = api.render_file(source, output, plan, checking=None)
    place = tmp_path / "a.redact.json"
    save(done.plan, place)
    write_report(done, place)
    page, data = report_paths(output, place)
    return {"source": source, "result": output, "plan": place, "page": page, "report": data}


def signed(made: dict[str, Path]) -> Path:
    return sign_off(made["source"], made["result"], made["plan"], SIGN)


def faults(made: dict[str, Path]) -> list[str]:
    return check_record(made["source"], made["result"], made["plan"], made["result"].parent)[1]


def test_the_record_holds_the_digests_of_all_that_is_signed(made: dict[str, Path]) -> None:
    place = signed(made)
    assert (
        place
        == record_path(made["result"], made["plan"])
        == made["plan"].with_name("a.redact.signed.json")
    )
    data = json.loads(place.read_text())
    for what, path in made.items():
        assert data[what] == {"name": path.name, "sha256": fingerprint(path)}
    assert (data["by"], data["at"]) == (SIGN.by, SIGN.at)
    record, found = check_record(made["source"], made["result"], made["plan"], place.parent)
    assert record == read_record(place)
    assert found == []


def test_the_signature_is_in_plan_and_report(made: dict[str, Path]) -> None:
    assert "By nobody yet" in made["page"].read_text()
    signed(made)
    known = load(made["plan"])
    in_plan = signature(known)
    assert in_plan is not None
    assert in_plan.result == fingerprint(made["result"])
    assert known.result is not None
    page, facts = made["page"].read_text(), json.loads(made["report"].read_text())
    assert "By nobody yet" not in page
    assert "Ana &lt;b&gt;" in page
    assert "0:00.00 to 0:03.50" in page
    assert facts["signed"]["by"] == SIGN.by
    assert f"sha256:{facts['plan']['sha256']}" == fingerprint(made["plan"])


def test_the_page_names_the_digest_of_the_plan_as_it_was_signed(made: dict[str, Path]) -> None:
    before = fingerprint(made["plan"]).removeprefix("sha256:")
    signed(made)
    now = fingerprint(made["plan"]).removeprefix("sha256:")
    page = made["page"].read_text("utf-8")
    assert before not in page
    assert now in page


def test_a_report_tells_decisions_counts_and_what_nobody_looked_at(made: dict[str, Path]) -> None:
    counts = json.loads(made["report"].read_text())["counts"]
    assert counts["before"] == {"hidden": 2, "covered": 0, "uncertain": 2, "shown": 0}
    assert counts["after"] == {"hidden": 1, "covered": 0, "uncertain": 2, "shown": 1}
    assert (counts["drawn"], counts["muted"], counts["looked_at"]) == (1, 0, 2)
    assert counts["not_looked_at"] == [4, 2] or counts["not_looked_at"] == [2, 4]
    assert counts["uncertain_not_looked_at"] == [4]
    page = made["page"].read_text()
    assert "not looked at: 2; of these uncertain: 4" in page
    assert "track 1 is shown (Ana): spokesman" in page
    assert "track 3 was looked at and left as it is (Bea, 2026-11-28T13:00:00Z)" in page


@pytest.mark.parametrize("what", ["source", "result", "plan", "report", "page"])
@pytest.mark.parametrize("change", ["changed", "gone"])
def test_what_was_changed_or_lost_since_is_named(
    made: dict[str, Path], what: str, change: str
) -> None:
    signed(made)
    if change == "gone":
        made[what].unlink()
    else:
        made[what].write_bytes(made[what].read_bytes() + b"\n")
    assert faults(made) == [f"the {what} is not the one that {SIGN.by} signed at {SIGN.at}"]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.update(by="Somebody"),
        lambda data: data.update(at="2026-11-29T14:00:00Z"),
        lambda data: data.pop("report"),
        lambda data: data.pop("plan"),
        lambda data: data.update(version=2),
        lambda data: data.update(more=1),
        lambda data: data.update(plan="x"),
        lambda data: data["plan"].update(name=7),
        lambda data: data.update(by=["Ana"]),
        lambda data: data["result"].update(sha256="sha256:0"),
        lambda data: data.pop("seal"),
    ],
)
def test_a_record_that_was_changed_is_not_trusted(made: dict[str, Path], change) -> None:
    place = signed(made)
    data = json.loads(place.read_text())
    change(data)
    place.write_text(json.dumps(data))
    (fault,) = faults(made)
    assert fault.startswith("the signed record a.redact.signed.json cannot be trusted")


def test_a_record_that_is_none_is_not_trusted(made: dict[str, Path]) -> None:
    place = signed(made)
    for text in ("", "[]", "{", "null", "[" * 9999, '{"version": 1}'):
        place.write_text(text)
        assert len(faults(made)) == 1
    place.unlink()
    assert check_record(made["source"], made["result"], made["plan"], place.parent) == (None, [])


def test_a_record_names_no_file_elsewhere(made: dict[str, Path], tmp_path: Path) -> None:
    place = signed(made)
    record = read_record(place)
    outside = tmp_path.parent / "outside"
    outside.write_text("x")
    files = {**record.files, "report": ("../outside", fingerprint(outside))}
    from redact.verify.signed_record import write_record

    write_record(replace(record, files=files), place)
    assert faults(made) == [f"the report is not the one that {SIGN.by} signed at {SIGN.at}"]


def test_nobody_signs_for_what_was_not_made_from_the_plan(made: dict[str, Path]) -> None:
    known = load(made["plan"])
    save(add(known, Show(2)), made["plan"])
    with pytest.raises(PlanError, match="not rendered from this plan"):
        signed(made)
    save(known, made["plan"])
    made["result"].write_bytes(made["result"].read_bytes() + b"\n")
    with pytest.raises(PlanError, match="not rendered from this plan"):
        signed(made)
    with pytest.raises(PlanError, match="not the file"):
        sign_off(made["result"], made["result"], made["plan"], SIGN)
    assert not record_path(made["result"], made["plan"]).exists()
    assert load(made["plan"]) == known


def test_a_report_on_another_result_is_not_signed(made: dict[str, Path]) -> None:
    facts = json.loads(made["report"].read_text())
    facts["output"]["sha256"] = "0" * 64
    made["report"].write_text(json.dumps(facts))
    before = made["plan"].read_bytes()
    with pytest.raises(PlanError, match="about another result"):
        signed(made)
    assert made["plan"].read_bytes() == before


def test_it_can_be_signed_again_and_without_a_report(made: dict[str, Path]) -> None:
    signed(made)
    again = replace(SIGN, by="Bea")
    sign_off(made["source"], made["result"], made["plan"], again)
    assert faults(made) == []
    assert made["page"].read_text().count("Signed off") == 1
    made["page"].unlink()
    save(undo(load(made["plan"])), made["plan"])
    assert set(read_record(signed(made)).files) == {"source", "plan", "result"}


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_verify_signs_and_checks_what_was_signed(
    made: dict[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "sandboxed_worker", worker_here)
    files = (made["source"], made["result"])
    assert run("verify", *files, "--sign", "Ana") == 0
    assert "signed by Ana, 20" in capsys.readouterr().err
    assert run("verify", *files) == 0
    assert "nothing changed" in capsys.readouterr().err
    made["page"].write_text("another page")
    assert run("verify", *files) == 12
    assert "the page is not the one that Ana signed" in capsys.readouterr().err
