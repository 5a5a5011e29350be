"""What times a container can hold, and how those of a source are carried over."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from redact.errors import UnsupportedInputError
from redact.media.video.details import Details

_MILLISECOND = Fraction(1, 1000)
_TICKS = {"matroska": _MILLISECOND, "mpegts": Fraction(1, 90_000), "webm": _MILLISECOND}


@dataclass(frozen=True, slots=True)
class Clock:
    """The times of one result.

    Args:
        container: The name of the result's container.
        tick: Seconds to whose multiples it rounds, None where it keeps any time.
        shift: Seconds taken from every time of the source.
        free_start: Whether the container chooses the beginning, for all streams alike.
    """

    container: str
    tick: Fraction | None
    shift: Fraction
    free_start: bool

    def check(self, time: Fraction, first: Fraction) -> None:
        """Refuse a time that would be rounded.

        Args:
            time: Seconds in the source.
            first: The first frame's.

        Raises:
            UnsupportedInputError: The container cannot hold it.
        """
        start = first if self.free_start else self.shift
        if self.tick is not None and (off := (time - start) % self.tick):
            raise self.refused(min(off, self.tick - off))

    def refused(self, off: Fraction, path: Path | None = None) -> UnsupportedInputError:
        """The error for times that are off by that many seconds."""
        return UnsupportedInputError(
            f"{self.container} cannot keep its times: they would be {float(off) * 1000:.3f} ms off",
            path,
            "name the output .mp4 or .mov",
        )


def clock_for(container: str, details: Details) -> Clock:
    """The clock of a result in that container.

    Transport streams begin anywhere and files at zero, so a step from one to the other shifts
    pictures and sound together; every other step keeps each time as it is.
    """
    rate = details.rate
    tick = 1 / rate if container == "avi" and rate is not None else _TICKS.get(container)
    was, becomes = details.container.startswith("mpegts"), container == "mpegts"
    shift = details.start if was and not becomes else Fraction(0)
    return Clock(container, tick, shift, free_start=becomes and not was)
