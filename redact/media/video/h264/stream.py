"""A stream of H.264: its pictures, and how others lie in one file with them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from redact.core.geometry import Size
from redact.errors import VerificationError
from redact.media.video.coded_streams import CannotCopy, CodedPicture, CodedStream
from redact.media.video.container import open_media, video_stream
from redact.media.video.encoders import Choice
from redact.media.video.h264.decoder_configuration import (
    ParameterSets,
    read_configuration,
    write_configuration,
)
from redact.media.video.h264.nal import IDR_SLICE, SLICE, nal_types
from redact.media.video.h264.pictures import read_picture

_MOST_SPS_IDS = 32
"""Ids of sequence parameter sets are below this."""


@dataclass(frozen=True, slots=True)
class H264Stream:
    """The coded pictures of one stream.

    Args:
        sets: Its parameter sets.
    """

    sets: ParameterSets

    @classmethod
    def open(cls, record: bytes | None) -> H264Stream:
        """The stream with that AVCDecoderConfigurationRecord.

        Raises:
            CannotCopy: Something in it is not known.
        """
        return cls(read_configuration(record))

    @property
    def size(self) -> Size:
        """The size of its pictures, within their cropping window."""
        return self.sets.sequence.size

    def read(self, packet: bytes) -> CodedPicture:
        """The slices of the one picture of a packet; it starts a group if it is an IDR picture."""
        return read_picture(packet, self.sets)

    def keep_apart(self, choice: Choice) -> Choice:
        """The choice with an SPS id that no copied picture uses.

        Encoded and copied pictures need parameter sets of their own in one file.
        """
        free = next((n for n in range(_MOST_SPS_IDS) if n not in self.sets.ids), None)
        if free is None:
            raise CannotCopy("all numbers of parameter sets are taken")
        return replace(choice, options=choice.options | {"x264-params": f"sps-id={free}"})

    def header(self, encoded: CodedStream | None) -> bytes:
        """The record with the parameter sets of both."""
        others = [encoded.sets] if isinstance(encoded, H264Stream) else []
        return write_configuration([self.sets, *others])

    def check_written(self, path: Path) -> None:
        """Refuse packets that hold an SEI message, a parameter set, or something unknown."""
        with open_media(path) as container:
            for packet in container.demux(video_stream(container, path)):
                if not nal_types(bytes(packet)) <= {SLICE, IDR_SLICE}:
                    raise VerificationError("the result holds more than coded pictures")
