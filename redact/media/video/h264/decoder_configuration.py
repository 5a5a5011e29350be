"""The parameter sets in a file's header: AVCDecoderConfigurationRecord, ISO/IEC 14496-15."""

from __future__ import annotations

from dataclasses import dataclass

from redact.media.video.coded_streams import CannotCopy
from redact.media.video.h264.nal import read_unit, with_length
from redact.media.video.h264.parameter_sets import (
    HIGH_PROFILES,
    SequenceParameterSet,
    read_pps,
    read_sps,
)


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """The parameter sets of one stream.

    Args:
        sequence: The only SPS.
        pictures: Each PPS by its id, as a whole NAL unit.
        length_size: Bytes of the length field before each NAL unit of a packet.
    """

    sequence: SequenceParameterSet
    pictures: dict[int, bytes]
    length_size: int

    @property
    def ids(self) -> set[int]:
        """Ids of sets that another stream must not use beside this one."""
        return {self.sequence.id, *self.pictures}


def read_configuration(record: bytes | None) -> ParameterSets:
    """Read the parameter sets of a file's header.

    Raises:
        CannotCopy: They are not there, there are several SPS, or something in them is not known.
    """
    if not record or len(record) < 7 or record[0] != 1:
        raise CannotCopy("the file's header holds no parameter sets")
    length_size, at = (record[4] & 3) + 1, 5
    lists: list[list[bytes]] = []
    for mask in (31, 255):
        if at >= len(record):
            raise CannotCopy("the file's header ends too early")
        count, at = record[at] & mask, at + 1
        units: list[bytes] = []
        for _ in range(count):
            unit, at = read_unit(record, at, 2)
            units.append(unit)
        lists.append(units)
    if len(record) > at and record[at + 3 : at + 4] not in (b"", b"\0"):
        raise CannotCopy("there are auxiliary pictures")
    if len(lists[0]) != 1:
        raise CannotCopy("there are several sequence parameter sets")
    sequence = read_sps(lists[0][0])
    pictures = dict(read_pps(unit, sequence) for unit in lists[1])
    if len(pictures) != len(lists[1]) or not pictures:
        raise CannotCopy("picture parameter sets are missing, or share a number")
    return ParameterSets(sequence, pictures, length_size)


def write_configuration(streams: list[ParameterSets]) -> bytes:
    """The header of a file that holds pictures of all these streams.

    Raises:
        CannotCopy: Their sets share ids, or one decoder cannot show both.
    """
    used = [number for stream in streams for number in stream.ids]
    first = streams[0].sequence
    if len(used) != len(set(used)) and len(streams) > 1:
        raise CannotCopy("two parameter sets share a number")
    if any(_decoder_key(stream.sequence) != _decoder_key(first) for stream in streams):
        raise CannotCopy("the pictures encoded anew mean something else than the copied ones")
    profile = max(stream.sequence.profile for stream in streams)
    highest = next(s.sequence.unit for s in streams if s.sequence.profile == profile)
    level = max(stream.sequence.level for stream in streams)
    pictures = [unit for stream in streams for unit in stream.pictures.values()]
    record = bytes((1, profile, highest[2], level, 0xFF, 0xE0 | len(streams)))
    record += b"".join(with_length(stream.sequence.unit, 2) for stream in streams)
    record += bytes((len(pictures),)) + b"".join(with_length(unit, 2) for unit in pictures)
    if profile in HIGH_PROFILES:
        depths = (0xF8 | (bits - 8) for bits in first.bit_depth)
        record += bytes((0xFC | first.chroma_format, *depths, 0))
    return record


def _decoder_key(sequence: SequenceParameterSet) -> tuple[object, ...]:
    """Equal for streams that one decoder can show one after the other."""
    family = 0 if sequence.profile in {66, 77, 100} else sequence.profile
    return family, sequence.chroma_format, sequence.bit_depth, sequence.size, sequence.vui
