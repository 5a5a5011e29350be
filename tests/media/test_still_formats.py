"""Still pictures: odd JPEGs, colours, resolution, black and white: kept, or refused by name."""

from __future__ import annotations

import base64
import io
import struct
import time
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image

from redact.core.frames import Samples
from redact.core.names import default_output
from redact.core.recipe import recipe
from redact.errors import UnreadableInputError, UnsupportedInputError
from redact.hide.styles import STYLES
from redact.media.files import UNREADABLE
from redact.media.formats import open_source
from redact.media.stills import PictureSource, StillSource, open_still, still_sink
from redact.media.stills.bilevel import to_bilevel
from redact.media.stills.checking import find_faults
from redact.media.stills.encoding import encode
from redact.media.stills.png import chunk_bytes, profile_chunk, read_chunks, with_chunks
from tests.media.test_stills import REGION, as_shown, opened, profile, psnr, saved, scene

pillow_heif.register_heif_opener()


def redacted(path: Path, style: str = "solid") -> Path:
    """The file as redact writes it, checked as it checks."""
    output = path.with_name(f"{path.stem}.redacted{path.suffix}")
    source = open_still(path)
    with still_sink(output, source, force=True, frames=source.info.frames or 1) as sink:
        for frame in source.frames():
            STYLES[style](recipe()).hide(frame.picture, [REGION])
            sink.write(frame)
    assert find_faults(source, open_still(output)) == []
    return output


def pixels(source: PictureSource) -> Samples:
    return next(iter(source.frames())).picture.planes()[0].samples


def assert_only_the_region_changed(path: Path, output: Path, least: float = 40) -> None:
    before, after = pixels(open_still(path)), pixels(open_still(output))
    assert before.shape == after.shape
    scale = 257 if before.itemsize == 2 else 1
    assert psnr(before[:, 100:] / scale, after[:, 100:] / scale) > least
    assert np.atleast_3d(after)[45:55, 55:65, :1].max() < 20 * scale


# JPEG


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def rewritten(data: bytes, change: dict[int, bytes | None], added: bytes = b"") -> bytes:
    """A JPEG in which some segments before its scan have other contents, or are gone."""
    at, out = 2, data[:2] + added
    while data[at + 1] != 0xDA:
        marker, (length,) = data[at + 1], struct.unpack_from(">H", data, at + 2)
        content = data[at + 4 : at + 2 + length]
        if marker in change:
            given = change[marker]
            out += b"" if given is None else segment(marker, given)
        else:
            out += segment(marker, content)
        at += 2 + length
    return out + data[at:]


def jpeg_with_tables(numbers: tuple[int, int, int]) -> bytes:
    """A JPEG whose three components use the tables of those numbers."""
    file = io.BytesIO()
    steps = {number: [2 + number + k // 8 for k in range(64)] for number in sorted(set(numbers))}
    scene().save(file, "JPEG", qtables=list(steps.values()), subsampling=0)
    data = file.getvalue()
    order = {number: index for index, number in enumerate(sorted(set(numbers)))}
    frame = data.index(b"\xff\xc0")
    for component, number in enumerate(numbers):
        at = frame + 10 + 3 * component + 2
        data = data[:at] + bytes([number]) + data[at + 1 :]
    for number, index in sorted(order.items(), reverse=True):
        at = data.index(b"\xff\xdb\0\x43" + bytes([index])) + 4
        data = data[:at] + bytes([number]) + data[at + 1 :]
    return data


@pytest.mark.parametrize("numbers", [(2, 3, 3), (1, 3, 3), (3, 3, 3), (0, 1, 2), (0, 2, 3)])
def test_quantisation_tables_may_have_any_numbers(tmp_path, numbers):
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg_with_tables(numbers))
    output = redacted(path)
    assert_only_the_region_changed(path, output)
    one, other = opened(path), opened(output)
    for before, after in zip(one.layer, other.layer, strict=True):
        assert one.quantization[before[3]] == other.quantization[after[3]]


SAMPLINGS = {"411": 0x411111, "440": 0x121111, "422": 0x211111, "420": 0x221111}


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_chroma_of_any_sampling_is_redacted(tmp_path, sampling):
    path = tmp_path / "a.jpg"
    wanted = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, SAMPLINGS[sampling], cv2.IMWRITE_JPEG_QUALITY, 90]
    path.write_bytes(cv2.imencode(".jpg", np.array(scene())[..., ::-1], wanted)[1].tobytes())
    assert_only_the_region_changed(path, redacted(path), 38)


def test_restart_markers_are_read(tmp_path):
    path = saved(tmp_path / "a.jpg", scene(), restart_marker_blocks=3)
    assert b"\xff\xd3" in path.read_bytes()
    assert_only_the_region_changed(path, redacted(path))


ARITHMETIC = base64.b64decode(
    b"/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAoHBwgHBgoICAgLCgoLDhgQDg0NDh0VFhEYIx8lJCIfIiEmKzcvJik0"
    b"KSEiMEExNDk7Pj4+JS5ESUM8SDc9Pjv/2wBDAQoLCw4NDhwQEBw7KCIoOzs7Ozs7Ozs7Ozs7Ozs7Ozs7Ozs7Ozs7"
    b"Ozs7Ozs7Ozs7Ozs7Ozs7Ozs7Ozs7Ozs7Ozv/yQARCABAAGADASIAAhEBAxEB/8wACgAQEAUBEBEF/9oADAMBAAIR"
    b"AxEAPwD/ALsg+ljUxY/Z5zMHPolbO3PVTYiWo7C/HQwWwjMxJT5qSgXMCdh7iBa6p7j3i3GNZdghpAFgk70rAUoy"
    b"Ww/bD1VJLOo37f8A4UudlYBCYCqm1oZ85oT6Q8Zax59x9c0WtU6JNrn1Zv8ApEgQxL1LU9p1hWnDPP4FfutMckul"
    b"n0UD1TNlH5Xg4meyXdSj1Avtu/jjqaNLi9futJXoq/RWDnv9GS213KtOQU1RSXCntw2B1YgnYCOJRIjDLTeNcI7y"
    b"ZHc9aIgYmYEpnXkkPsRMTszQe31zGbgQGDeh8PEGim0mF666Glx09PxhLLwSdvZR8MNOBuglgb9tSVwKLdcnZSmn"
    b"KiKN00LAbsQ6migBEPbQG6CRFSVI5E/fKdCfEP8AwitMATywOnTte5F6Z71fUGYEy5IdxnENJ1sKQmX93YrLsknI"
    b"XGi/tfFL4ToADRvhymwsaLoP/KlaSDiR1uWRYcQ78dHFq0W45Cqx8AiupC6Q78/ZVypjlkjbWOKWt3C2oRy7gTFs"
    b"3cSwHxaFzGl5ZOkewJOgOR4B7z+zC0aM/9k="
)
"""`scene(size=(96, 64))` of quality 70, coded arithmetically with `jpegtran -arithmetic`."""


def test_arithmetic_coding_is_read(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(ARITHMETIC)
    assert b"\xff\xc9" in ARITHMETIC
    assert psnr(pixels(StillSource(path)), np.array(scene(size=(96, 64)))) > 33
    before, after = pixels(open_still(path)), pixels(open_still(redacted(path)))
    assert psnr(before[:, 84:], after[:, 84:]) > 38


ADOBE = {
    "no transform": (b"Adobe\0\x64\0\0\0\0\0", "RGB"),
    "luma and chroma": (b"Adobe\0\x64\0\0\0\0\1", "YCbCr"),
    "a flag that means nothing": (b"Adobe\0\x64\0\0\0\0\7", "YCbCr"),
}


@pytest.mark.parametrize("case", ADOBE)
@pytest.mark.parametrize("jfif", [True, False])
def test_adobe_flags_mean_what_viewers_take_them_for(tmp_path, case, jfif):
    marker, stored = ADOBE[case]
    file = io.BytesIO()
    as_rgb = stored == "RGB" and not jfif  # a JFIF header says that it is no RGB
    scene().save(file, "JPEG", quality=92, subsampling=0, keep_rgb=as_rgb)
    header = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0") if jfif else b""
    path = tmp_path / "a.jpg"
    added = header + segment(0xEE, marker)
    path.write_bytes(rewritten(file.getvalue(), {0xE0: None, 0xEE: None}, added))
    assert psnr(pixels(StillSource(path)), np.array(scene())) > 35
    assert_only_the_region_changed(path, redacted(path), 36)


@pytest.mark.parametrize("transform", [0, 2])
def test_four_inks_become_rgb(tmp_path, transform):
    path = saved(tmp_path / "a.jpg", scene("CMYK"), quality=92)
    if transform == 0:
        assert b"Adobe" in path.read_bytes()
    else:  # the same numbers taken for luma, chroma and black: strange, and redacted as it shows
        data = path.read_bytes()
        at = data.index(b"Adobe") + 11
        path.write_bytes(data[:at] + bytes([transform]) + data[at + 1 :])
    output = redacted(path)
    assert opened(output).mode == "RGB"
    assert_only_the_region_changed(path, output, 34)


def odd_frame(marker: int, bits: int, components: int) -> bytes:
    data = io.BytesIO()
    scene().save(data, "JPEG")
    content = struct.pack(">BHHB", bits, 120, 160, components)
    content += b"".join(bytes([k + 1, 0x11, 0]) for k in range(components))
    return rewritten(data.getvalue(), {0xC0: None}, segment(marker, content))


REFUSED_JPEGS = {
    "12 bits": ((0xC1, 12, 3), "JPEG with 12 bits a channel is not supported"),
    "lossless": ((0xC3, 8, 3), "lossless JPEG is not supported"),
    "hierarchical": ((0xC5, 8, 3), "hierarchical JPEG is not supported"),
    "two channels": ((0xC0, 8, 2), "JPEG with 2 channels is not supported"),
}


@pytest.mark.parametrize("case", REFUSED_JPEGS)
def test_jpegs_that_nobody_reads_are_refused_by_name(tmp_path, case):
    frame, words = REFUSED_JPEGS[case]
    (tmp_path / "a.jpg").write_bytes(odd_frame(*frame))
    with pytest.raises(UnsupportedInputError, match=words):
        open_still(tmp_path / "a.jpg")


def test_jfif_is_a_suffix_of_jpegs(tmp_path):
    path = tmp_path / "a.jfif"
    scene().save(path, "JPEG")
    assert opened(redacted(path)).format == "JPEG"


# The colours of a PNG

CHROMATICITIES = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
LIGHT = struct.pack(">II", 10_000_000, 4_000_000)
COLOURS = {
    "PQ": [(b"cICP", bytes([9, 16, 0, 1])), (b"cLLI", LIGHT)],
    "HLG": [(b"cICP", bytes([9, 18, 0, 1]))],
    "P3": [(b"cICP", bytes([12, 13, 0, 1])), (b"mDCV", bytes(range(24)))],
    "gamma": [(b"gAMA", struct.pack(">I", 100_000))],
    "gamma and primaries": [(b"gAMA", struct.pack(">I", 55_000)), (b"cHRM", CHROMATICITIES)],
    "sRGB": [(b"sRGB", b"\1")],
}


def kept_chunks(path: Path) -> dict[bytes, bytes]:
    kinds = {b"cICP", b"mDCV", b"cLLI", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"pHYs"}
    return {kind: content for kind, content in read_chunks(path.read_bytes()) if kind in kinds}


def deep_png(path: Path) -> Path:
    deep = np.array(scene()).astype(np.uint16) << 8
    path.write_bytes(cv2.imencode(".png", deep)[1].tobytes())
    return path


@pytest.mark.parametrize("depth", ["RGB", "L", "P", "16 bit"])
@pytest.mark.parametrize("case", COLOURS)
def test_what_a_pngs_numbers_mean_is_kept(tmp_path, case, depth):
    path = tmp_path / "a.png"
    deep_png(path) if depth == "16 bit" else saved(path, scene(depth))
    plain = pixels(StillSource(path))
    path.write_bytes(with_chunks(path.read_bytes(), COLOURS[case]))
    assert np.array_equal(pixels(StillSource(path)), plain)
    output = redacted(path)
    assert kept_chunks(output) == dict(COLOURS[case])
    assert_only_the_region_changed(path, output)


@pytest.mark.parametrize("case", COLOURS)
def test_what_an_animated_pngs_numbers_mean_is_kept(tmp_path, case):
    more = [scene().rotate(90), scene().rotate(180)]
    path = saved(tmp_path / "a.png", scene(), save_all=True, append_images=more, duration=100)
    density = (b"pHYs", struct.pack(">IIB", 11811, 5905, 1))
    path.write_bytes(with_chunks(path.read_bytes(), [*COLOURS[case], density]))
    assert kept_chunks(redacted(path)) == dict([*COLOURS[case], density])


def test_code_points_override_a_profile(tmp_path):
    path = saved(tmp_path / "a.png", scene(), icc_profile=linear_profile())
    converted = pixels(StillSource(path))
    path.write_bytes(with_chunks(path.read_bytes(), COLOURS["PQ"]))
    assert np.array_equal(pixels(StillSource(path)), np.array(scene()))
    assert not np.array_equal(converted, np.array(scene()))
    assert kept_chunks(redacted(path)) == dict(COLOURS["PQ"])


def linear_profile() -> bytes:
    """A profile that nobody knows, its exponent 1."""
    made = bytearray(profile("Joe's monitor"))
    at = made.index(b"para\0\0\0\0") + 12
    made[at : at + 4] = struct.pack(">i", 65536)
    return bytes(made)


def test_a_profile_overrides_gamma(tmp_path):
    path = saved(tmp_path / "a.png", scene(), icc_profile=profile("Display P3"))
    path.write_bytes(with_chunks(path.read_bytes(), COLOURS["gamma and primaries"]))
    assert [*kept_chunks(redacted(path))] == [b"iCCP"]


def test_a_known_profile_of_16_bits_is_kept(tmp_path):
    path = deep_png(tmp_path / "a.png")
    path.write_bytes(with_chunks(path.read_bytes(), [profile_chunk(profile("Display P3"))]))
    found, made = (opened(p).info["icc_profile"] for p in (redacted(path), path))
    assert np.array_equal(as_shown(found), as_shown(made))


@pytest.mark.parametrize("content", [b"", bytes(3), b"CANARY-9f3" * 3])
def test_chunks_that_hold_more_than_numbers_are_dropped(tmp_path, content):
    path = saved(tmp_path / "a.png", scene())
    data = path.read_bytes()
    chunks = b"".join(chunk_bytes(kind, content) for kind in (b"cICP", b"mDCV", b"cLLI"))
    path.write_bytes(data[:33] + chunks + data[33:])
    assert kept_chunks(redacted(path)) == {}


# Resolution and black and white


def page(size: tuple[int, int] = (160, 120)) -> Image.Image:
    """Lines as on a page of text: black on white."""
    picture = np.full((size[1], size[0]), 255, np.uint8)
    picture[::6, 4:-4] = picture[1::6, 4:-4:3] = 0
    return Image.fromarray(picture).convert("1")


def resolution(path: Path) -> tuple[float, float]:
    x, y = opened(path).info["dpi"]
    return round(float(x), 1), round(float(y), 1)


@pytest.mark.parametrize("dpi", [(300, 300), (204, 196), (72, 72), (96, 96), (1200, 600)])
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.bmp"])
def test_the_resolution_is_kept(tmp_path, name, dpi):
    path = saved(tmp_path / name, scene(), dpi=dpi)
    assert resolution(redacted(path)) == resolution(path) == tuple(map(float, dpi))


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif"])
def test_the_resolution_turns_with_the_picture(tmp_path, name):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path / name, scene(), exif=exif.tobytes(), dpi=(200, 100))
    assert resolution(redacted(path)) == (100.0, 200.0)


def test_the_resolution_of_exif_is_kept(tmp_path):
    exif = Image.Exif()
    exif[282], exif[283], exif[296] = 118.0, 59.0, 3
    path = saved(tmp_path / "a.jpg", scene(), exif=exif.tobytes())
    assert resolution(redacted(path)) == (299.7, 149.9)


def test_the_shape_of_pixels_is_kept(tmp_path):
    path = saved(tmp_path / "a.jpg", scene())
    data = path.read_bytes()
    path.write_bytes(data[:13] + struct.pack(">BHH", 0, 2, 1) + data[18:])
    assert opened(redacted(path)).info["jfif_density"] == (2, 1)
    path = saved(tmp_path / "a.png", scene())
    path.write_bytes(with_chunks(path.read_bytes(), [(b"pHYs", struct.pack(">IIB", 2, 1, 0))]))
    assert opened(redacted(path)).info["aspect"] == (2, 1)


def test_the_resolution_of_16_bits_is_kept(tmp_path):
    path = tmp_path / "a.tif"
    deep = np.array(scene()).astype(np.uint16) << 8
    wanted = [cv2.IMWRITE_TIFF_XDPI, 300, cv2.IMWRITE_TIFF_YDPI, 150, cv2.IMWRITE_TIFF_RESUNIT, 2]
    path.write_bytes(cv2.imencode(".tif", deep, wanted)[1].tobytes())
    assert resolution(redacted(path)) == (300.0, 150.0)


@pytest.mark.parametrize("dpi", [(0, 1, 0, 1), (16, 0, 32, 0), (1 << 31, 1, 1 << 31, 1)])
def test_numbers_that_are_no_resolution_are_dropped(tmp_path, dpi):
    path = saved(tmp_path / "a.tif", scene(), dpi=(16, 32))
    data, rational = path.read_bytes(), struct.pack("<4I", 16, 1, 32, 1)
    assert data.count(rational) == 1
    path.write_bytes(data.replace(rational, struct.pack("<4I", *dpi)))
    assert not set(opened(redacted(path)).tag_v2) & {282, 283}


BILEVEL = [
    ("a.tif", {"compression": "group4"}),
    ("a.tif", {"compression": "group3"}),
    ("a.tif", {"compression": "tiff_lzw"}),
    ("a.png", {}),
    ("a.bmp", {}),
]


@pytest.mark.parametrize("style", ["solid", "blur", "pixelate"])
@pytest.mark.parametrize(("name", "options"), BILEVEL)
def test_black_and_white_stay_one_bit(tmp_path, name, options, style):
    path = saved(tmp_path / name, page((1600, 1200)), dpi=(204, 196), **options)
    output = redacted(path, style)
    after = opened(output)
    assert after.mode == "1"
    assert output.stat().st_size < 1.2 * path.stat().st_size + 200
    changed = np.array(opened(path)) != np.array(after)
    rows, columns = np.nonzero(changed)
    assert changed.any()
    assert rows.min() >= 20
    assert rows.max() < 80
    assert columns.min() >= 30
    assert columns.max() < 90
    assert resolution(output) == (204.0, 196.0)


def test_a_palette_of_black_and_white_stays_one_bit(tmp_path):
    indexed = Image.fromarray(np.array(page()).astype(np.uint8), "P")
    indexed.putpalette([0, 0, 0, 255, 255, 255])
    path = saved(tmp_path / "a.png", indexed, bits=1)
    assert opened(path).mode == "P"
    assert opened(redacted(path)).mode == "1"


def test_a_fax_of_several_pages_stays_one_bit(tmp_path):
    sizes = [(160, 120), (200, 140)]
    path = tmp_path / "a.tif"
    page(sizes[0]).save(
        path, compression="group4", save_all=True, append_images=[page(sizes[1])], dpi=(204, 98)
    )
    output = redacted(path)
    after = Image.open(io.BytesIO(output.read_bytes()))
    for number, size in enumerate(sizes):
        after.seek(number)
        assert (after.mode, after.size) == ("1", size)
        assert after.info["compression"] == "group4"
        assert tuple(map(float, after.info["dpi"])) == (204.0, 98.0)


def test_greys_become_dots_where_they_are_and_nowhere_else():
    grey = np.tile(np.arange(256, dtype=np.uint8), (256, 1))
    dots = to_bilevel(grey)
    assert {*np.unique(dots)} == {0, 255}
    assert np.abs(dots.reshape(256, 32, 8).mean((0, 2)) - (np.arange(32) * 8 + 3.5)).max() < 6
    assert np.all(np.diff(dots.astype(int).mean(0).reshape(32, 8).mean(1)) >= 0)
    exact = np.where(grey > 127, np.uint8(255), np.uint8(0))
    assert np.array_equal(to_bilevel(exact), exact)


# HEIC, HIF and AVIF

PQ = {"color_primaries": 9, "transfer_characteristics": 16, "matrix_coefficients": 9,
      "full_range_flag": 1}  # fmt: skip


def deep_scene(bits: int) -> Samples:
    wide = np.array(scene()).astype(np.uint16) << 8
    return wide >> (16 - bits) << (16 - bits)


def hdr_heic(path: Path, bits: int, **options: object) -> Path:
    made = pillow_heif.from_bytes("RGB;16", (160, 120), deep_scene(bits).tobytes())
    made.save(path, quality=90, bit_depth=bits, chroma=444, **options)
    return path


def points(path: Path) -> tuple[int, int]:
    found = pillow_heif.open_heif(path).info["nclx_profile"]
    return found["color_primaries"], found["transfer_characteristics"]


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("transfer", [16, 18])
@pytest.mark.parametrize("suffix", [".heic", ".hif"])
def test_an_hdr_heic_stays_one(tmp_path, suffix, transfer, bits):
    light = {"max_content_light_level": 1000, "max_pic_average_light_level": 400}
    meant = PQ | {"transfer_characteristics": transfer}
    path = tmp_path / f"a{suffix}"
    hdr_heic(tmp_path / "a.heic", bits, nclx_profile=meant, content_light_level=light).rename(path)
    output = redacted(path)
    assert points(output) == (9, transfer)
    info = pillow_heif.open_heif(output).info
    assert (info["bit_depth"], info["content_light_level"]) == (bits, light)
    assert_only_the_region_changed(path, output)


def test_wide_colours_of_8_bits_stay_wide(tmp_path):
    meant = PQ | {"color_primaries": 12, "transfer_characteristics": 13}
    path = tmp_path / "a.heic"
    pillow_heif.from_pillow(scene()).save(path, quality=90, nclx_profile=meant)
    output = redacted(path)
    assert points(path) == points(output) == (12, 13)
    assert_only_the_region_changed(path, output, 37)


@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize("transfer", [16, 18])
@pytest.mark.parametrize("alpha", [False, True])
def test_an_hdr_avif_stays_one(tmp_path, transfer, bits, alpha):
    path = hdr_avif(tmp_path / "a.avif", bits, transfer, alpha=alpha)
    output = redacted(path)
    assert points(output) == (9, transfer)
    assert pillow_heif.open_heif(output).info["bit_depth"] == bits
    assert (opened(output).mode == "RGBA") == alpha
    assert_only_the_region_changed(path, output, 37)
    assert bytes([9, transfer, 6]) in aligned(output.read_bytes())


def aligned(data: bytes) -> bytes:
    """The coded pictures, read from every bit on."""
    at = data.index(b"mdat") + 4
    number = int.from_bytes(data[at:])
    return b"|".join((number >> k).to_bytes(len(data) - at) for k in range(8))


def hdr_avif(path: Path, bits: int, transfer: int, *, alpha: bool = False) -> Path:
    stored = deep_scene(bits) >> (16 - bits)
    if alpha:
        wide = np.linspace(0, (1 << bits) - 1, 160).astype(stored.dtype)
        stored = np.dstack([stored, np.tile(wide, (120, 1))])
    order = [2, 1, 0, 3][: stored.shape[2]]
    picture = np.ascontiguousarray(stored[..., order]).astype(np.uint8 if bits == 8 else np.uint16)
    wanted = [cv2.IMWRITE_AVIF_QUALITY, 95, cv2.IMWRITE_AVIF_DEPTH, bits]
    data = cv2.imencode(".avif", picture, wanted)[1].tobytes()
    box = b"colrnclx" + struct.pack(">2H", 1, 13)
    assert data.count(box) == 1
    path.write_bytes(data.replace(box, b"colrnclx" + struct.pack(">2H", 9, transfer)))
    return path


def test_a_deep_avif_of_plain_colours_stays_deep(tmp_path):
    path = tmp_path / "a.avif"
    deep = np.ascontiguousarray((deep_scene(10) >> 6)[..., ::-1])
    path.write_bytes(cv2.imencode(".avif", deep, [cv2.IMWRITE_AVIF_DEPTH, 10])[1].tobytes())
    output = redacted(path)
    assert pillow_heif.open_heif(output).info["bit_depth"] == 10
    assert_only_the_region_changed(path, output, 37)


def test_a_damaged_deep_avif_is_called_damaged(tmp_path):
    path = hdr_avif(tmp_path / "a.avif", 10, 16)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UnreadableInputError, match="damaged"):
        open_still(path)


def test_a_deep_avif_that_only_others_decode_is_not_called_damaged(tmp_path, monkeypatch):
    path = hdr_avif(tmp_path / "a.avif", 10, 16)
    monkeypatch.setattr(cv2, "imdecode", lambda *_: None)
    with pytest.raises(UnsupportedInputError, match="its 10 bits a channel cannot be decoded"):
        open_still(path)


def pictures(count: int) -> list[Image.Image]:
    return [scene().rotate(20 * k) for k in range(count)]


@pytest.mark.parametrize(
    "name", ["http://ns.adobe.com/hdr-gain-map/1.0/", "urn:iso:std:iso:ts:21496:-1"]
)
def test_it_is_said_that_a_gain_map_is_left_out(tmp_path, name):
    path = tmp_path / "a.jpg"
    scene().save(path, quality=90, xmp=f"<x:xmpmeta xmlns:hdrgm='{name}'/>".encode())
    (note,) = StillSource(path).notes
    assert (note.kind, note.count) == ("gain_map_left_out", 1)
    output = redacted(path)
    assert name.encode() not in output.read_bytes()
    assert StillSource(output).notes == ()


@pytest.mark.parametrize("primary", [0, 2])
def test_of_a_burst_the_main_picture_is_kept(tmp_path, primary):
    path, several = tmp_path / "a.heic", pictures(3)
    made = pillow_heif.from_pillow(several[0])
    for more in several[1:]:
        made.add_from_pillow(more)
    made.save(path, quality=90, primary_index=primary)
    source = StillSource(path)
    assert psnr(source.decoded.samples, np.array(several[primary])) > 30
    (note,) = source.notes
    assert (note.kind, note.count) == ("pictures_left_out", 2)
    assert "2 other pictures" in note.text
    output = redacted(path)
    assert len(pillow_heif.open_heif(output)) == 1
    assert StillSource(output).notes == ()
    assert_only_the_region_changed(path, output)


def test_of_a_deep_burst_the_main_picture_is_kept(tmp_path):
    path = tmp_path / "a.hif"
    made = pillow_heif.from_bytes("RGB;16", (160, 120), deep_scene(10).tobytes())
    made.add_frombytes("RGB;16", (160, 120), deep_scene(10)[::-1].tobytes())
    file = io.BytesIO()
    made.save(file, quality=90, primary_index=1)
    path.write_bytes(file.getvalue())
    assert psnr(pixels(StillSource(path)) / 257, deep_scene(10)[::-1] / 257) > 35
    assert [note.count for note in StillSource(path).notes] == [1]
    assert len(pillow_heif.open_heif(redacted(path))) == 1


def test_of_a_sequence_the_first_picture_is_kept(tmp_path):
    path, several = tmp_path / "a.avif", pictures(4)
    several[0].save(path, save_all=True, append_images=several[1:], quality=90, duration=50)
    assert opened(path).n_frames == 4
    assert [note.count for note in StillSource(path).notes] == [3]
    output = redacted(path)
    assert opened(output).n_frames == 1
    assert_only_the_region_changed(path, output)


def test_of_a_stereo_jpeg_the_main_picture_is_kept(tmp_path):
    path = tmp_path / "a.jpg"
    several = pictures(2)
    several[0].save(path, "MPO", save_all=True, append_images=several[1:], quality=90)
    assert [note.count for note in StillSource(path).notes] == [1]
    output = redacted(path)
    assert opened(output).format == "JPEG"
    assert_only_the_region_changed(path, output, 36)


def large_hif(path: Path, size: tuple[int, int]) -> Path:
    wide = np.array(scene(size=size)).astype(np.uint16) << 8
    made, file = pillow_heif.from_bytes("RGB;16", size, wide.tobytes()), io.BytesIO()
    made.save(file, quality=60, chroma=422, enc_params={"preset": "ultrafast"}, tile_size=512)
    path.write_bytes(file.getvalue())
    return path


def test_a_large_hif_is_written_in_tiles(tmp_path):
    path = large_hif(tmp_path / "a.hif", (2100, 600))
    output = redacted(path)
    info = pillow_heif.open_heif(output).info
    assert (info["bit_depth"], info["chroma"]) == (10, 422)
    assert info["tiling"]["tile_width"] == 512
    assert opened(output).size == (2100, 600)
    assert_only_the_region_changed(path, output)
    assert "tiling" not in opened(redacted(large_hif(tmp_path / "b.hif", (700, 600)))).info


@pytest.mark.slow
def test_nine_million_pixels_are_encoded_quickly(tmp_path):
    """The encoder's own preset takes 30 seconds of processor time for them."""
    path = large_hif(tmp_path / "a.hif", (3000, 3000))
    decoded = StillSource(path).decoded
    before = time.process_time()
    encode(decoded)
    assert time.process_time() - before < 12


# Photoshop, and what nobody here reads


def psd(image: Image.Image, *, bits: int = 8, merged: bytes | None = b"\1") -> bytes:
    """A Photoshop file of one flat picture."""
    mode = {"L": 1, "RGB": 3, "CMYK": 4}[image.mode]
    samples = np.atleast_3d(np.array(image))
    stored = 255 - samples if mode == 4 else samples  # inks are stored inverted
    height, width, channels = stored.shape
    resource = b""
    if merged is not None:
        content = struct.pack(">I", 1) + merged + bytes(9)
        resource = b"8BIM" + struct.pack(">HHI", 1057, 0, len(content)) + content
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, channels, height, width, bits, mode)
    planes = stored.transpose(2, 0, 1).tobytes()
    sections = struct.pack(">II", 0, len(resource)) + resource + struct.pack(">IH", 0, 0)
    return header + sections + planes


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("merged", [b"\1", None])
def test_the_picture_of_a_photoshop_file_becomes_a_png(tmp_path, mode, merged):
    path = tmp_path / "a.psd"
    path.write_bytes(psd(scene(mode), merged=merged))
    output = default_output(path)
    assert output.name == "a.redacted.png"
    source = open_still(path)
    expected = np.array(scene(mode).convert("RGB") if mode == "CMYK" else scene(mode))
    assert np.array_equal(pixels(source), expected)
    assert [note.kind for note in source.notes] == ["written_as"]
    with still_sink(output, source, force=False, frames=1) as sink:
        for frame in source.frames():
            STYLES["solid"](recipe()).hide(frame.picture, [REGION])
            sink.write(frame)
    assert opened(output).format == "PNG"
    assert find_faults(source, open_still(output)) == []
    assert_only_the_region_changed(path, output)


def test_a_photoshop_file_of_layers_only_is_refused(tmp_path):
    path = tmp_path / "a.psd"
    path.write_bytes(psd(scene(), merged=b"\0"))
    with pytest.raises(UnsupportedInputError, match="layers only"):
        open_still(path)


def test_a_photoshop_file_of_16_bits_is_refused_by_name(tmp_path):
    path = tmp_path / "a.psd"
    path.write_bytes(psd(scene(), bits=16))
    with pytest.raises(UnsupportedInputError, match="16 bits a channel"):
        open_still(path)


@pytest.mark.parametrize("suffix", [*UNREADABLE, ".DNG"])
def test_known_pictures_that_are_not_read_are_refused_by_name(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"II*\0")
    with pytest.raises(UnsupportedInputError, match="cannot be read") as caught:
        open_source(path)
    assert caught.value.remedy
