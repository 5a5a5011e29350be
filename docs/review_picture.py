"""Draws docs/review.png: the review page in a real browser, over a painted street.

python docs/review_picture.py
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
from picture import Street
from PIL import Image
from playwright.sync_api import sync_playwright

import redact
from redact.core.edits.values import HideBox, Show
from redact.core.plan import Plan, SourceId, save
from redact.media.files import fingerprint

OUTPUT = Path(__file__).with_name("review.png")
RATE, FRAMES, ACROSS = 25, 100, 1.2
"""Frames a second, how many there are, and by how many pixels each moves on."""
WIDTH, HEIGHT = 960, 720
SPANS = ((0, 100), (0, 62), (20, 100), (8, 90), (30, 100), (0, 48), (55, 100), (12, 70))
START = "from redact_cli.app import main; main()"


def paint(folder: Path, street: Street) -> tuple[Path, float]:
    """A clip in which a camera moves along the street; also how much it is enlarged."""
    wide = round(WIDTH + ACROSS * FRAMES)
    scale = wide / street.image.width
    high = round(street.image.height * scale)
    whole = street.image.convert("RGB").resize((wide, high), Image.Resampling.LANCZOS)
    top = round(max(0, high - HEIGHT))
    path = folder / "street.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "rawvideo"]
    command += ["-pix_fmt", "rgb24", "-s", f"{WIDTH}x{min(HEIGHT, high)}", "-r", str(RATE)]
    command += ["-i", "-", "-c:v", "libx264", "-pix_fmt", "yuv420p", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as encoder:
        assert encoder.stdin is not None
        for i in range(FRAMES):
            left = round(ACROSS * i)
            frame = whole.crop((left, top, left + WIDTH, top + min(HEIGHT, high)))
            encoder.stdin.write(frame.tobytes())
    return path, scale


def make_plan(clip: Path, street: Street, enlarged: float) -> None:
    """A plan with what is in the street, as if detectors had found it."""
    scale = enlarged * street.image.width / 440
    high = street.image.height * enlarged
    top, size = round(max(0, high - HEIGHT)), redact.Size(WIDTH, min(HEIGHT, round(high)))
    tracks = []
    for number, (kind, box) in enumerate(street.found):
        first, last = SPANS[number % len(SPANS)]
        placed = box.scaled(scale, scale).shifted(0, -top)
        seen = tuple(
            redact.Sighting(
                i, Fraction(i, RATE), placed.shifted(-ACROSS * i, 0), 0.55 + 0.3 * (i * 7 % 10) / 10
            )
            for i in range(first, last)
        )
        tracks.append(redact.Track(number + 1, kind, seen, uncertain=number == 2))
    known = SourceId(fingerprint(clip), size, FRAMES, Fraction(0), Fraction(FRAMES - 1, RATE))
    sign = HideBox(redact.Box(40, 30, 190, 90))
    plan = Plan(known, redact.PROFILES["balanced"], (), tuple(tracks), (sign, Show(1)))
    save(plan, clip.with_name("street.redact.json"))


def main() -> None:
    """Paint, serve, look."""
    programs = ("chromium", "chromium-browser", "google-chrome", "chrome")
    program = next(filter(None, map(shutil.which, programs)))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        street = Street()
        clip, scale = paint(Path(folder), street)
        make_plan(clip, street, scale)
        command = [sys.executable, "-c", START, "review", "--no-browser", str(clip)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 760}, color_scheme="dark")
            page.goto(server.stdout.readline().strip())
            page.wait_for_selector("body[data-ready]")
            page.keyboard.press("3")
            page.evaluate("import('./page/store.js').then((m) => m.seek(42))")
            page.wait_for_timeout(4000)
            crops = "[...document.querySelectorAll('img.crop')]"
            while not page.evaluate(f"{crops}.every((crop) => crop.naturalWidth)"):
                page.wait_for_timeout(100)
            shot = Path(folder) / "shot.png"
            page.screenshot(path=str(shot))
            browser.close()
            server.terminate()
        Image.open(shot).convert("RGB").quantize(128).save(OUTPUT, optimize=True)


if __name__ == "__main__":
    main()
