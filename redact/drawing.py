"""Rendering in spans: what is drawn in each, so that another machine can do it, and where it lies.

All that the pictures of a span depend on stands in its order: which frames, what is hidden in each,
and how they are encoded. Orders lie in a folder that the machines of a cluster share, and so do the
spans, each under a name with the digest of its order. So it does not matter who encoded a span, in
which round or run: what was drawn and encoded by another order has another name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from redact.core.frames import Frame
from redact.core.geometry import Region
from redact.core.interfaces import Progress, Source
from redact.core.parallel import map_ahead
from redact.core.recipe import Recipe, StyleName
from redact.core.storage import is_private, write_private
from redact.detect.sealed import read_sealed, seal, unseal
from redact.errors import EngineError, OutputExistsError
from redact.media.drafts import draft
from redact.media.formats import open_source, read_cover

if TYPE_CHECKING:
    from redact.hide.covers import CoverPicture
    from redact.media.video.encoders import Choice
    from redact.media.video.source import VideoSource

LARGEST = 1 << 26
"""Bytes of an order."""

LIST = "drawing.json"
"""The file that names the spans that are to be drawn."""


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """When a key frame is shown, and when it is decoded, in ticks."""

    shown: int
    decoded: int


@dataclass(frozen=True, slots=True)
class DrawnFrame:
    """When a frame is shown, in ticks, and what is hidden in it."""

    tick: int
    regions: tuple[Region, ...]


@dataclass(frozen=True, slots=True)
class SpanOrder:
    """All that the pictures of a span depend on.

    Args:
        versions: Of the packages that draw and encode.
        fingerprint: Of the source.
        number: Of the span.
        clock: Seconds of a tick.
        keys: The first key frame of the source, and those around the span, in order.
        frames: Those that are encoded, in order.
        groups: Places among them that begin a closed group of pictures.
        recipe: What styles are made from.
        style: Of regions that name none.
        styles: All that something may be drawn in.
        encoder: FFmpeg's name of it.
        container: What the result is written to.
        pixel_format: What the encoder gets.
        options: The encoder's, each a name and a value.
        threads: The encoder's; 0, as many as there are processors, where nobody else draws.
    """

    versions: tuple[str, ...]
    fingerprint: str
    number: int
    clock: Fraction
    keys: tuple[KeyFrame, ...]
    frames: tuple[DrawnFrame, ...]
    groups: tuple[int, ...]
    recipe: Recipe
    style: StyleName
    styles: tuple[StyleName, ...]
    encoder: str
    container: str
    pixel_format: str
    options: tuple[tuple[str, str], ...]
    threads: int


@dataclass(frozen=True, slots=True)
class OrderedSpan:
    """One span of a rendering, as the list in the folder names it.

    Args:
        number: Of the span.
        digest: Of its order, as hexadecimal digits.
    """

    number: int
    digest: str

    @property
    def order_name(self) -> str:
        """The name of its order."""
        return f"draw-{self.number}.json"

    @property
    def name(self) -> str:
        """The name of the span once it is encoded."""
        return f"drawn-{self.number}-{self.digest}.mp4"


@dataclass(frozen=True, slots=True)
class SpanList:
    """The spans that are to be drawn."""

    spans: tuple[OrderedSpan, ...]


def draw_span(
    path: Path, folder: Path, number: int, cover: Path | None, progress: Progress
) -> None:
    """Draw and encode one span for the worker that has the file; a span without frames is done.

    Args:
        path: The source.
        folder: Where orders and spans lie.
        number: Of the span.
        cover: The picture that the style `cover` draws.
        progress: Called for every frame.

    Raises:
        InputError: The source cannot be used.
        EngineError: There is no such order, or it cannot be carried out here.
        OutputError: The span cannot be written.
    """
    from redact.media.video.span_encoding import THREADS

    try:
        if not is_private(folder.lstat()):
            raise ValueError("its folder is not this user's alone")
        listed = unseal(read_sealed(folder / LIST, LARGEST), SpanList)
        one = next((one for one in listed.spans if one.number == number), None)
        if one is None or (folder / one.name).exists():
            return
        order = read_order(folder, one)
        if order.threads != THREADS:
            raise ValueError("it is for one machine alone")
    except Exception as error:
        raise EngineError(f"nobody says what is to be drawn: {error}", path) from error
    from redact.hide.covers import CoverPicture

    source = open_source(path, strict=order.recipe.strict_input)
    picture = None if cover is None else CoverPicture(cover, *read_cover(cover))
    with suppress(OutputExistsError):  # another was quicker
        carry_out(source, order, folder / one.name, picture, progress)


def has_list(folder: Path) -> bool:
    """Whether spans are to be drawn."""
    return (folder / LIST).is_file()


def write_order(folder: Path, order: SpanOrder) -> OrderedSpan:
    """Put an order into a folder.

    Raises:
        EngineError: It is too long.
        OSError: It cannot be written.
    """
    data = seal(order)
    if len(data) > LARGEST:
        raise EngineError(f"too much is hidden in span {order.number} for one order")
    found = OrderedSpan(order.number, _digest(data))
    write_private(folder / found.order_name, data)
    return found


def write_list(folder: Path, spans: tuple[OrderedSpan, ...]) -> None:
    """Tell whoever sees a folder that its spans are to be drawn.

    Raises:
        OSError: It cannot be written.
    """
    write_private(folder / LIST, seal(SpanList(spans)))


def read_order(folder: Path, one: OrderedSpan) -> SpanOrder:
    """The order of a span.

    Raises:
        Exception: Of any kind: it is missing, damaged, or another.
    """
    data = read_sealed(folder / one.order_name, LARGEST)
    if _digest(data) != one.digest:
        raise ValueError("it is the order of something else")
    return unseal(data, SpanOrder)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def carry_out(
    source: Source,
    order: SpanOrder,
    drawn: Path,
    cover: CoverPicture | None,
    progress: Progress,
    frames: Iterator[Frame] | None = None,
) -> None:
    """Draw and encode a span; its name appears when it is complete.

    Args:
        source: What is drawn on.
        order: What is drawn.
        drawn: The span's name.
        cover: The picture that the style `cover` draws.
        progress: Called for every frame.
        frames: Those of the span, counted from 0; None to seek them in the source.

    Raises:
        RedactError: As `draw_span` raises, or the name is there already.
    """
    from redact.hide.covers import choose_style
    from redact.media.video.seeking import LostError
    from redact.media.video.source import VideoSource
    from redact.media.video.span_encoding import encode_span

    assert isinstance(source, VideoSource)
    style = choose_style(order.recipe, order.style, cover, order.styles)
    ticks = [frame.tick for frame in order.frames]

    def hide(frame: Frame) -> None:
        style.hide(frame.picture, order.frames[frame.index].regions)

    with (
        draft(drawn, source=source.path, force=True) as written,
        closing(map_ahead(hide, frames or _frames(source, order))) as hidden,
    ):
        work = encode_span(
            written,
            (frame for frame, _ in hidden),
            ticks,
            order.groups,
            _choice_of(order),
            source.media_info,
            order.threads,
        )
        try:
            for done in work:
                progress("render", done, len(ticks))
        except LostError as error:
            raise EngineError(f"a frame is not where it was: {error}", source.path) from error


def _frames(source: VideoSource, order: SpanOrder) -> Iterator[Frame]:
    """The frames of a span, counted from 0."""
    from redact.media.video.seeking import FrameIndex, FrameSeeker

    ticks = tuple(frame.tick for frame in order.frames)
    index = FrameIndex(order.clock, ticks, tuple((k.shown, k.decoded) for k in order.keys))
    with closing(FrameSeeker(source, index)) as seeker:
        yield from map(seeker.frame, range(len(ticks)))


def _choice_of(order: SpanOrder) -> Choice:
    from redact.media.video.encoder_table import ENCODERS
    from redact.media.video.encoders import Choice

    encoder = next(one for one in ENCODERS.values() if one.name == order.encoder)
    return Choice(encoder, order.container, order.pixel_format, dict(order.options))
