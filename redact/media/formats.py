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
from redact.core.plan import Plan
from redact.core.recipe import Recipe
from redact.errors import InputError, RecipeError, UnreadableInputError
from redact.media.files import STILL_SUFFIXES, VIDEO_SUFFIXES, check_input

if TYPE_CHECKING:
    from redact.media.video.smart_rendering import Copies


def open_source(path: Path) -> Source:
    """The source for a file, by its suffix.

    Raises:
        InputError: It cannot be read, or it is no kind of file that redact knows.
    """
    check_input(path)
    kind = _kind_of(path)
    if kind is None:
        known = ", ".join(sorted(s[1:] for s in VIDEO_SUFFIXES | STILL_SUFFIXES))
        raise UnreadableInputError("this kind of file is not known", path, f"known are {known}")
    return kind.open(path)


def check_choices(source: Source, recipe: Recipe, output: Path | None = None) -> None:
    """Refuse before the work what would be refused when the result is written, hours later.

    Args:
        source: Opened.
        recipe: Its encoder must fit and work here; what it keeps must be keepable.
        output: Where the result will be written; None where nothing will be.

    Raises:
        RedactError: The encoder does not fit or work, or something asked for cannot be kept.
    """
    kind = _kind_of(source.path)
    if kind is not None:
        kind.check(source, recipe, output)


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


def _open_video(path: Path) -> Source:
    from redact.media.video.source import VideoSource

    return VideoSource(path)


def _check_video(source: Source, recipe: Recipe, output: Path | None) -> None:
    from redact.media.video.source import VideoSource

    if not isinstance(source, VideoSource):
        return
    if recipe.encoder and output is not None:
        from redact.media.video.encoders import choose_encoder

        choose_encoder(output, source.media_info, recipe.encoder, recipe.quality)
    if "subtitles" in recipe.extras:
        from redact.media.video.subtitles import check_keepable

        check_keepable(source.media_info, source.path)


def _video_sink(
    output: Path,
    source: Source,
    plan: Plan,
    force: bool,
    ffmpeg: str | None,
    copies: Copies | None,
    finer: int,
) -> Sink:
    from redact.media.video.sink import VideoSink
    from redact.media.video.source import VideoSource

    assert isinstance(source, VideoSource)
    recipe = plan.recipe
    return VideoSink(
        output,
        source,
        encoder=recipe.encoder,
        quality=recipe.quality,
        audio=recipe.audio,
        extras=recipe.extras,
        ffmpeg=Path(ffmpeg) if ffmpeg else None,
        force=force,
        frames=plan.source.frames,
        copies=copies,
        finer=finer,
    )


def _video_copies(output: Path, source: Source, plan: Plan) -> Copies | None:
    from redact.media.video import smart_rendering
    from redact.media.video.source import VideoSource

    assert isinstance(source, VideoSource)
    return smart_rendering.find_copies(output, source, plan.cover(), plan.source.frames)


def _video_faults(original: Source, finished: Source, plan: Plan | None) -> list[str]:
    from redact.media.video.checking import find_faults
    from redact.media.video.source import VideoSource

    assert isinstance(original, VideoSource)
    assert isinstance(finished, VideoSource)
    return find_faults(original, finished, None if plan is None else plan.recipe.extras)


def _open_still(path: Path) -> Source:
    from redact.media.stills import open_still

    return open_still(path)


def _still_sink(
    output: Path,
    source: Source,
    plan: Plan,
    force: bool,
    _ffmpeg: str | None,
    _copies: Copies | None,
    _finer: int,
) -> Sink:
    from redact.media.stills import PictureSource, still_sink

    assert isinstance(source, PictureSource)
    return still_sink(output, source, force=force, frames=plan.source.frames)  # no crf for them


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
        open: From a path to a source.
        check: Refuses a recipe or an output that does not fit the source.
        sink: Opens the sink of a result.
        copies: Which coded frames are copied; None for none.
        faults: What is wrong with a finished file beside its pictures.
    """

    suffixes: frozenset[str]
    open: Callable[[Path], Source]
    check: Callable[[Source, Recipe, Path | None], None]
    sink: _MakeSink
    copies: Callable[[Path, Source, Plan], Copies | None]
    faults: Callable[[Source, Source, Plan | None], list[str]]


_KINDS: Final = (
    _Kind(
        VIDEO_SUFFIXES,
        open=_open_video,
        check=_check_video,
        sink=_video_sink,
        copies=_video_copies,
        faults=_video_faults,
    ),
    _Kind(
        STILL_SUFFIXES,
        open=_open_still,
        check=lambda *_: None,
        sink=_still_sink,
        copies=lambda *_: None,
        faults=_still_faults,
    ),
)


def _kind_of(path: Path) -> _Kind | None:
    suffix = path.suffix.lower()
    return next((kind for kind in _KINDS if suffix in kind.suffixes), None)
