"""What times a container can hold, and how those of a source are carried over."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from redact.errors import UnsupportedInputError
from redact.media.video.media_info import MediaInfo

_MILLISECOND = Fraction(1, 1000)
_TICKS = {"matroska": _MILLISECOND, "mpegts": Fraction(1, 90_000), "webm": _MILLISECOND}


@dataclass(frozen=True, slots=True)
class Timing:
    """The times of one result.

    Args:
        container: The name of the result's container.
        tick: Seconds to whose multiples it rounds, None where it keeps any time.
        shift: Seconds taken from every time of the source.
        free_start: Whether the container chooses the beginning, for all streams alike.
    """

    container: str
    tick: Fraction | None
    offset: Fraction
    free_start: bool

    def check(self, time: Fraction, first: Fraction) -> None:
        """Refuse a time that would be rounded.

        Args:
            time: Seconds in the source.
            first: The first frame's.

        Raises:
            UnsupportedInputError: The container cannot hold it.
        """
        start = first if self.free_start else self.offset
        if self.tick is not None and (off := (time - start) % self.tick):
            raise self.refused(min(off, self.tick - off))

    def refused(self, off: Fraction, path: Path | None = None) -> UnsupportedInputError:
        """The error for times that are off by that many seconds."""
        return UnsupportedInputError(
            f"{self.container} cannot keep its times: they would be {float(off) * 1000:.3f} ms off",
            path,
            "name the output .mp4 or .mov",
        )


def timing_for(container: str, media_info: MediaInfo) -> Timing:
    """The clock of a result in that container.

    Transport streams begin anywhere and files at zero, so a step from one to the other shifts
    pictures and sound together; every other step keeps each time as it is.
    """
    rate = media_info.rate
    tick = 1 / rate if container == "avi" and rate is not None else _TICKS.get(container)
    was, becomes = media_info.container.startswith("mpegts"), container == "mpegts"
    offset = media_info.start if was and not becomes else Fraction(0)
    return Timing(container, tick, offset, free_start=becomes and not was)
