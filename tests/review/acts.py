"""A person at the page: what he does is counted, and what it comes to is seen in the result."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from redact import api
from redact.core.geometry import Box
from redact.core.plan import Plan, load
from redact.media.formats import open_source
from redact.review.media_worker import MediaWorker
from redact.verify.result import Checking
from tests.review.conftest import Served, serving

MAGENTA = np.array((255, 0, 255))
"""What the plans of these tests hide with."""


class Person:
    """Somebody at the page.

    Args:
        page: Playwright's.
        served: The server.

    Attributes:
        acts: Clicks, drags and keys so far.
        faults: What the page complained of.
    """

    def __init__(self, page: Any, served: Served) -> None:
        self.page = page
        self.served = served
        self.acts = 0
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        if message.type == "error" and "status of 4" not in message.text:
            self.faults.append(message.text)

    def open(self, address: str | None = None) -> None:
        self.page.goto(address or self.served.address)
        self.page.wait_for_selector("body[data-ready]", timeout=30_000)
        self.sees_frame()

    def press(self, key: str) -> None:
        """One key; what it does to the plan is there afterwards."""
        self.acts += 1
        self.page.keyboard.press(key)
        self.settle()

    def click(self, selector: str, **how: Any) -> None:
        self.acts += 1
        self.page.click(selector, **how)
        self.settle()

    def type(self, text: str) -> None:
        """A word counts as one act."""
        self.acts += 1
        self.page.keyboard.type(text)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """From one point of the picture to another, in its own pixels, once outlines are seen."""
        self.acts += 1
        outlined = "document.getElementById('picture').dataset.outlines"
        here = "m.state.frame + ' ' + m.state.plan.revision"
        self.wait_until(f"m.state.view === 'published' || {outlined} === {here}")
        mouse = self.page.mouse
        mouse.move(*self.place(*start))
        mouse.down()
        mouse.move(*self.place(*[(a + b) / 2 for a, b in zip(start, end, strict=True)]))
        mouse.move(*self.place(*end))
        mouse.up()
        self.settle()

    def click_time(self, frame: int) -> None:
        """On the ruler, where a frame is."""
        self.acts += 1
        box = self.page.locator("#timeline").bounding_box()
        frames = len(self.served.review.sessions[0].times)
        x = box["x"] + 92 + (frame + 0.5) / frames * (box["width"] - 92)
        self.page.mouse.click(x, box["y"] + 8)
        self.sees_frame()

    def settle(self) -> None:
        """Until acts on their way are done."""
        self.page.evaluate("import('./page/actions.js').then((m) => m.settled())")

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the picture is on the screen."""
        view = self.page.locator("#view").bounding_box()
        width, height = self.served.review.sessions[0].sizes[0]
        scale = min(view["width"] / width, view["height"] / height)
        left = view["x"] + (view["width"] - width * scale) / 2
        top = view["y"] + (view["height"] - height * scale) / 2
        return left + x * scale, top + y * scale

    def sees_frame(self) -> None:
        """Until the picture that is shown is the one of the playhead."""
        shown = "document.getElementById('picture').dataset.frame"
        self.wait_until(f"String(m.state.frame) === {shown}")

    def wait_until(self, holds: str) -> None:
        """Until something holds of `m.state`, the page's store."""
        until = time.monotonic() + 60
        while not self.page.evaluate(f"import('./page/store.js').then((m) => {holds})"):
            assert time.monotonic() < until, holds
            self.page.wait_for_timeout(20)

    @property
    def plan(self) -> Plan:
        """As it is on disk."""
        return load(self.served.review.sessions[0].path)


@contextmanager
def at_page(
    browser: Any,
    media: MediaWorker,
    files: list[tuple[Path, Path]],
    checking: Checking | None = None,
    *,
    likeness: bool = False,
    **context: Any,
) -> Iterator[Person]:
    """A person with the page open; it must not have complained at the end."""
    with serving(files, media, checking, likeness=likeness) as served:
        window = browser.new_context(viewport={"width": 1280, "height": 800}, **context)
        try:
            person = Person(window.new_page(), served)
            person.open()
            yield person
            assert person.faults == []
        finally:
            window.close()


def rendered(clip: Path, plan: Plan) -> list[np.ndarray]:
    """The frames of the result, as red, green and blue."""
    output = clip.with_name(f"result{clip.suffix}")
    api.render_file(clip, output, plan, checking=None, force=True)
    source = open_source(output)
    return [frame.picture.rgb(source.info.size).astype(int) for frame in source.frames()]


def share_hidden(picture: np.ndarray, box: Box) -> float:
    """How much of a box is hidden."""
    part = picture[round(box.top) : round(box.bottom), round(box.left) : round(box.right)]
    return float((np.abs(part - MAGENTA).max(axis=2) < 60).mean())
