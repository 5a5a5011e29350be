"""What people come to the page for: in a real browser, in few acts, to the result's pixels."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from redact.core.edits.values import HidePath, Span
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box
from redact.core.history import signature
from redact.core.plan import load
from redact.media.files import fingerprint
from redact.review.media_worker import MediaWorker
from redact.verify.result import Checking
from redact.verify.signed_record import check_record
from tests.review.acts import at_page, rendered, share_hidden
from tests.review.material import FRAMES, RATE, box_of, make_clip, make_plan, track_of

pytestmark = pytest.mark.timeout(180)

WOMAN = [
    track_of(1, "red", range(0, 30)),
    track_of(2, "red", range(36, 62)),
    track_of(3, "red", range(68, 100)),
]
"""One person, found as three."""


def at(frame: int) -> Fraction:
    return Fraction(frame, RATE)


def test_show_one_person_of_three_tracks(clip: Path, media: MediaWorker, browser: Any) -> None:
    plan = make_plan(clip, [*WOMAN, track_of(4, "blue", range(100))])
    with at_page(browser, media, [(clip, plan)]) as person:
        person.click("#card-t1")
        person.press("g")
        person.press("s")
        assert person.acts <= 3
        frames = rendered(clip, person.plan)
    assert all(share_hidden(frames[i], box_of("red", i)) < 0.05 for i in range(FRAMES))
    assert all(share_hidden(frames[i], box_of("blue", i)) > 0.95 for i in range(FRAMES))


def test_hide_a_person_whom_nothing_found(tmp_path: Path, media: MediaWorker, browser: Any) -> None:
    clip = make_clip(tmp_path, 125)  # five seconds
    plan = make_plan(clip, [track_of(1, "red", range(125))], frames=125)
    with at_page(browser, media, [(clip, plan)]) as person:
        first, last = box_of("blue", 0).grown(0.15), box_of("blue", 124).grown(0.15)
        person.drag((first.left, first.top), (first.right, first.bottom))
        person.press("End")
        person.sees_frame()
        person.drag(first.centre, last.centre)
        assert person.acts <= 5
        frames = rendered(clip, person.plan)
    assert all(share_hidden(frames[i], box_of("blue", i)) > 0.95 for i in range(125))


def test_follow_a_person_whom_nothing_found_and_who_is_half_hidden_once(
    tmp_path: Path, media: MediaWorker, browser: Any
) -> None:
    clip = make_clip(tmp_path, 125, post=True)
    plan = make_plan(clip, [track_of(1, "red", range(125))], frames=125)
    with at_page(browser, media, [(clip, plan)]) as person:
        box = box_of("blue", 0).grown(0.2)
        person.drag((box.left, box.top), (box.right, box.bottom))
        person.press("f")
        person.wait_until("!m.state.follow")
        person.settle()
        lost = person.page.evaluate("import('./page/store.js').then((m) => m.state.frame)")
        assert 20 < lost < 124  # it stops behind the post, and asks
        person.press("End")
        person.sees_frame()
        here = person.plan.regions(lost, Fraction(lost, RATE))[-1].box
        person.drag(here.centre, box_of("blue", 124).centre)
        assert person.acts <= 5
        drawn = person.plan.edits[-2]  # the last one takes the box that was drawn first away
        assert isinstance(drawn, HidePath)
        assert len(drawn.followed) > 20
        frames = rendered(clip, person.plan)
        assert [i for i in range(125) if share_hidden(frames[i], box_of("blue", i)) < 0.95] == []
        person.page.evaluate("import('./page/store.js').then((m) => m.seek(10))")
        person.sees_frame()
        x, y = person.plan.regions(10, at(10))[-1].box.centre
        person.drag((x, y), (x, y + 12))
        bent = person.plan.edits[-2]
    assert isinstance(bent, HidePath)
    assert [key.time for key in bent.keys] == [at(0), at(10), at(124)]
    before, after = ({key.time: key.box.top for key in path.followed} for path in (drawn, bent))
    moved = {round(time * RATE): after[time] - top for time, top in before.items()}
    assert moved[5] == pytest.approx(
        6, abs=1
    )  # its neighbours follow, as far as the next key frame
    assert moved[11] == pytest.approx(12 * 113 / 114, abs=1)
    assert moved[20] == pytest.approx(12 * 104 / 114, abs=1)


def test_correct_a_box_that_drifts(clip: Path, media: MediaWorker, browser: Any) -> None:
    def drifting(i: int) -> Box:
        return box_of("lime", i).shifted(0, min(30, max(0, i - 40)))

    seen = tuple(Sighting(i, at(i), drifting(i), 0.8) for i in range(FRAMES))
    plan = make_plan(clip, [Track(1, Kind.FACE, seen)])
    before = [share_hidden(f, box_of("lime", i)) for i, f in enumerate(rendered(clip, load(plan)))]
    assert max(before[75:]) < 0.3
    with at_page(browser, media, [(clip, plan)]) as person:
        person.click_time(95)
        person.drag(drifting(95).centre, box_of("lime", 95).centre)
        assert person.acts <= 2
        frames = rendered(clip, person.plan)
    assert all(share_hidden(frames[i], box_of("lime", i)) > 0.95 for i in range(60, FRAMES))


def test_a_zone_over_a_sign_for_the_whole_clip(
    clip: Path, media: MediaWorker, browser: Any
) -> None:
    plan = make_plan(clip, [track_of(1, "red", range(100))])
    sign = Box(200, 10, 280, 40)
    with at_page(browser, media, [(clip, plan)]) as person:
        person.press("z")
        person.drag((sign.left, sign.top), (sign.right, sign.bottom))
        assert person.acts <= 2
        frames = rendered(clip, person.plan)
    assert all(share_hidden(frame, sign) > 0.95 for frame in frames)


def test_walk_through_twenty_uncertain_things(clip: Path, media: MediaWorker, browser: Any) -> None:
    places = [Box(10 + 60 * (n % 5), 10 + 42 * (n // 5), 34 + 60 * (n % 5), 34 + 42 * (n // 5))
              for n in range(20)]  # fmt: skip
    tracks = [
        Track(n + 1, Kind.FACE, tuple(Sighting(i, at(i), box, 0.3 - n / 100) for i in range(10)),
              uncertain=True)
        for n, box in enumerate(places)
    ]  # fmt: skip
    plan = make_plan(clip, tracks)
    with at_page(browser, media, [(clip, plan)]) as person:
        for n in range(20):
            person.press("s" if n in (4, 11) else "h")
        assert person.acts <= 22
        assert person.page.text_content("#queue-text") == "all looked at"
        frames = rendered(clip, person.plan)
    hidden = [share_hidden(frames[5], box) > 0.95 for box in places]
    assert hidden == [n not in (4, 11) for n in range(20)]
    assert share_hidden(frames[5], places[4]) < 0.05


def test_split_where_a_track_jumps_to_somebody_else_and_show_one_half(
    clip: Path, media: MediaWorker, browser: Any
) -> None:
    boxes = [box_of("red" if i < 50 else "blue", i) for i in range(FRAMES)]
    seen = tuple(Sighting(i, at(i), box, 0.8) for i, box in enumerate(boxes))
    plan = make_plan(clip, [Track(1, Kind.FACE, seen)])
    with at_page(browser, media, [(clip, plan)]) as person:
        assert person.page.input_value("#filter") == "all"
        person.press("x")
        person.press("s")
        assert person.acts <= 3
        frames = rendered(clip, person.plan)
    assert all(share_hidden(frames[i], box_of("red", i)) > 0.95 for i in range(50))
    assert all(share_hidden(frames[i], box_of("blue", i)) < 0.05 for i in range(62, FRAMES))


def test_undo_all_reload_and_redo(clip: Path, media: MediaWorker, browser: Any) -> None:
    plan = make_plan(clip, WOMAN)
    with at_page(browser, media, [(clip, plan)]) as person:
        empty = person.plan
        person.click("#card-t2")
        person.press("s")
        person.press("z")
        person.drag((200, 10), (280, 40))
        person.drag((20, 120), (60, 160))
        done = person.plan.edits
        assert len(done) == 3
        person.acts = 0
        for _ in done:
            person.press("Control+z")
        assert person.acts == len(done)
        assert person.plan.edits == empty.edits
        person.page.reload()
        person.page.wait_for_selector("body[data-ready]")
        person.settle()
        for _ in done:
            person.press("Control+Shift+z")
        assert person.plan.edits == done


@pytest.mark.parametrize("hand", ["keyboard", "mouse"])
def test_render_read_the_check_and_sign(
    tmp_path: Path, media: MediaWorker, browser: Any, hand: str
) -> None:
    """The keyboard alone, with the check; and the mouse, where nothing is checked: that is slow."""
    clip = make_clip(tmp_path, 12)
    plan = make_plan(clip, [track_of(1, "red", range(12))], frames=12)
    keys = hand == "keyboard"
    with at_page(browser, media, [(clip, plan)], Checking() if keys else None) as person:
        if keys:
            person.press("2")
            person.press("Space")
            person.wait_until("!m.state.playing && m.state.frame === 11")
            person.acts = 0
            person.press("r")
        else:
            person.click("#render")
        sign = person.page.locator("#render-sign")
        sign.wait_for(state="visible", timeout=120_000)
        said = person.page.text_content("#render-text") or ""
        assert ("nobody found who still shows" in said) == keys
        if keys:
            person.page.wait_for_selector("#render-sign:focus")
            person.press("Enter")
        else:
            person.click("#render-sign")
        told = person.page.text_content("#sign-text") or ""
        assert "as it was rendered" in told
        assert "Played as published" in told
        person.type("Ada Example")
        person.press("Enter")
        assert person.acts <= 4
        person.page.wait_for_selector("#state[data-state=signed]")
        signed = signature(person.plan)
    result = clip.with_name("street.redacted.mp4")
    assert signed is not None
    assert signed.by == "Ada Example"
    assert signed.result == fingerprint(result)
    assert signed.watched == ((Span(at(1), at(11)),) if keys else ())
    assert "Ada Example" in clip.with_name("street.redact.html").read_text("utf-8")
    record, faults = check_record(clip, result, plan, tmp_path)
    assert record is not None
    assert (record.by, faults) == ("Ada Example", [])
