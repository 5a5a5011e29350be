"""VP9 (bitstream specification, version 0.6), as far as copying coded pictures needs it.

Only streams whose packets hold one picture each, and show it, are copied: of a picture that is not
shown nobody knows what it holds. Encoders that look ahead write such pictures, those of recordings
do not. Where a picture's last tile ends is not known here, so something may follow it: the finished
file is shown by two decoders, which must agree (`Vp9Stream.check_written`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
from av import CodecContext, Packet
from av.video.codeccontext import VideoCodecContext

from redact.core.frames import digest_samples
from redact.core.geometry import Size
from redact.errors import VerificationError
from redact.media.video.bits import BitReader
from redact.media.video.coded_streams import CannotCopy, CodedPicture, CodedStream
from redact.media.video.container import open_media, video_stream
from redact.media.video.encoders import Choice
from redact.media.video.picture import DecodedPicture

_SYNC_CODE: Final = 0x498342
_RGB: Final = 7
_REFERENCES: Final = 3
_DECODERS: Final = ("vp9", "libvpx-vp9")
"""FFmpeg's own, and the one of browsers."""

_SUPERFRAME: Final = 0b110
"""The upper bits of a packet's last byte, where an index of several pictures ends it."""


@dataclass(frozen=True, slots=True)
class Vp9Format:
    """What a key frame says of itself and of all frames behind it.

    Args:
        profile: 0 to 3.
        bit_depth: Bits of a sample.
        colours: Colour space, and whether it has the full range.
        subsampling: Across and down, 1 for none.
        size: In pixels.
    """

    profile: int
    bit_depth: int
    colours: tuple[int, int]
    subsampling: tuple[int, int]
    size: Size


@dataclass(frozen=True, slots=True)
class Vp9Stream:
    """The coded pictures of one stream.

    Args:
        format: Of its first key frame; all others must have the same.
        ours: Whether they come from our encoder, which may write pictures that are not shown.
    """

    format: Vp9Format
    ours: bool = False

    @classmethod
    def open(cls, packet: bytes, *, ours: bool = False) -> Vp9Stream:
        """The stream that begins with that packet.

        Raises:
            CannotCopy: It does not begin with a key frame that is known.
        """
        found = _read_frame(_first_frame(packet), None)
        if found is None:
            raise CannotCopy("it does not begin with a picture that stands alone")
        return cls(found, ours)

    @property
    def size(self) -> Size:
        """The size of its pictures."""
        return self.format.size

    def read(self, packet: bytes) -> CodedPicture:
        """The one picture of a packet; it starts a group if it is a key frame."""
        frame = _first_frame(packet) if self.ours else _only_frame(packet)
        found = _read_frame(frame, self)
        if found not in (None, self.format):
            raise CannotCopy("its pictures change on the way")
        return CodedPicture(packet if self.ours else frame, found is not None)

    def keep_apart(self, choice: Choice) -> Choice:
        """The choice as it is: a key frame takes nothing from anything before."""
        return choice

    def header(self, encoded: CodedStream | None) -> bytes | None:
        """None: all that a decoder needs is in the key frames."""
        if isinstance(encoded, Vp9Stream) and encoded.format != self.format:
            raise CannotCopy("the pictures encoded anew mean something else than the copied ones")
        return None

    def check_written(self, path: Path) -> None:
        """Refuse what decoders show differently: one may go on behind a packet's picture."""
        decoders = [_make_plain_decoder(name) for name in _DECODERS]
        with open_media(path) as container:
            for packet in container.demux(video_stream(container, path)):
                data = bytes(packet)
                try:
                    one, other = (
                        [
                            digest_samples(DecodedPicture(frame))
                            for frame in it.decode(Packet(data) if data else None)
                        ]
                        for it in decoders
                    )
                except (av.FFmpegError, ValueError) as error:
                    raise VerificationError("a decoder does not show what was copied") from error
                if one != other:
                    raise VerificationError("decoders show different pictures of what was copied")


def _make_plain_decoder(name: str) -> VideoCodecContext:
    """A decoder that gives each picture with its packet."""
    decoder = CodecContext.create(name, "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.thread_count = 1
    return decoder


def _frames(packet: bytes) -> list[bytes]:
    """The pictures of a packet, by the index at its end where it has one (annex B)."""
    if not packet:
        raise CannotCopy("a packet is empty")
    last = packet[-1]
    count, width = (last & 7) + 1, (last >> 3 & 3) + 1
    index = packet[-(2 + count * width) :]
    if last >> 5 != _SUPERFRAME or len(index) != 2 + count * width or index[0] != last:
        return [packet]
    frames, at = [], 0
    for number in range(count):
        start = 1 + number * width
        size = int.from_bytes(index[start : start + width], "little")
        frames.append(packet[at : at + size])
        at += size
    if at != len(packet) - len(index) or not all(frames):
        raise CannotCopy("a packet holds more than its pictures")
    return frames


def _first_frame(packet: bytes) -> bytes:
    return _frames(packet)[0]


def _only_frame(packet: bytes) -> bytes:
    frames = _frames(packet)
    if len(frames) != 1:
        raise CannotCopy("a packet holds more or less than one picture")
    return frames[0]


def _read_frame(frame: bytes, stream: Vp9Stream | None) -> Vp9Format | None:
    """Read the uncompressed header; of a key frame, its format."""
    bits = BitReader(frame[:64])
    if bits.u(2) != 2:
        raise CannotCopy("a packet is no picture")
    profile = bits.u(1) | bits.u(1) << 1
    if profile == 3 and bits.u(1):
        raise CannotCopy("its profile is not known")
    if bits.u(1):
        raise CannotCopy("a picture is shown again")
    inter, shown, resilient = bits.u(1), bits.u(1), bits.u(1)
    if not shown and not (stream and stream.ours):
        raise CannotCopy("a picture is not shown")
    if not inter:
        return _read_key_frame(bits, profile)
    if stream is None:
        return None
    if profile != stream.format.profile:
        raise CannotCopy("its pictures change on the way")
    if shown:  # else it may be one that stands alone in part, which only our encoder may write
        bits.u(0 if resilient else 2)
        bits.u(8 + 4 * _REFERENCES)
        _check_inter_size(bits, stream.size)
    return None


def _read_key_frame(bits: BitReader, profile: int) -> Vp9Format:
    if bits.u(24) != _SYNC_CODE:
        raise CannotCopy("a packet is no picture")
    bit_depth = 8 if profile < 2 else 12 if bits.u(1) else 10
    space, full = bits.u(3), 1
    subsampling = (1, 1) if space == _RGB else (2, 2)
    if space != _RGB:
        full = bits.u(1)
    if profile & 1:
        if space != _RGB:
            subsampling = bits.u(1) + 1, bits.u(1) + 1
        bits.u(1)
    size = _read_size(bits)
    _check_shown_size(bits)
    return Vp9Format(profile, bit_depth, (space, full), subsampling, size)


def _check_inter_size(bits: BitReader, size: Size) -> None:
    """Refuse a picture of another size than those that it is predicted from."""
    found = any(bits.u(1) for _ in range(_REFERENCES))  # any() reads no further than the first
    if not found and _read_size(bits) != size:
        raise CannotCopy("its pictures change on the way")
    _check_shown_size(bits)


def _read_size(bits: BitReader) -> Size:
    return Size(bits.u(16) + 1, bits.u(16) + 1)


def _check_shown_size(bits: BitReader) -> None:
    if bits.u(1):
        raise CannotCopy("its pictures are larger than what is shown of them")
