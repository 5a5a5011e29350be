"""The packets of a video in decoding order: numbered, and what each of them promises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, takewhile
from pathlib import Path
from typing import Any, cast

from av import Packet, VideoFrame
from av.container import InputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from redact.errors import UnreadableInputError, UnsupportedInputError
from redact.media.video.container import open_media, video_stream
from redact.media.video.media_info import MICROSECOND
from redact.media.video.nal_units import nal_format

_ANNOUNCE_DURATION = ("mov", "matroska", "avi", "asf", "flv")
"""Containers whose header tells the duration; of others it is guessed from what is there."""

_ONE_FRAME_PER_PACKET = {
    "av1", "dnxhd", "dvvideo", "ffv1", "h264", "hevc", "mjpeg", "mpeg2video", "prores", "vp9",
}  # fmt: skip
"""Codecs in which each packet that is to be shown gives one frame, or a field of it."""

_SLACK = Fraction(1, 2)
"""Seconds by which a header may promise more than comes: rounding, and silence at the end."""


@dataclass(frozen=True, slots=True)
class CodedPicture:
    """What is known of a packet before it is decoded.

    Args:
        group: Counts the key frames so far; 0 before the first.
        key: Whether it is a key frame.
        leading: Whether it is decoded after the key frame of its group, and shown before it.
        shown: Whether it is to be shown: an edit list may cut it off.
    """

    group: int
    key: bool
    leading: bool
    shown: bool

    @property
    def expected(self) -> bool:
        """Whether a decoder that begins with the first packet can show it."""
        return self.shown and self.complete

    @property
    def complete(self) -> bool:
        """Whether all that it refers to can be there.

        What comes before the first key frame, or is shown before it, may refer to what is not
        there: recordings and lossless cuts begin so.
        """
        return self.group > 0 and not (self.leading and self.group == 1)


@dataclass(frozen=True, slots=True)
class _Ticket:
    """What a packet hands to its frame; PyAV knows it by its address, so each has its own."""

    number: int


class PacketReader:
    """Demuxes a container once.

    A packet without a picture, such as a lone parameter set, is put before the next one: decoders
    take it for damage.

    Args:
        container: Open, at its start.
        stream: The pictures.
        path: For messages.

    Attributes:
        pictures: What came so far.
        first_time: The decoding time of the first picture, in ticks; None if it has none.
        without_picture: How many packets held none.
    """

    def __init__(self, container: InputContainer, stream: VideoStream, path: Path) -> None:
        self.container = container
        self.stream = stream
        self._path = path
        codec = stream.codec_context
        self._format = nal_format(codec.codec.canonical_name, codec.extradata)
        self._key_time: int | None = None
        self.first_time: int | None = None
        self._end = Fraction(0)
        self._places = 0
        self._longest_gap = 0
        self._decoded: set[int] = set()
        self._frames = 0
        self._has_fields = False
        self._leading: dict[int, set[int]] = {}
        self.pictures: list[CodedPicture] = []
        self.without_picture = 0

    def packets(self) -> Iterator[Packet[VideoStream]]:
        """Each packet of the video, marked with its index in `pictures`; an empty one at the end.

        Raises:
            UnreadableInputError: The container is damaged.
        """
        waiting = b""
        for packet in self.container.demux():
            self._note_end(packet)
            if packet.stream is not self.stream:
                continue
            video = cast("Packet[VideoStream]", packet)
            if not packet.size:
                yield video
            elif self._format is not None and not self._format.has_picture(bytes(packet)):
                self.without_picture += 1
                waiting += bytes(packet)
            else:
                if waiting and not packet.is_discard:
                    video, waiting = with_data(video, waiting + bytes(video)), b""
                mark(video, len(self.pictures))
                self._add(video)
                yield video

    def _add(self, packet: Packet[VideoStream]) -> None:
        if not self.pictures:
            self.first_time = packet.dts
        group = self.pictures[-1].group if self.pictures else 0
        if packet.is_keyframe:
            group, self._key_time = group + 1, packet.pts
        leading = not packet.is_keyframe and self._is_leading(packet, group)
        if leading:
            self._leading.setdefault(group, set()).add(len(self.pictures))
        self.pictures.append(
            CodedPicture(group, packet.is_keyframe, leading, not packet.is_discard)
        )
        if packet.dts is not None:
            self._longest_gap = max(self._longest_gap, packet.dts - self._places)
            self._places = max(self._places, packet.dts + 1)

    def _is_leading(self, packet: Packet[VideoStream], group: int) -> bool:
        """Whether a picture is shown before the key frame of its group.

        At the start of a cut some writers leave out the times of those that nobody can show.
        """
        if self._key_time is None:
            return False
        if packet.pts is None:
            last = self.pictures[-1]
            return group == 1 and (last.key or last.leading)
        return packet.pts < self._key_time

    def _note_end(self, packet: Packet[Stream]) -> None:
        time = packet.dts if packet.pts is None else packet.pts
        if time is not None and packet.time_base:
            end = (time + (packet.duration or 0)) * packet.time_base
            self._end = max(self._end, end)

    def number_of(self, item: Packet[VideoStream] | VideoFrame) -> int:
        """The index in `pictures` of a packet, or of the one that gave a frame.

        It is the last packet's where a decoder does not tell.
        """
        ticket = item.opaque
        return ticket.number if isinstance(ticket, _Ticket) else len(self.pictures) - 1

    def note_frame(self, frame: VideoFrame) -> None:
        """Remember that a packet gave this frame."""
        self._decoded.add(self.number_of(frame))
        self._frames += 1
        self._has_fields |= frame.interlaced_frame

    def lacks_leading(self, group: int) -> bool:
        """Whether a leading picture of that group gave no frame, so far."""
        return not self._leading.get(group, set()) <= self._decoded

    def missing(self) -> int:
        """How many pictures gave no frame although a decoder should show them."""
        return self._without_frame(n for n, picture in enumerate(self.pictures) if picture.expected)

    def lost(self) -> int:
        """How many pictures that are to be shown gave no frame, whatever the reason."""
        return self._without_frame(n for n, picture in enumerate(self.pictures) if picture.shown)

    def _without_frame(self, wanted: Iterable[int]) -> int:
        if self.stream.codec_context.codec.canonical_name not in _ONE_FRAME_PER_PACKET:
            return 0
        missing = sum(number not in self._decoded for number in wanted)
        return max(0, missing - self._frames) if self._has_fields else missing  # pairs share one

    def check_complete(self) -> None:
        """Compare what came with what the container promised.

        Raises:
            UnreadableInputError: Something is missing.
        """
        announced = announced_packets(self.container, self.stream)
        come = len(self.pictures) + self.without_picture
        if self.container.format.name == "avi":
            again = max(self._longest_gap, _empty_at_end(self.stream))  # the last picture again
            come = max(come, self._places + again)
        if announced is not None and come < announced:
            raise self._incomplete(f"{announced} frames are announced, but only {come} come")
        if self.container.format.name.startswith(_ANNOUNCE_DURATION):
            self._check_duration()

    def _check_duration(self) -> None:
        start = Fraction(self.container.start_time or 0) * MICROSECOND
        if self.container.format.name.startswith("matroska"):
            start = min(start, Fraction(0))  # its duration may be the time at which it ends
        announced = Fraction(self.container.duration or 0) * MICROSECOND
        come = self._end - start
        if announced - come > max(_SLACK, announced / 50):
            raise self._incomplete(
                f"{float(announced):.1f} s are announced, but only {float(come):.1f} s come"
            )

    def _incomplete(self, problem: str) -> UnreadableInputError:
        return UnreadableInputError(problem, self._path, "try another copy of it")


def mark(packet: Packet[VideoStream], number: int) -> None:
    """Let whatever is decoded from the packet bear that number."""
    packet.opaque = _Ticket(number)


def with_data(packet: Packet[VideoStream], data: bytes) -> Packet[VideoStream]:
    """A packet like that one with other bytes, not marked."""
    made: Packet[Any] = Packet(data)
    made.pts, made.dts, made.time_base = packet.pts, packet.dts, packet.time_base
    made.duration = packet.duration
    made.is_keyframe, made.is_corrupt = packet.is_keyframe, packet.is_corrupt
    return made


def _empty_at_end(stream: VideoStream) -> int:
    """How many empty chunks an AVI's index ends with."""
    entries = reversed(list(stream.index_entries))
    return sum(1 for _ in takewhile(lambda entry: not entry.size, entries))


def announced_packets(container: InputContainer, stream: VideoStream) -> int | None:
    """How many video packets the container's index lists, None where it has none."""
    if container.format.name.startswith("mov"):
        return len(stream.index_entries) or None  # already without what an edit list cuts off
    return announced_frames(container, stream)


def announced_frames(container: InputContainer, stream: VideoStream) -> int | None:
    """How many frames the container says are to be shown, None where it does not."""
    if container.format.name.startswith("mov"):
        return sum(not entry.is_discard for entry in stream.index_entries) or None
    if container.format.name.startswith("avi"):
        return stream.frames or None
    return None


def first_packet_time(path: Path, index: int) -> Fraction:
    """Seconds at which the first packet of a stream is played, an encoder's priming included.

    Raises:
        InputError: The file is damaged.
        UnsupportedInputError: None of its packets has a time.
    """
    with open_media(path) as container:
        for packet in container.demux(container.streams[index]):
            if packet.size and packet.pts is not None:
                return packet.pts * packet.time_base
    raise UnsupportedInputError("nothing says when its sound begins", path, "try --audio drop")


def first_times(path: Path) -> list[Fraction]:
    """Presentation times of the first packets that are to be shown, in seconds, ascending."""
    with open_media(path) as container:
        packets = islice(container.demux(video_stream(container, path)), _FIRST_PACKETS)
        shown = [p for p in packets if p.size and p.pts is not None and not p.is_discard]
        if container.format.name != "avi":
            return sorted(Fraction(p.pts or 0) * p.time_base for p in shown)
        places = [Fraction(p.dts or 0) * p.time_base for p in shown]
        late = Fraction(0) if container.streams.audio or not places else places[0]
        return [place - late for place in places]


_FIRST_PACKETS = 100
"""Packets that tell what times a source has."""
