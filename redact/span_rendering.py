"""Rendering in spans, for the worker that has the file: others may draw some, and it does the rest.

It begins with the first span, others with the last one. Where it comes to a span that somebody has
drawn, it reads that; whatever is missing or is no such span it draws itself, by the same code. So
the pictures do not depend on who is there, and nobody waits for anybody. Alone, too, it draws in
spans: a further round draws only those again in which it hides something else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

from redact.core.extent import Extent
from redact.core.frames import Frame
from redact.core.geometry import Region
from redact.core.interfaces import Progress, Sink, Source
from redact.core.plan import Plan
from redact.detect.cache import SEGMENT, DetectionCache, package_version
from redact.drawing import (
    LIST,
    DrawnFrame,
    KeyFrame,
    OrderedSpan,
    SpanOrder,
    carry_out,
    read_order,
    write_list,
    write_order,
)
from redact.errors import EngineError, InputError, OutputExistsError, UnwritableOutputError
from redact.hide.covers import CoverPicture
from redact.hide.extent import ExtentMeter
from redact.media.drafts import clean
from redact.media.video.coded_streams import CannotCopy, CodedStream
from redact.media.video.encoders import Choice
from redact.media.video.seeking import FrameIndex, FrameSeeker
from redact.media.video.sink import VideoSink, choose_for
from redact.media.video.smart_rendering import Copies
from redact.media.video.source import VideoSource
from redact.media.video.span_encoding import (
    THREADS,
    EncodedSpan,
    EncodedSpans,
    SpanFrames,
    divide,
    encode_model,
    index_for_spans,
    read_span,
)

_OURS = re.compile(r"draw-[0-9]+\.json|drawn-[0-9]+-[0-9a-f]{32}\.mp4")
_KEYS_BEFORE = 3
"""Key frames before a span that are tried, where a container seeks loosely."""

_LIBRARIES = ("av", "numpy", "opencv-contrib-python", "redact-video")
"""Packages whose versions pictures depend on."""

ALONE = 10
"""Seconds of a span where nobody else draws: x264 begins a group of pictures as often anyway."""

_NEWS = 1000
"""Frames after which it is told that orders are being written."""


@dataclass(slots=True, eq=False)
class SpanRendering:
    """The rendering of one file in spans, in as many rounds as need be.

    Args:
        folder: Where orders and spans lie. Others may see it.
        seconds: How long a span is.
        threads: Of each encoder; 0 for as many as there are processors, where nobody else draws.

    Attributes:
        elsewhere: How many of the spans that were used others had drawn, or an earlier run.
    """

    folder: Path
    seconds: int = SEGMENT
    threads: int = THREADS
    elsewhere: int = 0
    _own: set[str] = field(default_factory=set)

    def write(
        self,
        sink: Sink,
        output: Path,
        source: Source,
        plan: Plan,
        cover: CoverPicture | None,
        copies: Copies | None,
        finer: int,
        progress: Progress,
    ) -> Extent | None:
        """Write a result: encode all frames that are not copied in spans, and join these.

        Args:
            sink: Of the result, not entered.
            output: Its suffix names the container.
            source: What the plan was made from; read from its start to its end before.
            plan: What is hidden.
            cover: The picture that the style `cover` draws.
            copies: Which frames are copied.
            finer: How many steps finer pictures are encoded.
            progress: Called for every frame.

        Returns:
            How much is hidden; None, and nothing is done, if the video is short or can only be
            encoded in one piece.

        Raises:
            RedactError: Any of the family.
        """
        if not isinstance(source, VideoSource) or (copies and copies.whole):
            return None
        assert isinstance(sink, VideoSink)
        known, recipe = plan.source, plan.recipe
        choice = choose_for(output, source, recipe.encoder, recipe.quality, finer, copies)
        index = index_for_spans(source, choice, known.frames, known.first, known.last)
        if index is None:
            return None
        spans, times = divide(index, copies, self.seconds), index.times
        if len(spans) < 2 or (copies and list(copies.times) != times):
            return None
        try:
            model = self._encode_model(choice, source)
            with closing(FrameSeeker(source, index)) as seeker:
                work = _Work(self, source, plan, choice, index, cover, progress, model, seeker)
                listed, extent = work.write_orders(spans, times)
                encoded = [work.encode(*both) for both in zip(spans, listed, strict=True)]
        except CannotCopy:  # joining does not know this kind of picture
            return None
        except OSError as error:
            raise UnwritableOutputError(f"cannot be written: {error.strerror}", output) from error
        finally:
            (self.folder / LIST).unlink(missing_ok=True)
        sink.take(EncodedSpans(tuple(encoded), tuple(times)))
        with sink:
            return extent

    def clear(self) -> None:
        """Remove what was drawn: it was for nothing, and may be why there is no room."""
        with suppress(OSError):
            self._remove_all_but(())

    def _remove_all_but(self, names: Collection[str]) -> None:
        """Remove orders and spans, but for those of these names."""
        for path in self.folder.iterdir():
            if _OURS.fullmatch(path.name) and path.name not in names:
                path.unlink(missing_ok=True)

    def _encode_model(self, choice: Choice, source: VideoSource) -> CodedStream:
        """What the headers of spans must be."""
        with TemporaryDirectory(dir=self.folder) as place:
            return encode_model(Path(place) / "model.mp4", choice, source.media_info)


def choose_spans(
    held: Path, cache: DetectionCache | None, with_others: bool
) -> SpanRendering | None:
    """How a draft that is checked is rendered in spans; None for in one piece.

    Args:
        held: The draft, in a folder of its own.
        cache: Of the analysis; None if there was none. Seeking is sure only in a file that was read
            from its start to its end.
        with_others: Whether others may draw spans, in the folder of the cache.
    """
    if not with_others:
        return None if cache is None else SpanRendering(held.parent, ALONE, 0)
    shared = None if cache is None else cache.shared_folder
    return SpanRendering(held.parent if shared is None else shared)


@dataclass(slots=True, eq=False)
class _Work:
    """One round of it."""

    rendering: SpanRendering
    source: VideoSource
    plan: Plan
    choice: Choice
    index: FrameIndex
    cover: CoverPicture | None
    progress: Progress
    model: CodedStream
    seeker: FrameSeeker

    @property
    def folder(self) -> Path:
        return self.rendering.folder

    def write_orders(
        self, spans: Sequence[SpanFrames], times: Sequence[Fraction]
    ) -> tuple[list[OrderedSpan], Extent]:
        """Say what is to be drawn in each span; what was drawn by other orders is removed."""
        (self.folder / LIST).unlink(missing_ok=True)
        clean(self.folder)
        info, meter = self.source.media_info, ExtentMeter()
        hidden = self._hidden(times, lambda time, found: meter.add_at(
            time, info.size, info.turn, found
        ))  # fmt: skip
        listed = [write_order(self.folder, self._order(span, hidden)) for span in spans]
        for _ in hidden:  # those that are copied behind the last span
            pass
        self.rendering._remove_all_but({n for one in listed for n in (one.name, one.order_name)})
        write_list(self.folder, tuple(listed))
        return listed, meter.result()

    def _hidden(
        self, times: Sequence[Fraction], tell: Callable[[Fraction, list[Region]], None]
    ) -> Iterator[tuple[int, tuple[Region, ...]]]:
        """What is hidden in each frame, in order, as rendering in one piece asks for it."""
        regions = self.plan.cover()
        for index, time in enumerate(times):
            found = regions(index, time)
            tell(time, found)
            if index % _NEWS == 0:
                self.progress("divide", index, len(times))
            yield index, tuple(found)

    def _order(
        self, span: SpanFrames, hidden: Iterator[tuple[int, tuple[Region, ...]]]
    ) -> SpanOrder:
        wanted = set(span.indices)
        frames: list[DrawnFrame] = []
        while len(frames) < len(span.indices):
            index, regions = next(hidden)
            if index in wanted:
                frames.append(DrawnFrame(self.index.ticks[index], regions))
        plan, choice = self.plan, self.choice
        return SpanOrder(
            tuple(f"{name} {package_version(name)}" for name in _LIBRARIES),
            plan.source.fingerprint,
            span.number,
            self.index.clock,
            self._keys(span),
            tuple(frames),
            span.groups,
            plan.recipe,
            plan.style,
            tuple(sorted(plan.styles)),
            choice.encoder.name,
            choice.container,
            choice.pixel_format,
            tuple(sorted(choice.options.items())),
            self.rendering.threads,
        )

    def _keys(self, span: SpanFrames) -> tuple[KeyFrame, ...]:
        """The first key frame, from which a file is read from its start, and those of the span."""
        nearest, last = map(self.index.key_before, (span.indices[0], span.indices[-1]))
        begin = max(1, nearest - _KEYS_BEFORE + 1)
        return tuple(
            KeyFrame(*key) for key in (self.index.keys[0], *self.index.keys[begin : last + 1])
        )

    def encode(self, span: SpanFrames, one: OrderedSpan) -> EncodedSpan:
        """The span, if another has drawn it; else draw it.

        Raises:
            RedactError: It cannot be drawn.
        """
        path, rendering = self.folder / one.name, self.rendering
        ticks = [self.index.ticks[index] for index in span.indices]
        whole, begin = self.plan.source.frames, span.indices[0]
        self.progress("render", begin, whole)
        if path.exists() or path.is_symlink():
            with suppress(InputError, CannotCopy):
                found = self._read(path, ticks)
                rendering.elsewhere += one.name not in rendering._own
                return found
            path.unlink(missing_ok=True)
        try:
            order = read_order(self.folder, one)
        except Exception as error:
            raise EngineError(f"its own order is gone: {error}", self.source.path) from error

        def tell(stage: str, done: int, _: int | None) -> None:
            self.progress(stage, span.indices[done - 1] + 1, whole)

        with suppress(OutputExistsError):  # another was quicker after all
            carry_out(self.source, order, path, self.cover, tell, self._frames(span))
            rendering._own.add(one.name)
        try:
            return self._read(path, ticks)
        except CannotCopy as error:
            problem = f"a span is not as it was encoded: {error}"
            raise EngineError(problem, self.source.path) from error

    def _frames(self, span: SpanFrames) -> Iterator[Frame]:
        """The frames of a span, counted from 0; those of the next are decoded on from there."""
        for place, index in enumerate(span.indices):
            yield replace(self.seeker.frame(index), index=place)

    def _read(self, path: Path, ticks: Sequence[int]) -> EncodedSpan:
        """A span that lies there.

        Raises:
            CannotCopy: It is something else.
            InputError: It cannot be read.
        """
        codec = self.choice.encoder.codec
        return read_span(path, ticks, self.index.clock, codec, self.model)
