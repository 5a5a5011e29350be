"""In the worker process: single frames of a source by their index, whatever its kind."""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol

from redact.core.frames import Frame, upright_size
from redact.core.interfaces import Progress, Source
from redact.core.plan import SourceId
from redact.media.again import FramesByKeyFrame, FramesInOrder, frames_by_index


class Reader(Protocol):
    """Gives frames by index, cheapest in ascending order, and from key frames on."""

    times: list[Fraction]
    sizes: tuple[tuple[int, int], ...]
    keys: tuple[int, ...]

    def frame(self, index: int) -> Frame:
        """One frame, the caller's to draw on."""

    def close(self) -> None:
        """Close the file."""


def make_reader(source: Source, known: SourceId, progress: Progress) -> Reader:
    """The quickest reader that gives exactly what reading the source from its start gives.

    Args:
        source: Opened.
        known: What its plan says of it.
        progress: Called while all of it must be read first.
    """
    frames = frames_by_index(source, known.frames, known.first, known.last)
    if isinstance(frames, FramesByKeyFrame):
        return SeekingReader(frames, (known.size.width, known.size.height))
    return SequentialReader(source, frames, progress)


class SequentialReader:
    """Frames of a source that can only be read from its start.

    Args:
        source: Opened.
        frames: Its frames.
        progress: Called while it is read once, for the times and sizes of its frames.
    """

    def __init__(self, source: Source, frames: FramesInOrder, progress: Progress) -> None:
        self.times: list[Fraction] = []
        sizes: list[tuple[int, int]] = []
        for frame in source.frames():
            size = upright_size(frame.picture)
            self.times.append(frame.time)
            sizes.append((size.width, size.height))
            progress("index", len(self.times), source.info.frames)
        self.sizes = tuple(sizes if len(set(sizes)) > 1 else sizes[:1])
        self.keys: tuple[int, ...] = ()
        self.frame, self.close = frames.at, frames.close


class SeekingReader:
    """Frames of a video whose index tells where they are.

    Args:
        frames: Its frames.
        size: Of all of them, upright.
    """

    def __init__(self, frames: FramesByKeyFrame, size: tuple[int, int]) -> None:
        self.times = frames.index.times
        self.keys = tuple(frames.index.key_frames)
        self.sizes: tuple[tuple[int, int], ...] = (size,)
        self.frame, self.close = frames.at, frames.close
