"""Unique strings in every place of every kind of file: none of them may be found anywhere after."""

from __future__ import annotations

import io
import json
import os
import re
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from redact.errors import VerificationError
from redact.media.video import checking, muxing
from redact.media.video import sink as sinks
from redact.media.video.source import VideoSource
from tests import clips

MARK = "kanari3nvog3l"
PLACES: list[str] = []


def canary(place: str) -> str:
    """A string of its own for every place, so that a leak says where it is."""
    PLACES.append(place)
    return f"{MARK}-{len(PLACES)}-{place}"


def photo(seed: int = 0) -> Image.Image:
    noise = np.random.default_rng(seed).integers(90, 130, (96, 128, 3), np.uint8)
    return Image.fromarray(noise)


def thumbnail() -> bytes:
    file = io.BytesIO()
    photo(1).resize((32, 24)).save(file, "JPEG", comment=canary("thumbnail").encode())
    return file.getvalue()


def exif() -> bytes:
    """Camera, owner, place and notes, and a thumbnail in its own directory."""
    tags = Image.Exif()
    for tag in (0x010E, 0x010F, 0x0110, 0x0131, 0x013B, 0x8298, 0xA431, 0xC62F):
        tags[tag] = canary(f"exif{tag:x}")
    for tag in (0xA420, 0xA430, 0xA431, 0xA434, 0x9286):
        tags.get_ifd(0x8769)[tag] = canary(f"exififd{tag:x}")
    for tag in (8, 18, 29):
        tags.get_ifd(0x8825)[tag] = canary(f"gps{tag}")
    return tags.tobytes()


def xmp() -> bytes:
    return b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + canary("xmp").encode() + b"</x:xmpmeta>"


def profile() -> bytes:
    """sRGB under a name that says too much: the description is text of any length."""
    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", made, 128)[0]
    for at in range(132, 132 + 12 * count, 12):
        if bytes(made[at : at + 4]) in {b"desc", b"cprt"}:
            words = canary("icc").encode("utf-16-be")
            struct.pack_into(">2I", made, at + 4, len(made), 28 + len(words))
            made += struct.pack(">4s3I", b"mluc", 0, 1, 12)
            made += struct.pack(">4s2I", b"enUS", len(words), 28) + words
            made += bytes(-len(made) % 4)
    struct.pack_into(">I", made, 0, len(made))
    return bytes(made)


def jpeg(path: Path) -> None:
    photo().save(path, exif=exif(), xmp=xmp(), icc_profile=profile(), comment=canary("comment"))
    iptc = b"\x1c\x02\x78" + struct.pack(">H", 40) + canary("iptc").encode().ljust(40)
    block = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc
    thumb = b"JFXX\0\x10" + thumbnail()
    data = path.read_bytes()
    for marker, body in ((b"\xff\xed", block), (b"\xff\xe0", thumb)):
        data = data[:2] + marker + struct.pack(">H", len(body) + 2) + body + data[2:]
    path.write_bytes(data + thumbnail() + canary("motionphoto").encode() + b"ftypmp42")


def png(path: Path) -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Author", canary("text"))
    notes.add_text("Comment", canary("ztxt"), zip=True)
    notes.add_itxt("XML:com.adobe.xmp", canary("itxt"))
    photo().save(path, pnginfo=notes, exif=exif(), icc_profile=profile())
    words = canary("chunk").encode()
    extra = struct.pack(">I", len(words)) + b"prVt" + words
    extra += struct.pack(">I", zlib.crc32(b"prVt" + words))
    data = path.read_bytes()
    path.write_bytes(data[:33] + extra + data[33:] + canary("after").encode())


def tiff(path: Path) -> None:
    tags = {270: canary("tiff"), 305: canary("software"), 315: canary("artist"), 700: xmp()}
    photo().save(path, tiffinfo=tags, icc_profile=profile())


def pages(path: Path) -> None:
    """A document with a thumbnail between its pages, and words in the tags of all of them."""
    made = [photo(n).resize((128 + n, 96)) for n in range(3)]
    for image, kind in zip(made, (0, 1, 0), strict=True):
        tags = {n: canary(f"page{n}") for n in (269, 270, 271, 272, 285, 305, 315, 316, 33432)}
        image.encoderinfo = {"tiffinfo": tags | {254: kind, 700: xmp()}, "icc_profile": profile()}
    made[0].save(path, save_all=True, append_images=made[1:])
    path.write_bytes(path.read_bytes() + canary("after").encode())


def webp(path: Path) -> None:
    photo().save(path, exif=exif(), xmp=xmp(), icc_profile=profile())
    path.write_bytes(path.read_bytes() + canary("after").encode())


def gif(path: Path) -> None:
    others = [photo(2), photo(3)]
    photo().save(path, save_all=True, append_images=others, comment=canary("gif").encode())
    path.write_bytes(path.read_bytes() + canary("after").encode())


def bmp(path: Path) -> None:
    photo().save(path)
    path.write_bytes(path.read_bytes() + canary("after").encode())


def heif(path: Path) -> None:
    pillow_heif.register_heif_opener()
    photo().save(path, exif=exif(), xmp=xmp(), icc_profile=profile())
    words = canary("box").encode()
    path.write_bytes(path.read_bytes() + struct.pack(">I", 8 + len(words)) + b"free" + words)


def video(path: Path) -> None:
    """A clip with all that its container, its coded pictures and its end can hold."""
    folder = path.with_name(f"made-{path.suffix[1:]}")
    folder.mkdir()
    notes, words, cover = folder / "notes.txt", folder / "words.srt", folder / "cover.jpg"
    said = "".join(f"{key}={canary(key)}\n" for key in _TAGS)
    notes.write_text(
        f";FFMETADATA1\n{said}[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=500\n"
        f"title={canary('chapter')}\n"
    )
    words.write_text(f"1\n00:00:00,000 --> 00:00:00,900\n{canary('subtitle')}\n")
    cover.write_bytes(thumbnail())
    sei = f"086f3693-b7b3-4f2c-9653-21492feee5b8+{canary('sei')}"
    inputs = ["-f", "lavfi", "-i", clips.PICTURE, "-f", "lavfi", "-i", clips.SOUND, "-i", notes]
    maps: list[str] = []
    coding = ["-c:v:0", "libx264", "-pix_fmt:v:0", "yuv420p", "-bsf:v:0"]
    coding += [f"h264_metadata=sei_user_data={sei}"]
    if path.suffix == ".webm":
        coding = ["-c:v", "libvpx-vp9", "-cpu-used", "8", "-c:a", "libopus"]
    if path.suffix in {".mp4", ".mov", ".mkv"}:
        inputs += ["-i", words]
        maps += ["-map", "0:v", "-map", "1:a", "-map", "3:s"]
        coding += ["-c:s", "srt" if path.suffix == ".mkv" else "mov_text"]
    if path.suffix == ".mp4":
        inputs += ["-i", cover]
        maps += ["-map", "4:v"]
        coding += ["-c:v:1", "copy", "-disposition:v:1", "attached_pic"]
    if path.suffix == ".mkv":
        coding += ["-attach", cover, "-metadata:s:t", "mimetype=image/jpeg"]
        coding += ["-metadata:s:t", f"filename={canary('attachment')}"]
    if path.suffix == ".mov":
        coding += ["-timecode", "10:00:00:00", "-movflags", "use_metadata_tags"]
    for kind in "vas":
        for key in ("handler_name", "title", "comment"):
            coding += [f"-metadata:s:{kind}", f"{key}={canary(f'{kind}{key}')}"]
    coding += ["-metadata", f"service_name={canary('service')}"]
    clips.run(*inputs, *maps, "-map_metadata", "2", *coding, "-t", "1", path)
    if path.suffix in {".mp4", ".mov"}:
        for kind in (b"uuid", b"free", b"skip"):
            body = canary(kind.decode()).encode()
            with path.open("ab") as file:
                file.write(struct.pack(">I", 8 + len(body)) + kind + body)


_TAGS = ("title", "artist", "album", "comment", "copyright", "location", "make", "model", "encoder")

MAKERS: dict[str, Callable[[Path], None]] = {
    "a.jpg": jpeg, "b.png": png, "c.tif": tiff, "d.webp": webp, "e.gif": gif, "f.bmp": bmp,
    "g.heic": heif, "h.avif": heif, "i.mp4": video, "j.mov": video, "k.mkv": video,
    "l.webm": video, "m.ts": video, "n.avi": video, "o.tiff": pages,
}  # fmt: skip

OLD = 981_173_106
"""Seconds: a day in 2001, at which a camera may have written the file."""


@contextmanager
def watched(*folders: Path) -> Iterator[set[str]]:
    """Names of files that held a canary at any moment, looked at all the time."""
    found: set[str] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            for folder in folders:
                found.update(holders(folder))
            time.sleep(0.01)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def holders(folder: Path) -> Iterator[str]:
    for base, _, names in os.walk(folder):
        for name in names:
            path = Path(base, name)
            try:
                held = places(path.read_bytes())
            except OSError:  # it went away, as temporary files do
                continue
            if held:
                yield f"{name}: {held}"


def places(data: bytes) -> list[str]:
    """Canaries in the bytes, also in wide letters; packed text is looked for by its parts."""
    forms = [MARK.encode(), MARK.encode("utf-16-be"), MARK.encode("utf-16-le")]
    return [data[data.find(f) : data.find(f) + 60].decode("latin-1") for f in forms if f in data]


@pytest.mark.slow
def test_no_canary_is_anywhere_afterwards(tmp_path: Path) -> None:
    originals, results, private = (tmp_path / name for name in ("in", "out", "private"))
    for folder in (originals, results, private):
        folder.mkdir()
    for name, make in MAKERS.items():
        path = originals / name
        make(path)
        assert places(path.read_bytes()), name
        os.utime(path, (OLD, OLD))
    sources = [str(originals / name) for name in MAKERS]
    code = "import sys; from redact_cli.app import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, "run", *sources, "-o", str(results), "--json"]
    command += ["--detector", "yunet:320:0.6"]
    hushed = ("CI", "ORT_DISABLE_TELEMETRY")  # what keeps onnxruntime quiet without redact's help
    environment = {key: value for key, value in os.environ.items() if key not in hushed}
    environment["TMPDIR"] = str(private)
    with watched(results, private) as found:
        said = subprocess.run(command, capture_output=True, timeout=250, env=environment)
    assert said.returncode == 0, said.stderr
    assert not found
    assert not places(said.stdout + said.stderr)
    told = [json.loads(line) for line in said.stdout.splitlines()]
    copied = {Path(item["source"]).suffix for item in told if item["copied"]}
    assert copied == {".mp4", ".mov", ".mkv", ".webm"}
    assert not list(private.iterdir()), "libraries keep a journal"
    made = {path.name for path in results.iterdir()}
    stems = [Path(name) for name in MAKERS]
    assert made == {f"{p.stem}.redacted{p.suffix}" for p in stems} | {
        f"{p.stem}.redact.json" for p in stems
    }
    assert min(path.stat().st_mtime for path in results.iterdir()) > time.time() - 3600


@pytest.mark.slow
def test_of_subtitles_that_are_kept_nothing_stays_but_the_words(tmp_path: Path) -> None:
    results = tmp_path / "out"
    results.mkdir()
    names = [name for name in MAKERS if name.endswith((".mp4", ".mov", ".mkv"))]
    for name in names:
        video(tmp_path / name)
    code = "import sys; from redact_cli.app import main; main(sys.argv[1:])"
    sources = [str(tmp_path / name) for name in names]
    command = [sys.executable, "-c", code, "run", *sources, "-o", str(results), "--no-verify"]
    command += ["--detector", "yunet:320:0.6", "--keep", "subtitles", "--keep", "languages"]
    said = subprocess.run(command, capture_output=True, timeout=250)
    assert said.returncode == 0, said.stderr
    assert b"subtitles are kept: their words may name people" in said.stderr
    assert not places(said.stdout + said.stderr)
    for path in results.iterdir():
        kept = set(re.findall(MARK.encode() + rb"-\d+-([a-z0-9_]+)", path.read_bytes()))
        assert kept == (set() if path.suffix == ".json" else {b"subtitle"}), path
        assert path.suffix != ".json" or b'"subtitles"' in path.read_bytes()
    assert len(list(results.iterdir())) == 2 * len(names)


def _let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    output = muxing._output_options
    monkeypatch.setattr(muxing, "_output_options", lambda job: output(job) | {"map_metadata": 1})


def _rendered(source: Path) -> Path:
    opened = VideoSource(source)
    output = source.with_name(f"out{source.suffix}")
    with sinks.VideoSink(output, opened) as sink:
        for frame in opened.frames():
            sink.write(frame)
    return output


def test_a_tag_that_is_let_through_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "a.mp4"  # in mkv its sound is Vorbis, which comes from a file without tags
    video(source)
    _let_through(monkeypatch)
    with pytest.raises(VerificationError, match="not asked for"):
        _rendered(source)
    monkeypatch.setattr(checking, "_check_streams", lambda _: None)
    assert places(_rendered(source).read_bytes())  # without that check this test would tell
