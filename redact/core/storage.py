"""Small files of redact's own, written whole or not at all, and folders for one process alone."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

from redact.errors import UnwritableOutputError

_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
_FLAGS = os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)


def write_whole(path: Path, text: str) -> None:
    """Write a text; its name appears only when complete.

    Raises:
        UnwritableOutputError: The folder is missing, read-only or full.
    """
    tag = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:8]  # the name itself may be too long
    draft = path.with_name(f".{path.name[:40]}.{os.getpid()}.{tag}.part")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise UnwritableOutputError(f"cannot be written: {error.strerror}", path) from error
    finally:
        with suppress(OSError):
            draft.unlink()


def write_private(path: Path, content: bytes) -> None:
    """Write a file for this user alone; its name appears when all of it is on the disk.

    Raises:
        OSError: It cannot be written.
    """
    draft = path.with_name(f".{path.name}.part")
    draft.unlink(missing_ok=True)  # what a killed process left
    try:
        handle = os.open(draft, _NEW, 0o600)
        with open(handle, "wb") as file:  # noqa: PTH123 - a handle
            file.write(content)
            file.flush()
            os.fsync(handle)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    with suppress(OSError):  # some file systems cannot flush a folder
        flush(path.parent)


def flush(path: Path) -> None:
    """Make sure that a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY if path.is_dir() or os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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
