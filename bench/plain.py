"""What speed is measured against: a clip decoded and encoded as redact does it, and no more."""

from __future__ import annotations

import sys
from pathlib import Path
from time import process_time

from redact.media.video.encoders import choose_encoder
from redact.media.video.encoding import open_encoder
from redact.media.video.source import VideoSource


def decode(clip: Path) -> int:
    """How many frames it has; all are decoded."""
    return sum(1 for _ in VideoSource(clip).frames())


def transcode(clip: Path, output: Path) -> int:
    """Write its pictures anew, with the encoder, preset and quality that redact would choose."""
    source, frames = VideoSource(clip), 0
    with open_encoder(output, choose_encoder(output, source.media_info), source.media_info) as work:
        for frame in source.frames():
            work.encode(frame)
            frames += 1
    return frames


def costs(clip: Path, output: Path) -> tuple[float, float]:
    """CPU seconds of one decoding, and of one encoding without the decoding, in this process."""
    began = process_time()
    decode(clip)
    decoded = process_time()
    transcode(clip, output)
    return decoded - began, max(0.0, process_time() - decoded - (decoded - began))


if __name__ == "__main__":
    print(transcode(Path(sys.argv[1]), Path(sys.argv[2])))
