"""What is drawn on the page by hand: along in playback, with keys, in a style; and taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from redact.core.edits.values import ChangeStyle, HidePath, Revoke
from redact.review.media_worker import MediaWorker
from tests.review.acts import MAGENTA, Person, at_page, rendered, share_hidden
from tests.review.material import RATE, box_of, make_plan, track_of

pytestmark = pytest.mark.timeout(180)


def frame_of(person: Person) -> int:
    return int(person.page.evaluate("import('./page/store.js').then((m) => m.state.frame)"))


def paint_along(person: Person, colour: str, frames: int) -> None:
    """Hold the pointer over a walker for some frames of slow playback, and do not let go."""
    person.page.select_option("#speed", "0.25")
    person.page.focus("#view")
    person.press("Home")
    person.sees_frame()
    person.page.mouse.move(*person.place(*box_of(colour, 0).centre))
    person.press("Space")
    person.page.mouse.down()
    while (frame := frame_of(person)) < frames:
        person.page.mouse.move(*person.place(*box_of(colour, frame).centre))


def colour_at(person: Person, x: float, y: float) -> np.ndarray:
    """Of the picture on the screen."""
    view = person.page.locator("#view").bounding_box()
    across, down = person.place(x, y)
    return np.array(person.page.evaluate(
        "([x, y]) => [...document.getElementById('picture').getContext('2d')"
        ".getImageData(x, y, 1, 1).data].slice(0, 3)",
        [across - view["x"], down - view["y"]],
    ))  # fmt: skip


def test_drawing_along_and_with_keys_styles_and_taking_back(
    clip: Path, media: MediaWorker, browser: Any
) -> None:
    plan = make_plan(clip, [track_of(1, "red", range(100)), track_of(2, "blue", range(100))])
    with at_page(browser, media, [(clip, plan)]) as person:
        page = person.page
        person.click("#card-t2")
        page.select_option("#style", "pixelate")
        person.settle()
        assert "pixelate" in (page.text_content("#card-t2") or "")
        person.press("2")
        person.wait_until("!m.state.playing")
        person.press("Escape")
        assert page.input_value("#style") == "solid"
        paint_along(person, "lime", 3)
        page.keyboard.press("Escape")
        page.mouse.up()
        person.wait_until("!m.state.playing")
        person.settle()
        assert len(person.plan.edits) == 1  # nothing was kept
        paint_along(person, "lime", 6)
        page.mouse.up()
        person.wait_until("!m.state.playing && m.state.selected.size === 1")
        styled, path = person.plan.edits
        person.press("Home")
        person.sees_frame()
        page.wait_for_timeout(100)
        shown = {c: colour_at(person, *box_of(c, 0).centre) for c in ("red", "blue", "lime")}
        person.press("Escape")
        page.select_option("#outline", "polygon")
        page.focus("#view")
        person.press("b")
        for keys in ("Space", "ArrowRight ArrowRight Space", "ArrowDown ArrowDown Space", "Enter"):
            for key in keys.split():
                person.press(key)
        polygon = person.plan.edits[-1]
        person.press("d")
        page.click("#acts-list button[aria-label*='pixelate']")
        page.wait_for_selector("#acts-list s:has-text('pixelate')")
        person.settle()
        taken_back = person.plan
        assert "pixelate" not in (page.text_content("#card-t2") or "")
        frames = rendered(clip, taken_back)
        person.press("Escape")
        person.press("Control+z")
        assert person.plan.edits == (styled, path, polygon)
        person.press("j")
        page.evaluate(
            "import('./page/store.js').then((m) => m.set({job: {number: 0, running: false,"
            " outcome: 'held back', output: '', message: '', leaks: [[66, 2.64, [1, 1, 9, 9]]]}}))"
        )
        dropped: list[str] = []

        def drop_once(route: Any) -> None:
            if dropped:
                route.continue_()
            else:
                dropped.append(route.request.url)
                route.fulfill(status=400)

        page.route("**/frames/66?*", drop_once)
        person.press("j")
        assert frame_of(person) == 66  # what the check found comes first
        person.sees_frame()
        assert dropped  # a frame that was dropped for another place is asked for again
    assert (styled, styled.track) == (ChangeStyle("pixelate", track=2, at=styled.at), 2)
    assert isinstance(path, HidePath)
    times = [round(key.time * RATE) for key in path.keys]
    assert times == list(range(times[0], times[-1] + 1))
    assert times[0] <= 4  # a slow machine plays on before the pointer is down
    assert times[-1] >= 6
    assert np.abs(shown["red"] - MAGENTA).max() < 60
    assert np.abs(shown["lime"] - MAGENTA).max() < 60
    assert np.abs(shown["blue"] - MAGENTA).max() > 100
    assert isinstance(polygon, HidePath)
    assert len(polygon.outline) == 3
    assert taken_back.edits[-1] == Revoke(1, at=taken_back.edits[-1].at)
    for frame in times:
        assert share_hidden(frames[frame], box_of("lime", frame)) > 0.9
    assert share_hidden(frames[50], box_of("blue", 50)) > 0.95  # in the style of all again
