"""Where sound lies in time: gaps that a container loses, and what lies elsewhere in a result."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import av

from redact.media.files import Identity, identity
from redact.media.video.container import open_media
from redact.media.video.media_info import AudioTrack
from redact.media.video.presentation_times import begins_anew, timed
from redact.media.video.sound import WITHOUT_TIMES, stored_seconds, track_extent
from redact.media.video.timing import IN_STEP


def loses_gaps(path: Path, track: AudioTrack, container: str) -> bool:
    """Whether sound that is copied there would be out of step, as its gaps are left out.

    Args:
        path: The source.
        track: One that can be decoded.
        container: The result's.

    Raises:
        InputError: The source cannot be read.
    """
    if container != "avi" and not (
        container in {"mov", "mp4"} and track.codec.startswith(WITHOUT_TIMES)
    ):
        return False
    if track.edits is not None and len(track.edits) > 1:
        return True  # packets between two pieces are left out
    return _longest_shift(path.absolute(), track.index, identity(path)) > IN_STEP


@lru_cache(maxsize=64)
def _longest_shift(path: Path, index: int, _: Identity) -> Fraction:
    """Seconds by which sound would lie elsewhere if all its samples followed each other."""
    most = Fraction(0)
    steady: Fraction | None = None
    with open_media(path) as container:
        stream: Any = container.streams[index]
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:  # it takes its time all the same when it is copied
                steady = None
                continue
            for time, frame in timed(frames):
                steady = time if steady is None else steady
                most = max(most, abs(time - steady))
                steady += Fraction(frame.samples, frame.sample_rate)
    return most


@dataclass(slots=True)
class _Packets:
    """The packets of a track.

    Args:
        times: Seconds at which each is played.
        durations: Seconds for which it is.
        places: How many bytes come before it.
        size: Bytes of all.
    """

    times: list[float] = field(default_factory=list)
    durations: list[float] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    size: int = 0

    def time_at(self, place: int) -> float:
        """When what is stored there is played."""
        found = max(0, bisect_right(self.places, place) - 1)
        end = self.places[found + 1] if found + 1 < len(self.places) else self.size
        share = (place - self.places[found]) / (end - self.places[found])
        return self.times[found] + share * self.durations[found]


def _read_packets(path: Path, index: int) -> _Packets:
    found = _Packets()
    with open_media(path) as container:
        for packet in container.demux(container.streams[index]):
            time = packet.dts if packet.pts is None else packet.pts
            if packet.size and time is not None:
                found.times.append(float(time * packet.time_base))
                found.durations.append(float((packet.duration or 0) * packet.time_base))
                found.places.append(found.size)
                found.size += packet.size
    return found


def copy_apart(source: tuple[Path, int], written: tuple[Path, int]) -> float:
    """By how many seconds a copied packet lies elsewhere, at most, beside where both tracks begin.

    Args:
        source: A file and the index of its track.
        written: The same of the copy.

    Raises:
        InputError: One of them cannot be read.
    """
    apart = _packets_apart(_read_packets(*source), _read_packets(*written))
    return _lengths_apart(source, written) if apart is None else apart


def result_apart(source: tuple[Path, int], written: tuple[Path, int], *, same_codec: bool) -> float:
    """The same of a track that may have been copied, or encoded with its gaps filled.

    Where the times of the source begin anew, nothing can be compared.

    Raises:
        InputError: One of them cannot be read.
    """
    original = _read_packets(*source)
    if any(begins_anew(Fraction(b), Fraction(a)) for a, b in pairwise(original.times)):
        return 0
    apart = _packets_apart(original, _read_packets(*written)) if same_codec else None
    if apart is not None:
        return apart
    (begin, end), (first, last) = track_extent(*source), track_extent(*written)
    return float(abs((last - first) - (end - begin)))


def _packets_apart(source: _Packets, written: _Packets) -> float | None:
    """None where they are not the same packets, nor the same bytes in others."""
    if len(source.times) == len(written.times):
        found = written.times
    elif source.size == written.size:
        found = [written.time_at(place) for place in source.places]
    else:
        return None
    shifts = [after - before for before, after in zip(source.times, found, strict=True)]
    return max((abs(shift - shifts[0]) for shift in shifts), default=0)


def _lengths_apart(source: tuple[Path, int], written: tuple[Path, int]) -> float:
    return float(abs(stored_seconds(*written) - stored_seconds(*source)))
