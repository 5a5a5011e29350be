"""Decoders for the video of an open container."""

from __future__ import annotations

import os
from typing import cast

from av import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from redact.media.video.container import LARGEST_PICTURE
from redact.media.video.nal_units import header_without_messages, nal_format

MOST_THREADS = 8
"""Of one decoder; each keeps a few frames in memory."""


def make_decoder(
    stream: VideoStream, *, strict: bool, threads: int = MOST_THREADS
) -> VideoCodecContext:
    """The decoder of a stream.

    Args:
        stream: Of a container that nobody else decodes from.
        strict: Whether it gives an error, where players would paint over the damage.
        threads: How many at most.
    """
    decoder = _alpha_decoder(stream) or stream.codec_context
    form = nal_format(decoder.codec.canonical_name, decoder.extradata)
    header = decoder.extradata
    if form is not None and header:
        kept = header_without_messages(form, header)
        if kept != header:
            decoder.extradata = kept
    decoder.thread_type = "AUTO"
    decoder.thread_count = min(os.cpu_count() or 1, threads)
    decoder.copy_opaque = True
    decoder.options = {
        "max_pixels": str(LARGEST_PICTURE),
        **({"err_detect": "explode"} if strict else {}),
    }
    return decoder


_WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


def _alpha_decoder(stream: VideoStream) -> VideoCodecContext | None:
    """WebM hides opacity in a second stream, which FFmpeg's own decoders pass over."""
    name = _WITH_ALPHA.get(stream.codec_context.codec.canonical_name)
    tags = {key.lower(): value for key, value in stream.metadata.items()}
    if name is None or tags.get("alpha_mode") != "1":
        return None
    decoder = cast(VideoCodecContext, CodecContext.create(name, "r"))
    decoder.extradata = stream.codec_context.extradata
    return decoder
