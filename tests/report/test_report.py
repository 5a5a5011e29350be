"""The report: whole, escaped, from nowhere else, and without one face that shows."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import subprocess
from dataclasses import asdict, replace
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from redact.api import render_file
from redact.core.edits.json_form import read_edit, write_edit
from redact.core.edits.values import Edit
from redact.core.extent import Extent
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box
from redact.core.kinds import KINDS
from redact.core.notes import Note
from redact.core.plan import Plan, Show, SourceId, save
from redact.core.recipe import recipe
from redact.errors import UnwritableOutputError
from redact.jobs.batch import Job, report_on
from redact.media.formats import open_source
from redact.report import report_paths, write_report, write_sheet
from redact.report.facts import collect_facts
from redact.report.page import build_page
from redact.report.words import edit_in_words, recipe_in_words
from redact.stages import Outcome
from redact.verify.result import AT_AN_END, Leak, Spot, Verification

HOSTILE = "a'\"><img src=x onerror=alert(1)><script>1</script>&amp;"
MAGENTA = (230, 40, 200)
HIDDEN, DOUBTFUL = Box(20, 20, 60, 70), Box(100, 30, 140, 80)
LEAKING, SHOWN = Box(40, 90, 70, 120), Box(150, 90, 180, 120)


def track(number: int, box: Box, *, score: float = 0.9, uncertain: bool = False) -> Track:
    return Track(number, Kind.FACE, (Sighting(0, Fraction(0), box, score),), uncertain)


def made(folder: Path, name: str = "still") -> tuple[Outcome, Path, np.ndarray]:
    """A result in which one thing is hidden, one uncertain, one leaks and one is shown."""
    picture = np.full((140, 200, 3), MAGENTA, np.uint8)
    random = np.random.default_rng(3)
    for box in (HIDDEN, DOUBTFUL, LEAKING, SHOWN):
        part = (slice(int(box.top), int(box.bottom)), slice(int(box.left), int(box.right)))
        picture[part] = random.integers(0, 255, picture[part].shape)
    path = folder / f"{name}.png"
    Image.fromarray(picture).save(path)
    source = open_source(path)
    doubted = replace(track(2, DOUBTFUL, score=0.2, uncertain=True), doubt=f"no vehicle {HOSTILE}")
    tracks = (track(1, HIDDEN), doubted, track(3, SHOWN))
    identity = SourceId(source.fingerprint, source.info.size, 1)
    plan = Plan(identity, recipe("fast"), tracks=tracks, edits=(Show(3),))
    done = render_file(path, path.with_name(f"{name}.redacted.png"), plan, checking=None)
    spot = Spot(0, Fraction(0), LEAKING, (("yunet", 0.9),), why=HOSTILE)
    found = Verification(1, 1, ("mediapipe", "yunet"), leaks=(Leak((spot,)),))
    place = path.with_name(f"{name}.redact.json")
    save(done.plan, place)
    notes = (Note("oddity", 2, f"two frames {HOSTILE}"),)
    return replace(done, verification=found, notes=notes), place, picture


class Reader(HTMLParser):
    """Collects what a page consists of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: Path) -> Reader:
    reader = Reader()
    reader.feed(page.read_text("utf-8"))
    return reader


@pytest.fixture
def hostile(tmp_path: Path) -> tuple[Path, Outcome, np.ndarray]:
    outcome, plan, picture = made(tmp_path, HOSTILE.replace("/", ""))
    return write_report(outcome, plan), outcome, picture


def test_nothing_hostile_becomes_part_of_the_page(
    hostile: tuple[Path, Outcome, np.ndarray],
) -> None:
    page = read(hostile[0])
    assert page.tags.count("img") == len(re.findall("data:image/jpeg", hostile[0].read_text()))
    assert not {"script", "iframe", "link", "object", "a"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    addresses = [value for name, value in page.attributes if name in {"src", "href", "action"}]
    assert all(value.startswith("data:image/jpeg;base64,") for value in addresses)
    assert "url(" not in hostile[0].read_text()
    assert "default-src 'none'" in dict(page.attributes)["content"] or any(
        "default-src 'none'" in value for _, value in page.attributes
    )
    assert HOSTILE in " ".join(page.text)  # as words, whole


def test_it_tells_what_the_json_tells(hostile: tuple[Path, Outcome, np.ndarray]) -> None:
    page, outcome, _ = hostile
    facts = json.loads(report_paths(outcome.output, page)[1].read_text("utf-8"))
    words = " ".join(read(page).text)
    for file in ("source", "output", "plan"):
        assert len(facts[file]["sha256"]) == 64
        assert facts[file]["sha256"] in words
        assert str(outcome.source.parent) not in words
    assert [t["state"] for t in facts["tracks"]] == ["uncertain", "shown", "hidden"]
    assert facts["tracks"][0]["doubt"] == f"no vehicle {HOSTILE}"
    assert f"uncertain : no vehicle {HOSTILE}" in words
    assert facts["exposure"]["leaks"] == 1
    assert facts["exposure"]["expected"] == 1.1  # a leak; what is doubted counts for 0.05
    assert not facts["verification"]["passed"]
    assert "Possible leaks left" in words
    (note,) = facts["notes"]
    assert (note["kind"], note["count"]) == ("oddity", 2)
    assert note["text"] in words
    assert all(digest in words for digest in facts["weights"].values())
    assert words.index("Look here first") < words.index("Timeline")


def test_what_lies_inside_what_is_hidden_is_not_called_visible(tmp_path: Path) -> None:
    outcome, plan, _ = made(tmp_path)
    inside = track(4, Box(35, 40, 45, 50), score=0.2, uncertain=True)
    plan_with = replace(outcome.plan, tracks=(*outcome.plan.tracks, inside))
    facts = collect_facts(replace(outcome, plan=plan_with), plan)
    assert {t["id"]: t["state"] for t in facts["tracks"]}[4] == "covered"
    assert facts["exposure"]["uncertain"] == 1
    counts = {"hidden": 1, "covered": 1, "uncertain": 1, "shown": 1}
    assert facts["counts"]["after"] == counts
    assert facts["counts"]["before"] == {**counts, "hidden": 2, "shown": 0}
    page = build_page(facts, [])
    first = page.partition("Look here first")[2].partition("</section>")[0]
    assert first.count("<tr class=") == 2  # what is uncertain, and what is shown
    assert "uncertain, inside what is hidden<td>1<td>1" in page
    report = report_on(plan_with, Job(outcome.source, outcome.output, plan), "redacted")
    assert (report.uncertain, report.uncertain_at, report.tracks) == (1, (0.0,), 1)
    sheet = write_sheet(outcome.source, replace(plan_with, edits=()), plan).read_text("utf-8")
    (caption,) = re.findall("<figcaption><b>track 4</b>.*?</figcaption>", sheet)
    assert "uncertain, and inside what is hidden" in caption


def test_what_was_lost_in_doubt_is_listed_first(tmp_path: Path) -> None:
    """A track whose box had grown as far as it may where it ends is hidden, and to be looked at."""
    outcome, place, _ = made(tmp_path)
    seen = Sighting(0, Fraction(0), HIDDEN, 0.9)
    doubt = Box.around(*HIDDEN.centre, 2 * HIDDEN.width, 2 * HIDDEN.height)
    lost = Track(7, Kind.FACE, (seen, Sighting(1, Fraction(1, 25), doubt, 0.0)))
    kept = Track(8, Kind.FACE, (seen, Sighting(1, Fraction(1, 25), HIDDEN, 0.0)))
    plan = replace(outcome.plan, tracks=(kept, lost), edits=())
    page = write_report(replace(outcome, plan=plan, verification=None), place)
    facts = json.loads(report_paths(outcome.output, place)[1].read_text("utf-8"))
    assert [(t["id"], t["lost"]) for t in facts["tracks"]] == [(7, True), (8, False)]
    words = " ".join(" ".join(read(page).text).split())
    first = words[words.index("Look here first") : words.index("Timeline")]
    assert "were lost" in first
    assert "7 face" in first
    assert "8 face" not in first


def test_what_is_mostly_hidden_is_listed_first(tmp_path: Path) -> None:
    outcome, place, _ = made(tmp_path)
    much = Extent(90, 0.12, 2, ((1.0, 2.2),))
    page = write_report(replace(outcome, extent=much), place)
    facts = json.loads(report_paths(outcome.output, place)[1].read_text("utf-8"))
    assert facts["hidden"]["mostly_hidden"] == [[1.0, 2.2]]
    words = " ".join(" ".join(read(page).text).split())
    first = words[words.index("Look here first") : words.index("Timeline")]
    assert all(said in first for said in much.in_words())
    assert len(much.in_words()) == 2


def test_what_the_check_doubts_is_listed_first_and_not_shown(tmp_path: Path) -> None:
    outcome, place, picture = made(tmp_path)
    doubt = Leak((Spot(0, Fraction(0), LEAKING, (("resemblance", 0.97),), why=AT_AN_END),))
    found = Verification(1, 1, (), doubts=(doubt,))
    page = write_report(replace(outcome, verification=found), place)
    facts = json.loads(report_paths(outcome.output, place)[1].read_text("utf-8"))
    assert facts["verification"]["doubts"][0]["why"] == AT_AN_END
    assert facts["verification"]["passed"]
    words = " ".join(" ".join(read(page).text).split())
    first = words[words.index("Look here first") : words.index("Timeline")]
    assert AT_AN_END in first
    for jpeg in re.findall("base64,([A-Za-z0-9+/=]+)", page.read_text("utf-8")):
        shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(jpeg))), np.int16)
        part = (
            slice(int(LEAKING.top), int(LEAKING.bottom)),
            slice(int(LEAKING.left), int(LEAKING.right)),
        )
        assert np.abs(shown[part] - picture[part]).mean() > 40


def test_the_pictures_hold_nothing_of_a_face(hostile: tuple[Path, Outcome, np.ndarray]) -> None:
    page, outcome, picture = hostile  # the result itself shows three of the four
    (data,) = re.findall(r"base64,([A-Za-z0-9+/=]+)", page.read_text("utf-8"))
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))
    assert shown.shape == picture.shape
    finished = np.asarray(Image.open(outcome.output).convert("RGB"))
    for box in (HIDDEN, DOUBTFUL, LEAKING, SHOWN):
        part = (slice(int(box.top), int(box.bottom)), slice(int(box.left), int(box.right)))
        assert shown[part].std(axis=(0, 1)).max() < 25
        assert (finished[part].std(axis=(0, 1)).min() > 50) == (box != HIDDEN)


def test_the_pictures_hold_nothing_of_a_face_that_is_shown_for_a_while(tmp_path: Path) -> None:
    outcome, place, _ = made(tmp_path)
    shows = Show(1, start=Fraction(0), end=Fraction(0))
    plan = replace(outcome.plan, edits=(shows,), result=None)
    output = tmp_path / "shown.redacted.png"
    done = render_file(outcome.source, output, plan, checking=None)
    save(done.plan, place)
    page = write_report(done, place).read_text("utf-8")
    (data,) = re.findall(r"base64,([A-Za-z0-9+/=]+)", page)
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))
    finished = np.asarray(Image.open(output).convert("RGB"))
    part = (slice(25, 65), slice(25, 55))
    assert finished[part].std(axis=(0, 1)).min() > 50  # the result shows it
    assert picture[part].std(axis=(0, 1)).max() < 25


def test_a_result_without_finds_or_check(tmp_path: Path) -> None:
    outcome, plan, _ = made(tmp_path)
    bare = replace(outcome, plan=replace(outcome.plan, tracks=(), edits=()), verification=None)
    bare = replace(bare, notes=())
    words = " ".join(read(write_report(bare, plan)).text)
    assert "Not checked" in words
    assert "Nothing was found" in words
    assert "Not as in the source" not in words


def test_a_clip_is_shown_in_few_frames(tmp_path: Path) -> None:
    from tests import clips

    path = clips.make(tmp_path, "plain")
    source = open_source(path)
    seen = tuple(Sighting(i, Fraction(i, 10), Box(8, 8, 30, 30), 0.8) for i in range(10))
    plan = Plan(
        SourceId(source.fingerprint, source.info.size, 10),
        recipe("fast"),
        tracks=(Track(1, Kind.FACE, seen),),
    )
    done = render_file(path, tmp_path / "out.mp4", plan, checking=None)
    save(done.plan, tmp_path / "p.redact.json")
    page = read(write_report(done, tmp_path / "p.redact.json"))
    assert page.tags.count("figure") == 1


def test_files_of_one_stem_get_a_report_each() -> None:
    output = Path("in/clip.redacted.mp4")
    short, long = Path("in/clip.redact.json"), Path("in/clip.mp4.redact.json")
    assert [p.name for p in report_paths(output, short)] == [
        "clip.redact.html",
        "clip.redact.report.json",
    ]
    assert [p.name for p in report_paths(output, long)] == [
        "clip.mp4.redact.html",
        "clip.mp4.redact.report.json",
    ]


def test_no_place_for_it_is_an_error(tmp_path: Path) -> None:
    outcome, plan, _ = made(tmp_path)
    place, _ = report_paths(outcome.output, plan)
    place.mkdir()
    with pytest.raises(UnwritableOutputError):
        write_report(outcome, plan)
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".part")]


def browser() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


@pytest.mark.slow
@pytest.mark.skipif(
    browser() is None and not os.environ.get("CI"), reason="there is no Chromium on this machine"
)
def test_a_real_browser_shows_it(tmp_path: Path) -> None:
    outcome, plan, _ = made(tmp_path)
    page = write_report(outcome, plan)
    shot = tmp_path / "shot.png"
    command = [browser() or "", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1100,1900"]
    command += [f"--screenshot={shot}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    picture = np.asarray(Image.open(shot).convert("RGB")).astype(int)
    assert picture.shape[:2] == (1900, 1100)
    magenta = np.abs(picture - MAGENTA).max(axis=2) < 40
    assert magenta.sum() > 10_000  # the frame of the result is there
    red = np.abs(picture[:200] - (0xB3, 0x26, 0x1E)).max(axis=2) < 8
    rows, columns = np.nonzero(red)  # the badge, of possible leaks
    badge = picture[rows.min() : rows.max(), columns.min() : columns.max()]
    assert (badge.min(axis=2) > 252).sum() > 50  # its words can be read
    green = np.abs(picture - (0x2F, 0x6F, 0x5E)).max(axis=2) < 8
    assert green.sum() > 20  # and the timeline's bars


# The contact sheet


def sheet_of(folder: Path) -> tuple[Path, np.ndarray]:
    outcome, plan, picture = made(folder)
    analysed = replace(outcome.plan, edits=())
    return write_sheet(outcome.source, analysed, plan), picture


def test_the_sheet_is_private_and_says_so(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        page, _ = sheet_of(tmp_path)
    finally:
        os.umask(old)
    assert page.name == "still.redact.private.html"
    assert page.stat().st_mode & 0o777 == 0o600
    found = read(page)
    words = " ".join(found.text)
    assert "PRIVATE: tracks of still.png" in words
    assert "shows faces and number plates in clear" in words
    assert not {"script", "iframe", "link", "object", "a"} & set(found.tags)
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".part")]


def test_the_sheet_shows_each_track_with_its_number(tmp_path: Path) -> None:
    page, picture = sheet_of(tmp_path)
    text = page.read_text("utf-8")
    figures = re.findall(r"<figure>.*?</figure>", text)
    boxes = {1: HIDDEN, 2: DOUBTFUL, 3: SHOWN}
    assert len(figures) == len(boxes) + 1
    for number, figure in enumerate(figures[:3], 1):
        assert re.findall(r'<b class="mark [a-z ]*" style="[^"]*">(\d+)</b>', figure) == [
            str(number)
        ]
        assert f"<b>track {number}</b>" in figure
        (data,) = re.findall(r"base64,([A-Za-z0-9+/=]+)", figure)
        shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))
        box = boxes[number]
        wide = box.grown(0.6)
        left, top = max(0, int(wide.left)), max(0, int(wide.top))
        part = picture[top : top + shown.shape[0], left : left + shown.shape[1]]
        assert np.abs(shown.astype(int) - part).mean() < 25  # that very place, in clear
        assert shown.std() > 40
    assert "uncertain, and VISIBLE" in figures[1]
    assert sorted(re.findall(r'class="mark [^>]*>(\d+)<', figures[3])) == ["1", "2", "3"]


def test_a_sheet_of_nothing_and_of_things_at_the_edge(tmp_path: Path) -> None:
    outcome, plan, _ = made(tmp_path)
    words = " ".join(
        read(write_sheet(outcome.source, replace(outcome.plan, tracks=(), edits=()), plan)).text
    )
    assert "Nothing was found" in words
    edges = (Box(-30, -30, -1, -1), Box(199, 139, 260, 200), Box(-500, 10, 900, 11))
    tracks = tuple(track(number, box) for number, box in enumerate(edges, 1))
    page = write_sheet(outcome.source, replace(outcome.plan, tracks=tracks, edits=()), plan)
    assert page.read_text("utf-8").count("<figure>") == 4


def test_the_outlines_of_a_report_have_their_numbers(
    hostile: tuple[Path, Outcome, np.ndarray],
) -> None:
    text = hostile[0].read_text("utf-8")
    marks = re.findall(r'<b class="mark (\w+)[^>]*>([^<]+)</b>', text)
    assert sorted(marks) == [
        ("hidden", "1"), ("leak", "leak 1"), ("shown", "3"), ("uncertain", "2"),
    ]  # fmt: skip


def test_the_recipe_is_told_in_words(hostile: tuple[Path, Outcome, np.ndarray]) -> None:
    words = " ".join(read(hostile[0]).text)
    for said in (
        "YuNet at 1024 px, on every 2nd frame, scores from 0.45",
        "36% of a face's size on each side, 15% of a plate's",
        "from 0.4 s before something is first detected to 0.4 s after",
        "blur; it cannot be undone",
        "copied; voices identify people",
        "track 3 is shown",
    ):
        assert said in words
    for raw in ("plate_pad", "track_threshold", "strict_input", "None", "quarters"):
        assert raw not in words


def test_every_choice_has_its_words() -> None:
    for profile in ("fast", "balanced", "thorough"):
        chosen = recipe(profile, style="gaussian", audio="drop", quality=20, uncertain="hide")
        told = recipe_in_words(asdict(chosen), chosen.style)
        assert told["Style"] == "gaussian; it CAN BE REVERSED"
        assert told["Sound"] == "left out"
        assert told["Encoder"] == "chosen by the file, quality 20"
        assert told["Uncertain"].endswith("hidden too")
        assert "None" not in "".join(told.values())


def test_every_edit_has_its_words() -> None:
    told = {
        '{"edit": "hide", "box": [1, 2.5, 30, 40], "start": "1/3", "end": "2"}':
            "the region at 1, 2.5, 30, 40 is hidden from about 0.333 s to 2 s",
        '{"edit": "hide", "keys": [["0", 1, 1, 9, 9]], "name": "door"}':
            "the moving region door is hidden",
        '{"edit": "show", "track": 3, "by": "Ana", "reason": "asked"}':
            "track 3 is shown (Ana): asked",
        '{"edit": "hide", "kind": "plate", "end": "2"}': "every plate is hidden to 2 s",
        '{"edit": "style", "style": "solid"}': "the style is solid",
        '{"edit": "style", "style": "solid", "person": "A"}': "the style of person A is solid",
        '{"edit": "split", "track": 1, "time": "2", "new": 9}':
            "track 1 is divided at 2 s: what follows is track 9",
        '{"edit": "trim", "track": 1, "new": 9, "start": "1"}':
            "track 1 is cut to its part from 1 s: what lies outside is track 9",
        '{"edit": "join", "tracks": [1, 2], "person": "A"}': "tracks 1, 2 are one person's: A",
        '{"edit": "join", "tracks": [1, 2], "person": null}': "tracks 1, 2 are nobody's",
        '{"edit": "correct", "track": 1, "time": "2", "box": [1, 1, 9, 9]}':
            "the box of track 1 is corrected at 2 s",
        '{"edit": "mute", "start": "1", "end": "2", "tone": true}':
            "the sound is a tone from 1 s to 2 s",
        '{"edit": "note", "text": "look", "region": "door"}': "note on region door: look",
        '{"edit": "accept", "track": 1}': "track 1 was looked at and left as it is",
        '{"edit": "sign", "by": "Ana", "at": "2026-11-28T14:00:00Z"}':
            "signed (Ana, 2026-11-28T14:00:00Z)",
        '{"edit": "revoke", "number": 3}': "edit 3 is taken back",
    }  # fmt: skip
    kinds = set()
    for text, words in told.items():
        edit = read_edit(json.loads(text))
        kinds.add(type(edit))
        assert edit_in_words(write_edit(edit)) == words
    assert kinds == set(get_args(Edit))


def test_kinds_have_their_marks_and_one_alone_can_be_shown_without_a_script(tmp_path: Path) -> None:
    outcome, plan, _ = made(tmp_path)
    facts = collect_facts(outcome, plan)
    assert "Kinds shown below" not in build_page(facts, ())
    facts["tracks"][0] |= {"kind": "person", "state": "hidden"}
    text = build_page(facts, ())
    assert "<script" not in text
    for kind in ("face", "person"):
        assert f'<input type="checkbox" id="see-{kind}" checked>' in text
        assert f'<g class="{kind}">' in text
        assert f"body:has(#see-{kind}:not(:checked)) .{kind}:not(label){{display:none}}" in text
        assert f".{kind}{{--of:{KINDS[Kind(kind)].colour}}}" in text
    assert 'id="see-plate"' not in text
    assert "<b>1</b><span>people hidden</span>" in text
