"""Which code reads, writes and checks each kind of file; loaded when a file of that kind comes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from redact.core.frames import Samples
from redact.core.interfaces import Sink, Source
from redact.core.plan import Plan
from redact.core.recipe import Recipe
from redact.errors import InputError, RecipeError, UnsupportedInputError
from redact.media.files import STILL_SUFFIXES, VIDEO_SUFFIXES, check_input

if TYPE_CHECKING:
    from redact.media.video.smart_rendering import Copies


def open_source(path: Path) -> Source:
    """The source for a file, by its suffix.

    Raises:
        InputError: It cannot be read, or it is no kind of file that redact knows.
    """
    check_input(path)
    if path.suffix.lower() in STILL_SUFFIXES:
        from redact.media.stills import open_still

        return open_still(path)
    if path.suffix.lower() in VIDEO_SUFFIXES:
        from redact.media.video.source import VideoSource

        return VideoSource(path)
    known = ", ".join(sorted(s[1:] for s in VIDEO_SUFFIXES | STILL_SUFFIXES))
    raise UnsupportedInputError("this kind of file is not known", path, f"known are {known}")


def read_cover(path: Path) -> tuple[str, Samples]:
    """A still picture to cover things with: its file's digest and its samples.

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


def check_choices(source: Source, recipe: Recipe, output: Path | None = None) -> None:
    """Refuse at once what would be refused when it is written, hours later.

    Args:
        source: Opened.
        recipe: Its encoder must fit and work here; what it keeps must be keepable.
        output: Where it will be written; None where nothing will.

    Raises:
        RedactError: The encoder does not fit or work, or something asked for cannot be kept.
    """
    from redact.media.video.source import VideoSource

    if not isinstance(source, VideoSource):
        return
    if recipe.encoder and output is not None:
        from redact.media.video.encoders import choose_encoder

        choose_encoder(output, source.media_info, recipe.encoder, recipe.quality)
    if "subtitles" in recipe.extras:
        from redact.media.video.subtitles import check_keepable

        check_keepable(source.media_info, source.path)


def sink_for(
    output: Path,
    source: Source,
    plan: Plan,
    force: bool,
    ffmpeg: str | None,
    copies: Copies | None,
) -> Sink:
    """What writes the output: a picture, an animation, pages, or a video.

    Raises:
        RedactError: The recipe does not fit the source or the output's container.
    """
    from redact.media.stills import PictureSource, still_sink

    recipe = plan.recipe
    if isinstance(source, PictureSource):  # a crf means nothing to them
        return still_sink(output, source, force=force, frames=plan.source.frames)
    from redact.media.video.sink import VideoSink
    from redact.media.video.source import VideoSource

    assert isinstance(source, VideoSource)
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
    )


def copies_for(output: Path, source: Source, plan: Plan) -> Copies | None:
    """What can be copied: of videos, unless somebody asked how they are to be encoded."""
    from redact.media.video import smart_rendering
    from redact.media.video.source import VideoSource

    asked = plan.recipe.encoder is not None or plan.recipe.quality is not None
    if asked or not isinstance(source, VideoSource):
        return None
    return smart_rendering.find_copies(output, source, plan.cover(), plan.source.frames)


def faults_of(original: Source, finished: Source, plan: Plan | None) -> list[str]:
    """What is wrong with a finished file beside its pictures: size, streams, tags and the like."""
    from redact.media.stills import PictureSource, checking

    if isinstance(original, PictureSource) and isinstance(finished, PictureSource):
        return checking.faults(original, finished)
    from redact.media.video.checking import find_faults
    from redact.media.video.source import VideoSource

    if isinstance(original, VideoSource) and isinstance(finished, VideoSource):
        return find_faults(original, finished, None if plan is None else plan.recipe.extras)
    return ["one is a video and the other a picture"]
