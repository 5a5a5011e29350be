"""What a result must keep of its source: what the container and the first frame say."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

from av import VideoFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.subtitles.stream import SubtitleStream
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from redact.core.frames import Colour
from redact.core.geometry import Size, Turn
from redact.media.video.iso_tracks import Edit, IsoTrack
from redact.media.video.picture import DecodedPicture, side_data
from redact.media.video.sound_headers import plain_header

MICROSECOND = Fraction(1, 1_000_000)


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """One audio stream of the source.

    Args:
        index: Its stream index in the container.
        codec: Its codec's name.
        start: Seconds at which it begins, None where unknown.
        rate: Samples per second, 0 where nobody can decode it.
        channels: How many.
        default: Whether players choose it unasked.
        language: ISO 639 code, None where not said.
        edits: What of it is played where an edit list cuts some off, None where all is.
        plain: Whether its header holds nothing that might be words and cannot be taken off.
    """

    index: int
    codec: str
    start: Fraction | None
    rate: int
    channels: int
    default: bool
    language: str | None
    edits: tuple[Edit, ...] | None = None
    plain: bool = True

    @property
    def kind(self) -> str:
        """What to call it."""
        return "sound"


@dataclass(frozen=True, slots=True)
class OtherTrack:
    """One track of the source that is in no result.

    Args:
        index: Its stream index in the container.
        kind: What it holds, in words.
        codec: Its codec's or format's name.
    """

    index: int
    kind: str
    codec: str


@dataclass(frozen=True, slots=True)
class SubtitleTrack:
    """One subtitle stream of the source.

    Args:
        index: Its stream index in the container.
        codec: Its codec's name.
        time_base: Seconds per tick of its times.
        language: ISO 639 code, None where not said.
    """

    index: int
    codec: str
    time_base: Fraction
    language: str | None


@dataclass(frozen=True, slots=True)
class ColourTags:
    """Numbers of ISO/IEC 23091-2; 2 is unspecified. Range: 0 unspecified, 1 limited, 2 full."""

    primaries: int
    transfer: int
    matrix: int
    range: int


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a sink needs to know of a video source.

    Args:
        container: Short names of the container's format, separated by commas.
        codec: The video codec's name.
        pixel_format: Pixel format of the planes that are drawn on.
        size: Size of the stored pixels.
        turn: How they become upright (the display matrix).
        colour: How samples become RGB, guesses included.
        tags: The colour tags of the file, without guesses.
        time_base: Seconds per tick of the video stream's timestamps.
        rate: Mean frames per second, None where unknown.
        aspect: Sample aspect ratio, a pixel's width divided by its height, None where not said.
        bit_rate: Bits per second of the video, of the whole file where the stream does not say.
        start: Seconds at which the earliest stream begins, to the nearest tick of `time_base`.
        early: Seconds by which the first frame is shown before time 0, 0 where it is not, and of
            MPEG's streams, which begin at any time.
        interlaced: Whether the first frame is made of two fields.
        top_first: Whether its upper field comes first.
        mastering: Raw mastering display data of the first frame, None where absent.
        light: Raw content light level data of the first frame, None where absent.
        language: The video's ISO 639 code, None where not said.
        audio: Audio streams of which anything is played.
        subtitles: Subtitle streams of any kind.
        others: Streams that cannot be kept: data, and sound without a sample that is played.
    """

    container: str
    codec: str
    pixel_format: str
    size: Size
    turn: Turn
    colour: Colour
    tags: ColourTags
    time_base: Fraction
    rate: Fraction | None
    aspect: Fraction | None
    bit_rate: int | None
    start: Fraction
    early: Fraction
    interlaced: bool
    top_first: bool
    mastering: bytes | None
    light: bytes | None
    language: str | None
    audio: tuple[AudioTrack, ...]
    subtitles: tuple[SubtitleTrack, ...] = ()
    others: tuple[OtherTrack, ...] = ()


def read_media_info(
    container: InputContainer,
    stream: VideoStream,
    frame: VideoFrame,
    tracks: Mapping[int, IsoTrack],
    empty: Collection[int],
) -> MediaInfo:
    """Read it from an open container and its first decoded frame.

    Args:
        container: Open.
        stream: Its pictures.
        frame: The first one, decoded.
        tracks: What the index of an ISO file says of its tracks.
        empty: Stream indices of sound without a sample.
    """
    picture = DecodedPicture(frame)
    sound = [_audio_track(s, tracks.get(s.id)) for s in container.streams.audio]
    audio = [t for t in sound if t.edits != () and t.index not in empty]
    context = stream.codec_context
    return MediaInfo(
        container=container.format.name,
        codec=context.codec.canonical_name,
        pixel_format=picture.frame.format.name,
        size=picture.stored_size,
        turn=picture.turn,
        colour=picture.colour,
        tags=_colour_tags(frame, context),
        time_base=stream.time_base or MICROSECOND,
        rate=_frame_rate(stream),
        aspect=stream.sample_aspect_ratio or context.sample_aspect_ratio or None,
        bit_rate=stream.bit_rate or container.bit_rate or None,
        start=_start(container, stream),
        early=_early(container, frame, stream),
        interlaced=frame.interlaced_frame,
        top_first=context.field_order in _TOP_FIRST,
        mastering=_side_data_bytes(frame, "MASTERING_DISPLAY_METADATA"),
        light=_side_data_bytes(frame, "CONTENT_LIGHT_LEVEL"),
        language=_language(stream),
        audio=tuple(audio),
        subtitles=tuple(map(_subtitle_track, container.streams.subtitles)),
        others=(
            *(OtherTrack(t.index, "empty sound", t.codec) for t in sound if t not in audio),
            *(_data_track(s, tracks.get(s.id)) for s in container.streams.data),
        ),
    )


_TOP_FIRST = {2, 4}
"""Of FFmpeg's AVFieldOrder: coded top first, displayed top or bottom first."""


def _colour_tags(frame: VideoFrame, context: VideoCodecContext) -> ColourTags:
    full = frame.format.name.startswith("yuvj")
    return ColourTags(
        _frame_else_container(frame.color_primaries, context.color_primaries),
        _frame_else_container(frame.color_trc, context.color_trc),
        _frame_else_container(frame.colorspace, context.colorspace),
        2 if full else int(frame.color_range or context.color_range),
    )


def _frame_else_container(frame: int, container: int) -> int:
    return int(container if frame == UNSPECIFIED else frame)


UNSPECIFIED = 2
"""Of primaries, transfer and matrix."""


def _start(container: InputContainer, stream: VideoStream) -> Fraction:
    """FFmpeg tells it in whole microseconds, which are no whole ticks of MPEG's 90 kHz."""
    tick = stream.time_base or MICROSECOND
    return round(Fraction(container.start_time or 0) * MICROSECOND / tick) * tick


def _early(container: InputContainer, frame: VideoFrame, stream: VideoStream) -> Fraction:
    anywhere = container.format.name.startswith("mpeg")
    ticks = 0 if anywhere else max(0, -(frame.pts or 0))
    return ticks * (stream.time_base or MICROSECOND)


def _frame_rate(stream: VideoStream) -> Fraction | None:
    rate = stream.average_rate or stream.guessed_rate
    return rate if rate and rate > 0 else None


def _side_data_bytes(frame: VideoFrame, name: str) -> bytes | None:
    data = side_data(frame, name)
    return None if data is None else bytes(cast(Any, data))


def _audio_track(stream: AudioStream, track: IsoTrack | None) -> AudioTrack:
    context: Any = stream.codec_context
    codec = _format(track) if context is None else context.codec.canonical_name
    start = None
    if stream.start_time is not None and stream.time_base is not None:
        start = stream.start_time * stream.time_base
    packet = Fraction(0)
    if context is not None and context.sample_rate and not codec.startswith("pcm"):
        packet = Fraction(context.frame_size, context.sample_rate)
    return AudioTrack(
        index=stream.index,
        codec=codec,
        start=start,
        rate=0 if context is None else context.sample_rate,
        channels=0 if context is None else context.channels,
        default=bool(stream.disposition & Disposition.default),
        language=_language(stream),
        edits=None if track is None else track.played_sound(codec, packet),
        plain=context is None or plain_header(codec, context.extradata) is not None,
    )


def _data_track(stream: Stream, track: IsoTrack | None) -> OtherTrack:
    return OtherTrack(stream.index, "data", _format(track))


def _format(track: IsoTrack | None) -> str:
    return "unknown" if track is None else track.format


def _subtitle_track(stream: SubtitleStream) -> SubtitleTrack:
    context: Any = stream.codec_context
    name = "unknown" if context is None else context.codec.canonical_name
    return SubtitleTrack(stream.index, name, stream.time_base or MICROSECOND, _language(stream))


def _language(stream: Stream) -> str | None:
    """An ISO 639 code of three letters. Anything else could be a message; `und` says nothing."""
    code = (stream.language or "").lower()
    return code if re.fullmatch("[a-z]{3}", code) and code != "und" else None
