"""Still pictures: only pixels survive, upright, and bad files are refused in words."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from redact.core.frames import Frame, Samples
from redact.core.geometry import Box, Region, Size
from redact.core.names import default_output
from redact.core.recipe import recipe
from redact.errors import (
    MissingInputError,
    OutputExistsError,
    UnreadableInputError,
    UnsupportedInputError,
    UnwritableOutputError,
    VerificationError,
)
from redact.hide.styles import STYLES
from redact.media import stills
from redact.media.stills import StillSink, StillSource, notes_on_name, open_still, still_sink
from redact.media.stills.picture import StillPicture

pillow_heif.register_heif_opener()

CANARY = b"CANARY-9f3"
REGION = Region(Box(40, 30, 80, 70), 1.0)


def scene(mode: str = "RGB", size: tuple[int, int] = (160, 120)) -> Image.Image:
    """Soft shapes, as a photograph has them, different in all four corners."""
    x, y = np.meshgrid(np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1]))
    layers = [255 * x, 255 * y * x, 127 + 120 * np.sin(9 * x + 5 * y), 255 - 200 * x * y]
    picture = Image.fromarray(np.dstack(layers).astype(np.uint8), "RGBA")
    if mode == "LA":
        return Image.merge("LA", [picture.convert("L"), picture.getchannel("A")])
    return picture if mode == "RGBA" else picture.convert("RGB").convert(mode)


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def redacted(path: Path, *, hide: bool = True, quality: int | None = None) -> Path:
    """The file as redact writes it."""
    output = path.with_name(f"{path.stem}.redacted{path.suffix}")
    source = StillSource(path)
    with StillSink(output, source, quality=quality) as sink:
        for frame in source.frames():
            if hide:
                STYLES["solid"](recipe()).hide(frame.picture, [REGION])
            sink.write(frame)
    return output


def opened(path: Path) -> Image.Image:
    """Decoded from memory, so that no file stays open."""
    image = Image.open(io.BytesIO(path.read_bytes()))
    image.load()
    return image


def psnr(one: Samples, other: Samples) -> float:
    error = np.square(one.astype(float) - other.astype(float)).mean()
    return float(99 if error == 0 else 10 * np.log10(255**2 / error))


LOSSLESS = [
    ("a.png", "RGB", {}),
    ("a.png", "RGBA", {}),
    ("a.png", "L", {}),
    ("a.png", "LA", {}),
    ("a.png", "I;16", {}),
    ("a.png", "1", {}),
    ("a.png", "P", {}),
    ("a.tif", "RGB", {}),
    ("a.tiff", "RGBA", {"compression": "tiff_lzw"}),
    ("a.tif", "L", {"compression": "packbits"}),
    ("a.tif", "I;16", {}),
    ("a.bmp", "RGB", {}),
    ("a.bmp", "L", {}),
    ("a.webp", "RGB", {"lossless": True}),
    ("a.webp", "RGBA", {"lossless": True, "exact": True}),
]

LOSSY = [
    ("a.jpg", "RGB", {"quality": 85}),
    ("a.jpeg", "L", {"quality": 70}),
    ("a.jpg", "RGB", {"quality": 92, "subsampling": 0, "progressive": True}),
    ("a.webp", "RGB", {"quality": 80}),
    ("a.heic", "RGB", {"quality": 80}),
    ("a.avif", "RGB", {"quality": 80}),
    ("a.avif", "RGBA", {"quality": 80}),
]


@pytest.mark.parametrize(("name", "mode", "options"), LOSSLESS)
def test_lossless_pictures_keep_every_pixel_outside(tmp_path, name, mode, options):
    path = saved(tmp_path / name, scene(mode), **options)
    before, after = StillSource(path).decoded, StillSource(redacted(path)).decoded
    assert after.samples.dtype == before.samples.dtype
    changed = np.atleast_3d(before.samples != after.samples).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert changed.any()
    assert rows.min() >= 30
    assert rows.max() < 70
    assert columns.min() >= 40
    assert columns.max() < 80


@pytest.mark.parametrize(("name", "mode", "options"), LOSSY)
def test_lossy_pictures_stay_close_outside(tmp_path, name, mode, options):
    path = saved(tmp_path / name, scene(mode), **options)
    output = redacted(path)
    before, after = StillSource(path).decoded.samples, StillSource(output).decoded.samples
    assert opened(output).format == opened(path).format
    assert psnr(before[:, 100:], after[:, 100:]) > 40
    assert np.atleast_3d(after)[45:55, 55:65, :1].max() < 20


def test_a_jpeg_keeps_its_tables_unless_told_otherwise(tmp_path):
    path = saved(tmp_path / "a.jpg", scene(), quality=77, subsampling="4:2:2")
    kept, finer = opened(redacted(path)), StillSource(path)
    assert kept.quantization == opened(path).quantization
    with StillSink(tmp_path / "b.jpg", finer, quality=98) as sink:
        sink.write(next(finer.frames()))
    assert (tmp_path / "b.jpg").stat().st_size > (tmp_path / "a.redacted.jpg").stat().st_size


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_16_bit_colour_stays_16_bit(tmp_path, suffix):
    deep = np.random.default_rng(0).integers(0, 65536, (120, 160, 3)).astype(np.uint16)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(cv2.imencode(suffix, deep)[1].tobytes())
    source = StillSource(path)
    assert source.decoded.samples.dtype == np.uint16
    assert np.array_equal(source.decoded.samples[..., ::-1], deep)
    after = StillSource(redacted(path)).decoded.samples
    assert np.array_equal(after[:, 100:], source.decoded.samples[:, 100:])


def test_10_bit_heic_stays_10_bit(tmp_path):
    deep = (np.array(scene()).astype(np.uint16) << 8) + 128
    path = tmp_path / "a.heic"
    pillow_heif.from_bytes("RGB;16", (160, 120), deep.tobytes()).save(path, quality=90)
    output = redacted(path)
    assert opened(output).info["bit_depth"] == 10
    before, after = StillSource(path).decoded.samples, StillSource(output).decoded.samples
    assert before.dtype == np.uint16
    assert psnr(before[:, 100:] / 257, after[:, 100:] / 257) > 40


def test_cmyk_becomes_rgb(tmp_path):
    path = saved(tmp_path / "a.jpg", scene("CMYK"))
    assert opened(redacted(path)).mode == "RGB"


def test_a_transparent_palette_becomes_rgba(tmp_path):
    path = saved(tmp_path / "a.png", scene("P"), transparency=3)
    assert opened(redacted(path)).mode == "RGBA"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif", "a.avif", "a.heic"])
def test_orientation_is_baked_in(tmp_path, name, orientation):
    upright = np.array(scene())
    stored = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a),
        7: lambda a: np.rot90(a.transpose(1, 0, 2), 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation](upright)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.ascontiguousarray(stored))
    path = saved(tmp_path / name, image, exif=exif.tobytes())
    assert StillSource(path).info.size == Size(160, 120)
    shown = opened(redacted(path, hide=False))
    assert shown.getexif().get(0x0112, 1) == 1
    assert psnr(np.array(shown.convert("RGB")), upright) > 30


def exif_with_canaries() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = exif[0x013B] = CANARY.decode()
    exif.get_ifd(0x8825)[29] = CANARY.decode()
    thumbnail = io.BytesIO()
    scene(size=(32, 24)).save(thumbnail, "JPEG", comment=CANARY)
    exif.get_ifd(0x8769)[0x927C] = thumbnail.getvalue()
    return exif.tobytes()


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif", "a.avif", "a.heic", "a.bmp"])
def test_nothing_but_pixels_survives(tmp_path, name):
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + CANARY + b"</x:xmpmeta>"
    options: dict[str, object] = {} if name == "a.bmp" else {"exif": exif_with_canaries()}
    if name in ("a.jpg", "a.webp", "a.avif", "a.heic"):
        options["xmp"] = xmp
    if name == "a.jpg":
        options["comment"] = CANARY
    if name == "a.png":
        options["pnginfo"] = text = PngImagePlugin.PngInfo()
        text.add_text("Comment", CANARY.decode())
        text.add_itxt("XML:com.adobe.xmp", xmp.decode())
    if name == "a.tif":
        options["tiffinfo"] = {270: CANARY.decode(), 700: xmp, 33723: CANARY}
    path = saved(tmp_path / name, scene(), **options)
    if name not in ("a.heic", "a.avif"):
        path.write_bytes(path.read_bytes() + CANARY + b"ftypmp42")
    assert CANARY in path.read_bytes()
    output = redacted(path).read_bytes()
    assert CANARY not in output
    assert b"Exif" not in output
    assert b"ftypmp42" not in output


def profile(description: str) -> bytes:
    """A wide-gamut profile under that name."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    old = "sRGB built-in".encode("utf-16-be")
    assert old in made
    return made.replace(old, description.ljust(13)[:13].encode("utf-16-be"))


@pytest.mark.parametrize(
    ("description", "kept"),
    [("Display P3", True), ("sRGB built-in", False), ("Joe's monitor", False)],
)
def test_only_well_known_profiles_are_kept(tmp_path, description, kept):
    made = profile(description)  # it says when it was made: another may differ
    path = saved(tmp_path / "a.png", scene(), icc_profile=made)
    found = opened(redacted(path)).info.get("icc_profile")
    assert (found is not None) == kept
    if found:
        assert name_of(found) == description
        assert np.array_equal(as_shown(found), as_shown(made))


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("shape", [(12, 16), (12, 16, 2), (12, 16, 3), (12, 16, 4)])
def test_detectors_see_a_picture_of_few_bits_in_sixteen(bits, shape):
    """Viewers show it black; whoever stretches what was published does not."""
    eight = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    eight[0, 0] = 255
    deep = eight.astype(np.uint16) << (bits - 8)
    if len(shape) == 3 and shape[2] in (2, 4):
        deep[..., -1] = 65535  # opacity may be of all bits
    size = Size(16, 12)
    assert np.array_equal(StillPicture(deep).rgb(size), StillPicture(eight).rgb(size))


def name_of(made: bytes) -> str:
    return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(made))).strip()


def as_shown(made: bytes) -> np.ndarray:
    """What all greys and some colours are in sRGB, seen through a profile."""
    mode = "L" if made[16:20] == b"GRAY" else "RGB"
    through = ImageCms.ImageCmsProfile(io.BytesIO(made))
    plain = ImageCms.createProfile("sRGB")
    return np.array(
        ImageCms.profileToProfile(scene(mode), through, plain, outputMode="RGB"), np.int16
    )


def with_tags(made: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A profile with other or more tags, something between them, and a maker."""
    count = struct.unpack_from(">I", made, 128)[0]
    found = {}
    for at in range(132, 132 + 12 * count, 12):
        kind, start, size = struct.unpack_from(">4s2I", made, at)
        found[kind] = made[start : start + size]
    found |= tags
    table, data = b"", CANARY.ljust(12)
    for kind, tag in found.items():
        table += struct.pack(">4s2I", kind, 132 + 12 * len(found) + len(data), len(tag))
        data += tag + bytes(-len(tag) % 4)
    head = bytearray(made[:128])
    head[48:52], head[100:109] = b"CANA", CANARY[:9]
    struct.pack_into(">I", head, 0, 132 + len(table) + len(data))
    return bytes(head) + struct.pack(">I", len(found)) + table + data


def old_grey() -> bytes:
    """A grey profile of version 2, as cameras and scanners write them."""
    made = bytearray(profile("Display P3"))
    made[8:12], made[16:20] = bytes((2, 0x10, 0, 0)), b"GRAY"
    name = b"Gray Gamma 2.2\0"
    said = struct.pack(">4s2I", b"desc", 0, len(name)) + name + bytes(78)
    curve = struct.pack(">4s2IH", b"curv", 0, 1, round(2.2 * 256))
    return with_tags(bytes(made), {b"desc": said, b"cprt": b"text\0\0\0\0x\0", b"kTRC": curve})


@pytest.mark.parametrize(
    ("suffix", "grey"),
    [*((s, False) for s in (".jpg", ".png", ".webp", ".tif", ".heic")), (".jpg", True)],
)
def test_a_profile_that_is_kept_says_nothing_but_colours(tmp_path, suffix, grey):
    plain = old_grey() if grey else profile("Display P3")
    words = b"text" + bytes(4) + CANARY * 3 + b"\0"
    numbers = CANARY.join([plain[-24:], plain[-24:]])
    made = with_tags(plain, {b"cprt": words, b"dmnd": words, b"mmod": numbers})
    path = saved(tmp_path / f"a{suffix}", scene("L" if grey else "RGB"), icc_profile=made)
    found = opened(redacted(path)).info["icc_profile"]
    assert CANARY[:4] not in found
    assert name_of(found) == name_of(made)
    assert np.array_equal(as_shown(found), as_shown(made))


def test_a_profile_of_tables_is_not_kept(tmp_path):
    made = with_tags(profile("Display P3"), {b"A2B0": b"mft1" + bytes(60)})
    path = saved(tmp_path / "a.png", scene(), icc_profile=made)
    assert "icc_profile" not in opened(redacted(path)).info


def test_a_damaged_profile_is_dropped(tmp_path):
    path = saved(tmp_path / "a.png", scene(), icc_profile=b"no profile" * 9)
    assert "icc_profile" not in opened(redacted(path)).info


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds nothing."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    data = struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    return b"\x89PNG\r\n\x1a\n" + chunk + data


def encoded(form: str, **options: object) -> bytes:
    file = io.BytesIO()
    scene().save(file, form, **options)
    return file.getvalue()


def several(form: str) -> bytes:
    more = [scene("L").convert("RGB"), scene().rotate(90)]
    return encoded(form, save_all=True, append_images=more)


def film(form: str, codec: str = "mpeg4") -> bytes:
    """A video of one picture."""
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(codec, rate=25, width=64, height=48, pix_fmt="yuv420p")
        picture = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8))
        container.mux([*stream.encode(picture), *stream.encode()])
    return file.getvalue()


BAD: dict[str, tuple[str, Callable[[], bytes], type[Exception], str]] = {
    "empty": ("a.jpg", lambda: b"", UnreadableInputError, "empty"),
    "text": ("a.png", lambda: b"hello, no picture", UnreadableInputError, "no picture"),
    "zeros": ("a.heic", lambda: bytes(5000), UnreadableInputError, "no picture"),
    "mp4": ("a.jpg", lambda: film("mp4"), UnreadableInputError, "video.*with .mp4"),
    "mp4 as heic": ("a.heic", lambda: film("mp4"), UnreadableInputError, "video.*with .mp4"),
    "3gp": ("a.png", lambda: film("3gp"), UnreadableInputError, "video.*with .mp4"),
    "mov": ("a.png", lambda: film("mov"), UnreadableInputError, "video.*with .mov"),
    "mkv": ("a.jpg", lambda: film("matroska"), UnreadableInputError, "video.*with .mkv"),
    "webm": ("a.webp", lambda: film("webm", "libvpx"), UnreadableInputError, "with .webm"),
    "avi": ("a.webp", lambda: film("avi"), UnreadableInputError, "video.*with .avi"),
    "cut jpeg": ("a.jpg", lambda: encoded("JPEG")[:300], UnreadableInputError, "damaged"),
    "cut png": ("a.png", lambda: encoded("PNG")[:900], UnreadableInputError, "damaged"),
    "cut webp": ("a.webp", lambda: encoded("WEBP")[:300], UnreadableInputError, "damaged"),
    "cut tiff": ("a.tif", lambda: encoded("TIFF")[:900], UnreadableInputError, "damaged"),
    "cut bmp": ("a.bmp", lambda: encoded("BMP")[:900], UnreadableInputError, "damaged"),
    "cut avif": ("a.avif", lambda: encoded("AVIF")[:-300], UnreadableInputError, "damaged"),
    "cut heic": ("a.heic", lambda: encoded("HEIF")[:-300], UnreadableInputError, "damaged"),
    "flipped": (
        "a.png",
        lambda: encoded("PNG")[:99] + b"\0\0\0\0",
        UnreadableInputError,
        "damaged",
    ),
    "no pixels": ("a.png", lambda: png_of(10, 10), UnreadableInputError, "damaged"),
    "bomb": ("a.png", lambda: png_of(60000, 60000), UnsupportedInputError, "million pixels"),
    "large": ("a.png", lambda: png_of(14200, 14200), UnsupportedInputError, "million pixels"),
    "apng": ("a.png", lambda: several("PNG"), UnsupportedInputError, "more than one picture"),
    "animation": ("a.webp", lambda: several("WEBP"), UnsupportedInputError, "more than one"),
    "pages": ("a.tif", lambda: several("TIFF"), UnsupportedInputError, "more than one"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_in_words(tmp_path, case):
    name, content, error, words = BAD[case]
    (tmp_path / name).write_bytes(content())
    with pytest.raises(error, match=words) as caught:
        StillSource(tmp_path / name)
    assert caught.value.path == tmp_path / name
    assert "\n" not in str(caught.value)


def test_what_is_not_there_is_missing(tmp_path):
    for path in (tmp_path / "no.png", tmp_path):
        with pytest.raises(MissingInputError):
            StillSource(path)


@pytest.fixture
def source(tmp_path: Path) -> StillSource:
    return StillSource(saved(tmp_path / "a.png", scene()))


def test_a_still_is_one_frame_that_can_be_drawn_on_twice(source):
    first, again = next(source.frames()), list(source.frames())
    first.picture.planes()[0].samples[:] = 0
    assert [frame.index for frame in again] == [0]
    assert again[0].picture.planes()[0].samples.any()
    assert source.info.frames == 1
    assert source.info.rate is None
    assert source.fingerprint.startswith("sha256:")
    assert again[0].picture.rgb(Size(16, 12)).shape == (12, 16, 3)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "I;16"])
def test_a_detector_sees_rgb_of_any_mode(tmp_path, mode):
    picture = next(StillSource(saved(tmp_path / "a.png", scene(mode))).frames()).picture
    assert picture.rgb(Size(40, 30)).shape == (30, 40, 3)


def test_an_error_leaves_nothing(tmp_path, source):
    def fail() -> None:
        with StillSink(tmp_path / "b.png", source) as sink:
            sink.write(next(source.frames()))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def write(output: Path, source: StillSource, *frames: Frame) -> None:
    with StillSink(output, source) as sink:
        for frame in frames:
            sink.write(frame)


def test_no_frame_or_two_are_refused(tmp_path, source):
    with pytest.raises(VerificationError), StillSink(tmp_path / "b.png", source):
        pass
    frame = next(source.frames())
    with pytest.raises(VerificationError):
        write(tmp_path / "b.png", source, frame, Frame(1, frame.time, frame.picture))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("damage", [lambda b: b[:200], lambda _: encoded("PNG"), lambda _: b""])
def test_a_draft_that_does_not_read_back_is_not_published(tmp_path, source, monkeypatch, damage):
    real = Path.write_bytes
    monkeypatch.setattr(Path, "write_bytes", lambda path, data: real(path, damage(data)))
    frame = next(source.frames())
    frame.picture.planes()[0].samples[:9] = 7
    with pytest.raises(VerificationError):
        write(tmp_path / "b.png", source, frame)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_names_that_cannot_be_given(tmp_path, source):
    with pytest.raises(UnwritableOutputError, match=r"name it b\.png"):
        StillSink(tmp_path / "b.jpg", source)
    with pytest.raises(OutputExistsError), StillSink(source.path, source, force=True):
        pass
    (tmp_path / "c.png").write_bytes(b"mine")
    with pytest.raises(OutputExistsError), StillSink(tmp_path / "c.png", source):
        pass
    with StillSink(tmp_path / "c.png", source, force=True) as sink:
        sink.write(next(source.frames()))
    assert opened(tmp_path / "c.png").size == (160, 120)


@pytest.mark.parametrize("shape", [(40, 70), (40, 70, 2), (40, 70, 3), (40, 70, 4)])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_copy_of_its_own_size_is_the_picture_and_no_view_of_it(
    shape: tuple[int, ...], kind: type
) -> None:
    top = np.iinfo(kind).max
    samples = np.random.default_rng(0).integers(0, top, shape, kind, endpoint=True)
    before = samples.copy()
    copy = StillPicture(samples).rgb(Size(70, 40))
    eight = samples >> 8 if kind is np.uint16 else samples
    colours = eight[..., :3] if shape[-1] in {3, 4} else eight.reshape(40, 70, -1)[..., :1]
    assert copy.shape == (40, 70, 3)
    assert copy.dtype == np.uint8
    assert (copy == colours).all()
    copy[:] = 7
    assert np.array_equal(samples, before)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "JPEG", "BMP", "TIFF", "GIF"])
def test_a_name_that_says_another_format_is_kept_and_told(tmp_path: Path, form: str) -> None:
    """As the web is full of: viewers go by the content, and so does the result."""
    path = tmp_path / ("a.png" if form == "JPEG" else "a.jpg")
    path.write_bytes(encoded(form))
    output = tmp_path / f"out{path.suffix}"
    source = open_still(path)
    with still_sink(output, source, force=False, frames=1) as sink:
        for frame in source.frames():
            sink.write(frame)
    with Image.open(output) as written:
        assert written.format == form
    (note,) = notes_on_name(output, source)
    assert note.text == f"its name says {path.suffix}, it is {form}, as its source is"
    assert notes_on_name(tmp_path / f"out.{form}", source) == ()


def test_the_file_of_a_camera_with_two_pictures_is_read_by_its_own_suffix(tmp_path: Path) -> None:
    path = tmp_path / "a.mpo"
    path.write_bytes(encoded("JPEG"))
    assert StillSource(path).decoded.form == "JPEG"
    assert default_output(path).name == "a.redacted.jpg"


def test_a_jpeg_that_ends_too_early_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    """As viewers do: uploads and memory cards leave such files."""
    whole, cut = tmp_path / "a.jpg", tmp_path / "b.jpg"
    whole.write_bytes(encoded("JPEG", quality=95))
    cut.write_bytes(whole.read_bytes()[: len(whole.read_bytes()) * 3 // 4])
    before, after = (StillSource(path).decoded.samples for path in (whole, cut))
    height = before.shape[0]
    assert np.array_equal(before[: height // 3], after[: height // 3])
    assert not np.array_equal(before, after)
    source = open_still(cut)
    (note,) = source.notes
    assert note.text == "the file ends too early: what is missing of the picture is grey"
    output = tmp_path / "out.jpg"
    with still_sink(output, source, force=False, frames=1) as sink:
        for frame in source.frames():
            sink.write(frame)
    assert open_still(output).notes == ()
    with pytest.raises(UnreadableInputError, match="ends too early"):
        open_still(cut, strict=True)
    with pytest.raises(UnreadableInputError):  # and what came before is not forgotten
        StillSource(saved_bytes(tmp_path / "c.png", encoded("PNG")[:900]))


def test_a_result_that_ends_too_early_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = StillSource(saved_bytes(tmp_path / "a.jpg", encoded("JPEG", quality=95)))
    cut = encoded("JPEG", quality=95)[:-200]
    monkeypatch.setattr(stills, "encode", lambda *_: cut)
    output = tmp_path / "out.jpg"
    with (
        pytest.raises(VerificationError, match="does not read back: the file ends too early"),
        still_sink(output, source, force=False, frames=1) as sink,
    ):
        sink.write(next(source.frames()))
    assert not output.exists()


def saved_bytes(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
