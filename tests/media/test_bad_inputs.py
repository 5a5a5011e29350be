"""A table of files that are no use, each with the error that says why."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from redact.errors import (
    InputError,
    MissingInputError,
    RedactError,
    UnreadableInputError,
    UnsupportedInputError,
)
from redact.media.video.source import VideoSource
from tests import clips

Maker = Callable[[Path], Path]


def _missing(folder: Path) -> Path:
    return folder / "nothing.mp4"


def _under_a_file(folder: Path) -> Path:
    return _text(folder) / "clip.mp4"


def _folder(folder: Path) -> Path:
    return folder


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.mp4")
    return folder / "pipe.mp4"


def _device(folder: Path) -> Path:
    return Path(os.devnull)


def _circle(folder: Path) -> Path:
    path = folder / "circle.mp4"
    path.symlink_to(path)
    return path


def _link_to_nothing(folder: Path) -> Path:
    path = folder / "dangling.mp4"
    path.symlink_to(folder / "gone.mp4")
    return path


def _zero_in_the_name(folder: Path) -> Path:
    return folder / "a\0b.mp4"


def _empty(folder: Path) -> Path:
    path = folder / "empty.mp4"
    path.touch()
    return path


def _text(folder: Path) -> Path:
    path = folder / "text.mp4"
    path.write_text("These are only words.\n" * 50)
    return path


def _zeros(folder: Path) -> Path:
    path = folder / "zeros.mp4"
    path.write_bytes(bytes(100_000))
    return path


def _picture(folder: Path) -> Path:
    path = folder / "picture.png"
    clips.run("-f", "lavfi", "-i", clips.PICTURE, "-frames:v", "1", path)
    return path.rename(folder / "picture.mp4")


def _forbidden(folder: Path) -> Path:
    path = folder / "forbidden.mp4"
    path.write_bytes(clips.make(folder, "plain").read_bytes())
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    return path


def _sound_only(folder: Path) -> Path:
    path = folder / "sound_only.mp4"
    clips.run("-f", "lavfi", "-i", clips.SOUND, "-c:a", "aac", path)
    return path


def _cover_only(folder: Path) -> Path:
    path = folder / "cover_only.mp4"
    inputs = ("-i", _sound_only(folder), "-i", _cover(folder))
    clips.run(
        *inputs, "-map", "0", "-map", "1", "-c", "copy", "-disposition:v", "attached_pic", path
    )
    return path


def _cover(folder: Path) -> Path:
    path = folder / "cover.jpg"
    clips.run("-f", "lavfi", "-i", clips.PICTURE, "-frames:v", "1", path)
    return path


def _two_videos(folder: Path) -> Path:
    path = folder / "two.mkv"
    clip = clips.make(folder, "plain")
    clips.run("-i", clip, "-i", clip, "-map", "0", "-map", "1", "-c", "copy", path)
    return path


def _playlist(folder: Path) -> Path:
    clip = clips.make(folder, "ts")
    path = folder / "playlist.mp4"
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{clip}\n#EXT-X-ENDLIST\n")
    return path


def _concatenation(folder: Path) -> Path:
    path = folder / "list.mp4"
    path.write_text(f"ffconcat version 1.0\nfile '{clips.make(folder, 'plain')}'\n")
    return path


def _changing_size(folder: Path) -> Path:
    other = folder / "larger.ts"
    larger = clips.PICTURE.replace("64x48", "96x64")
    wide = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-vf", "setsar=4/3")
    small = folder / "smaller.ts"
    clips.run("-f", "lavfi", "-i", clips.PICTURE, *wide, small)
    clips.run("-f", "lavfi", "-i", larger, *wide, other)
    path = folder / "changing.ts"
    clips.run("-i", f"concat:{small}|{other}", "-c", "copy", path)
    return path


def _changing_fields(folder: Path) -> Path:
    parts = []
    for size in ("64x48", "96x64"):
        parts.append(folder / f"{size}.ts")
        picture = clips.PICTURE.replace("64x48", size)
        fields = ("-vf", "setfield=tff", "-c:v", "mpeg2video", "-flags", "+ildct+ilme")
        clips.run("-f", "lavfi", "-i", picture, *fields, parts[-1])
    path = folder / "fields.ts"
    clips.run("-i", "concat:" + "|".join(map(str, parts)), "-c", "copy", path)
    return path


def _diagonal(folder: Path) -> Path:
    path = folder / "diagonal.mp4"
    clips.run("-display_rotation", "45", "-i", clips.make(folder, "plain"), "-c", "copy", path)
    return path


def _stereo_mkv(folder: Path) -> Path:
    path = folder / "stereo.mkv"
    tag = ("-metadata:s:v:0", "stereo_mode=top_bottom")
    clips.run("-i", clips.make(folder, "plain"), "-c", "copy", *tag, path)
    return path


def _stereo(suffix: str, mode: int) -> Maker:
    def make(folder: Path) -> Path:
        path = folder / f"stereo{suffix}"
        clips.run("-i", clips.make(folder, "plain"), "-c", "copy", path)
        clips.insert_box(path, _box(b"st3d", bytes((0, 0, 0, 0, mode))))
        return path

    return make


def _frame_packing(folder: Path) -> Path:
    path = folder / "packed.ts"
    packed = ("-c:v", "libx264", "-x264-params", "frame-packing=3")
    clips.run("-f", "lavfi", "-i", clips.PICTURE, *packed, path)
    return path


def _box(kind: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def _spherical(folder: Path) -> Path:
    path = folder / "spherical.mp4"
    path.write_bytes(clips.make(folder, "plain").read_bytes())
    projection = _box(b"prhd", bytes(16)) + _box(b"equi", bytes(20))
    sphere = _box(b"svhd", bytes(5)) + _box(b"proj", projection)
    clips.insert_box(path, _box(b"sv3d", sphere))
    return path


def _spherical_mkv(folder: Path) -> Path:
    path = folder / "spherical.mkv"
    clips.run("-i", _spherical(folder), "-c", "copy", path)
    return path


def _truncated(name: str) -> Maker:
    return lambda folder: clips.make_truncated(folder, name)


def _corrupt(name: str) -> Maker:
    return lambda folder: clips.make_corrupt(folder, name)


def _damaged(folder: Path) -> Path:
    return clips.make_damaged(folder, "plain")


BAD: dict[str, tuple[Maker, type[InputError], str]] = {
    "missing": (_missing, MissingInputError, "no such file"),
    "under a file": (_under_a_file, MissingInputError, "no such file"),
    "folder": (_folder, MissingInputError, "folder"),
    "pipe": (_pipe, MissingInputError, "pipe"),
    "device": (_device, MissingInputError, "device"),
    "circle of links": (_circle, MissingInputError, "circle"),
    "link to nothing": (_link_to_nothing, MissingInputError, "no such file"),
    "zero in the name": (_zero_in_the_name, MissingInputError, "no such file"),
    "empty": (_empty, UnreadableInputError, "empty"),
    "text": (_text, UnreadableInputError, "is no video file"),
    "zeros": (_zeros, UnreadableInputError, "video"),
    "picture": (_picture, UnreadableInputError, "is no video file"),
    "forbidden": (_forbidden, UnreadableInputError, "not permitted"),
    "sound only": (_sound_only, UnreadableInputError, "no video in"),
    "cover only": (_cover_only, UnreadableInputError, "no video in"),
    "playlist": (_playlist, UnreadableInputError, "is no video file"),
    "concatenation": (_concatenation, UnreadableInputError, "is no video file"),
    "two videos": (_two_videos, UnsupportedInputError, "2 video streams: 0 .h264 64x48"),
    "changing size": (_changing_size, UnsupportedInputError, "not square"),
    "changing size in fields": (_changing_fields, UnsupportedInputError, "have fields"),
    "diagonal": (_diagonal, UnsupportedInputError, "quarter"),
    "stereo mkv": (_stereo_mkv, UnsupportedInputError, "one above the other"),
    "stereo mp4": (_stereo(".mp4", 1), UnsupportedInputError, "one above the other"),
    "stereo mov": (_stereo(".mov", 2), UnsupportedInputError, "side by side"),
    "stereo in its pictures": (_frame_packing, UnsupportedInputError, "side by side"),
    "spherical mp4": (_spherical, UnsupportedInputError, "360 degrees"),
    "spherical mkv": (_spherical_mkv, UnsupportedInputError, "360 degrees"),
    "truncated mp4": (_truncated("sound"), UnreadableInputError, "cut off"),
    "truncated mov": (_truncated("mov"), UnreadableInputError, "cut off"),
    "truncated mkv": (_truncated("mkv"), UnreadableInputError, "cut off"),
    "truncated webm": (_truncated("webm"), UnreadableInputError, "cut off"),
    "truncated avi": (_truncated("avi"), UnreadableInputError, "cut off"),
    "damaged picture": (_damaged, UnreadableInputError, "damaged"),
    "corrupt mp4": (_corrupt("plain"), UnreadableInputError, "[a-z]"),
    "corrupt mkv": (_corrupt("444"), UnreadableInputError, "[a-z]"),
    "corrupt ts": (_corrupt("ts"), UnreadableInputError, "[a-z]"),
    "corrupt avi": (_corrupt("avi_mjpeg"), UnreadableInputError, "[a-z]"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_one_line(
    case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    maker, kind, words = BAD[case]
    path = maker(tmp_path)
    with pytest.raises(kind, match=words) as caught:
        list(VideoSource(path, strict=True).frames())
    said = str(caught.value)
    assert "\n" not in said
    assert caught.value.path == path
    assert capfd.readouterr() == ("", ""), "engines say nothing by themselves"


def test_a_bomb_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redact.media.video.container.LARGEST_SIDE", 60)
    with pytest.raises(UnsupportedInputError, match="64x48 are larger"):
        VideoSource(clips.make(tmp_path, "plain"))


@pytest.mark.parametrize("name", ["sound", "mkv", "avi", "ts", "webm"])
def test_bytes_changed_anywhere_end_in_frames_or_in_our_errors(name: str, tmp_path: Path) -> None:
    data = clips.make(tmp_path, name).read_bytes()
    path = tmp_path / f"mutant{clips.RECIPES[name][0]}"
    for seed in range(25):
        mutant = bytearray(data)
        for step in range(1 + seed % 4):
            at = (seed * 7919 + step * 104729) % len(mutant)
            mutant[at] ^= 1 + (seed * 31 + step) % 255
        path.write_bytes(mutant)
        try:
            frames = list(VideoSource(path).frames())
        except RedactError:
            continue
        assert frames
