"""Splices copied and newly encoded pictures into one draft, each at its exact time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import av
from av import Packet
from av.container import InputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from redact.media.files import create_file
from redact.media.video.coded_streams import CannotCopy, CodedPicture, CodedStream
from redact.media.video.container import open_media, video_stream
from redact.media.video.encoders import CONTAINERS
from redact.media.video.encoding import container_options
from redact.media.video.media_info import MediaInfo
from redact.media.video.smart_rendering import Copies, open_coded_stream, read_coded_pictures
from redact.media.video.source import VideoSource


@dataclass(frozen=True, slots=True)
class Timestamps:
    """A packet's decoding and presentation time and its duration, in ticks of the time base."""

    dts: int
    pts: int
    duration: int


def splice(
    spliced: Path, encoded: Path, source: VideoSource, copies: Copies, media_info: MediaInfo
) -> None:
    """Write the draft of all frames, in which the first one is at time zero.

    Args:
        spliced: What is written.
        encoded: A draft of the frames that are not copied. Its header also gives rotation, colour
            tags and sample aspect ratio. Where all frames are copied, it holds one blank frame.
        source: Where the other frames are copied from.
        copies: Which frames are copied.
        media_info: Of the source.

    Raises:
        CannotCopy: They do not fit together.
        InputError: One of them cannot be read.
        OSError: There is no space left.
    """
    with open_media(encoded) as container:
        model = video_stream(container, encoded)
        encoded_order = [] if copies.whole else _encoded_order(encoded, copies)
        places = timestamps(_ticks(copies, media_info), _decode_order(copies, encoded_order))
        own = _encoded_stream(container, model, media_info.codec)
        header = copies.stream.header(None if copies.whole else own)
        every = _coded_pictures(encoded, own, source, copies)
        write_pictures(spliced, model, header, places, every, media_info)


def write_pictures(
    draft: Path,
    model: VideoStream,
    header: bytes | None,
    places: Sequence[Timestamps],
    pictures: Iterable[tuple[CodedPicture, bool]],
    media_info: MediaInfo,
) -> None:
    """Write coded pictures to a draft.

    Args:
        draft: What is written.
        model: A stream whose tags, rotation and sample aspect ratio are those of the draft.
        header: Of the pictures; None for that of the model.
        places: When each is decoded and shown.
        pictures: In decoding order, and whether each is a key frame.
        media_info: Of the source.

    Raises:
        OSError: There is no space left.
    """
    with (
        create_file(draft) as file,
        av.open(
            file,
            "w",
            format=CONTAINERS[draft.suffix],
            container_options=container_options(media_info),
        ) as written,
    ):
        stream = written.add_stream_from_template(model, opaque=True)
        if header is not None:
            cast(Any, stream).codec_context.extradata = header
        stream.time_base = media_info.time_base
        for place, (picture, key) in zip(places, pictures, strict=True):
            packet = _packet(picture, place, stream, media_info.time_base)
            packet.is_keyframe = key
            written.mux(packet)


def _encoded_stream(container: InputContainer, model: VideoStream, codec: str) -> CodedStream:
    """The pictures of the encoder's draft."""
    first = next((bytes(packet) for packet in container.demux(model) if packet.size), b"")
    return open_coded_stream(codec, model.codec_context.extradata, first, ours=True)


def _ticks(copies: Copies, media_info: MediaInfo) -> list[int]:
    """Presentation times in ticks, the first at zero, and when the last frame ends."""
    ends = [*copies.times, copies.times[-1] + copies.last_duration]
    ticks = [(time - ends[0]) / media_info.time_base for time in ends]
    if any(tick.denominator != 1 for tick in ticks):
        raise CannotCopy("its times are no whole ticks")
    return [int(tick) for tick in ticks]


def _encoded_order(encoded: Path, copies: Copies) -> list[int]:
    """The index of the frame of each encoded packet, in decoding order."""
    first = copies.times[copies.encoded_runs[0].start]  # with which a draft begins at zero
    place = {time - first: index for index, time in enumerate(copies.times)}
    with open_media(encoded) as container:
        stream = video_stream(container, encoded)
        times = [cast(int, p.pts) * p.time_base for p in container.demux(stream) if p.size]
    found = [place.get(time, -1) for time in times]
    if sorted(found) != [index for run in copies.encoded_runs for index in run]:
        raise CannotCopy("the encoder did not give the frames that it got")
    return found


def _decode_order(copies: Copies, encoded_order: Sequence[int]) -> list[int]:
    """The index of the frame of each packet of the spliced draft, in decoding order."""
    coming = iter(encoded_order)
    found: list[int] = []
    for run, copied in _all_runs(copies):
        part = (
            list(copies.decode_order[run.start : run.stop])
            if copied
            else [next(coming) for _ in run]
        )
        if sorted(part) != list(run):
            raise CannotCopy("a run of frames is not closed")
        found += part
    return found


def _all_runs(copies: Copies) -> list[tuple[range, bool]]:
    """All runs in order, and whether they are copied."""
    both = [(run, True) for run in copies.runs] + [(run, False) for run in copies.encoded_runs]
    return sorted(both, key=lambda item: item[0].start)


def timestamps(ticks: Sequence[int], decode_order: Sequence[int]) -> list[Timestamps]:
    """Timestamps whose decoding times increase and are never later than presentation times.

    Args:
        ticks: When each frame is shown, and when the last one ends.
        decode_order: For each packet, in decoding order, the place of its frame.
    """
    delay = max(at - frame for at, frame in enumerate(decode_order))
    step = min((b - a for a, b in pairwise(ticks)), default=1) or 1
    found = []
    for at, frame in enumerate(decode_order):
        dts = ticks[at - delay] if at >= delay else ticks[0] - (delay - at) * step
        found.append(Timestamps(dts, ticks[frame], ticks[frame + 1] - ticks[frame]))
    return found


def _coded_pictures(
    encoded: Path, own: CodedStream, source: VideoSource, copies: Copies
) -> Iterator[tuple[CodedPicture, bool]]:
    """Every coded picture of the draft in decoding order, and whether it is a keyframe."""
    copied = ((picture, packet.is_keyframe) for _, packet, picture in read_coded_pictures(source))
    encoded_order = _encoded_pictures(encoded, own)
    for run, is_copied in _all_runs(copies):
        for number in range(len(run)):
            old = next(copied)
            picture, key = old if is_copied else next(encoded_order)
            if number == 0 and not picture.starts_group:
                raise CannotCopy("a run of frames does not begin with a picture that stands alone")
            yield picture, key


def _encoded_pictures(encoded: Path, own: CodedStream) -> Iterator[tuple[CodedPicture, bool]]:
    with open_media(encoded) as container:
        for packet in container.demux(video_stream(container, encoded)):
            if packet.size:
                yield own.read(bytes(packet)), packet.is_keyframe


def _packet(
    picture: CodedPicture, place: Timestamps, stream: Stream, base: Fraction
) -> Packet[Stream]:
    packet: Packet[Stream] = Packet(picture.data)
    packet.stream, packet.time_base = stream, base
    packet.dts, packet.pts, packet.duration = place.dts, place.pts, place.duration
    return packet
