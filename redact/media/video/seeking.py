"""Frames of a video by their index or their time, decoded from the key frame before them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from math import floor

import av
from av import VideoFrame
from av.video.codeccontext import VideoCodecContext

from redact.core.frames import Frame
from redact.media.video.container import add_path_to_errors, open_media, video_stream
from redact.media.video.decoders import make_decoder
from redact.media.video.packets import PacketReader
from redact.media.video.picture import DecodedPicture
from redact.media.video.source import VideoSource

_NEAR = 48
"""Frames that are rather decoded in passing than sought."""
_SEEK_BY_DISPLAY = ("mov", "matroska")
"""Containers that seek by when a picture is shown; others do by when it is decoded. The other time
leads to the key frame before, and twice as much would be decoded."""
_TRIES = 3
"""Key frames that are tried, each before the one before, where a container seeks loosely."""


class LostError(Exception):
    """A frame is not where the index says: only reading from the start is sure."""


@dataclass(frozen=True, slots=True)
class FrameIndex:
    """Where each frame of a well-behaved video is.

    Args:
        clock: Seconds of a tick.
        ticks: When each frame is shown, in order.
        keys: When each key frame is shown, in order, and when it is decoded.
    """

    clock: Fraction
    ticks: tuple[int, ...]
    keys: tuple[tuple[int, int], ...]

    @property
    def times(self) -> list[Fraction]:
        """When each frame is shown, in seconds."""
        return [tick * self.clock for tick in self.ticks]

    @property
    def key_frames(self) -> list[int]:
        """The indices of frames that are key frames, in order."""
        return [bisect_left(self.ticks, shown) for shown, _ in self.keys]

    def key_before(self, index: int) -> int:
        """The place among the key frames of the last that is not shown after a frame."""
        return bisect_right(self.keys, self.ticks[index], key=lambda key: key[0]) - 1


def index_frames(
    source: VideoSource, frames: int, first: Fraction | None, last: Fraction | None
) -> FrameIndex | None:
    """The index of a video; None where only reading it from the start tells its frames.

    Args:
        source: Opened.
        frames: How many came when it was read from the start.
        first: The time of the first of them.
        last: The same of the last.
    """
    ticks: list[int] = []
    keys: list[tuple[int, int]] = []
    with open_media(source.path, source.identity) as container:
        stream = video_stream(container, source.path)
        clock = Fraction(stream.time_base or 1)
        for packet in container.demux(stream):
            if not packet.size:
                continue
            if packet.pts is None or packet.is_corrupt:
                return None
            if packet.is_keyframe:
                keys.append((packet.pts, packet.pts if packet.dts is None else packet.dts))
            if not packet.is_discard:
                ticks.append(packet.pts)
    ticks.sort()
    keys.sort()
    if len(ticks) != frames or len(set(ticks)) != frames or not keys or keys[0][0] > ticks[0]:
        return None
    if ticks[0] * clock != first or ticks[-1] * clock != last:
        return None
    return FrameIndex(clock, tuple(ticks), tuple(keys))


class FrameSeeker:
    """Gives frames by index from one open container; not to be shared between threads.

    Args:
        source: Opened.
        index: Of that source.
    """

    def __init__(self, source: VideoSource, index: FrameIndex) -> None:
        self._source = source
        self._index = index
        self._shaper = source.make_shaper()
        self._open = ExitStack()
        self._frames: Iterator[VideoFrame] | None = None
        self._next = 0
        self._wanted = 0

    def close(self) -> None:
        """Close the file."""
        self._open.close()
        self._frames = None

    def frame(self, index: int) -> Frame:
        """One frame; cheapest in ascending order.

        Raises:
            LostError: It does not come from there: something is damaged or not as the index says.
        """
        if self._frames is not None and index >= self._next and self._is_on_the_way(index):
            return self._frame(index, self._forwards(index))
        return self._frame(index, self._sought(index))

    def _is_on_the_way(self, index: int) -> bool:
        """Whether a later frame comes sooner from here than from the key frame before it."""
        key_before = self._index.key_before
        return index <= self._next + _NEAR or key_before(index) <= key_before(self._next)

    def _frame(self, index: int, found: VideoFrame) -> Frame:
        self._next = index + 1
        with add_path_to_errors(self._source.path):
            picture = DecodedPicture(self._shaper.shape(found))
        info = self._source.media_info
        if (picture.stored_size, picture.frame.format.name) != (info.size, info.pixel_format):
            raise LostError("the picture has another shape")
        return Frame(index, self._index.ticks[index] * self._index.clock, picture)

    def _sought(self, index: int) -> VideoFrame:
        """A frame, after a jump to a key frame before it."""
        nearest = self._index.key_before(index)
        for key in range(nearest, max(-1, nearest - _TRIES), -1):
            try:
                self._jump(key, index)
                return self._forwards(index)
            except LostError:
                continue
        raise LostError(f"frame {index} does not come")

    def _jump(self, key: int, index: int) -> None:
        """Go on from a key frame, on the way to a frame."""
        self.close()
        path, identity = self._source.path, self._source.identity
        container = self._open.enter_context(open_media(path, identity))
        stream = video_stream(container, path)
        decoder = make_decoder(stream, strict=True)
        decoder.thread_count += 1  # somebody waits: no processor idles while a packet is fetched
        if key > 0:
            by_display = container.format.name.startswith(_SEEK_BY_DISPLAY)
            time = self._index.keys[key][0 if by_display else 1]
            container.seek(time, stream=stream, backward=True)
        reader = PacketReader(container, stream, path)
        self._wanted = self._index.ticks[index]
        self._frames = self._decode(reader, decoder)

    def _decode(self, reader: PacketReader, decoder: VideoCodecContext) -> Iterator[VideoFrame]:
        skips = decoder.codec.canonical_name == "h264"
        for packet in reader.packets():
            if skips and packet.size and packet.pts is not None:
                # what nothing refers to and nobody asked for changes nothing
                passed = packet.pts < self._wanted
                decoder.skip_frame = "NONREF" if passed else "DEFAULT"
            try:
                frames = decoder.decode(packet)
            except av.FFmpegError as error:
                raise LostError(str(error)) from error
            for frame in frames:
                if frame.is_corrupt:
                    raise LostError("a picture is damaged")
                yield frame

    def _forwards(self, index: int) -> VideoFrame:
        """A frame, by decoding on from where this is."""
        assert self._frames is not None
        wanted = self._wanted = self._index.ticks[index]
        for frame in self._frames:
            if frame.pts == wanted:
                return frame
            if frame.pts is None or frame.pts > wanted:
                break
        self.close()
        raise LostError(f"frame {index} does not come")


def frames_between(source: VideoSource, start: Fraction, end: Fraction) -> Generator[Frame]:
    """The frames that are shown in a span of time, decoded from the key frame before it.

    Which frames come is a guess: where times begin anew, or something is damaged, they are not
    those that reading from the start gives. Their indices count from 0 here.

    Args:
        source: Opened.
        start: Seconds.
        end: Seconds; frames from there on do not come.
    """
    shaper, index = source.make_shaper(), 0
    with open_media(source.path, source.identity) as container:
        stream = video_stream(container, source.path)
        clock = Fraction(stream.time_base or 1)
        decoder = make_decoder(stream, strict=False)  # references before a key frame are missed
        container.seek(floor(start / clock), stream=stream, backward=True)
        reader = PacketReader(container, stream, source.path)
        for packet in reader.packets():
            if packet.size and not reader.pictures[-1].complete:
                continue
            try:
                frames = decoder.decode(packet)
            except av.FFmpegError:
                continue
            for frame in frames:
                if frame.pts is None or frame.pts * clock < start:
                    continue
                if frame.pts * clock >= end:
                    return
                with add_path_to_errors(source.path):
                    picture = DecodedPicture(shaper.shape(frame))
                yield Frame(index, frame.pts * clock, picture)
                index += 1
