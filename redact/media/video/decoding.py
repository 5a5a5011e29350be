"""Demuxes and decodes a file: quickly while all is well, and with care where it is damaged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import av
from av import Packet, VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream

from redact.errors import UnreadableInputError
from redact.media.files import Identity
from redact.media.video.container import open_media, video_stream
from redact.media.video.damage import CarefulPass
from redact.media.video.decoders import make_decoder
from redact.media.video.packets import PacketReader


class DamageFound(Exception):  # noqa: N818 - no error yet: a careful pass decides
    """Something is damaged; the text says what."""


class DecodingPass:
    """One pass over a container's packets that ends at the first damage.

    Whatever the decoder complains of is damage here, also where players would paint over it.

    Args:
        container: Open, at its start.
        stream: The video stream.
        path: For messages.
    """

    def __init__(self, container: InputContainer, stream: VideoStream, path: Path) -> None:
        self._decoder = make_decoder(stream, strict=True)
        self.reader = PacketReader(container, stream, path)
        self._frames = 0

    def frames(self) -> Generator[VideoFrame, None, None]:
        """Decode all pictures.

        Raises:
            DamageFound: A packet or a frame is damaged, or frames are missing.
            UnreadableInputError: The container is damaged, or ends too early.
        """
        for packet in self.reader.packets():
            self._check_undamaged(packet.is_corrupt)
            for frame in self._decode(packet):
                self._check_undamaged(frame.is_corrupt)
                self._frames += 1
                self.reader.note_frame(frame)
                yield frame
        self.reader.check_complete()
        if not self._frames:
            raise DamageFound("not one frame of its video can be decoded")
        if missing := self.reader.missing():
            raise DamageFound(f"{missing} frames cannot be decoded")

    def _decode(self, packet: Packet[VideoStream]) -> list[VideoFrame]:
        try:
            return self._decoder.decode(cast(Any, packet))
        except av.FFmpegError as error:
            raise DamageFound(f"the data is damaged after frame {self._frames}") from error

    def _check_undamaged(self, corrupt: bool) -> None:
        if corrupt:
            raise DamageFound(f"the data is damaged after frame {self._frames}")


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """A frame, and where it comes from.

    Args:
        frame: As decoded.
        hidden: Whether it is damaged, and must be hidden as a whole.
        reader: Of an open container until the next frame is asked for.
    """

    frame: VideoFrame
    hidden: bool
    reader: PacketReader


@dataclass(slots=True)
class Findings:
    """What was found in a file, complete at the end of a pass.

    Args:
        damaged: Whether anything is damaged.
        hidden: How many frames are hidden as a whole.
        lost: How many pictures gave no frame.
        without_picture: How many packets hold no picture.
    """

    damaged: bool = False
    hidden: int = 0
    lost: int = 0
    without_picture: int = 0


def decode_file(
    path: Path, identity: Identity, findings: Findings, *, strict: bool
) -> Generator[DecodedFrame, None, None]:
    """Decode a file's video from its start to its end.

    Args:
        path: The file.
        identity: What it must still be.
        findings: Filled in. Where an earlier pass found damage, this one is careful at once.
        strict: Whether damage is an error.

    Raises:
        UnreadableInputError: It ends too early, no frame can be decoded, or it is damaged and
            `strict` says to refuse that.
    """
    given: Counter[int] = Counter()
    if not findings.damaged:
        try:
            yield from _decode_quickly(path, identity, findings, given)
            return
        except DamageFound as found:
            if strict:
                raise UnreadableInputError(str(found), path, "try another copy of it") from found
            findings.damaged = True
    yield from _decode_with_care(path, identity, findings, given)


def _decode_quickly(
    path: Path, identity: Identity, findings: Findings, given: Counter[int]
) -> Generator[DecodedFrame, None, None]:
    with open_media(path, identity) as container:
        stream = video_stream(container, path)
        decoding = DecodingPass(container, stream, path)
        with closing(decoding.frames()) as frames:
            for frame in frames:
                given[decoding.reader.number_of(frame)] += 1
                yield DecodedFrame(frame, False, decoding.reader)
        findings.lost = decoding.reader.lost()
        findings.without_picture = decoding.reader.without_picture


def _decode_with_care(
    path: Path, identity: Identity, findings: Findings, given: Counter[int]
) -> Generator[DecodedFrame, None, None]:
    """Decode what players show, but not again what was given before."""
    with open_media(path, identity) as container, open_media(path, identity) as other:
        stream = video_stream(container, path)  # each container has one decoder
        decoding = CarefulPass(container, stream, video_stream(other, path), path)
        with closing(decoding.frames()) as frames:
            for frame, hidden in frames:
                number = decoding.reader.number_of(frame)
                if given[number] > 0:
                    given[number] -= 1
                    continue
                yield DecodedFrame(frame, hidden, decoding.reader)
        findings.hidden, findings.lost = decoding.hidden, decoding.reader.lost()
        findings.without_picture = decoding.reader.without_picture
