from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from redact.core.geometry import Box
from redact.core.names import default_output
from redact.core.plan import HideBox, load, save
from redact.errors import OutputExistsError
from redact.jobs.batch import Report, find_jobs, run
from redact.jobs.plan_names import check_owner, find_plan, is_crowded, place_plan, plan_owner
from redact.jobs.workers import Serial
from redact.media.files import fingerprint
from tests.cli import fake_redact


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_redact.install(monkeypatch.setattr)


def write(path: Path, more: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"redact {path.name} {more}", encoding="utf-8")
    return path


def planned(source: Path, plan: str) -> Path:
    """A plan of that source, under that name beside it."""
    place = source.with_name(plan)
    save(fake_redact.analyse_file(source), place)
    return place


def redact(*inputs: Path, out: Path | None = None, force: bool = False) -> dict[str, Report]:
    jobs = find_jobs(inputs, out, force=force).jobs
    return {report.source.name: report for report in run(jobs, executor=Serial)}


def place(source: Path) -> str:
    return place_plan(source, default_output(source), crowded=is_crowded(source)).name


def test_a_plan_has_the_short_name_where_that_is_one_files_alone(tmp_path: Path) -> None:
    source = write(tmp_path / "a.mp4")
    write(tmp_path / "a.txt")
    assert place(source) == "a.redact.json"
    write(tmp_path / "a.jpg")
    assert place(source) == "a.mp4.redact.json"


def test_a_plan_stays_where_it_is_when_a_namesake_comes_or_goes(tmp_path: Path) -> None:
    source = write(tmp_path / "a.mp4")
    planned(source, "a.redact.json")
    other = write(tmp_path / "a.jpg")
    assert place(source) == "a.redact.json"
    assert place(other) == "a.jpg.redact.json"
    planned(other, "a.jpg.redact.json")
    source.unlink()
    assert place(other) == "a.jpg.redact.json"


def test_the_plan_of_another_file_is_stepped_around(tmp_path: Path) -> None:
    source = write(tmp_path / "a.mp4")
    planned(source, "a.redact.json")
    write(source, "cut anew")
    assert place(source) == "a.mp4.redact.json"
    planned(source, "a.mp4.redact.json")
    assert place(source) == "a.mp4.redact.json"
    write(source, "cut once more")
    with pytest.raises(OutputExistsError, match="plan of another file"):
        place(source)


@pytest.mark.parametrize("force", [False, True])
def test_a_run_never_writes_over_the_plan_of_another_file(tmp_path: Path, force: bool) -> None:
    source = write(tmp_path / "a.mp4")
    kept = [planned(source, name) for name in ("a.redact.json", "a.mp4.redact.json")]
    before = [path.read_bytes() for path in kept]
    write(source, "cut anew")
    failure = redact(source, force=force)["a.mp4"].failure
    assert failure is not None
    assert failure.kind == "OutputExistsError"
    assert "is never overwritten; move it away first" in failure.message
    assert [path.read_bytes() for path in kept] == before
    assert not default_output(source).exists()
    with pytest.raises(OutputExistsError, match="never overwritten"):
        check_owner(kept[0], source)


def test_namesakes_get_a_plan_each_and_each_plan_is_found(tmp_path: Path) -> None:
    video, picture = write(tmp_path / "a.mp4"), write(tmp_path / "a.jpg")
    reports = redact(tmp_path)
    for source in (video, picture):
        report = reports[source.name]
        assert report.plan == tmp_path / f"{source.name}.redact.json"
        assert load(report.plan).source.fingerprint == fingerprint(source)
        assert find_plan(source) == report.plan
        assert find_plan(source, report.output) == report.plan


def test_a_plan_is_found_beside_the_result(tmp_path: Path) -> None:
    source = write(tmp_path / "in/a.mp4")
    report = redact(tmp_path / "in", out=tmp_path / "out")["a.mp4"]
    assert report.plan == tmp_path / "out/a.redact.json"
    assert find_plan(source, report.output) == report.plan
    assert find_plan(source) is None
    own = planned(source, "a.redact.json")
    assert find_plan(source) == own


def test_a_plan_under_the_name_of_earlier_versions_is_found_and_kept(tmp_path: Path) -> None:
    source = write(tmp_path / "a.mp4")
    earlier = planned(source, "a.redacted.mp4.redact.json")
    write(tmp_path / "a.jpg")
    assert find_plan(source) == earlier
    assert place(source) == earlier.name


def test_the_plan_of_another_file_is_not_found(tmp_path: Path) -> None:
    planned(write(tmp_path / "a.jpg"), "a.redact.json")
    (tmp_path / "a.mp4.redact.json").write_text("no plan at all")
    assert find_plan(write(tmp_path / "a.mp4")) is None


def test_a_plan_whose_edits_do_not_fit_still_belongs_to_its_file(tmp_path: Path) -> None:
    source = write(tmp_path / "a.mp4")
    place = planned(source, "a.redact.json")
    edit = HideBox(Box(0, 0, 1, 1), Fraction(0), Fraction(1))
    save(replace(load(place), edits=(edit,)), place)
    place.write_text(place.read_text().replace('"end": "1"', '"end": "soon"'))
    assert plan_owner(place) == fingerprint(source)
    assert find_plan(source) == place
    failure = redact(source)["a.mp4"].failure
    assert failure is not None
    assert "a person's changes" in failure.message


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "7", '{"source": 7}', '{"source": {}}', "[" * 9999]
)
def test_what_is_no_plan_belongs_to_nobody(tmp_path: Path, text: str) -> None:
    place = tmp_path / "a.redact.json"
    place.write_text(text)
    assert plan_owner(place) is None
    assert plan_owner(tmp_path / "absent.json") is None
    assert plan_owner(tmp_path) is None
