"""A folder that one process has for itself, until it gives it back or ends in whatever way."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

_FLAGS = os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)


def lock(folder: Path) -> int | None:
    """An open file that keeps others out of the folder until it is closed.

    None if another has it, or if somebody else may have put there what is in it.

    Raises:
        OSError: There is no such folder.
    """
    if not _is_private(os.lstat(folder)):
        return None
    path = folder / "lock"
    try:
        handle = os.open(path, _FLAGS, 0o600)
    except OSError:
        return None
    try:
        _lock_file(handle)
        if os.path.samestat(os.fstat(handle), os.lstat(path)):
            return handle
    except OSError:  # another has it, or has just removed it
        pass
    os.close(handle)
    return None


def _is_private(found: os.stat_result) -> bool:
    if not stat.S_ISDIR(found.st_mode):
        return False
    return sys.platform == "win32" or (
        found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    )


def _lock_file(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
