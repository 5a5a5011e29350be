"""The contracts between the parts; nobody inherits from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from redact.core.findings import Detection, ObjectDetection, Track
from redact.core.frames import Frame, Grey, Picture, Rgb, VideoInfo
from redact.core.geometry import Box, Region, Size
from redact.core.notes import Note


@dataclass(frozen=True, slots=True)
class View:
    """What is kept of a frame after detection.

    Args:
        index: The frame's index.
        time: The frame's time in seconds.
        size: Size of the upright picture.
        grey: A small upright grey copy.
        detections: Merged from all passes, in pixels of the upright picture.
    """

    index: int
    time: Fraction
    size: Size
    grey: Grey
    detections: tuple[Detection, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PlateContext:
    """What tells a plate from lettering in one frame: how it looks again, and what is around it.

    Args:
        frame: The frame's index.
        time: The frame's time in seconds.
        scores: From a plate's box to its mean score when enlarged to several widths, as the network
            gives it; a plate that is missing was not scored again.
        looks: From the same boxes to how surely each is a plate to the network that looks again.
        patches: From a plate's box to grey samples of what it holds and what is around it.
        objects: In pixels of the upright picture; None if none were looked for in this frame.
    """

    frame: int
    time: Fraction
    scores: Mapping[Box, float]
    looks: Mapping[Box, float]
    patches: Mapping[Box, Grey]
    objects: tuple[ObjectDetection, ...] | None = None


class ObjectFinder(Protocol):
    """The network of everyday objects."""

    def detect(
        self, pictures: Sequence[Rgb], threshold: float, classes: Sequence[str]
    ) -> list[list[ObjectDetection]]:
        """Objects per picture, in its own pixels."""


@dataclass(frozen=True, slots=True)
class MovedBox:
    """Where a box went; unreliable where too few of its points could be tracked."""

    box: Box
    reliable: bool


class Source(Protocol):
    """A video or a still; readable from the start as often as asked."""

    @property
    def path(self) -> Path:
        """Its file, for errors."""

    @property
    def info(self) -> VideoInfo:
        """What is known before frames are read."""

    @property
    def fingerprint(self) -> str:
        """`sha256:` and the digest of the whole file."""

    @property
    def notes(self) -> tuple[Note, ...]:
        """What is not as the file has it; complete once all frames were read."""

    def frames(self) -> Iterator[Frame]:
        """Each stored frame once, upright on request, with its own time; closes what it opened.

        Raises:
            InputError: It cannot be read to its end. Nothing is lost silently: see `notes`.
        """


class Sink(Protocol):
    """A file being written; its final name appears only after a clean end."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish and publish after a clean body; after an error leave nothing behind."""

    def write(self, frame: Frame) -> None:
        """Add the frame under its own time."""


class Detector(Protocol):
    """One engine; keeps no memory between pictures and alters none."""

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        """Detections per picture, in its own pixels, each with at least that score."""


class Schedule(Protocol):
    """Decides which detection passes run on which frame, and runs several frames at once."""

    def plan_frames(self, frames: Iterable[Frame]) -> Iterator[Any]:
        """Each frame with what is to be done with it, in order."""

    def start(self, pool: Executor, planned: Any) -> Callable[[], View]:
        """Submit the passes that must run on one frame; what is returned waits for the view."""


class OpticalFlow(Protocol):
    """Moves boxes from one picture to the next; keeps no memory."""

    def move_boxes(self, before: Grey, after: Grey, boxes: Sequence[Box]) -> list[MovedBox]:
        """Where each box went, in pixels of the small grey pictures, which are of one size."""


class Tracker(Protocol):
    """Joins detections across the frames of one video; one video per object."""

    def update(self, view: View) -> None:
        """Take the next frame; frames come in order, none left out."""

    def tracks(self) -> list[Track]:
        """All tracks so far; never revises what is older than the coverage's reach."""

    def cuts(self) -> list[int]:
        """Indices of the frames so far that begin a new shot, ascending."""


class Style(Protocol):
    """How regions are hidden."""

    def hide(self, picture: Picture, regions: Sequence[Region]) -> None:
        """Draw over all regions at once, in place, on the picture's own planes.

        Clips to the picture and rounds outwards to whole chroma samples. All regions come
        together because what one is filled with must not be taken from another.
        """


Progress = Callable[[str, int, int | None], None]
"""Called with the stage (`analyse`, `people`, `render`, `verify`, `follow`; `resume` where
detections of an earlier run are used), frames done and expected."""
