"""In the worker process: frames of a source as JPEG, as they are or as they will be published."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from time import monotonic
from typing import Literal, TypeAlias

from PIL import Image

from redact.core.findings import Sighting
from redact.core.frames import Frame, Rgb, upright_size
from redact.core.geometry import Box
from redact.core.interfaces import Progress, Style
from redact.core.plan import Edit, Plan, loads
from redact.following import follow_box
from redact.hide.covers import style_of
from redact.jobs.jobs import Failure, describe_failure
from redact.media.formats import has_sound, open_source
from redact.review.readers import make_reader
from redact.track.follow import Ended

View: TypeAlias = Literal["original", "published"]

_QUALITY = 85
_NICE = 10
_MOMENT = 0.2
"""Seconds after which a following gives what it has, and lets frames go first."""
_CROP_MARGIN = 0.45
"""Margin around a crop, as a share of its box."""


@dataclass(frozen=True, slots=True)
class Waking:
    """Has a process load what it needs, before anything is to be opened."""

    source: Path = Path()


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens a source with its plan; whatever is asked of it comes after that.

    Args:
        source: A video or a still.
        plan: Of that very source; for previews a `Planning` tells its tracks.
        beside: Whether the process lets others have the processor first.
    """

    source: Path
    plan: Plan
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Planning:
    """Tells what is hidden, before the first preview: with thousands of tracks that takes a while.

    Args:
        source: Opened before.
        plan: As JSON, which is made and sent more quickly than a plan; without edits.
    """

    source: Path
    plan: str


@dataclass(frozen=True, slots=True)
class Opened:
    """What is known of an opened source.

    Args:
        times: When each frame is shown, in seconds.
        sizes: Of each frame; one where all are of one size.
        keys: Indices of key frames, in order: these and the ones after them come quickly.
        sound: Whether there is some.
    """

    times: tuple[Fraction, ...]
    sizes: tuple[tuple[int, int], ...]
    keys: tuple[int, ...]
    sound: bool = False


@dataclass(frozen=True, slots=True)
class FrameRequest:
    """Asks for some frames in a row.

    Args:
        source: Opened before.
        first: The index of the first of them.
        count: How many.
        longer: The longer side of each, in pixels; no picture is enlarged.
        view: As they are, or with everything hidden.
        edits: Of the plan, for what is hidden.
        box: Only this part of them.
    """

    source: Path
    first: int
    count: int
    longer: int
    view: View
    edits: tuple[Edit, ...] = ()
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Pictures:
    """Frames, each a JPEG file."""

    files: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class FollowRequest:
    """Asks for the next part of the path of a box that was drawn.

    Args:
        source: Opened before.
        number: Of the following; another number begins another one, and ends the one before.
        box: What was drawn, in pixels of the upright picture.
        frame: In which frame.
    """

    source: Path
    number: int
    box: Box
    frame: int


@dataclass(frozen=True, slots=True)
class Followed:
    """A part of a path.

    Args:
        sightings: Frame, left, top, right and bottom of each.
        ends: Why a way ended, and at which frame; the way onwards comes first.
        done: Whether that is all.
    """

    sightings: tuple[tuple[int, float, float, float, float], ...]
    ends: tuple[tuple[str, int], ...]
    done: bool


Request: TypeAlias = Waking | Opening | Planning | FrameRequest | FollowRequest


def answer(request: Request, tell: Progress) -> Opened | Pictures | Followed | Failure:
    """What is asked for; a failure is an answer too."""
    try:
        if isinstance(request, Waking):
            from redact.media.video import seeking, source  # noqa: F401 - so that they are there

            return Pictures(())
        if isinstance(request, Opening):
            _close_all()
            if request.beside and hasattr(os, "nice"):
                os.nice(max(0, _NICE - os.nice(0)))
            opened = _open[request.source] = OpenSource(request.source, request.plan, tell)
            return opened.facts
        if isinstance(request, Planning):
            _open[request.source].take_plan(request.plan)
            return Pictures(())
        if isinstance(request, FollowRequest):
            return _open[request.source].follow(request)
        return Pictures(tuple(_open[request.source].pictures(request, tell)))
    except Exception as error:
        return describe_failure(error, request.source)


_open: dict[Path, OpenSource] = {}
"""What is open in this process: one source at a time."""


def _close_all() -> None:
    for opened in _open.values():
        opened.close()
    _open.clear()


class OpenSource:
    """One source and its plan, in the worker process.

    Args:
        path: The source.
        plan: Of that very source.
        progress: Called while all of it must be read.

    Raises:
        InputError: It cannot be read.
        PlanError: It is not the source of the plan.
    """

    def __init__(self, path: Path, plan: Plan, progress: Progress) -> None:
        self._source = open_source(path, strict=plan.recipe.strict_input)
        plan.check_source(self._source.fingerprint, path)
        self._plan = plan
        self.reader = make_reader(self._source, plan.source, progress)
        self._hiding: Hiding | None = None
        self._following: tuple[int, Iterator[Sighting | Ended]] = (-1, iter(()))
        self._aside = self.reader
        times, sound = tuple(self.reader.times), has_sound(path)
        self.facts = Opened(times, self.reader.sizes, self.reader.keys, sound)

    def close(self) -> None:
        """Close its file."""
        self.reader.close()
        self._aside.close()

    def take_plan(self, text: str) -> None:
        """Preview that plan from now on.

        Raises:
            PlanError: It is none, or of another source.
        """
        plan = loads(text)
        plan.check_source(self._source.fingerprint, self._source.path)
        self._plan, self._hiding = plan, None

    def follow(self, request: FollowRequest) -> Followed:
        """The next part of a path, as much as comes in a moment: frames may be wanted meanwhile."""
        if self._following[0] != request.number:
            if self._aside is self.reader:  # of its own, so that both go on where they are
                self._aside = make_reader(self._source, self._plan.source, lambda *_: None)
            path = follow_box(
                self._source,
                self._plan,
                request.box,
                request.frame,
                frame_at=self._aside.frame,
            )
            self._following = request.number, path
        sightings, ends, until = [], [], monotonic() + _MOMENT
        for found in self._following[1]:
            if isinstance(found, Ended):
                ends.append((str(found.why), found.frame))
            else:
                box = found.box
                sightings.append((found.frame, box.left, box.top, box.right, box.bottom))
            if monotonic() > until:
                return Followed(tuple(sightings), tuple(ends), False)
        return Followed(tuple(sightings), tuple(ends), True)

    def pictures(self, request: FrameRequest, tell: Progress) -> Iterator[bytes]:
        """The frames that a request asks for, as JPEG files."""
        for index in range(request.first, request.first + request.count):
            tell("frame", index, None)
            frame = self.reader.frame(index)
            if request.view == "published":
                self._hide(frame, request.edits)
            yield _jpeg(_scaled(frame, request), request.longer)

    def _hide(self, frame: Frame, edits: tuple[Edit, ...]) -> None:
        if self._hiding is None or self._hiding.plan.edits != edits:
            self._hiding = Hiding(replace(self._plan, edits=edits, result=None))
        self._hiding.hide(frame)


class Hiding:
    """Hides in single frames what a plan hides, as a render does.

    Args:
        plan: With its edits.

    Raises:
        RecipeError: The style needs a picture that is not there.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._style: Style = style_of(plan, None)
        self._regions = plan.cover()
        self._last = -1

    def hide(self, frame: Frame) -> None:
        """Draw over all that is hidden, in place."""
        if frame.index <= self._last:  # regions are asked for in order of time only
            self._regions = self.plan.cover()
        self._last = frame.index
        self._style.hide(frame.picture, self._regions(frame.index, frame.time))


def _scaled(frame: Frame, request: FrameRequest) -> Rgb:
    """The part of a frame that is asked for, no larger than asked for and never enlarged."""
    size = upright_size(frame.picture)
    if request.box is None:
        return frame.picture.rgb(size.fitted(min(size.longer, request.longer)))
    box = request.box.grown(_CROP_MARGIN)
    whole = frame.picture.rgb(size)
    rows = slice(max(0, floor(box.top)), max(1, ceil(box.bottom)))
    columns = slice(max(0, floor(box.left)), max(1, ceil(box.right)))
    part = whole[rows, columns]
    return part if part.size else whole[:1, :1]


def _jpeg(picture: Rgb, longer: int) -> bytes:
    image = Image.fromarray(picture)
    image.thumbnail((longer, longer))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
