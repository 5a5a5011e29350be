"""Parameter sets and packets of H.264: read to the last bit, or refused."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redact.core.geometry import Size
from redact.media.video.coded_streams import CannotCopy
from redact.media.video.h264.decoder_configuration import (
    ParameterSets,
    read_configuration,
    write_configuration,
)
from redact.media.video.h264.nal import nal_types
from redact.media.video.h264.parameter_sets import read_pps, read_sps
from redact.media.video.h264.pictures import read_picture


@cache
def encoded(
    width: int = 64,
    height: int = 48,
    pixels: str = "yuv420p",
    params: str = "",
    colours: tuple[int, int, int, int] = (2, 2, 2, 0),
    shape: Fraction | None = None,
) -> tuple[bytes, tuple[bytes, ...]]:
    """The header of a file, and its packets."""
    with TemporaryDirectory() as folder:
        path = str(Path(folder, "clip.mp4"))
        with av.open(path, "w") as container:
            stream = container.add_stream("libx264", rate=25, options={"x264-params": params})
            context = stream.codec_context
            context.width, context.height, context.pix_fmt = width, height, pixels
            context.color_primaries, context.color_trc = colours[:2]
            context.colorspace, context.color_range = colours[2:]
            if shape is not None:
                context.sample_aspect_ratio = shape
            for _ in range(6):
                frame = av.VideoFrame(width, height, pixels)
                for plane in frame.planes:
                    plane.update(bytes(plane.buffer_size))
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        with av.open(path) as container:
            record = container.streams.video[0].codec_context.extradata
            data = tuple(bytes(p) for p in container.demux(video=0) if p.size)
    assert record is not None
    return record, data


@pytest.mark.parametrize("size", [(64, 48), (66, 50), (1920, 1080), (130, 34)])
@pytest.mark.parametrize(
    ("pixels", "chroma", "depth"),
    [
        ("yuv420p", 1, (8, 8)),
        ("yuv422p", 2, (8, 8)),
        ("yuv444p", 3, (8, 8)),
        ("gray", 0, (8, 8)),
        ("yuv420p10le", 1, (10, 10)),
    ],
)
def test_sequences_are_read(
    size: tuple[int, int], pixels: str, chroma: int, depth: tuple[int, int]
) -> None:
    found = read_configuration(encoded(*size, pixels)[0]).sequence
    assert found.size == Size(*size)
    assert (found.chroma_format, found.bit_depth) == (chroma, depth)
    assert found.vui == (1, 0, 2, 2, 2)


@pytest.mark.parametrize(
    "params",
    [
        "", "nal-hrd=vbr:vbv-maxrate=500:vbv-bufsize=500", "cqm=jvt", "bframes=0:ref=1", "sps-id=7",
        "keyint=1", "weightp=2:8x8dct=1", "8x8dct=0", "cabac=0", "slices=3", "force-cfr=1",
        "videoformat=pal:overscan=show:chromaloc=1", "aud=1:pic-struct=1", "constrained-intra=1",
    ],
)  # fmt: skip
def test_whatever_x264_writes_is_understood(params: str) -> None:
    record, packets = encoded(params=params)
    sets = read_configuration(record)
    assert sets.sequence.size == Size(64, 48)
    assert sets.sequence.id == (7 if "sps-id" in params else 0)
    pictures = [read_picture(packet, sets) for packet in packets]
    assert pictures[0].starts_group
    assert all(nal_types(picture.data) <= {1, 5} for picture in pictures)


def test_meaning_is_read() -> None:
    record, _ = encoded(colours=(9, 16, 9, 2), shape=Fraction(16, 11))
    assert read_configuration(record).sequence.vui == (4, 1, 9, 16, 9)
    record, _ = encoded(shape=Fraction(17, 13))
    assert read_configuration(record).sequence.vui[0] == (17, 13)
    assert read_configuration(encoded(shape=Fraction(1))[0]).sequence.vui == (1, 0, 2, 2, 2)


def sets_of(params: str = "") -> ParameterSets:
    return read_configuration(encoded(params=params)[0])


@pytest.mark.parametrize("rest", [b"\x01", b"canary", b"\x80", b"\0\0\x03\x01"])
def test_nothing_rides_behind_a_parameter_set(rest: bytes) -> None:
    sets = sets_of()
    with pytest.raises(CannotCopy):
        read_sps(sets.sequence.unit + rest)
    with pytest.raises(CannotCopy):
        read_pps(sets.pictures[0] + rest, sets.sequence)


@pytest.mark.parametrize("params", ["interlaced=1", "fake-interlaced=1"])
def test_fields_are_refused(params: str) -> None:
    with pytest.raises(CannotCopy, match="fields"):
        sets_of(params)


def test_a_header_of_two_streams_holds_both() -> None:
    one, other = sets_of(), sets_of("sps-id=3:cabac=0")
    record = write_configuration([one, other])
    assert record.count(one.sequence.unit) == 1
    assert record.count(other.sequence.unit) == 1
    assert all(unit in record for s in (one, other) for unit in s.pictures.values())
    alone = write_configuration([one])
    assert read_configuration(alone) == one


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"params": "ref=1"}, "share a number"),
        ({"params": "sps-id=3", "width": 80}, "something else"),
        ({"params": "sps-id=3", "pixels": "yuv422p"}, "something else"),
        ({"params": "sps-id=3", "colours": (1, 1, 1, 1)}, "something else"),
        ({"params": "sps-id=3", "shape": Fraction(4, 3)}, "something else"),
    ],
)
def test_streams_that_do_not_fit_are_not_joined(other: dict[str, object], words: str) -> None:
    with pytest.raises(CannotCopy, match=words):
        write_configuration([sets_of(), read_configuration(encoded(**other)[0])])  # type: ignore[arg-type]


RECORD, PACKETS = encoded(params="slices=2:nal-hrd=vbr:vbv-maxrate=500:vbv-bufsize=500")


@given(st.integers(0, 8 * len(RECORD) - 1), st.integers(0, len(RECORD)))
def test_damaged_headers_are_refused_or_read(bit: int, end: int) -> None:
    data = bytearray(RECORD)
    data[bit // 8] ^= 1 << bit % 8
    for record in (bytes(data), RECORD[:end], bytes(data[:end])):
        try:
            read_configuration(record)
        except CannotCopy:
            continue


@given(st.data())
def test_damaged_packets_are_refused_or_cleaned(data: st.DataObject) -> None:
    packet = bytearray(data.draw(st.sampled_from(PACKETS)))
    for _ in range(data.draw(st.integers(1, 4))):
        packet[data.draw(st.integers(0, len(packet) - 1))] = data.draw(st.integers(0, 255))
    del packet[data.draw(st.integers(0, len(packet))) :]
    try:
        found = read_picture(bytes(packet), read_configuration(RECORD))
    except CannotCopy:
        return
    assert nal_types(found.data) <= {1, 5}


def test_an_empty_header_is_refused() -> None:
    for record in (None, b"", b"\0\0\0\1\x67", RECORD[:9]):
        with pytest.raises(CannotCopy):
            read_configuration(record)
