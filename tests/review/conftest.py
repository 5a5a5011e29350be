"""A server under review in a thread, one worker process for all tests, and one real browser."""

from __future__ import annotations

import os
import queue
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from redact.review.media_worker import MediaWorker
from redact.review.server import ReviewServer
from redact.review.work import Review
from redact.verify.result import Checking
from tests.review.material import make_clip

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="session")
def media() -> Iterator[MediaWorker]:
    worker = MediaWorker()
    yield worker
    worker.close()


@pytest.fixture(scope="session")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("street"))


@pytest.fixture
def clip(street: Path, tmp_path: Path) -> Path:
    """The street in a folder of its own."""
    folder = tmp_path / "work"
    folder.mkdir()
    return Path(shutil.copy(street, folder / "street.mp4"))


@dataclass
class Served:
    """A running server.

    Args:
        review: What it works on.
        address: The one-time address.
        server: Itself.
    """

    review: Review
    address: str
    server: ReviewServer
    entered: list[tuple[httpx.Client, str]] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return self.address.partition("/open")[0]

    def enter(self) -> tuple[httpx.Client, str]:
        """A client with the cookie, and where the page is; the same one whenever asked for."""
        if self.entered:
            return self.entered[0]
        client = httpx.Client(timeout=60)
        page = client.get(self.address)
        assert page.status_code == 200
        where = self.origin + page.text.partition("url=")[2].partition('"')[0]
        self.entered.append((client, where))
        return client, where


@contextmanager
def serving(
    files: Sequence[tuple[Path, Path]],
    media: MediaWorker,
    checking: Checking | None = None,
    idle: float = 600,
    *,
    likeness: bool = False,
) -> Iterator[Served]:
    """Serve these files until the block ends."""
    review = Review(files, checking=checking, media=media, likeness=likeness)
    server = ReviewServer(review, idle)
    ready: queue.Queue[str] = queue.Queue()
    thread = threading.Thread(target=server.serve, args=(0, ready.put))
    thread.start()
    try:
        served = Served(review, ready.get(timeout=20), server)
        yield served
        for client, _ in served.entered:
            client.close()
    finally:
        server.end()
        thread.join(20)
        review.close()
        assert not thread.is_alive()


@pytest.fixture(scope="session")
def chromium() -> str:
    """A real browser's program; without one tests skip, but not where everything must run."""
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None and not os.environ.get("CI"):
        pytest.skip("there is no Chromium on this machine")
    assert program is not None, "there is no Chromium on this machine"
    return program


@pytest.fixture(scope="session")
def playwright(chromium: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Any, chromium: str) -> Iterator[Any]:
    opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
    yield opened
    opened.close()
