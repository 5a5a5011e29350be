"""What the index of an MP4 or MOV file says of its tracks: their formats, and what is played."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

from redact.media.files import open_input

_PARENTS: Final = {b"edts", b"mdia", b"minf", b"stbl", b"trak"}
_MOST_BOXES = 100_000
_MOST_BYTES = 1 << 26
_PLAYS_NOTHING = -1
"""The media time of an edit in which a track is silent."""

_ROUNDING = Fraction(1, 500)
"""Seconds by which the clock of a movie may round the end of a track."""

_DELAYS: Final = {
    "aac": {1024, 2048, 2112, 4224, 5186},
    "ac3": {256},
    "amr_nb": {50},
    "eac3": {256},
    "mp3": {529, 576, 1105},
    "opus": {312, 3840},
}
"""Samples that encoders are known to put before the first one, for edit lists to cut off."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A stretch of a track's media that is played.

    Args:
        place: Seconds of the movie at which it is played.
        start: Seconds of the media at which it begins.
        duration: Seconds that it lasts, None where it goes on to the end of the media.
    """

    place: Fraction
    start: Fraction
    duration: Fraction | None

    @property
    def end(self) -> Fraction | None:
        """Seconds of the media at which it ends, None at the media's own end."""
        return None if self.duration is None else self.start + self.duration


@dataclass(frozen=True, slots=True)
class IsoTrack:
    """One track.

    Args:
        format: Four letters that name its coding.
        scale: Ticks a second of its clock.
        duration: Seconds that its media lasts, None where only its fragments tell.
        edits: What is played, in the order of the movie; None without an edit list.
    """

    format: str
    scale: int
    duration: Fraction | None
    edits: tuple[Edit, ...] | None

    def played_sound(self, codec: str, packet: Fraction) -> tuple[Edit, ...] | None:
        """What is played of a track of sound, None where that is all of it.

        An encoder's delay before the first sample, where the movie begins with it, and what fills
        its last packet are no sound that was cut off: they stay.

        Args:
            codec: The codec's name.
            packet: Seconds that a packet lasts, 0 where packets are of any length.
        """
        if not self.edits:
            return self.edits
        first, *more = self.edits
        if not first.place and first.start * self.scale in _DELAYS.get(codec, ()):
            length = None if first.duration is None else first.start + first.duration
            first = Edit(first.place - first.start, Fraction(0), length)
        found = [self._without_padding(edit, packet) for edit in (first, *more)]
        (only, *more) = found
        return tuple(found) if more or only.start or only.duration is not None else None

    def _without_padding(self, edit: Edit, packet: Fraction) -> Edit:
        if self.duration is None or edit.end is None:
            return edit
        fills = self.duration - edit.end < max(packet, _ROUNDING)
        return replace(edit, duration=None) if fills else edit


@dataclass(slots=True)
class _Boxes:
    """What is read of one track."""

    number: int = 0
    format: str = "unknown"
    scale: int = 0
    ticks: int = 0
    edits: list[tuple[int, ...]] | None = None


@dataclass(slots=True)
class _Index:
    """What is read of a movie: ticks a second of its clock, whether it is in fragments."""

    scale: int = 0
    fragmented: bool = False
    tracks: list[_Boxes] = field(default_factory=list)


def read_iso_tracks(path: Path) -> dict[int, IsoTrack]:
    """The tracks of an ISO file by their numbers; none of any other file.

    Of a file in fragments the edit list counts only as players take it: it says when the media
    begins, not when it ends.
    """
    with open_input(path) as file:
        index = _read_index(file, os.fstat(file.fileno()).st_size)
    return {track.number: _make_track(track, index) for track in index.tracks if track.scale}


def _make_track(track: _Boxes, index: _Index) -> IsoTrack:
    duration = None if index.fragmented else Fraction(track.ticks, track.scale)
    edits = None
    if track.edits is not None and index.scale:
        every = _edits(track, index)
        edits = tuple(edit for edit in every if duration is None or edit.start < duration)
    return IsoTrack(track.format, track.scale, duration, edits)


def _edits(track: _Boxes, index: _Index) -> Iterator[Edit]:
    """What is played; in fragments, from the first edit on to the end."""
    place = Fraction(0)
    for ticks, media_time, *_ in track.edits or ():
        duration, start = Fraction(ticks, index.scale), Fraction(media_time, track.scale)
        to_end = index.fragmented and not (ticks and track.ticks)
        if media_time != _PLAYS_NOTHING and (ticks or to_end):
            yield Edit(place, start, None if to_end else duration)
            if to_end:
                return
        place += duration


def _read_index(file: BinaryIO, size: int) -> _Index:
    index = _Index()
    indices = (box for box in _boxes(file, 0, size) if box[0] == b"moov")
    _, begin, stop = next(indices, (b"", 0, 0))  # of several, players take the first
    for kind, start, end in _walk(file, begin, stop):
        if kind == b"cmov":
            plain = _inflate(file, start, end)
            return _read_index(BytesIO(plain), len(plain))
        if kind == b"trak":
            index.tracks.append(_Boxes())
        elif kind == b"mvhd":
            index.scale = _read_scale(_read(file, start, end))
        elif kind == b"mvex":
            index.fragmented = True
        elif index.tracks and kind in _TRACK_BOXES:
            _note(index.tracks[-1], kind, _read(file, start, end))
    return index


_TRACK_BOXES: Final = {b"elst", b"mdhd", b"stsd", b"stts", b"tkhd"}


def _note(track: _Boxes, kind: bytes, data: bytes) -> None:
    if kind == b"tkhd":
        at = 20 if data[0] else 12
        track.number = int.from_bytes(data[at : at + 4], "big")
    elif kind == b"mdhd":
        track.scale = _read_scale(data)
    elif kind == b"stts":
        track.ticks = sum(count * ticks for count, ticks in _read_rows(data, ">II"))
    elif kind == b"elst":
        track.edits = list(_read_rows(data, ">Qqi" if data[0] else ">Iii"))
    else:
        name = data[12:16].decode("ascii", "replace")
        track.format = name if name.isalnum() else "unknown"


def _walk(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """All boxes of an index, each before those within it."""
    for kind, held, stop in _boxes(file, start, end):
        yield kind, held, stop
        if kind in _PARENTS:
            yield from _walk(file, held, stop)


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind of each box, and where what it holds begins and ends."""
    at, seen = start, 0
    while at + 8 <= end and (seen := seen + 1) < _MOST_BOXES:
        file.seek(at)
        length, kind = struct.unpack(">I4s", file.read(8))
        held = at + 8
        if length == 1:
            length, held = int.from_bytes(file.read(8), "big"), at + 16
        stop = min(end, at + length) if length else end
        if stop < held:
            return
        yield kind, held, stop
        at = stop


def _read(file: BinaryIO, start: int, end: int) -> bytes:
    """What a box holds, and zeros where it is too short."""
    file.seek(start)
    return file.read(min(end - start, _MOST_BYTES)).ljust(32, b"\0")


def _read_scale(data: bytes) -> int:
    """Ticks a second, from the header of a movie or of a track's media."""
    at = 20 if data[0] else 12
    return int.from_bytes(data[at : at + 4], "big")


def _read_rows(data: bytes, row: str) -> Iterator[tuple[int, ...]]:
    """The rows of a table, as many as it says and holds."""
    form = struct.Struct(row)
    count = min(int.from_bytes(data[4:8], "big"), (len(data) - 8) // form.size)
    return form.iter_unpack(data[8 : 8 + count * form.size])


def _inflate(file: BinaryIO, start: int, end: int) -> bytes:
    """The index that an old QuickTime file compresses."""
    for kind, held, stop in _boxes(file, start, end):
        if kind == b"cmvd":
            file.seek(held + 4)
            try:
                return zlib.decompressobj().decompress(file.read(stop - held), _MOST_BYTES)
            except zlib.error:
                return b""
    return b""
