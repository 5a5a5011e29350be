"""Opens containers for demuxing: one file, known formats, every failure as one of our errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import av
from av.container import InputContainer
from av.container.core import Flags
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from redact.errors import RedactError, UnreadableInputError, UnsupportedInputError
from redact.media.files import Identity, check_unchanged, open_input

LARGEST_SIDE = 16384
LARGEST_PICTURE = 200_000_000
"""Pixels; anything larger is taken for a decompression bomb."""

_DEMUXERS = (
    "3g2,3gp,asf,avi,flv,m4a,matroska,mj2,mov,mp3,mp4,mpeg,mpegts,mpegvideo,mxf,nut,ogg,wav,webm,"
    "yuv4mpegpipe"
)
"""FFmpeg's demuxers that are allowed: they hold their media themselves, unlike playlists."""

_BUFFER = 1 << 18
_STILL_STREAMS = Disposition.attached_pic | Disposition.still_image | Disposition.timed_thumbnails
_PROBLEMS: dict[type[BaseException], str] = {
    av.error.ArgumentError: "this is no video file that redact reads",
    av.error.InvalidDataError: "the data is damaged, or this is no video file",
    av.error.EOFError: "the file ends too early",
    av.error.DecoderNotFoundError: "there is no decoder for its video",
    PermissionError: "the file refers to other files",
}


@contextmanager
def open_media(
    path: Path, known: Identity | None = None, *, whole: bool = False
) -> Iterator[InputContainer]:
    """Open the container of one regular file. No other file is ever opened.

    Args:
        path: Any name, even one that looks like an option or a URL.
        known: The identity that the file must have before and after the block.
        whole: Whether edit lists are ignored: all of a track comes, at the times of its media.

    Raises:
        InputError: It cannot be read, or what the block reads from it is damaged.
        ChangedInputError: It is not the known file.
    """
    with open_input(path) as file:
        if known is not None:
            check_unchanged(path, known, file)
        with translate_errors(path), av.open(file, "r", **_demuxer_options(whole)) as container:
            if container.format.name == "avi":
                container.flags &= ~Flags.gen_pts.value  # guesses, one frame late for H.264
            try:
                yield container
            finally:
                _end_decoding(container)
    if known is not None:
        check_unchanged(path, known)


def _end_decoding(container: InputContainer) -> None:
    """Let the threads of decoders end what they do while other threads of Python may run.

    A decoder that is freed with pictures under way waits for its threads with the interpreter
    locked, and they may wait for that lock to let go of what PyAV gave them: nothing would go on.
    """
    for stream in container.streams.video:
        if stream.codec_context is not None and stream.codec_context.is_open:
            stream.codec_context.flush_buffers()


def _demuxer_options(whole: bool) -> dict[str, Any]:
    edits = {"ignore_editlist": "1"} if whole else {}
    return {
        "options": {"format_whitelist": _DEMUXERS, "max_pixels": str(LARGEST_PICTURE), **edits},
        "metadata_errors": "replace",  # names and titles are not kept, so they cannot be wrong
        "buffer_size": _BUFFER,
        "io_open": _refuse_other_files,
    }


def _refuse_other_files(*_: object) -> NoReturn:
    raise PermissionError("the file refers to other files")


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Turn what the demuxer or decoder raises into one of our errors.

    Raises:
        UnreadableInputError: The file is damaged, or no media.
    """
    try:
        yield
    except (av.FFmpegError, OSError, ValueError, RuntimeError, MemoryError) as error:
        problem = _PROBLEMS.get(type(error), f"cannot be decoded: {_system_message(error)}")
        raise UnreadableInputError(problem, path, "try another copy of it") from error


def _system_message(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error) or type(error).__name__


@contextmanager
def add_path_to_errors(path: Path) -> Iterator[None]:
    """Add the path to errors raised within the block that have none."""
    try:
        yield
    except RedactError as error:
        if error.path is not None:
            raise
        raise type(error)(error.problem, path, error.remedy) from error


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The only video stream. Cover art and thumbnails do not count.

    Raises:
        UnreadableInputError: There is none.
        UnsupportedInputError: There are several, or its pictures are too large.
    """
    streams = [s for s in container.streams.video if not s.disposition & _STILL_STREAMS]
    if not streams:
        raise UnreadableInputError("there is no video in this file", path)
    if len(streams) > 1:
        names = ", ".join(f"{s.index} ({_describe(s)})" for s in streams)
        raise UnsupportedInputError(
            f"it holds {len(streams)} video streams: {names}", path, "extract the one to redact"
        )
    (stream,) = streams
    if stream.codec_context is None:
        raise UnsupportedInputError("there is no decoder for its video", path, "convert it first")
    check_size(stream.codec_context.width, stream.codec_context.height, path)
    return stream


def find_empty_tracks(path: Path, streams: Iterable[Stream]) -> set[int]:
    """Indices of those streams that hold not one packet.

    A container's index tells at once; where it has none, packets are read until each had one.
    """
    waiting = {stream.index for stream in streams if not stream.index_entries}
    if waiting:
        with open_media(path, whole=True) as container:
            for packet in container.demux([container.streams[index] for index in waiting]):
                if packet.size:
                    waiting.discard(packet.stream.index)
                if not waiting:
                    break
    return waiting


def _describe(stream: VideoStream) -> str:
    context = stream.codec_context
    return "unknown" if context is None else f"{context.name} {context.width}x{context.height}"


def check_size(width: int, height: int, path: Path) -> None:
    """Refuse pictures so large that they could exhaust memory.

    Raises:
        UnsupportedInputError: A side or the picture is too large.
    """
    if max(width, height) > LARGEST_SIDE or width * height > LARGEST_PICTURE:
        raise UnsupportedInputError(
            f"pictures of {width}x{height} are larger than {LARGEST_SIDE} a side or "
            f"{LARGEST_PICTURE // 10**6} megapixels",
            path,
            "scale it down first",
        )
