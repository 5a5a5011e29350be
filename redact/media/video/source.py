"""A video file as frames: each stored frame once, at its exact presentation time, or an error."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import cast

from av import CodecContext, VideoFrame
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from redact.core.frames import Frame, VideoInfo
from redact.core.notes import Note
from redact.errors import UnreadableInputError, UnsupportedInputError
from redact.media import files
from redact.media.video.container import (
    LARGEST_PICTURE,
    add_path_to_errors,
    check_size,
    find_empty_tracks,
    open_media,
    video_stream,
)
from redact.media.video.decoding import DecodingPass, announced_frames
from redact.media.video.iso_tracks import read_iso_tracks
from redact.media.video.media_info import MICROSECOND, MediaInfo, read_media_info
from redact.media.video.picture import DecodedPicture
from redact.media.video.tracks import source_notes
from redact.media.video.truncation import check_not_truncated

_MOST_THREADS = 8


class VideoSource:
    """A video file; readable from the start as often as asked.

    Args:
        path: The file. Its first frame is decoded at once, so that errors come early.

    Raises:
        InputError: It cannot be used; the message says why.
    """

    def __init__(self, path: Path) -> None:
        check_not_truncated(path)
        self.path = path
        self.identity = files.identity(path)
        with open_media(path, self.identity) as container:
            stream = video_stream(container, path)
            with closing(_start_decoding(container, stream, path).frames()) as frames:
                first = next(frames, None)
            if first is None:
                raise UnreadableInputError("not one frame of its video can be decoded", path)
            with add_path_to_errors(path):
                tracks = read_iso_tracks(path) if container.format.name.startswith("mov") else {}
                empty = find_empty_tracks(path, container.streams.audio)
                self.media_info = read_media_info(container, stream, first, tracks, empty)
            self._info = _info(container, stream, self.media_info)

    @property
    def info(self) -> VideoInfo:
        """What is known before all frames are read."""
        return self._info

    @property
    def notes(self) -> tuple[Note, ...]:
        """What is not as the file has it; complete once all frames were read."""
        return source_notes(self.media_info)

    @cached_property
    def fingerprint(self) -> str:
        """`sha256:` and the digest of the whole file.

        Raises:
            ChangedInputError: It is no longer the file that was opened.
        """
        digest = files.fingerprint(self.path)
        files.check_unchanged(self.path, self.identity)
        return digest

    def frames(self) -> Iterator[Frame]:
        """Each stored frame once, in presentation order.

        Raises:
            UnreadableInputError: Damaged, truncated, or frames are missing.
            UnsupportedInputError: Its presentation times or pictures cannot be kept.
            ChangedInputError: The file changed meanwhile.
        """
        with open_media(self.path, self.identity) as container:
            decoding = _start_decoding(container, video_stream(container, self.path), self.path)
            times = _PresentationTimes(decoding, self.path)
            for index, frame in enumerate(decoding.frames()):
                with add_path_to_errors(self.path):
                    picture = DecodedPicture(frame)
                _check_same_shape(picture, self.media_info, self.path)
                yield Frame(index, times.time(index, frame), picture)
            decoding.check_complete()
            times.check_all_used()


def _start_decoding(container: InputContainer, stream: VideoStream, path: Path) -> DecodingPass:
    decoder = _alpha_decoder(stream) or stream.codec_context
    decoder.thread_type = "AUTO"
    decoder.thread_count = min(os.cpu_count() or 1, _MOST_THREADS)
    decoder.options = {
        "err_detect": "explode",  # an error, where players would paint over the damage
        "max_pixels": str(LARGEST_PICTURE),
    }
    return DecodingPass(container, stream, path, decoder)


_WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


def _alpha_decoder(stream: VideoStream) -> VideoCodecContext | None:
    """A decoder for WebM's alpha channel, which FFmpeg's own decoders ignore."""
    name = _WITH_ALPHA.get(stream.codec_context.codec.canonical_name)
    tags = {key.lower(): value for key, value in stream.metadata.items()}
    if name is None or tags.get("alpha_mode") != "1":
        return None
    decoder = cast(VideoCodecContext, CodecContext.create(name, "r"))
    decoder.extradata = stream.codec_context.extradata
    return decoder


def _info(container: InputContainer, stream: VideoStream, media_info: MediaInfo) -> VideoInfo:
    duration = None
    if stream.duration is not None and stream.time_base is not None:
        duration = stream.duration * stream.time_base
    elif container.duration is not None:
        duration = container.duration * MICROSECOND
    frames = announced_frames(container, stream)
    return VideoInfo(
        media_info.turn.upright_size(media_info.size), frames, duration, media_info.rate
    )


def _check_same_shape(picture: DecodedPicture, media_info: MediaInfo, path: Path) -> None:
    found = (picture.stored_size, picture.frame.format.name, picture.turn)
    if found != (media_info.size, media_info.pixel_format, media_info.turn):
        check_size(picture.frame.width, picture.frame.height, path)
        raise UnsupportedInputError(
            "the pictures change their size, format or rotation on the way",
            path,
            "cut it there into several files",
        )


class _PresentationTimes:
    """Gives each frame its presentation time, and refuses times that do not increase."""

    def __init__(self, decoding: DecodingPass, path: Path) -> None:
        self._start_decoding = decoding
        self._path = path
        self._last: Fraction | None = None

    def time(self, index: int, frame: VideoFrame) -> Fraction:
        """Seconds at which the frame is shown.

        Raises:
            UnsupportedInputError: The time is missing, or not later than the one before.
        """
        time = self._stored_time(frame)
        if time is None:
            raise self._refused(f"frame {index} has no time")
        if self._last is not None and time <= self._last:
            raise self._refused(f"frame {index} is not shown later than the one before")
        self._last = time
        return time

    def _stored_time(self, frame: VideoFrame) -> Fraction | None:
        if frame.pts is None or frame.time_base is None:
            return self._start_decoding.next_decoding_time()
        return frame.pts * frame.time_base

    def check_all_used(self) -> None:
        """Refuse when decoding times are left over: some frame must have got a wrong one.

        Raises:
            UnsupportedInputError: Some packet gave no frame.
        """
        if self._start_decoding.next_decoding_time() is not None:
            raise self._refused("its frames cannot be told from its gaps, as it has no times")

    def _refused(self, problem: str) -> UnsupportedInputError:
        return UnsupportedInputError(
            problem, self._path, "write it anew with a video editor, which gives it new times"
        )
