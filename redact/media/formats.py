"""Which code reads, writes and checks each kind of file: a table with a row for each kind.

A row's functions load their engine (PyAV or Pillow) when they are called, not before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from redact.core.frames import Samples
from redact.core.interfaces import Sink, Source
from redact.core.notes import Note
from redact.core.plan import Plan
from redact.core.recipe import Recipe
from redact.errors import (
    InputError,
    RecipeError,
    RedactError,
    UnreadableInputError,
    UnsupportedInputError,
)
from redact.media.files import STILL_SUFFIXES, UNREADABLE, VIDEO_SUFFIXES, check_input

if TYPE_CHECKING:
    from redact.media.video.sink import VideoSink
    from redact.media.video.smart_rendering import Copies
    from redact.media.video.source import VideoSource


def open_source(path: Path, *, strict: bool = False) -> Source:
    """The source for a file, by its suffix.

    Args:
        path: The file.
        strict: Whether a damaged video is refused.

    Raises:
        InputError: It cannot be read, or it is no kind of file that redact knows.
    """
    check_input(path)
    kind = _kind_of(path)
    if kind is None:
        if why := UNREADABLE.get(path.suffix.lower()):
            raise UnsupportedInputError(why[0], path, why[1])
        known = ", ".join(sorted(s[1:] for s in VIDEO_SUFFIXES | STILL_SUFFIXES))
        raise UnreadableInputError("this kind of file is not known", path, f"known are {known}")
    return kind.open(path, strict)


def check_choices(
    source: Source, recipe: Recipe, output: Path | None = None, ffmpeg: str | None = None
) -> None:
    """Refuse before the work what would be refused when the result is written, hours later.

    Args:
        source: Opened.
        recipe: Its encoder must fit and work here; what it keeps must be keepable.
        output: Where the result will be written; None where nothing will be.
        ffmpeg: The ffmpeg program, None for the one that is installed with redact.

    Raises:
        RedactError: The encoder does not fit or work, or something cannot be kept in that output.
    """
    kind = _kind_of(source.path)
    if kind is None:
        return
    try:
        kind.check(source, recipe, output, ffmpeg)
    except RedactError as error:
        if error.path is not None:
            raise
        raise type(error)(error.problem, source.path, error.remedy) from error


def open_sink(
    output: Path,
    source: Source,
    plan: Plan,
    force: bool,
    ffmpeg: str | None,
    copies: Copies | None,
    finer: int = 0,
) -> Sink:
    """The sink for a result: for a picture, an animation, pages, or a video.

    Args:
        output: The final name.
        source: What is redacted.
        plan: Its recipe says how the result is written.
        force: Whether an existing output is replaced.
        ffmpeg: The ffmpeg program, None for the one that is installed with redact.
        copies: Which coded frames are copied from the source, None for none.
        finer: How many steps finer than usual a video is encoded.

    Raises:
        RedactError: The recipe does not fit the source or the output's container.
    """
    kind = _kind_of(source.path)
    assert kind is not None
    return kind.sink(output, source, plan, force, ffmpeg, copies, finer)


def find_copies(output: Path, source: Source, plan: Plan) -> Copies | None:
    """Which coded frames of a video can be copied; None for none.

    Nothing is copied where somebody asked how the pictures are to be encoded.
    """
    kind = _kind_of(source.path)
    asked = plan.recipe.encoder is not None or plan.recipe.quality is not None
    return None if kind is None or asked else kind.copies(output, source, plan)


def find_notes(output: Path, source: Source, plan: Plan) -> tuple[Note, ...]:
    """What of a result is not as its source has it, beside what the plan hides."""
    kind = _kind_of(source.path)
    return source.notes if kind is None else source.notes + kind.notes(output, source, plan)


def find_faults(original: Source, finished: Source, plan: Plan | None) -> list[str]:
    """What is wrong with a finished file beside its pictures: size, streams, tags and the like."""
    kind = _kind_of(original.path)
    if kind is None or kind is not _kind_of(finished.path):
        return ["one is a video and the other a picture"]
    return kind.faults(original, finished, plan)


def has_sound(path: Path) -> bool:
    """Whether a file has sound; a video that cannot be read may have some."""
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        return False
    from redact.media.video.container import open_media

    try:
        with open_media(path) as container:
            return bool(container.streams.audio)
    except InputError:
        return True


def read_cover(path: Path) -> tuple[str, Samples]:
    """A still picture to cover things with.

    Returns:
        The digest of its file, and its upright samples: (height, width) or (height, width,
        channels), 8 or 16 bit, RGB order.

    Raises:
        MissingInputError: There is no such file.
        RecipeError: It is no still picture.
    """
    from redact.media.stills import StillSource, open_still

    check_input(path)
    try:
        if path.suffix.lower() in VIDEO_SUFFIXES:
            raise RecipeError("a video covers nothing", path)
        source = open_still(path)
    except InputError as error:
        problem = f"cannot be used as a cover: {error.problem}"
        raise RecipeError(problem, path, error.remedy) from error
    if not isinstance(source, StillSource):
        raise RecipeError("several pictures cover nothing", path, "take one of them")
    return source.fingerprint, source.decoded.samples


def _open_video(path: Path, strict: bool) -> Source:
    from redact.media.video.source import VideoSource

    return VideoSource(path, strict=strict)


def _check_video(source: Source, recipe: Recipe, output: Path | None, ffmpeg: str | None) -> None:
    from redact.media.video.source import VideoSource
    from redact.media.video.subtitles import check_keepable

    assert isinstance(source, VideoSource)
    timing = None
    if output is not None:
        sink = _open_video_sink(output, source, recipe, ffmpeg, force=True)
        sink.check_writable()
        timing = sink.timing
    if "subtitles" in recipe.extras:
        check_keepable(source.media_info, source.path, timing)


def _video_sink(
    output: Path,
    source: Source,
    plan: Plan,
    force: bool,
    ffmpeg: str | None,
    copies: Copies | None,
    finer: int,
) -> Sink:
    from redact.media.video.source import VideoSource

    assert isinstance(source, VideoSource)
    return _open_video_sink(output, source, plan.recipe, ffmpeg, force, plan, copies, finer)


def _open_video_sink(
    output: Path,
    source: VideoSource,
    recipe: Recipe,
    ffmpeg: str | None,
    force: bool,
    plan: Plan | None = None,
    copies: Copies | None = None,
    finer: int = 0,
) -> VideoSink:
    from redact.media.video.sink import VideoSink

    return VideoSink(
        output,
        source,
        encoder=recipe.encoder,
        quality=recipe.quality,
        audio=recipe.audio,
        extras=recipe.extras,
        ffmpeg=Path(ffmpeg) if ffmpeg else None,
        force=force,
        frames=plan.source.frames if plan else None,
        copies=copies,
        finer=finer,
        mutes=plan.mutes if plan else (),
    )


def _video_copies(output: Path, source: Source, plan: Plan) -> Copies | None:
    from redact.media.video import smart_rendering
    from redact.media.video.source import VideoSource

    assert isinstance(source, VideoSource)
    return smart_rendering.find_copies(output, source, plan.cover(), plan.source.frames)


def _video_notes(output: Path, source: Source, plan: Plan) -> tuple[Note, ...]:
    from redact.media.video.encoders import CONTAINERS
    from redact.media.video.source import VideoSource
    from redact.media.video.tracks import choose_sound, sound_notes

    assert isinstance(source, VideoSource)
    container = CONTAINERS[output.suffix.lower()]
    sound = choose_sound(source.media_info, container, plan.recipe.audio, source.path)
    return sound_notes(sound, container, plan.mutes)


def _video_faults(original: Source, finished: Source, plan: Plan | None) -> list[str]:
    from redact.media.video.checking import find_faults
    from redact.media.video.source import VideoSource

    assert isinstance(original, VideoSource)
    assert isinstance(finished, VideoSource)
    asked = () if plan is None else (plan.recipe.extras, plan.mutes)
    return find_faults(original, finished, *asked)


def _open_still(path: Path, strict: bool) -> Source:
    from redact.media.stills import open_still

    return open_still(path, strict=strict)


def _check_still(source: Source, _recipe: Recipe, output: Path | None, _ffmpeg: str | None) -> None:
    from redact.media.stills import PictureSource, still_sink

    assert isinstance(source, PictureSource)
    if output is not None:
        still_sink(output, source, force=True, frames=0)


def _still_sink(
    output: Path, source: Source, plan: Plan, force: bool,
    _ffmpeg: str | None, _copies: Copies | None, _finer: int,
) -> Sink:  # fmt: skip
    from redact.media.stills import PictureSource, still_sink

    assert isinstance(source, PictureSource)
    return still_sink(output, source, force=force, frames=plan.source.frames)  # no crf for them


def _still_notes(output: Path, source: Source, _plan: Plan) -> tuple[Note, ...]:
    from redact.media.stills import PictureSource, notes_on_name

    assert isinstance(source, PictureSource)
    return notes_on_name(output, source)


def _still_faults(original: Source, finished: Source, _plan: Plan | None) -> list[str]:
    from redact.media.stills import PictureSource, checking

    assert isinstance(original, PictureSource)
    assert isinstance(finished, PictureSource)
    return checking.find_faults(original, finished)


_MakeSink: TypeAlias = "Callable[[Path, Source, Plan, bool, str | None, Copies | None, int], Sink]"


@dataclass(frozen=True, slots=True)
class _Kind:
    """The code for one kind of file; see the public functions above.

    Args:
        suffixes: Lower-case suffixes of its files.
        open: From a path, and whether a damaged file is refused, to a source.
        check: Refuses a recipe or an output that does not fit the source.
        sink: Opens the sink of a result.
        copies: Which coded frames are copied; None for none.
        notes: What of a result is not as the source has it.
        faults: What is wrong with a finished file beside its pictures.
    """

    suffixes: frozenset[str]
    open: Callable[[Path, bool], Source]
    check: Callable[[Source, Recipe, Path | None, str | None], None]
    sink: _MakeSink
    copies: Callable[[Path, Source, Plan], Copies | None]
    notes: Callable[[Path, Source, Plan], tuple[Note, ...]]
    faults: Callable[[Source, Source, Plan | None], list[str]]


_KINDS: Final = (
    _Kind(
        VIDEO_SUFFIXES,
        open=_open_video,
        check=_check_video,
        sink=_video_sink,
        copies=_video_copies,
        notes=_video_notes,
        faults=_video_faults,
    ),
    _Kind(
        STILL_SUFFIXES,
        open=_open_still,
        check=_check_still,
        sink=_still_sink,
        copies=lambda *_: None,
        notes=_still_notes,
        faults=_still_faults,
    ),
)


def _kind_of(path: Path) -> _Kind | None:
    suffix = path.suffix.lower()
    return next((kind for kind in _KINDS if suffix in kind.suffixes), None)
