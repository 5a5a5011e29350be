"""Clips with the oddities of ordinary footage: times that go wrong, damage, pictures left over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av

from tests import clips

_MOVING = "testsrc2=s=96x64:r=25:d=2"
_TICK = Fraction(1, 25)

Coded = tuple[bytes, int, int, bool]
"""A packet: its data, presentation and decoding time in ticks, and whether it is a key frame."""


def encode(path: Path, *options: str, sound: bool = False) -> Path:
    """Fifty moving pictures, two seconds, a key frame every twelve of them."""
    if not path.exists():
        inputs = ["-f", "lavfi", "-i", _MOVING]
        inputs += ["-f", "lavfi", "-i", "sine=d=2:r=48000"] if sound else []
        clips.run(*inputs, "-g", "12", "-pix_fmt", "yuv420p", *options, path)
    return path


def remux(path: Path, written: Path, change: Callable[[list[Coded]], Iterable[Coded]]) -> Path:
    """Copy a video's packets with other data and times.

    Args:
        path: The source.
        written: The copy.
        change: From the packets in decoding order to those that are written.
    """
    with av.open(str(path)) as source, av.open(str(written), "w") as output:
        stream = source.streams.video[0]
        target = output.add_stream_from_template(stream)
        packets = [p for p in source.demux(stream) if p.size]
        base = packets[0].time_base
        coded = [
            (bytes(p), p.pts if p.pts is not None else n, p.dts if p.dts is not None else n,
             p.is_keyframe)
            for n, p in enumerate(packets)
        ]  # fmt: skip
        for data, pts, dts, key in change(coded):
            packet = av.Packet(data)
            packet.pts, packet.dts, packet.time_base = pts, dts, base
            packet.is_keyframe, packet.stream = key, target
            output.mux(packet)
    return written


_B_FRAMES = ("-c:v", "libx264", "-bf", "2", "-x264-params", "scenecut=0:b-adapt=0")
_XVID = ("-c:v", "mpeg4", "-vtag", "XVID")


def _equal_times(folder: Path) -> Path:
    """The first two packets have the time 0, as screen recorders write them."""
    path = folder / "equal_times.webm"
    clip = encode(folder / "whole.webm", "-c:v", "libvpx", "-cpu-used", "8")
    same = "setts=pts='if(eq(N,1),0,PTS)':dts='if(eq(N,1),0,DTS)'"
    clips.run("-i", clip, "-c", "copy", "-bsf:v", same, path)
    return path


def _repeated_time(folder: Path) -> Path:
    path = folder / "repeated.mkv"
    same = "setts=pts='if(eq(N,5),PREV_OUTPTS,PTS)':dts='if(eq(N,5),PREV_OUTDTS,DTS)'"
    clip = encode(folder / "no_b.mp4", "-c:v", "libx264", "-bf", "0")
    clips.run("-i", clip, "-c", "copy", "-bsf:v", same, path)
    return path


def _no_offsets(folder: Path) -> Path:
    """B frames whose composition offsets an editor forgot."""
    path = folder / "no_offsets.mp4"
    clip = encode(folder / "b.mp4", *_B_FRAMES, sound=True)
    path.write_bytes(clip.read_bytes().replace(b"ctts", b"free"))
    return path


def _last_b_frame(folder: Path) -> Path:
    """A B frame near the end has its predecessor's time, as trimming leaves it."""
    path = folder / "last_b_frame.mp4"
    data = bytearray(encode(folder / "b.mp4", *_B_FRAMES, sound=True).read_bytes())
    at = data.index(b"ctts") + 12
    count = int.from_bytes(data[at - 4 : at])
    lone_b = (1).to_bytes(4) + (512).to_bytes(4)  # one frame, shown a frame after it is decoded
    entry = max(n for n in range(count) if data[at + 8 * n : at + 8 * n + 8] == lone_b)
    data[at + 8 * entry + 4 : at + 8 * entry + 8] = bytes(4)
    path.write_bytes(data)
    return path


def _xvid(folder: Path) -> Path:
    return encode(folder / "xvid.avi", *_XVID, "-bf", "1", sound=True)


def _mpeg2_avi(folder: Path) -> Path:
    return encode(folder / "mpeg2.avi", "-c:v", "mpeg2video", "-bf", "2")


def _packed(folder: Path) -> Path:
    """XviD's packed bitstream: a P and a B frame in one chunk, and a chunk that holds nothing."""
    clip = encode(folder / "b1.avi", *_XVID, "-bf", "1")

    def pack(coded: list[Coded]) -> Iterable[Coded]:
        data = [one[0] for one in coded]
        start = b"\0\0\1\xb6"
        kinds = [one[one.index(start) + 4] >> 6 for one in data]
        packed: list[bytes] = []
        for n, one in enumerate(data):
            follows = n + 1 < len(data) and kinds[n + 1] == 2
            packed.append(_NOTHING if kinds[n] == 2 else one + (data[n + 1] if follows else b""))
        at = packed[0].index(start)
        packed[0] = packed[0][:at] + b"\0\0\1\xb2DivX503b1393p" + packed[0][at:]
        return [(one, n, n, coded[n][3]) for n, one in enumerate(packed)]

    return remux(clip, folder / "packed.avi", pack)


_NOTHING = b"\0\0\1\xb6" + bytes([0b01010000, 0b01011111])
"""A picture of MPEG-4 that is not coded, with five bits of time."""


def _empty_chunks(folder: Path) -> Path:
    """Dropped frames of an AVI: each empty chunk means the last picture again."""
    some = "select='not(between(n,10,13))*not(eq(mod(n,7),3))'"
    options = ("-vf", some, "-fps_mode", "passthrough", "-c:v", "mjpeg")
    return encode(folder / "empty_chunks.avi", *options)


def _wrapped(folder: Path) -> Path:
    """A transport stream whose clock of 33 bits begins anew in the middle."""
    path = folder / "wrapped.ts"
    clip = encode(folder / "b.mp4", *_B_FRAMES, sound=True)
    clips.run("-i", clip, "-c", "copy", "-output_ts_offset", "95441.3", path)
    return path


def _restarted(folder: Path) -> Path:
    """Two recordings of one clock, one behind the other."""
    clip = encode(folder / "whole.ts", *_B_FRAMES, sound=True)
    path = folder / "restarted.ts"
    path.write_bytes(clip.read_bytes() * 2)
    return path


def _lone_parameter_set(folder: Path) -> Path:
    """The last packet of a segment is a picture parameter set without a picture."""
    clip = encode(folder / "whole.ts", *_B_FRAMES, sound=True)

    def lengthen(coded: list[Coded]) -> Iterable[Coded]:
        _, pts, dts, _ = coded[-1]
        lone = b"\0\0\0\1\x09\xf0\0\0\0\1\x68\xeb\xe3\xcb\x22\xc0"
        return [*coded, (lone, pts + 7200, dts + 3600, False)]

    return remux(clip, folder / "lone_parameter_set.ts", lengthen)


def _cut_message(folder: Path) -> Path:
    """An SEI message says that it is longer than its NAL unit."""
    clip = encode(folder / "b.mp4", *_B_FRAMES, sound=True)

    def cut(coded: list[Coded]) -> Iterable[Coded]:
        message = bytes([6, 5, 200, 1, 2, 3, 4, 0x80])
        framed = len(message).to_bytes(4) + message
        return [(framed + data if key else data, pts, dts, key) for data, pts, dts, key in coded]

    return remux(clip, folder / "cut_message.mp4", cut)


_OPEN_X264 = "scenecut=0:open-gop=1:keyint=12:min-keyint=12:b-adapt=0:bframes=3"
_OPEN: dict[str, tuple[str, ...]] = {
    "h264": ("-c:v", "libx264", "-x264-params", _OPEN_X264),
    "hevc": ("-c:v", "libx265", "-x265-params", f"{_OPEN_X264}:log-level=0"),
    "mpeg2": ("-c:v", "mpeg2video", "-bf", "2"),
}


def make_open_gop(folder: Path, codec: str, suffix: str) -> Path:
    """A lossless cut: begins with a key frame whose leading pictures miss what they refer to."""
    path = folder / f"open_{codec}{suffix}"
    if not path.exists():
        clip = encode(folder / f"open_{codec}_whole.ts", *_OPEN[codec])

        def cut(coded: list[Coded]) -> Iterable[Coded]:
            keys = [n for n, one in enumerate(coded) if one[3]]
            return coded[keys[1] :]

        later = remux(clip, folder / f"open_{codec}_later.ts", cut)
        shown = ("-avoid_negative_ts", "make_zero", "-use_editlist", "0")
        clips.run("-i", later, "-c", "copy", *(shown if suffix == ".mp4" else ()), path)
    return path


def make_damaged(folder: Path, name: str) -> tuple[Path, Path]:
    """A clip, and the same with one picture of its second group damaged."""
    suffix, options = _DAMAGED[name]
    whole = encode(folder / f"whole_{name}{suffix}", *options)

    def damage(coded: list[Coded]) -> Iterable[Coded]:
        data, pts, dts, key = coded[16]
        third = len(data) // 3
        noise = bytes((at * 97 + 13) % 256 for at in range(2 * third))
        coded[16] = (data[:third] + noise, pts, dts, key)
        return coded

    return whole, remux(whole, folder / f"damaged_{name}{suffix}", damage)


_DAMAGED: dict[str, tuple[str, tuple[str, ...]]] = {
    "mpeg4": (".avi", (*_XVID, "-bf", "0")),
    "mpeg2": (".ts", ("-c:v", "mpeg2video", "-bf", "0")),
    "h264": (".mkv", ("-c:v", "libx264", "-bf", "0", "-coder", "0", "-x264-params", "scenecut=0")),
}


def _edited(folder: Path) -> Path:
    """The first of two edits shows one B frame, as of trimmed recordings of screens.

    FFmpeg shows it before time 0.
    """
    negative = ("-movflags", "+negative_cts_offsets")
    clip = encode(folder / "negative.mov", *_B_FRAMES, *negative, sound=True)
    edits = {"vide": [(0.04, 0.04), (1.6, 0.4)]}
    return clips.make_edited(clip, folder / "edited.mov", edits)


def _edited_twice(folder: Path) -> Path:
    """Two such edits before the last: two frames come before time 0."""
    clip = _edited(folder).with_name("negative.mov")
    edits = {"vide": [(0.04, 0.04), (0.04, 0.16), (1.2, 0.4)]}
    return clips.make_edited(clip, folder / "edited_twice.mov", edits)


def _early_fragments(folder: Path) -> Path:
    """A file in fragments that begins 0.3 s before time 0, sound too."""
    path = folder / "early.mp4"
    clip = encode(folder / "b.mp4", *_B_FRAMES, sound=True)
    clips.run("-i", clip, "-c", "copy", "-output_ts_offset", "-0.3", *FRAGMENTS, path)
    return path


FRAGMENTS = ("-movflags", "+frag_keyframe+empty_moov+delay_moov", "-avoid_negative_ts", "disabled")
"""Options with which ffmpeg writes times before 0 as they are."""


EARLY: dict[str, Callable[[Path], Path]] = {
    "one frame": _edited,
    "two frames": _edited_twice,
    "fragments": _early_fragments,
}
"""Clips that begin before time 0, all with sound."""

ODD: dict[str, tuple[Callable[[Path], Path], set[str]]] = {
    "equal times": (_equal_times, {"times_moved"}),
    "repeated time": (_repeated_time, {"times_moved"}),
    "no offsets": (_no_offsets, {"times_decided", "times_moved"}),
    "last B frame": (_last_b_frame, {"times_decided"}),
    "XviD": (_xvid, set()),
    "MPEG-2 in AVI": (_mpeg2_avi, set()),
    "packed bitstream": (_packed, set()),
    "empty chunks": (_empty_chunks, set()),
    "wrapped clock": (_wrapped, set()),
    "lone parameter set": (_lone_parameter_set, {"packets_without_picture"}),
    "cut message": (_cut_message, set()),
    "early frame": (_edited, {"times_shifted"}),
    "early frames": (_edited_twice, {"times_shifted"}),
    "early fragments": (_early_fragments, {"times_shifted"}),
}
"""For each oddity its maker, and the kinds of notes that tell of it."""


def make_restarted(folder: Path) -> Path:
    """Two recordings of one clock, one behind the other, with sound."""
    return _restarted(folder)


def make_late_avi(folder: Path, *, sound: bool) -> Path:
    """An AVI whose first twelve places are empty: its pictures begin 0.48 s late."""
    whole = encode(folder / f"whole_{sound}.avi", *_XVID, "-bf", "0", sound=sound)
    path = folder / f"late_{sound}.avi"
    with av.open(str(whole)) as source, av.open(str(path), "w") as output:
        copies = {s.index: output.add_stream_from_template(s) for s in source.streams}
        empty = av.Packet(b"")
        empty.stream, empty.time_base, empty.pts, empty.dts = copies[0], _TICK, 0, 0
        output.mux(empty)
        for packet in source.demux():
            if packet.size and packet.dts is not None:
                late = 12 if packet.stream.type == "video" else 0
                packet.pts, packet.dts = None, packet.dts + late
                packet.stream = copies[packet.stream.index]
                output.mux(packet)
    return path


def make_resized(
    folder: Path, sizes: Sequence[str], codec: str = "libvpx", suffix: str = ".webm"
) -> Path:
    """Recordings of several sizes, one behind the other in one track, 25 frames each."""
    path = folder / f"{codec}_{'_'.join(sizes)}{suffix}"
    options = ("-c:v", codec, "-pix_fmt", "yuv420p", "-crf", "8", "-b:v", "1M")
    with av.open(str(path), "w") as output:
        target, begun = None, 0
        for size in sizes:
            part = folder / f"{codec}_{size}{suffix}"
            picture = f"testsrc2=s={size}:r=25:d=1"
            clips.run("-f", "lavfi", "-i", picture, *options, part)
            with av.open(str(part)) as source:
                stream = source.streams.video[0]
                target = target or output.add_stream_from_template(stream)
                for packet in source.demux(stream):
                    if packet.size:
                        tick = packet.time_base
                        packet.pts, packet.dts = (
                            round(begun * _TICK / tick) + t for t in (packet.pts, packet.dts)
                        )
                        packet.stream = target
                        output.mux(packet)
            begun += 25
    return path
