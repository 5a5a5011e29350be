"""Tiny clips of every kind that the contracts must hold for, made by ffmpeg's test sources."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import av
import imageio_ffmpeg

CANARY = "CANARY7Q"
"""A string put wherever a container can hold one; none of it may come out."""

PICTURE = "testsrc=s=64x48:r=10:d=1"
SOUND = "sine=d=1:r=48000"
_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
_AAC = ("-c:a", "aac")
_UNEVEN = "select='not(eq(mod(n,5),3))'"  # an expression: the comma is ffmpeg's own

_BT2020 = "colorspace=bt2020nc:color_primaries=bt2020:color_trc=smpte2084"

_TAPELESS = ("-c:v", "mpeg2video", "-r", "25", "-c:a", "ac3", "-f", "vob")  # old camcorders

Recipe = tuple[str, tuple[str, ...]]

RECIPES: dict[str, Recipe] = {
    "plain": (".mp4", _H264),
    "b_frames": (".mp4", ("-c:v", "libx264", "-bf", "3", "-pix_fmt", "yuv420p")),
    "sound": (".mp4", (*_H264, *_AAC)),
    "mov": (".mov", (*_H264, "-c:a", "pcm_s16le")),
    "m4v": (".m4v", (*_H264, *_AAC)),
    "mkv": (".mkv", (*_H264, "-c:a", "flac")),
    "webm": (".webm", ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-c:a", "libopus")),
    "avi": (".avi", ("-c:v", "mpeg4", "-c:a", "pcm_s16le")),
    "avi_mjpeg": (".avi", ("-c:v", "mjpeg", "-pix_fmt", "yuvj422p")),
    "ts": (".ts", (*_H264, *_AAC)),
    "m2ts": (".m2ts", (*_H264, "-c:a", "ac3")),
    "uneven": (".mp4", ("-vf", _UNEVEN, "-fps_mode", "passthrough", *_H264, *_AAC)),
    "uneven_mkv": (".mkv", ("-vf", _UNEVEN, "-fps_mode", "passthrough", *_H264)),
    "ten_bit": (
        ".mp4",
        ("-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=0"),
    ),
    "422": (".mov", (*_H264, "-pix_fmt", "yuv422p")),
    "444": (".mkv", (*_H264, "-pix_fmt", "yuv444p")),
    "grey": (".mkv", ("-c:v", "ffv1", "-pix_fmt", "gray")),
    "odd": (".mkv", ("-vf", "crop=63:47:0:0:exact=1", *_H264, "-pix_fmt", "yuv444p")),
    "full_range": (".mp4", ("-vf", "scale=out_range=full", *_H264, "-color_range", "pc")),
    "bt2020": (".mp4", ("-vf", f"setparams={_BT2020}", *_H264)),
    "anamorphic": (".mp4", ("-vf", "setsar=16/11", *_H264)),
    "rgb": (".mov", ("-c:v", "qtrle", "-pix_fmt", "rgb24")),
    "interlaced": (".mp4", ("-vf", "setfield=tff", *_H264, "-flags", "+ildct+ilme")),
    "one_frame": (".mp4", ("-frames:v", "1", "-an", *_H264)),
    "late": (".mp4", ("-vf", "setpts=PTS+0.7/TB", *_H264, *_AAC)),
    "alpha": (".webm", ("-vf", "format=yuva420p", "-c:v", "libvpx-vp9", "-cpu-used", "8", "-an")),
    "3gp": (".3gp", ("-vf", "scale=176:144", "-c:v", "h263", *_AAC)),
    "3g2": (".3g2", (*_H264, *_AAC)),
    "mpg": (".mpg", ("-c:v", "mpeg1video", "-r", "25", "-c:a", "mp2")),
    "mpeg": (".mpeg", ("-c:v", "mpeg2video", "-r", "25", "-bf", "2", "-c:a", "mp2")),
    "mpe": (".mpe", ("-c:v", "mpeg1video", "-r", "25", "-c:a", "mp2", "-f", "mpeg")),
    "m2p": (".m2p", _TAPELESS),
    "mod": (".mod", _TAPELESS),
    "tod": (".tod", _TAPELESS),
    "qt": (".qt", (*_H264, "-c:a", "pcm_s16le", "-f", "mov")),
    "m2t": (".m2t", ("-c:v", "mpeg2video", "-r", "25", "-c:a", "mp2")),
    "tp": (".tp", (*_H264, *_AAC, "-f", "mpegts")),
    "trp": (".trp", (*_H264, "-c:a", "ac3", "-f", "mpegts")),
    "vob": (".vob", ("-c:v", "mpeg2video", "-r", "25", "-c:a", "ac3")),
    "mxf": (".mxf", ("-c:v", "mpeg2video", "-r", "25", "-c:a", "pcm_s16le")),
    "wmv": (".wmv", ("-c:v", "wmv2", "-c:a", "wmav2")),
    "asf": (".asf", ("-c:v", "wmv1", "-c:a", "wmav2")),
    "flv": (".flv", ("-c:v", "flv1", "-c:a", "libmp3lame", "-ar", "44100")),
    "f4v": (".f4v", (*_H264, *_AAC)),
    "ogv": (".ogv", ("-c:v", "libtheora", "-c:a", "libvorbis")),
    "y4m": (".y4m", ("-pix_fmt", "yuv420p")),
}
"""A suffix and ffmpeg's output options for each kind of clip; sound is dropped without a codec."""

TURNS = [(quarters, mirrored) for quarters in range(4) for mirrored in (False, True)]


@cache
def program() -> str:
    return str(imageio_ffmpeg.get_ffmpeg_exe())


def run(*arguments: str | Path) -> None:
    """Run ffmpeg and show what it said if it fails."""
    command = [program(), "-nostdin", "-v", "error", "-y", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def make(folder: Path, name: str) -> Path:
    """The clip of that name, made once a folder."""
    suffix, options = RECIPES[name]
    path = folder / f"{name}{suffix}"
    if not path.exists():
        sound = () if "-c:a" in options else ("-an",)
        inputs = ("-f", "lavfi", "-i", PICTURE, "-f", "lavfi", "-i", SOUND)
        run(*inputs, *options, *sound, path)
    return path


def make_turned(folder: Path, quarters: int, mirrored: bool) -> Path:
    """A clip whose stored pixels become upright by that turn, said in its display matrix."""
    path = folder / f"turned_{quarters}_{mirrored}.mp4"
    if not path.exists():
        flip = ("-display_hflip",) if mirrored else ()
        rotation = ("-display_rotation", str(-90 * quarters % 360), *flip)
        run(*rotation, "-i", make(folder, "plain"), "-c", "copy", path)
    return path


def make_tagged(folder: Path, suffix: str) -> Path:
    """A clip with a canary in its tags, chapters, handlers, subtitles and attachments."""
    path = folder / f"tagged{suffix}"
    notes = folder / "notes.txt"
    notes.write_text(
        f";FFMETADATA1\ntitle={CANARY}t\nartist={CANARY}a\nlocation={CANARY}l\n"
        f"[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=500\ntitle={CANARY}c\n"
    )
    words = folder / "words.srt"
    words.write_text(f"1\n00:00:00,000 --> 00:00:00,900\n{CANARY}s\n")
    inputs = ["-i", make(folder, "sound"), "-i", notes, "-i", words]
    attach = ["-attach", notes, "-metadata:s:t", f"filename={CANARY}f"] if suffix == ".mkv" else []
    attach += ["-metadata:s:t", "mimetype=text/plain"] if attach else []
    subtitles = "srt" if suffix == ".mkv" else "mov_text"
    handlers = [f"-metadata:s:{kind}" for kind in "vas"]
    marks = [word for flag in handlers for word in (flag, f"handler_name={CANARY}h")]
    marks += [word for flag in handlers for word in (flag, f"title={CANARY}i")]
    marks += [word for flag in handlers for word in (flag, "language=fra")]
    run(
        *inputs, *("-map", "0", "-map", "2", "-map_metadata", "1", "-map_chapters", "1"), *attach,
        *("-c", "copy", "-c:s", subtitles), *marks,
        *("-metadata", "creation_time=2020-02-02T02:02:02Z"),
        *(("-movflags", "use_metadata_tags") if suffix != ".mkv" else ()), path,
    )  # fmt: skip
    assert CANARY.encode() in path.read_bytes()
    return path


def make_cut(folder: Path) -> Path:
    """A clip whose edit list hides its first frames, as phones write them after trimming."""
    path = folder / "cut.mp4"
    if not path.exists():
        run("-ss", "0.35", "-i", make(folder, "b_frames"), "-c", "copy", path)
    return path


def make_truncated(folder: Path, name: str, share: float = 0.6) -> Path:
    """The first part of a clip's bytes, with its index at the front where it has one."""
    whole = make(folder, name)
    if whole.suffix in {".mp4", ".mov"}:
        front = folder / f"front{whole.suffix}"
        run("-i", whole, "-c", "copy", "-movflags", "+faststart", front)
        whole = front
    data = whole.read_bytes()
    path = folder / f"truncated_{name}{whole.suffix}"
    path.write_bytes(data[: int(len(data) * share)])
    return path


def make_damaged(folder: Path, name: str) -> Path:
    """A clip of which one coded picture is damaged inside: players paint over that."""
    whole = make(folder, name)
    with av.open(str(whole)) as container:
        packet = max(container.demux(container.streams.video[0]), key=lambda packet: packet.size)
        start = (packet.pos or 0) + packet.size // 2
    data = bytearray(whole.read_bytes())
    data[start : start + 60] = bytes((at * 97 + 13) % 256 for at in range(60))
    path = folder / f"damaged_{name}{whole.suffix}"
    path.write_bytes(data)
    return path


def make_long_damaged(folder: Path) -> Path:
    """A clip of many key frames, one coded picture of which is damaged inside."""
    whole = folder / "long.mp4"
    scene = ("-f", "lavfi", "-i", "testsrc2=s=128x96:r=25:d=2", *_H264, "-g", "5", "-crf", "10")
    run(*scene, whole)
    with av.open(str(whole)) as container:
        packets = [p for p in container.demux(container.streams.video[0]) if p.size]
        hit = next(p for p in packets[22:] if not p.is_keyframe)
        start = (hit.pos or 0) + hit.size // 3
        length = hit.size // 3
    data = bytearray(whole.read_bytes())
    data[start : start + length] = bytes((at * 97 + 13) % 256 for at in range(length))
    path = folder / "long_damaged.mp4"
    path.write_bytes(data)
    return path


def make_corrupt(folder: Path, name: str) -> Path:
    """A clip with some of its coded pictures overwritten, or lost on the air."""
    whole = make(folder, name)
    data = bytearray(whole.read_bytes())
    path = folder / f"corrupt_{name}{whole.suffix}"
    if whole.suffix == ".ts":
        middle = len(data) // 188 // 2 * 188
        del data[middle : middle + 20 * 188]
    else:
        middle = len(data) // 2
        data[middle : middle + 900] = bytes((at * 97 + 13) % 256 for at in range(900))
    path.write_bytes(data)
    return path


Edits = dict[str, list[tuple[float, float]]]
"""Edit lists by kind of track, `vide` or `soun`: seconds that are played, and from which second of
the media on, negative for silence."""


def make_edited(whole: Path, path: Path, edits: Edits) -> Path:
    """The clip with other edit lists, as editors write them that cut without encoding anew."""
    data = whole.read_bytes()
    rest = [data[start:end] for kind, start, end in _boxes(data) if kind != b"moov"]
    (index,) = (data[start + 8 : end] for kind, start, end in _boxes(data) if kind == b"moov")
    scale = _scale(next(index[a:b] for kind, a, b in _boxes(index) if kind == b"mvhd"))
    boxes = [
        _edited_track(index[a:b], scale, edits) if kind == b"trak" else index[a:b]
        for kind, a, b in _boxes(index)
    ]
    path.write_bytes(b"".join((*rest, box(b"moov", *boxes))))
    return path


def _edited_track(track: bytes, scale: int, edits: Edits) -> bytes:
    inner = track[8:]
    (media,) = (inner[a + 8 : b] for kind, a, b in _boxes(inner) if kind == b"mdia")
    (clock,) = (_scale(media[a:b]) for kind, a, b in _boxes(media) if kind == b"mdhd")
    (handler,) = (media[a + 16 : a + 20] for kind, a, b in _boxes(media) if kind == b"hdlr")
    wanted = edits.get(handler.decode())
    if wanted is None:
        return track
    rows = [
        struct.pack(
            ">Iii", round(length * scale), round(start * clock) if start >= 0 else -1, 1 << 16
        )
        for length, start in wanted
    ]
    table = box(b"elst", struct.pack(">II", 0, len(rows)), *rows)
    kept = [inner[a:b] for kind, a, b in _boxes(inner) if kind != b"edts"]
    return box(b"trak", kept[0], box(b"edts", table), *kept[1:])


def without_samples(index: bytes, handler: bytes) -> bytes:
    """An ISO file whose tracks of that kind list no samples."""
    parts = []
    for kind, start, end in _boxes(index):
        inner = index[start + 8 : end]
        if kind == b"trak" and b"hdlr" in inner and handler not in inner:
            pass
        elif kind in {b"moov", b"trak", b"mdia", b"minf", b"stbl"}:
            inner = without_samples(inner, handler)
        elif kind in {b"stts", b"stsc", b"stco", b"stsz"}:
            inner = bytes(12 if kind == b"stsz" else 8)
        parts.append(box(kind, inner))
    return b"".join(parts)


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box of an ISO file."""
    return struct.pack(">I4s", 8 + sum(map(len, parts)), kind) + b"".join(parts)


def _boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    at = 0
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, at, at + length
        at += length


def _scale(header: bytes) -> int:
    """Ticks a second of the clock of a movie or of a track's media."""
    return int.from_bytes(header[20:24], "big")


_NESTED_BOXES = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1")
_FIELDS_BEFORE = {b"stsd": 8, b"avc1": 78}
"""Bytes of a box before the boxes within it, where there are any."""


def insert_box(path: Path, box: bytes) -> None:
    """Put a box at the end of the sample entry of an H.264 track, the first of an MP4 file."""
    data = bytearray(path.read_bytes())
    at, end, sizes = 0, len(data), []
    for kind in _NESTED_BOXES:
        while data[at + 4 : at + 8] != kind:
            at += int.from_bytes(data[at : at + 4], "big")
            assert at < end, f"there is no {kind!r}"
        sizes.append(at)
        end = at + int.from_bytes(data[at : at + 4], "big")
        at += 8 + _FIELDS_BEFORE.get(kind, 0)
    assert data.find(b"mdat") < sizes[0], "sample offsets would change"
    for start in sizes:
        size = int.from_bytes(data[start : start + 4], "big") + len(box)
        data[start : start + 4] = size.to_bytes(4, "big")
    data[end:end] = box
    path.write_bytes(data)


def clean_aperture(stored: tuple[int, int], left: int, top: int, width: int, height: int) -> bytes:
    """A `clap` box that crops stored pictures to a rectangle."""
    across = 2 * left + width - stored[0]
    down = 2 * top + height - stored[1]
    return struct.pack(">I4sIIIIiIiI", 40, b"clap", width, 1, height, 1, across, 2, down, 2)


def make_cropped(folder: Path, suffix: str, left: int, top: int, width: int, height: int) -> Path:
    """A clip of 64x48 that its container crops to a rectangle."""
    first = folder / f"cropped_{left}_{top}_{width}_{height}.mp4"
    if not first.exists():
        first.write_bytes(make(folder, "plain").read_bytes())
        insert_box(first, clean_aperture((64, 48), left, top, width, height))
    path = first.with_suffix(suffix)
    if not path.exists():
        run("-i", first, "-c", "copy", path)
    return path
