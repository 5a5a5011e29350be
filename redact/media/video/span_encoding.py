"""Encodes the frames of a video in spans, each by an encoder of its own, and joins them to a draft.

Nothing in a span refers to anything outside of it. So a span is the same whoever encodes it, and on
whatever machine, if its encoder has one thread.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from redact.core.frames import Frame
from redact.errors import EngineError, InputError
from redact.media.video.coded_streams import CannotCopy, CodedPicture, CodedStream
from redact.media.video.container import open_media, video_stream
from redact.media.video.encoders import Choice
from redact.media.video.encoding import open_encoder
from redact.media.video.media_info import MediaInfo
from redact.media.video.seeking import FrameIndex, index_frames
from redact.media.video.smart_rendering import Copies, open_coded_stream
from redact.media.video.source import VideoSource
from redact.media.video.splicing import timestamps, write_pictures

_ENCODERS: Final = ("libx264", "libvpx-vp9")
"""Those whose pictures can be joined, by FFmpeg's names."""

THREADS = 1
"""Of each encoder whose span others may encode: x264 writes other bytes for every number, and even
other bytes every time with several and a maximum bit rate."""

LEAST = 24
"""Frames of a span, but for the last one."""


@dataclass(frozen=True, slots=True)
class SpanFrames:
    """Which frames are encoded in one span.

    Args:
        number: By the time of its first frame.
        indices: Of the frames, ascending.
        groups: Places among them that begin a closed group of pictures, 0 the first.
    """

    number: int
    indices: tuple[int, ...]
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EncodedSpan:
    """A span that was encoded, and read again.

    Args:
        path: Its draft, in which the first frame is at time zero.
        ticks: When each of its frames is shown, in ticks of the source.
        order: For each packet, in decoding order, the place of its frame.
        last_duration: Ticks for which the last frame is shown.
    """

    path: Path
    ticks: tuple[int, ...]
    order: tuple[int, ...]
    last_duration: int


@dataclass(frozen=True, slots=True)
class EncodedSpans:
    """All frames of a video that are not copied.

    Args:
        spans: In order.
        times: Seconds at which each frame of the video is shown, copied or not.
    """

    spans: tuple[EncodedSpan, ...]
    times: tuple[Fraction, ...]


def index_for_spans(
    source: VideoSource,
    choice: Choice,
    frames: int,
    first: Fraction | None,
    last: Fraction | None,
) -> FrameIndex | None:
    """Where the frames of a source are; None if it cannot be encoded in spans.

    Args:
        source: Was read from its start to its end.
        choice: What it is encoded with.
        frames: How many there are.
        first: The time of the first, in seconds.
        last: The time of the last.

    Raises:
        InputError: The source cannot be read.
    """
    alpha = choice.pixel_format.startswith("yuva")
    if choice.encoder.name not in _ENCODERS or alpha or source.media_info.interlaced:
        return None
    if source.is_damaged or source.has_own_times:  # only reading it from the start tells
        return None
    index = index_frames(source, frames, first, last)
    return index if index is not None and index.clock == source.media_info.time_base else None


def divide(index: FrameIndex, copies: Copies | None, seconds: int) -> list[SpanFrames]:
    """Divide the frames that are encoded into spans, by their times.

    No span but the last one is shorter than `LEAST` frames, or ends with a frame that must begin a
    group: two key frames in a row would have the same `idr_pic_id` in H.264.

    Args:
        index: All frames.
        copies: Which of them are copied.
        seconds: How long a span is.
    """
    length = seconds / index.clock
    spans: list[tuple[int, list[int], list[int]]] = []
    for frame, tick in enumerate(index.ticks):
        if copies is not None and frame in copies:
            continue
        number = (tick - index.ticks[0]) * length.denominator // length.numerator
        if not spans or (number > spans[-1][0] and _may_end(*spans[-1][1:])):
            spans.append((number, [], []))
        _, indices, groups = spans[-1]
        if not indices or (copies is not None and copies.starts_gap(frame)):
            groups.append(len(indices))
        indices.append(frame)
    return [SpanFrames(number, tuple(frames), tuple(groups)) for number, frames, groups in spans]


def _may_end(indices: Sequence[int], groups: Sequence[int]) -> bool:
    return len(indices) >= LEAST and groups[-1] != len(indices) - 1


def encode_span(
    draft: Path,
    frames: Iterable[Frame],
    ticks: Sequence[int],
    groups: Collection[int],
    choice: Choice,
    media_info: MediaInfo,
    threads: int,
) -> Iterator[int]:
    """Encode one span into a draft; gives how many frames are done, after each.

    Its last picture is no key frame, if it has more than one: see `divide`.

    Args:
        draft: Complete when all was given.
        frames: Those of the span, hidden.
        ticks: When each is shown.
        groups: Places that begin a closed group of pictures.
        choice: The encoder.
        media_info: Of the source.
        threads: The encoder's; 0 for as many as there are processors.

    Raises:
        EngineError: The encoder failed, or not as many frames came.
        OSError: There is no space left.
    """
    done, last = 0, len(ticks) - 1
    with open_encoder(draft, choice, media_info, threads) as work:
        for place, frame in enumerate(frames):
            work.encode(frame, new_gop=place in groups, predicted=place == last)
            done += 1
            yield done
        if done != len(ticks):
            raise EngineError(f"{done} frames came instead of {len(ticks)}")


def encode_model(draft: Path, choice: Choice, media_info: MediaInfo) -> CodedStream:
    """Encode one blank frame as spans are encoded: what their headers must be.

    Raises:
        CannotCopy: Our own encoder wrote something that is not known.
        EngineError: The encoder failed.
        OSError: There is no space left.
    """
    with open_encoder(draft, choice, media_info, THREADS) as work:
        work.encode_blank(choice, media_info)
    with open_media(draft) as container:
        stream = video_stream(container, draft)
        first = next(bytes(packet) for packet in container.demux(stream) if packet.size)
        header = stream.codec_context.extradata
        return open_coded_stream(choice.encoder.codec, header, first, ours=True)


def read_span(
    path: Path, ticks: Sequence[int], clock: Fraction, codec: str, model: CodedStream
) -> EncodedSpan:
    """A span that somebody encoded, if it is one, and complete.

    Args:
        path: Its draft.
        ticks: When each of its frames is shown.
        clock: Seconds of a tick.
        codec: Of its pictures.
        model: Of one with the same header.

    Raises:
        CannotCopy: It is something else.
        InputError: It cannot be read.
    """
    if path.is_symlink():
        raise CannotCopy("this is a link")
    places = {(tick - ticks[0]) * clock: place for place, tick in enumerate(ticks)}
    order: list[int] = []
    duration = Fraction(0)
    for at, time, length, picture, _ in _read(path, codec, model):
        if at == 0 and not picture.starts_group:
            raise CannotCopy("it does not begin with a picture that stands alone")
        order.append(places.get(time, -1))
        if order[-1] == len(ticks) - 1:
            duration = length
    if sorted(order) != list(range(len(ticks))):
        raise CannotCopy("its frames are not those of the span")
    return EncodedSpan(path, tuple(ticks), tuple(order), max(1, round(duration / clock)))


def _read(
    path: Path, codec: str, model: CodedStream
) -> Iterator[tuple[int, Fraction, Fraction, CodedPicture, bool]]:
    """Packets in decoding order: number, time, seconds shown, picture, whether it is a key frame.

    Raises:
        CannotCopy: One holds something that is not known, or their header is not the model's.
        InputError: The file cannot be read.
    """
    own: CodedStream | None = None
    with open_media(path) as container:
        stream = video_stream(container, path)
        packets = (packet for packet in container.demux(stream) if packet.size)
        for at, packet in enumerate(packets):
            if packet.pts is None or packet.is_corrupt or any(packet.iter_sidedata()):
                raise CannotCopy("a packet holds more or less than a picture")
            data, base = bytes(packet), packet.time_base
            if own is None:
                own = open_coded_stream(codec, stream.codec_context.extradata, data, ours=True)
                if own != model:
                    raise CannotCopy("it was encoded with other choices")
            length = (packet.duration or 0) * base
            yield at, packet.pts * base, length, own.read(data), packet.is_keyframe


def join_spans(
    joined: Path, spans: Sequence[EncodedSpan], choice: Choice, media_info: MediaInfo
) -> None:
    """Join spans to the draft that one encoder would have written.

    Args:
        joined: What is written; a file beside it is used and removed.
        spans: In order.
        choice: What they were encoded with.
        media_info: Of the source.

    Raises:
        EngineError: They are not what they were, or the encoder failed.
        OSError: There is no space left.
    """
    blank, codec = joined.with_name(f"blank{joined.suffix}"), choice.encoder.codec
    ticks = [tick - spans[0].ticks[0] for span in spans for tick in span.ticks]
    order: list[int] = []
    for span in spans:
        begin = len(order)
        order += [begin + place for place in span.order]
    places = timestamps([*ticks, ticks[-1] + spans[-1].last_duration], order)
    try:
        model = encode_model(blank, choice, media_info)
        pictures = (
            (picture, key) for span in spans for *_, picture, key in _read(span.path, codec, model)
        )
        with open_media(blank) as container:
            like = video_stream(container, blank)
            write_pictures(joined, like, None, places, pictures, media_info)
    except (CannotCopy, InputError, ValueError) as error:
        raise EngineError(f"a span has changed meanwhile: {error}", joined) from error
    blank.unlink()
