"""Copied and newly encoded pictures joined into one draft, each under its exact time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import av
from av import Packet
from av.stream import Stream

from redact.errors import EngineError
from redact.media.video.copying import Copies, pictures
from redact.media.video.details import Details
from redact.media.video.encoders import Choice
from redact.media.video.encoding import muxing
from redact.media.video.h264 import Coded, Headers, Unfit, coded, headers, record_of
from redact.media.video.opening import open_media, picture_stream
from redact.media.video.source import VideoSource

_NUMBERS = 32
"""Parameter sets of sequences are numbered below this."""


def beside(choice: Choice, copies: Copies) -> Choice:
    """The encoder's choice for pictures that go between copied ones.

    Raises:
        EngineError: There is no number left for its parameter sets.
    """
    free = next((n for n in range(_NUMBERS) if n not in copies.sets.ids), None)
    if free is None:
        raise EngineError("all numbers of parameter sets are taken")
    options = choice.options | {"x264-params": f"sps-id={free}"}
    return Choice(choice.encoder, choice.format, choice.pixels, options)


@dataclass(frozen=True, slots=True)
class _Place:
    """When one packet is decoded and shown, in ticks, and for how long."""

    dts: int
    pts: int
    duration: int


def join(
    joined: Path, encoded: Path, source: VideoSource, copies: Copies, details: Details
) -> None:
    """Write the draft in which the first frame is at time zero.

    Args:
        joined: What is written.
        encoded: A draft of the frames that are not copied, which also says what its header keeps:
            rotation, colours and the shape of pixels. Where all are copied, one frame of no matter.
        source: What the rest is copied from.
        copies: Which frames that is.
        details: Of the source.

    Raises:
        Unfit: They do not fit together.
        InputError: One of them cannot be read.
        OSError: There is no space left.
    """
    with open_media(encoded) as container:
        model = picture_stream(container, encoded)
        own = headers(model.codec_context.extradata)
        fresh = [] if copies.whole else _frames_of(encoded, copies)
        places = _places(_ticks(copies, details), _order(copies, fresh))
        record = record_of([copies.sets] if copies.whole else [copies.sets, own])
        with av.open(str(joined.absolute()), "w", container_options=muxing(details)) as written:
            stream = written.add_stream_from_template(model, opaque=True)
            cast(Any, stream).codec_context.extradata = record
            stream.time_base = details.time_base
            every = _all(encoded, own, source, copies)
            for place, (picture, key) in zip(places, every, strict=True):
                packet = _packet(picture, place, stream, details.time_base)
                packet.is_keyframe = key
                written.mux(packet)


def _ticks(copies: Copies, details: Details) -> list[int]:
    """When each frame is shown, the first at zero, and when the last one ends."""
    ends = [*copies.times, copies.times[-1] + copies.last]
    ticks = [(time - ends[0]) / details.time_base for time in ends]
    if any(tick.denominator != 1 for tick in ticks):
        raise Unfit("its times are no whole ticks")
    return [int(tick) for tick in ticks]


def _frames_of(encoded: Path, copies: Copies) -> list[int]:
    """Which frame each packet of the encoder is, in the order of decoding."""
    first = copies.times[copies.others[0].start]  # with which a draft begins at zero
    place = {time - first: index for index, time in enumerate(copies.times)}
    with open_media(encoded) as container:
        stream = picture_stream(container, encoded)
        times = [cast(int, p.pts) * p.time_base for p in container.demux(stream) if p.size]
    found = [place.get(time, -1) for time in times]
    if sorted(found) != [index for run in copies.others for index in run]:
        raise Unfit("the encoder did not give the frames that it got")
    return found


def _order(copies: Copies, fresh: Sequence[int]) -> list[int]:
    """Which frame each packet of the draft is, in the order of decoding."""
    coming = iter(fresh)
    found: list[int] = []
    for run, copied in _runs(copies):
        part = list(copies.order[run.start : run.stop]) if copied else [next(coming) for _ in run]
        if sorted(part) != list(run):
            raise Unfit("a run of frames is not closed")
        found += part
    return found


def _runs(copies: Copies) -> list[tuple[range, bool]]:
    """All runs in order, and whether they are copied."""
    both = [(run, True) for run in copies.runs] + [(run, False) for run in copies.others]
    return sorted(both, key=lambda item: item[0].start)


def _places(ticks: Sequence[int], order: Sequence[int]) -> list[_Place]:
    """Times of decoding that grow with every packet and are never behind those of showing."""
    delay = max(at - frame for at, frame in enumerate(order))
    step = min((b - a for a, b in pairwise(ticks)), default=1) or 1
    found = []
    for at, frame in enumerate(order):
        dts = ticks[at - delay] if at >= delay else ticks[0] - (delay - at) * step
        found.append(_Place(dts, ticks[frame], ticks[frame + 1] - ticks[frame]))
    return found


def _all(
    encoded: Path, own: Headers, source: VideoSource, copies: Copies
) -> Iterator[tuple[Coded, bool]]:
    """Every picture of the draft, in the order of decoding, and whether players may begin there."""
    copied = ((picture, packet.is_keyframe) for _, packet, picture in pictures(source))
    fresh = _fresh(encoded, own)
    for run, is_copied in _runs(copies):
        for number in range(len(run)):
            old = next(copied)
            picture, key = old if is_copied else next(fresh)
            if number == 0 and not picture.idr:
                raise Unfit("a run of frames does not begin with a picture that stands alone")
            yield picture, key


def _fresh(encoded: Path, own: Headers) -> Iterator[tuple[Coded, bool]]:
    with open_media(encoded) as container:
        for packet in container.demux(picture_stream(container, encoded)):
            if packet.size:
                yield coded(bytes(packet), own), packet.is_keyframe


def _packet(picture: Coded, place: _Place, stream: Stream, base: Fraction) -> Packet[Stream]:
    packet: Packet[Stream] = Packet(picture.data)
    packet.stream, packet.time_base = stream, base
    packet.dts, packet.pts, packet.duration = place.dts, place.pts, place.duration
    return packet
