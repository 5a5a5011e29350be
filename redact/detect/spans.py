"""What passes found in a span of a video elsewhere, by the digest of the picture they ran on.

What a pass finds depends on the picture alone. So a detection that another machine found counts
here for the very same picture, whatever frame that was there, and for no other. That makes the
order, the times and the completeness of spans matter for speed only: a pass whose result is not
among them is run here. That holds for the passes of an analysis over a source, and for those of a
check over a draft.
"""

from __future__ import annotations

import errno
from concurrent.futures import Future
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

from redact.core.findings import Detection
from redact.core.frames import Frame, Picture, digest_samples
from redact.core.geometry import Box, Size
from redact.core.storage import is_private, write_private
from redact.detect.sealed import read_sealed, seal, unseal

LARGEST = (1 << 24) - 4096
"""Bytes of a span; what worker processes send is not longer either."""

_MAX_DISTANCE = 16
"""Longer sides of the picture from its corner beyond which no detector finds a box."""


@dataclass(frozen=True, slots=True)
class PassOnPicture:
    """What one pass found in one picture.

    Args:
        picture: From `digest_picture`.
        pass_index: The pass, by its place among those that run on the source.
        detections: In pixels of the upright picture.
    """

    picture: str
    pass_index: int
    detections: tuple[Detection, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """All passes that ran in one span.

    Args:
        key: From `cache_key`, of no source.
        number: Counted from the first frame's time.
        passes: No pass on one picture twice.
    """

    key: str
    number: int
    passes: tuple[PassOnPicture, ...]


def digest_picture(picture: Picture) -> str:
    """A digest of all that detectors can see of a picture."""
    return digest_samples(picture, (picture.stored_size, picture.turn, picture.colour))


def encode_span(span: Span) -> bytes:
    """The span as a file holds it.

    Raises:
        ValueError: It is too long.
    """
    data = seal(span)
    if len(data) > LARGEST:
        raise ValueError(f"it holds too much: {len(data)} bytes")
    return data


def decode_span(data: bytes, key: str, number: int) -> Span:
    """The span that `encode_span` encoded.

    Raises:
        Exception: Of any kind: the data are something else, damaged, cut off, or another span.
    """
    if len(data) > LARGEST:
        raise ValueError("it is too long")
    span = unseal(data, Span)
    if (span.key, span.number) != (key, number):
        raise ValueError("it is a span of something else")
    return span


@dataclass(frozen=True, slots=True)
class Plausible:
    """What passes can find.

    Args:
        passes: How many there are.
        size: Of the upright picture.
    """

    passes: int
    size: Size

    def check(self, pass_index: int, detections: tuple[Detection, ...]) -> None:
        """Refuse what no pass finds.

        Raises:
            ValueError: There is no such pass, or no detector finds that.
        """
        if pass_index not in range(self.passes):
            raise ValueError("there is no such pass")
        if not all(0 <= d.score <= 1 and self._is_possible(d.box) for d in detections):
            raise ValueError("no detector finds that")

    def _is_possible(self, box: Box) -> bool:
        bound = _MAX_DISTANCE * self.size.longer
        sides = box.left, box.top, box.right, box.bottom
        return box.width > 0 and box.height > 0 and all(abs(side) <= bound for side in sides)


def span_path(folder: Path, number: int) -> Path:
    """Where a span lies in the folder of a detection cache."""
    return folder / f"span-{number}.json"


def read_span(folder: Path, key: str, number: int) -> Span | None:
    """A span that lies in a folder; None if it is not there, or is none."""
    try:
        return decode_span(read_sealed(span_path(folder, number), LARGEST), key, number)
    except Exception:  # whatever is wrong with it: its passes are run here
        return None


def write_span(folder: Path, data: bytes, key: str, number: int) -> None:
    """Put a span that a worker process sent into a folder, which is made if it is not there.

    Raises:
        OSError: It cannot be written.
        Exception: Of any other kind: it is not that span.
    """
    decode_span(data, key, number)
    folder.mkdir(mode=0o700, exist_ok=True)
    if not is_private(folder.lstat()):
        raise PermissionError(errno.EPERM, "it is not this user's alone", str(folder))
    write_private(span_path(folder, number), data)


class SpanRecorder:
    """Records what the passes of a schedule find from a time on; before, none need run.

    Args:
        start: Seconds; what comes before tells the schedule only what the pictures are compared to.
    """

    def __init__(self, start: Fraction) -> None:
        self._start = start
        self._results: dict[tuple[str, int], Future[list[Detection]]] = {}
        self._digest = ""

    def advance(self, frame: Frame) -> None:  # noqa: ARG002 - a contract's signature
        """Go on to the next frame."""
        self._digest = ""

    def recall(self, frame: Frame, pass_index: int, result: Future[list[Detection]]) -> bool:
        """Set the result where the pass need not run, else record it once it is set."""
        if frame.time < self._start:
            result.set_result([])  # nobody asks what is there
            return True
        self._digest = self._digest or digest_picture(frame.picture)
        self._results[self._digest, pass_index] = result
        return False

    def span(self, key: str, number: int) -> Span:
        """What was found; all passes must be done."""
        passes = (
            PassOnPicture(picture, pass_index, tuple(result.result()))
            for (picture, pass_index), result in self._results.items()
        )
        return Span(key, number, tuple(passes))


class SpansFoundElsewhere:
    """What others found in the span that an analysis has reached.

    The first result of each pass in a span, and the first in which something is found, is not
    used but computed here, too, and compared. If they differ in a bit, as on a processor that adds
    in another order, nothing of the span is used any more: a plan must not depend on who made it.

    Attributes:
        used: How many spans spared passes.
    """

    def __init__(self) -> None:
        self.used = 0
        self._begin()
        self._digest = -1, ""

    def _begin(self) -> None:
        self._known: dict[tuple[str, int], tuple[Detection, ...]] = {}
        self._trials: dict[_Trial, tuple[list[Detection], Future[list[Detection]]]] = {}
        self._agreed: set[_Trial] = set()
        self._counts = False

    def enter(self, folder: Path | None, key: str, number: int, plausible: Plausible) -> None:
        """Go on to a span.

        Args:
            folder: Where it may lie; None if nothing there can be trusted.
            key: What its key must be.
            number: Of the span.
            plausible: What its passes can find; of a span with anything else nothing is used.
        """
        self._begin()
        span = None if folder is None else read_span(folder, key, number)
        try:
            for one in span.passes if span else ():
                plausible.check(one.pass_index, one.detections)
                if (one.picture, one.pass_index) in self._known:
                    raise ValueError("a pass ran twice")
                self._known[one.picture, one.pass_index] = one.detections
        except ValueError:  # no analysis wrote that: none of it is used
            self._begin()

    def recall(self, frame: Frame, pass_index: int, result: Future[list[Detection]]) -> bool:
        """Set the result if it is known, and what is known of that pass has stood its trial."""
        if not self._known:
            return False
        if self._digest[0] != frame.index:
            self._digest = frame.index, digest_picture(frame.picture)
        found = self._known.get((self._digest[1], pass_index))
        if found is None:
            return False
        kind = pass_index, bool(found)
        if not self._settle(kind):
            return False
        if kind not in self._agreed:
            self._trials.setdefault(kind, ([*found], result))
            return False
        self.used += not self._counts
        self._counts = True
        result.set_result([*found])
        return True

    def _settle(self, kind: _Trial) -> bool:
        """End trials, that one at least; whether what is known can still be used."""
        for one in [it for it, (_, there) in self._trials.items() if it == kind or there.done()]:
            expected, computed = self._trials.pop(one)
            if expected != computed.result():
                self._begin()
                return False
            self._agreed.add(one)
        return True


_Trial: TypeAlias = tuple[int, bool]
"""A pass, by its place, and whether it found anything."""
