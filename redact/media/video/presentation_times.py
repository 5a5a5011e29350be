"""When each decoded frame is shown: the time that its file says, or the one that players choose."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Generic, Protocol, TypeVar


class HasTimes(Protocol):
    """A decoded frame's times, in ticks of the stream's clock; None where not said."""

    @property
    def pts(self) -> int | None:
        """When it is shown, as the file says."""

    @property
    def dts(self) -> int | None:
        """When the packet that made the decoder give it was to be decoded."""

    @property
    def duration(self) -> int:
        """For how long it is shown, 0 if unknown."""


Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Wanted(Generic[Item]):
    """An item and when it is to be shown, in ticks; None where nothing says it."""

    item: Item
    time: int | None
    duration: int


class BestEffort:
    """Chooses between the times of a file as FFmpeg's best effort does.

    Presentation times are believed until more of them than of the decoding times fail to grow.
    """

    def __init__(self) -> None:
        self._last_pts: int | None = None
        self._last_dts: int | None = None
        self._faulty_pts = 0
        self._faulty_dts = 0
        self.decided = 0

    def time(self, frame: HasTimes) -> int | None:
        """The time in ticks at which a frame is shown; asked for every frame, in order."""
        pts, dts = frame.pts, frame.dts
        if dts is not None:
            self._faulty_dts += self._last_dts is not None and dts <= self._last_dts
            self._last_dts = dts
        elif pts is not None:
            self._last_dts = pts
        if pts is not None:
            self._faulty_pts += self._last_pts is not None and pts <= self._last_pts
            self._last_pts = pts
        elif dts is not None:
            self._last_pts = dts
        believed = dts is None or self._faulty_pts <= self._faulty_dts
        chosen = pts if pts is not None and believed else dts
        self.decided += pts is not None and chosen != pts
        return chosen


class GrowingTimes:
    """Makes times grow, and moves as little as that takes.

    A time that is not later than the one before is put one tick behind it. A single frame whose
    time is far ahead of the next one's is put one tick before that. Where the times begin anew,
    what follows goes on behind what was there.

    Args:
        tick: Seconds of a tick.
        duration: Of a frame in ticks, where none is said.

    Attributes:
        moved: How many frames have another time than the file says.
        most: By how many seconds at most.
        offsets: Seconds added to all that follows, for each time that the times began anew.
    """

    def __init__(self, tick: Fraction, duration: int) -> None:
        self._tick = tick
        self._duration = max(1, duration)
        self._offset = 0
        self.moved = 0
        self.most = Fraction(0)
        self.offsets: list[Fraction] = []

    def assign(self, wanted: Iterable[Wanted[Item]]) -> Iterator[tuple[Item, int]]:
        """Each item with its time in ticks; one item is read ahead."""
        ahead = iter(wanted)
        current = next(ahead, None)
        last: int | None = None
        length = self._duration
        while current is not None:
            following = next(ahead, None)
            after = None if following is None else following.time
            time = self._time(current.time, after, last, length)
            yield current.item, time
            length = current.duration or (time - last if last is not None else self._duration)
            last, current = time, following

    def _time(self, wanted: int | None, after: int | None, last: int | None, length: int) -> int:
        """When a frame is shown.

        Args:
            wanted: When the file says.
            after: The same of the next frame.
            last: When the frame before is shown, None for the first.
            length: For how long that one is shown.
        """
        if wanted is None or last is None:
            return (0 if last is None else last + length) if wanted is None else wanted
        time = wanted + self._offset
        following = None if after is None else after + self._offset
        if following is not None and following <= last and self._is_behind(time, last):
            self._offset += last + length - time
            self.offsets.append(self._offset * self._tick)
            return last + length
        if time <= last:
            return self._move(time, last + 1)
        if following is not None and following > last + 1 and self._is_behind(following, time):
            return self._move(time, following - 1)
        return time

    def _is_behind(self, time: int, other: int) -> bool:
        """Whether a time is far behind another one."""
        return begins_anew(time * self._tick, other * self._tick)

    def _move(self, time: int, to: int) -> int:
        self.moved += 1
        self.most = max(self.most, abs(to - time) * self._tick)
        return to


def begins_anew(time: Fraction, last: Fraction) -> bool:
    """Whether a time cannot belong to the same recording as the one before; in seconds.

    FFmpeg draws the line there, too.
    """
    return last - time > Fraction(1, 10)


def timed(frames: Iterable[Any]) -> Iterator[tuple[Fraction, Any]]:
    """Each frame of sound with the second at which it begins.

    Of several frames in one packet, as telephones write AMR, only the first tells its time; the
    others begin where the one before ends.
    """
    end = Fraction(0)
    for frame in frames:
        time = end if frame.pts is None else frame.pts * frame.time_base
        end = time + Fraction(frame.samples, frame.sample_rate)
        yield time, frame
