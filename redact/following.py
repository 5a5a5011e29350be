"""Follows a box that a person drew through a source, both ways, frame by frame as it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

from redact.core.cuts import frames_of_shot
from redact.core.findings import Sighting
from redact.core.frames import Frame, upright_size
from redact.core.geometry import Box, Size
from redact.core.interfaces import Source, View
from redact.core.plan import Plan
from redact.detect.copies import GREY_SIDE, grey_copy
from redact.errors import PlanError
from redact.media.again import FramesInOrder
from redact.media.formats import open_source
from redact.track import make_flow
from redact.track.follow import End, Ended, follow

FrameAt: TypeAlias = Callable[[int], Frame]
"""Gives a frame by its index; cheapest in ascending order."""

_SMALL = 28
"""Pixels of the small grey picture below which what is followed needs a larger one."""
_LARGEST_SIDE = 1280
"""Longer side, in pixels, of the largest grey picture that is used."""
_WINDOW = 64 << 20
"""Bytes of grey pictures that are held at once for the way back, which is read in such windows."""


def follow_box(
    source: Source,
    plan: Plan,
    box: Box,
    frame: int,
    *,
    frame_at: FrameAt | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Sighting | Ended]:
    """Follow a box from a frame, first onwards and then back, within its shot.

    Sightings come as soon as they are certain: after the frame in ascending order, then before it
    in descending order. Each way ends with an `Ended`. All scores are 0: no detector saw them.

    Args:
        source: What the plan was made from.
        plan: Gives the shots, and how long things may be out of sight.
        box: What was drawn, in pixels of the upright picture.
        frame: The index of the frame that it was drawn in.
        frame_at: A quicker way to frames than to read the source from its start.
        cancelled: Asked before each frame; whether to stop, without an `Ended`. Closing the
            iterator stops it too.

    Raises:
        PlanError: There is no such frame, or the box lies outside of it.
        InputError: The source cannot be read.
    """
    plan.check_source(source.fingerprint, source.path)
    if not 0 <= frame < plan.source.frames:
        raise PlanError(f"there is no frame {frame}", source.path)
    if not box.touches(plan.source.size) or not box.area:
        raise PlanError("the box lies outside of the picture, or is empty", source.path)
    if source.info.pages:  # each is a picture of its own
        yield from (Ended(End.SHOT, frame), Ended(End.SHOT, frame))
        return
    shot = frames_of_shot(frame, plan.cuts, plan.source.frames)
    side = _grey_side(box, plan.source.size)

    def views(indices: range) -> Iterator[View]:
        for index in indices:
            if cancelled():
                raise _CancelledError
            yield _view(reader(index), side)

    def backwards() -> Iterator[View]:
        size = plan.source.size.fitted(min(plan.source.size.longer, side))
        count = max(2, _WINDOW // (size.width * size.height))
        for last in range(frame, beyond_start - 1, -count):
            window = list(views(range(max(beyond_start, last - count + 1), last + 1)))
            yield from reversed(window)

    hold = max(plan.recipe.coverage.follow, plan.recipe.coverage.after)
    beyond_start = max(0, shot.start - 1)  # a frame beyond says why it ends
    beyond_end = min(plan.source.frames, shot.stop + 1)
    with closing(FramesInOrder(source)) as frames:
        reader = frame_at or frames.at
        try:
            for way in (views(range(frame, beyond_end)), backwards()):
                yield from follow(box, way, make_flow(), plan.cuts, hold)
        except _CancelledError:
            return


def follow_file(source: Path | str, plan: Plan, box: Box, frame: int) -> Iterator[Sighting | Ended]:
    """The same for a file: see `follow_box`.

    Args:
        source: What the plan was made from.
        plan: Gives the shots, and how long things may be out of sight.
        box: What was drawn, in pixels of the upright picture.
        frame: The index of the frame that it was drawn in.

    Raises:
        PlanError: The plan is of another source, there is no such frame, or the box lies outside.
        InputError: The source cannot be read.
    """
    opened = open_source(Path(source), strict=plan.recipe.strict_input)
    yield from follow_box(opened, plan, box, frame)


class _CancelledError(Exception):
    """Whoever asked has enough."""


def _grey_side(box: Box, size: Size) -> int:
    """The longer side of the grey pictures: larger where what is followed is small."""
    side = min(size.longer, GREY_SIDE)
    seen = min(box.width, box.height) * side / size.longer
    return max(side, min(_LARGEST_SIDE, round(side * _SMALL / max(seen, 1))))


def _view(frame: Frame, side: int) -> View:
    size = upright_size(frame.picture)
    return View(frame.index, frame.time, size, grey_copy(frame.picture, side), ())
