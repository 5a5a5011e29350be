"""Videos of painted pictures."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av

from redact.core.frames import Rgb


def write_film(path: Path, pictures: Sequence[Rgb], rate: int) -> Path:
    """Write pictures of one size, of even width and height, as H.264 at that rate."""
    height, width = pictures[0].shape[:2]
    with av.open(str(path), "w") as made:
        stream = made.add_stream("h264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, rate)
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    return path
