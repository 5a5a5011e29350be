"""VP9, as far as copying needs it: what is not known to be one shown picture is not copied."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from itertools import count
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redact.core.geometry import Size
from redact.errors import VerificationError
from redact.media.video import vp9
from redact.media.video.coded_streams import CannotCopy
from redact.media.video.vp9 import Vp9Format, Vp9Stream

OPTIONS = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "auto-alt-ref": "0"}
SIZE = Size(64, 48)


def encode(pixels: str = "yuv420p", size: Size = SIZE, frames: int = 12) -> list[bytes]:
    """The packets of a moving pattern, with a key frame in every six."""
    context = av.CodecContext.create("libvpx-vp9", "w")
    context.width, context.height, context.pix_fmt = size.width, size.height, pixels
    options = {**OPTIONS, "profile": "0" if pixels == "yuv420p" else "1"}
    context.time_base, context.options, context.gop_size = Fraction(1, 25), options, 6
    across = np.arange(size.width, dtype=np.uint8)
    made = []
    for number in range(frames):
        row = np.tile((across * 3 + number * 9).astype(np.uint8), (size.height, 1))
        frame = av.VideoFrame.from_ndarray(row, format="gray").reformat(format=pixels)
        frame.pts = number
        made += [bytes(packet) for packet in context.encode(frame)]
    return made + [bytes(packet) for packet in context.encode(None)]


@cache
def recorded() -> tuple[bytes, ...]:
    return tuple(encode())


def bit(packet: bytes, number: int) -> bytes:
    """The packet with one bit of its header the other way."""
    return bytes([packet[0] ^ 0x80 >> number]) + packet[1:]


def test_pictures_and_groups_are_known() -> None:
    packets = recorded()
    stream = Vp9Stream.open(packets[0])
    assert stream.size == Size(64, 48)
    read = [stream.read(packet) for packet in packets]
    assert [one.data for one in read] == list(packets)
    assert [n for n, one in enumerate(read) if one.starts_group] == [0, 6]


@pytest.mark.parametrize(
    ("pixels", "profile", "depth", "chroma"),
    [
        ("yuv420p", 0, 8, (2, 2)),
        ("yuv422p", 1, 8, (2, 1)),
        ("yuv444p", 1, 8, (1, 1)),
    ],
)
def test_formats_are_read(pixels: str, profile: int, depth: int, chroma: tuple[int, int]) -> None:
    found = Vp9Stream.open(encode(pixels, Size(50, 34), 1)[0]).format
    assert found == Vp9Format(profile, depth, found.colours, chroma, Size(50, 34))


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        ("01 0 0 1 0 {sync} 0 010 0 {size} 0", Vp9Format(2, 10, (2, 0), (2, 2), SIZE)),
        ("01 0 0 1 0 {sync} 1 010 1 {size} 0", Vp9Format(2, 12, (2, 1), (2, 2), SIZE)),
        ("11 0 0 0 1 0 {sync} 1 010 0 0 1 0 {size} 0", Vp9Format(3, 12, (2, 0), (1, 2), SIZE)),
        ("11 0 0 0 1 0 {sync} 0 111 0 {size} 0", Vp9Format(3, 10, (7, 1), (1, 1), SIZE)),
        ("10 0 0 1 0 {sync} 111 0 {size} 0", Vp9Format(1, 8, (7, 1), (1, 1), SIZE)),
    ],
)
def test_headers_of_more_bits_are_read(bits: str, expected: Vp9Format) -> None:
    assert Vp9Stream.open(header(bits)).format == expected


def header(bits: str) -> bytes:
    """The header of a key frame behind its marker, with the usual sync code and size."""
    sync, size = f"{0x498342:024b}", f"{SIZE.width - 1:016b}{SIZE.height - 1:016b}"
    every = "10" + bits.format(sync=sync, size=size).replace(" ", "")
    return int(every.ljust(200, "0"), 2).to_bytes(25)


@pytest.mark.parametrize(
    ("bits", "words"),
    [
        ("11 1 0 0 1 0 {sync} 0 010 0 {size} 0", "profile is not known"),
        ("00 0 0 1 0 010010011000001101000011 010 0 {size} 0", "no picture"),
        ("00 0 0 1 0 {sync} 010 0 {size} 1", "larger than what is shown"),
        ("00 0 1 1 0", "does not begin"),
    ],
)
def test_what_is_not_known_is_not_copied(bits: str, words: str) -> None:
    with pytest.raises(CannotCopy, match=words):
        Vp9Stream.open(header(bits))


def test_a_picture_that_is_not_shown_is_not_copied() -> None:
    stream = Vp9Stream.open(recorded()[0])
    shown = 6  # its bit: behind marker (2), profile (2), shown again and kind
    for packet in recorded():
        with pytest.raises(CannotCopy, match="not shown"):
            stream.read(bit(packet, shown))


def test_several_pictures_in_a_packet_are_not_copied() -> None:
    first, second = recorded()[0], recorded()[1]
    mark = bytes([0b11001001])  # two pictures, their lengths in two bytes each
    lengths = b"".join(len(frame).to_bytes(2, "little") for frame in (first, second))
    both = first + second + mark + lengths + mark
    with pytest.raises(CannotCopy, match="more or less than one picture"):
        Vp9Stream.open(first).read(both)
    assert Vp9Stream.open(first, ours=True).read(both).data == both


def test_an_index_of_one_picture_goes_and_nothing_rides_behind_it() -> None:
    stream, frame = Vp9Stream.open(recorded()[0]), recorded()[1]
    mark = bytes([0b11001000])  # one picture, its length in two bytes
    index = mark + len(frame).to_bytes(2, "little") + mark
    assert stream.read(frame + index).data == frame
    with pytest.raises(CannotCopy, match="more than its pictures"):
        stream.read(frame + b"canary" + index)


def test_a_picture_that_is_shown_again_is_not_copied() -> None:
    with pytest.raises(CannotCopy, match="shown again"):
        Vp9Stream.open(recorded()[0]).read(bytes([0b10001000]))


def test_a_stream_that_changes_is_not_copied() -> None:
    stream = Vp9Stream.open(recorded()[0])
    for other in (encode(size=Size(80, 48)), encode("yuv444p")):
        with pytest.raises(CannotCopy, match="change on the way"):
            stream.read(other[0])
        with pytest.raises(CannotCopy, match="something else"):
            stream.header(Vp9Stream.open(other[0]))
        with pytest.raises(CannotCopy):
            Vp9Stream.open(other[1])
    assert stream.header(None) is None
    assert stream.header(Vp9Stream.open(recorded()[0], ours=True)) is None


def test_a_predicted_picture_of_another_size_is_not_copied() -> None:
    context = Vp9Stream.open(recorded()[0])
    other = Vp9Stream(Vp9Format(0, 8, context.format.colours, (2, 2), Size(64, 50)))
    frame = bytearray(recorded()[1])
    # marker, profile, shown again, kind, shown, resilient: 8 bits; reset 2, refresh 8,
    # references 12; then one bit for each reference that gives the size
    number = int.from_bytes(frame[:16])
    place = 128 - 8 - 2 - 8 - 12 - 1
    assert number >> place & 1, "the size is that of the first reference"
    explicit = number & ~(0b111 << place - 2)
    with pytest.raises(CannotCopy, match="change on the way"):
        other.read(explicit.to_bytes(16) + bytes(frame[16:]))


@given(st.data())
def test_damage_is_refused_or_read(data: st.DataObject) -> None:
    packets = recorded()
    stream = Vp9Stream.open(packets[0])
    packet = bytearray(data.draw(st.sampled_from(packets)))
    for _ in range(data.draw(st.integers(1, 4))):
        packet[data.draw(st.integers(0, min(20, len(packet) - 1)))] = data.draw(st.integers(0, 255))
    del packet[data.draw(st.integers(0, len(packet))) :]
    for read in (stream.read, Vp9Stream.open):
        try:
            read(bytes(packet))
        except CannotCopy:
            continue


def test_what_was_copied_is_compared_whatever_its_sides(tmp_path: Path) -> None:
    """A recorded screen may be 1139 pixels wide."""
    size = Size(67, 45)
    packets = encode(size=size)
    path = tmp_path / "odd.webm"
    with av.open(path, "w") as container:
        stream = container.add_stream("libvpx-vp9", 25)
        stream.width, stream.height = size.width, size.height
        for number, data in enumerate(packets):
            packet = av.Packet(data)
            packet.pts = packet.dts = number
            packet.time_base, packet.stream = Fraction(1, 25), stream
            packet.is_keyframe = number % 6 == 0
            container.mux(packet)
    Vp9Stream.open(packets[0]).check_written(path)
    numbers = count()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vp9, "digest_samples", lambda _: str(next(numbers)))
        with pytest.raises(VerificationError, match="different pictures"):
            Vp9Stream.open(packets[0]).check_written(path)
