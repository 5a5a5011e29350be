"""The page in a real browser: tabs, names that are script, the keyboard alone, accessibility."""

from __future__ import annotations

import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from redact.core.edits.values import Correct, HideBox, HidePath, Mute, Show
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box
from redact.core.history import add
from redact.core.kinds import KINDS
from redact.core.plan import load, save
from redact.review.media_worker import MediaWorker
from tests import clips
from tests.review.acts import Person, at_page, rendered, share_hidden
from tests.review.material import FRAMES, box_of, make_clip, make_plan, track_of

pytestmark = pytest.mark.timeout(180)

SCRIPT = "<img src=x onerror=alert(1)><script>alert(2)\"'&amp;"
"""As far as a file name goes: a slash cannot be in one."""

DOWN = ["ArrowDown"] * 8
"""Below all who walk."""


def test_the_second_tab_says_that_the_plan_is_open(
    clip: Path, media: MediaWorker, browser: Any
) -> None:
    plan = make_plan(clip, [track_of(1, "red", range(100))])
    with at_page(browser, media, [(clip, plan)]) as person:
        other = person.page.context.new_page()
        other.goto(person.page.url)
        other.wait_for_selector("#tab-dialog[open]")
        assert "another tab" in other.text_content("#tab-dialog")
        refused = other.evaluate(
            "import('./page/api.js').then((m) => m.post('files/0/edits',"
            " {revision: 0, edits: [{edit: 'show', track: 1}]})).catch((e) => e.kind)"
        )
        assert refused == "tab"
        assert load(plan).edits == ()
        other.click("#tab-take")
        other.wait_for_selector("body[data-ready]")
        person.page.wait_for_selector("#tab-dialog[open]")
        second = Person(other, person.served)
        second.click("#card-t1")
        second.press("s")
        assert [type(edit) for edit in load(plan).edits] == [Show]
        other.close()


def test_a_page_that_is_behind_its_plan_does_not_ask_for_ever(
    tmp_path: Path, media: MediaWorker, browser: Any
) -> None:
    """As that of a tab whose plan another one edits."""
    clip = make_clip(tmp_path, 125)  # outlines come for 100 frames at once
    plan = make_plan(clip, [track_of(1, "red", range(125))], frames=125)
    with at_page(browser, media, [(clip, plan)]) as person:
        asked: list[str] = []
        person.page.on("request", lambda it: "outlines" in it.url and asked.append(it.url))
        person.page.evaluate(
            "import('./page/store.js').then((m) => {"
            " m.set({plan: {...m.state.plan, revision: -1}}); m.seek(110); })"
        )
        person.sees_frame()
        person.page.wait_for_timeout(500)
        assert len(asked) <= 4  # each of two chunks, for either revision


def test_a_plan_that_was_changed_on_disk_is_said_and_loaded(
    clip: Path, media: MediaWorker, browser: Any
) -> None:
    plan = make_plan(clip, [track_of(1, "red", range(100)), track_of(2, "blue", range(100))])
    with at_page(browser, media, [(clip, plan)]) as person:
        theirs = add(load(plan), Show(2))
        save(theirs, plan)
        person.click("#card-t1")
        person.press("s")
        notice = person.page.locator("#notice")
        notice.wait_for(state="visible")
        assert "changed the plan file" in (notice.text_content() or "")
        assert load(plan) == theirs
        person.click("#notice button")
        person.page.wait_for_selector("#card-t2[data-state=shown]")
        person.press("s")
        assert len(load(plan).edits) == 2


def test_text_of_others_is_text(clip: Path, media: MediaWorker, browser: Any) -> None:
    """A file's name, a note, a person's name: none of it is ever taken for markup."""
    hostile = Path(shutil.move(clip, clip.with_name(f"{SCRIPT}.mp4")))
    plan = make_plan(hostile, [track_of(1, "red", range(100))])
    known = add(load(plan), HideBox(Box(10, 100, 60, 150), name=SCRIPT, reason=SCRIPT), by=SCRIPT)
    save(known, plan)
    with at_page(browser, media, [(hostile, plan)]) as person:
        person.page.on("dialog", lambda dialog: person.faults.append(dialog.message))
        assert person.page.text_content("#file-name") == f"{SCRIPT}.mp4"
        assert SCRIPT in (person.page.text_content("#cards") or "")
        person.page.evaluate("import('./page/dialogs.js').then((m) => m.notice('<b id=bad>x</b>'))")
        assert person.page.locator("#bad, img[src=x]").count() == 0
        person.click("#sign")
        person.page.fill("#sign-name", SCRIPT)
        person.press("Enter")
        person.page.wait_for_selector("#state[data-state=signed]")
        assert person.page.text_content("#state") == f"signed by {SCRIPT}"
        assert person.page.locator("script").count() == 1


def test_another_page_cannot_frame_or_read_it(clip: Path, media: MediaWorker, browser: Any) -> None:
    """Another server of this machine, in the same browser, which even knows the secret path."""
    import http.server
    import threading

    plan = make_plan(clip, [track_of(1, "red", range(100))])
    with at_page(browser, media, [(clip, plan)]) as person:
        inner = person.page.url
        html = (
            f"<iframe id=f src='{inner}'></iframe><img id=i src='{inner}files/0/frames/1'>"
            f"<script src='{inner}page/main.js' type=module></script>"
        ).encode()

        class Evil(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.send_header("content-length", str(len(html)))
                self.end_headers()
                self.wfile.write(html)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        with http.server.HTTPServer(("127.0.0.1", 0), Evil) as evil:
            thread = threading.Thread(target=evil.serve_forever)
            thread.start()
            try:
                other = person.page.context.new_page()
                answers: dict[str, int] = {}
                other.on("response", lambda r: answers.update({r.url: r.status}))
                other.goto(f"http://127.0.0.1:{evil.server_address[1]}/", wait_until="load")
                other.wait_for_timeout(300)
                assert answers.get(f"{inner}files/0/frames/1", 403) == 403
                assert other.evaluate("document.getElementById('i').naturalWidth") == 0
                assert answers.get(inner, 403) == 403
                read = other.evaluate(
                    f"fetch('{inner}files', {{credentials: 'include'}})"
                    ".then((r) => r.status, () => 'refused')"
                )
                assert read == "refused"
                other.close()
            finally:
                evil.shutdown()
                thread.join()


def test_all_with_the_keyboard_alone(clip: Path, media: MediaWorker, browser: Any) -> None:
    jumping = [box_of("lime" if i < 50 else "blue", i) for i in range(FRAMES)]
    tracks = [
        track_of(1, "red", range(0, 45)),
        track_of(2, "red", range(50, 100)),
        Track(3, Kind.FACE, tuple(s for s in _sightings(jumping))),
        track_of(4, "lime", range(60, 70), uncertain=True, score=0.2),
    ]
    plan = make_plan(clip, tracks)
    with at_page(browser, media, [(clip, plan)]) as person:
        person.page.mouse.move(0, 0)
        person.press("h")  # the uncertain one
        person.page.focus("#cards")
        for _ in range(6):
            person.press("ArrowUp")
        person.press("g")
        assert person.page.get_attribute("#card-t2", "aria-selected") == "true"
        person.press("s")
        person.press("Escape")
        for _ in range(4):
            if person.page.get_attribute("#card-t3", "aria-selected") == "true":
                break
            person.press("j")
        person.press("x")
        person.press("s")
        person.press("Escape")
        person.press("Shift+Z")
        for key in (*DOWN, "ArrowRight", "Shift+ArrowRight", "Shift+ArrowDown", "Enter"):
            person.press(key)
        person.press("Escape")
        person.press("b")
        for key in (*DOWN, "ArrowLeft", "Control+ArrowDown", "Enter"):
            person.press(key)
        person.press("ArrowRight")
        person.sees_frame()
        person.press("b")
        for key in ("ArrowRight", "Enter"):
            person.press(key)
        person.page.focus("#cards")
        person.press("Escape")
        kinds = [type(edit) for edit in person.plan.edits]
        assert {Show, HideBox, HidePath} <= set(kinds)
        (path,) = (edit for edit in person.plan.edits[-2:] if isinstance(edit, HidePath))
        assert len(path.keys) == 2
        count = len(kinds)
        person.press("Control+z")
        person.press("Control+Shift+Z")
        assert len(person.plan.edits) == count
        frames = rendered(clip, person.plan)
    assert share_hidden(frames[20], box_of("red", 20)) < 0.05
    assert share_hidden(frames[80], box_of("red", 80)) < 0.05
    assert share_hidden(frames[20], box_of("lime", 20)) > 0.95
    assert share_hidden(frames[80], box_of("blue", 80)) < 0.05


def test_the_filter_shows_one_kind_alone(clip: Path, media: MediaWorker, browser: Any) -> None:
    tracks = [track_of(1, "red", range(100)), track_of(2, "blue", range(100))]
    plan = make_plan(clip, [tracks[0], replace(tracks[1], kind=Kind.PERSON)])
    with at_page(browser, media, [(clip, plan)]) as person:
        page = person.page
        kinds = page.eval_on_selector_all("#filter-kinds option", "all => all.map((o) => o.value)")
        assert kinds == ["face", "person"]
        page.select_option("#filter", "person")
        page.wait_for_selector("#card-t1", state="detached")
        assert page.is_visible("#card-t2")
        marks = {}
        for number, shown in ((1, "face"), (2, "person")):
            page.select_option("#filter", shown)
            card = page.wait_for_selector(f"#card-t{number}")
            marks[shown] = card.evaluate("(it) => it.style.getPropertyValue('--kind')")
        assert marks == {"face": KINDS[Kind.FACE].colour, "person": KINDS[Kind.PERSON].colour}


def _sightings(boxes: list[Box]) -> list[Sighting]:
    return [Sighting(i, Fraction(i, 25), box, 0.8) for i, box in enumerate(boxes)]


def test_correcting_with_the_keyboard(clip: Path, media: MediaWorker, browser: Any) -> None:
    plan = make_plan(clip, [track_of(1, "red", range(100))])
    with at_page(browser, media, [(clip, plan)]) as person:
        person.click("#card-t1")
        person.sees_frame()
        person.page.wait_for_timeout(300)
        person.press("b")
        person.press("ArrowDown")
        person.press("Enter")
        (edit,) = person.plan.edits
    assert isinstance(edit, Correct)
    frame = round(edit.time * 25)
    moved = edit.box.centre[1] - box_of("red", frame).centre[1]
    assert 4 < moved < 12
    assert 28 - 0.1 <= edit.box.width < 36  # all of it, and little of the margin
    dragged = box_of("red", frame).shifted(0, moved)
    assert edit.box.grown(0.01).contains(dragged)


def test_a_second_drag_does_not_wait_for_new_outlines(
    clip: Path, media: MediaWorker, browser: Any
) -> None:
    """The outlines on the page still name the region as it was before the first drag."""
    plan = make_plan(clip, [track_of(1, "red", range(100))], (HideBox(Box(40, 40, 80, 80)),))
    with at_page(browser, media, [(clip, plan)]) as person:
        person.wait_until("document.getElementById('picture').dataset.outlines === '0 0'")
        held = []
        person.page.route("**/outlines/*", lambda route: held.append(route))
        mouse, place = person.page.mouse, person.place
        for start, end in (((60, 60), (70, 60)), ((60, 60), (60, 90))):
            mouse.move(*place(*start))
            mouse.down()
            mouse.move(*place(*end), steps=3)
            mouse.up()
        person.settle()
        for route in held:
            route.continue_()
        hidden = person.plan.regions(50, Fraction(2))
    centres = [region.box.centre for region in hidden if region.box.width == 40]
    assert centres == [pytest.approx((60, 90), abs=1)]


def test_a_drag_that_is_begun_while_another_is_saved_is_not_lost(
    clip: Path, media: MediaWorker, browser: Any
) -> None:
    plan = make_plan(clip, [track_of(1, "red", range(100))], (HideBox(Box(40, 40, 80, 80)),))
    with at_page(browser, media, [(clip, plan)]) as person:
        page, mouse, place = person.page, person.page.mouse, person.place
        person.wait_until("document.getElementById('picture').dataset.outlines === '0 0'")
        acts: list[Any] = []

        def hold_first(route: Any) -> None:
            if route.request.method == "POST" and not acts:
                acts.append(route)
            else:
                route.continue_()

        page.route("**/files/0/*", hold_first)
        mouse.move(*place(60, 60))
        mouse.down()
        mouse.move(*place(70, 60), steps=3)
        mouse.up()
        page.wait_for_timeout(100)
        (first,) = acts
        mouse.move(*place(60, 60))
        mouse.down()
        mouse.move(*place(60, 70), steps=3)
        with page.expect_response(lambda answer: answer.request.method == "POST"):
            first.continue_()
        page.wait_for_timeout(200)
        mouse.move(*place(60, 90), steps=3)
        mouse.up()
        person.settle()
        hidden = person.plan.regions(50, Fraction(2))
    centres = [region.box.centre for region in hidden if region.box.width == 40]
    assert [centre[1] for centre in centres] == [pytest.approx(90, abs=1)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(
    clip: Path, media: MediaWorker, browser: Any, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    tracks = [track_of(1, "red", range(100)), track_of(2, "lime", range(50), uncertain=True)]
    plan = make_plan(clip, tracks, (HideBox(Box(1, 1, 40, 40)), Show(1)))
    with at_page(browser, media, [(clip, plan)], color_scheme=scheme) as person:
        for key in (None, "?", "Escape", "n"):
            if key is not None:
                person.press(key)
            found = Axe().run(person.page, options={"resultTypes": ["violations"]})
            bad = [
                (fault["id"], [node["target"] for node in fault["nodes"]][:3])
                for fault in found.response["violations"]
                if fault["impact"] in ("serious", "critical")
            ]
            assert bad == [], (key, bad)


def test_stills_and_several_files(tmp_path: Path, media: MediaWorker, browser: Any) -> None:
    from dataclasses import replace

    from PIL import Image

    from redact.core.plan import Plan, SourceId
    from redact.core.recipe import recipe
    from redact.media.formats import open_source

    files = []
    for number, colour in enumerate(("#c02020", "#2020c0")):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", (200 + number * 40, 120), colour).save(path)
        source = open_source(path)
        frame = next(iter(source.frames()))
        identity = SourceId(source.fingerprint, source.info.size, 1, frame.time, frame.time)
        track = Track(1, Kind.FACE, (Sighting(0, frame.time, Box(50, 40, 90, 80), 0.9),))
        choices = replace(recipe("fast"), style="solid")
        plan = path.with_name(f"{number}.redact.json")
        save(Plan(identity, choices, (), (track,)), plan)
        files.append((path, plan))
    with at_page(browser, media, files) as person:
        person.page.select_option("#files", "1")
        person.page.wait_for_selector("#file-name:text-is('1.png')")
        person.page.wait_for_selector("#card-t1")
        person.click("#card-t1")
        person.press("s")
    assert load(files[0][1]).edits == ()
    assert [type(edit) for edit in load(files[1][1]).edits] == [Show]


def test_polygons_silence_and_what_is_uncertain(
    clip: Path, tmp_path: Path, media: MediaWorker, browser: Any
) -> None:
    heard = tmp_path / "heard.mp4"
    sound = ("-f", "lavfi", "-i", "sine=d=4", "-c:v", "copy", "-c:a", "aac")
    clips.run("-i", clip, *sound, heard)
    tracks = [track_of(1, "red", range(100)), track_of(2, "lime", range(100), uncertain=True)]
    plan = make_plan(heard, tracks)
    with at_page(browser, media, [(heard, plan)]) as person:
        person.page.select_option("#outline", "polygon")
        person.page.fill("#by", "Ada")
        person.page.focus("#view")
        person.press("z")
        for corner in ((200, 10), (280, 10), (240, 50)):
            person.page.mouse.click(*person.place(*corner))
        person.press("Enter")
        person.press("Escape")
        person.press("Home")
        person.press("m")
        person.press("End")
        person.press("Shift+M")
        lane = person.page.locator("#timeline").bounding_box()
        y = lane["y"] + 31
        person.page.mouse.move(lane["x"] + 200, y)
        person.page.mouse.down()
        person.page.mouse.move(lane["x"] + 400, y)
        person.page.mouse.up()
        person.settle()
        zone, tone, silence = person.plan.edits
        person.press("4")
        person.sees_frame()
        person.page.wait_for_timeout(300)
        x, y = person.place(160, 5)
        dark = _brightness(person, x, y)
        person.press("1")
        person.page.wait_for_timeout(200)
        assert dark < 0.6 * _brightness(person, x, y)  # all but what is uncertain
        frames = rendered(heard, load(plan))
    assert isinstance(zone, HideBox)
    assert zone.by == "Ada"
    assert np.asarray(zone.outline) == pytest.approx(np.array([(0, 0), (1, 0), (0.5, 1)]), abs=0.01)
    assert zone.outline[1][0] == zone.outline[2][1] == 1  # to the very edge
    assert isinstance(tone, Mute)
    assert isinstance(silence, Mute)
    assert (tone.start, float(tone.end), tone.tone) == (0, 99 / 25, True)
    assert 0 < silence.start < silence.end < tone.end
    assert not silence.tone
    assert share_hidden(frames[50], Box(236, 12, 244, 40)) > 0.95
    assert share_hidden(frames[50], Box(202, 35, 214, 48)) < 0.05  # beside the triangle


def _brightness(person: Person, x: float, y: float) -> float:
    from io import BytesIO

    from PIL import Image

    shot = person.page.screenshot(clip={"x": x, "y": y, "width": 20, "height": 4})
    return float(np.asarray(Image.open(BytesIO(shot)).convert("L")).mean())
