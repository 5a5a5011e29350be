"""What a container crops away from its pictures: read from its header, and cut off."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Final

from av import VideoFrame
from av.filter import Graph

from redact.core.geometry import Size
from redact.errors import UnsupportedInputError
from redact.media.files import open_input
from redact.media.video.media_info import MICROSECOND

_MOST_ELEMENTS = 100_000
_EBML: Final = 0x1A45DFA3
_SEGMENT: Final = 0x18538067
_TRACKS, _TRACK, _TRACK_TYPE, _VIDEO = 0x1654AE6B, 0xAE, 0x83, 0xE0
_PIXEL_CROPS: Final = (0x54CC, 0x54BB, 0x54DD, 0x54AA)
"""Left, top, right, bottom."""

_VIDEO_TRACK = 1
_PARENTS: Final = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}
_SAMPLE_ENTRY = 86
"""Bytes of a video's sample entry before the boxes that it holds."""


@dataclass(frozen=True, slots=True)
class Crop:
    """Pixels that players cut off at each side of the stored picture.

    Args:
        left: Of the stored picture, as the others.
        top: Its first lines.
        right: Its last columns.
        bottom: Its last lines.
        shaped_by_track: Whether nothing but the size of the track tells the shape of a pixel. Then
            it is the size of the cropped picture, and FFmpeg takes it for the stored one's.
    """

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0
    shaped_by_track: bool = False

    def size(self, stored: Size) -> Size | None:
        """The size of what is left, None where nothing is."""
        width = stored.width - self.left - self.right
        height = stored.height - self.top - self.bottom
        return Size(width, height) if width > 0 and height > 0 else None

    def aspect(self, told: Fraction | None, stored: Size) -> Fraction | None:
        """The sample aspect ratio of what is left, from what FFmpeg tells."""
        left = self.size(stored)
        if told in {None, 1} or left is None or not self.shaped_by_track:
            return told
        return told * Fraction(stored.width * left.height, stored.height * left.width)


def read_crop(path: Path, track: int, stored: Size) -> Crop | None:
    """How a container crops its video; None where it does not.

    What leaves no picture is ignored, as players do.

    Args:
        path: The file.
        track: The number of its video track, for MP4 and MOV.
        stored: The size of the stored pictures, in pixels.
    """
    with open_input(path) as file:
        head = file.read(8)
        size = os.fstat(file.fileno()).st_size
        if int.from_bytes(head[:4], "big") == _EBML:
            crop = _matroska_crop(file, size)
        elif head[4:].isalnum():
            crop = _iso_crop(file, size, track, stored)
        else:
            return None
    cuts = any((crop.left, crop.top, crop.right, crop.bottom))
    return crop if cuts and crop.size(stored) else None


def check_crop(crop: Crop | None, frame: VideoFrame) -> None:
    """Refuse a cut that would exchange the fields of interlaced pictures.

    Raises:
        UnsupportedInputError: It cuts off an odd number of lines above.
    """
    if crop is not None and frame.interlaced_frame and crop.top % 2:
        raise UnsupportedInputError(
            "its container crops an odd number of lines from interlaced pictures",
            remedy="deinterlace it first",
        )


class Cropper:
    """Cuts frames as the container says.

    Args:
        crop: What is cut off, None for nothing.
    """

    def __init__(self, crop: Crop | None) -> None:
        self._crop = crop
        self._graph: Graph | None = None
        self._shape: tuple[int, int, str] | None = None

    def cut(self, frame: VideoFrame) -> VideoFrame:
        """The visible part of a frame, with everything that the frame says of itself.

        Between two samples of chroma the cut is exact to the pixel in brightness alone.
        """
        if self._crop is None:
            return frame
        shape = (frame.width, frame.height, frame.format.name)
        if self._graph is None or shape != self._shape:
            self._graph, self._shape = _crop_graph(frame, self._crop), shape
        self._graph.vpush(frame)
        return self._graph.vpull()


def _crop_graph(frame: VideoFrame, crop: Crop) -> Graph:
    width, height = crop.left + crop.right, crop.top + crop.bottom
    cut = f"iw-{width}:ih-{height}:{crop.left}:{crop.top}:exact=1"
    return make_graph(frame, ("crop", cut))


def make_graph(frame: VideoFrame, *filters: tuple[str, str]) -> Graph:
    """A graph of FFmpeg's filters, each with its options, for frames of that size and format."""
    graph = Graph()
    graph.link_nodes(
        graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=frame.time_base or MICROSECOND,
        ),
        *(graph.add(name, said) for name, said in filters),
        graph.add("buffersink"),
    ).configure()
    return graph


def _matroska_crop(file: BinaryIO, size: int) -> Crop:
    for start, end in _elements(file, 0, size, _SEGMENT):
        for tracks in _elements(file, start, end, _TRACKS):
            for track in _elements(file, *tracks, _TRACK):
                kinds = [_number(file, *at) for at in _elements(file, *track, _TRACK_TYPE)]
                if _VIDEO_TRACK in kinds:
                    videos = list(_elements(file, *track, _VIDEO))
                    return _pixel_crop(file, videos)
            return Crop()
    return Crop()


def _pixel_crop(file: BinaryIO, videos: list[tuple[int, int]]) -> Crop:
    left, top, right, bottom = (
        sum(_number(file, *at) for video in videos for at in _elements(file, *video, number))
        for number in _PIXEL_CROPS
    )
    return Crop(left, top, right, bottom)


def _elements(file: BinaryIO, start: int, end: int, wanted: int) -> Iterator[tuple[int, int]]:
    """Where each EBML element of that number begins and ends, within another."""
    at = start
    for _ in range(_MOST_ELEMENTS):
        file.seek(at)
        number, length = _variable(file, marked=True), _variable(file, marked=False)
        if number is None or at >= end:
            return
        at = file.tell()
        stop = end if length is None else min(end, at + length)  # unknown: to the end
        if number == wanted:
            yield at, stop
        at = stop


def _variable(file: BinaryIO, *, marked: bool) -> int | None:
    """A number of variable length, with the bit that marks it or without; None for none."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    more = 8 - first[0].bit_length()
    value = int.from_bytes(first + file.read(more), "big")
    mask = (1 << (7 * (more + 1))) - 1
    if marked:
        return value
    return None if value & mask == mask else value & mask


def _number(file: BinaryIO, start: int, end: int) -> int:
    file.seek(start)
    return int.from_bytes(file.read(min(8, end - start)), "big")


def _iso_crop(file: BinaryIO, size: int, track: int, stored: Size) -> Crop:
    here = None
    for kind, start, end in _walk(file, 0, size):
        if kind == b"tkhd":
            file.seek(start)
            head = file.read(24)
            here = int.from_bytes(head[20:24] if head[:1] == b"\1" else head[12:16], "big")
        elif kind == b"stsd" and here == track:
            for _, entry, entry_end in _boxes(file, start + 8, end):
                return _crop_of_entry(file, entry + _SAMPLE_ENTRY - 8, entry_end, stored)
    return Crop()


def _crop_of_entry(file: BinaryIO, start: int, end: int, stored: Size) -> Crop:
    boxes = {kind: (at, stop) for kind, at, stop in _boxes(file, start, end)}
    at, stop = boxes.get(b"clap", (0, 0))
    if stop - at < _CLEAN_APERTURE.size:
        return Crop()
    file.seek(at)
    crop = _clean_aperture(file.read(_CLEAN_APERTURE.size), stored)
    return replace(crop, shaped_by_track=b"pasp" not in boxes)


_CLEAN_APERTURE: Final = struct.Struct(">IIIIiIiI")
"""Width, height, and two offsets: fractions of a pixel."""


def _clean_aperture(data: bytes, stored: Size) -> Crop:
    """From the size of a clean aperture, and how far its centre lies from the picture's."""
    numbers = _CLEAN_APERTURE.unpack(data)
    if 0 in numbers[1::2]:
        return Crop()
    width, height, across, down = (
        Fraction(above, below) for above, below in zip(numbers[::2], numbers[1::2], strict=True)
    )
    left = int((stored.width - width) / 2 + across)
    top = int((stored.height - height) / 2 + down)
    right, bottom = stored.width - left - int(width), stored.height - top - int(height)
    whole = min(left, top, right, bottom) >= 0
    return Crop(left, top, right, bottom) if whole else Crop()


def _walk(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """All boxes down to the tables of samples, each before those within it."""
    for kind, held, stop in _boxes(file, start, end):
        yield kind, held, stop
        if kind in _PARENTS:
            yield from _walk(file, held, stop)


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind of each box, and where what it holds begins and ends."""
    at = start
    for _ in range(_MOST_ELEMENTS):
        file.seek(at)
        head = file.read(16)
        if len(head) < 8 or at + 8 > end:
            return
        length, kind, held = int.from_bytes(head[:4], "big"), head[4:8], at + 8
        if length == 1:
            length, held = int.from_bytes(head[8:16], "big"), at + 16
        stop = min(end, at + length) if length else end
        if stop < held:
            return
        yield kind, held, stop
        at = stop
