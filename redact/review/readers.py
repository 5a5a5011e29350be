"""In the worker process: single frames of a source by their index, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

from redact.core.frames import Frame
from redact.core.interfaces import Progress, Source
from redact.core.plan import SourceId
from redact.errors import PlanError

if TYPE_CHECKING:
    from redact.media.video.seeking import FrameSeeker


class Reader(Protocol):
    """Gives frames by index, cheapest in ascending order."""

    times: list[Fraction]
    sizes: tuple[tuple[int, int], ...]

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
            return SeekingReader(source, FrameSeeker(source, index), index.times, size)
    return SequentialReader(source, progress)


class SequentialReader:
    """Frames of a source that can only be read from its start.

    Args:
        source: Opened.
        progress: Called while it is read once, for the times and sizes of its frames.
    """

    def __init__(self, source: Source, progress: Progress) -> None:
        self._source = source
        self.times: list[Fraction] = []
        sizes: list[tuple[int, int]] = []
        for frame in source.frames():
            size = frame.picture.turn.upright_size(frame.picture.stored_size)
            self.times.append(frame.time)
            sizes.append((size.width, size.height))
            progress("index", len(self.times), source.info.frames)
        self.sizes = tuple(sizes if len(set(sizes)) > 1 else sizes[:1])
        self._frames: Iterator[Frame] = iter(())
        self._next = len(self.times)

    def close(self) -> None:
        """Close the file."""
        self._frames, self._next = iter(()), len(self.times)

    def frame(self, index: int) -> Frame:
        """One frame; cheap only in ascending order.

        Raises:
            PlanError: There is no such frame.
        """
        if index < self._next:
            self._frames, self._next = self._source.frames(), 0
        for frame in self._frames:
            self._next = frame.index + 1
            if frame.index == index:
                return frame
        raise PlanError(f"there is no frame {index}", self._source.path)


class SeekingReader:
    """Frames of a video from the key frame before; from its start once that did not work.

    Args:
        source: A video.
        seeker: Over its index.
        times: When each of its frames is shown, in seconds.
        size: Of all of them, upright.
    """

    def __init__(
        self, source: Source, seeker: FrameSeeker, times: list[Fraction], size: tuple[int, int]
    ) -> None:
        self._source = source
        self._seeker = seeker
        self._from_start: SequentialReader | None = None
        self.times = times
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
                self._from_start = SequentialReader(self._source, lambda *_: None)
        return self._from_start.frame(index)
