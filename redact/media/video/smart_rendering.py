"""Smart rendering: finds the coded pictures that can be copied, as nothing is hidden in them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from av import Packet
from av.video.stream import VideoStream

from redact.core.geometry import Region
from redact.errors import InputError
from redact.media.video.coded_streams import CannotCopy, CodedPicture, CodedStream
from redact.media.video.container import open_media, video_stream
from redact.media.video.encoders import Choice, choose_encoder
from redact.media.video.h264.stream import H264Stream
from redact.media.video.media_info import MediaInfo
from redact.media.video.source import VideoSource
from redact.media.video.vp9 import Vp9Stream

_CONTAINERS: Final = {
    "h264": ("mp4", "mov", "matroska"),
    "vp9": ("mp4", "matroska", "webm"),
}
"""By codec, the containers that copies are written to, by the names of FFmpeg's muxers."""

_SHORTEST_RUN = 24
"""Shortest run of frames that is worth copying, as the encoder must begin anew behind it."""


@dataclass(frozen=True, slots=True)
class Copies:
    """The frames of a source that are copied.

    Args:
        stream: How the source's coded pictures are read and joined with others.
        times: Seconds at which each frame of the source is shown, ascending.
        last_duration: Seconds for which the last one is shown.
        decode_order: For each packet, in decoding order, the index of its frame.
        runs: Indices of the frames that are copied. Each run consists of closed groups of pictures,
            and none touches another.
    """

    stream: CodedStream
    times: tuple[Fraction, ...]
    last_duration: Fraction
    decode_order: tuple[int, ...]
    runs: tuple[range, ...]

    def __contains__(self, index: int) -> bool:
        at = bisect_right(self.runs, index, key=lambda run: run.start)
        return at > 0 and index in self.runs[at - 1]

    def starts_gap(self, index: int) -> bool:
        """Whether the frame is the first to be encoded at the start or after a copied run."""
        return index not in self and (index == 0 or index - 1 in self)

    @property
    def frames(self) -> int:
        """How many frames are copied."""
        return sum(map(len, self.runs))

    @property
    def whole(self) -> bool:
        """Whether nothing is encoded."""
        return self.frames == len(self.times)

    @property
    def encoded_runs(self) -> tuple[range, ...]:
        """The runs of frames that are encoded, between the copied ones."""
        edges = [0, *(edge for run in self.runs for edge in (run.start, run.stop)), len(self.times)]
        gaps = map(range, edges[::2], edges[1::2])
        return tuple(gap for gap in gaps if gap)


def find_copies(
    output: Path,
    source: VideoSource,
    regions: Callable[[int, Fraction], Sequence[Region]],
    frames: int,
) -> Copies | None:
    """Find the frames of a source that can be copied.

    Returns None where everything must be encoded.

    Args:
        output: Its suffix names the container.
        source: What is redacted.
        regions: From a frame's index and time to what is hidden in it. Called in order.
        frames: How many there are.

    Raises:
        RedactError: Nothing can be written under that name.
    """
    if source.crop is not None or source.is_damaged:
        return None  # what players crop away or do not show is in the coded pictures
    if not _can_copy(choose_encoder(output, source.media_info), source.media_info):
        return None
    try:
        stream, packets = read_packets(source)
    except (CannotCopy, InputError):  # decoding will report what cannot be read
        return None
    times = sorted(packet.time for packet in packets)
    if len(times) != frames or len(set(times)) != frames:
        return None
    place = {time: index for index, time in enumerate(times)}
    decode_order = tuple(place[packet.time] for packet in packets)
    hidden = [bool(regions(index, time)) for index, time in enumerate(times)]
    runs = find_copied_runs(
        find_closed_gops(decode_order, [packet.starts_group for packet in packets]), hidden
    )
    last_duration = next(packet.duration for packet in packets if packet.time == times[-1])
    return Copies(stream, tuple(times), last_duration, decode_order, runs) if runs else None


def _can_copy(choice: Choice, media_info: MediaInfo) -> bool:
    read = media_info.container.startswith(("mov", "matroska"))
    same = media_info.codec == choice.encoder.codec
    written = choice.container in _CONTAINERS.get(media_info.codec, ())
    return read and same and written and not media_info.interlaced


@dataclass(frozen=True, slots=True)
class PacketInfo:
    """What is known of a packet without decoding it, times in seconds."""

    time: Fraction
    duration: Fraction
    starts_group: bool


def read_packets(source: VideoSource) -> tuple[CodedStream, list[PacketInfo]]:
    """The coded pictures of a source, and its packets in decoding order.

    Raises:
        CannotCopy: Something in it is not known, not shown, or would not be copied as it is.
        InputError: The source cannot be read.
    """
    found: list[PacketInfo] = []
    stream: CodedStream | None = None
    for stream, packet, picture in read_coded_pictures(source):  # noqa: B007 - the same each time
        if packet.pts is None:
            raise CannotCopy("a packet has no time")
        base, length = packet.time_base, packet.duration or 0
        found.append(PacketInfo(packet.pts * base, length * base, picture.starts_group))
    if stream is None or not found[0].starts_group:
        raise CannotCopy("it does not begin with a picture that stands alone")
    if stream.size != source.media_info.size:
        raise CannotCopy("its pictures are not as large as it says")
    return stream, found


def read_coded_pictures(
    source: VideoSource,
) -> Iterator[tuple[CodedStream, Packet[VideoStream], CodedPicture]]:
    """Demux a source's video: its stream, and each packet with its coded picture.

    Packets come in decoding order.

    Raises:
        CannotCopy: One holds something that is not known, or is not to be shown.
        InputError: The source cannot be read.
    """
    coded: CodedStream | None = None
    with open_media(source.path, source.identity) as container:
        stream = video_stream(container, source.path)
        for packet in container.demux(stream):
            if not packet.size:
                continue
            if packet.is_discard or packet.is_corrupt or any(packet.iter_sidedata()):
                raise CannotCopy("a packet is not to be shown as it is")
            if coded is None:
                header = stream.codec_context.extradata
                coded = open_coded_stream(source.media_info.codec, header, bytes(packet))
            yield coded, packet, coded.read(bytes(packet))


def open_coded_stream(
    codec: str, header: bytes | None, packet: bytes, *, ours: bool = False
) -> CodedStream:
    """The stream of a codec whose coded pictures can be copied.

    Args:
        codec: A codec that is copied.
        header: The container's header of the stream.
        packet: The first one.
        ours: Whether our encoder wrote it.

    Raises:
        CannotCopy: Something in it is not known.
    """
    return Vp9Stream.open(packet, ours=ours) if codec == "vp9" else H264Stream.open(header)


def find_closed_gops(decode_order: Sequence[int], starts: Sequence[bool]) -> list[range]:
    """Find closed groups of pictures: frames that can be decoded and shown without any other.

    Args:
        decode_order: For each packet, in decoding order, the index of its frame.
        starts: For each packet, whether nothing behind it refers to anything before it.
    """
    found: list[range] = []
    begun = 0
    latest = -1
    for at, frame in enumerate(decode_order):
        if at and starts[at] and latest == at - 1:  # all before it are shown before it
            found.append(range(begun, at))
            begun = at
        latest = max(latest, frame)
    return [*found, range(begun, len(decode_order))]


def find_copied_runs(closed: Sequence[range], hidden: Sequence[bool]) -> tuple[range, ...]:
    """Find the runs of whole groups in which nothing is hidden and that are worth copying.

    Args:
        closed: Closed groups of pictures in order, without gaps.
        hidden: For each frame, whether anything is hidden in it.
    """
    runs: list[range] = []
    for group in closed:
        if any(hidden[group.start : group.stop]):
            continue
        if runs and runs[-1].stop == group.start:
            runs[-1] = range(runs[-1].start, group.stop)
        else:
            runs.append(group)
    return tuple(run for run in runs if len(run) >= _SHORTEST_RUN or len(run) == len(hidden))
