"""TIFF files of several pages: every page redacted for itself, and nothing left beside pages."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from redact import analysis, api
from redact.core.findings import Detection, Kind
from redact.core.frames import Frame, Rgb
from redact.core.geometry import Box, Region, Size
from redact.core.passes import Pass
from redact.core.recipe import recipe
from redact.errors import UnreadableInputError, UnsupportedInputError, VerificationError
from redact.hide.styles import STYLES
from redact.media.stills import StillSource, checking, open_still, pages, still_sink, tiff
from redact.media.stills.pages import PagesSource
from redact.verify.result import Spot
from redact.verify.second_opinion import SecondOpinion

CANARY = "kanari3nvog3l"
HIDDEN = Region(Box(8, 6, 24, 20))


def page(mode: str, size: tuple[int, int], seed: int = 0) -> Image.Image:
    noise = np.random.default_rng(seed).integers(60, 250, (size[1], size[0], 4), np.uint8)
    return Image.fromarray(noise, "RGBA").convert(mode)


PAGES = [("RGB", (96, 64)), ("L", (50, 70)), ("RGBA", (64, 48)), ("1", (40, 40)), ("P", (33, 31)),
         ("CMYK", (48, 40)), ("RGB", (96, 64))]  # fmt: skip


def document(path: Path, made: Sequence[Image.Image] = (), **options: object) -> Path:
    made = made or [page(mode, size, seed) for seed, (mode, size) in enumerate(PAGES)]
    made[0].save(path, "TIFF", save_all=True, append_images=made[1:], **options)
    return path


def redacted(path: Path) -> Path:
    source = open_still(path)
    assert isinstance(source, PagesSource)
    output = path.with_name(f"{path.stem}.redacted{path.suffix}")
    with still_sink(output, source, force=False, frames=len(source.pages)) as sink:
        for frame in source.frames():
            STYLES["solid"](recipe()).hide(frame.picture, [HIDDEN])
            sink.write(frame)
    return output


def seen(path: Path) -> list[np.ndarray]:
    return [frame.picture.planes()[0].samples for frame in open_still(path).frames()]


def check_redacted(before: Sequence[np.ndarray], after: Sequence[np.ndarray]) -> None:
    assert [p.shape for p in before] == [p.shape for p in after]
    for old, new in zip(before, after, strict=True):
        colours = min(3, new.shape[2]) if new.ndim == 3 else 1
        assert not np.atleast_3d(new)[6:20, 8:24, :colours].any()
        outside = np.ones(old.shape[:2], bool)
        outside[6:20, 8:24] = False
        assert np.array_equal(old[outside], new[outside])


def test_every_page_is_redacted_in_its_own_size_and_mode(tmp_path):
    path = document(tmp_path / "a.tif")
    output = redacted(path)
    check_redacted(seen(path), seen(output))
    with Image.open(output) as image:  # as another reader sees them
        assert image.n_frames == len(PAGES)
        for index, (_, size) in enumerate(PAGES):
            image.seek(index)
            assert image.size == size
            image.load()
    assert checking.find_faults(open_still(path), open_still(output)) == []


def test_pages_of_16_bits_keep_them(tmp_path):
    dice = np.random.default_rng(0)
    deep = [dice.integers(0, 65536, (60, 80, 3)).astype(np.uint16) for _ in range(3)]
    path = tmp_path / "a.tiff"
    cv2.imwritemulti(str(path), deep)
    assert all(samples.dtype == np.uint16 for samples in seen(path))
    output = redacted(path)
    check_redacted(seen(path), seen(output))
    whole, again = cv2.imreadmulti(str(output), flags=-1)
    assert whole
    assert len(again) == 3
    assert np.array_equal(again[2][30:], deep[2][30:])


def big(path: Path) -> Path:
    return document(path, big_tiff=True)


def big_endian(path: Path) -> Path:
    grey = [np.arange(1200 + n).astype(">u2")[:1200].reshape(30, 40) * 50 for n in range(2)]
    return document(path, [Image.frombytes("I;16B", (40, 30), g.tobytes()) for g in grey])


@pytest.mark.parametrize("make", [big, big_endian])
def test_other_spellings_are_read(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path / "a.tif")
    assert path.read_bytes()[:4] in {b"II\x2b\0", b"MM\0\x2a"}
    check_redacted(seen(path), seen(redacted(path)))


def with_canaries(path: Path) -> Path:
    """Words in the tags of every page, a page that is a thumbnail, and directories below pages."""
    made = [page("RGB", (80 + n, 60), n) for n in range(3)]
    for number, image in enumerate(made):
        tags = {270: f"{CANARY}-description-{number}", 305: "to be another directory",
                315: f"{CANARY}-artist-{number}", 700: f"{CANARY}-xmp-{number}".encode(),
                33723: f"{CANARY}-iptc-{number}".encode()}  # fmt: skip
        image.encoderinfo = {"tiffinfo": tags, "comment": f"{CANARY}-comment"}
    small = page("RGB", (40, 30), 9)
    small.encoderinfo = {"tiffinfo": {254: 1, 270: f"{CANARY}-thumbnail"}}
    document(path, [made[0], small, *made[1:]])
    data = bytearray(path.read_bytes())
    words = f"{CANARY}-below".encode()
    for directory in _directories(data):
        data += bytes(len(data) % 2)
        below = len(data)
        data += struct.pack("<HHHIII", 1, 270, 2, len(words), below + 18, 0) + words
        at = next((at for at in directory if data[at : at + 2] == b"\x31\x01"), None)
        if at is not None:
            struct.pack_into("<HHII", data, at, 330, 4, 1, below)
    path.write_bytes(data + f"{CANARY}-end".encode())
    return path


def _directories(data: bytes) -> list[list[int]]:
    """Where the entries of each directory stand."""
    found, (at,) = [], struct.unpack_from("<I", data, 4)
    while at:
        (count,) = struct.unpack_from("<H", data, at)
        found.append([at + 2 + 12 * i for i in range(count)])
        (at,) = struct.unpack_from("<I", data, at + 2 + 12 * count)
    return found


def test_nothing_but_pages_survives(tmp_path):
    path = with_canaries(tmp_path / "a.tif")
    assert path.read_bytes().count(CANARY.encode()) > 12
    with Image.open(path) as image:
        assert image.n_frames == 4
    output = redacted(path)
    assert CANARY.encode() not in output.read_bytes()
    assert [samples.shape[1] for samples in seen(output)] == [80, 81, 82]
    assert len(_directories(output.read_bytes())) == 3
    allowed = {256, 257, 258, 259, 262, 273, 277, 278, 279, 282, 283, 284, 296, 317, 338, 339}
    data = output.read_bytes()
    tags = {struct.unpack_from("<H", data, at)[0] for d in _directories(data) for at in d}
    assert tags <= allowed


def test_a_tag_in_a_later_page_is_a_fault(tmp_path):
    path = document(tmp_path / "a.tif")
    made = [page(mode, size, seed) for seed, (mode, size) in enumerate(PAGES)]
    made[4].encoderinfo = {"tiffinfo": {270: "somebody"}}
    telling = open_still(document(tmp_path / "b.tif", made))
    assert "EXIF" in " ".join(checking.find_faults(open_still(path), telling))


def test_a_page_that_is_missing_is_a_fault(tmp_path):
    path = document(tmp_path / "a.tif")
    shorter = document(tmp_path / "b.tif", [page(*p) for p in PAGES[:3]])
    assert "pages" in " ".join(checking.find_faults(open_still(path), open_still(shorter)))


def test_a_picture_with_its_thumbnail_is_one_picture(tmp_path):
    small = page("RGB", (20, 16))
    small.encoderinfo = {"tiffinfo": {254: 1, 270: CANARY}}
    path = document(tmp_path / "a.tif", [page("RGB", (80, 60), 1), small])
    source = open_still(path)
    assert isinstance(source, StillSource)
    output = tmp_path / "b.tif"
    with still_sink(output, source, force=False, frames=1) as sink:
        for frame in source.frames():
            sink.write(frame)
    assert np.array_equal(seen(output)[0], seen(path)[0])
    assert CANARY.encode() not in output.read_bytes()


def looped(data: bytes) -> bytes:
    changed = bytearray(data)
    last = _directories(data)[-1]
    changed[last[-1] + 12 : last[-1] + 16] = data[4:8]
    return bytes(changed)


def astray(data: bytes) -> bytes:
    changed = bytearray(data)
    struct.pack_into("<I", changed, _directories(data)[0][-1] + 12, len(data) + 99)
    return bytes(changed)


def cut_off(data: bytes) -> bytes:
    return data[: len(data) - 900]


@pytest.mark.parametrize("harm", [looped, astray, cut_off])
def test_damaged_pages_are_refused(tmp_path: Path, harm: Callable[[bytes], bytes]) -> None:
    path = document(tmp_path / "a.tif", [page("RGB", (60, 40), n) for n in range(3)])
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(UnreadableInputError, match="damaged"):
        open_still(path)


def test_a_bomb_of_pages_is_refused(tmp_path, monkeypatch):
    path = document(tmp_path / "a.tif")
    monkeypatch.setattr(tiff, "MOST_PAGES", 5)
    with pytest.raises(UnsupportedInputError, match="more than 5 pages"):
        open_still(path)
    monkeypatch.undo()
    monkeypatch.setattr(pages, "MOST_SAMPLES", 30_000)
    with pytest.raises(UnsupportedInputError, match="too large"):
        open_still(path)


def test_a_page_that_does_not_read_back_leaves_no_output(tmp_path, monkeypatch):
    path = document(tmp_path / "a.tif")
    monkeypatch.setattr(tiff, "_move_offsets", lambda data, *_: bytearray(data))
    with pytest.raises(VerificationError):
        redacted(path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]


class Bright:
    """Finds the white square of a page."""

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        return [self._found(picture, threshold) for picture in pictures]

    def _found(self, picture: Rgb, threshold: float) -> list[Detection]:
        rows, columns = np.nonzero(picture.min(axis=2) > 240)
        if not rows.size:
            return []
        box = Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        return [Detection(Kind.FACE, box, threshold + 0.15)]


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, api.Plan]:
    made = []
    for number in range(5):
        samples = np.full((100, 120 + 20 * number, 3), 90, np.uint8)
        if number != 2:
            samples[30:50, 20 * number : 20 * number + 20] = 255
        made.append(Image.fromarray(samples))
    path = document(tmp_path / "a.tif", made)
    monkeypatch.setattr(analysis, "load", lambda _: Bright())
    choices = recipe(passes=(Pass("centerface", 160, 0.05, every=12, enlarge=False),))
    long = replace(choices.coverage, before=9.0, after=9.0, bridge=9.0)
    return path, api.analyse_file(path, replace(choices, coverage=long, style="solid"))


def test_every_page_is_looked_at_and_decided_for_itself(plan: tuple[Path, api.Plan]) -> None:
    path, made = plan
    assert made.source.frames == 5
    assert made.source.size == Size(120, 100)
    assert [t.sightings[0].frame for t in made.tracks] == [0, 1, 3, 4]  # weak, and all hidden
    assert not any(track.uncertain for track in made.tracks)
    cover = made.cover()
    hidden = [cover(index, Fraction(index)) for index in range(5)]
    assert [len(regions) for regions in hidden] == [1, 1, 0, 1, 1]
    middles = [regions[0].box.centre[0] for regions in hidden if regions]
    assert middles == pytest.approx([10, 30, 70, 90], abs=1)
    done = api.render_file(path, path.with_name("b.tif"), made, checking=None)
    for number, samples in enumerate(seen(done.output)):
        assert samples.max() == 90, number


def test_the_check_looks_closely_at_every_page(
    plan: tuple[Path, api.Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, made = plan
    looks: list[tuple[int, str]] = []

    def look(_: SecondOpinion, frame: Frame, hidden: object, depth: str, __: object) -> list[Spot]:
        looks.append((frame.index, depth))
        return []

    monkeypatch.setattr(SecondOpinion, "examine", look)
    done = api.render_file(path, path.with_name("b.tif"), made)
    assert done.verification is not None
    assert done.verification.passed
    assert sorted(looks) == [(index, "both") for index in range(5)]


def test_a_page_that_shows_more_than_the_plan_says_is_a_fault(plan: tuple[Path, api.Plan]) -> None:
    path, made = plan
    fewer = replace(made, tracks=made.tracks[:-1])
    output = path.with_name("b.tif")
    api.render_file(path, output, fewer, checking=None)
    found = api.verify_file(path, output, replace(made, result=None))
    assert not found.passed
    assert "what the plan hides shows" in found.in_words()
    assert "frame 4" in found.in_words()


def test_one_page_out_of_a_file_says_what_it_is(tmp_path):
    data = document(tmp_path / "a.tif").read_bytes()
    parts = list(tiff.split_pages(data, tmp_path))
    assert [Image.open(io.BytesIO(part)).size for part in parts] == [size for _, size in PAGES]
    assert all(Image.open(io.BytesIO(part)).n_frames == 1 for part in parts)
