"""Demuxes and decodes: packets in, frames out, and a check at the end that none was lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, cast

from av import Packet, VideoFrame
from av.container import InputContainer
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from redact.errors import UnreadableInputError
from redact.media.video.container import open_media, video_stream
from redact.media.video.media_info import MICROSECOND

_ONE_FRAME_PER_PACKET = {
    "av1", "dnxhd", "dvvideo", "ffv1", "h264", "hevc", "mjpeg", "mpeg2video", "prores", "vp9",
}  # fmt: skip
"""Codecs in which each packet that is to be shown gives one frame."""

_ANNOUNCE_DURATION = ("mov", "matroska", "avi", "asf", "flv")
"""Containers whose header tells the duration; for others FFmpeg estimates it."""

_SLACK = Fraction(1, 2)
"""Seconds by which a header may announce more than comes: rounding, and silence at the end."""


class DecodingPass:
    """One pass over a container's packets.

    Args:
        container: Open, at its start.
        stream: The video stream.
        path: For messages.
        decoder: What decodes them, None for the container's own choice.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        path: Path,
        decoder: VideoCodecContext | None = None,
    ) -> None:
        self._container = container
        self._stream = stream
        self._decoder = stream.codec_context if decoder is None else decoder
        self._path = path
        self._packets = 0
        self._shown = 0
        self._frames = 0
        self._fields = 0
        self._end = Fraction(0)
        self._decoding_times: deque[Fraction] = deque()

    def frames(self) -> Generator[VideoFrame, None, None]:
        """Decode all frames of the stream.

        Raises:
            UnreadableInputError: A packet or a frame is damaged.
        """
        for packet in self._container.demux():
            self._note_end(packet)
            if packet.stream is not self._stream:
                continue
            self._count(packet)
            for frame in self._decoder.decode(cast(Any, packet)):
                self._check_undamaged(frame.is_corrupt)
                self._frames += 1
                self._fields += frame.interlaced_frame
                yield frame

    def _count(self, packet: Packet[Stream]) -> None:
        self._check_undamaged(packet.is_corrupt)
        if packet.size:
            self._packets += 1
            leading = not self._shown and not packet.is_keyframe
            self._shown += not (packet.is_discard or leading)
            if packet.pts is None and packet.dts is not None:
                self._decoding_times.append(packet.dts * packet.time_base)

    def _check_undamaged(self, corrupt: bool) -> None:
        if corrupt:
            raise self._damaged(f"the data is damaged after frame {self._frames}")

    def _note_end(self, packet: Packet[Stream]) -> None:
        time = packet.dts if packet.pts is None else packet.pts
        if time is not None and packet.time_base:
            end = (time + (packet.duration or 0)) * packet.time_base
            self._end = max(self._end, end)

    def next_decoding_time(self) -> Fraction | None:
        """The earliest decoding time not yet given to a frame, in seconds.

        Only packets without a presentation time have one here.

        AVI only numbers its packets: the n-th frame in presentation order takes the n-th time.
        """
        return self._decoding_times.popleft() if self._decoding_times else None

    def check_complete(self) -> None:
        """Compare what came with what the container announced.

        Raises:
            UnreadableInputError: Something is missing.
        """
        if not self._frames:
            raise self._damaged("not one frame of its video can be decoded")
        announced_count = announced_packets(self._container, self._stream)
        if announced_count is not None and self._packets < announced_count:
            raise self._damaged(
                f"{announced_count} frames are announced, but only {self._packets} come"
            )
        self._check_duration()
        self._check_all_shown()

    def _check_duration(self) -> None:
        if not self._container.format.name.startswith(_ANNOUNCE_DURATION):
            return
        start = Fraction(self._container.start_time or 0) * MICROSECOND
        announced = Fraction(self._container.duration or 0) * MICROSECOND
        come = self._end - start
        if announced - come > max(_SLACK, announced / 50):
            raise self._damaged(
                f"{float(announced):.1f} s are announced, but only {float(come):.1f} s come"
            )

    def _check_all_shown(self) -> None:
        """Two fields may share one frame. Apart from that, no frame may be missing."""
        least = self._shown // 2 if self._fields else self._shown
        if self._stream.codec_context.codec.canonical_name not in _ONE_FRAME_PER_PACKET:
            least = 0
        if self._frames < least:
            raise self._damaged(f"{least - self._frames} frames cannot be decoded")

    def _damaged(self, problem: str) -> UnreadableInputError:
        return UnreadableInputError(problem, self._path, "try another copy of it")


def first_times(path: Path) -> list[Fraction]:
    """Presentation times of the first packets that are to be shown, in seconds, ascending."""
    with open_media(path) as container:
        packets = islice(container.demux(video_stream(container, path)), _FIRST_PACKETS)
        shown = [p for p in packets if p.size and p.pts is not None and not p.is_discard]
        return sorted(Fraction(p.pts or 0) * p.time_base for p in shown)


_FIRST_PACKETS = 100
"""Packets that tell what times a source has."""


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
