"""Encodes frames into a draft without sound, each at its exact presentation time."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
from av import VideoFrame
from av.codec.context import Flags
from av.container import OutputContainer
from av.video.frame import PictureType
from av.video.stream import VideoStream

from redact.core.frames import Frame
from redact.core.geometry import Turn
from redact.errors import EngineError
from redact.media.drafts import is_write_error
from redact.media.files import create_file
from redact.media.video.encoders import CONTAINERS, Choice
from redact.media.video.media_info import MediaInfo
from redact.media.video.picture import MATRICES_OF_TURNS, DecodedPicture
from redact.media.video.scheduling import open_encoder_context

_UNIT = 1 << 16
"""One, in the 16.16 fixed point of a display matrix."""
_AVX_512 = 13
"""OpenCV's number for these instructions, to which its Python face gives no name."""


def draft_suffix(choice: Choice) -> str:
    """Suffix of the container that keeps this encoder's packets with exact times and all tags."""
    if choice.pixel_format.startswith("yuva") and choice.encoder.codec == "vp9":
        return ".webm"  # alpha is a second stream that only Matroska carries
    return {"prores": ".mov", "ffv1": ".mkv"}.get(choice.encoder.codec, ".mp4")


class Encoding:
    """Encodes into a draft, in which the first frame is at time zero.

    Args:
        container: The draft, open for writing.
        choice: The encoder, its pixel format and its options.
        media_info: What of the source must be kept.
        threads: Of the encoder, 0 for as many as fit this machine.
    """

    def __init__(
        self,
        container: OutputContainer,
        choice: Choice,
        media_info: MediaInfo,
        threads: int = 0,
    ) -> None:
        self._container = container
        self._stream = _add_stream(container, choice, media_info, threads)
        open_encoder_context(self._stream.codec_context)
        self._base = media_info.time_base
        self._first: Fraction | None = None

    def encode(self, frame: Frame, *, new_gop: bool = False, predicted: bool = False) -> None:
        """Encode one frame. It must not be used afterwards.

        Args:
            frame: Of a video source.
            new_gop: Whether it begins a closed group of pictures: nothing from here on refers to
                anything before.
            predicted: Whether it begins none.

        Raises:
            EngineError: The frame is not of a video source, or its time is not a whole tick.
        """
        if not isinstance(frame.picture, DecodedPicture):
            raise EngineError("only frames of a video source can be written to a video")
        self._first = frame.time if self._first is None else self._first
        ticks = (frame.time - self._first) / self._base
        if ticks.denominator != 1:
            raise EngineError(f"the time of frame {frame.index} does not fit the source's clock")
        usual = PictureType.P if predicted else PictureType.NONE  # where the encoder decides anew
        kind = PictureType.I if new_gop else usual
        self._mux(_stamp(frame.picture.frame, int(ticks), self._base, kind))

    def encode_blank(self, choice: Choice, media_info: MediaInfo) -> None:
        """Encode one blank frame, for the sake of the draft's header."""
        picture = VideoFrame(media_info.size.width, media_info.size.height, choice.pixel_format)
        for plane in picture.planes:
            plane.update(bytes(plane.buffer_size))
        self._mux(_stamp(picture, 0, self._base, PictureType.NONE))

    def _mux(self, picture: VideoFrame | None) -> None:
        self._container.mux(self._stream.encode(picture))

    def flush(self) -> None:
        """Write the packets that the encoder still holds."""
        self._mux(None)


def _stamp(picture: VideoFrame, ticks: int, base: Fraction, kind: PictureType) -> VideoFrame:
    picture.time_base = base
    picture.pts = ticks
    picture.pict_type = kind
    return picture


@contextmanager
def open_encoder(
    draft: Path, choice: Choice, media_info: MediaInfo, threads: int = 0
) -> Iterator[Encoding]:
    """Open an encoder whose draft is complete after a clean end of the block.

    Args:
        draft: Where to.
        choice: As in `Encoding`, as is all that follows.
        media_info: Of the source.
        threads: Of the encoder.

    Raises:
        EngineError: The encoder failed.
        OSError: There is no space left.
    """
    with _translate_errors(choice), create_file(draft) as file:
        container = av.open(
            file,
            "w",
            format=CONTAINERS[draft.suffix],
            container_options=container_options(media_info),
        )
        try:
            work = Encoding(container, choice, media_info, threads)
            yield work
            work.flush()
            container.close()
        except BaseException:
            with suppress(Exception):  # the first failure is the one to tell
                container.close()
            raise


def check_encoder_opens(choice: Choice, media_info: MediaInfo) -> None:
    """Refuse pictures that the encoder does not take.

    Raises:
        EngineError: It does not open.
    """
    try:
        with av.open(io.BytesIO(), "w", "matroska") as container:
            open_encoder_context(_add_stream(container, choice, media_info).codec_context)
    except (av.FFmpegError, ValueError) as error:
        size = f"{media_info.size.width}x{media_info.size.height}"
        raise EngineError(
            f"{choice.encoder.name} does not take pictures of {size} in {choice.pixel_format}",
            remedy="choose another --encoder, as --encoder vp9 with .mkv",
        ) from error


def container_options(media_info: MediaInfo) -> dict[str, str]:
    """Options of a draft's container."""
    scale = media_info.time_base.denominator
    return {"video_track_timescale": str(scale), "fflags": "+bitexact"}


@contextmanager
def _translate_errors(choice: Choice) -> Iterator[None]:
    try:
        yield
    except (av.FFmpegError, ValueError) as error:
        if is_write_error(error):
            raise
        raise EngineError(
            f"the encoder {choice.encoder.name} failed: {error}", remedy="choose another --encoder"
        ) from error


def _add_stream(
    container: OutputContainer, choice: Choice, media_info: MediaInfo, threads: int = 0
) -> VideoStream:
    rate = media_info.rate or Fraction(25)
    os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 prints what it does, and knows no other way
    stream = cast(VideoStream, container.add_stream(choice.encoder.name, rate=rate))
    context: Any = stream.codec_context
    context.options = repeatable(choice)
    context.width, context.height = media_info.size.width, media_info.size.height
    context.pix_fmt = choice.pixel_format
    stream.time_base = context.time_base = media_info.time_base
    context.thread_count = threads
    context.flags |= Flags.frame_duration  # the last frame's is known from nothing else
    if media_info.aspect:
        context.sample_aspect_ratio = media_info.aspect
    tags = media_info.tags
    context.color_primaries, context.color_trc = tags.primaries, tags.transfer
    context.colorspace, context.color_range = tags.matrix, tags.range
    if media_info.turn != Turn():
        stream.set_display_matrix(display_matrix(media_info.turn))
    return stream


def repeatable(choice: Choice) -> dict[str, str]:
    """The encoder's options, with which it writes the same bytes each time.

    x264's code for AVX-512 does not, and is no quicker.
    """
    import cv2

    options = dict(choice.options)
    if choice.encoder.name in ("libx264", "libx264rgb") and cv2.checkHardwareSupport(_AVX_512):
        options["x264-params"] = ":".join(filter(None, [options.get("x264-params"), "asm=avx2"]))
    return options


def display_matrix(turn: Turn) -> list[int]:
    """The display matrix that turns stored pixels upright."""
    right_x, right_y, down_x, down_y = (step * _UNIT for step in MATRICES_OF_TURNS[turn])
    return [right_x, right_y, 0, down_x, down_y, 0, 0, 0, 1 << 30]
