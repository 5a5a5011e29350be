"""Smart rendering: which coded pictures can be copied, since nothing is hidden in them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av import Packet
from av.video.stream import VideoStream

from redact.core.geometry import Region
from redact.errors import InputError
from redact.media.video.container import open_media, video_stream
from redact.media.video.encoders import Choice, choose_encoder
from redact.media.video.h264.decoder_configuration import ParameterSets, read_configuration
from redact.media.video.h264.nal import CannotCopy
from redact.media.video.h264.pictures import CodedPicture, read_picture
from redact.media.video.media_info import MediaInfo
from redact.media.video.source import VideoSource

_CONTAINERS = ("mp4", "mov", "matroska")
"""Containers whose packets and headers are copied, by the names of FFmpeg's muxers."""

_SHORTEST_RUN = 24
"""Frames in a row from which copying pays: the encoder must begin anew behind them."""


@dataclass(frozen=True, slots=True)
class Copies:
    """The frames of a source that are copied.

    Args:
        sets: The source's parameter sets.
        times: Seconds at which each frame of the source is shown, ascending.
        last: Seconds for which the last one is shown.
        order: For each packet, in the order of decoding, which frame it is.
        runs: Indices of the frames that are copied; each run is closed, none touches another.
    """

    parameter_sets: ParameterSets
    times: tuple[Fraction, ...]
    last_duration: Fraction
    decode_order: tuple[int, ...]
    runs: tuple[range, ...]

    def __contains__(self, index: int) -> bool:
        at = bisect_right(self.runs, index, key=lambda run: run.start)
        return at > 0 and index in self.runs[at - 1]

    def starts_gap(self, index: int) -> bool:
        """Whether that frame is the first of those between two copied runs."""
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
        """The runs of frames between the copied ones."""
        edges = [0, *(edge for run in self.runs for edge in (run.start, run.stop)), len(self.times)]
        gaps = map(range, edges[::2], edges[1::2])
        return tuple(gap for gap in gaps if gap)


def find_copies(
    output: Path,
    source: VideoSource,
    regions: Callable[[int, Fraction], Sequence[Region]],
    frames: int,
) -> Copies | None:
    """What is copied of a source, None where everything must be encoded.

    Args:
        output: Its suffix names the container.
        source: What is redacted.
        regions: What is hidden, by a frame's index and time; asked in order.
        frames: How many there are.

    Raises:
        RedactError: Nothing can be written under that name.
    """
    if not _can_copy(choose_encoder(output, source.media_info), source.media_info):
        return None
    try:
        parameter_sets, packets = read_packets(source)
    except (CannotCopy, InputError):  # what cannot be read will be told when it is decoded
        return None
    times = sorted(packet.time for packet in packets)
    if len(times) != frames or len(set(times)) != frames:
        return None
    place = {time: index for index, time in enumerate(times)}
    decode_order = tuple(place[packet.time] for packet in packets)
    hidden = [bool(regions(index, time)) for index, time in enumerate(times)]
    runs = find_copied_runs(
        find_closed_gops(decode_order, [packet.idr for packet in packets]), hidden
    )
    last_duration = next(packet.duration for packet in packets if packet.time == times[-1])
    return Copies(parameter_sets, tuple(times), last_duration, decode_order, runs) if runs else None


def _can_copy(choice: Choice, media_info: MediaInfo) -> bool:
    read = media_info.container.startswith(("mov", "matroska"))
    same = media_info.codec == choice.encoder.codec == "h264"
    return read and same and choice.container in _CONTAINERS and not media_info.interlaced


@dataclass(frozen=True, slots=True)
class PacketInfo:
    """What is known of a packet without decoding it, times in seconds."""

    time: Fraction
    duration: Fraction
    idr: bool


def read_packets(source: VideoSource) -> tuple[ParameterSets, list[PacketInfo]]:
    """The parameter sets of a source, and its packets in the order of decoding.

    Raises:
        Unfit: Something in it is not known, not shown, or would not be copied as it is.
        InputError: The source cannot be read.
    """
    found: list[PacketInfo] = []
    parameter_sets: ParameterSets | None = None
    for parameter_sets, packet, picture in read_coded_pictures(source):  # noqa: B007 - the same each time
        if packet.pts is None:
            raise CannotCopy("a packet has no time")
        base, length = packet.time_base, packet.duration or 0
        found.append(PacketInfo(packet.pts * base, length * base, picture.idr))
    if parameter_sets is None or not found[0].idr:
        raise CannotCopy("it does not begin with a picture that stands alone")
    if parameter_sets.sequence.size != source.media_info.size:
        raise CannotCopy("its pictures are not as large as it says")
    return parameter_sets, found


def read_coded_pictures(
    source: VideoSource,
) -> Iterator[tuple[ParameterSets, Packet[VideoStream], CodedPicture]]:
    """Each packet of a source's video, in the order of decoding, with its picture.

    Raises:
        Unfit: One holds something that is not known, or is not to be shown.
        InputError: The source cannot be read.
    """
    with open_media(source.path, source.identity) as container:
        stream = video_stream(container, source.path)
        parameter_sets = read_configuration(stream.codec_context.extradata)
        for packet in container.demux(stream):
            if not packet.size:
                continue
            if packet.is_discard or packet.is_corrupt or any(packet.iter_sidedata()):
                raise CannotCopy("a packet is not to be shown as it is")
            yield parameter_sets, packet, read_picture(bytes(packet), parameter_sets)


def find_closed_gops(decode_order: Sequence[int], idr: Sequence[bool]) -> list[range]:
    """Closed groups of pictures: which frames can be decoded, and are shown, without any other.

    Args:
        decode_order: For each packet, in decoding order, which frame it is.
        idr: For each, whether decoding can begin there and nothing later refers before it.
    """
    found: list[range] = []
    begun = 0
    latest = -1
    for at, frame in enumerate(decode_order):
        if at and idr[at] and latest == at - 1:  # all before it are shown before it
            found.append(range(begun, at))
            begun = at
        latest = max(latest, frame)
    return [*found, range(begun, len(decode_order))]


def find_copied_runs(closed: Sequence[range], hidden: Sequence[bool]) -> tuple[range, ...]:
    """Runs of whole groups in which nothing is hidden, as far as copying them pays.

    Args:
        closed: Groups in order, without gaps.
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
