"""Fakes that follow a script: a source, a detector, an optical flow, a style and a sink."""

from __future__ import annotations

from cmath import phase, pi
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from redact.core.coverage import Cover
from redact.core.findings import Detection, Kind
from redact.core.frames import Frame, Grey, Picture, Rgb, VideoInfo
from redact.core.geometry import Box, Region, Size
from redact.core.interfaces import MovedBox, Style, Tracker, View
from redact.core.notes import Note
from redact.core.recipe import Recipe
from redact.errors import EngineError, UnreadableInputError, UnwritableOutputError
from tests.painted import PaintedPicture, flat

MARK = (255, 0, 255)
"""The colour of what a scripted detector finds."""
TRAP = (0, 255, 255)
"""The colour that makes a scripted detector fail."""


@dataclass
class PaintedSource:
    """A video in memory.

    Args:
        times: The time of each frame.
        pictures: The picture of each frame; who reads gets copies.
        fails_at: The index of a frame that cannot be decoded.
        later: How many frames come at every reading but the first; None for all.
        notes: What is not as the file has it.
    """

    times: Sequence[Fraction]
    pictures: Sequence[PaintedPicture]
    fails_at: int | None = None
    later: int | None = None
    notes: tuple[Note, ...] = ()
    readings: int = 0
    given: int = 0
    open: int = 0

    @property
    def path(self) -> Path:
        return Path("painted.mp4")

    @property
    def info(self) -> VideoInfo:
        first = self.pictures[0]
        return VideoInfo(first.turn.upright_size(first.stored_size), len(self.pictures))

    @property
    def fingerprint(self) -> str:
        return "sha256:painted"

    def frames(self) -> Generator[Frame]:
        self.readings += 1
        end = len(self.pictures) if self.readings == 1 else self.later
        self.open += 1
        try:
            shown = zip(self.times, self.pictures, strict=True)
            for index, (time, picture) in enumerate([*shown][:end]):
                if index == self.fails_at:
                    raise UnreadableInputError(f"frame {index} is damaged")
                self.given += 1
                yield Frame(index, time, picture.copy())
        finally:
            self.open -= 1


def even_times(count: int, rate: int = 25) -> list[Fraction]:
    """Times of frames at an even rate."""
    return [Fraction(index, rate) for index in range(count)]


def marked(size: Size, box: Box | None, colour: tuple[int, int, int] = MARK) -> PaintedPicture:
    """A grey picture with a patch of one colour, in whole pixels of the stored picture."""
    picture = flat(size, (90, 90, 90))
    if box is not None:
        samples = picture.planes()[0].samples
        samples[floor(box.top) : ceil(box.bottom), floor(box.left) : ceil(box.right)] = colour
    return picture


@dataclass
class ScriptedDetector:
    """Finds the patch of one colour, and fails where it sees another.

    Args:
        score: Of what it finds.
        seen: The sizes of the pictures that it was given.
    """

    score: float = 0.9
    seen: list[Size] = field(default_factory=list)

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        return [self._patch(picture, threshold) for picture in pictures]

    def _patch(self, picture: Rgb, threshold: float) -> list[Detection]:
        self.seen.append(Size(picture.shape[1], picture.shape[0]))
        if (picture == TRAP).all(axis=2).any():
            raise EngineError("the detector fell into the trap")
        rows, columns = np.nonzero((picture == MARK).all(axis=2))
        if not len(rows) or self.score < threshold:
            return []
        sides = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        return [Detection(Kind.FACE, Box(*map(float, sides)), self.score)]


@dataclass
class ScriptedViews:
    """Replays detections by frame, whatever the picture shows.

    Args:
        found: Boxes and scores, by the frame's index.
        greys: The small grey picture of each frame.
    """

    found: Mapping[int, Sequence[tuple[Box, float]]]
    greys: Sequence[Grey]

    def __call__(self, frame: Frame) -> View:
        picture = frame.picture
        size = picture.turn.upright_size(picture.stored_size)
        found = tuple(Detection(Kind.FACE, *item) for item in self.found.get(frame.index, ()))
        return View(frame.index, frame.time, size, self.greys[frame.index], found)


class StaticFlow:
    """An optical flow in which nothing ever moves."""

    def move_boxes(self, before: Grey, after: Grey, boxes: Sequence[Box]) -> list[MovedBox]:
        assert before.shape == after.shape
        return [MovedBox(box, reliable=True) for box in boxes]


@dataclass
class Blacken:
    """A style that fills each region's bounds with black and remembers what it was told.

    Args:
        fails_at: The call that fails.
    """

    fails_at: int | None = None
    told: list[tuple[Region, ...]] = field(default_factory=list)

    def hide(self, picture: Picture, regions: Sequence[Region]) -> None:
        if len(self.told) == self.fails_at:
            raise EngineError("the style failed")
        self.told.append(tuple(regions))
        for region in regions:
            box = region.box
            rows = slice(max(0, floor(box.top)), max(0, ceil(box.bottom)))
            columns = slice(max(0, floor(box.left)), max(0, ceil(box.right)))
            picture.planes()[0].samples[rows, columns] = 0


@dataclass
class RememberingSink:
    """Keeps what it is given; `published` only after a clean end.

    Args:
        fails_at: The frame that cannot be written.
        fails_at_end: Whether finishing fails.
    """

    fails_at: int | None = None
    fails_at_end: bool = False
    frames: list[Frame] = field(default_factory=list)
    published: list[Frame] | None = None
    closed: bool = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closed = True
        if error is not None:
            return
        if self.fails_at_end:
            raise UnwritableOutputError("the disk is full at the end")
        self.published = self.frames

    def write(self, frame: Frame) -> None:
        if frame.index == self.fails_at:
            raise UnwritableOutputError("the disk is full")
        self.frames.append(frame)


def holds(region: Region, x: float, y: float, slack: float = 1e-6) -> bool:
    """Whether a point lies inside the region's rounded outline, give or take."""
    box = region.box
    room = slack * (1 + box.width + box.height + max(map(abs, (x, y))))
    if not (box.left - room <= x <= box.right + room and box.top - room <= y <= box.bottom + room):
        return False
    if region.corners:
        return in_polygon(region, x, y)
    across, down = region.roundness * box.width / 2, region.roundness * box.height / 2
    x_away = max(across - (x - box.left), across - (box.right - x)) - room
    y_away = max(down - (y - box.top), down - (box.bottom - y)) - room
    if x_away <= 0 or y_away <= 0:
        return True
    return (x_away / across) ** 2 + (y_away / down) ** 2 <= 1


def in_polygon(region: Region, x: float, y: float) -> bool:
    """Whether the region's corners wind around a point, by the angles at which it sees them."""
    box = region.box
    seen = [
        complex(box.left + across * box.width - x, box.top + down * box.height - y)
        for across, down in region.corners
    ]
    if any(abs(corner) < 1e-9 for corner in seen):
        return True
    pairs = zip(seen, [*seen[1:], seen[0]], strict=True)
    return round(sum(phase(b / a) for a, b in pairs) / (2 * pi)) != 0


def hidden_share(box: Box, regions: Sequence[Region], size: Size | None = None) -> float:
    """How much of the box, where it lies in the picture, is inside the regions: 0 to 1."""
    places = (np.arange(16) + 0.5) / 16
    points = [
        (x, y)
        for x in box.left + places * box.width
        for y in box.top + places * box.height
        if size is None or (0 <= x < size.width and 0 <= y < size.height)
    ]
    if not points:
        return 1.0
    return sum(any(holds(r, x, y) for r in regions) for x, y in points) / len(points)


def redact_while_reading(
    source: PaintedSource,
    make_view: Callable[[Frame], View],
    tracker: Tracker,
    recipe: Recipe,
    style: Style,
) -> Iterator[Frame]:
    """The frames, read once and hidden as they come, later by the coverage's reach.

    Nothing in redact works so. It holds trackers to their promise that nothing older than the reach
    is revised, and coverage to its promise that the reach is long enough.
    """
    waiting: deque[Frame] = deque()
    with closing(source.frames()) as frames:
        for frame in frames:
            tracker.update(make_view(frame))
            waiting.append(frame)
            while frame.time - waiting[0].time > recipe.coverage.reach:
                yield _hidden(waiting.popleft(), tracker, recipe, style)
        while waiting:
            yield _hidden(waiting.popleft(), tracker, recipe, style)


def _hidden(frame: Frame, tracker: Tracker, recipe: Recipe, style: Style) -> Frame:
    cover = Cover(tracker.tracks(), tracker.cuts(), recipe.coverage)
    style.hide(frame.picture, [h.region for h in cover.hidden(frame.index, frame.time)])
    return frame
