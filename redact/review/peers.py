"""Whose process is at the other end of a connection on this machine."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

# A socket of IPv6 may speak to 127.0.0.1 too, and is then in the second table alone.
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
# ::ffff:0:0/96 of RFC 4291, as the kernel writes it: in words of the machine's order.
_MAPPED = f"{0:016X}{int.from_bytes(bytes([0, 0, 255, 255]), sys.byteorder):08X}"
_TRIES, _PAUSE = 5, 0.01  # seconds; a table read while it changes can miss a row


def is_other_user(client: tuple[str, int] | None, server: tuple[str, int] | None) -> bool:
    """Whether a connection to 127.0.0.1 comes from a process of another user.

    Only Linux tells; elsewhere, and on a system that shows its tables to nobody, the answer is no.
    A connection that is not in the tables, or whose process has let go of it, is another's. So is
    any while they cannot be read: whoever asks may have used up what reading them takes.

    Args:
        client: Its address and port.
        server: The address and port that it came to.
    """
    if sys.platform != "linux":
        return False
    if client is None or server is None:
        return True
    # Both ends: one port may have several connections, each of somebody else.
    ends = (_written(client), _written(server))
    for _ in range(_TRIES):
        try:
            rows = _rows()
        except OSError:
            return True
        if rows is None:
            return False
        for local, remote, owner, inode in rows:
            if (local, remote) == ends:
                # The kernel gives a socket without a process to root, and no inode.
                return inode == 0 or owner != os.geteuid()
        time.sleep(_PAUSE)
    return True


def _written(end: tuple[str, int]) -> str:
    octets = bytes(map(int, end[0].split(".")))
    return f"{int.from_bytes(octets, sys.byteorder):08X}:{end[1]:04X}"


def _rows() -> list[tuple[str, str, int, int]] | None:
    """Local end, remote end, owner and inode of each connection; None where nothing tells.

    Raises:
        OSError: They cannot be read now.
    """
    texts = []
    for table in _TABLES:
        try:
            texts.append(table.read_text("ascii"))
        except (FileNotFoundError, PermissionError):  # none of IPv6, or none for anybody
            continue
    if not texts:
        return None
    rows = [line.split() for text in texts for line in text.splitlines()[1:]]
    return [
        (row[1].removeprefix(_MAPPED), row[2].removeprefix(_MAPPED), int(row[7]), int(row[9]))
        for row in rows
    ]
