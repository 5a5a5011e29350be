"""NAL units and their bits: lengths, unit types, fixed-length and Exp-Golomb codes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from redact.media.video.bits import BitReader
from redact.media.video.coded_streams import CannotCopy

SLICE, IDR_SLICE, SPS, PPS = 1, 5, 7, 8
"""Values of `nal_unit_type` that are kept: coded slices and parameter sets."""

DROPPED: Final = {6, 9, 10, 11, 12}
"""Types that decoding does without: SEI messages, delimiters, end marks and filler data."""

_MOST_LEADING_ZEROS = 32
"""Leading zeros of the longest Exp-Golomb code that the standard allows."""


def nal_type(unit: bytes) -> int:
    """The unit's `nal_unit_type`."""
    return unit[0] & 31


def nal_types(packet: bytes) -> set[int]:
    """Types of the NAL units of a packet with length fields of four bytes."""
    return {nal_type(unit) for unit in split_packet(packet, 4)}


def split_packet(packet: bytes, length_size: int) -> Iterator[bytes]:
    """The NAL units of a packet, without their length fields.

    Args:
        packet: One packet of the container.
        length_size: Bytes of the length field before each unit.

    Raises:
        CannotCopy: A unit is cut off or empty.
    """
    at = 0
    while at < len(packet):
        unit, at = read_unit(packet, at, length_size)
        yield unit


def read_unit(data: bytes, at: int, length_size: int) -> tuple[bytes, int]:
    """One NAL unit behind its length field, and where the next one begins.

    Zero bytes at the unit's end are left out.

    Raises:
        CannotCopy: The unit is cut off or empty.
    """
    start = at + length_size
    end = start + int.from_bytes(data[at:start])
    unit = data[start:end].rstrip(b"\0")
    if end > len(data) or not unit or unit[0] & 0x80:
        raise CannotCopy("a NAL unit is cut off or empty")
    return unit, end


def with_length(unit: bytes, length_size: int) -> bytes:
    """The NAL unit behind a length field of that many bytes."""
    return len(unit).to_bytes(length_size) + unit


class NalReader(BitReader):
    """Reads a NAL unit's payload bit by bit, without the emulation prevention bytes."""

    def __init__(self, payload: bytes) -> None:
        super().__init__(payload.replace(b"\0\0\3", b"\0\0"))

    def ue(self) -> int:
        """The next unsigned Exp-Golomb code."""
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > _MOST_LEADING_ZEROS:
                raise CannotCopy("a number in a NAL unit is too large")
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        """The next signed Exp-Golomb code."""
        code = self.ue()
        return (code + 1) // 2 if code & 1 else -(code // 2)

    def skip(self, codes: int) -> None:
        """Pass over that many Exp-Golomb codes, with or without sign."""
        for _ in range(codes):
            self.ue()

    def more_data(self) -> bool:
        """Whether anything comes before the stop bit, more_rbsp_data() in the standard."""
        rest = self._bits & ((1 << self._left) - 1)
        return bool(rest & (rest - 1)) or rest.bit_length() != self._left

    def check_end(self) -> None:
        """Refuse anything that follows what was read.

        Raises:
            CannotCopy: Something follows, or the stop bit is missing.
        """
        if self.more_data() or not self._left:
            raise CannotCopy("a parameter set holds more than is known")
