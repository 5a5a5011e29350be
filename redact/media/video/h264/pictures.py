"""Coded pictures: the slices of a packet, without anything else that it holds."""

from __future__ import annotations

from redact.media.video.coded_streams import CannotCopy, CodedPicture
from redact.media.video.h264.decoder_configuration import ParameterSets
from redact.media.video.h264.nal import (
    DROPPED,
    IDR_SLICE,
    PPS,
    SLICE,
    SPS,
    NalReader,
    nal_type,
    split_packet,
    with_length,
)


def read_picture(packet: bytes, sets: ParameterSets) -> CodedPicture:
    """The one coded picture of a packet, without anything that is no part of it.

    Raises:
        CannotCopy: It holds no whole picture, more than one, or something that is not known.
    """
    slices: list[bytes] = []
    last = -1
    for unit in split_packet(packet, sets.length_size):
        kind = nal_type(unit)
        if kind in (SPS, PPS):
            if unit != sets.sequence.unit and unit not in sets.pictures.values():
                raise CannotCopy("parameter sets change on the way")
        elif kind in (SLICE, IDR_SLICE):
            bits = NalReader(unit[1:17])
            first_macroblock, _, pps_id = bits.ue(), bits.ue(), bits.ue()
            out_of_order = first_macroblock <= last or (not slices and first_macroblock)
            if out_of_order or pps_id not in sets.pictures:
                raise CannotCopy("a packet holds more or less than one picture")
            last = first_macroblock
            slices.append(unit)
        elif kind not in DROPPED:
            raise CannotCopy(f"there are NAL units of type {kind}")
    kinds = {nal_type(unit) for unit in slices}
    if len(kinds) != 1:
        raise CannotCopy("a packet holds more or less than one picture")
    return CodedPicture(b"".join(with_length(unit, 4) for unit in slices), kinds == {IDR_SLICE})
