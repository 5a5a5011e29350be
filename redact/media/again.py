"""Single frames of a source by their index, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from fractions import Fraction
from typing import TYPE_CHECKING

from redact.core.frames import Frame
from redact.core.interfaces import Source
from redact.errors import PlanError

if TYPE_CHECKING:
    from redact.media.video.seeking import FrameIndex
    from redact.media.video.source import VideoSource


class FramesInOrder:
    """Frames of a source by index, read from its start whenever one before is asked for."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._frames: Iterator[Frame] = iter(())
        self._next = -1

    def at(self, index: int) -> Frame:
        """One frame; ascending indices are cheap.

        Raises:
            PlanError: There is no such frame.
        """
        if not 0 <= self._next <= index:
            self.close()
            self._frames, self._next = self._source.frames(), 0
        for frame in self._frames:
            self._next = frame.index + 1
            if frame.index == index:
                return frame
        raise PlanError(f"there is no frame {index}", self._source.path)

    def close(self) -> None:
        """Close the file."""
        end = getattr(self._frames, "close", None)
        if end is not None:
            end()
        self._frames, self._next = iter(()), -1


class FramesByKeyFrame:
    """Frames of a video from the key frame before; from its start once that did not work.

    Args:
        source: A video.
        index: Where its frames are.
    """

    def __init__(self, source: VideoSource, index: FrameIndex) -> None:
        from redact.media.video.seeking import FrameSeeker

        self.index = index
        self._path = source.path
        self._seeker: FrameSeeker | None = FrameSeeker(source, index)
        self._from_start = FramesInOrder(source)

    def at(self, index: int) -> Frame:
        """One frame; cheapest in ascending order, and from key frames on.

        Raises:
            PlanError: There is no such frame.
        """
        from redact.media.video.seeking import LostError

        if not 0 <= index < len(self.index.ticks):
            raise PlanError(f"there is no frame {index}", self._path)
        if self._seeker is not None:
            try:
                return self._seeker.frame(index)
            except LostError:  # damaged, or not as its index says
                self._seeker.close()
                self._seeker = None
        return self._from_start.at(index)

    def close(self) -> None:
        """Close the file."""
        if self._seeker is not None:
            self._seeker.close()
        self._from_start.close()


def frames_by_index(
    source: Source, frames: int, first: Fraction | None, last: Fraction | None
) -> FramesByKeyFrame | FramesInOrder:
    """The quickest way to frames that are exactly those that reading from the start gives.

    Args:
        source: Was read from its start to its end.
        frames: How many there are.
        first: The time of the first, in seconds.
        last: The time of the last.

    Raises:
        InputError: The source cannot be read.
    """
    from redact.media.video.source import VideoSource

    if isinstance(source, VideoSource) and not source.is_damaged:
        from redact.media.video.seeking import index_frames

        index = index_frames(source, frames, first, last)
        if index is not None:
            return FramesByKeyFrame(source, index)
    return FramesInOrder(source)


def frames_again(
    source: Source,
    indices: Sequence[int],
    frames: int,
    first: Fraction | None,
    last: Fraction | None,
) -> Iterator[Frame]:
    """Frames by their indices, as far as they come: see `frames_by_index`.

    Args:
        source: Was read from its start to its end.
        indices: Of frames, ascending.
        frames: How many there are.
        first: The time of the first, in seconds.
        last: The time of the last.

    Raises:
        InputError: The source cannot be read.
    """
    if not indices:
        return
    with closing(frames_by_index(source, frames, first, last)) as found:
        try:
            yield from map(found.at, indices)
        except PlanError:  # it gave more frames before
            return
