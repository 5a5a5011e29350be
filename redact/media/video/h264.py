"""H.264 as far as copying needs it: NAL units, parameter sets, and what a packet holds.

Names and tables are those of ITU-T H.264, clauses 7.3 and 7.4. Whatever is not understood to its
last bit is `Unfit`: then nothing is copied, and the pictures are encoded anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from redact.core.geometry import Size

SLICE, IDR_SLICE, SPS, PPS = 1, 5, 7, 8
"""Types of NAL units that are kept: coded slices, and the parameter sets in a file's header."""

_LEFT_OUT: Final = {6, 9, 10, 11, 12}
"""Types that decoding does without: messages (SEI), delimiters, ends and filler."""

_WITH_CHROMA: Final = {100, 110, 122, 244}
"""Profiles whose sequences say what chroma and depth they have."""

_PROFILES: Final = {66, 77, *_WITH_CHROMA}
_MACROBLOCK = 16
_LONGEST_ID = 32
"""Leading zeros of the longest Exp-Golomb code that the standard knows."""


class Unfit(Exception):  # noqa: N818 - no error: the pictures are encoded anew
    """Why coded pictures cannot be copied."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence parameter set.

    Args:
        unit: The whole NAL unit.
        id: Its number, by which pictures name it.
        profile: `profile_idc`.
        level: `level_idc`.
        chroma: `chroma_format_idc`: 0 for grey, 1 for 4:2:0, 2 for 4:2:2, 3 for 4:4:4.
        depth: Bits of a sample, of luma and chroma.
        size: What is shown of a picture, in pixels.
        meaning: Pixel shape, range, primaries, transfer and matrix, with defaults for what it
            does not say.
    """

    unit: bytes
    id: int
    profile: int
    level: int
    chroma: int
    depth: tuple[int, int]
    size: Size
    meaning: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Headers:
    """The parameter sets of one stream.

    Args:
        sequence: The only sequence parameter set.
        pictures: Picture parameter sets by their number, as whole NAL units.
        prefix: Bytes of the length before each NAL unit of a packet.
    """

    sequence: Sequence
    pictures: dict[int, bytes]
    prefix: int

    @property
    def ids(self) -> set[int]:
        """Numbers of sets that another stream must not use beside this one."""
        return {self.sequence.id, *self.pictures}


@dataclass(frozen=True, slots=True)
class Coded:
    """One coded picture.

    Args:
        data: Its slices, each behind its length in four bytes.
        idr: Whether decoding can begin here, and nothing later refers to anything earlier.
    """

    data: bytes
    idr: bool


def headers(record: bytes | None) -> Headers:
    """The sets of a file's header (AVCDecoderConfigurationRecord, ISO/IEC 14496-15).

    Raises:
        Unfit: They are not there, there are several sequences, or something in them is not known.
    """
    if not record or len(record) < 7 or record[0] != 1:
        raise Unfit("the file's header holds no parameter sets")
    prefix, at = (record[4] & 3) + 1, 5
    lists: list[list[bytes]] = []
    for mask in (31, 255):
        if at >= len(record):
            raise Unfit("the file's header ends too early")
        count, at = record[at] & mask, at + 1
        units: list[bytes] = []
        for _ in range(count):
            unit, at = _counted(record, at, 2)
            units.append(unit)
        lists.append(units)
    if len(record) > at and record[at + 3 : at + 4] not in (b"", b"\0"):
        raise Unfit("there are auxiliary pictures")
    if len(lists[0]) != 1:
        raise Unfit("there are several sequence parameter sets")
    sequence = read_sequence(lists[0][0])
    pictures = dict(read_picture(unit, sequence) for unit in lists[1])
    if len(pictures) != len(lists[1]) or not pictures:
        raise Unfit("picture parameter sets are missing, or share a number")
    return Headers(sequence, pictures, prefix)


def record_of(streams: list[Headers]) -> bytes:
    """The header of a file that holds pictures of all these streams.

    Raises:
        Unfit: Their sets share numbers, or one decoder cannot show both.
    """
    used = [number for stream in streams for number in stream.ids]
    first = streams[0].sequence
    if len(used) != len(set(used)) and len(streams) > 1:
        raise Unfit("two parameter sets share a number")
    if any(_shape(stream.sequence) != _shape(first) for stream in streams):
        raise Unfit("the pictures encoded anew mean something else than the copied ones")
    profile = max(stream.sequence.profile for stream in streams)
    highest = next(s.sequence.unit for s in streams if s.sequence.profile == profile)
    level = max(stream.sequence.level for stream in streams)
    pictures = [unit for stream in streams for unit in stream.pictures.values()]
    found = bytes((1, profile, highest[2], level, 0xFF, 0xE0 | len(streams)))
    found += b"".join(_sized(stream.sequence.unit, 2) for stream in streams)
    found += bytes((len(pictures),)) + b"".join(_sized(unit, 2) for unit in pictures)
    if profile in _WITH_CHROMA:
        depths = (0xF8 | (bits - 8) for bits in first.depth)
        found += bytes((0xFC | first.chroma, *depths, 0))
    return found


def _shape(sequence: Sequence) -> tuple[object, ...]:
    family = 0 if sequence.profile in {66, 77, 100} else sequence.profile
    return family, sequence.chroma, sequence.depth, sequence.size, sequence.meaning


def coded(packet: bytes, sets: Headers) -> Coded:
    """The one picture of a packet without anything that is no part of it.

    Raises:
        Unfit: It holds no whole picture, more than one, or something that is not known.
    """
    slices: list[bytes] = []
    last = -1
    for unit in _units(packet, sets.prefix):
        kind = unit[0] & 31
        if kind in (SPS, PPS):
            if unit != sets.sequence.unit and unit not in sets.pictures.values():
                raise Unfit("parameter sets change on the way")
        elif kind in (SLICE, IDR_SLICE):
            bits = _Bits(unit[1:17])
            first, _, picture = bits.ue(), bits.ue(), bits.ue()
            if first <= last or (not slices and first) or picture not in sets.pictures:
                raise Unfit("a packet holds more or less than one picture")
            last = first
            slices.append(unit)
        elif kind not in _LEFT_OUT:
            raise Unfit(f"there are NAL units of type {kind}")
    kinds = {unit[0] & 31 for unit in slices}
    if len(kinds) != 1:
        raise Unfit("a packet holds more or less than one picture")
    return Coded(b"".join(_sized(unit, 4) for unit in slices), kinds == {IDR_SLICE})


def kinds_of(packet: bytes) -> set[int]:
    """Types of the NAL units of a packet with lengths of four bytes."""
    return {unit[0] & 31 for unit in _units(packet, 4)}


def _units(packet: bytes, prefix: int) -> Iterator[bytes]:
    at = 0
    while at < len(packet):
        unit, at = _counted(packet, at, prefix)
        yield unit


def _counted(data: bytes, at: int, prefix: int) -> tuple[bytes, int]:
    """A NAL unit behind its length, without zeros at its end, and where the next one begins."""
    start = at + prefix
    end = start + int.from_bytes(data[at:start])
    unit = data[start:end].rstrip(b"\0")
    if end > len(data) or not unit or unit[0] & 0x80:
        raise Unfit("a NAL unit is cut off or empty")
    return unit, end


def _sized(unit: bytes, prefix: int) -> bytes:
    return len(unit).to_bytes(prefix) + unit


class _Bits:
    """Reads a NAL unit's payload; emulation prevention is taken out."""

    def __init__(self, payload: bytes) -> None:
        data = payload.replace(b"\0\0\3", b"\0\0")
        self._bits = int.from_bytes(data)
        self._left = 8 * len(data)

    def u(self, count: int) -> int:
        """The next bits as a number."""
        if count > self._left:
            raise Unfit("a NAL unit ends too early")
        self._left -= count
        return (self._bits >> self._left) & ((1 << count) - 1)

    def ue(self) -> int:
        """The next Exp-Golomb code."""
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > _LONGEST_ID:
                raise Unfit("a number in a NAL unit is too large")
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        """The same with a sign."""
        code = self.ue()
        return (code + 1) // 2 if code & 1 else -(code // 2)

    def skip(self, codes: int) -> None:
        """Pass over that many Exp-Golomb codes, with or without sign."""
        for _ in range(codes):
            self.ue()

    def more(self) -> bool:
        """Whether anything comes before the stop bit that ends the payload."""
        rest = self._bits & ((1 << self._left) - 1)
        return bool(rest & (rest - 1)) or rest.bit_length() != self._left

    def end(self) -> None:
        """Refuse anything that follows what was read."""
        if self.more() or not self._left:
            raise Unfit("a parameter set holds more than is known")


def read_sequence(unit: bytes) -> Sequence:
    """A sequence parameter set, read to its end.

    Raises:
        Unfit: It is of another profile, of fields, hides pixels, or holds something else.
    """
    bits = _Bits(unit[1:])
    profile, _, level = bits.u(8), bits.u(8), bits.u(8)
    if unit[0] & 31 != SPS or profile not in _PROFILES:
        raise Unfit("its profile is not known")
    number = bits.ue()
    chroma, depth = 1, (8, 8)
    if profile in _WITH_CHROMA:
        chroma = bits.ue()
        if chroma == 3 and bits.u(1):
            raise Unfit("its colours are coded apart")
        depth = bits.ue() + 8, bits.ue() + 8
        bits.u(1)
        if bits.u(1):
            _skip_lists(bits, 6, 2 if chroma != 3 else 6)
    bits.ue()
    _skip_order(bits)
    bits.ue()
    bits.u(1)
    width, height = (bits.ue() + 1) * _MACROBLOCK, (bits.ue() + 1) * _MACROBLOCK
    if not bits.u(1):
        raise Unfit("it may hold fields")
    bits.u(1)
    size = _shown(bits, Size(width, height), chroma)
    found = Sequence(unit, number, profile, level, chroma, depth, size, _UNSAID)
    if bits.u(1):
        found = replace(found, meaning=_meaning(bits))
    bits.end()
    return found


def _skip_order(bits: _Bits) -> None:
    kind = bits.ue()
    if kind == 0:
        bits.ue()
    elif kind == 1:
        bits.u(1)
        bits.skip(2)
        bits.skip(bits.ue() & 255)


def _shown(bits: _Bits, size: Size, chroma: int) -> Size:
    """What is shown of the coded size: no more may be hidden than rounding up to blocks brings."""
    if not bits.u(1):
        return size
    across, down = 2 if chroma in (1, 2) else 1, 2 if chroma == 1 else 1
    hidden_across = (bits.ue() + bits.ue()) * across
    hidden_down = (bits.ue() + bits.ue()) * down
    if max(hidden_across, hidden_down) >= _MACROBLOCK:
        raise Unfit("its pictures are larger than what is shown of them")
    return Size(size.width - hidden_across, size.height - hidden_down)


_UNSAID: Final = (1, 0, 2, 2, 2)


def _meaning(bits: _Bits) -> tuple[object, ...]:
    """Video usability information (annex E); what is of no matter here is passed over."""
    shape: object = 1
    full, colours = 0, (2, 2, 2)
    if bits.u(1):
        shape = bits.u(8) or 1
        if shape == 255:
            shape = bits.u(16), bits.u(16)
    if bits.u(1):
        bits.u(1)
    if bits.u(1):
        bits.u(3)
        full = bits.u(1)
        if bits.u(1):
            colours = bits.u(8), bits.u(8), bits.u(8)
    if bits.u(1):
        bits.skip(2)
    if bits.u(1):
        bits.u(65)
    if _skip_rates(bits) + _skip_rates(bits):
        bits.u(1)
    bits.u(1)
    if bits.u(1):
        bits.u(1)
        bits.skip(6)
    return shape, full, *colours


def _skip_rates(bits: _Bits) -> bool:
    """Whether there were any."""
    if not bits.u(1):
        return False
    count = (bits.ue() & 31) + 1
    bits.u(8)
    for _ in range(count):
        bits.skip(2)
        bits.u(1)
    bits.u(20)
    return True


def read_picture(unit: bytes, sequence: Sequence) -> tuple[int, bytes]:
    """A picture parameter set, read to its end: its number and the unit.

    Raises:
        Unfit: It allows slice groups or redundant pictures, or holds something else.
    """
    bits = _Bits(unit[1:])
    number, parent = bits.ue(), bits.ue()
    bits.u(2)
    if unit[0] & 31 != PPS or parent != sequence.id or bits.ue():
        raise Unfit("its pictures are cut into groups of slices")
    bits.skip(2)
    bits.u(3)
    bits.skip(3)
    bits.u(2)
    if bits.u(1):
        raise Unfit("it may hold pictures twice")
    if bits.more():
        large = bits.u(1)
        if bits.u(1):
            _skip_lists(bits, 6, (2 if sequence.chroma != 3 else 6) * large)
        bits.se()
    bits.end()
    return number, unit


def _skip_lists(bits: _Bits, small: int, large: int) -> None:
    """Scaling lists of 16 and of 64 numbers."""
    for count in [16] * small + [64] * large:
        if not bits.u(1):
            continue
        last = coming = 8
        for _ in range(count):
            if coming:
                coming = (last + bits.se()) % 256
            last = coming or last
