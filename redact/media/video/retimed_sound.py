"""Sound of a file whose times begin anew on the way: it goes on as the pictures do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
from av import Packet
from av.audio.stream import AudioStream
from av.stream import Stream

from redact.media.video.container import open_media
from redact.media.video.media_info import AudioTrack
from redact.media.video.presentation_times import begins_anew

RETIMED_SUFFIX = ".nut"
"""Of a container that holds any sound with any times."""


def write_retimed_sound(
    source: Path, tracks: Sequence[AudioTrack], offsets: Sequence[Fraction], written: Path
) -> tuple[AudioTrack, ...]:
    """Copy sound, its times moved by as much as those of the pictures.

    The n-th time that a stream's times begin anew is taken for the n-th of the pictures. Where its
    parts overlap, the later packets are left out.

    Args:
        source: The file.
        tracks: Which streams are copied.
        offsets: Seconds added after each time that the pictures' times began anew.
        written: The new file.

    Returns:
        The tracks as they are numbered in the new file.

    Raises:
        InputError: The source cannot be read.
    """
    with open_media(source) as container, av.open(str(written.absolute()), "w") as output:
        streams = [container.streams[track.index] for track in tracks]
        kept = {
            stream.index: _Retimed(output.add_stream_from_template(stream), offsets)
            for stream in streams
            if isinstance(stream, AudioStream)
        }
        for packet in container.demux(streams):
            if packet.size and packet.dts is not None and kept[packet.stream_index].move(packet):
                output.mux(packet)
    return tuple(replace(track, index=number) for number, track in enumerate(tracks))


@dataclass(slots=True)
class _Retimed:
    """One stream being copied.

    Args:
        stream: Where its packets go.
        offsets: Seconds added after each new beginning.
        passed: How many of these there were.
        last: Seconds at which the last packet was stored.
        end: Seconds until which sound was written.
    """

    stream: AudioStream
    offsets: Sequence[Fraction]
    passed: int = 0
    last: Fraction | None = None
    end: Fraction | None = None

    def move(self, packet: Packet[Stream]) -> bool:
        """Give a packet its new stream and times; whether it is to be written."""
        base = packet.time_base
        time = (packet.dts or 0) * base
        if self.last is not None and begins_anew(time, self.last):
            self.passed = min(self.passed + 1, len(self.offsets))
        self.last = time
        offset = self.offsets[self.passed - 1] if self.passed else Fraction(0)
        if self.passed and self.end is not None and time + offset < self.end - base:
            return False
        self.end = time + offset + (packet.duration or 0) * base
        packet.dts = (packet.dts or 0) + round(offset / base)
        packet.pts = packet.dts if packet.pts is None else packet.pts + round(offset / base)
        packet.stream = self.stream
        return True
