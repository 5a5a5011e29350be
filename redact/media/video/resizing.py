"""Pictures that change their size on the way, as browsers record calls: brought to one size."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from av import VideoFrame
from av.filter import Graph

from redact.core.geometry import Size
from redact.errors import UnsupportedInputError
from redact.media.files import Identity
from redact.media.video.coded_streams import CannotCopy
from redact.media.video.container import check_size, open_media, video_stream
from redact.media.video.cropping import Crop, Cropper, make_graph
from redact.media.video.media_info import MediaInfo
from redact.media.video.vp9 import Vp9Stream

_KEY_FRAME_OF_VP8: Final = b"\x9d\x01\x2a"


def largest_size(path: Path, identity: Identity, media_info: MediaInfo) -> Size:
    """The size of the picture with the most pixels, as far as it is found without decoding.

    Recordings of calls begin small and grow as the connection allows. The codecs that browsers
    record, VP8 and VP9, say the size in each key frame; of any other the first picture's is taken.

    Args:
        path: The file.
        identity: What it must be.
        media_info: Of it, with the size of the first picture.

    Raises:
        InputError: It cannot be read.
    """
    read = _SIZES.get(media_info.codec)
    if read is None or not media_info.container.startswith("matroska"):
        return media_info.size
    sizes = [media_info.size]
    with open_media(path, identity) as container:
        packets = container.demux(video_stream(container, path))
        keys = (bytes(packet) for packet in packets if packet.size and packet.is_keyframe)
        sizes += [size for key in keys if (size := read(key)) is not None]
    largest = max(sizes, key=lambda size: size.width * size.height)  # the first of equal ones
    check_size(largest.width, largest.height, path)
    return largest


def _vp8_size(packet: bytes) -> Size | None:
    """Of a key frame (RFC 6386, section 9.1): 14 bits a side, above them how it is shown."""
    if len(packet) < 10 or packet[0] & 1 or packet[3:6] != _KEY_FRAME_OF_VP8:
        return None
    width, height = (int.from_bytes(packet[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    return Size(width, height) if width and height else None


def _vp9_size(packet: bytes) -> Size | None:
    try:
        return Vp9Stream.open(packet).size
    except CannotCopy:
        return None


_SIZES: Final = {"vp8": _vp8_size, "vp9": _vp9_size}
"""By codec, what reads the size of a key frame."""


class Shaper:
    """Brings each decoded frame to what is shown of it, in the size of all frames.

    A frame of another size is scaled without distortion, in the middle of black.

    Args:
        crop: What the container cuts off, None for nothing.
        media_info: Of the video; its size is that of all frames.

    Attributes:
        resized: How many frames had another size.
    """

    def __init__(self, crop: Crop | None, media_info: MediaInfo) -> None:
        self._cropper = Cropper(crop)
        self._media_info = media_info
        self._graphs: dict[tuple[int, int, str], Graph] = {}
        self.resized = 0

    def shape(self, frame: VideoFrame) -> VideoFrame:
        """The frame as it is shown, with everything that it says of itself.

        Raises:
            UnsupportedInputError: It has another size, and fields or pixels that are not square.
        """
        frame = self._cropper.cut(frame)
        size = self._media_info.size
        if (frame.width, frame.height) == (size.width, size.height):
            return frame
        if self._media_info.aspect not in {None, 1} or frame.interlaced_frame:
            raise UnsupportedInputError(
                "the pictures change their size on the way, and have fields or pixels that are "
                "not square",
                remedy="cut it there into several files",
            )
        self.resized += 1
        shape = (frame.width, frame.height, frame.format.name)
        if shape not in self._graphs:
            self._graphs[shape] = _fitting_graph(frame, size)
        graph = self._graphs[shape]
        graph.vpush(frame)
        return graph.vpull()


def _fitting_graph(frame: VideoFrame, size: Size) -> Graph:
    scale = min(size.width / frame.width, size.height / frame.height)
    width, height = (_even(side * scale) for side in (frame.width, frame.height))
    width, height = min(width, size.width), min(height, size.height)
    left, top = (size.width - width) // 4 * 2, (size.height - height) // 4 * 2
    return make_graph(
        frame,
        ("scale", f"{width}:{height}:flags=bicubic+accurate_rnd+full_chroma_int+bitexact"),
        ("pad", f"{size.width}:{size.height}:{left}:{top}"),
        ("format", frame.format.name),
    )


def _even(side: float) -> int:
    """The nearest even number of samples, so that chroma lies where brightness does."""
    return max(2, 2 * round(side / 2))
