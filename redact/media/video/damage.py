"""Decodes a damaged file as players do, and says which frames cannot be trusted.

A frame cannot be trusted if its coded picture is damaged, or if it is decoded after such a picture
in the same group, up to the next key frame: it may be predicted from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

import av
from av import Packet, VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream

from redact.errors import UnreadableInputError
from redact.media.video.decoders import make_decoder
from redact.media.video.nal_units import nal_format
from redact.media.video.packets import PacketReader, mark, with_data


class CarefulPass:
    """One pass over a container's packets that goes on after damage, one picture at a time.

    Args:
        container: Open, at its start.
        stream: The video stream.
        trial: The same stream of another container, whose strict decoder tries every packet.
        path: For messages.
    """

    def __init__(
        self, container: InputContainer, stream: VideoStream, trial: VideoStream, path: Path
    ) -> None:
        self._path = path
        self._decoder = make_decoder(stream, strict=False, threads=1)
        self._trial = make_decoder(trial, strict=True, threads=1)
        codec = stream.codec_context
        self._format = nal_format(codec.codec.canonical_name, codec.extradata)
        self.reader = PacketReader(container, stream, path)
        self._trust = _Trust(self.reader)
        self.hidden = 0

    def frames(self) -> Generator[tuple[VideoFrame, bool], None, None]:
        """Decode all pictures: each frame that players show, and whether it must be hidden.

        Damaged frames before the first whole group of pictures are left out.

        Raises:
            UnreadableInputError: The container is damaged or ends too early, or no frame is whole.
        """
        whole = 0
        for packet in self.reader.packets():
            self._try(packet)
            for frame in self._decode(packet):
                number = self.reader.number_of(frame)
                if frame.is_corrupt:
                    self._trust.add_damaged(number)
                hidden = self._trust.must_be_hidden(number)
                if hidden and not self.reader.pictures[number].expected:
                    continue
                self.reader.note_frame(frame)
                self.hidden += hidden
                whole += not hidden
                yield frame, hidden
        self.reader.check_complete()
        if not whole:
            raise UnreadableInputError(
                "not one frame of its video can be decoded without damage",
                self._path,
                "try another copy of it",
            )

    def _decode(self, packet: Packet[VideoStream]) -> list[VideoFrame]:
        """The frames that come; at the end all that are left, as an error ends each attempt."""
        frames = self._decode_once(packet)
        more = frames if not packet.size else []
        while more:
            more = self._decode_once(packet)
            frames = frames + more
        return frames

    def _decode_once(self, packet: Packet[VideoStream]) -> list[VideoFrame]:
        try:
            return self._decoder.decode(cast(Any, packet))
        except av.FFmpegError:
            if packet.size:
                self._trust.add_damaged(self.reader.number_of(packet))
            return []

    def _try(self, packet: Packet[VideoStream]) -> None:
        """Note what the strict decoder says of a packet, apart from its messages."""
        if not packet.size:
            return
        number = self.reader.number_of(packet)
        if packet.is_corrupt:
            self._trust.add_damaged(number)
        if self._format is not None:
            packet = with_data(packet, self._format.without_messages(bytes(packet)))
            mark(packet, number)
        try:
            frames = self._trial.decode(cast(Any, packet))
        except av.FFmpegError:
            self._trust.add_doubtful(number)
        else:
            for frame in frames:
                if frame.is_corrupt:
                    self._trust.add_damaged(self.reader.number_of(frame))


class _Trust:
    """Which pictures can be trusted, by what is known of those before.

    Args:
        reader: Knows the pictures so far, and which of them gave frames.
    """

    def __init__(self, reader: PacketReader) -> None:
        self._reader = reader
        self._damaged: dict[int, set[int]] = defaultdict(set)
        self._doubtful: dict[int, set[int]] = defaultdict(set)

    def add_damaged(self, number: int) -> None:
        """This picture is damaged, or was not decoded."""
        self._damaged[self._reader.pictures[number].group].add(number)

    def add_doubtful(self, number: int) -> None:
        """A strict decoder refuses this picture."""
        self._doubtful[self._reader.pictures[number].group].add(number)

    def must_be_hidden(self, number: int) -> bool:
        """Whether this picture is damaged, or may be predicted from one that is.

        A leading picture is predicted from the group before, too, but none that follows it in time
        is predicted from it.
        """
        picture = self._reader.pictures[number]
        leading, before = self._bad(picture.group)
        own = leading | before if picture.leading else before
        if any(other <= number for other in own):
            return True
        return picture.leading and bool(self._bad(picture.group - 1)[1])

    def _bad(self, group: int) -> tuple[set[int], set[int]]:
        """The leading and the other pictures of a group that are damaged.

        Where a leading picture is missing, as its references are, a strict decoder also refuses
        others of the group that merely name it.
        """
        bad = self._damaged[group] | self._doubtful[group]
        leading = {number for number in bad if self._reader.pictures[number].leading}
        others = self._damaged[group] if self._reader.lacks_leading(group) else bad
        return leading, others - leading
