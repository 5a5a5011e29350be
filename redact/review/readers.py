"""In the worker process: single frames of a source by their index, whatever its kind."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

from redact.core.frames import Frame, upright_size
from redact.core.interfaces import Progress, Source
from redact.core.plan import SourceId
from redact.errors import PlanError
from redact.following import FramesInOrder

if TYPE_CHECKING:
    from redact.media.video.seeking import FrameIndex, FrameSeeker


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
    from redact.media.video.source import VideoSource

    if isinstance(source, VideoSource):
        from redact.media.video.seeking import FrameSeeker, index_frames

        index = index_frames(source, known.frames, known.first, known.last)
        if index is not None:
            size = (known.size.width, known.size.height)
            return SeekingReader(source, FrameSeeker(source, index), index, size)
    return SequentialReader(source, progress)


class SequentialReader:
    """Frames of a source that can only be read from its start.

    Args:
        source: Opened.
        progress: Called while it is read once, for the times and sizes of its frames.
    """

    def __init__(self, source: Source, progress: Progress) -> None:
        self.times: list[Fraction] = []
        sizes: list[tuple[int, int]] = []
        for frame in source.frames():
            size = upright_size(frame.picture)
            self.times.append(frame.time)
            sizes.append((size.width, size.height))
            progress("index", len(self.times), source.info.frames)
        self.sizes = tuple(sizes if len(set(sizes)) > 1 else sizes[:1])
        self.keys: tuple[int, ...] = ()
        self._frames = FramesInOrder(source)

    def close(self) -> None:
        """Close the file."""
        self._frames.close()

    def frame(self, index: int) -> Frame:
        """One frame; cheap only in ascending order.

        Raises:
            PlanError: There is no such frame.
        """
        return self._frames.at(index)


class SeekingReader:
    """Frames of a video from the key frame before; from its start once that did not work.

    Args:
        source: A video.
        seeker: Over its index.
        index: Where its frames are.
        size: Of all of them, upright.
    """

    def __init__(
        self, source: Source, seeker: FrameSeeker, index: FrameIndex, size: tuple[int, int]
    ) -> None:
        self._source = source
        self._seeker = seeker
        self._from_start: FramesInOrder | None = None
        self.times = index.times
        self.keys = tuple(index.key_frames)
        self.sizes: tuple[tuple[int, int], ...] = (size,)

    def close(self) -> None:
        """Close the file."""
        self._seeker.close()
        if self._from_start is not None:
            self._from_start.close()

    def frame(self, index: int) -> Frame:
        """One frame.

        Raises:
            PlanError: There is no such frame.
        """
        from redact.media.video.seeking import LostError

        if not 0 <= index < len(self.times):
            raise PlanError(f"there is no frame {index}", self._source.path)
        if self._from_start is None:
            try:
                return self._seeker.frame(index)
            except LostError:  # damaged, or not as its index says
                self._seeker.close()
                self._from_start = FramesInOrder(self._source)
        return self._from_start.at(index)
