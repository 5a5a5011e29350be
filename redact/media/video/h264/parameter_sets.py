"""Sequence and picture parameter sets (SPS and PPS), each read to its last bit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from redact.core.geometry import Size
from redact.media.video.coded_streams import CannotCopy
from redact.media.video.h264.nal import PPS, SPS, NalReader, nal_type

HIGH_PROFILES: Final = {100, 110, 122, 244}
"""Profiles whose parameter sets say which chroma format and bit depth they have."""

_PROFILES: Final = {66, 77, *HIGH_PROFILES}
_MACROBLOCK = 16
_DEFAULT_VUI: Final = (1, 0, 2, 2, 2)


@dataclass(frozen=True, slots=True)
class SequenceParameterSet:
    """What is known of an SPS.

    Args:
        unit: The whole NAL unit.
        id: `seq_parameter_set_id`.
        profile: `profile_idc`.
        level: `level_idc`.
        chroma_format: `chroma_format_idc`: 0 for grey, 1 for 4:2:0, 2 for 4:2:2, 3 for 4:4:4.
        bit_depth: Bits of a luma and of a chroma sample.
        size: The picture within its cropping window, in pixels.
        vui: Sample aspect ratio, full range flag, colour primaries, transfer and matrix, with the
            standard's defaults for what is not said.
    """

    unit: bytes
    id: int
    profile: int
    level: int
    chroma_format: int
    bit_depth: tuple[int, int]
    size: Size
    vui: tuple[object, ...]


def read_sps(unit: bytes) -> SequenceParameterSet:
    """Read an SPS to its end.

    Raises:
        CannotCopy: It has another profile, allows fields, crops pixels, or holds something else.
    """
    bits = NalReader(unit[1:])
    profile, _, level = bits.u(8), bits.u(8), bits.u(8)
    if nal_type(unit) != SPS or profile not in _PROFILES:
        raise CannotCopy("its profile is not known")
    number = bits.ue()
    chroma_format, bit_depth = 1, (8, 8)
    if profile in HIGH_PROFILES:
        chroma_format = bits.ue()
        if chroma_format == 3 and bits.u(1):
            raise CannotCopy("its colours are coded apart")
        bit_depth = bits.ue() + 8, bits.ue() + 8
        bits.u(1)
        if bits.u(1):
            _skip_scaling_lists(bits, 6, 2 if chroma_format != 3 else 6)
    bits.ue()
    _skip_picture_order_count(bits)
    bits.ue()
    bits.u(1)
    width, height = (bits.ue() + 1) * _MACROBLOCK, (bits.ue() + 1) * _MACROBLOCK
    if not bits.u(1):
        raise CannotCopy("it may hold fields")
    bits.u(1)
    size = _crop(bits, Size(width, height), chroma_format)
    found = SequenceParameterSet(
        unit, number, profile, level, chroma_format, bit_depth, size, _DEFAULT_VUI
    )
    if bits.u(1):
        found = replace(found, vui=_read_vui(bits))
    bits.check_end()
    return found


def read_pps(unit: bytes, sequence: SequenceParameterSet) -> tuple[int, bytes]:
    """Read a PPS to its end.

    Args:
        unit: The whole NAL unit.
        sequence: The only SPS that it may refer to.

    Returns:
        Its `pic_parameter_set_id` and the unit.

    Raises:
        CannotCopy: It allows slice groups or redundant pictures, or holds something else.
    """
    bits = NalReader(unit[1:])
    number, parent = bits.ue(), bits.ue()
    bits.u(2)
    if nal_type(unit) != PPS or parent != sequence.id or bits.ue():
        raise CannotCopy("its pictures are cut into groups of slices")
    bits.skip(2)
    bits.u(3)
    bits.skip(3)
    bits.u(2)
    if bits.u(1):
        raise CannotCopy("it may hold pictures twice")
    if bits.more_data():
        transform_8x8 = bits.u(1)
        if bits.u(1):
            large = 2 if sequence.chroma_format != 3 else 6
            _skip_scaling_lists(bits, 6, large * transform_8x8)
        bits.se()
    bits.check_end()
    return number, unit


def _skip_picture_order_count(bits: NalReader) -> None:
    kind = bits.ue()
    if kind == 0:
        bits.ue()
    elif kind == 1:
        bits.u(1)
        bits.skip(2)
        bits.skip(bits.ue() & 255)


def _crop(bits: NalReader, size: Size, chroma_format: int) -> Size:
    """The size of the cropping window, which may leave out no more than rounding to blocks adds."""
    if not bits.u(1):
        return size
    across, down = 2 if chroma_format in (1, 2) else 1, 2 if chroma_format == 1 else 1
    cropped_across = (bits.ue() + bits.ue()) * across
    cropped_down = (bits.ue() + bits.ue()) * down
    if max(cropped_across, cropped_down) >= _MACROBLOCK:
        raise CannotCopy("its pictures are larger than what is shown of them")
    return Size(size.width - cropped_across, size.height - cropped_down)


def _read_vui(bits: NalReader) -> tuple[object, ...]:
    """Video usability information (annex E); what does not matter here is skipped."""
    aspect: object = 1
    full_range, colours = 0, (2, 2, 2)
    if bits.u(1):
        aspect = bits.u(8) or 1
        if aspect == 255:
            aspect = bits.u(16), bits.u(16)
    if bits.u(1):
        bits.u(1)
    if bits.u(1):
        bits.u(3)
        full_range = bits.u(1)
        if bits.u(1):
            colours = bits.u(8), bits.u(8), bits.u(8)
    if bits.u(1):
        bits.skip(2)
    if bits.u(1):
        bits.u(65)
    if _skip_hrd(bits) + _skip_hrd(bits):
        bits.u(1)
    bits.u(1)
    if bits.u(1):
        bits.u(1)
        bits.skip(6)
    return aspect, full_range, *colours


def _skip_hrd(bits: NalReader) -> bool:
    """Skip hypothetical reference decoder parameters; tells whether there were any."""
    if not bits.u(1):
        return False
    count = (bits.ue() & 31) + 1
    bits.u(8)
    for _ in range(count):
        bits.skip(2)
        bits.u(1)
    bits.u(20)
    return True


def _skip_scaling_lists(bits: NalReader, small: int, large: int) -> None:
    """Skip that many scaling lists of 16 and of 64 numbers."""
    for count in [16] * small + [64] * large:
        if not bits.u(1):
            continue
        last = coming = 8
        for _ in range(count):
            if coming:
                coming = (last + bits.se()) % 256
            last = coming or last
