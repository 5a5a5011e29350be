"""Animated pictures: every picture redacted and in its time, nothing beside them, or a refusal."""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from redact.core.geometry import Box, Region
from redact.core.recipe import recipe
from redact.errors import UnreadableInputError, UnwritableOutputError, VerificationError
from redact.hide.styles import STYLES
from redact.media.stills import open_still, still_sink
from redact.media.stills.animation import AnimationSource
from redact.media.stills.animation_writers import PngWriter

CANARY = "CANARY-4kQ"
HIDDEN = Region(Box(10, 8, 30, 24))
SIZE = (64, 48)


def picture(index: int, clear: bool = False) -> Image.Image:
    """A gradient with a square that moves, different in every picture."""
    x, y = np.meshgrid(np.linspace(0, 1, SIZE[0]), np.linspace(0, 1, SIZE[1]))
    samples = np.dstack([255 * x, 255 * y, 120 + 0 * x, 255 + 0 * x]).astype(np.uint8) // 32 * 32
    samples[20:30, 5 * index : 5 * index + 10] = (250, 20 * index, 0, 255)
    samples[..., 3] = 255
    if clear:
        samples[:6, : 6 + index, 3] = 0
    return Image.fromarray(samples, "RGBA")


def animation(folder: Path, name: str, *, clear: bool = False, **options: object) -> Path:
    pictures = [picture(index, clear) for index in range(6)]
    if name.endswith(".webp"):
        options |= {"lossless": True, "exact": True}
    path = folder / name
    durations = [40, 80, 40, 120, 40, 200]
    pictures[0].save(
        path, save_all=True, append_images=pictures[1:], duration=durations, loop=3, **options
    )
    return path


def redacted(path: Path) -> Path:
    source = open_still(path)
    assert isinstance(source, AnimationSource)
    output = path.with_name(f"{path.stem}.redacted{path.suffix}")
    with still_sink(output, source, force=False, frames=6) as sink:
        for frame in source.frames():
            STYLES["solid"](recipe()).hide(frame.picture, [HIDDEN])
            sink.write(frame)
    return output


def seen(path: Path) -> list[tuple[Fraction, np.ndarray]]:
    frames = open_still(path).frames()
    return [(frame.time, frame.picture.planes()[0].samples) for frame in frames]


NAMES = ["a.gif", "a.png", "a.apng", "a.webp"]


@pytest.mark.parametrize("clear", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_every_picture_is_redacted_and_keeps_its_time(tmp_path, name, clear):
    path = animation(tmp_path, name, clear=clear)
    before, after = seen(path), seen(redacted(path))
    assert [time for time, _ in before] == [time for time, _ in after]
    for (_, old), (_, new) in zip(before, after, strict=True):
        assert not new[8:24, 10:30, :3].any()
        outside = np.ones(old.shape[:2], bool)
        outside[8:24, 10:30] = False
        visible = outside & (old[..., 3] > 0) if old.shape[2] == 4 else outside
        assert np.array_equal(old[visible], new[visible])
        if old.shape[2] == 4:
            assert np.array_equal(old[outside][:, 3], new[outside][:, 3])


@pytest.mark.parametrize("name", NAMES)
def test_players_see_the_same_rounds_and_delays(tmp_path, name):
    path = animation(tmp_path, name)
    before, after = Image.open(path), Image.open(redacted(path))
    assert after.n_frames == before.n_frames == 6
    assert after.info.get("loop") == before.info.get("loop")
    for index in range(6):
        before.seek(index)
        after.seek(index)
        before.load()
        after.load()
        assert after.info["duration"] == before.info["duration"]
    before.close()
    after.close()


def test_fractions_of_an_animated_png_are_exact(tmp_path):
    path = animation(tmp_path, "a.png")
    data = bytearray(path.read_bytes())
    at = data.find(b"fcTL")
    data[at + 24 : at + 28] = struct.pack(">2H", 1001, 30000)
    data[at + 30 : at + 34] = struct.pack(">I", zlib.crc32(data[at : at + 30]))
    path.write_bytes(data)
    assert seen(redacted(path))[1][0] == Fraction(1001, 30000)


def test_nothing_but_pictures_comes_out(tmp_path):
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Author", CANARY)
    notes.add_itxt("XML:com.adobe.xmp", CANARY)
    exif = Image.Exif()
    exif[0x010F] = CANARY
    more = {
        "a.gif": {"comment": CANARY.encode()},
        "a.png": {"pnginfo": notes, "exif": exif},
        "a.webp": {"exif": exif, "xmp": CANARY.encode()},
    }
    for name, options in more.items():
        path = animation(tmp_path, name, **options)
        path.write_bytes(path.read_bytes() + CANARY.encode())
        assert path.read_bytes().count(CANARY.encode()) > 1
        assert CANARY.encode() not in redacted(path).read_bytes()


def test_the_picture_for_old_viewers_is_left_out(tmp_path):
    path = tmp_path / "a.png"
    first = Image.new("RGBA", SIZE, (255, 0, 0, 255))
    others = [picture(index) for index in range(6)]
    first.save(path, save_all=True, append_images=others, duration=40, default_image=True)
    assert open_still(path).info.frames == 6
    with Image.open(redacted(path)) as result:
        assert result.n_frames == 6
        assert result.getpixel((60, 40)) != (255, 0, 0, 255)


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_pictures_that_become_equal_stay_apart(tmp_path, name, lossless):
    path = tmp_path / name
    pictures = [Image.new("RGB", SIZE, (90, 90, 90)) for _ in range(6)]
    for index, one in enumerate(pictures):
        one.paste((40 * index, 0, 0), (12, 10, 28, 22))  # all that differs is hidden
    options = {"lossless": lossless} if name == "a.webp" else {}
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=40, **options)
    with Image.open(redacted(path)) as result:
        assert result.n_frames == 6


def test_many_colours_are_kept_nearly(tmp_path):
    x, y = np.meshgrid(np.linspace(0, 255, 64), np.linspace(0, 255, 48))
    pictures = [
        Image.fromarray(np.dstack([x, y, (x + y + 40 * i) % 256]).astype(np.uint8))
        for i in range(6)
    ]
    path = tmp_path / "a.gif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=40)
    for (_, old), (_, new) in zip(seen(path), seen(redacted(path)), strict=True):
        apart = old[30:].astype(float) - new[30:]
        assert np.square(apart).mean() < 255**2 / 10**4.2


def test_damage_is_refused(tmp_path):
    path = animation(tmp_path, "a.gif")
    data = path.read_bytes()
    cut = tmp_path / "cut.gif"
    cut.write_bytes(data[: len(data) // 2])
    with pytest.raises(UnreadableInputError):
        seen(cut)


def test_an_animation_with_a_pictures_name_is_one(tmp_path):
    path = animation(tmp_path, "a.gif")
    misnamed = path.rename(tmp_path / "a.jpg")
    assert len(seen(misnamed)) == 6
    assert len(seen(redacted(misnamed))) == 6
    with pytest.raises(UnwritableOutputError, match="stays GIF"):
        still_sink(tmp_path / "a.png", open_still(misnamed), force=False, frames=6)


def test_a_missing_picture_leaves_no_output(tmp_path):
    path = animation(tmp_path, "a.gif")
    source = open_still(path)
    output = tmp_path / "out.gif"
    with pytest.raises(VerificationError), still_sink(output, source, force=False, frames=6) as to:
        to.write(next(iter(source.frames())))
    assert [p.name for p in tmp_path.iterdir()] == ["a.gif"]


def test_what_reads_back_otherwise_is_no_success(tmp_path, monkeypatch):
    path = animation(tmp_path, "a.png")
    add = PngWriter.add
    monkeypatch.setattr(PngWriter, "add", lambda self, samples: add(self, samples // 2) * 2 + 1)
    with pytest.raises(VerificationError, match="other pixels"):
        redacted(path)
