"""Single frames of a source that was read before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from redact.core.frames import Frame
from redact.core.interfaces import Source


def frames_again(
    source: Source, indices: Sequence[int], frames: int, first: Fraction, last: Fraction
) -> Iterator[Frame]:
    """Frames by their indices, found by key frames where that is sure.

    Args:
        source: Was read from its start to its end.
        indices: Of frames, ascending.
        frames: How many there are.
        first: The time of the first, in seconds.
        last: The time of the last.

    Raises:
        InputError: The source cannot be read.
    """
    given = 0
    for frame in _sought(source, indices, frames, first, last):
        yield frame
        given += 1
    wanted = set(indices[given:])
    if not wanted:
        return
    for frame in source.frames():
        if frame.index in wanted:
            yield frame
        if frame.index >= indices[-1]:
            return


def _sought(
    source: Source, indices: Sequence[int], frames: int, first: Fraction, last: Fraction
) -> Iterator[Frame]:
    """The frames, as far as key frames lead to them."""
    from redact.media.video.seeking import FrameSeeker, LostError, index_frames
    from redact.media.video.source import VideoSource

    if not isinstance(source, VideoSource) or source.is_damaged:
        return
    index = index_frames(source, frames, first, last)
    if index is None:
        return
    seeker = FrameSeeker(source, index)
    try:
        for wanted in indices:
            yield seeker.frame(wanted)
    except LostError:
        return
    finally:
        seeker.close()
