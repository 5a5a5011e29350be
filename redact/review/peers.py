"""Whose process is at the other end of a connection on this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_TABLE = Path("/proc/net/tcp")


def is_other_user(client: tuple[str, int] | None) -> bool:
    """Whether a connection to 127.0.0.1 comes from a process of another user.

    Only Linux tells; elsewhere, and where its table cannot be read, the answer is no.

    Args:
        client: Its address and port.
    """
    if sys.platform != "linux" or client is None:
        return False
    try:
        lines = _TABLE.read_text("ascii").splitlines()[1:]
    except OSError:
        return False
    octets = bytes(map(int, client[0].split(".")))
    wanted = f"{int.from_bytes(octets, sys.byteorder):08X}:{client[1]:04X}"
    owners = {int(fields[7]) for fields in map(str.split, lines) if fields[1] == wanted}
    return bool(owners) and os.geteuid() not in owners
