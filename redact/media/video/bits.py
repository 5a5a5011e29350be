"""Reads the headers of coded pictures bit by bit."""

from __future__ import annotations

from redact.media.video.coded_streams import CannotCopy


class BitReader:
    """Reads bytes bit by bit, the highest first."""

    def __init__(self, data: bytes) -> None:
        self._bits = int.from_bytes(data)
        self._left = 8 * len(data)

    def u(self, count: int) -> int:
        """The next bits as an unsigned number.

        Raises:
            CannotCopy: There are not so many left.
        """
        if count > self._left:
            raise CannotCopy("a header ends too early")
        self._left -= count
        return (self._bits >> self._left) & ((1 << count) - 1)
