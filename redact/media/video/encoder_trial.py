"""Encodes a few blank frames, to learn whether a hardware encoder works on this machine."""

from __future__ import annotations

import io
from typing import Any

import av
import av.logging
from av import VideoFrame

from redact.media.video.encoder_table import Encoder
from redact.media.video.scheduling import open_encoder_context

_WIDTH, _HEIGHT, _FRAMES = 640, 352, 4
"""Hardware refuses pictures that are too small."""


def find_encoder_error(encoder: Encoder, pixel_format: str) -> str | None:
    """FFmpeg's message why the encoder does not work here; None if it works.

    Args:
        encoder: Any row of the table.
        pixel_format: The pixel format that it is to take.
    """
    before = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture() as said:
            return _encode_frames(encoder, pixel_format, said)
    finally:
        av.logging.set_level(before)


def _encode_frames(
    encoder: Encoder, pixel_format: str, said: list[tuple[int, str, str]]
) -> str | None:
    try:
        with av.open(io.BytesIO(), "w", format="matroska") as container:
            stream: Any = container.add_stream(encoder.name, rate=25)
            context = stream.codec_context
            context.width, context.height, context.pix_fmt = _WIDTH, _HEIGHT, pixel_format
            quality = {} if encoder.quality is None else encoder.quality_options(encoder.quality)
            context.options = encoder.options | quality
            open_encoder_context(context)
            for number in range(_FRAMES):
                frame = VideoFrame(_WIDTH, _HEIGHT, pixel_format)
                frame.pts = number
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    except (av.FFmpegError, OSError, ValueError, RuntimeError, MemoryError) as error:
        words = [text.strip() for _, _, text in said if text.strip()]
        return words[0] if words else str(getattr(error, "strerror", None) or error)
    return None
