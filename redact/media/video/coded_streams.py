"""Coded pictures of a stream, as far as copying them needs it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from redact.core.geometry import Size
from redact.media.video.encoders import Choice


class CannotCopy(Exception):  # noqa: N818 - no error: the pictures are encoded anew
    """Why coded pictures cannot be copied."""


@dataclass(frozen=True, slots=True)
class CodedPicture:
    """One coded picture.

    Args:
        data: Its packet, without anything that is no part of it.
        starts_group: Whether decoding can begin here, and nothing later refers to anything earlier.
    """

    data: bytes
    starts_group: bool


class CodedStream(Protocol):
    """The coded pictures of a source, or of what is encoded beside them, by their codec's rules."""

    @property
    def size(self) -> Size:
        """The size of its pictures."""

    def read(self, packet: bytes) -> CodedPicture:
        """The one picture that a packet shows.

        Raises:
            CannotCopy: It holds no whole picture, more than one, or something that is not known.
        """

    def keep_apart(self, choice: Choice) -> Choice:
        """The choice for pictures that can lie in one file with these.

        Raises:
            CannotCopy: There is none.
        """

    def header(self, encoded: CodedStream | None) -> bytes | None:
        """The header of a file of these pictures and encoded ones; None for the encoder's own.

        Raises:
            CannotCopy: One decoder cannot show both.
        """

    def check_written(self, path: Path) -> None:
        """Refuse a result with copied pictures whose packets may hold more than was compared.

        Raises:
            VerificationError: They do.
        """
