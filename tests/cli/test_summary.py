"""What a run says at its end: true, whole, and short."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from redact.core.extent import Extent
from redact.core.findings import Kind
from redact.core.geometry import Box
from redact.core.recipe import PROFILES
from redact.jobs.batch import Failure, Job, Report
from redact.verify.result import Leak, Spot, Verification
from redact_cli.summary import (
    advice,
    analysis_in_words,
    choices_in_words,
    report_in_words,
    report_object,
)

CLIP = Job(Path("a.mp4"), Path("a.redacted.mp4"), Path("a.redact.json"))
DETECTORS = ("mediapipe", "yunet")
CHECKED = Verification(90, 24, DETECTORS)
LEAK = Leak((Spot(1, Fraction(1), Box(0, 0, 9, 9), (("yunet", 0.9),)),))
BOTH = (Kind.FACE, Kind.PLATE)
DONE = Report(
    CLIP.source, CLIP.output, "redacted", 90, 4, 1, 5, 0, 3.0, None, CHECKED, searched=BOTH
)


def said(report: Report, job: Job = CLIP) -> list[str]:
    return [line.strip() for line in report_in_words(report, job)]


def test_the_summary_in_full() -> None:
    report = replace(DONE, uncertain=2, uncertain_at=(2.0, 65.0), sound=True)
    assert said(report, replace(CLIP, report=True)) == [
        "a.mp4 -> a.redacted.mp4: 90 frames, 3.0 s",
        "hidden: 4 tracks of faces, 1 track of number plates; one person may be several tracks",
        "uncertain and VISIBLE: 2 tracks, at 0:02, 1:05; look there (--report shows pictures), or "
        "hide them all with --uncertain hide --force",
        "check: 90 frames compared, 24 searched for faces: nothing found",
        "sound: kept; voices identify people as faces do; see --audio drop and --audio disguise",
        "plan: a.redact.json; report: a.redact.html",
    ]


def test_the_summary_names_frames_and_clips_of_which_much_is_hidden() -> None:
    much = Extent(90, 0.123, 30, ((1.0, 2.2), (3.0, 3.0)), 0.82, 2.04)
    lines = [line for line in said(replace(DONE, extent=much)) if "MUCH" in line]
    assert lines == [
        "MUCH HIDDEN: more than 40 % is hidden in 30 frames, at 1.00 to 2.20 s, 3.00 s; look there",
        "MUCH HIDDEN: 12 % of the picture is hidden on average, most, 82 %, at 2.04 s; look there",
    ]
    assert report_object(replace(DONE, extent=much))["hidden"] == {
        "mean": 0.123,
        "most": 0.82,
        "most_at": 2.04,
        "frames_mostly_hidden": 30,
        "mostly_hidden": [[1.0, 2.2], [3.0, 3.0]],
    }
    assert not [line for line in said(replace(DONE, extent=Extent(90, 0.05))) if "MUCH" in line]


def test_the_summary_of_a_still_says_so_above_two_fifths_alone() -> None:
    still = replace(DONE, frames=1)
    (line,) = [s for s in said(replace(still, extent=Extent(1, 0.62, 1, ((0, 0),)))) if "MUCH" in s]
    assert line == "MUCH HIDDEN: 62 % of the picture is hidden; look there"
    assert not [s for s in said(replace(still, extent=Extent(1, 0.3))) if "MUCH" in s]


def test_plates_that_are_doubted_are_counted_beside_other_tracks() -> None:
    report = replace(DONE, uncertain=3, uncertain_plates=2, uncertain_at=(2.0, 3.0, 65.0))
    (line,) = [line for line in said(report) if "VISIBLE" in line]
    assert line.startswith("uncertain and VISIBLE: 3 tracks (2 of number plates), at 0:02, 0:03")
    assert report_object(report)["uncertain_plates"] == 2


def test_a_still_has_things_that_are_uncertain_and_no_times() -> None:
    report = replace(DONE, frames=1, uncertain=3, uncertain_plates=2, uncertain_at=(0.0,) * 3)
    (line,) = [line for line in said(report) if "VISIBLE" in line]
    assert line.startswith("uncertain and VISIBLE: 3 things (2 like number plates); look there")


def test_of_a_rendered_plan_what_is_uncertain_is_hidden_there() -> None:
    report = replace(DONE, uncertain=1, uncertain_at=(2.0,))
    (line,) = [line for line in report_in_words(report, CLIP, by_plan=True) if "VISIBLE" in line]
    assert line.endswith('hide them all: in the plan\'s recipe, "uncertain" is "hide"')
    assert "--force" not in line


def test_the_summary_of_an_analysis() -> None:
    report = replace(DONE, status="analysed", output=None, uncertain=1, uncertain_at=(2.0,))
    lines = analysis_in_words(report, CLIP.plan, Path("a.redact.private.html"))
    assert [line.strip() for line in lines] == [
        "a.mp4 -> a.redact.json: 90 frames, 3.0 s",
        "to hide: 4 tracks of faces, 1 track of number plates; one person may be several tracks",
        "uncertain and VISIBLE: 1 track, at 0:02; look there (--report shows pictures), or hide "
        "them all with --uncertain hide --force",
        "sheet: a.redact.private.html, PRIVATE: it shows faces in clear; delete it in time",
        "next: change the plan if you want, then `redact render` makes the result",
    ]
    assert "PRIVATE" not in "".join(analysis_in_words(report, CLIP.plan, None))


def test_an_old_report_is_not_taken_for_one_of_this_result(tmp_path: Path) -> None:
    job = replace(CLIP, output=tmp_path / "a.redacted.mp4", plan=tmp_path / "a.redact.json")
    assert "earlier" not in said(DONE, job)[-1]
    (tmp_path / "a.redact.html").touch()
    assert "a.redact.html is of an earlier result: delete it" in said(DONE, job)[-1]
    assert "earlier" not in said(DONE, replace(job, report=True))[-1]


@pytest.mark.parametrize("said_of", ["faces", "plates"])
def test_what_was_not_looked_for_is_never_counted(said_of: str) -> None:
    other = {"faces": "number plates", "plates": "faces"}[said_of]
    wanted = (Kind.FACE if said_of == "faces" else Kind.PLATE,)
    line = said(replace(DONE, faces=0, plates=0, tracks=0, searched=wanted))[1]
    assert line.endswith(f"{other} were not looked for")
    assert f"0 tracks of {other}" not in line


def test_a_still_has_no_tracks() -> None:
    line = said(replace(DONE, frames=1))[1]
    assert line == "hidden: 4 faces, 1 number plate"


def test_sound_is_told_only_where_there_is_some() -> None:
    assert not [line for line in said(DONE) if "sound" in line or "voices" in line]
    job = replace(CLIP, recipe=replace(PROFILES["fast"], audio="disguise"))
    assert "harder, not impossible" in "\n".join(said(replace(DONE, sound=True), job))


def test_the_check_and_its_rounds() -> None:
    def check(found: Verification | None) -> str:
        return next(line for line in said(replace(DONE, verification=found)) if "check" in line)

    assert "1 possible leak found and hidden, in 2 rounds" in check(
        replace(CHECKED, hidden=(LEAK,), rounds=2)
    )
    assert "1 POSSIBLE LEAK LEFT" in check(replace(CHECKED, leaks=(LEAK,)))
    assert "nothing found, 3 places rendered again" in check(replace(CHECKED, mended=3, rounds=2))
    assert "none searched" in check(replace(CHECKED, examined=0, detectors=()))
    assert check(None) == "check: none, as --no-verify was said"


def test_a_person_must_look_before_it_is_published() -> None:
    assert advice([DONE]).startswith("Watch it from the first frame to the last before")
    assert advice([DONE, DONE]).startswith("Watch each of them")
    assert advice([replace(DONE, frames=1)]) == "Look at it before you publish it."
    from redact.jobs.batch import Failure

    assert advice([replace(DONE, failure=Failure("EngineError", "no"))]) == ""


def test_choices_in_words() -> None:
    line = choices_in_words(replace(CLIP, checking=None, recipe=PROFILES["thorough"]))
    for word in ("faces and number plates", "style blur", "listed", "sound keep", "not checked"):
        assert word in line


def test_kinds_beyond_faces_and_plates_are_counted_where_they_were_looked_for() -> None:
    every = (*BOTH, Kind.PERSON)
    report = replace(DONE, tracks=8, searched=every, further=((Kind.PERSON, 3),))
    assert "4 tracks of faces, 1 track of number plates, 3 tracks of people" in said(report)[1]
    assert report_object(report)["people"] == 3
    only = replace(report, frames=1, faces=0, plates=0, tracks=1, searched=(Kind.PERSON,))
    line = said(replace(only, further=((Kind.PERSON, 1),)))[1]
    assert line.startswith("hidden: 1 person; faces were not looked for; number plates were not")
    assert "people" not in report_object(DONE)


def test_what_has_no_second_opinion_is_said() -> None:
    searched, unsearched = (Kind.FACE, Kind.PERSON), (Kind.PLATE,)
    found = replace(CHECKED, searched=searched, unsearched=unsearched, closely=6)
    (line,) = [line for line in said(replace(DONE, verification=found)) if "check" in line]
    wanted = "24 searched for faces, 6 of them for people (no second opinion on number plates)"
    assert wanted in line
    assert "no second opinion on number plates" in found.in_words()
    assert found.as_object()["no_second_opinion"] == ["plate"]
    assert found.as_object()["examined_closely"] == 6
    only = replace(found, detectors=(), searched=(), examined=0)
    (line,) = [line for line in said(replace(DONE, verification=only)) if "check" in line]
    assert "none searched (no second opinion on number plates)" in line


def test_it_says_in_how_many_spans_others_helped() -> None:
    report = replace(DONE, spans=12, spans_checked=1)
    assert "12 spans of it and 1 span of the result searched by other workers" in said(report)[0]
    assert "workers" not in said(DONE)[0]
    assert "90 frames, 1 span of the result searched" in said(replace(report, spans=0))[0]
    found = report_object(report)
    assert (found["spans"], found["spans_checked"]) == (12, 1)
    rendered = replace(report, spans_rendered=3)
    assert "by other workers, 3 spans rendered by other workers," in said(rendered)[0]
    assert report_object(rendered)["spans_rendered"] == 3


def test_a_failed_file_has_no_output_but_what_is_held_back(tmp_path: Path) -> None:
    output = tmp_path / "a.redacted.mp4"
    held = tmp_path / "a.redacted.quarantine.mp4"
    failed = Report(CLIP.source, output, "failed", failure=Failure("EngineError", "no"))
    leaking = replace(failed, failure=Failure("LeakError", "held back"))
    assert report_object(failed)["output"] is report_object(leaking)["output"] is None
    for path in (output, held):  # an earlier result is none of this run
        path.touch()
    assert report_object(failed)["output"] is None
    assert report_object(leaking)["output"] == str(held)
    assert report_object(DONE)["output"] == "a.redacted.mp4"
