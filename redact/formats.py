"""Which code reads, writes and checks each kind of file; loaded when a file of that kind comes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from redact.errors import UnsupportedInputError
from redact.files import STILL_SUFFIXES, VIDEO_SUFFIXES, check_input
from redact.interfaces import Sink, Source
from redact.plan import Plan
from redact.recipe import Recipe

if TYPE_CHECKING:
    from redact.video.copying import Copies


def open_source(path: Path) -> Source:
    """The source for a file, by its suffix.

    Raises:
        InputError: It cannot be read, or it is no kind of file that redact knows.
    """
    check_input(path)
    if path.suffix.lower() in STILL_SUFFIXES:
        from redact.stills import open_still

        return open_still(path)
    if path.suffix.lower() in VIDEO_SUFFIXES:
        from redact.video.source import VideoSource

        return VideoSource(path)
    known = ", ".join(sorted(s[1:] for s in VIDEO_SUFFIXES | STILL_SUFFIXES))
    raise UnsupportedInputError("this kind of file is not known", path, f"known are {known}")


def check_encoder(source: Path, output: Path, recipe: Recipe) -> None:
    """Refuse at once an encoder that was asked for and does not fit, or does not work here."""
    if recipe.encoder and source.suffix.lower() in VIDEO_SUFFIXES:
        from redact.video.encoders import choose
        from redact.video.source import VideoSource

        check_input(source)
        choose(output, VideoSource(source).details, recipe.encoder, recipe.quality)


def check_extras(source: Source, recipe: Recipe) -> None:
    """Refuse at once what would be refused when it is written, hours later."""
    if "subtitles" in recipe.extras:
        from redact.video.source import VideoSource
        from redact.video.subtitles import check_keepable

        if isinstance(source, VideoSource):
            check_keepable(source.details, source.path)


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
    from redact.stills import PictureSource, still_sink

    recipe = plan.recipe
    if isinstance(source, PictureSource):  # a crf means nothing to them
        return still_sink(output, source, force=force, frames=plan.source.frames)
    from redact.video.sink import VideoSink
    from redact.video.source import VideoSource

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
    from redact.video import copying
    from redact.video.source import VideoSource

    asked = plan.recipe.encoder is not None or plan.recipe.quality is not None
    if asked or not isinstance(source, VideoSource):
        return None
    return copying.copies_for(output, source, plan.cover(), plan.source.frames)


def faults_of(original: Source, finished: Source, plan: Plan | None) -> list[str]:
    """What is wrong with a finished file beside its pictures: size, streams, tags and the like."""
    from redact.stills import PictureSource, checking

    if isinstance(original, PictureSource) and isinstance(finished, PictureSource):
        return checking.faults(original, finished)
    from redact.video.checking import faults
    from redact.video.source import VideoSource

    if isinstance(original, VideoSource) and isinstance(finished, VideoSource):
        return faults(original, finished, None if plan is None else plan.recipe.extras)
    return ["one is a video and the other a picture"]
