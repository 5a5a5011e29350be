"""NAL units of H.264 and HEVC packets: which hold a picture, and which are only messages?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from redact.media.video.h264.nal import nal_type, with_length

_START_CODE = b"\0\0\1"
_PICTURES: Final = {"h264": range(1, 6), "hevc": range(32)}
"""Values of `nal_unit_type` that are coded slices."""

_MESSAGES: Final = {"h264": {6}, "hevc": {39, 40}}
"""Values of `nal_unit_type` that are SEI messages."""


@dataclass(frozen=True, slots=True)
class NalFormat:
    """How the packets of one stream are made of NAL units.

    Args:
        codec: `h264` or `hevc`.
        length_size: Bytes of the length field before each unit, 0 for start codes.
    """

    codec: str
    length_size: int

    def has_picture(self, packet: bytes) -> bool:
        """Whether the packet holds a coded slice."""
        return any(self._type_of(unit) in _PICTURES[self.codec] for unit in self._units(packet))

    def without_messages(self, packet: bytes) -> bytes:
        """The packet without its SEI messages, which no picture is decoded from."""
        kept = (u for u in self._units(packet) if self._type_of(u) not in _MESSAGES[self.codec])
        return b"".join(self._framed(unit) for unit in kept)

    def _type_of(self, unit: bytes) -> int:
        return nal_type(unit) if self.codec == "h264" else unit[0] >> 1 & 63

    def _framed(self, unit: bytes) -> bytes:
        return with_length(unit, self.length_size) if self.length_size else _START_CODE + unit

    def _units(self, packet: bytes) -> Iterator[bytes]:
        """The units that are not empty; what is cut off is as long as it is."""
        units = self._split_by_length(packet) if self.length_size else split_by_start_code(packet)
        return (unit for unit in units if unit)

    def _split_by_length(self, packet: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(packet):
            start = at + self.length_size
            at = start + int.from_bytes(packet[at:start])
            yield packet[start:at]


def split_by_start_code(packet: bytes) -> Iterator[bytes]:
    """What lies between the start codes of a byte stream."""
    at = packet.find(_START_CODE)
    while at >= 0:
        start = at + len(_START_CODE)
        at = packet.find(_START_CODE, start)
        yield packet[start:] if at < 0 else packet[start:at]


def nal_format(codec: str, header: bytes | None) -> NalFormat | None:
    """How the packets of a stream are made; None where they have no NAL units.

    Args:
        codec: The codec's name.
        header: The container's header of the stream.
    """
    if codec not in _PICTURES:
        return None
    configured = bool(header) and header is not None and header[0] == 1
    place = 4 if codec == "h264" else 21
    if header is None or not configured or len(header) <= place:
        return NalFormat(codec, 0)
    return NalFormat(codec, (header[place] & 3) + 1)


def header_without_messages(form: NalFormat, header: bytes) -> bytes:
    """A stream's header without the SEI messages that some writers put there.

    A header that cannot be read stays as it is.
    """
    if not form.length_size:
        return form.without_messages(header)
    rebuild: Callable[[bytes], bytes] = _avc_header if form.codec == "h264" else _hevc_header
    try:
        return rebuild(header)
    except IndexError:
        return header


def _avc_header(header: bytes) -> bytes:
    """An AVCDecoderConfigurationRecord without messages among its parameter sets."""
    at, found = 5, header[:5]
    for mask in (31, 255):  # sequence, then picture parameter sets
        count, at = header[at], at + 1
        units, at = _read_units(header, at, count & mask)
        kept = [unit for unit in units if nal_type(unit) not in _MESSAGES["h264"]]
        found += bytes([count & ~mask & 255 | len(kept)]) + _join_units(kept)
    return found + header[at:]


def _hevc_header(header: bytes) -> bytes:
    """An HEVCDecoderConfigurationRecord without its arrays of messages."""
    at, kept = 23, []
    for _ in range(header[22]):
        kind, count = header[at], int.from_bytes(header[at + 1 : at + 3])
        units, end = _read_units(header, at + 3, count)
        if kind & 63 not in _MESSAGES["hevc"]:
            kept.append(header[at : at + 3] + _join_units(units))
        at = end
    return header[:22] + bytes([len(kept)]) + b"".join(kept) + header[at:]


def _read_units(header: bytes, at: int, count: int) -> tuple[list[bytes], int]:
    """Units behind length fields of two bytes, and where they end."""
    units = []
    for _ in range(count):
        start = at + 2
        at = start + int.from_bytes(header[at:start])
        if at > len(header) or at == start:
            raise IndexError("a unit is cut off or empty")
        units.append(header[start:at])
    return units, at


def _join_units(units: list[bytes]) -> bytes:
    return b"".join(with_length(unit, 2) for unit in units)
