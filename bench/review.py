"""Measure the review page in a real browser: how soon it is there, steps, jumps, playback, memory.

    python bench/review.py                # makes its own clips in a temporary folder
    python bench/review.py --minutes 2    # shorter ones

Prints one line for each measure, with its bound. Two cores and a browser are all it needs.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import imageio_ffmpeg
from playwright.sync_api import Page, sync_playwright

from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box, Size
from redact.core.plan import Plan, SourceId, save
from redact.core.recipe import recipe
from redact.media.files import fingerprint

RATE = 25
START = "from redact_cli.app import main; main()"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
STORE = "import('./page/store.js').then((m) => {code})"
SHOWN = "String(m.state.frame) === document.getElementById('picture').dataset.frame"


def make_clip(folder: Path, minutes: float, size: Size, group: float) -> Path:
    """A moving test pattern, H.264, with a key frame every so many seconds."""
    path, part = (folder / f"{minutes:g}min_{size.height}{end}.mp4" for end in ("", "_part"))
    length = 2 * group
    scene = f"testsrc2=s={size.width}x{size.height}:r={RATE}:d={length:g}"
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error"]
    encoder = ["-c:v", "libx264", "-preset", "veryfast", "-g", str(round(group * RATE))]
    encoder += ["-keyint_min", str(round(group * RATE)), "-sc_threshold", "0"]
    made = [*ffmpeg, "-f", "lavfi", "-i", scene, *encoder, "-pix_fmt", "yuv420p", str(part)]
    subprocess.run(made, check=True)
    again = str(round(minutes * 60 / length) - 1)  # the same over and over: quickly made
    subprocess.run([*ffmpeg, "-stream_loop", again, "-i", part, "-c", "copy", path], check=True)
    return path


def make_plan(clip: Path, frames: int, size: Size, tracks: int, length: int) -> Path:
    """A plan with so many tracks of that many frames, evenly over time."""
    found = []
    for number in range(tracks):
        first = number * max(1, frames - length) // max(1, tracks)
        left, top = (number * 211) % (size.width - 120), (number * 97) % (size.height - 120)
        seen = tuple(
            Sighting(
                i, Fraction(i, RATE), Box(left + i % 50, top, left + i % 50 + 90, top + 90), 0.7
            )
            for i in range(first, min(frames, first + length))
        )
        found.append(Track(number + 1, Kind.FACE, seen, uncertain=number % 5 == 0))
    last = Fraction(frames - 1, RATE)
    identity = SourceId(fingerprint(clip), size, frames, Fraction(0), last)
    path = clip.with_name(f"{clip.stem}.redact.json")
    save(Plan(identity, recipe("balanced"), (), tuple(found)), path)
    return path


@contextmanager
def served(clip: Path) -> Iterator[tuple[str, int]]:
    """The address of a running review, and the id of its process."""
    command = [sys.executable, "-c", START, "review", "--no-browser", str(clip)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    try:
        yield running.stdout.readline().strip(), running.pid
    finally:
        running.terminate()
        running.wait(30)
        running.stdout.close()


def memory_of(pid: int) -> int:
    """Bytes that a process and its children hold, as Linux tells."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    children = [c for thread in threads for c in (thread / "children").read_text("ascii").split()]
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * 4096 + sum(memory_of(int(child)) for child in children)


def tell(what: str, found: float, bound: float, unit: str, *, least: bool = False) -> None:
    """One line."""
    good = found >= bound if least else found <= bound
    sign = "at least" if least else "at most"
    print(f"{what:<58} {found:8.1f} {unit:<8} {sign} {bound:g}  {'ok' if good else 'MISSED'}")


def store(page: Page, code: str) -> Any:
    return page.evaluate(STORE.format(code=code))


def seconds_to_show(page: Page, frame: int) -> float:
    """From asking for a frame until it is on the screen, as the page's own clock says."""
    return float(page.evaluate(
        """async (frame) => {
          const m = await import('./page/store.js');
          const canvas = document.getElementById('picture');
          const began = performance.now();
          const shown = new Promise((resolve) => {
            const look = () => canvas.dataset.frame === String(frame) && resolve();
            new MutationObserver(look).observe(canvas, {attributeFilter: ["data-frame"]});
          });
          m.seek(frame);
          if (canvas.dataset.frame !== String(frame)) await shown;
          await new Promise(requestAnimationFrame);
          return (performance.now() - began) / 1000;
        }""",
        frame,
    ))  # fmt: skip


def playback(page: Page, view: str, seconds: float) -> float:
    """Frames a second while it plays."""
    page.keyboard.press(view)
    page.wait_for_timeout(1500)
    page.keyboard.press(" ")
    page.wait_for_timeout(1000)
    first, began = store(page, "m.state.frame"), time.monotonic()
    page.wait_for_timeout(seconds * 1000)
    frames = store(page, "m.state.frame") - first
    page.keyboard.press(" ")
    return float(frames) / (time.monotonic() - began)


def open_page(browser: Any, address: str, width: int) -> tuple[Page, float]:
    """The page with its first frame, and after how many seconds it was there."""
    page = browser.new_page(viewport={"width": width, "height": 800})
    began = time.monotonic()
    page.goto(address)
    page.wait_for_selector("body[data-ready]", timeout=60_000)
    page.wait_for_selector("#picture[data-frame]", state="attached", timeout=60_000)
    return page, time.monotonic() - began


def measure_long(browser: Any, folder: Path, minutes: float) -> None:
    """A long 1080p clip with groups of ten seconds."""
    size = Size(1920, 1080)
    clip = make_clip(folder, minutes, size, 10)
    frames = round(minutes * 60 * RATE)
    make_plan(clip, frames, size, 12, frames // 6)
    began = time.monotonic()
    with served(clip) as (address, pid):
        tell("server ready after the start of the command", time.monotonic() - began, 10, "s")
        page, ready = open_page(browser, address, 1280)
        tell("page ready after it was opened", ready, 2, "s")
        chance = random.Random(3)
        jumps = [seconds_to_show(page, chance.randrange(frames)) * 1000 for _ in range(20)]
        tell("jump anywhere, median", statistics.median(jumps), 500, "ms")
        tell("jump anywhere, slowest of 20", max(jumps), 1000, "ms")
        at = frames // 2
        seconds_to_show(page, at)
        steps = []
        for number in range(1, 40):
            page.wait_for_timeout(60)
            steps.append(seconds_to_show(page, at + number) * 1000)
        tell("step to the next frame, median", statistics.median(steps), 80, "ms")
        back = []
        for number in range(38, 10, -1):
            page.wait_for_timeout(60)
            back.append(seconds_to_show(page, at + number) * 1000)
        tell("step back, median", statistics.median(back), 80, "ms")
        tell("playback of the original, 960 px", playback(page, "1", 5), 20, "frames/s", least=True)
        tell("playback of the preview, 960 px", playback(page, "2", 5), 10, "frames/s", least=True)
        tell("memory of all its processes", memory_of(pid) / 1e9, 1.2, "GB")
        page.close()


def measure_many(browser: Any, folder: Path, minutes: float, tracks: int) -> None:
    """Thousands of tracks in an hour."""
    size = Size(320, 180)
    clip = make_clip(folder, minutes, size, 10)
    frames = round(minutes * 60 * RATE)
    make_plan(clip, frames, size, tracks, 100)
    with served(clip) as (address, pid):
        page, ready = open_page(browser, address, 1280)
        tell(f"page ready, {tracks} tracks in {minutes:g} minutes", ready, 5, "s")
        slowest = page.evaluate(
            """async () => {
              const m = await import('./page/store.js');
              const list = document.getElementById('cards');
              let worst = 0, before = performance.now();
              for (let i = 0; i < 120; i++) {
                list.scrollTop += 400;
                if (i % 3 === 0) m.select([`t${1 + i * 7}`]);
                await new Promise(requestAnimationFrame);
                const now = performance.now();
                worst = Math.max(worst, now - before);
                before = now;
              }
              return worst;
            }"""
        )
        tell("slowest frame while scrolling and selecting", slowest, 50, "ms")
        page.click("#cards .card")
        began = time.monotonic()
        page.keyboard.press("h")
        page.evaluate("import('./page/actions.js').then((m) => m.settled())")
        tell("an edit, on disk and on the page", (time.monotonic() - began) * 1000, 1000, "ms")
        tell("memory of all its processes", memory_of(pid) / 1e9, 1.2, "GB")
        page.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10, help="of the 1080p clip")
    parser.add_argument("--hour", type=float, default=60, help="minutes of the clip of many tracks")
    parser.add_argument("--tracks", type=int, default=2000)
    chosen = parser.parse_args()
    program = next(filter(None, map(shutil.which, BROWSERS)))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        measure_long(browser, Path(folder), chosen.minutes)
        measure_many(browser, Path(folder), chosen.hour, chosen.tracks)
        browser.close()


if __name__ == "__main__":
    main()
