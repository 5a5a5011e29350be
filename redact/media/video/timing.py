"""Presentation times: what a container can hold, and how a source's times are carried over."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from redact.errors import UnsupportedInputError
from redact.media.video.media_info import MediaInfo

IN_STEP = Fraction(1, 20)
"""Seconds by which sound may be apart from its pictures: nobody notices."""

_MILLISECOND = Fraction(1, 1000)
_TICKS = {"matroska": _MILLISECOND, "mpegts": Fraction(1, 90_000), "webm": _MILLISECOND}


@dataclass(frozen=True, slots=True)
class Timing:
    """How a result's presentation times follow from its source's.

    Args:
        container: The name of the result's container.
        tick: Seconds per tick of the container's time base, None where it keeps any time.
        offset: Seconds subtracted from every time of the source.
        free_start: Whether the container chooses the start time, the same for all streams.
    """

    container: str
    tick: Fraction | None
    offset: Fraction
    free_start: bool

    def check(self, time: Fraction, first: Fraction) -> None:
        """Refuse a presentation time that the container would round.

        Args:
            time: Seconds in the source.
            first: The first frame's.

        Raises:
            UnsupportedInputError: The container cannot hold it.
        """
        if self.container == "avi" and first != self.offset:
            raise self.refused(abs(first - self.offset))
        start = first if self.free_start else self.offset
        if self.tick is not None and (off := (time - start) % self.tick):
            raise self.refused(min(off, self.tick - off))

    def check_sound(self, begins: Fraction) -> None:
        """Refuse sound that would be played too early or too late: in an AVI it begins at once.

        Args:
            begins: Seconds in the source at which its first packet is played.

        Raises:
            UnsupportedInputError: The container cannot keep it in step with the pictures.
        """
        off = abs(begins - self.offset)
        if self.container == "avi" and off > IN_STEP:
            raise self.refused(off, what="its sound")

    def refused(
        self, off: Fraction, path: Path | None = None, what: str = "they"
    ) -> UnsupportedInputError:
        """The error for times that are off by that many seconds."""
        wrong = f"{what} would be {float(off) * 1000:.3f} ms off"
        return UnsupportedInputError(
            f"{self.container} cannot keep its times: {wrong}",
            path,
            other_container(self.container),
        )


def other_container(container: str) -> str | None:
    """Advice for what a container does not keep; None for those that keep the most."""
    return None if container in {"mp4", "mov"} else "name the output .mp4 or .mov"


def timing_for(container: str, media_info: MediaInfo) -> Timing:
    """How times are carried over into that container.

    MPEG's streams begin at any time and files at zero: players would not show what comes before.
    From one to the other, and where a file's first frame is before zero, pictures and sound are
    shifted together, but not into an AVI, whose sound begins at once. Otherwise every time stays as
    it is.
    """
    rate = media_info.rate
    tick = 1 / rate if container == "avi" and rate is not None else _TICKS.get(container)
    was, becomes = media_info.container.startswith("mpeg"), container == "mpegts"
    early = Fraction(0) if container == "avi" and media_info.audio else media_info.early
    offset = media_info.start if was and not becomes else -early
    return Timing(container, tick, offset, free_start=becomes and not was)
